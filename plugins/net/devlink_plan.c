// SPDX-License-Identifier: GPL-2.0-or-later
/* Plans of parameters and of groups of rates. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mac.h"
#include "base/near.h"
#include "base/switch.h"
#include "base/sysroot/call.h"
#include "base/sysroot/sysroot.h"
#include "plugins/net/devlink_port.h"
#include "plugins/net/interfaces.h"
#include "plugins/net/net.h"
#include "plugins/net/netlink.h"
#include "plugins/net/nic_internal.h"

#define NAME_LENGTH 63
#define DRIVERINIT "driverinit"

int nic_device(struct iov *iov, const char *text, struct devlink_device *device)
{
	struct iov_bdf bdf;
	int error = devlink_device_parse(iov, text, device);

	if (error)
		return error;
	if (!strchr(text, '/'))
		return iov_bdf_parse(iov, text, &bdf) ? -EINVAL : iov_pci_require(iov, bdf);
	if (iov_sys_exists(iov, devlink_path(device).name))
		return 0;
	return iov_fail(iov, -ENODEV, "%s: no such device; 'devlink dev' lists them", text);
}

int nic_require(struct iov *iov, const char *text, struct devlink_device *device)
{
	int error = nic_device(iov, text, device);
	struct iov_bdf bdf;

	if (error || strchr(text, '/') || iov_bdf_parse(iov, text, &bdf) || net_class.match(iov, bdf))
		return error;
	return iov_told(iov, -EOPNOTSUPP, "%s: no NIC; NICs alone have rates, subfunctions and their like, and "
			"'iov list --class net' lists them", text);
}

/* Of a struct devlink_device answers an object "ports" and "groups". */
static int tell_ports(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *all = json_object_new_object();
	struct json_object *ports = NULL, *groups = NULL;
	struct devlink_device device;
	int error;

	memcpy(&device, question, length);
	iov_sys_asking(iov, "the ports of %s, by devlink", devlink_text(&device).name);
	error = devlink_ports(&device, &ports, &groups);
	json_object_object_add(all, "ports", ports);
	json_object_object_add(all, "groups", groups);
	fputs(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN), answer);
	return error;
}

int nic_ports(struct iov *iov, const struct devlink_device *device, struct json_object **ports,
	      struct json_object **groups)
{
	_cleanup_json_ struct json_object *all = NULL;
	_cleanup_free_ char *answer = NULL;
	int error = netlink_require_host(iov);

	*ports = *groups = NULL;
	if (error)
		return error;
	error = iov_sys_call(iov, tell_ports, device, sizeof(*device), &answer);
	if (error == -ETIMEDOUT)
		return error;
	if (error)
		return iov_told(iov, error, "cannot read the ports of %s by devlink: %s",
				devlink_text(device).name, strerror(-error));
	all = json_tokener_parse(answer);
	*ports = json_object_get(json_object_object_get(all, "ports"));
	*groups = json_object_get(json_object_object_get(all, "groups"));
	return *ports && *groups ? 0 : iov_fail(iov, -ENOMEM, "out of memory");
}

struct json_object *nic_find(struct json_object *array, const char *key, const char *text)
{
	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		struct json_object *row = json_object_array_get_idx(array, i);

		if (!strcmp(json_text(row, key), text))
			return row;
	}
	return NULL;
}

void nic_compare(struct json_object *now, struct json_object *wanted, struct json_object *changes,
		 struct json_object *before)
{
	json_object_object_foreach(wanted, name, value) {
		struct json_object *old = json_object_object_get(now, name);

		if (json_object_equal(old, value))
			continue;
		json_object_object_add(changes, name, json_object_get(value));
		if (old)
			json_object_object_add(before, name, json_object_get(old));
	}
}

static const char *shown(struct json_object *value)
{
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value) ? "on" : "off";
	return json_object_get_string(value);
}

void nic_say(struct iov_step *step, const char *what, struct json_object *before,
	     struct json_object *changes)
{
	json_object_object_foreach(changes, name, value)
		iov_step_change(step, iov_path("%s %s", what, name).name,
				shown(json_object_object_get(before, name)), shown(value));
}

static int parse_number(struct iov *iov, const char *name, const char *text, const char *expected,
			struct json_object *values)
{
	unsigned long long number;

	errno = 0;
	number = strtoull(text, NULL, 10);
	if (!*text || strspn(text, "0123456789") != strlen(text) || errno || number > UINT_MAX)
		return iov_fail(iov, -EINVAL, "%s '%s': expected %s from 0 to %u", name, text, expected,
				UINT_MAX);
	json_object_object_add(values, name, json_object_new_int64((int64_t)number));
	return 0;
}

static bool is_name(const char *text)
{
	static const char characters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return *text && strlen(text) <= NAME_LENGTH && strspn(text, characters) == strlen(text);
}

static int parse_address(struct iov *iov, const char *name, const char *text,
			 struct json_object *values)
{
	char normal[IOV_MAC_TEXT];
	uint8_t mac[6];

	if (!iov_mac_parse_station(text, mac))
		return iov_fail(iov, -EINVAL, "%s '%s': expected the address of a station, like "
				"02:00:00:00:00:01", name, text);
	iov_mac_format(mac, normal);
	json_add_text(values, name, normal);
	return 0;
}

static int parse_word(struct iov *iov, const struct devlink_value *value, const char *text,
		      struct json_object *values)
{
	bool on = true;

	if (value->kind == DEVLINK_STATE && strcmp(text, "active") && strcmp(text, "inactive"))
		return iov_fail(iov, -EINVAL, "%s '%s': expected active or inactive", value->name, text);
	if (value->kind == DEVLINK_PARENT && !is_name(text))
		return iov_fail(iov, -EINVAL, "%s '%s': expected a group of 'iov rate list', or none",
				value->name, text);
	if (value->kind == DEVLINK_CAP && !switch_parse(text, &on))
		return iov_fail(iov, -EINVAL, "%s '%s': expected " IOV_SWITCH_EXPECTED, value->name, text);
	json_object_object_add(values, value->name, value->kind == DEVLINK_CAP ?
			       json_object_new_boolean(on) : json_object_new_string(text));
	return 0;
}

int nic_value_parse(struct iov *iov, const char *name, const char *text, bool rates_only,
		    struct json_object *values)
{
	const struct devlink_value *value = devlink_value(name);

	if (!value || (rates_only && !devlink_is_rate(value)))
		return iov_fail(iov, -EINVAL, "%s: expected one of %stx_share, tx_max, tx_priority, "
				"tx_weight, tx_parent", name, rates_only ? "" : "hw_addr, state, roce, "
				"migratable, ipsec_crypto, ipsec_packet, max_io_eqs, ");
	if (value->kind == DEVLINK_HW_ADDR)
		return parse_address(iov, name, text, values);
	if (value->kind == DEVLINK_RATE)
		return parse_number(iov, name, text, "Mbit/s", values);
	if (value->kind == DEVLINK_RATE_U32 || value->kind == DEVLINK_FN_U32)
		return parse_number(iov, name, text, "a number", values);
	return parse_word(iov, value, text, values);
}

int iov_rate_value_parse(struct iov *iov, const char *name, const char *text,
			 struct json_object *values)
{
	return nic_value_parse(iov, name, text, true, values);
}

/* Parameters. */

/* The row that is meant; cmode NULL: what counts soonest. */
static int find_param(struct iov *iov, const char *device, struct json_object *params,
		      const struct iov_param *param, struct json_object **row)
{
	static const char *const order[] = { "runtime", DRIVERINIT, "permanent" };
	struct iov_near near = { .text = param->name };
	bool named = false;

	*row = NULL;
	for (size_t mode = 0; !*row && mode < sizeof(order) / sizeof(*order); mode++) {
		for (size_t i = 0; !*row && i < json_object_array_length(params); i++) {
			struct json_object *one = json_object_array_get_idx(params, i);

			iov_near_look(&near, json_text(one, "name"));
			if (strcmp(json_text(one, "name"), param->name))
				continue;
			named = true;
			if (!strcmp(json_text(one, "cmode"), order[mode]) &&
			    (!param->cmode || !strcmp(param->cmode, order[mode])))
				*row = one;
		}
	}
	if (*row)
		return 0;
	if (named)
		return iov_fail(iov, -ENOENT, "%s: the driver of %s does not have it as %s; 'iov param list "
				"%s' shows what it has", param->name, device, param->cmode, device);
	return iov_fail(iov, -ENOENT, "%s: the driver of %s has no such parameter%s%s%s; 'iov param list %s' "
			"shows those that it has", param->name, device, near.word ? "; did you mean '" : "",
			near.word ? near.word : "", near.word ? "'" : "", device);
}

static struct iov_op *param_op(const char *device, struct json_object *row, struct json_object *value)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();

	json_add_text(values, "cmode", json_text(row, "cmode"));
	json_object_object_add(values, "value", json_object_get(value));
	return iov_op_devlink(device, IOV_DEVLINK_PARAM, json_text(row, "name"), values);
}

/* What differs: an array of objects "row" and "value"; whether that wants a reload. */
static int compare_params(struct iov *iov, const char *device, const struct iov_param *params,
			  size_t count, struct json_object **changes, bool *reload)
{
	_cleanup_json_ struct json_object *now = NULL;
	int error = iov_param_list(iov, device, &now);

	*changes = json_object_new_array();
	*reload = false;
	for (size_t i = 0; !error && i < count; i++) {
		struct json_object *row, *value = NULL, *change;

		error = find_param(iov, device, now, &params[i], &row);
		if (!error)
			error = nic_param_parse(iov, row, params[i].text, &value);
		if (error || json_object_equal(json_object_object_get(row, "value"), value)) {
			json_object_put(value);
			continue;
		}
		change = json_object_new_object();
		json_object_object_add(change, "row", json_object_get(row));
		json_object_object_add(change, "value", value);
		json_object_array_add(*changes, change);
		*reload |= !strcmp(json_text(row, "cmode"), DRIVERINIT);
	}
	return error;
}

bool iov_param_reloads(struct iov *iov, const char *device, const struct iov_param *params, size_t count)
{
	_cleanup_json_ struct json_object *changes = NULL;
	bool reload;

	return !compare_params(iov, device, params, count, &changes, &reload) && reload;
}

/* A driver that starts anew makes all anew. */
static int check_reload(struct iov *iov, const char *device, const struct devlink_device *found,
			unsigned int flags)
{
	_cleanup_json_ struct json_object *ports = NULL, *groups = NULL;
	struct iov_bdf bdf;
	int error = nic_ports(iov, found, &ports, &groups);

	if (error)
		return error;
	if (nic_find(ports, "flavour", "pcisf"))
		return iov_fail(iov, -EBUSY, "%s has subfunctions, and its driver would start anew; remove "
				"them first: 'iov sf list %s' shows them", device, device);
	if (!strchr(device, '/') && !iov_bdf_parse(iov, device, &bdf) && !(flags & IOV_NIC_VFS_GONE) &&
	    iov_pci_vf_count(iov, bdf))
		return iov_fail(iov, -EBUSY, "%s has VFs, and its driver would start anew; remove them first: "
				"iov vf remove %s", device, device);
	return 0;
}

static void give_back(struct iov_step *step, const char *device, struct json_object *interfaces,
		      void (*append)(struct iov_step *step, struct iov_op *op))
{
	if (json_object_array_length(interfaces))
		append(step, iov_op_interfaces(device, interfaces));
}

static struct iov_op *reload_op(const char *device, bool back)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	struct iov_op *op;

	if (back)
		json_object_object_add(values, "back", json_object_new_boolean(true));
	op = iov_op_devlink(device, IOV_DEVLINK_RELOAD, NULL, values);

	return iov_op_explain(op, EOPNOTSUPP, "the driver cannot start anew by devlink; unbind and bind it: "
			      "'iov bind'");
}

static void add_params(struct iov_step *step, const char *device, struct json_object *changes)
{
	for (size_t i = 0; i < json_object_array_length(changes); i++) {
		struct json_object *change = json_object_array_get_idx(changes, i);
		struct json_object *row = json_object_object_get(change, "row");
		struct json_object *value = json_object_object_get(change, "value");
		struct json_object *old = json_object_object_get(row, "value");

		iov_step_do(step, param_op(device, row, value));
		if (old)
			iov_step_undo(step, param_op(device, row, old));
		iov_step_change(step, iov_path("param %s", json_text(row, "name")).name, shown(old),
				shown(value));
	}
}

static int add_param_step(struct iov_plan *plan, const char *device, struct json_object *changes,
			  unsigned int flags)
{
	_cleanup_json_ struct json_object *interfaces = NULL;
	struct iov *iov = iov_plan_context(plan);
	bool reload = flags & IOV_NIC_RELOAD;
	struct devlink_device found;
	struct iov_step *step;
	int error = nic_device(iov, device, &found);

	if (!error && reload)
		error = check_reload(iov, device, &found, flags);
	if (!error && reload)
		error = interfaces_capture(iov, &found, &interfaces);
	if (error)
		return error;
	step = iov_plan_step(plan, device, "set parameters of the driver of %s%s", device,
			     reload ? ", and have it start anew" : "");
	if (reload)
		iov_plan_take_device(plan, device, "its driver starts anew, and makes its interfaces anew");
	else
		iov_step_spares(step, "its driver goes on");
	add_params(step, device, changes);
	if (!reload)
		return 0;
	iov_step_do(step, reload_op(device, false));
	give_back(step, device, interfaces, iov_step_do);
	iov_step_undo(step, reload_op(device, true));
	give_back(step, device, interfaces, iov_step_undo);
	return 0;
}

int iov_param_plan(struct iov_plan *plan, const char *device, const struct iov_param *params,
		   size_t count, unsigned int flags)
{
	_cleanup_json_ struct json_object *changes = NULL;
	bool wants_reload;
	int error = compare_params(iov_plan_context(plan), device, params, count, &changes,
				   &wants_reload);

	if (error || !json_object_array_length(changes))
		return iov_plan_built(plan, error);
	if (wants_reload && !(flags & IOV_NIC_RELOAD))
		iov_log(iov_plan_context(plan), LOG_NOTICE, "what is driverinit counts when the driver of %s "
			"starts anew; --reload has it do so", device);
	if (!wants_reload)
		flags &= ~(unsigned int)IOV_NIC_RELOAD;
	return iov_plan_built(plan, add_param_step(plan, device, changes, flags));
}

/* Groups of rates. */

static void add_rate_row(struct json_object *rows, const char *name, const char *kind,
			 struct json_object *of)
{
	struct json_object *row = json_object_new_object();
	const struct devlink_value *value;

	json_add_text(row, "name", name);
	json_add_text(row, "kind", kind);
	for (size_t i = 0; (value = devlink_value_at(i)); i++) {
		if (devlink_is_rate(value))
			json_object_object_add(row, value->name, json_object_get(
						       json_object_object_get(of, value->name)));
	}
	json_object_array_add(rows, row);
}

int iov_rate_list(struct iov *iov, const char *device, struct json_object **out)
{
	_cleanup_json_ struct json_object *ports = NULL, *groups = NULL;
	struct devlink_device found;
	int error = nic_require(iov, device, &found);

	if (!error)
		error = nic_ports(iov, &found, &ports, &groups);
	if (error)
		return error;
	*out = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(groups); i++) {
		struct json_object *group = json_object_array_get_idx(groups, i);

		add_rate_row(*out, json_text(group, "name"), "group", group);
	}
	for (size_t i = 0; i < json_object_array_length(ports); i++) {
		struct json_object *port = json_object_array_get_idx(ports, i), *number;
		const char *kind = json_object_object_get_ex(port, "sf", &number) ? "sf" :
				   json_object_object_get_ex(port, "vf", &number) ? "vf" : "port";

		if (!json_object_object_get_ex(port, "tx_parent", NULL))
			continue;
		if (!number)
			number = json_object_object_get(port, "port");
		add_rate_row(*out, iov_path("%s%s", kind, json_object_get_string(number)).name, "port", port);
	}
	return 0;
}

static int fail_group(struct iov *iov, const char *device, const char *name, struct json_object *groups)
{
	struct iov_near near = { .text = name };

	for (size_t i = 0; i < json_object_array_length(groups); i++)
		iov_near_look(&near, json_text(json_object_array_get_idx(groups, i), "name"));
	return iov_fail(iov, -ENOENT, "%s: %s has no such group of rates%s%s%s; 'iov rate list %s' shows those that "
			"it has", name, device, near.word ? "; did you mean '" : "",
			near.word ? near.word : "", near.word ? "'" : "", device);
}

static int64_t value_then(struct json_object *now, struct json_object *wanted, const char *key)
{
	struct json_object *value = json_object_object_get(wanted, key);

	return json_object_get_int64(value ? value : json_object_object_get(now, key));
}

int nic_judge_rates(struct iov *iov, struct json_object *now, struct json_object *wanted,
		    const struct nic_rates *rates)
{
	int64_t least = value_then(now, wanted, rates->least), most = value_then(now, wanted, rates->most);

	if ((!json_object_object_get(wanted, rates->least) && !json_object_object_get(wanted, rates->most)) ||
	    !most || least <= most)
		return 0;
	return iov_fail(iov, -EINVAL, "%s %lld is above %s %lld; set both so that it is not",
			rates->least_told, (long long)least, rates->most_told, (long long)most);
}

static int check_group(struct iov *iov, const char *device, const char *name,
		       struct json_object *groups, struct json_object *wanted, unsigned int flags)
{
	const char *parent = json_text(wanted, "tx_parent");

	if (!is_name(name) || !strcmp(name, DEVLINK_NO_PARENT) ||
	    strspn(name, "0123456789") == strlen(name))
		return iov_fail(iov, -EINVAL, "%s: expected a name: 1 to %d letters, digits, dots, underscores "
				"and dashes, not digits alone, and not '" DEVLINK_NO_PARENT "'", name, NAME_LENGTH);
	if (!strcmp(parent, name))
		return iov_fail(iov, -EINVAL, "tx_parent %s: a group cannot be in itself", parent);
	if (*parent && strcmp(parent, DEVLINK_NO_PARENT) && !(flags & IOV_NIC_UNSEEN) && !nic_find(groups, "name", parent))
		return fail_group(iov, device, parent, groups);
	return nic_judge_rates(iov, nic_find(groups, "name", name), wanted,
			       &(struct nic_rates){ "tx_share", "tx_max", "tx_share", "tx_max" });
}

static struct iov_op *group_op(const char *device, const char *name, struct json_object *values)
{
	struct iov_op *op = iov_op_devlink(device, IOV_DEVLINK_GROUP, name, values);

	op = iov_op_explain(op, EOPNOTSUPP, "this NIC has no groups of rates; those that have them want switchdev mode, see "
			    "'iov eswitch show'");
	return iov_op_explain(op, ENODEV, "its driver has no devlink, by which groups are made; VFs of such NICs have a rate "
			      "of their own by 'iov vf set --max-rate'");
}

static struct iov_op *group_back_op(const char *device, const char *name)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();

	json_object_object_add(values, "back", json_object_new_boolean(true));
	return iov_op_devlink(device, IOV_DEVLINK_GROUP_GONE, name, values);
}

static void add_group(struct iov_plan *plan, const char *device, const char *name,
		      struct json_object *now, struct json_object *wanted)
{
	_cleanup_json_ struct json_object *changes = json_object_new_object();
	_cleanup_json_ struct json_object *before = json_object_new_object();
	struct iov_step *step;

	nic_compare(now, wanted, changes, before);
	if (now && !json_object_object_length(changes))
		return;
	step = iov_plan_step(plan, device, "%s the group of rates %s of %s", now ? "change" : "make", name,
			     device);
	iov_step_spares(step, "rates are set under whoever sends");
	iov_step_do(step, group_op(device, name, changes));
	if (now)
		iov_step_undo(step, iov_op_devlink(device, IOV_DEVLINK_GROUP, name, before));
	else
		iov_step_undo(step, group_back_op(device, name));
	if (!now)
		iov_step_change(step, iov_path("rate group %s", name).name, NULL, "new");
	nic_say(step, iov_path("rate group %s", name).name, before, changes);
}

int iov_rate_plan(struct iov_plan *plan, const char *device, const char *name,
		  struct json_object *values, unsigned int flags)
{
	_cleanup_json_ struct json_object *ports = NULL, *groups = NULL;
	struct iov *iov = iov_plan_context(plan);
	struct devlink_device found;
	struct json_object *now;
	int error = nic_device(iov, device, &found);

	if (!error)
		error = nic_ports(iov, &found, &ports, &groups);
	if (!error)
		error = check_group(iov, device, name, groups, values, flags);
	now = error ? NULL : nic_find(groups, "name", name);
	if (!error && !now && flags & IOV_NIC_EXISTS)
		error = fail_group(iov, device, name, groups);
	if (!error)
		add_group(plan, device, name, now, values);
	return iov_plan_built(plan, error);
}

/* Who is in a group, "" for nobody. */
static void list_members(struct json_object *rows, const char *name, char *text, size_t size)
{
	size_t length = 0;

	*text = '\0';
	for (size_t i = 0; i < json_object_array_length(rows) && length < size; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (!strcmp(json_text(row, "tx_parent"), name))
			length += (size_t)snprintf(text + length, size - length, "%s%s", length ? ", " : "",
						   json_text(row, "name"));
	}
}

static struct json_object *rates_of(struct json_object *row)
{
	struct json_object *values = json_object_new_object();
	const struct devlink_value *value;

	for (size_t i = 0; (value = devlink_value_at(i)); i++) {
		struct json_object *has = json_object_object_get(row, value->name);

		if (has && devlink_is_rate(value))
			json_object_object_add(values, value->name, json_object_get(has));
	}
	return values;
}

int iov_rate_remove_plan(struct iov_plan *plan, const char *device, const char *name)
{
	_cleanup_json_ struct json_object *rows = NULL, *values = NULL;
	struct iov *iov = iov_plan_context(plan);
	struct json_object *row;
	struct iov_step *step;
	char members[256];
	int error = iov_rate_list(iov, device, &rows);

	row = error ? NULL : nic_find(rows, "name", name);
	if (!error && (!row || strcmp(json_text(row, "kind"), "group")))
		error = fail_group(iov, device, name, rows);
	if (error)
		return iov_plan_built(plan, error);
	list_members(rows, name, members, sizeof(members));
	if (*members)
		return iov_plan_built(plan, iov_fail(iov, -EBUSY, "%s: %s %s in it; give them another tx-parent "
				"first, or none", name, members, strchr(members, ',') ? "are" : "is"));
	values = rates_of(row);
	step = iov_plan_step(plan, device, "remove the group of rates %s of %s", name, device);
	iov_step_spares(step, "nobody is in it");
	iov_step_do(step, iov_op_devlink(device, IOV_DEVLINK_GROUP_GONE, name, NULL));
	iov_step_undo(step, iov_op_devlink(device, IOV_DEVLINK_GROUP, name, values));
	iov_step_change(step, iov_path("rate group %s", name).name, "there", NULL);
	return iov_plan_built(plan, 0);
}
