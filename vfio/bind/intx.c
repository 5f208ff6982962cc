// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio/bind/intx.h"

#include <linux/pci_regs.h>
#include <stdlib.h>

#include "base/cleanup.h"

unsigned int iov_intx_pin(const struct iov_config *config)
{
	return config->length > PCI_INTERRUPT_PIN ? config->bytes[PCI_INTERRUPT_PIN] : 0;
}

bool iov_intx_replaced(const struct iov_config *config)
{
	unsigned int msi = iov_config_find(config, PCI_CAP_ID_MSI, false);
	unsigned int msix = iov_config_find(config, PCI_CAP_ID_MSIX, false);

	return (msi && iov_config_u16(config, msi + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_ENABLE) ||
	       (msix && iov_config_u16(config, msix + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_ENABLE);
}

struct json_object *iov_intx_sharers(struct iov *iov, struct iov_bdf bdf, int64_t irq)
{
	struct json_object *others = json_object_new_array();
	_cleanup_free_ struct iov_bdf *list = NULL;
	struct iov_config config;
	size_t count = 0;
	int64_t other;

	if (iov_pci_list(iov, &list, &count))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!iov_bdf_compare(list[i], bdf) ||
		    iov_pci_number(iov, list[i], "irq", &other) || other != irq ||
		    iov_config_read(iov, list[i], &config, IOV_CONFIG_CONVENTIONAL) ||
		    !iov_intx_pin(&config) || iov_intx_replaced(&config))
			continue;
		json_object_array_add(others, json_object_new_string(IOV_BDF(list[i])));
	}
	return others;
}
