// SPDX-License-Identifier: GPL-2.0-or-later
/* A function by itself: "power", "reset", "link", "numa-node", "rom". */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/topology.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"

#define ROM_LINE 6
#define ROM_SHADOW 0x2		/* IORESOURCE_ROM_SHADOW */

static bool read_text(struct checks *checks, struct iov_bdf bdf, const char *attribute, char *text,
		      size_t size)
{
	return !iov_sys_read(checks->iov, iov_pci_path(bdf, attribute).name, text, size) && *text;
}

static void check_power(struct checks *checks, const struct check_function *function)
{
	char state[16] = "unknown", control[16] = "unknown";

	read_text(checks, function->bdf, "power_state", state, sizeof(state));
	read_text(checks, function->bdf, "power/control", control, sizeof(control));
	if (!check_reason(checks, function, "stuck", "power") &&
	    !check_reason(checks, function, "lost", "power") &&
	    !check_reason(checks, function, "power", "power"))
		check_line(checks, "power", CHECK_OK, "%s is awake (%s)", function->name.text,
			   state);
	check_evidence(checks, iov_pci_path(function->bdf, "power_state").name, "%s", state);
	check_evidence(checks, iov_pci_path(function->bdf, "power/control").name, "%s", control);
}

static bool has_flr(const struct iov_config *config)
{
	unsigned int express = iov_config_find(config, PCI_CAP_ID_EXP, false);
	unsigned int af = iov_config_find(config, PCI_CAP_ID_AF, false);

	return (express && iov_config_u32(config, express + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR) ||
	       (af && iov_config_u16(config, af + PCI_AF_CAP - 1) >> 8 & PCI_AF_CAP_FLR);
}

/* The order of the kernel: what comes first in reset_method is used. */
static void check_reset(struct checks *checks, const struct check_function *function)
{
	static const char *const names[][2] = {
		{ "device_specific", "a method of this device" },
		{ "acpi", "a method of the firmware (_RST)" },
		{ "flr", "function level reset" },
		{ "af_flr", "function level reset (Advanced Features)" },
		{ "pm", "a way through D3hot" },
		{ "bus", "a reset of its bus or slot, which it has to itself" },
		{ "cxl_bus", "a reset of its CXL bus" },
	};
	struct iov_path path = iov_pci_path(function->bdf, "reset_method");
	const char *method = NULL;
	char text[128] = "";

	if (iov_sys_read(checks->iov, path.name, text, sizeof(text)) &&
	    iov_sys_exists(checks->iov, iov_pci_path(function->bdf, "reset").name))
		snprintf(text, sizeof(text), "unknown");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && *text; i++) {
		if (!strncmp(text, names[i][0], strlen(names[i][0])) &&
		    !strchr("abcdefghijklmnopqrstuvwxyz_", text[strlen(names[i][0])] ?
			    text[strlen(names[i][0])] : ' '))
			method = names[i][1];
	}
	if (!check_reason(checks, function, "reset", "reset"))
		check_line(checks, "reset", CHECK_OK, "%s", method ? method :
			   "by a method that this kernel does not name");
	check_evidence(checks, path.name, "%s", *text ? text : "absent or empty");
	if (!function->hidden)
		check_evidence(checks, iov_pci_path(function->bdf, "config").name, "%s",
			       has_flr(&function->config) ? "FLR" : "no FLR");
}

struct link {
	double speed;
	unsigned int width;
};

static bool read_link(struct checks *checks, struct iov_bdf bdf, const char *which,
		      struct link *link)
{
	char speed[64], width[16];

	if (!read_text(checks, bdf, iov_path("%s_link_speed", which).name, speed, sizeof(speed)) ||
	    !read_text(checks, bdf, iov_path("%s_link_width", which).name, width, sizeof(width)))
		return false;
	link->speed = strtod(speed, NULL);
	link->width = (unsigned int)strtoul(width, NULL, 10);
	return link->speed > 0 && link->width > 0 && link->width < 64;
}

static bool below(const struct link *a, const struct link *b)
{
	return a->speed < b->speed || a->width < b->width;
}

static void check_link(struct checks *checks, const struct check_function *function)
{
	struct iov_bdf ancestors[IOV_ANCESTORS_MAX];
	size_t depth = iov_pci_ancestors(checks->iov, function->bdf, ancestors);
	struct link now, most, slot;

	/* The kernel asks the registers for its link, which wakes it as well. */
	if (function->vf || function->config_error == -EHOSTDOWN ||
	    !read_link(checks, function->bdf, "current", &now) ||
	    !read_link(checks, function->bdf, "max", &most)) {
		check_line(checks, "link", CHECK_SKIP, "%s", function->vf ?
			   "a VF uses the link of its PF" : function->config_error == -EHOSTDOWN ?
			   "it sleeps and was left asleep" : "it has none");
		return;
	}
	if (!below(&now, &most)) {
		check_line(checks, "link", CHECK_OK, "%g GT/s x%u, all that it can", now.speed,
			   now.width);
	} else if (depth && read_link(checks, ancestors[depth - 1], "max", &slot) &&
		   below(&slot, &most) && !below(&now, &slot)) {
		check_line(checks, "link", CHECK_WARN, "%g GT/s x%u, all that its slot can; the "
			   "device could %g GT/s x%u", now.speed, now.width, most.speed, most.width);
		check_remedy(checks, "another slot; below port %s is no more",
			     IOV_BDF(ancestors[depth - 1]));
	} else {
		check_line(checks, "link", CHECK_WARN, "%g GT/s x%u of %g GT/s x%u", now.speed,
			   now.width, most.speed, most.width);
		check_remedy(checks, "look again under load, as some devices lower it when idle; "
			     "else seat the card anew, and look at the link speed and bifurcation "
			     "of its slot in the firmware");
	}
	check_evidence(checks, iov_pci_path(function->bdf, "current_link_speed").name, "%g", now.speed);
	check_evidence(checks, iov_pci_path(function->bdf, "max_link_speed").name, "%g", most.speed);
}

static size_t count_nodes(struct iov *iov)
{
	unsigned int number;
	size_t count, nodes = 0;
	char **names;

	if (iov_sys_list(iov, IOV_PATH_NODES, &names, &count))
		return 0;
	for (size_t i = 0; i < count; i++)
		nodes += sscanf(names[i], "node%u", &number) == 1;
	iov_names_free(names, count);
	return nodes;
}

static bool lacks_cpus(struct iov *iov, int64_t node)
{
	char list[64];

	return !iov_sys_read(iov, iov_path(IOV_PATH_NODES "/node%lld/cpulist",
					   (long long)node).name, list, sizeof(list)) && !*list;
}

static void check_node(struct checks *checks, const struct check_function *function)
{
	size_t nodes = count_nodes(checks->iov);
	int64_t node;

	if (iov_pci_number(checks->iov, function->bdf, "numa_node", &node)) {
		check_line(checks, "numa-node", CHECK_SKIP, "this kernel knows no nodes");
		return;
	}
	if (node >= 0 && lacks_cpus(checks->iov, node)) {
		check_line(checks, "numa-node", CHECK_OK, "node %lld, which has no processors: put "
			   "the guest on a node near it", (long long)node);
	} else if (node >= 0) {
		check_line(checks, "numa-node", CHECK_OK, "node %lld: put the guest's memory and "
			   "processors there", (long long)node);
	} else if (nodes > 1) {
		check_line(checks, "numa-node", CHECK_WARN, "firmware does not say which of %zu "
			   "nodes it is on", nodes);
		check_remedy(checks, "update the firmware (_PXM of its root bus); the manual of the "
			     "board says which slot belongs to which processor");
	} else {
		check_line(checks, "numa-node", CHECK_OK, "this host has one node");
	}
	check_evidence(checks, iov_pci_path(function->bdf, "numa_node").name, "%lld",
		       (long long)node);
}

/* The size of the ROM and the flags of its resource; false without one. */
static bool read_rom(struct checks *checks, struct iov_bdf bdf, unsigned long long *size,
		     unsigned long long *flags)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long start = 0, end = 0;
	char *rest, *line = NULL;

	if (iov_sys_read_all(checks->iov, iov_pci_path(bdf, "resource").name, &text, NULL))
		return false;
	rest = text;
	for (int i = 0; i <= ROM_LINE; i++)
		line = strsep(&rest, "\n");
	*flags = 0;
	if (!line || sscanf(line, "%llx %llx %llx", &start, &end, flags) != 3 || !end)
		return false;
	*size = end - start + 1;
	return true;
}

static void check_rom(struct checks *checks, const struct check_function *function)
{
	unsigned long long size = 0, flags = 0;
	bool rom = read_rom(checks, function->bdf, &size, &flags);
	int64_t boot = 0;

	iov_pci_number(checks->iov, function->bdf, "boot_vga", &boot);
	if (boot || flags & ROM_SHADOW) {
		check_line(checks, "rom", CHECK_WARN, "the host booted on this display: its ROM is "
			   "a copy that the host changed, a guest cannot start from it");
		check_remedy(checks, "make another display the first one in the firmware "
			     "('Primary Display'), or give QEMU a file of the ROM: "
			     "romfile=FILE");
	} else if (rom) {
		check_line(checks, "rom", CHECK_OK, "%s; a guest sees it", check_size(size).text);
	} else {
		check_line(checks, "rom", CHECK_OK, "none");
	}
	check_evidence(checks, iov_pci_path(function->bdf, "resource").name,
		       "line 7: %llu bytes, flags 0x%llx", size, flags);
	if (boot)
		check_evidence(checks, iov_pci_path(function->bdf, "boot_vga").name, "1");
}

void check_hardware(struct checks *checks, const struct check_function *function)
{
	check_power(checks, function);
	check_reset(checks, function);
	check_link(checks, function);
	check_node(checks, function);
	check_rom(checks, function);
}
