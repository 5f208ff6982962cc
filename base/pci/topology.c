// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/pci/topology.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "base/pci/kind.h"
#include "base/pci/pci_config.h"

#define ACS_NEEDED (PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)
#define HEADER_MULTIFUNCTION 0x80

/* The link leads through all bridges: "../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0" */
size_t iov_pci_ancestors(struct iov *iov, struct iov_bdf bdf, struct iov_bdf *ancestors)
{
	char target[IOV_PATH_MAX], *rest = target, *name;
	size_t count = 0;

	if (iov_sys_link(iov, iov_pci_path(bdf, "").name, target, sizeof(target)))
		return 0;
	while ((name = strsep(&rest, "/"))) {
		struct iov_bdf found;

		if (rest && strncmp(name, "pci", 3) && strchr(name, ':') &&
		    count < IOV_ANCESTORS_MAX && iov_bdf_scan(name, &found))
			ancestors[count++] = found;
	}
	return count;
}

int iov_pci_slot(struct iov *iov, struct iov_bdf bdf, struct iov_bdf **list, size_t *count)
{
	struct iov_bdf pf;
	size_t all = 0;
	int error = iov_pci_list(iov, list, &all);

	*count = 0;
	if (error)
		return error;
	for (size_t i = 0; i < all; i++) {
		const struct iov_bdf other = (*list)[i];

		if (other.domain == bdf.domain && other.bus == bdf.bus && other.device == bdf.device &&
		    iov_pci_link(iov, other, "physfn", &pf))
			(*list)[(*count)++] = other;
	}
	return 0;
}

bool iov_pci_is_below(struct iov *iov, struct iov_bdf bdf, struct iov_bdf above)
{
	struct iov_bdf ancestors[IOV_ANCESTORS_MAX];
	size_t count = iov_pci_ancestors(iov, bdf, ancestors);

	while (count--) {
		if (!iov_bdf_compare(ancestors[count], above))
			return true;
	}
	return false;
}

bool iov_pci_controller(struct iov *iov, struct iov_bdf bdf, struct iov_bdf *controller)
{
	struct iov_bdf ancestors[IOV_ANCESTORS_MAX];
	size_t count = iov_pci_ancestors(iov, bdf, ancestors);

	while (count--) {
		*controller = ancestors[count];
		if (controller->domain != bdf.domain)
			return true;
	}
	return false;
}

static enum iov_acs read_acs(const struct iov_config *config)
{
	unsigned int at = iov_config_find(config, PCI_EXT_CAP_ID_ACS, true);
	unsigned int needed;

	if (!at)
		return config->length > PCI_CFG_SPACE_SIZE ? IOV_ACS_ABSENT : IOV_ACS_UNKNOWN;
	needed = ACS_NEEDED & iov_config_u16(config, at + PCI_ACS_CAP);
	return (iov_config_u16(config, at + PCI_ACS_CTRL) & needed) == needed ? IOV_ACS_ON :
										IOV_ACS_OFF;
}

/* Only function 0 has to say so; VFs have function numbers without being functions. */
static bool is_multifunction(struct iov *iov, struct iov_bdf bdf, const struct iov_config *config)
{
	if (iov_sys_exists(iov, iov_pci_path(bdf, "physfn").name))
		return false;
	return bdf.function || iov_config_u16(config, PCI_HEADER_TYPE) & HEADER_MULTIFUNCTION;
}

void iov_node_read(struct iov *iov, struct iov_bdf bdf, struct iov_node *node)
{
	bool bridge = iov_pci_is_bridge(iov, bdf);
	struct iov_config config;
	unsigned int express, type;

	*node = (struct iov_node){ .bdf = bdf, .acs = IOV_ACS_UNKNOWN };
	node->error = iov_config_read(iov, bdf, &config, IOV_CONFIG_EXTENDED);
	if (node->error)
		return;
	node->multifunction = is_multifunction(iov, bdf, &config);
	if (config.length <= PCI_STD_HEADER_SIZEOF)
		return;
	express = iov_config_find(&config, PCI_CAP_ID_EXP, false);
	if (!express) {
		node->legacy = bridge;
		node->acs = IOV_ACS_ABSENT;
		return;
	}
	type = (iov_config_u16(&config, express + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE) >> 4;
	node->legacy = type == PCI_EXP_TYPE_PCI_BRIDGE;
	node->port = type == PCI_EXP_TYPE_ROOT_PORT || type == PCI_EXP_TYPE_DOWNSTREAM;
	node->acs = node->port || node->multifunction ? read_acs(&config) : IOV_ACS_ON;
	if (node->legacy)
		node->acs = IOV_ACS_ABSENT;
}
