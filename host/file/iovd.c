// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One change of iovd as a plan, so that the host file can say it in the same change: what iovd
 * has is asked first, and is what an undo leads back to.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "base/rpc/rpc.h"
#include "host/file/build.h"
#include "host/file/disk.h"
#include "host/file/port_rules.h"
#include "plugins/system/iovd.h"

/**
 * struct deed - what is asked of iovd
 * @noun: "port", "bridge", "disk" or "qos"
 * @verb: "add", "set", "resize" or "remove"
 * @name: of it
 * @now: as iovd lists it, NULL for none
 */
struct deed {
	struct iov_plan *plan;
	struct iov *iov;
	const char *method;
	struct iov_path noun;
	const char *verb;
	const char *name;
	struct json_object *params;
	struct json_object *now;
};

static bool is(const struct deed *deed, const char *verb)
{
	return !strcmp(deed->verb, verb);
}

static struct iov_op *op_named(const struct deed *deed, const char *verb)
{
	struct json_object *params = json_object_new_object();

	json_add_text(params, "name", deed->name);
	return iov_op_iovd(host_place("%s.%s", deed->noun.name, verb), params);
}

/* What is done once and leaves nothing. */
static bool is_act(const char *key)
{
	return !strcmp(key, "announce") || !strcmp(key, "clear_errors");
}

/* What a value is when nobody says it, as a method takes it that now takes another one. */
static struct json_object *former(struct json_object *now, const char *key, struct json_object *other)
{
	struct json_object *value;

	if (json_object_object_get_ex(now, key, &value))
		return json_object_get(value);
	switch (json_object_get_type(other)) {
	case json_type_string:
		return json_object_new_string(strcmp(key, "link") ? "none" : "up");
	case json_type_int:
		return json_object_new_int(0);
	default:
		return json_object_new_boolean(false);
	}
}

/* What sets back what @params sets. */
static struct iov_op *op_set_back(const struct deed *deed)
{
	struct json_object *params = json_object_new_object();

	json_object_object_foreach(deed->params, key, value) {
		if (!strcmp(key, "rules"))
			json_object_object_add(params, key, host_rules_change(
				value, json_object_object_get(deed->now, key)));
		else if (!is_act(key))
			json_object_object_add(params, key, former(deed->now, key, value));
	}
	return iov_op_iovd(deed->method, params);
}

static void undo(const struct deed *deed, struct iov_step *step)
{
	if (is(deed, "add"))
		iov_step_undo(step, op_named(deed, "remove"));
	else if (is(deed, "remove"))
		iov_step_undo(step, iov_op_iovd(host_place("%s.add", deed->noun.name),
						host_iovd_params(deed->now)));
	else
		iov_step_undo(step, op_set_back(deed));
}

static void add_step(const struct deed *deed)
{
	struct iov_step *step = iov_plan_step(deed->plan, HOST_IOVD, "%s %s %s of iovd", deed->verb,
					      deed->noun.name, deed->name);
	struct iov_path what = iov_path("%s %s", deed->noun.name, deed->name);
	_cleanup_json_ struct json_object *had = deed->now ? host_iovd_params(deed->now) : NULL;
	char from[256] = "", to[256];
	_cleanup_json_ struct json_object *devices =
		iov_host_iovd_devices(deed->iov, is(deed, "remove") ? deed->now : deed->params);

	for (size_t i = 0; i < json_object_array_length(devices); i++) {
		const char *device = json_object_get_string(json_object_array_get_idx(devices, i));

		iov_step_touches(step, device);
		if (is(deed, "add"))
			iov_plan_take_unused(deed->plan, device, what.name);
	}
	iov_step_do(step, iov_op_iovd(deed->method, json_object_get(deed->params)));
	undo(deed, step);
	host_iovd_describe(deed->params, to, sizeof(to));
	if (had)
		host_iovd_describe(had, from, sizeof(from));
	iov_step_change(step, what.name, is(deed, "remove") ? from : NULL,
			is(deed, "remove") ? NULL : to);
}

/* Whether the ports that a bridge shall have are in it. */
static bool has_ports(const struct deed *deed)
{
	struct json_object *ports = json_object_object_get(deed->params, "ports");
	struct json_object *now = json_object_object_get(deed->now, "ports");

	for (size_t i = 0; ports && i < json_object_array_length(ports); i++) {
		if (!json_array_has(now, json_object_get_string(json_object_array_get_idx(ports, i))))
			return false;
	}
	return true;
}

/* What is to be added may be there as it shall be. */
static int check_added(const struct deed *deed)
{
	if (!is(deed, "add") || !deed->now ||
	    (iov_iovd_match(deed->now, deed->params) && has_ports(deed)))
		return 0;
	return iov_fail(deed->iov, -EEXIST, "%s: iovd has a %s of that name that is otherwise; 'iov %s "
			"remove' it first", deed->name, deed->noun.name, deed->noun.name);
}

/* Of what is not there iovd itself has said so, unless it went or came meanwhile. */
static int check_there(const struct deed *deed)
{
	if (is(deed, "add") || deed->now)
		return 0;
	return iov_fail(deed->iov, -ENOENT, "%s: iovd has no %s of that name; 'iov %s list' shows them",
			deed->name, deed->noun.name, deed->noun.name);
}

/* A rule that is taken away is not said. */
static bool is_nothing(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_boolean:
		return !json_object_get_boolean(value);
	case json_type_int:
		return !json_object_get_int64(value);
	case json_type_array:
		return !json_object_array_length(value);
	default:
		return !strcmp(json_object_get_string(value), "none");
	}
}

static struct json_object *said_rules(struct json_object *rules)
{
	struct json_object *said = json_object_new_object();

	json_object_object_foreach(rules, key, value)
		json_object_object_add(said, key, is_nothing(value) ? NULL : json_object_get(value));
	return said;
}

/* A function by what it is rather than by its address. */
static int add_device(struct iov *iov, const char *device, struct json_object *said)
{
	char identity[IOV_IDENTITY_SIZE];
	struct iov_bdf bdf;
	int error;

	if (!iov_bdf_scan(device, &bdf)) {
		json_add_text(said, "device", device);
		return 0;
	}
	error = iov_device_identity(iov, bdf, identity, sizeof(identity));
	if (!error)
		json_add_text(said, "device", identity);
	return error;
}

/* Where a disk's data is; a method that only sets its size leaves that to iovd. */
static void add_source(const struct deed *deed, struct json_object *params, struct json_object *said)
{
	_cleanup_json_ struct json_object *source = json_copy(params);

	if (!json_object_object_get(source, "backend"))
		json_add_text(source, "backend", json_text(deed->now, "backend"));
	host_disk_say_source(source, said);
}

/* What a host file does not have, or has in another way. */
static bool is_unsaid(const char *key)
{
	static const char *const keys[] = { "name", "ports", "link", "backend" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return is_act(key);
}

/* A limit that is taken away is not said. */
static bool is_limit(const struct deed *deed, const char *key)
{
	return !strcmp(key, "qos") || (!strcmp(deed->noun.name, "qos") && strcmp(key, "name"));
}

/* Parameters as a host file says them. */
static int to_file(const struct deed *deed, struct json_object *params, struct json_object *said)
{
	int error = 0;

	json_object_object_foreach(params, key, value) {
		if (!strcmp(key, "device"))
			error = add_device(deed->iov, json_object_get_string(value), said);
		else if (!strcmp(key, "rules"))
			json_object_object_add(said, key, said_rules(value));
		else if (is_limit(deed, key))
			json_object_object_add(said, key, is_nothing(value) ? NULL :
									       json_object_get(value));
		else if (!strcmp(key, "path") || !strcmp(key, "uri") || !strcmp(key, "bytes"))
			add_source(deed, params, said);
		else if (!is_unsaid(key))
			json_object_object_add(said, key, json_object_get(value));
	}
	return error;
}

static void add_members(struct json_object *to, struct json_object *from)
{
	json_object_object_foreach(from, key, value)
		json_object_object_add(to, key, json_object_get(value));
}

/* The whole of it then, for a file that does not have it. */
static int whole(const struct deed *deed, struct json_object *said, struct json_object *all)
{
	_cleanup_json_ struct json_object *params = deed->now ? host_iovd_params(deed->now) : NULL;
	struct json_object *rules;
	int error = params ? to_file(deed, params, all) : 0;

	json_object_object_foreach(said, key, value) {
		if (strcmp(key, "rules") || !json_object_object_get_ex(all, key, &rules))
			json_object_object_add(all, key, json_object_get(value));
		else
			add_members(rules, value);
	}
	return error;
}

static int entry_of(const struct deed *deed, struct json_object **entry)
{
	struct json_object *said = json_object_new_object(), *all = json_object_new_object();
	int error = to_file(deed, deed->params, said);

	if (!error)
		error = whole(deed, said, all);
	*entry = json_object_new_object();
	json_object_object_add(*entry, "said", said);
	json_object_object_add(*entry, "all", all);
	return error;
}

/* The file says of a port in which bridge it is. */
static struct json_object *connected(struct json_object *names, const char *bridge)
{
	struct json_object *ports = json_object_new_object();

	for (size_t i = 0; names && i < json_object_array_length(names); i++) {
		struct json_object *entry = json_object_new_object(), *said = json_object_new_object();

		json_add_text(said, "bridge", bridge);
		json_object_object_add(entry, "said", said);
		json_object_object_add(ports, json_object_get_string(
					       json_object_array_get_idx(names, i)), entry);
	}
	return ports;
}

static int save_plan(const struct deed *deed)
{
	_cleanup_json_ struct json_object *wanted = json_object_new_object();
	struct json_object *iovd = json_object_new_object(), *entries = json_object_new_object();
	bool is_bridge = !strcmp(deed->noun.name, "bridge"), is_qos = !strcmp(deed->noun.name, "qos");
	struct json_object *entry = NULL;
	int error = is(deed, "remove") ? 0 : entry_of(deed, &entry);

	json_object_object_add(wanted, "iovd", iovd);
	json_object_object_add(iovd, host_place("%s%s", deed->noun.name, is_qos ? "" : "s"), entries);
	json_object_object_add(entries, deed->name, entry);
	if (is_bridge && is(deed, "add"))
		json_object_object_add(iovd, "ports", connected(
			json_object_object_get(deed->params, "ports"), deed->name));
	return error ? error : iov_host_save_plan(deed->plan, wanted);
}

/* A path or a URI; NULL for a disk that has a size of its own. */
static const char *place_of_data(struct json_object *disk)
{
	const char *path = json_text_or_null(disk, "path");

	return path ? path : json_text_or_null(disk, "uri");
}

/* What nobody keeps is not in a host file, nor is what is found where the data is. */
static int check_saved(const struct deed *deed)
{
	static const struct {
		const char *key;
		const char *option;
	} unkept[] = {
		{ "link", "link" }, { "announce", "announce" }, { "clear_errors", "clear-errors" },
	};

	for (size_t i = 0; i < sizeof(unkept) / sizeof(*unkept); i++) {
		if (is(deed, "set") && json_object_object_get_ex(deed->params, unkept[i].key, NULL))
			return iov_fail(deed->iov, -EINVAL, "--%s: a host file does not say this; "
					"leave out --save, or say it in a command of its own",
					unkept[i].option);
	}
	if (is(deed, "resize") && place_of_data(deed->now))
		return iov_fail(deed->iov, -EINVAL, "%s: a host file does not say the size of %s; leave "
				"out --save", deed->name, place_of_data(deed->now));
	return 0;
}

static int find_now(struct deed *deed, struct json_object **list)
{
	int error = iov_rpc_call(deed->iov, host_place("%s.list", deed->noun.name), NULL, list);

	if (!error)
		deed->now = is(deed, "add") ? host_iovd_there(*list, deed->name)
					    : host_iovd_find(*list, deed->name);
	return error;
}

/*
 * What iovd says of it; @changes: whether there is anything to do.  To judge what is added may take
 * what that itself takes, as a controller that is reset: before it comes it is not judged as well.
 */
static int rehearse(const struct deed *deed, bool judge, bool *changes)
{
	_cleanup_json_ struct json_object *answer = NULL;
	struct json_object *params;
	int error;

	*changes = !(is(deed, "add") && deed->now);
	if (!*changes || (is(deed, "add") && !judge))
		return 0;
	params = json_copy(deed->params);
	json_object_object_add(params, "dry_run", json_object_new_boolean(true));
	error = iov_rpc_call(deed->iov, deed->method, params, &answer);
	*changes = json_object_get_boolean(json_object_object_get(answer, "changes"));
	return error;
}

static struct deed deed_of(struct iov *iov, const char *method, struct json_object *params)
{
	return (struct deed){
		.iov = iov, .method = method, .params = params,
		.noun = iov_path("%.*s", (int)strcspn(method, "."), method),
		.verb = method + strcspn(method, ".") + 1, .name = json_text(params, "name"),
	};
}

int iov_host_iovd_plan(struct iov_plan *plan, const char *method, struct json_object *params,
		       bool save, bool judge)
{
	_cleanup_json_ struct json_object *list = NULL;
	struct deed deed = deed_of(iov_plan_context(plan), method, params);
	bool changes = false;
	int error = find_now(&deed, &list);

	deed.plan = plan;
	if (!error)
		error = check_added(&deed);
	if (!error && save)
		error = check_saved(&deed);
	if (!error)
		error = rehearse(&deed, judge, &changes);
	if (!error)
		error = check_there(&deed);
	if (!error && changes)
		add_step(&deed);
	if (!error && save)
		error = save_plan(&deed);
	return iov_plan_built(plan, error);
}

int iov_host_iovd_there(struct iov *iov, const char *method, struct json_object *params,
			struct json_object **there)
{
	_cleanup_json_ struct json_object *list = NULL;
	struct deed deed = deed_of(iov, method, params);
	int error = find_now(&deed, &list);

	if (!error)
		error = check_added(&deed);
	*there = error ? NULL : json_object_get(deed.now);
	return error;
}
