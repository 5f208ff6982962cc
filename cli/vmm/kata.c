// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kata Containers: annotations of a container that name devices of the Container Device Interface
 * (CDI) and have them plugged in before its guest starts; or the CDI file that has these devices,
 * by the lowest version of that format that has names which begin with a digit.
 */
#include <limits.h>
#include <stdio.h>

#include "base/sysroot/paths.h"
#include "cli/vmm/vmm.h"

#define CDI_KIND "iovkit.org/vfio"
#define NAME_SIZE (sizeof(((struct vmm_item *)0)->name) + sizeof("-cdev"))
#define CDI_VERSION "0.5.0"

/* "0000:01:10.0", or by its own node "0000:01:10.0-cdev" */
static void name_device(const struct vmm_item *item, char *text, size_t size)
{
	snprintf(text, size, "%s%s", item->name, item->by_iommufd ? "-cdev" : "");
}

static void emit_annotations(const struct vmm_set *set, struct json_object *out)
{
	char name[NAME_SIZE];

	vmm_option(out, "--annotation", "io.katacontainers.config.hypervisor.cold_plug_vfio=root-port");
	for (size_t i = 0; i < set->count; i++) {
		name_device(&set->items[i], name, sizeof(name));
		vmm_option(out, "--annotation", "cdi.k8s.io/vfio%zu=" CDI_KIND "=%s", i, name);
	}
}

static void add_node(struct json_object *nodes, const char *path)
{
	struct json_object *node = json_object_new_object();

	json_object_object_add(node, "path", json_object_new_string(path));
	json_object_object_add(node, "permissions", json_object_new_string("rw"));
	json_object_array_add(nodes, node);
}

static struct json_object *nodes_of(const struct vmm_item *item)
{
	struct json_object *nodes = json_object_new_array();

	if (item->by_iommufd) {
		add_node(nodes, "/" IOV_PATH_DEV_IOMMU);
		add_node(nodes, iov_path("/" IOV_PATH_DEV_VFIO "/devices/%s", item->how.node).name);
	} else {
		add_node(nodes, "/" IOV_PATH_DEV_VFIO "/vfio");
		add_node(nodes, iov_path("/" IOV_PATH_DEV_VFIO "/%u", item->how.group).name);
	}
	return nodes;
}

static struct json_object *device_of(const struct vmm_item *item)
{
	struct json_object *device = json_object_new_object(), *edits = json_object_new_object();
	char name[NAME_SIZE];

	name_device(item, name, sizeof(name));
	json_object_object_add(device, "name", json_object_new_string(name));
	json_object_object_add(edits, "deviceNodes", nodes_of(item));
	json_object_object_add(device, "containerEdits", edits);
	return device;
}

static void emit_file(const struct vmm_set *set, struct json_object *out)
{
	struct json_object *file = json_object_new_object(), *devices = json_object_new_array();

	for (size_t i = 0; i < set->count; i++)
		json_object_array_add(devices, device_of(&set->items[i]));
	json_object_object_add(file, "cdiVersion", json_object_new_string(CDI_VERSION));
	json_object_object_add(file, "kind", json_object_new_string(CDI_KIND));
	json_object_object_add(file, "devices", devices);
	json_object_array_add(out, file);
}

static const struct vmm_format formats[] = {
	{ "args", VMM_ARGUMENTS, NULL, emit_annotations },
	{ "json", VMM_DOCUMENTS, NULL, emit_file },
	{ 0 },
};

#define OWN "it makes those of its guests itself; give the container a function"

const struct vmm vmm_kata = {
	.name = "kata",
	.title = "Kata Containers",
	.ask = (const char *const[]){ "kata-runtime", "--version", NULL },
	.way = IOV_DRIVER_VFIO,
	.takes = {
		/* The setting of that name. */
		[VMM_FUNCTION] = { .since = { 3, 2 } },
		[VMM_MDEV] = { .refusal = OWN },
		[VMM_VDPA] = { .refusal = OWN },
		[VMM_PORT] = { .refusal = OWN },
		[VMM_DISK] = { .refusal = OWN },
	},
	.domain_max = UINT_MAX,
	.iommufd_since = { 0 },
	.formats = formats,
};
