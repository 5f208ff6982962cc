// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a function sits: "controller", "iommu", "interrupts", "reserved-memory", "group". */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/topology.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"
#include "iommu/hypervisor.h"
#include "vfio/bind/verdict_judge.h"

#define VENDOR_INTEL 0x8086
#define CLASS_RAID 0x0104

/* "VMD 0000:97:00.5", or of another maker: "controller 0000:03:00.0" */
static void name_controller(struct iov *iov, struct iov_bdf controller, char *text, size_t size)
{
	int64_t vendor = 0, class_code = 0;

	iov_pci_number(iov, controller, "vendor", &vendor);
	iov_pci_number(iov, controller, "class", &class_code);
	snprintf(text, size, "%s %s",
		 vendor == VENDOR_INTEL && class_code >> 8 == CLASS_RAID ? "VMD" : "controller",
		 IOV_BDF(controller));
}

/* It is there only while a driver of the host has the controller. */
void judge_controller(struct judgement *judgement)
{
	char name[64], driver[IOV_DRIVER_SIZE] = "";
	struct iov_bdf controller;

	if (!iov_pci_controller(judgement->iov, judgement->bdf, &controller))
		return;
	name_controller(judgement->iov, controller, name, sizeof(name));
	iov_pci_driver(judgement->iov, controller, driver, sizeof(driver));
	verdict_remedy(verdict_add(judgement, "controller", iov_driver_gives(driver) ?
				   IOV_REASON_WARNS : IOV_REASON_BLOCKS, -EBUSY,
				   "is behind %s and goes with it as a whole", name),
		       "'iov bind %s --driver vfio-pci' takes all that is behind it",
		       IOV_BDF(controller));
}

/* Why it has no group: the words of iov_group_of(), "0000:01:00.0: WHAT; REMEDY". */
static void judge_no_group(struct judgement *judgement)
{
	struct iov_group *group;
	const char *text, *rest, *name = IOV_BDF(judgement->bdf);
	int error = iov_group_of(&group, judgement->iov, judgement->bdf);

	if (!error) {
		iov_group_close(group);
		return;
	}
	text = iov_error_message(judgement->iov);
	if (!strncmp(text, name, strlen(name)) && text[strlen(name)] == ':')
		text += strlen(name) + 2;
	rest = strstr(text, "; ");
	verdict_remedy(verdict_add(judgement, "iommu", IOV_REASON_BLOCKS, error, "%.*s",
				   rest ? (int)(rest - text) : (int)strlen(text), text),
		       "%s", rest ? rest + 2 : "'iov check' says how to turn the IOMMU on");
}

/* Xen's IOMMU is not seen from dom0: 'xl info' tells of it, and xl refuses without it. */
void judge_iommu(struct judgement *judgement)
{
	if (iov_hypervisor(judgement->iov) == IOV_HYPERVISOR_XEN_HOST)
		return;
	if (judgement->group ? judgement->group->noiommu :
			       iov_noiommu_enabled(judgement->iov))
		verdict_remedy(verdict_add(judgement, "iommu", IOV_REASON_WARNS, -ENOTSUP,
					   "VFIO has it without an IOMMU: the device can write to "
					   "all of memory"),
			       "turn the IOMMU on: 'iov check' says how");
	else if (!judgement->group)
		judge_no_group(judgement);
}

/* Interrupts that came before PCI, by the names of whose controllers x86 is known. */
#define LEGACY_IRQS 24

static bool chip_has(struct iov *iov, const char *irq, const char *part)
{
	char chip[64];

	return !iov_sys_read(iov, iov_path(IOV_PATH_IRQS "/%s/chip_name", irq).name, chip,
			     sizeof(chip)) && strstr(chip, part);
}

static bool any_is_remapped(struct iov *iov)
{
	bool remapped = false;
	char **names;
	size_t count;

	if (iov_sys_list(iov, IOV_PATH_IRQS, &names, &count))
		return false;
	for (size_t i = 0; i < count && !remapped; i++)
		remapped = chip_has(iov, names[i], "IR-");
	iov_names_free(names, count);
	return remapped;
}

/* On x86, where that can be seen; mostly the first is remapped. */
static bool is_remapping_off(struct iov *iov)
{
	bool x86 = false;

	for (unsigned int irq = 0; !x86 && irq < LEGACY_IRQS; irq++) {
		const struct iov_path number = iov_path("%u", irq);

		x86 = chip_has(iov, number.name, "IO-APIC");
		if (x86 && chip_has(iov, number.name, "IR-"))
			return false;
	}
	return x86 && !any_is_remapped(iov);
}

static bool is_allowed(struct iov *iov, const char *module)
{
	char text[8];

	return !iov_sys_read(iov, iov_path(IOV_PATH_MODULES "/%s/parameters/allow_unsafe_interrupts",
					   module).name, text, sizeof(text)) && *text == 'Y';
}

/* A device could raise any interrupt of the host, so the kernel attaches none. */
void judge_interrupts(struct judgement *judgement)
{
	struct iov *iov = judgement->iov;

	if (!judgement->group || judgement->group->noiommu || !is_remapping_off(iov))
		return;
	if (is_allowed(iov, "vfio_iommu_type1") || is_allowed(iov, "iommufd"))
		verdict_remedy(verdict_add(judgement, "interrupts", IOV_REASON_WARNS, -EPERM,
					   "interrupt remapping is off, and is allowed to be: a guest's "
					   "device can raise any interrupt of the host"),
			       "'iov check' says what turns it on");
	else
		verdict_remedy(verdict_add(judgement, "interrupts", IOV_REASON_BLOCKS, -EPERM,
					   "interrupt remapping is off, without which the kernel gives "
					   "no device to a guest"),
			       "'iov check' says what turns it on; where all guests are trusted, "
			       "'modprobe vfio_iommu_type1 allow_unsafe_interrupts=1' does without");
}

/* What firmware keeps for a function makes the kernel refuse it, but for what it may relax. */
void judge_reserved(struct judgement *judgement)
{
	_cleanup_free_ char *regions = NULL;

	if (!judgement->group ||
	    iov_sys_read_all(judgement->iov, iov_path(IOV_PATH_IOMMU_GROUPS "/%u/reserved_regions",
						      judgement->group->number).name,
			     &regions, NULL) ||
	    !strstr(regions, " direct\n"))
		return;
	verdict_remedy(verdict_add(judgement, "reserved-memory", IOV_REASON_BLOCKS, -EPERM,
				   "firmware keeps memory for DMA of its group (RMRR or unity "
				   "map): the kernel refuses to assign it"),
		       "turn the firmware's own use of the device off (PXE, option ROM, agentless "
		       "management, RMRR of the vendor's tool), or update the firmware");
}

/* What parts a group, by what joins it. */
static const char *how_to_part(const char *kind)
{
	if (!strcmp(kind, "pci-bridge"))
		return "nothing parts them but PCI Express devices in their place";
	if (!strcmp(kind, "no-acs"))
		return "to part them put the card below a port that has ACS, or turn 'ACS' ('ACS "
		       "Control') on in the firmware";
	if (!strcmp(kind, "multifunction"))
		return "they are one device: give it to one guest as a whole";
	return "'iov group show' tells why they are together";
}

static void add_group_remedy(struct judgement *judgement, struct iov_reason *reason)
{
	struct json_object *why, *first;

	if (iov_group_reasons(judgement->iov, judgement->group, &why))
		return;
	first = json_object_array_get_idx(why, 0);
	verdict_remedy(reason, "'iov bind %s --driver vfio-pci --group' takes them along; %s",
		       IOV_BDF(judgement->bdf),
		       how_to_part(first ? json_text_or_null(first, "kind") : ""));
	json_object_put(why);
}

/* Bridges stay, and what is behind a controller goes when its driver does. */
static bool moves_along(const struct judgement *judgement, const struct iov_group_member *member)
{
	return !member->bridge && iov_bdf_compare(member->bdf, judgement->bdf) &&
	       !iov_pci_is_below(judgement->iov, member->bdf, judgement->bdf);
}

/* A member that is no PCI function is for its own bus to release. */
void judge_others(struct judgement *judgement)
{
	const struct iov_group *group = judgement->group;

	for (size_t i = 0; group && !group->noiommu && i < group->other_count; i++) {
		const struct iov_group_other *other = &group->others[i];

		if (other->blocks)
			verdict_remedy(verdict_add(judgement, "group", IOV_REASON_BLOCKS, -EBUSY,
						   "group %u: %s is in it, no PCI function, and its driver %s keeps "
						   "the group from guests", group->number, other->name, other->driver),
				       "release it on its own bus: write '%s' to /sys/bus/%s/drivers/%s/unbind",
				       other->name, *other->bus ? other->bus : "BUS", other->driver);
	}
}

void judge_group(struct judgement *judgement)
{
	const struct iov_group *group = judgement->group;
	char others[256] = "";
	size_t length = 0, more = 0;

	if (!group || group->noiommu || iov_verdict_find(judgement->verdict, "controller"))
		return;
	for (size_t i = 0; i < group->count; i++) {
		if (!moves_along(judgement, &group->members[i]))
			continue;
		if (length < sizeof(others) - 2 * IOV_BDF_SIZE)
			length += (size_t)snprintf(others + length, sizeof(others) - length, "%s%s",
						   length ? ", " : "",
						   IOV_BDF(group->members[i].bdf));
		else
			more++;
	}
	if (more)
		snprintf(others + length, sizeof(others) - length, " and %zu more", more);
	if (length)
		add_group_remedy(judgement, verdict_add(judgement, "group", IOV_REASON_WARNS,
							-EBUSY, "group %u: %s must leave the host "
							"with it", group->number, others));
}
