// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Performs IOV_OP_DEVLINK: looks at what is there, changes what differs and reads it back, so that
 * an operation that was interrupted can run again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "plugins/net/devlink_port.h"
#include "plugins/net/net.h"
#include "plugins/net/netlink.h"
#include "plugins/net/nic_internal.h"

#define SF_FLAVOUR "pcisf"
#define TRIES 100
#define PAUSE_MS 100

/* One operation at its device. */
struct run {
	struct iov *iov;
	const struct iov_op *op;
	struct devlink_device device;
	char answer[256];
};

static int refused(struct run *run, int error, const char *what)
{
	const char *answer = run->answer;

	if (!error)
		return 0;
	return iov_told(run->iov, error, "%s%s%s%s%s", what ? what : "", what ? ": " : "", strerror(-error),
			*answer ? ": " : "", answer);
}

static struct json_object *value_of(struct run *run, const char *key)
{
	return json_object_object_get(run->op->devlink.values, key);
}

static struct json_object *find_param(struct json_object *params, const char *name, const char *cmode)
{
	for (size_t i = 0; i < json_object_array_length(params); i++) {
		struct json_object *row = json_object_array_get_idx(params, i);

		if (!strcmp(json_text(row, "name"), name) && !strcmp(json_text(row, "cmode"), cmode))
			return row;
	}
	return NULL;
}

static int read_param(struct run *run, struct json_object **params, struct json_object **row)
{
	const char *cmode = json_text(run->op->devlink.values, "cmode");
	int error = devlink_params(&run->device, params);

	*row = error ? NULL : find_param(*params, run->op->devlink.name, cmode);
	if (error || *row)
		return refused(run, error, NULL);
	return iov_fail(run->iov, -ENOENT, "the driver has no such parameter (%s)", cmode);
}

static int run_param(struct run *run)
{
	_cleanup_json_ struct json_object *before = NULL, *after = NULL;
	struct json_object *value = value_of(run, "value"), *row;
	int error = read_param(run, &before, &row);

	if (error || json_object_equal(json_object_object_get(row, "value"), value))
		return error;
	error = refused(run, devlink_param_set(&run->device, run->op->devlink.name, json_text(row, "type"),
					       json_text(row, "cmode"), value, run->answer,
					       sizeof(run->answer)), NULL);
	if (!error)
		error = read_param(run, &after, &row);
	if (error || json_object_equal(json_object_object_get(row, "value"), value))
		return error;
	return iov_fail(run->iov, -EIO, "the driver took it, but it reads back as %s",
			json_text(row, "value"));
}

/* A driver that cannot has not started anew, so there is nothing to go back from. */
static int run_reload(struct run *run)
{
	int error = devlink_reload(&run->device, run->answer, sizeof(run->answer));

	if (error == -EOPNOTSUPP && json_object_get_boolean(value_of(run, "back")))
		return 0;
	return refused(run, error, NULL);
}

/* Give a port or a group what differs, the state last, or prove that it has it. */
static int give_values(struct run *run, struct json_object *now, const char *group, bool prove)
{
	unsigned int port = (unsigned int)json_object_get_int64(json_object_object_get(now, "port"));
	const struct devlink_value *known;
	int error = 0;

	for (size_t i = 0; !error && (known = devlink_value_at(i)); i++) {
		struct json_object *value = value_of(run, known->name);
		struct json_object *has = json_object_object_get(now, known->name);

		if (!value || json_object_equal(value, has))
			continue;
		/* What the driver takes and does not tell cannot be proven. */
		if (prove && has)
			return iov_fail(run->iov, -EIO, "the driver took %s %s, but it reads back as %s",
					known->name, json_object_get_string(value),
					json_object_get_string(has));
		if (!prove)
			error = refused(run, devlink_set(&run->device, port, group, known->name, value,
							 run->answer, sizeof(run->answer)), known->name);
	}
	return error;
}

static int read_group(struct run *run, struct json_object **groups, struct json_object **group)
{
	_cleanup_json_ struct json_object *ports = NULL;
	int error = devlink_ports(&run->device, &ports, groups);

	*group = error ? NULL : nic_find(*groups, "name", run->op->devlink.name);
	return refused(run, error, NULL);
}

static int run_group(struct run *run)
{
	_cleanup_json_ struct json_object *before = NULL, *made = NULL, *after = NULL;
	const char *name = run->op->devlink.name;
	struct json_object *group;
	int error = read_group(run, &before, &group);

	if (!error && !group) {
		error = refused(run, devlink_group_new(&run->device, name, run->answer,
						       sizeof(run->answer)), NULL);
		if (!error)
			error = read_group(run, &made, &group);
	}
	if (!error)
		error = give_values(run, group, name, false);
	if (!error)
		error = read_group(run, &after, &group);
	if (!error && !group)
		error = iov_fail(run->iov, -EIO, "the driver took it, but there is no such group");
	return error ? error : give_values(run, group, name, true);
}

/* Take out of the group who is in it, of ports or of groups. */
static int take_out(struct run *run, struct json_object *members, bool groups)
{
	_cleanup_json_ struct json_object *none = json_object_new_string(DEVLINK_NO_PARENT);
	int error = 0;

	for (size_t i = 0; !error && i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i);

		if (strcmp(json_text(member, "tx_parent"), run->op->devlink.name))
			continue;
		error = refused(run, devlink_set(&run->device, (unsigned int)json_object_get_int64(
							 json_object_object_get(member, "port")),
						 groups ? json_text(member, "name") : NULL, "tx_parent", none,
						 run->answer, sizeof(run->answer)), "tx_parent none");
	}
	return error;
}

/*
 * To take a group back that a plan made is to take out who that plan put in: where a VF had no rate
 * before, as in legacy mode, there is nothing that its own undo could give back.
 */
static int run_group_gone(struct run *run)
{
	_cleanup_json_ struct json_object *ports = NULL, *groups = NULL;
	int error = refused(run, devlink_ports(&run->device, &ports, &groups), NULL);

	if (error || !nic_find(groups, "name", run->op->devlink.name))
		return error;
	if (json_object_get_boolean(value_of(run, "back"))) {
		error = take_out(run, ports, false);
		if (!error)
			error = take_out(run, groups, true);
	}
	return error ? error : refused(run, devlink_group_del(&run->device, run->op->devlink.name, run->answer,
					      sizeof(run->answer)), NULL);
}

/* @port: NULL without one */
static int read_sf(struct run *run, struct json_object **ports, struct json_object **port)
{
	_cleanup_json_ struct json_object *groups = NULL;
	int error = devlink_ports(&run->device, ports, &groups);
	unsigned int number = (unsigned int)strtoul(run->op->devlink.name, NULL, 10);

	*port = error ? NULL : devlink_port_of(*ports, SF_FLAVOUR, "sf", number);
	return refused(run, error, NULL);
}

/* The number of the PF that has the switch, as its ports tell. */
static unsigned int pf_number(struct run *run, struct json_object *ports)
{
	struct json_object *said = value_of(run, "pf"), *number;

	for (size_t i = 0; !said && i < json_object_array_length(ports); i++) {
		struct json_object *port = json_object_array_get_idx(ports, i);

		if (json_object_object_get_ex(port, "pf", &number) &&
		    !json_object_get_boolean(json_object_object_get(port, "external")))
			said = number;
	}
	return (unsigned int)json_object_get_int64(said);
}

static int make_sf(struct run *run, struct json_object *ports)
{
	unsigned int number = (unsigned int)strtoul(run->op->devlink.name, NULL, 10);

	return refused(run, devlink_sf_new(&run->device, pf_number(run, ports), number, run->answer,
					   sizeof(run->answer)), NULL);
}

static int run_sf(struct run *run)
{
	_cleanup_json_ struct json_object *before = NULL, *made = NULL, *after = NULL;
	struct json_object *port;
	int error = read_sf(run, &before, &port);

	if (!error && !port) {
		error = make_sf(run, before);
		if (!error)
			error = read_sf(run, &made, &port);
	}
	if (!error && !port)
		error = iov_fail(run->iov, -EIO, "the driver took it, but there is no such subfunction");
	if (!error)
		error = give_values(run, port, NULL, false);
	if (!error)
		error = read_sf(run, &after, &port);
	return error ? error : give_values(run, port, NULL, true);
}

/* Its driver lets go of it when it likes; a port that goes before takes the device away under it. */
static int detach(struct run *run, unsigned int index)
{
	_cleanup_json_ struct json_object *inactive = json_object_new_string("inactive");
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	int error = refused(run, devlink_set(&run->device, index, NULL, "state", inactive, run->answer,
					     sizeof(run->answer)), "state inactive");

	for (int tries = TRIES; !error && tries--; nanosleep(&pause, NULL)) {
		_cleanup_json_ struct json_object *ports = NULL;
		struct json_object *port;

		error = read_sf(run, &ports, &port);
		if (!error && (!port || strcmp(json_text(port, "opstate"), "attached")))
			return 0;
	}
	return error ? error : iov_fail(run->iov, -EBUSY, "its driver does not let go of it");
}

static int run_sf_gone(struct run *run)
{
	_cleanup_json_ struct json_object *ports = NULL;
	struct json_object *port;
	unsigned int index;
	int error = read_sf(run, &ports, &port);

	if (error || !port)
		return error;
	index = (unsigned int)json_object_get_int64(json_object_object_get(port, "port"));
	if (!strcmp(json_text(port, "state"), "active"))
		error = detach(run, index);
	return error ? error : refused(run, devlink_sf_del(&run->device, index, run->answer,
							   sizeof(run->answer)), NULL);
}

static int run_devlink(struct iov *iov, const struct iov_op *op)
{
	static int (*const runs[IOV_DEVLINK_ACTIONS])(struct run *) = {
		[IOV_DEVLINK_PARAM] = run_param, [IOV_DEVLINK_RELOAD] = run_reload,
		[IOV_DEVLINK_GROUP] = run_group, [IOV_DEVLINK_GROUP_GONE] = run_group_gone,
		[IOV_DEVLINK_SF] = run_sf, [IOV_DEVLINK_SF_GONE] = run_sf_gone,
	};
	struct run run = { .iov = iov, .op = op };
	int error = netlink_require_host(iov);

	if (!error)
		error = devlink_device_parse(iov, op->devlink.device, &run.device);
	if (error)
		return error;
	iov_sys_asking(iov, "a change of %s, by devlink", op->devlink.device);
	return runs[op->devlink.action](&run);
}

const struct iov_op_runner devlink_runner = { IOV_OP_DEVLINK, run_devlink };
