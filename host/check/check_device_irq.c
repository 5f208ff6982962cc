// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts of a function: "interrupts", "intx". */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"

static unsigned int msi_vectors(const struct iov_config *config)
{
	unsigned int at = iov_config_find(config, PCI_CAP_ID_MSI, false);

	return at ? 1u << ((iov_config_u16(config, at + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_QMASK) >> 1)
		  : 0;
}

static unsigned int msix_vectors(const struct iov_config *config)
{
	unsigned int at = iov_config_find(config, PCI_CAP_ID_MSIX, false);

	return at ? (iov_config_u16(config, at + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1u : 0;
}

/* Whether its driver turned MSI or MSI-X on, so that it raises no INTx. */
static bool msi_enabled(const struct iov_config *config)
{
	unsigned int msi = iov_config_find(config, PCI_CAP_ID_MSI, false);
	unsigned int msix = iov_config_find(config, PCI_CAP_ID_MSIX, false);

	return (msi && iov_config_u16(config, msi + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_ENABLE) ||
	       (msix && iov_config_u16(config, msix + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_ENABLE);
}

static unsigned int pin(const struct iov_config *config)
{
	return config->length > PCI_INTERRUPT_PIN ? config->bytes[PCI_INTERRUPT_PIN] : 0;
}

static void check_vectors(struct checks *checks, const struct check_function *function)
{
	unsigned int msi = msi_vectors(&function->config), msix = msix_vectors(&function->config);

	if (function->hidden) {
		check_line(checks, "interrupts", CHECK_SKIP, "capabilities are for root only");
		return;
	}
	if (msi || msix) {
		check_line(checks, "interrupts", CHECK_OK, "%u MSI-X and %u MSI vectors", msix, msi);
	} else if (pin(&function->config)) {
		check_line(checks, "interrupts", CHECK_WARN, "INTx only: each interrupt is masked "
			   "and unmasked by the host, and posted to no guest");
		check_remedy(checks, "nothing cures it but another device; see the check intx for "
			     "the line that it shares");
	} else {
		check_line(checks, "interrupts", CHECK_OK, "it raises none");
	}
	check_evidence(checks, iov_pci_path(function->bdf, "config").name,
		       "MSI-X %u, MSI %u, interrupt pin %c", msix, msi,
		       pin(&function->config) ? '@' + (char)pin(&function->config) : '-');
}

/* Other functions that raise INTx on the same line. */
static struct json_object *sharers(struct checks *checks, const struct check_function *function,
				   int64_t irq)
{
	struct json_object *others = json_object_new_array();
	_cleanup_free_ struct iov_bdf *list = NULL;
	struct iov_config config;
	size_t count = 0;
	int64_t other;

	if (iov_pci_list(checks->iov, &list, &count))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!iov_bdf_compare(list[i], function->bdf) ||
		    iov_pci_number(checks->iov, list[i], "irq", &other) || other != irq ||
		    iov_config_read(checks->iov, list[i], &config, IOV_CONFIG_CONVENTIONAL) ||
		    !pin(&config) || msi_enabled(&config))
			continue;
		json_object_array_add(others, json_object_new_string(IOV_BDF(list[i])));
	}
	return others;
}

static void judge_line(struct checks *checks, const struct check_function *function, int64_t irq)
{
	_cleanup_json_ struct json_object *others = sharers(checks, function, irq);
	struct iov_path path = iov_path(IOV_PATH_IRQS "/%lld/actions", (long long)irq);
	bool msi = msi_vectors(&function->config) || msix_vectors(&function->config);
	char actions[256];

	if (!json_object_array_length(others)) {
		check_line(checks, "intx", CHECK_OK, "line %lld, not shared", (long long)irq);
	} else if (msi) {
		check_line(checks, "intx", CHECK_OK, "line %lld is shared with %s; a guest's driver "
			   "that uses MSI does not need it", (long long)irq,
			   check_names(others).text);
	} else {
		check_line(checks, "intx", CHECK_WARN, "line %lld is shared with %s",
			   (long long)irq, check_names(others).text);
		check_remedy(checks, "VFIO can share it when the device is able to mask INTx (PCI "
			     "2.3); if a VMM says it cannot, take the others off the line: 'iov "
			     "unbind' them, or use another slot");
	}
	check_evidence(checks, iov_pci_path(function->bdf, "irq").name, "%lld", (long long)irq);
	if (!iov_sys_read(checks->iov, path.name, actions, sizeof(actions)))
		check_evidence(checks, path.name, "%s", *actions ? actions : "no handler");
}

static void check_intx(struct checks *checks, const struct check_function *function)
{
	int64_t irq;

	if (function->vf || !pin(&function->config)) {
		check_line(checks, "intx", CHECK_SKIP, "%s has no INTx",
			   function->vf ? "a VF" : "it");
		check_evidence(checks, iov_pci_path(function->bdf, "config").name,
			       "interrupt pin 0");
	} else if (msi_enabled(&function->config)) {
		check_line(checks, "intx", CHECK_OK, "not in use: its driver has MSI");
		check_evidence(checks, iov_pci_path(function->bdf, "config").name,
			       "MSI or MSI-X enabled");
	} else if (iov_pci_number(checks->iov, function->bdf, "irq", &irq) || !irq) {
		check_line(checks, "intx", CHECK_SKIP, "no line is routed to it");
		check_evidence(checks, iov_pci_path(function->bdf, "irq").name, "0 or absent");
	} else {
		judge_line(checks, function, irq);
	}
}

void check_device_interrupts(struct checks *checks, const struct check_function *function)
{
	check_vectors(checks, function);
	check_intx(checks, function);
}
