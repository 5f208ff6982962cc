// SPDX-License-Identifier: GPL-2.0-or-later
/* kvmtool: arguments of lkvm run. */
#include <errno.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdint.h>

#include "base/pci/pci_config.h"
#include "cli/vmm/vmm.h"

#define CLASS_NVME 0x010802

static void emit(const struct vmm_set *set, struct json_object *out)
{
	for (size_t i = 0; i < set->count; i++)
		vmm_option(out, "--vfio-pci", "%s", IOV_BDF(set->items[i].bdf));
}

/* Whether the MSI-X table is in BAR 0, which is assumed of a function that does not tell. */
static bool table_is_in_bar0(const struct vmm_set *set, struct iov_bdf bdf)
{
	struct iov_config config;
	unsigned int msix;

	if (iov_config_read(set->iov, bdf, &config, IOV_CONFIG_CONVENTIONAL))
		return true;
	msix = iov_config_find(&config, PCI_CAP_ID_MSIX, false);
	return !msix || !(iov_config_u32(&config, msix + PCI_MSIX_TABLE) & PCI_MSIX_TABLE_BIR);
}

/* It does not map the BAR that has the MSI-X table; the registers of NVMe are in BAR 0. */
static int check(const struct vmm_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct vmm_item *item = &set->items[i];
		int64_t class_code = 0;

		iov_pci_number(set->iov, item->bdf, "class", &class_code);
		if (class_code == CLASS_NVME && table_is_in_bar0(set, item->bdf))
			return iov_fail(set->iov, -ENOTSUP, "%s: kvmtool does not map the BAR that has "
					"the MSI-X table, and the registers of an NVMe controller are "
					"in the same one: it would be dead in the guest; take --vmm "
					"qemu", item->name);
	}
	return 0;
}

static const struct vmm_format formats[] = {
	{ "args", VMM_ARGUMENTS, NULL, emit },
	{ 0 },
};

#define NO_FRONT_END "it has no vhost-user front end; take --vmm qemu"

const struct vmm vmm_kvmtool = {
	.name = "kvmtool",
	.title = "kvmtool",
	.way = IOV_DRIVER_VFIO,
	.takes = {
		[VMM_MDEV] = { .refusal = "it looks for PCI addresses alone; take --vmm qemu" },
		[VMM_VDPA] = { .refusal = "it has no vhost-vdpa; take --vmm qemu" },
		[VMM_PORT] = { .refusal = NO_FRONT_END },
		[VMM_DISK] = { .refusal = NO_FRONT_END },
	},
	.domain_max = UINT16_MAX,
	.iommufd_since = { UINT_MAX, 0 },
	.failover_since = { UINT_MAX, 0 },
	.check = check,
	.formats = formats,
};
