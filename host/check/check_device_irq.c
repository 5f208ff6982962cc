// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts of a function: "interrupts", "intx". */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"
#include "vfio/bind/intx.h"

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

static void check_vectors(struct checks *checks, const struct check_function *function)
{
	unsigned int msi = msi_vectors(&function->config), msix = msix_vectors(&function->config);

	if (function->hidden) {
		check_line(checks, "interrupts", CHECK_SKIP, "%s",
			   check_hidden(function));
		return;
	}
	if (msi || msix) {
		check_line(checks, "interrupts", CHECK_OK, "%u MSI-X and %u MSI vectors", msix, msi);
	} else if (iov_intx_pin(&function->config)) {
		check_line(checks, "interrupts", CHECK_WARN, "INTx only: each interrupt is masked "
			   "and unmasked by the host, and posted to no guest");
		check_remedy(checks, "nothing cures it but another device; see the check intx for "
			     "the line that it shares");
	} else {
		check_line(checks, "interrupts", CHECK_OK, "it raises none");
	}
	check_evidence(checks, iov_pci_path(function->bdf, "config").name,
		       "MSI-X %u, MSI %u, interrupt pin %c", msix, msi,
		       iov_intx_pin(&function->config) ? '@' + (char)iov_intx_pin(&function->config) : '-');
}

static void judge_line(struct checks *checks, const struct check_function *function, int64_t irq)
{
	_cleanup_json_ struct json_object *others = iov_intx_sharers(checks->iov,
								      function->bdf, irq);
	struct iov_path path = iov_path(IOV_PATH_IRQS "/%lld/actions", (long long)irq);
	char actions[256];

	if (check_reason(checks, function, "intx", "intx")) {
		/* The verdict has the words. */
	} else if (!json_object_array_length(others)) {
		check_line(checks, "intx", CHECK_OK, "line %lld, not shared", (long long)irq);
	} else {
		check_line(checks, "intx", CHECK_OK, "line %lld is shared with %s; a guest's driver "
			   "that uses MSI does not need it", (long long)irq,
			   check_names(others).text);
	}
	check_evidence(checks, iov_pci_path(function->bdf, "irq").name, "%lld", (long long)irq);
	if (!iov_sys_read(checks->iov, path.name, actions, sizeof(actions)))
		check_evidence(checks, path.name, "%s", *actions ? actions : "no handler");
}

static void check_intx(struct checks *checks, const struct check_function *function)
{
	int64_t irq;

	if (function->config_error) {
		check_line(checks, "intx", CHECK_SKIP, "%s", check_hidden(function));
	} else if (function->vf || !iov_intx_pin(&function->config)) {
		check_line(checks, "intx", CHECK_SKIP, "%s has no INTx",
			   function->vf ? "a VF" : "it");
		check_evidence(checks, iov_pci_path(function->bdf, "config").name,
			       "interrupt pin 0");
	} else if (iov_intx_replaced(&function->config)) {
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
