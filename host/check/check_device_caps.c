// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Capabilities of a function: "ats", "pri", "pasid", "ari", "resizable-bar", "mr-iov",
 * "sr-iov" and room for its VFs.
 */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>

#include "base/pci/topology.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"

static unsigned int extended(const struct check_function *function, unsigned int id)
{
	return iov_config_find(&function->config, id, true);
}

static void config_evidence(struct checks *checks, const struct check_function *function,
			    const char *value)
{
	check_evidence(checks, iov_pci_path(function->bdf, "config").name, "%s", value);
}

/* The three of address translation by the device; none of them is needed. */
static void check_translation(struct checks *checks, const struct check_function *function)
{
	static const struct {
		const char *name;
		const char *title;
		unsigned int id, control, enable;
	} capabilities[] = {
		{ "ats", "ATS", PCI_EXT_CAP_ID_ATS, PCI_ATS_CTRL, PCI_ATS_CTRL_ENABLE },
		{ "pri", "PRI", PCI_EXT_CAP_ID_PRI, PCI_PRI_CTRL, PCI_PRI_CTRL_ENABLE },
		{ "pasid", "PASID", PCI_EXT_CAP_ID_PASID, PCI_PASID_CTRL, PCI_PASID_CTRL_ENABLE },
	};

	for (size_t i = 0; i < sizeof(capabilities) / sizeof(*capabilities); i++) {
		unsigned int at = extended(function, capabilities[i].id);
		bool on = at && iov_config_u16(&function->config, at + capabilities[i].control) &
				capabilities[i].enable;

		if (at)
			check_line(checks, capabilities[i].name, CHECK_OK, "there, %s",
				   on ? "enabled" : "not enabled");
		else
			check_line(checks, capabilities[i].name, CHECK_SKIP, "none%s",
				   function->vf && i ? " of its own: a VF shares that of its PF" :
						       "");
		check_evidence(checks, iov_pci_path(function->bdf, "config").name, "%s %s",
			       capabilities[i].title, !at ? "absent" : on ? "enabled" : "disabled");
	}
}

enum forwarding { FORWARDING_UNKNOWN, FORWARDING_NONE, FORWARDING_OFF, FORWARDING_ON };

/* Whether the port above passes on routing IDs with eight bits of function. */
static enum forwarding read_forwarding(struct checks *checks, const struct iov_bdf *port)
{
	struct iov_config config;
	unsigned int express;

	if (iov_config_read(checks->iov, *port, &config, IOV_CONFIG_CONVENTIONAL) ||
	    config.length <= PCI_STD_HEADER_SIZEOF)
		return FORWARDING_UNKNOWN;
	express = iov_config_find(&config, PCI_CAP_ID_EXP, false);
	if (!express ||
	    !(iov_config_u32(&config, express + PCI_EXP_DEVCAP2) & PCI_EXP_DEVCAP2_ARI))
		return FORWARDING_NONE;
	return iov_config_u16(&config, express + PCI_EXP_DEVCTL2) & PCI_EXP_DEVCTL2_ARI ?
	       FORWARDING_ON : FORWARDING_OFF;
}

static void check_ari(struct checks *checks, const struct check_function *function)
{
	static const char *const names[] = { "unknown", "not there", "off", "on" };
	struct iov_bdf ancestors[IOV_ANCESTORS_MAX];
	size_t depth = iov_pci_ancestors(checks->iov, function->bdf, ancestors);
	enum forwarding forwarding;
	bool many = iov_sys_exists(checks->iov,
				   iov_pci_path(function->bdf, "sriov_totalvfs").name);

	if (!extended(function, PCI_EXT_CAP_ID_ARI)) {
		check_line(checks, "ari", CHECK_SKIP, "none");
		config_evidence(checks, function, "ARI absent");
		return;
	}
	if (!depth) {
		check_line(checks, "ari", CHECK_OK, "there; it is on a root bus, with no port above");
		config_evidence(checks, function, "ARI present");
		return;
	}
	forwarding = read_forwarding(checks, &ancestors[depth - 1]);
	if (many && (forwarding == FORWARDING_NONE || forwarding == FORWARDING_OFF)) {
		check_line(checks, "ari", CHECK_WARN, "port %s does not forward it: VFs take more "
			   "bus numbers", IOV_BDF(ancestors[depth - 1]));
		check_remedy(checks, "%s", forwarding == FORWARDING_NONE ?
			     "use a slot whose port forwards ARI" :
			     "turn 'ARI' ('ARI Forwarding') on in the firmware, and remove "
			     "pci=noari from the kernel command line");
	} else {
		check_line(checks, "ari", CHECK_OK, "there; forwarding by the port above: %s",
			   names[forwarding]);
	}
	config_evidence(checks, function, "ARI present");
	check_evidence(checks, iov_pci_path(ancestors[depth - 1], "config").name,
		       "ARI forwarding %s", names[forwarding]);
}

/* PCIe Base 6.0, section 7.8.6: pairs of registers, one pair a BAR */
static void check_resizable(struct checks *checks, const struct check_function *function)
{
	unsigned int at = extended(function, PCI_EXT_CAP_ID_REBAR), count, length = 0;
	const struct iov_config *config = &function->config;
	char text[256] = "";

	if (!at) {
		check_line(checks, "resizable-bar", CHECK_SKIP, "none");
		config_evidence(checks, function, "resizable BAR absent");
		return;
	}
	count = (iov_config_u32(config, at + PCI_REBAR_CTRL) & PCI_REBAR_CTRL_NBAR_MASK) >>
		PCI_REBAR_CTRL_NBAR_SHIFT;
	for (unsigned int i = 0; i < count && i < 6 && length < sizeof(text); i++) {
		uint32_t sizes = iov_config_u32(config, at + PCI_REBAR_CAP + 8 * i) >> 4;
		uint32_t control = iov_config_u32(config, at + PCI_REBAR_CTRL + 8 * i);
		unsigned int now = (control & PCI_REBAR_CTRL_BAR_SIZE) >> 8;
		unsigned int most = sizes ? 31 - (unsigned int)__builtin_clz(sizes) : now;

		length += (unsigned int)snprintf(text + length, sizeof(text) - length,
						 "%sBAR %u is %s of at most %s", i ? ", " : "",
						 control & PCI_REBAR_CTRL_BAR_IDX,
						 check_size(1ull << (now + 20)).text,
						 check_size(1ull << (most + 20)).text);
	}
	check_line(checks, "resizable-bar", CHECK_OK, "%s; a guest gets the size of now", text);
	config_evidence(checks, function, text);
}

static void check_multi_root(struct checks *checks, const struct check_function *function)
{
	bool present = extended(function, PCI_EXT_CAP_ID_MRIOV);

	if (present)
		check_line(checks, "mr-iov", CHECK_OK, "there; Linux does not use it, VFs come from "
			   "SR-IOV");
	else
		check_line(checks, "mr-iov", CHECK_SKIP, "none");
	config_evidence(checks, function, present ? "MR-IOV present" : "MR-IOV absent");
}

static void check_sriov(struct checks *checks, const struct check_function *function)
{
	unsigned int at = extended(function, PCI_EXT_CAP_ID_SRIOV), total;
	int64_t driver_total;

	if (!at) {
		check_line(checks, "sr-iov", CHECK_SKIP, function->vf ? "it is a VF" : "none");
		config_evidence(checks, function, "SR-IOV absent");
		return;
	}
	total = iov_config_u16(&function->config, at + PCI_SRIOV_TOTAL_VF);
	if (iov_pci_number(checks->iov, function->bdf, "sriov_totalvfs", &driver_total))
		driver_total = total;
	if (total) {
		check_line(checks, "sr-iov", CHECK_OK, "%lld VFs at most, %u now",
			   (long long)driver_total,
			   iov_pci_vf_count(checks->iov, function->bdf));
	} else {
		check_line(checks, "sr-iov", CHECK_WARN, "the device is set to give no VFs");
		check_remedy(checks, "turn 'SR-IOV' on in the device's page of the firmware setup, "
			     "or by its vendor's tool: 'mlxconfig -d %s set SRIOV_EN=1 "
			     "NUM_OF_VFS=8', 'bnxtnvm', 'nvme virt-mgmt'; then turn the host off "
			     "and on", function->name.text);
	}
	check_evidence(checks, iov_pci_path(function->bdf, "config").name, "TotalVFs %u", total);
	if (driver_total != total)
		check_evidence(checks, iov_pci_path(function->bdf, "sriov_totalvfs").name, "%lld",
			       (long long)driver_total);
}

void check_capabilities(struct checks *checks, const struct check_function *function)
{
	if (function->hidden) {
		check_line(checks, "capabilities", CHECK_WARN,
			   "%s, so ATS, ARI and others are not judged", check_hidden(function));
		check_evidence(checks, iov_pci_path(function->bdf, "config").name, "%zu bytes",
			       function->config.length);
		if (!function->config_error)
			check_remedy(checks, "run it with sudo");
	} else {
		check_translation(checks, function);
		check_ari(checks, function);
		check_resizable(checks, function);
		check_multi_root(checks, function);
		check_sriov(checks, function);
	}
	check_room_of(checks, function->bdf);
}
