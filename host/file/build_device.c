// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a file says of one device beside its driver, in the order in which devices bear it:
 *
 *	parameters	of the driver, which may want it to start anew, without VFs
 *	switch mode	with no VFs there, but for drivers that change it with VFs, or want some
 *	attributes	of the device itself, as its class has them
 *	MTU		limits what VFs may have
 *	rates		groups that VFs and subfunctions are put in
 *	VFs
 *	subfunctions
 *	rules		lead to VFs that are there
 *	interrupts	drivers may ask for new ones when VFs come
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/file/build.h"
#include "host/file/nic.h"
#include "host/file/steer.h"
#include "host/file/vf_values.h"
#include "host/file/vfs.h"
#include "plugins/net/eswitch.h"
#include "plugins/net/mtu.h"
#include "plugins/net/nic.h"
#include "sriov/vf.h"

/* What the steps so far do to the device at hand. */
struct device_build {
	struct host_build *build;
	const struct host_target *target;
	unsigned int index;
	bool bound;		/* gets a driver */
	bool switched;		/* its VFs are gone by then, as the mode or the driver wants */
	bool moded;		/* gets another switch mode */
	bool late;		/* after its VFs */
	unsigned int count;	/* its VFs now */
};

static int fail_at(const struct device_build *device, int error, const char *key)
{
	return host_fail_at(device->build, error, host_place("devices[%u].%s", device->index, key));
}

/* Whether a step so far changes @what of the device. */
static bool changes(const struct device_build *device, const char *what)
{
	return iov_plan_changes(device->build->plan, IOV_BDF(device->target->bdf), what);
}

/* Nothing is known of a device that gets a driver by an earlier step. */
static void add_eswitch_unseen(struct device_build *device)
{
	const char *wanted = device->target->said->eswitch;
	struct iov_bdf bdf = device->target->bdf;
	struct iov_step *step = iov_plan_step(device->build->plan, IOV_BDF(bdf),
					      "set the switch mode of %s to %s", IOV_BDF(bdf), wanted);

	iov_plan_take(device->build->plan, bdf, "another switch mode makes its interfaces anew");
	iov_plan_take_vfs(device->build->plan, bdf);
	iov_step_do(step, iov_op_eswitch(IOV_BDF(bdf), wanted));
	iov_step_change(step, "eswitch", NULL, wanted);
}

/* VFs that are there go, and come again in the other mode, where the driver wants that. */
static int remove_vfs(struct device_build *device)
{
	int error = 0;

	if (device->count && !device->switched)
		error = iov_vf_remove_plan(device->build->plan, device->target->bdf);
	device->switched = true;
	return error;
}

static int build_params(struct device_build *device)
{
	const struct iov_host_device *said = device->target->said;
	int error = 0;

	if (!said->param_count)
		return 0;
	if (device->bound)
		return iov_host_fail(device->build->file, -EINVAL,
				     host_place("devices[%u].params", device->index),
				     "%s gets a driver by this change, and its parameters are known when it is there; "
				     "bind it first: iov bind", IOV_BDF(device->target->bdf));
	if (host_params_reload(device->build->iov, device->target->bdf, said))
		error = remove_vfs(device);
	if (!error)
		error = host_params_plan(device->build->plan, device->target->bdf, said, device->switched);
	return error ? fail_at(device, error, "params") : 0;
}

/* Whether VFs stay while the mode changes. */
static bool keeps_vfs(const struct device_build *device, const char *wanted)
{
	struct iov *iov = device->build->iov;
	struct iov_bdf bdf = device->target->bdf;

	return !device->switched && iov_eswitch_wants(iov, bdf, NULL) != IOV_ESWITCH_NONE &&
	       !iov_eswitch_judge(iov, bdf, wanted, 0);
}

static int build_eswitch(struct device_build *device)
{
	const char *wanted = device->target->said->eswitch, *now = NULL;
	int error;

	if (!wanted)
		return 0;
	if (device->bound) {
		add_eswitch_unseen(device);
		return 0;
	}
	error = iov_eswitch_read(device->build->iov, device->target->bdf, &now);
	if (error == -EOPNOTSUPP && !strcmp(wanted, "legacy"))
		return 0;
	if (error)
		return fail_at(device, error, "eswitch");
	if (!strcmp(now, wanted))
		return 0;
	device->moded = true;
	if (device->count && !device->late && !keeps_vfs(device, wanted))
		error = remove_vfs(device);
	if (!error)
		error = iov_eswitch_plan(device->build->plan, device->target->bdf, wanted,
					 device->late ? IOV_NIC_VFS_COME :
					 device->switched ? IOV_NIC_VFS_GONE : 0);
	return error ? fail_at(device, error, "eswitch") : 0;
}

/* Whether the driver wants the VFs before the mode, and gets them from this plan. */
static bool wants_vfs_first(const struct device_build *device)
{
	const struct iov_host_device *said = device->target->said;

	return said->eswitch && !strcmp(said->eswitch, "switchdev") && said->vfs && said->vfs->count &&
	       !device->bound && (!device->count || device->switched) &&
	       iov_eswitch_wants(device->build->iov, device->target->bdf, NULL) == IOV_ESWITCH_FIRST;
}

static int build_rates(struct device_build *device)
{
	unsigned int at = 0;
	int error = host_rates_plan(device->build->plan, device->target->bdf, device->target->said,
				    device->moded || device->bound, &at);

	return error ? fail_at(device, error, host_place("rates[%u]", at)) : 0;
}

static int build_sfs(struct device_build *device)
{
	unsigned int at = 0;
	int error = host_sfs_plan(device->build->plan, device->target->bdf, device->target->said,
				  device->moded || device->bound || device->target->said->rate_count, &at);

	return error ? fail_at(device, error, host_place("sfs[%u]", at)) : 0;
}

static void add_mtu(struct device_build *device, const unsigned int *now)
{
	unsigned int wanted = *device->target->said->mtu;
	int port = device->target->port;
	struct iov_bdf bdf = device->target->bdf;
	struct iov_step *step = iov_plan_step(device->build->plan, IOV_BDF(bdf),
					      "set the MTU of %s to %u", IOV_BDF(bdf), wanted);

	iov_step_spares(step, "an interface goes on with another MTU");
	iov_step_do(step, iov_op_mtu(bdf, port, wanted));
	if (now)
		iov_step_undo(step, iov_op_mtu(bdf, port, *now));
	iov_step_change(step, port > 0 ? host_place("port %d mtu", port) : "mtu",
			now ? host_place("%u", *now) : NULL, host_place("%u", wanted));
}

static int build_mtu(struct device_build *device)
{
	const unsigned int *wanted = device->target->said->mtu;
	unsigned int now;
	int error;

	if (!wanted)
		return 0;
	if (device->bound) {
		add_mtu(device, NULL);
		return 0;
	}
	error = iov_mtu_read(device->build->iov, device->target->bdf, device->target->port,
			     &now);
	if (!error)
		error = iov_mtu_check(device->build->iov, device->target->bdf, device->target->port,
				      *wanted);
	if (error)
		return fail_at(device, error, "mtu");
	if (now != *wanted)
		add_mtu(device, &now);
	return 0;
}

static int check_count(const struct device_build *device, const struct iov_host_vfs *vfs)
{
	struct iov_pf pf;
	int error = iov_pf_read(device->build->iov, device->target->bdf, &pf);

	if (error)
		return fail_at(device, error, "vfs");
	if (vfs->count <= pf.total)
		return 0;
	return iov_host_fail(device->build->file, -EINVAL,
			     host_place("devices[%u].vfs.count", device->index),
			     "%u: %s gives at most %u VFs; expected 0 to %u", vfs->count,
			     IOV_BDF(device->target->bdf), pf.total, pf.total);
}

static int build_vfs(struct device_build *device)
{
	const struct iov_host_vfs as_now = { .count = device->count };
	const struct iov_host_vfs *vfs = device->target->said->vfs;
	unsigned int flags = (device->switched ? IOV_VF_ANEW : 0) |
			     (device->bound ? IOV_VF_PF_BOUND : 0);
	int error;

	if (!vfs && device->switched && device->count)
		vfs = &as_now;
	if (!vfs)
		return 0;
	error = check_count(device, vfs);
	if (error)
		return error;
	error = iov_host_vfs_plan(device->build->plan, device->target->bdf,
				  device->target->port, vfs, flags);
	return error ? fail_at(device, error, "vfs") : 0;
}

static int read_attributes(const struct device_build *device, struct json_object *values)
{
	const struct iov_host_device *said = device->target->said;
	struct iov *iov = device->build->iov;
	char name[64];

	for (unsigned int i = 0; i < said->attribute_count; i++) {
		const char *setting = said->attributes[i];
		int error = host_attribute_split(iov, setting, name, sizeof(name));

		if (!error)
			error = iov_attribute_parse(iov, device->target->bdf, name, strchr(setting, '=') + 1,
						    values);
		if (error)
			return fail_at(device, error, host_place("attributes[%u]", i));
	}
	return 0;
}

/* Attributes of the device itself, as its class has them. */
static int build_attributes(struct device_build *device)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	int error = read_attributes(device, values);

	if (error || !json_object_object_length(values))
		return error;
	error = iov_set_plan(device->build->plan, device->target->bdf, values);
	return error ? fail_at(device, error, "attributes") : 0;
}

/* Rules that lead to VFs come when these are there. */
static int build_steer(struct device_build *device)
{
	unsigned int flags = (device->bound || device->switched || device->moded ? IOV_STEER_UNSEEN : 0) |
			     (changes(device, "vfs") ? IOV_STEER_VFS_ANEW : 0);
	const struct iov_host_device *said = device->target->said;
	int error = 0;

	for (unsigned int i = 0; !error && i < said->steer_count; i++) {
		struct iov_steer_rule rule;

		error = host_steer_rule(device->build->iov, &said->steer[i], &rule);
		if (!error)
			error = iov_steer_plan(device->build->plan, device->target->bdf,
					       device->target->port, &rule, flags);
		if (error)
			error = fail_at(device, error, host_place("steer[%u]", i));
	}
	return error;
}

/* What another port of a function has of its own. */
static int build_port(struct device_build *device)
{
	const struct iov_host_vfs *vfs = device->target->said->vfs;
	int error = build_mtu(device);

	if (!error && (!vfs || !vfs->count))
		return build_steer(device);
	if (error)
		return error;
	error = iov_host_vfs_attributes_plan(device->build->plan, device->target->bdf,
					     device->target->port, vfs,
					     changes(device, "vfs") ? IOV_VF_ANEW : 0);
	return error ? fail_at(device, error, "vfs") : build_steer(device);
}

int host_build_device(struct host_build *build, unsigned int index)
{
	struct device_build device = {
		.build = build,
		.target = &build->targets[index],
		.index = index,
		.count = iov_pci_vf_count(build->iov, build->targets[index].bdf),
	};
	int error;

	device.bound = changes(&device, "driver");
	if (device.target->first)
		return build_port(&device);
	error = build_params(&device);
	device.late = wants_vfs_first(&device);
	if (!error && !device.late)
		error = build_eswitch(&device);
	if (!error)
		error = build_attributes(&device);
	if (!error)
		error = build_mtu(&device);
	if (!error && device.late)
		error = build_vfs(&device);
	if (!error && device.late)
		error = build_eswitch(&device);
	if (!error)
		error = build_rates(&device);
	if (!error && !device.late)
		error = build_vfs(&device);
	if (!error)
		error = build_sfs(&device);
	if (!error)
		error = build_steer(&device);
	if (error)
		return error;
	return host_build_irq(build, index, device.bound || device.switched ||
						    changes(&device, "vfs"));
}
