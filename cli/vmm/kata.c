// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kata Containers: annotations of a container that name devices of the Container Device Interface
 * (CDI) and have them plugged in before its guest starts; or the CDI file that has these devices.
 */
#include <limits.h>
#include <stdio.h>

#include "cli/vmm/vmm.h"
#include "host/cdi/cdi.h"

#define NAME_SIZE (sizeof(((struct vmm_item *)0)->name) + sizeof("-cdev"))

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
		vmm_option(out, "--annotation", "cdi.k8s.io/vfio%zu=" IOV_CDI_KIND "=%s", i, name);
	}
}

static void emit_file(const struct vmm_set *set, struct json_object *out)
{
	const struct iov_cdi_access access = { 0 };
	struct json_object *devices = json_object_new_array();

	for (size_t i = 0; i < set->count; i++) {
		const struct vmm_item *item = &set->items[i];

		json_object_array_add(devices, iov_cdi_device(item->name, item->how.group,
							      item->by_iommufd ? item->how.node : NULL,
							      &access));
	}
	json_object_array_add(out, iov_cdi_document(devices));
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
	.failover_since = { UINT_MAX, 0 },
	.formats = formats,
};
