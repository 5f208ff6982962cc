// SPDX-License-Identifier: GPL-2.0-or-later
/* Plans of a switch's mode, and what stands for VFs and subfunctions then. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/interface.h"
#include "base/sysroot/call.h"
#include "base/sysroot/sysroot.h"
#include "plugins/net/eswitch.h"
#include "plugins/net/interfaces.h"
#include "plugins/net/nic_internal.h"
#include "plugins/net/representor.h"

static void add_step(struct iov_plan *plan, struct iov_bdf bdf, const char *now, const char *mode,
		     struct json_object *interfaces)
{
	struct iov_bdf_text device = iov_bdf_format(bdf);
	struct iov_step *step = iov_plan_step(plan, device.text, "set the switch mode of %s to %s",
					      device.text, mode);
	bool any = json_object_array_length(interfaces) > 0;

	iov_plan_take(plan, bdf, "another switch mode makes its interfaces anew");
	iov_plan_take_vfs(plan, bdf);
	iov_step_do(step, iov_op_eswitch(device.text, mode));
	if (any)
		iov_step_do(step, iov_op_interfaces(device.text, interfaces));
	iov_step_undo(step, iov_op_eswitch(device.text, now));
	if (any)
		iov_step_undo(step, iov_op_interfaces(device.text, interfaces));
	iov_step_change(step, "eswitch", now, mode);
}

/* Both go with switchdev mode, and the kernel refuses to leave it with words of its own. */
static int check_leaving(struct iov *iov, struct iov_bdf bdf, const struct devlink_device *device)
{
	_cleanup_json_ struct json_object *ports = NULL, *groups = NULL;
	int error = nic_ports(iov, device, &ports, &groups);

	if (!error && json_object_array_length(groups))
		error = iov_fail(iov, -EBUSY, "%s has groups of rates, which go with switchdev mode; remove "
				 "them first: iov rate remove %s %s", IOV_BDF(bdf), IOV_BDF(bdf),
				 json_text(json_object_array_get_idx(groups, 0), "name"));
	if (!error && nic_find(ports, "flavour", "pcisf"))
		error = iov_fail(iov, -EBUSY, "%s has subfunctions, which go with switchdev mode; remove them "
				 "first: 'iov sf list %s' shows them", IOV_BDF(bdf), IOV_BDF(bdf));
	return error;
}

int iov_eswitch_plan(struct iov_plan *plan, struct iov_bdf bdf, const char *mode, unsigned int flags)
{
	_cleanup_json_ struct json_object *interfaces = NULL;
	const struct devlink_device device = devlink_of(iov_plan_context(plan), bdf);
	struct iov *iov = iov_plan_context(plan);
	const char *now = NULL;
	int error;

	if (strcmp(mode, "legacy") && strcmp(mode, "switchdev"))
		return iov_plan_built(plan, iov_fail(iov, -EINVAL, "%s: expected legacy or switchdev", mode));
	error = iov_eswitch_read(iov, bdf, &now);
	if (error == -EOPNOTSUPP && !strcmp(mode, "legacy"))
		return 0;
	if (error || !strcmp(now, mode))
		return iov_plan_built(plan, error);
	error = iov_eswitch_judge(iov, bdf, mode, flags);
	if (!error && strcmp(mode, "switchdev"))
		error = check_leaving(iov, bdf, &device);
	if (!error)
		error = interfaces_capture(iov, &device, &interfaces);
	if (!error)
		add_step(plan, bdf, now, mode, interfaces);
	return iov_plan_built(plan, error);
}

bool iov_nic_is(struct iov *iov, struct iov_bdf bdf)
{
	int64_t class_code;
	struct iov_bdf pf;

	return iov_sys_is_host(iov) && !iov_pci_number(iov, bdf, "class", &class_code) &&
	       class_code >> 16 == 0x02 && iov_pci_link(iov, bdf, "physfn", &pf);
}

static bool add_row(struct json_object *rows, const char *interface, const char *kind, unsigned int number)
{
	struct json_object *row = json_object_new_object();

	json_add_text(row, "interface", interface);
	json_add_text(row, "of", iov_path("%s%u", kind, number).name);
	json_object_array_add(rows, row);
	return true;
}

static bool add_representor(void *arg, const char *interface, unsigned int vf)
{
	return add_row(arg, interface, "vf", vf);
}

static bool add_sf_representor(void *arg, const char *interface, unsigned int sf)
{
	return add_row(arg, interface, "sf", sf);
}

/* Of the name of an interface answers an array. */
static int tell_representors(struct iov *iov, const char *uplink, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *rows = json_object_new_array();
	int error;

	(void)length;
	iov_sys_asking(iov, "the representors of %s", uplink);
	error = representors_each(iov, uplink, add_representor, rows);
	if (!error)
		error = sf_representors_each(iov, uplink, add_sf_representor, rows);
	fputs(json_object_to_json_string_ext(rows, JSON_C_TO_STRING_PLAIN), answer);
	return error;
}

int iov_representors(struct iov *iov, struct iov_bdf bdf, struct json_object **out)
{
	_cleanup_free_ char *answer = NULL;
	char uplink[IOV_INTERFACE_SIZE];
	int error;

	*out = NULL;
	if (iov_interface_of(iov, bdf, -1, uplink)) {
		*out = json_object_new_array();
		return 0;
	}
	error = iov_sys_call(iov, tell_representors, uplink, strlen(uplink), &answer);
	if (error)
		return error;
	*out = json_tokener_parse(answer);
	return *out ? 0 : iov_fail(iov, -ENOMEM, "out of memory");
}
