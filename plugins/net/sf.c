// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Subfunctions: ports of the switch whose function is made with them. An active one is a device of
 * the auxiliary bus below its PF, which has the number in "sfnum", and what its drivers make of it
 * hangs below that: interfaces, RDMA devices, and vDPA devices, whose parent it is.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "plugins/net/devlink_port.h"
#include "plugins/net/netlink.h"
#include "plugins/net/nic_internal.h"

#define SF_FLAVOUR "pcisf"
#define AUXILIARY "auxiliary"

static struct iov_path number_text(unsigned int number)
{
	return iov_path("%u", number);
}

/* The names in a directory of sysfs, as a new array. */
static struct json_object *names_in(struct iov *iov, const char *directory)
{
	struct json_object *array = json_object_new_array();
	char **names;
	size_t count;

	if (iov_sys_list(iov, directory, &names, &count))
		return array;
	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, json_object_new_string(names[i]));
	iov_names_free(names, count);
	return array;
}

static bool is_auxiliary(struct iov *iov, const char *directory)
{
	char bus[32];

	return !iov_sys_link_name(iov, iov_path("%s/subsystem", directory).name, bus, sizeof(bus)) &&
	       !strcmp(bus, AUXILIARY);
}

/**
 * struct made - what there is of all subfunctions of a PF, found once
 * @devices: the auxiliary device of each that has one, by its number
 * @below: "netdevs", "rdma" and "vdpa", arrays, of each such device by its name
 */
struct made {
	struct json_object *devices;
	struct json_object *below;
};

static const struct {
	const char *key;
	const char *directory;
} kinds[] = {
	{ "netdevs", IOV_PATH_CLASS_NET },
	{ "rdma", IOV_PATH_CLASS "/infiniband" },
	{ "vdpa", IOV_PATH_VDPA "/devices" },
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static struct json_object *empty_kinds(void)
{
	struct json_object *empty = json_object_new_object();

	for (size_t i = 0; i < KINDS; i++)
		json_object_object_add(empty, kinds[i].key, json_object_new_array());
	return empty;
}

static void find_devices(struct iov *iov, const struct devlink_device *pf, struct made *made)
{
	struct iov_path directory = devlink_path(pf);
	_cleanup_json_ struct json_object *names = names_in(iov, directory.name);

	for (size_t i = 0; i < json_object_array_length(names); i++) {
		const char *entry = json_object_get_string(json_object_array_get_idx(names, i));
		struct iov_path child = iov_path("%s/%s", directory.name, entry);
		int64_t number;

		if (iov_sys_read_number(iov, iov_path("%s/sfnum", child.name).name, &number) || number < 0 ||
		    number > UINT_MAX || !is_auxiliary(iov, child.name))
			continue;
		json_add_text(made->devices, number_text((unsigned int)number).name, entry);
		json_object_object_add(made->below, entry, empty_kinds());
	}
}

/* What is below one of them has its name on the way to it in sysfs. */
static void sort_in(struct made *made, const char *key, struct json_object *entry, char *target)
{
	char *rest = target, *name;
	struct json_object *kept;

	while ((name = strsep(&rest, "/"))) {
		if (!json_object_object_get_ex(made->below, name, &kept))
			continue;
		json_object_array_add(json_object_object_get(kept, key), json_object_get(entry));
		return;
	}
}

static struct made find_made(struct iov *iov, const struct devlink_device *pf)
{
	struct made made = { json_object_new_object(), json_object_new_object() };

	find_devices(iov, pf, &made);
	for (size_t kind = 0; json_object_object_length(made.below) && kind < KINDS; kind++) {
		_cleanup_json_ struct json_object *all = names_in(iov, kinds[kind].directory);
		char target[IOV_PATH_MAX];

		for (size_t i = 0; i < json_object_array_length(all); i++) {
			struct json_object *entry = json_object_array_get_idx(all, i);

			if (!iov_sys_link(iov, iov_path("%s/%s", kinds[kind].directory,
							json_object_get_string(entry)).name, target, sizeof(target)))
				sort_in(&made, kinds[kind].key, entry, target);
		}
	}
	return made;
}

static void forget_made(struct made *made)
{
	json_object_put(made->devices);
	json_object_put(made->below);
}

/* What its drivers made of an active one. */
static void add_devices(struct iov *iov, const struct devlink_device *pf, const struct made *made,
			unsigned int number, struct json_object *row)
{
	const char *name = json_text_or_null(made->devices, number_text(number).name);
	struct json_object *auxiliary = json_object_new_array(), *children, *below;
	struct iov_path directory;

	json_object_object_add(row, "auxiliary", auxiliary);
	below = name ? json_object_get(json_object_object_get(made->below, name)) : empty_kinds();
	for (size_t i = 0; i < KINDS; i++)
		json_object_object_add(row, kinds[i].key, json_object_get(
					       json_object_object_get(below, kinds[i].key)));
	json_object_put(below);
	json_add_text(row, "mgmtdev", name ? iov_path(AUXILIARY "/%s", name).name : NULL);
	if (!name)
		return;
	directory = iov_path("%s/%s", devlink_path(pf).name, name);
	json_object_array_add(auxiliary, json_object_new_string(name));
	children = names_in(iov, directory.name);
	for (size_t i = 0; i < json_object_array_length(children); i++) {
		struct json_object *child = json_object_array_get_idx(children, i);

		if (is_auxiliary(iov, iov_path("%s/%s", directory.name, json_object_get_string(child)).name))
			json_object_array_add(auxiliary, json_object_get(child));
	}
	json_object_put(children);
}

static struct json_object *describe(struct iov *iov, const struct devlink_device *pf,
				    const struct made *made, struct json_object *port)
{
	struct json_object *row = json_object_new_object(), *number = json_object_object_get(port, "sf");
	const struct devlink_value *value;

	json_object_object_add(row, "number", json_object_get(number));
	json_object_object_add(row, "port", json_object_get(json_object_object_get(port, "port")));
	json_add_text(row, "state", json_text_or_null(port, "state"));
	json_add_text(row, "opstate", json_text_or_null(port, "opstate"));
	for (size_t i = 0; (value = devlink_value_at(i)); i++) {
		struct json_object *has = json_object_object_get(port, value->name);

		if (has && value->kind != DEVLINK_STATE)
			json_object_object_add(row, value->name, json_object_get(has));
	}
	json_add_text(row, "representor", json_text_or_null(port, "netdev"));
	add_devices(iov, pf, made, (unsigned int)json_object_get_int64(number), row);
	return row;
}

/* On a recorded host those that are active. */
static int list_recorded(struct iov *iov, const struct devlink_device *pf, const struct made *made,
			 struct json_object *rows)
{
	json_object_object_foreach(made->devices, number, name) {
		struct json_object *port = json_object_new_object();

		(void)name;
		json_object_object_add(port, "sf", json_object_new_int64(strtoll(number, NULL, 10)));
		json_add_text(port, "state", "active");
		json_object_array_add(rows, describe(iov, pf, made, port));
		json_object_put(port);
	}
	return 0;
}

static int list_ports(struct iov *iov, const struct devlink_device *pf, const struct made *made,
		      struct json_object *rows)
{
	_cleanup_json_ struct json_object *ports = NULL, *groups = NULL;
	int error = nic_ports(iov, pf, &ports, &groups);

	for (size_t i = 0; !error && i < json_object_array_length(ports); i++) {
		struct json_object *port = json_object_array_get_idx(ports, i);

		if (!strcmp(json_text(port, "flavour"), SF_FLAVOUR) && json_object_object_get(port, "sf") &&
		    !json_object_get_boolean(json_object_object_get(port, "external")))
			json_object_array_add(rows, describe(iov, pf, made, port));
	}
	return error;
}

int iov_sf_list(struct iov *iov, const char *device, struct json_object **out)
{
	struct devlink_device found;
	struct made made;
	int error = nic_require(iov, device, &found);

	*out = NULL;
	if (error)
		return error;
	made = find_made(iov, &found);
	*out = json_object_new_array();
	error = iov_sys_is_host(iov) ? list_ports(iov, &found, &made, *out) :
				       list_recorded(iov, &found, &made, *out);
	forget_made(&made);
	if (!error)
		return 0;
	json_object_put(*out);
	*out = NULL;
	return error;
}

int iov_sf_value_parse(struct iov *iov, const char *name, const char *text,
		       struct json_object *values)
{
	return nic_value_parse(iov, name, text, false, values);
}

static int fail_none(struct iov *iov, const char *device, unsigned int number)
{
	return iov_fail(iov, -ENOENT, "%s has no subfunction %u; 'iov sf list %s' shows those that it has",
			device, number, device);
}

/* Its driver reads them when it begins. */
static int check_active(struct iov *iov, unsigned int number, struct json_object *row,
			struct json_object *changes)
{
	if (!row || strcmp(json_text(row, "state"), "active"))
		return 0;
	json_object_object_foreach(changes, name, value) {
		const struct devlink_value *known = devlink_value(name);

		(void)value;
		if (known && !devlink_is_rate(known) && known->kind != DEVLINK_STATE)
			return iov_fail(iov, -EBUSY, "subfunction %u is active, and its driver would not see "
					"another %s; set its state to inactive first, and to active afterwards",
					number, name);
	}
	return 0;
}

/* vDPA devices are gone with it, whoever has them. */
static int check_vdpa(struct iov *iov, unsigned int number, struct json_object *row)
{
	struct json_object *vdpa = json_object_object_get(row, "vdpa");

	if (!json_object_array_length(vdpa))
		return 0;
	return iov_fail(iov, -EBUSY, "subfunction %u: the vDPA device %s is made of it; delete that first: "
			"iov vdpa delete %s", number,
			json_object_get_string(json_object_array_get_idx(vdpa, 0)),
			json_object_get_string(json_object_array_get_idx(vdpa, 0)));
}

/* An active one is taken from who uses what hangs below it. */
static void take(struct iov_plan *plan, struct iov_step *step, struct json_object *row, const char *why)
{
	struct json_object *auxiliary = json_object_object_get(row, "auxiliary");

	if (!json_object_array_length(auxiliary)) {
		iov_step_spares(step, "nobody has an inactive subfunction");
		return;
	}
	iov_step_spares(step, "the guards are asked for the subfunction itself");
	iov_plan_take_device(plan, iov_path(AUXILIARY "/%s", json_object_get_string(
					 json_object_array_get_idx(auxiliary, 0))).name, why);
}

static struct iov_op *sf_op(const char *device, unsigned int number, struct json_object *values)
{
	struct iov_op *op = iov_op_devlink(device, IOV_DEVLINK_SF, number_text(number).name, values);

	op = iov_op_explain(op, EOPNOTSUPP, "this NIC makes no such subfunction; those that do want switchdev "
			    "mode, see 'iov eswitch show', and subfunctions enabled in their firmware");
	op = iov_op_explain(op, ENODEV, "its driver has no devlink, by which subfunctions are made; 'iov sf' is for NICs "
			    "whose driver has");
	op = iov_op_explain(op, ENOSPC, "the NIC has no room for another subfunction; 'iov sf list' shows "
			    "those that there are, and the firmware says how many it makes");
	return op;
}

static void add_step(struct iov_plan *plan, const char *device, unsigned int number,
		     struct json_object *row, struct json_object *changes, struct json_object *before)
{
	bool stops = !strcmp(json_text(changes, "state"), "inactive");
	struct iov_path what = iov_path("sf %u", number);
	struct iov_step *step = iov_plan_step(plan, device, "%s subfunction %u of %s", row ? "change" : "make",
					      number, device);

	if (row && stops)
		take(plan, step, row, "a subfunction that becomes inactive loses its driver");
	else
		iov_step_spares(step, row ? "its driver goes on" : "a new subfunction is nobody's yet");
	iov_step_do(step, sf_op(device, number, changes));
	if (row)
		iov_step_undo(step, sf_op(device, number, before));
	else
		iov_step_undo(step, iov_op_devlink(device, IOV_DEVLINK_SF_GONE, number_text(number).name,
						   NULL));
	if (!row)
		iov_step_change(step, what.name, NULL, "new");
	nic_say(step, what.name, before, changes);
}

static int check_parent(struct iov *iov, const char *device, struct json_object *groups,
			struct json_object *values)
{
	const char *parent = json_text(values, "tx_parent");

	if (!*parent || !strcmp(parent, DEVLINK_NO_PARENT) || nic_find(groups, "name", parent))
		return 0;
	return iov_fail(iov, -ENOENT, "tx_parent %s: %s has no such group of rates; 'iov rate add' makes one",
			parent, device);
}

/* @row: as of iov_sf_list(), NULL for none; @groups: those of rates that the device has */
static int find_sf(struct iov *iov, const char *device, unsigned int number, struct json_object **groups,
		   struct json_object **row)
{
	_cleanup_json_ struct json_object *ports = NULL;
	struct devlink_device found;
	struct json_object *port;
	struct made made;
	int error = netlink_require_host(iov);

	*groups = *row = NULL;
	if (!error)
		error = nic_device(iov, device, &found);
	if (!error)
		error = nic_ports(iov, &found, &ports, groups);
	port = error ? NULL : devlink_port_of(ports, SF_FLAVOUR, "sf", number);
	if (!port)
		return error;
	made = find_made(iov, &found);
	*row = describe(iov, &found, &made, port);
	forget_made(&made);
	return 0;
}

int iov_sf_plan(struct iov_plan *plan, const char *device, unsigned int number,
		struct json_object *values, unsigned int flags)
{
	_cleanup_json_ struct json_object *groups = NULL, *row = NULL, *changes = json_object_new_object();
	_cleanup_json_ struct json_object *before = json_object_new_object();
	struct iov *iov = iov_plan_context(plan);
	int error = find_sf(iov, device, number, &groups, &row);

	if (!error && !row && flags & IOV_NIC_EXISTS)
		error = fail_none(iov, device, number);
	if (!error && !(flags & IOV_NIC_UNSEEN))
		error = check_parent(iov, device, groups, values);
	if (error)
		return iov_plan_built(plan, error);
	nic_compare(row, values, changes, before);
	error = check_active(iov, number, row, changes);
	if (!error && row && !strcmp(json_text(changes, "state"), "inactive"))
		error = check_vdpa(iov, number, row);
	if (!error && (!row || json_object_object_length(changes)))
		add_step(plan, device, number, row, changes, before);
	return iov_plan_built(plan, error);
}

/* What it can be made with again. */
static struct json_object *values_of(struct json_object *row)
{
	struct json_object *values = json_object_new_object();
	const struct devlink_value *value;

	for (size_t i = 0; (value = devlink_value_at(i)); i++) {
		struct json_object *has = json_object_object_get(row, value->name);

		if (has && strcmp(json_object_get_string(has), "00:00:00:00:00:00"))
			json_object_object_add(values, value->name, json_object_get(has));
	}
	return values;
}

int iov_sf_remove_plan(struct iov_plan *plan, const char *device, unsigned int number)
{
	_cleanup_json_ struct json_object *groups = NULL, *row = NULL, *values = NULL;
	struct iov *iov = iov_plan_context(plan);
	struct iov_step *step;
	int error = find_sf(iov, device, number, &groups, &row);

	if (!error && !row)
		error = fail_none(iov, device, number);
	if (!error)
		error = check_vdpa(iov, number, row);
	if (error)
		return iov_plan_built(plan, error);
	values = values_of(row);
	step = iov_plan_step(plan, device, "remove subfunction %u of %s", number, device);
	take(plan, step, row, "named");
	iov_step_do(step, iov_op_devlink(device, IOV_DEVLINK_SF_GONE, number_text(number).name, NULL));
	iov_step_undo(step, sf_op(device, number, values));
	iov_step_change(step, iov_path("sf %u", number).name, "there", NULL);
	return iov_plan_built(plan, 0);
}
