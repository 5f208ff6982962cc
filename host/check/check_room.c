// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Room for VFs, for each PF: "vf-mmio" and "vf-buses".
 *
 * All VFs of a PF take their BARs from one resource each, of which the kernel needs
 * all before it makes the first VF. VFs whose routing ID is beyond the PF's bus need
 * further bus numbers behind the bridge above it.
 */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/topology.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"
#include "sriov/vf.h"

#define VF_BARS 6
#define FIRST_VF_BAR_LINE 7		/* after six BARs and the ROM */
#define RESOURCE_UNSET 0x20000000ull	/* IORESOURCE_UNSET */

struct resource {
	unsigned long long start, end, flags;
};

/* The VF BARs in sysfs; zeros where a kernel has none or gave up. */
static void read_resources(struct iov *iov, struct iov_bdf bdf, struct resource *resources)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;

	memset(resources, 0, VF_BARS * sizeof(*resources));
	if (iov_sys_read_all(iov, iov_pci_path(bdf, "resource").name, &text, NULL))
		return;
	rest = text;
	for (int i = 0; (line = strsep(&rest, "\n")) && i < FIRST_VF_BAR_LINE + VF_BARS; i++) {
		struct resource *resource = resources + i - FIRST_VF_BAR_LINE;

		if (i >= FIRST_VF_BAR_LINE)
			sscanf(line, "%llx %llx %llx", &resource->start, &resource->end,
			       &resource->flags);
	}
}

/*
 * Whether a VF has a BAR, by its register. The type bits of a 32-bit BAR that is not
 * prefetchable are zeros, so such a one without an address is overlooked.
 */
static bool has_bar(const struct iov_config *config, unsigned int sriov, unsigned int bar)
{
	return sriov && iov_config_u32(config, sriov + PCI_SRIOV_BAR + 4 * bar);
}

static bool is_64bit(const struct iov_config *config, unsigned int sriov, unsigned int bar)
{
	return (iov_config_u32(config, sriov + PCI_SRIOV_BAR + 4 * bar) &
		PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
}

struct room {
	unsigned int assigned, missing;
	unsigned long long bytes;
};

static struct room measure(struct checks *checks, struct iov_bdf bdf)
{
	struct resource resources[VF_BARS];
	struct iov_config config;
	struct room room = { 0 };
	unsigned int sriov = 0;

	read_resources(checks->iov, bdf, resources);
	if (!iov_config_read(checks->iov, bdf, &config, IOV_CONFIG_EXTENDED))
		sriov = iov_config_find(&config, PCI_EXT_CAP_ID_SRIOV, true);
	for (unsigned int i = 0; i < VF_BARS; i++) {
		const struct resource *resource = &resources[i];

		if (resource->start && !(resource->flags & RESOURCE_UNSET)) {
			room.assigned++;
			room.bytes += resource->end - resource->start + 1;
		} else if (resource->end || has_bar(&config, sriov, i)) {
			room.missing++;
		}
		i += sriov && is_64bit(&config, sriov, i);
	}
	return room;
}

static void check_mmio(struct checks *checks, const struct iov_pf *pf)
{
	struct room room = measure(checks, pf->bdf);

	if (room.missing || !room.assigned) {
		check_line(checks, "vf-mmio", CHECK_FAIL, "no MMIO for the BARs of its VFs: %u of %u "
			   "have an address", room.assigned, room.assigned + room.missing);
		check_remedy(checks, "turn 'Above 4G Decoding' and 'SR-IOV Support' on in the "
			     "firmware; or add pci=realloc to the kernel command line and reboot; "
			     "a hot-plugged card needs a larger window of its slot "
			     "(pci=hpmmioprefsize=)");
	} else {
		check_line(checks, "vf-mmio", CHECK_OK, "%s for %u VFs in %u BAR%s",
			   check_size(room.bytes).text, pf->total, room.assigned,
			   room.assigned == 1 ? "" : "s");
	}
	check_about(checks, IOV_BDF(pf->bdf));
	check_evidence(checks, iov_pci_path(pf->bdf, "resource").name,
		       "lines 8 to 13: %u assigned, %u not", room.assigned, room.missing);
}

/* The last bus below a root bus is the one before the next root bus: "pci0000:80". */
static unsigned int last_of_root_bus(struct iov *iov, struct iov_bdf bdf)
{
	unsigned int last = 0xff, domain, bus;
	size_t count;
	char **names;

	if (iov_sys_list(iov, IOV_PATH_SYS_DEVICES, &names, &count))
		return last;
	for (size_t i = 0; i < count; i++) {
		if (sscanf(names[i], "pci%x:%x", &domain, &bus) == 2 && domain == bdf.domain &&
		    bus > bdf.bus && bus - 1 < last)
			last = bus - 1;
	}
	iov_names_free(names, count);
	return last;
}

/* The last bus that VFs can be on, and what says so. */
static unsigned int last_bus(struct iov *iov, struct iov_bdf bdf, struct iov_path *evidence)
{
	struct iov_bdf ancestors[IOV_ANCESTORS_MAX];
	size_t depth = iov_pci_ancestors(iov, bdf, ancestors);
	struct iov_config config;

	if (depth && !iov_config_read(iov, ancestors[depth - 1], &config, PCI_STD_HEADER_SIZEOF)) {
		*evidence = iov_pci_path(ancestors[depth - 1], "config");
		return config.bytes[PCI_SUBORDINATE_BUS];
	}
	*evidence = iov_path(IOV_PATH_SYS_DEVICES);
	return last_of_root_bus(iov, bdf);
}

static unsigned int routing_id(struct iov_bdf bdf)
{
	return (unsigned int)(bdf.bus << 8 | bdf.device << 3 | bdf.function);
}

static unsigned int vfs_up_to(const struct iov_pf *pf, unsigned int bus)
{
	unsigned int first = routing_id(pf->bdf) + pf->offset, end = (bus + 1) << 8, fit;

	if (first >= end)
		return 0;
	fit = pf->stride ? (end - 1 - first) / pf->stride + 1 : 1;
	return fit < pf->total ? fit : pf->total;
}

static void check_buses(struct checks *checks, const struct iov_pf *pf)
{
	struct iov_path evidence;
	unsigned int last = last_bus(checks->iov, pf->bdf, &evidence);
	unsigned int fit = vfs_up_to(pf, last);

	if (!pf->offset) {
		check_line(checks, "vf-buses", CHECK_SKIP,
			   "unknown: the device tells where VFs are only when it has some");
	} else if (fit < pf->total) {
		check_line(checks, "vf-buses", fit ? CHECK_WARN : CHECK_FAIL, "bus numbers for %u of "
			   "its %u VFs: the last one it can have is %02x", fit, pf->total, last);
		check_remedy(checks, "add pci=assign-busses to the kernel command line and reboot, "
			     "or turn 'SR-IOV Support' and 'ARI' on in the firmware; with ARI all "
			     "VFs of most devices fit on one bus");
	} else {
		check_line(checks, "vf-buses", CHECK_OK, "bus numbers for all %u VFs", pf->total);
	}
	check_about(checks, IOV_BDF(pf->bdf));
	check_evidence(checks, evidence.name, "last bus 0x%02x", last);
	check_evidence(checks, iov_pci_path(pf->bdf, "sriov_offset").name, "%u, stride %u",
		       pf->offset, pf->stride);
}

void check_room_of(struct checks *checks, struct iov_bdf bdf)
{
	struct iov_pf pf;

	if (iov_pf_read(checks->iov, bdf, &pf))
		return;
	check_mmio(checks, &pf);
	check_buses(checks, &pf);
}

void check_room(struct checks *checks)
{
	_cleanup_free_ struct iov_bdf *list = NULL;
	size_t count = 0, pfs = 0;

	if (iov_pci_list(checks->iov, &list, &count))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!iov_sys_exists(checks->iov, iov_pci_path(list[i], "sriov_totalvfs").name))
			continue;
		pfs++;
		check_room_of(checks, list[i]);
	}
	if (pfs)
		return;
	check_line(checks, "vf-mmio", CHECK_SKIP, "no function has SR-IOV");
	check_evidence(checks, IOV_PATH_PCI_DEVICES, "no sriov_totalvfs");
	check_line(checks, "vf-buses", CHECK_SKIP, "no function has SR-IOV");
	check_evidence(checks, IOV_PATH_PCI_DEVICES, "no sriov_totalvfs");
}
