// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Xen: lines of a domain's configuration for xl, whose comments are commands of before.  xl takes
 * what pciback has; "xl pci-assignable-add" of such a function keeps its DMA from the host.
 */
#include <limits.h>
#include <stdint.h>

#include "cli/vmm/vmm.h"

static void emit(const struct vmm_set *set, struct json_object *out)
{
	vmm_say(out, "# Before the guest starts:");
	for (size_t i = 0; i < set->count; i++)
		vmm_say(out, "#   xl pci-assignable-add %s", IOV_BDF(set->items[i].bdf));
	vmm_say(out, "pci = [");
	for (size_t i = 0; i < set->count; i++)
		vmm_say(out, "    '%s',", IOV_BDF(set->items[i].bdf));
	vmm_say(out, "]");
}

static const struct vmm_format formats[] = {
	{ "config", VMM_LINES, NULL, emit },
	{ 0 },
};

#define NO_VFIO "it has no VFIO; give the guest a function"
#define NO_VIRTIO "its guests have front ends of Xen, not of virtio; give the guest a function"

const struct vmm vmm_xen = {
	.name = "xen",
	.title = "Xen",
	.way = IOV_DRIVER_PCIBACK,
	.takes = {
		[VMM_MDEV] = { .refusal = NO_VFIO },
		[VMM_VDPA] = { .refusal = NO_VIRTIO },
		[VMM_PORT] = { .refusal = NO_VIRTIO },
		[VMM_DISK] = { .refusal = NO_VIRTIO },
	},
	.domain_max = UINT16_MAX,
	.iommufd_since = { UINT_MAX, 0 },
	.failover_since = { UINT_MAX, 0 },
	.formats = formats,
};
