// SPDX-License-Identifier: GPL-2.0-or-later
/* crosvm, whose memory is always shared.  It has no option for a MAC address. */
#include <limits.h>

#include "cli/vmm/vmm.h"

static void emit(const struct vmm_set *set, struct json_object *out)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct vmm_item *item = &set->items[i];

		if (item->kind == VMM_PORT || item->kind == VMM_DISK)
			vmm_option(out, "--vhost-user", "type=%s,socket=%s",
				   item->kind == VMM_PORT ? "net" : "block", item->socket);
		else
			vmm_option(out, "--vfio", "%s", vmm_directory(item).name);
	}
}

static const struct vmm_format formats[] = {
	{ "args", VMM_ARGUMENTS, VMM_SHELL ",=", emit },
	{ 0 },
};

const struct vmm vmm_crosvm = {
	.name = "crosvm",
	.title = "crosvm",
	.way = IOV_DRIVER_VFIO,
	.takes = {
		[VMM_VDPA] = { .refusal = "give it the function by VFIO instead, or take --vmm qemu" },
		[VMM_PORT] = { .connects = true, .own_mac = true },
		[VMM_DISK] = { .connects = true },
	},
	.domain_max = UINT_MAX,
	.iommufd_since = { UINT_MAX, 0 },
	.failover_since = { UINT_MAX, 0 },
	.formats = formats,
};
