// SPDX-License-Identifier: GPL-2.0-or-later
/* Which functions of this host a file speaks of. */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "base/pci/identity.h"
#include "base/pci/interface.h"
#include "host/file/build.h"
#include "host/file/file.h"
#include "host/file/vf_values.h"

/* When one device is planned alone, the others are not asked for. */
static bool may_be_absent(const struct host_build *build, const struct host_target *target)
{
	return build->options.skip_absent || build->options.only_device ||
	       target->said->absent == IOV_HOST_ABSENT_SKIP;
}

static int find(const struct host_build *build, unsigned int index)
{
	struct host_target *target = &build->targets[index];
	int error = iov_device_parse(build->iov, target->said->device, &target->bdf);

	if (!error)
		error = iov_pci_require(build->iov, target->bdf);
	target->present = !error;
	target->port = error ? -1 : iov_interface_named_port(build->iov, target->said->device);
	if (!error)
		return 0;
	if (error != -ENODEV || !may_be_absent(build, target))
		return host_fail_at(build, error, host_place("devices[%u].device", index));
	if (build->options.only_device)
		return 0;
	iov_plan_note(build->plan, "devices[%u] (%s) is absent and skipped", index,
		      target->said->device);
	iov_log(build->iov, LOG_NOTICE, "devices[%u] is skipped: %s", index,
		iov_error_message(build->iov));
	return 0;
}

static bool are_ports(const struct host_target *one, const struct host_target *other)
{
	return one->port >= 0 && other->port >= 0 && one->port != other->port;
}

/* The key of a device that is about its function as a whole, NULL for none. */
static const char *whole_key(const struct iov_host_device *said)
{
	if (said->driver)
		return "driver";
	if (said->eswitch)
		return "eswitch";
	if (said->attributes)
		return "attributes";
	if (said->params)
		return "params";
	if (said->rates)
		return "rates";
	if (said->sfs)
		return "sfs";
	if (said->irq)
		return "irq";
	for (unsigned int i = 0; said->vfs && i < said->vfs->count; i++) {
		struct iov_host_vf_values values = host_vf_values(said->vfs, i);

		if (values.driver || values.msix)
			return "vfs";
	}
	return NULL;
}

/* Another port of a function has an MTU and attributes of VFs, no more. */
static int check_port(const struct host_build *build, unsigned int index)
{
	const struct host_target *target = &build->targets[index], *first = target->first;
	unsigned int at = (unsigned int)(first - build->targets);
	const char *key = whole_key(target->said);

	if (key)
		return iov_host_fail(build->file, -EINVAL,
				     host_place("devices[%u].%s", index, key),
				     "%s is another port of %s, of which devices[%u] says what is of "
				     "the function as a whole; expected mtu and attributes of VFs",
				     target->said->device, IOV_BDF(target->bdf), at);
	if (!target->said->vfs ||
	    (first->said->vfs && first->said->vfs->count == target->said->vfs->count))
		return 0;
	return iov_host_fail(build->file, -EINVAL, host_place("devices[%u].vfs.count", index),
			     "%u: the ports of a function have their VFs in common; expected the count "
			     "of devices[%u]", target->said->vfs->count, at);
}

static int check_once(struct host_build *build, unsigned int index)
{
	struct host_target *target = &build->targets[index];

	for (unsigned int i = 0; target->present && i < index; i++) {
		const struct host_target *other = &build->targets[i];
		struct iov_path where = iov_path("devices[%u].device", i);

		if (!other->present || iov_bdf_compare(other->bdf, target->bdf))
			continue;
		if (are_ports(other, target)) {
			target->first = target->first ? target->first : other;
			continue;
		}
		return iov_host_fail(build->file, -EINVAL,
				     host_place("devices[%u].device", index),
				     "%s is %s, as is %s in line %u; name each function, or each port of it, once",
				     target->said->device, IOV_BDF(target->bdf),
				     other->said->device, host_line(build->file, where.name));
	}
	return target->first ? check_port(build, index) : 0;
}

/* What is said of a VF is said where its PF says how many there are. */
static int check_vf(const struct host_build *build, unsigned int index)
{
	const struct host_target *target = &build->targets[index];
	struct iov_bdf pf;

	if (!target->present || iov_pci_link(build->iov, target->bdf, "physfn", &pf))
		return 0;
	for (unsigned int i = 0; i < build->host->device_count; i++) {
		const struct host_target *other = &build->targets[i];

		if (other->present && other->said->vfs && !iov_bdf_compare(other->bdf, pf))
			return iov_host_fail(build->file, -EINVAL,
					     host_place("devices[%u].device", index),
					     "%s is a VF of devices[%u]; say it in devices[%u].vfs.each",
					     target->said->device, i, i);
	}
	return 0;
}

/* One that appeared is planned alone; the others were then or will be. */
static void choose(struct host_build *build)
{
	for (unsigned int i = 0; build->options.only_device && i < build->host->device_count; i++) {
		struct host_target *target = &build->targets[i];

		if (iov_bdf_compare(target->bdf, *build->options.only_device))
			target->present = false;
	}
}

int host_build_targets(struct host_build *build)
{
	unsigned int count = build->host->device_count;
	int error = 0;

	for (unsigned int i = 0; i < count; i++)
		build->targets[i].said = &build->host->devices[i];
	for (unsigned int i = 0; !error && i < count; i++)
		error = find(build, i);
	for (unsigned int i = 0; !error && i < count; i++)
		error = check_once(build, i);
	for (unsigned int i = 0; !error && i < count; i++)
		error = check_vf(build, i);
	choose(build);
	return error;
}

const struct host_target *host_find_target(const struct host_build *build, const char *name,
					   size_t length)
{
	for (unsigned int i = 0; i < build->host->device_count; i++) {
		const char *candidate = build->host->devices[i].name;

		if (candidate && strlen(candidate) == length && !strncmp(candidate, name, length))
			return &build->targets[i];
	}
	return NULL;
}
