// SPDX-License-Identifier: GPL-2.0-or-later
/* What a function is by itself: "bridge", "chipset", "vfs", "power", "stuck", "lost", "reset", "intx". */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/kind.h"
#include "base/pci/topology.h"
#include "base/sysroot/sysdir.h"
#include "vfio/bind/intx.h"
#include "vfio/bind/verdict_judge.h"

/* Kernels that give bridges no attributes may give them any class. */
static bool has_bridge_header(const struct judgement *judgement)
{
	return judgement->config.length > PCI_HEADER_TYPE &&
	       (judgement->config.bytes[PCI_HEADER_TYPE] & PCI_HEADER_TYPE_MASK) !=
	       PCI_HEADER_TYPE_NORMAL;
}

void judge_kind(struct judgement *judgement)
{
	enum iov_pci_kind kind = iov_pci_kind_at(judgement->iov, judgement->bdf, judgement->dir);

	if (kind == IOV_PCI_CHIPSET)
		verdict_remedy(verdict_add(judgement, "chipset", IOV_REASON_BLOCKS, -EINVAL,
					   "is a part of the chipset, which the host needs"),
			       "name a device; 'iov list' shows them");
	else if (kind == IOV_PCI_BRIDGE || has_bridge_header(judgement))
		verdict_remedy(verdict_add(judgement, "bridge", IOV_REASON_BLOCKS, -EINVAL,
					   "is a bridge, which the host needs"),
			       "name the functions behind it");
}

/* A guest that has a PF through VFIO has its VFs, too. */
void judge_vfs(struct judgement *judgement)
{
	unsigned int vfs = iov_pci_vf_count(judgement->iov, judgement->bdf);
	char driver[IOV_DRIVER_SIZE];

	if (!vfs || iov_pci_driver(judgement->iov, judgement->bdf, driver, sizeof(driver)) ||
	    !driver[0] || iov_driver_gives(driver))
		return;
	verdict_remedy(verdict_add(judgement, "vfs", IOV_REASON_BLOCKS, -EBUSY,
				   VFS_GO, vfs, driver),
		       VFS_REMEDY, IOV_BDF(judgement->bdf));
}

static void judge_sleep(struct judgement *judgement)
{
	struct iov_path path = iov_pci_path(judgement->bdf, "");
	char state[16] = "";

	iov_dir_read(judgement->dir, "power_state", state, sizeof(state));
	if (strcmp(state, "D3cold") && strcmp(state, "error"))
		return;
	verdict_remedy(verdict_add(judgement, "power", IOV_REASON_WARNS, -EAGAIN,
				   "in state %s: some devices do not come back from it for a guest",
				   state),
		       "'echo on > /%s/power/control' wakes it; 'echo 0 > /%s/d3cold_allowed' keeps "
		       "it out of D3cold", path.name, path.name);
}

void judge_power(struct judgement *judgement)
{
	struct iov_path path = iov_pci_path(judgement->bdf, "");

	judge_sleep(judgement);
	if (judgement->config_error == -ETIMEDOUT)
		verdict_remedy(verdict_add(judgement, "stuck", IOV_REASON_BLOCKS, -ETIMEDOUT,
					   "the kernel does not let its configuration space be "
					   "read: it or what is below it is being reset"),
			       "wait for the end of that; a driver that hangs in a reset does so "
			       "until the host is restarted");
	if (judgement->config_error != -ENXIO)
		return;
	verdict_remedy(verdict_add(judgement, "lost", IOV_REASON_BLOCKS, -EIO,
				   "does not answer: its configuration space reads as all ones"),
		       "'echo on > /%s/power/control'; if it stays away, 'echo 1 > /%s/remove' and "
		       "'echo 1 > /sys/bus/pci/rescan', else turn the host off and on", path.name,
		       path.name);
}

/* "0000:05:00.1, 0000:05:00.2": functions that a reset of its bus takes along. */
static bool list_bus_mates(struct iov *iov, struct iov_bdf bdf, char *text, size_t size)
{
	_cleanup_free_ struct iov_bdf *list = NULL;
	size_t count = 0, length = 0;

	*text = '\0';
	if (iov_pci_list(iov, &list, &count))
		count = 0;
	for (size_t i = 0; i < count && length < size; i++) {
		if (list[i].domain == bdf.domain && list[i].bus == bdf.bus &&
		    iov_bdf_compare(list[i], bdf))
			length += (size_t)snprintf(text + length, size - length, "%s%s",
						   length ? ", " : "", IOV_BDF(list[i]));
	}
	return length;
}

/* No method of its own: what a reset of the bus would take along. */
static void judge_no_reset(struct judgement *judgement)
{
	struct iov_bdf ancestors[IOV_ANCESTORS_MAX];
	struct iov_reason *reason;
	char mates[192];

	if (!iov_pci_ancestors(judgement->iov, judgement->bdf, ancestors)) {
		reason = verdict_add(judgement, "reset", IOV_REASON_WARNS, -ENOTTY,
				     "none: what a guest leaves in the device, the next one finds");
		verdict_remedy(reason, "give it to one guest only, and turn the host off before "
			       "another one gets it");
	} else if (list_bus_mates(judgement->iov, judgement->bdf, mates, sizeof(mates))) {
		reason = verdict_add(judgement, "reset", IOV_REASON_WARNS, -ENOTTY,
				     "only by a reset of its bus, which takes %s along", mates);
		verdict_remedy(reason, "assign all of them to the same guest: VFIO then resets the "
			       "bus");
	} else {
		reason = verdict_add(judgement, "reset", IOV_REASON_WARNS, -ENOTTY,
				     "none that the kernel uses, though it is alone on its bus");
		verdict_remedy(reason, "'echo bus > /%s' if the kernel takes it",
			       iov_pci_path(judgement->bdf, "reset_method").name);
	}
}

/* Kernels before 5.15 tell that there is a method, not which. */
void judge_reset(struct judgement *judgement)
{
	char methods[128];

	if (iov_dir_read(judgement->dir, "reset_method", methods, sizeof(methods)) ?
	    !iov_dir_has(judgement->dir, "reset") : !*methods)
		judge_no_reset(judgement);
}

/* A guest's driver that uses MSI needs no INTx. */
void judge_intx(struct judgement *judgement)
{
	const struct iov_config *config = &judgement->config;
	_cleanup_json_ struct json_object *others = NULL;
	char names[192] = "";
	size_t length = 0;
	int64_t irq;

	/* Without privilege there are no capabilities to see. */
	if (config->length <= PCI_STD_HEADER_SIZEOF || iov_intx_pin(config) == 0 ||
	    iov_config_find(config, PCI_CAP_ID_MSI, false) ||
	    iov_config_find(config, PCI_CAP_ID_MSIX, false) ||
	    iov_dir_read_number(judgement->dir, "irq", &irq) || !irq)
		return;
	others = iov_intx_sharers(judgement->iov, judgement->bdf, irq);
	for (size_t i = 0; i < json_object_array_length(others) && length < sizeof(names); i++)
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
					   i ? ", " : "", json_object_get_string(
						   json_object_array_get_idx(others, i)));
	if (!length)
		return;
	verdict_remedy(verdict_add(judgement, "intx", IOV_REASON_WARNS, -EBUSY,
				   "line %lld is shared with %s", (long long)irq, names),
		       "VFIO can share it when the device is able to mask INTx (PCI 2.3); if a VMM "
		       "says it cannot, take the others off the line: 'iov unbind' them, or use "
		       "another slot");
}
