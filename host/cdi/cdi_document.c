// SPDX-License-Identifier: GPL-2.0-or-later
/* The text of a CDI file: SPEC.md of the Container Device Interface, "CDI JSON Specification". */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/function.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/cdi/cdi.h"
#include "iommu/group.h"
#include "vfio/bind/assign.h"

#define VERSION "0.5.0"

/* The numbers of "64055:108", "64055" or ":108". */
static void add_owner(struct json_object *node, const char *owner)
{
	const char *colon = strchr(owner, ':');

	if (*owner && *owner != ':')
		json_object_object_add(node, "uid", json_object_new_int64(strtoll(owner, NULL, 10)));
	if (colon)
		json_object_object_add(node, "gid", json_object_new_int64(strtoll(colon + 1, NULL, 10)));
}

static void add_node(struct json_object *nodes, const char *path, const struct iov_cdi_access *access)
{
	struct json_object *node = json_object_new_object();

	json_add_text(node, "path", path);
	json_add_text(node, "type", "c");
	json_add_text(node, "permissions", "rw");
	if (access->mode[0])
		json_object_object_add(node, "fileMode",
				       json_object_new_int64(strtol(access->mode, NULL, 8)));
	add_owner(node, access->owner);
	json_object_array_add(nodes, node);
}

/* "IOVKIT_VFIO_0000_01_10_0=/dev/vfio/7", by which a program inside finds the device. */
static void add_variable(struct json_object *edits, const char *name, const char *path)
{
	struct json_object *variables = json_object_new_array();
	struct iov_path text = iov_path("IOVKIT_VFIO_%s", name);

	for (char *c = text.name; *c; c++) {
		if (!isalnum((unsigned char)*c))
			*c = '_';
	}
	json_array_add_new(variables, iov_path("%s=%s", text.name, path).name);
	json_object_object_add(edits, "env", variables);
}

struct json_object *iov_cdi_device(const char *name, unsigned int group, const char *node,
				   const struct iov_cdi_access *access)
{
	struct json_object *device = json_object_new_object(), *edits = json_object_new_object();
	struct json_object *nodes = json_object_new_array();
	struct iov_path path = node ? iov_path("/" IOV_PATH_DEV_VFIO "/devices/%s", node) :
				      iov_path("/" IOV_PATH_DEV_VFIO "/%u", group);

	json_add_text(device, "name", iov_path("%s%s", name, node ? "-cdev" : "").name);
	add_variable(edits, name, path.name);
	add_node(nodes, node ? "/" IOV_PATH_DEV_IOMMU : "/" IOV_PATH_DEV_VFIO "/vfio", access);
	add_node(nodes, path.name, access);
	json_object_object_add(edits, "deviceNodes", nodes);
	json_object_object_add(device, "containerEdits", edits);
	return device;
}

struct json_object *iov_cdi_document(struct json_object *devices)
{
	struct json_object *document = json_object_new_object();

	json_add_text(document, "cdiVersion", VERSION);
	json_add_text(document, "kind", IOV_CDI_KIND);
	json_object_object_add(document, "devices", devices);
	return document;
}

/* How a kernel gives devices away: by groups, by nodes of their own, or either. */
struct ways {
	bool by_group;
	bool by_node;
};

static struct ways ways_of(struct iov *iov)
{
	return (struct ways){
		.by_group = iov_sys_exists(iov, IOV_PATH_DEV_VFIO "/vfio"),
		.by_node = iov_sys_exists(iov, IOV_PATH_DEV_IOMMU),
	};
}

static void add_device(struct json_object *devices, struct ways ways, const char *name, unsigned int group,
		       const char *node, const struct iov_cdi_access *access)
{
	if (ways.by_group)
		json_object_array_add(devices, iov_cdi_device(name, group, NULL, access));
	if (ways.by_node && *node)
		json_object_array_add(devices, iov_cdi_device(name, group, node, access));
}

static void leave_out(struct iov *iov, struct json_object *left_out)
{
	if (left_out)
		json_array_add_new(left_out, iov_error_message(iov));
}

/* Errors that say nothing of a device: whether it can be given away is not known. */
static bool is_unknown(int error)
{
	return error == -ETIMEDOUT || error == -ENOMEM;
}

static int add_function(struct iov *iov, struct iov_bdf bdf, struct ways ways,
			const struct iov_cdi_access *access, struct json_object *left_out,
			struct json_object *devices)
{
	char driver[IOV_DRIVER_SIZE];
	struct iov_attachable how;
	int error = iov_pci_driver(iov, bdf, driver, sizeof(driver));

	if (error || !iov_driver_is_vfio(driver))
		return is_unknown(error) ? error : 0;
	error = iov_attach_check(iov, bdf, IOV_DRIVER_VFIO, &how);
	if (is_unknown(error))
		return error;
	if (error)
		leave_out(iov, left_out);
	else
		add_device(devices, ways, IOV_BDF(bdf), how.group, how.node, access);
	return 0;
}

static int add_functions(struct iov *iov, struct ways ways, const struct iov_cdi_access *access,
			 struct json_object *left_out, struct json_object *devices)
{
	_cleanup_free_ struct iov_bdf *functions = NULL;
	size_t count = 0;
	int error = iov_pci_list(iov, &functions, &count);

	for (size_t i = 0; !error && i < count; i++)
		error = add_function(iov, functions[i], ways, access, left_out, devices);
	return error;
}

/* The name of the one entry of a directory, "" for none. */
static void first_name(struct iov *iov, const char *path, char *name, size_t size)
{
	char **names;
	size_t count;

	*name = '\0';
	if (iov_sys_list(iov, path, &names, &count))
		return;
	if (count)
		snprintf(name, size, "%s", names[0]);
	iov_names_free(names, count);
}

static int add_mdev(struct iov *iov, const char *uuid, struct ways ways,
		     const struct iov_cdi_access *access, struct json_object *devices)
{
	char group[16], node[32], *end;
	unsigned long number;
	int error = iov_sys_link_name(iov, iov_path(IOV_PATH_MDEV_DEVICES "/%s/iommu_group", uuid).name,
				      group, sizeof(group));

	if (error)
		return is_unknown(error) ? error : 0;
	number = strtoul(group, &end, 10);
	if (*end || end == group)
		return 0;
	first_name(iov, iov_path(IOV_PATH_MDEV_DEVICES "/%s/vfio-dev", uuid).name, node, sizeof(node));
	add_device(devices, ways, uuid, (unsigned int)number, node, access);
	return 0;
}

/* Without mediated devices there is no such bus. */
static int add_mdevs(struct iov *iov, struct ways ways, const struct iov_cdi_access *access,
		     struct json_object *devices)
{
	char **names;
	size_t count;
	int error = iov_sys_list(iov, IOV_PATH_MDEV_DEVICES, &names, &count);

	if (error)
		return is_unknown(error) ? error : 0;
	for (size_t i = 0; !error && i < count; i++)
		error = add_mdev(iov, names[i], ways, access, devices);
	iov_names_free(names, count);
	return error;
}

int iov_cdi_collect(struct iov *iov, const struct iov_cdi_access *access, struct json_object **left_out,
		    struct json_object **devices)
{
	struct ways ways = ways_of(iov);
	int error;

	iov_forget_error(iov);
	*devices = json_object_new_array();
	if (left_out)
		*left_out = json_object_new_array();
	error = add_functions(iov, ways, access, left_out ? *left_out : NULL, *devices);
	if (!error)
		error = add_mdevs(iov, ways, access, *devices);
	return error && !*iov_error_message(iov) ? iov_told(iov, error, "what VFIO has cannot be read: %s",
							    strerror(-error)) : error;
}
