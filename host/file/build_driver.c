// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drivers of the devices of a file.  All that shall have the same driver are bound
 * together, because an IOMMU group goes to VFIO whole: the file names all of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/topology.h"
#include "host/file/build.h"
#include "iommu/group.h"
#include "vfio/bind/bind.h"

static bool wants(const struct host_target *target, const char *driver)
{
	return target->present && target->said->driver && !strcmp(target->said->driver, driver);
}

static bool is_whole(const struct host_target *target)
{
	return target->said->slot && *target->said->slot;
}

static bool shares_slot(const struct host_target *target, struct iov_bdf bdf)
{
	return is_whole(target) && target->bdf.domain == bdf.domain && target->bdf.bus == bdf.bus &&
	       target->bdf.device == bdf.device;
}

/* Whether the file gives that function to VFIO, too, or the controller that it is behind. */
static bool goes_along(const struct host_build *build, struct iov_bdf bdf)
{
	for (unsigned int i = 0; i < build->host->device_count; i++) {
		const struct host_target *target = &build->targets[i];

		if (target->present && target->said->driver &&
		    iov_driver_is_vfio(target->said->driver) &&
		    (!iov_bdf_compare(target->bdf, bdf) || shares_slot(target, bdf) ||
		     iov_pci_is_below(build->iov, bdf, target->bdf)))
			return true;
	}
	return false;
}

/* "- device: 0000:05:02.0 (now e1000)" for each that the file lacks. */
static void list_missing(const struct host_build *build, const struct iov_group *group, char *text,
			 size_t size)
{
	size_t length = 0;

	*text = '\0';
	for (size_t i = 0; i < group->count && length < size; i++) {
		const struct iov_group_member *member = &group->members[i];

		if (member->blocks && !member->bridge && !goes_along(build, member->bdf))
			length += (size_t)snprintf(text + length, size - length, "%s%s (now %s)",
						   length ? ", " : "", IOV_BDF(member->bdf),
						   member->driver);
	}
}

static int check_group(const struct host_build *build, unsigned int index)
{
	const struct host_target *target = &build->targets[index];
	struct iov_group *group;
	char missing[400];
	int error = 0;

	if (iov_group_of(&group, build->iov, target->bdf))
		return 0;
	list_missing(build, group, missing, sizeof(missing));
	if (*missing)
		error = iov_host_fail(build->file, -EBUSY, host_place("devices[%u].driver", index),
				      "IOMMU group %u of %s goes to %s as a whole; add a device with "
				      "driver: %s for each of: %s ('iov group show %u' says why they "
				      "are together)", group->number, IOV_BDF(target->bdf),
				      target->said->driver, target->said->driver, missing,
				      group->number);
	iov_group_close(group);
	return error;
}

static int check_groups(const struct host_build *build)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < build->host->device_count; i++) {
		const struct host_target *target = &build->targets[i];

		if (target->present && target->said->driver &&
		    iov_driver_is_vfio(target->said->driver))
			error = check_group(build, i);
	}
	return error;
}

/* The BARs of the devices that shall have a driver, with their slots or not, in an array that the caller frees. */
static int read_sizes(const struct host_build *build, const char *driver, bool whole,
		      struct iov_bar_size **sizes, size_t *count)
{
	struct iov_bar_size *grown;
	int error = 0;

	*sizes = NULL;
	*count = 0;
	for (unsigned int i = 0; i < build->host->device_count; i++) {
		const struct iov_host_device *said = build->targets[i].said;

		if (!wants(&build->targets[i], driver) || is_whole(&build->targets[i]) != whole)
			continue;
		for (unsigned int n = 0; n < said->bar_count; n++) {
			grown = reallocarray(*sizes, *count + 1, sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			*sizes = grown;
			error = iov_bar_size_parse(build->iov, build->targets[i].bdf, said->bars[n],
						   &grown[*count]);
			if (error)
				return host_fail_at(build, error, host_place("devices[%u].bars[%u]", i, n));
			++*count;
		}
	}
	return 0;
}

static bool wants_no_vga(const struct host_build *build, const char *driver)
{
	for (unsigned int i = 0; i < build->host->device_count; i++) {
		const struct iov_host_device *said = build->targets[i].said;

		if (wants(&build->targets[i], driver) && said->disable_vga && *said->disable_vga)
			return true;
	}
	return false;
}

static int plan_driver(struct host_build *build, const char *driver, const struct iov_bdf *bdfs,
		       size_t count, bool whole)
{
	_cleanup_free_ struct iov_bar_size *sizes = NULL;
	unsigned int flags = whole ? IOV_BIND_SLOT : 0;
	size_t size_count;
	int error;

	if (!count)
		return 0;

	if (!strcmp(driver, "native"))
		return iov_unbind_plan(build->plan, bdfs, count, flags);
	if (!strcmp(driver, "none"))
		return iov_release_plan(build->plan, bdfs, count);
	error = read_sizes(build, driver, whole, &sizes, &size_count);
	if (!error && wants_no_vga(build, driver))
		error = iov_disable_vga_plan(build->plan);
	return error ? error : iov_bind_sized_plan(build->plan, bdfs, count, driver, flags | IOV_BIND_LEAVE, sizes,
						   size_count);
}

/* Messages about one of several functions begin with it. */
static int fail_driver(const struct host_build *build, int error, unsigned int first)
{
	const char *message = iov_error_message(build->iov);
	unsigned int index = first;

	for (unsigned int i = first; i < build->host->device_count; i++) {
		const char *bdf = IOV_BDF(build->targets[i].bdf);

		if (wants(&build->targets[i], build->targets[first].said->driver) &&
		    !strncmp(message, bdf, strlen(bdf)))
			index = i;
	}
	return host_fail_at(build, error, host_place("devices[%u].driver", index));
}

/* All devices from @first on that shall have its driver: those that go with their slots, then the others. */
static int build_driver(struct host_build *build, unsigned int first)
{
	unsigned int count = build->host->device_count;
	_cleanup_free_ struct iov_bdf *bdfs = calloc(count, sizeof(*bdfs));
	const char *driver = build->targets[first].said->driver;
	int error = 0;

	if (!bdfs)
		return -ENOMEM;
	for (int whole = 1; !error && whole >= 0; whole--) {
		size_t found = 0;

		for (unsigned int i = first; i < count; i++) {
			if (wants(&build->targets[i], driver) && is_whole(&build->targets[i]) == whole)
				bdfs[found++] = build->targets[i].bdf;
		}
		error = plan_driver(build, driver, bdfs, found, whole);
	}
	return error ? fail_driver(build, error, first) : 0;
}

static bool is_first(const struct host_build *build, unsigned int index)
{
	unsigned int i = 0;

	while (!wants(&build->targets[i], build->targets[index].said->driver))
		i++;
	return i == index;
}

int host_build_drivers(struct host_build *build)
{
	int error = check_groups(build);

	for (unsigned int i = 0; !error && i < build->host->device_count; i++) {
		const struct host_target *target = &build->targets[i];

		if (target->present && target->said->driver && is_first(build, i))
			error = build_driver(build, i);
	}
	return error;
}
