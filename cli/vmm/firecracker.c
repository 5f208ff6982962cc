// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Firecracker: bodies of requests to /drives/ID of its API.  It shares the guest's memory by
 * itself when a drive has a socket, and hands flushes on for "Writeback" alone.
 */
#include <limits.h>

#include "cli/vmm/vmm.h"

/* The sign that it takes besides letters and digits is the underscore. */
static struct json_object *drive_id(const struct vmm_item *item)
{
	char id[sizeof(item->id)];
	size_t i;

	for (i = 0; item->id[i]; i++)
		id[i] = item->id[i] == '-' ? '_' : item->id[i];
	id[i] = '\0';
	return json_object_new_string(id);
}

static void emit(const struct vmm_set *set, struct json_object *out)
{
	for (size_t i = 0; i < set->count; i++) {
		struct json_object *drive = json_object_new_object();

		json_object_object_add(drive, "drive_id", drive_id(&set->items[i]));
		json_object_object_add(drive, "is_root_device", json_object_new_boolean(false));
		json_object_object_add(drive, "cache_type", json_object_new_string("Writeback"));
		json_object_object_add(drive, "socket", json_object_new_string(set->items[i].socket));
		json_object_array_add(out, drive);
	}
}

static const struct vmm_format formats[] = {
	{ "json", VMM_DOCUMENTS, NULL, emit },
	{ 0 },
};

#define NO_VFIO "it has no VFIO; give it a disk of iovd, or take --vmm cloud-hypervisor"

const struct vmm vmm_firecracker = {
	.name = "firecracker",
	.title = "Firecracker",
	.ask = (const char *const[]){ "firecracker", "--version", NULL },
	.way = IOV_DRIVER_VFIO,
	.takes = {
		[VMM_FUNCTION] = { .refusal = NO_VFIO },
		[VMM_MDEV] = { .refusal = NO_VFIO },
		[VMM_VDPA] = { .refusal = "its NICs are TAP devices; take --vmm cloud-hypervisor" },
		[VMM_PORT] = { .refusal = "its NICs are TAP devices; take --vmm cloud-hypervisor, or "
			"have a TAP device and an uplink on it" },
		[VMM_DISK] = { .since = { 1, 6 }, .connects = true },
	},
	.domain_max = UINT_MAX,
	.iommufd_since = { UINT_MAX, 0 },
	.failover_since = { UINT_MAX, 0 },
	.formats = formats,
};
