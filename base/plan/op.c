// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations and conditions: the words that a plan is written in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/json.h"
#include "base/plan/plan_engine.h"
#include "base/sysroot/paths.h"
#include "base/table.h"

#define OP_TABLE "op"

static struct json_object *new_op(const char *kind)
{
	struct json_object *op = json_object_new_object();

	json_object_object_add(op, "op", json_object_new_string(kind));
	return op;
}

struct json_object *iov_op_write(const char *path, const char *value)
{
	struct json_object *op = new_op("write");

	json_object_object_add(op, "path", json_object_new_string(path));
	json_object_object_add(op, "value", json_object_new_string(value));
	return op;
}

struct json_object *iov_op_module(const char *name)
{
	struct json_object *op = new_op("module");

	json_object_object_add(op, "name", json_object_new_string(name));
	return op;
}

struct json_object *iov_op_absent_ok(struct json_object *op)
{
	json_object_object_add(op, "absent_ok", json_object_new_boolean(true));
	return op;
}

struct json_object *iov_op_unless(struct json_object *op, struct json_object *condition)
{
	json_object_object_add(op, "unless", condition);
	return op;
}

struct json_object *iov_op_explain(struct json_object *op, int error, const char *text)
{
	struct json_object *explain = json_object_object_get(op, "explain");
	char key[16];

	if (!explain) {
		explain = json_object_new_object();
		json_object_object_add(op, "explain", explain);
	}
	snprintf(key, sizeof(key), "%d", error);
	json_object_object_add(explain, key, json_object_new_string(text));
	return op;
}

static struct json_object *new_condition(const char *path, const char *key,
					 struct json_object *value)
{
	struct json_object *condition = json_object_new_object();

	json_object_object_add(condition, "path", json_object_new_string(path));
	json_object_object_add(condition, key, value);
	return condition;
}

struct json_object *iov_if_link(const char *path, const char *target)
{
	return new_condition(path, "link", target ? json_object_new_string(target) : NULL);
}

struct json_object *iov_if_link_among(const char *path, char *const *targets, size_t count)
{
	struct json_object *among = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(among, json_object_new_string(targets[i]));
	return new_condition(path, "link", among);
}

struct json_object *iov_if_within(struct json_object *condition, unsigned int milliseconds)
{
	json_object_object_add(condition, "within", json_object_new_int64(milliseconds));
	return condition;
}

struct json_object *iov_if_value(const char *path, const char *value)
{
	return new_condition(path, "value", json_object_new_string(value));
}

struct json_object *iov_if_exists(const char *path, bool exists)
{
	return new_condition(path, "exists", json_object_new_boolean(exists));
}

static bool is_among(struct json_object *expected, const char *text)
{
	if (!json_object_is_type(expected, json_type_array))
		return !strcmp(text, json_object_get_string(expected));
	for (size_t i = 0; i < json_object_array_length(expected); i++) {
		if (!strcmp(text, json_object_get_string(json_object_array_get_idx(expected, i))))
			return true;
	}
	return false;
}

bool condition_holds(struct iov *iov, struct json_object *condition)
{
	const char *path = json_text(condition, "path");
	struct json_object *expected;
	char text[256];
	int error;

	if (json_object_object_get_ex(condition, "link", &expected)) {
		error = iov_sys_link_name(iov, path, text, sizeof(text));
		if (!expected)
			return error == -ENOENT;
		return !error && is_among(expected, text);
	}
	if (json_object_object_get_ex(condition, "value", &expected)) {
		error = iov_sys_read(iov, path, text, sizeof(text));
		return !error && !strcmp(text, json_object_get_string(expected));
	}
	if (json_object_object_get_ex(condition, "exists", &expected))
		return iov_sys_exists(iov, path) == json_object_get_boolean(expected);
	return false;
}

void condition_describe(struct json_object *condition, char *text, size_t size)
{
	const char *path = json_text(condition, "path");
	struct json_object *expected;

	if (json_object_object_get_ex(condition, "link", &expected))
		snprintf(text, size, expected ? "/%s leads to %s" : "/%s is absent", path,
			 json_object_get_string(expected));
	else if (json_object_object_get_ex(condition, "value", &expected))
		snprintf(text, size, "/%s is '%s'", path, json_object_get_string(expected));
	else
		snprintf(text, size, "/%s %s", path,
			 json_object_get_boolean(json_object_object_get(condition, "exists")) ?
				 "exists" : "is absent");
}

static int run_write(struct iov *iov, struct json_object *op)
{
	int error = iov_sys_write(iov, json_text(op, "path"), json_text(op, "value"));

	return error ? iov_fail(iov, error, "%s", strerror(-error)) : 0;
}

static void describe_write(struct json_object *op, char *text, size_t size)
{
	const char *value = json_text(op, "value");

	snprintf(text, size, "write '%.*s' to /%s", (int)strcspn(value, "\n"), value,
		 json_text(op, "path"));
}

static int run_module(struct iov *iov, struct json_object *op)
{
	const char *name = json_text(op, "name");

	if (iov->on_write)
		return call_on_write(iov, IOV_PATH_MODULES, name);
	if (!iov_sys_is_host(iov))
		return iov_fail(iov, -EOPNOTSUPP, "a recorded tree loads no modules");
	return module_load(iov, name);
}

static void describe_module(struct json_object *op, char *text, size_t size)
{
	snprintf(text, size, "load module %s", json_text(op, "name"));
}

static const struct iov_op_kind builtin_kinds[] = {
	{ "write", run_write, describe_write },
	{ "module", run_module, describe_module },
};

int iov_op_register(struct iov *iov, const struct iov_op_kind *kind)
{
	return iov_table_add(iov, OP_TABLE, kind);
}

void op_register_builtin(struct iov *iov)
{
	for (size_t i = 0; i < sizeof(builtin_kinds) / sizeof(*builtin_kinds); i++)
		iov_op_register(iov, &builtin_kinds[i]);
}

static const struct iov_op_kind *find_kind(struct iov *iov, struct json_object *op)
{
	const struct iov_op_kind *kind;

	for (size_t i = 0; (kind = iov_table_entry(iov, OP_TABLE, i)); i++) {
		if (!strcmp(kind->name, json_text(op, "op")))
			return kind;
	}
	return NULL;
}

void iov_op_describe(struct iov *iov, struct json_object *op, char *text, size_t size)
{
	const struct iov_op_kind *kind = find_kind(iov, op);

	if (kind)
		kind->describe(op, text, size);
	else
		snprintf(text, size, "unknown operation %s", json_text(op, "op"));
}

/* "write '4' to /sys/...: Device or resource busy", or what "explain" says of it. */
static int explain_failure(struct iov *iov, struct json_object *op, int error)
{
	char what[IOV_PATH_MAX + 64], why[IOV_MESSAGE_SIZE], key[16];
	struct json_object *text;

	iov_op_describe(iov, op, what, sizeof(what));
	snprintf(key, sizeof(key), "%d", -error);
	if (json_object_object_get_ex(json_object_object_get(op, "explain"), key, &text))
		snprintf(why, sizeof(why), "%s", json_object_get_string(text));
	else
		snprintf(why, sizeof(why), "%s", iov_error_message(iov));
	return iov_fail(iov, error, "%s: %s", what, why);
}

static int run_one(struct iov *iov, struct json_object *op)
{
	const struct iov_op_kind *kind = find_kind(iov, op);
	struct json_object *unless;
	int error;

	if (!kind)
		return iov_fail(iov, -EOPNOTSUPP,
				"unknown operation '%s'; was it written by a newer iovkit?",
				json_text(op, "op"));
	if (json_object_object_get_ex(op, "unless", &unless) && condition_holds(iov, unless))
		return 0;
	error = kind->run(iov, op);
	if (error == -ENOENT && json_object_get_boolean(json_object_object_get(op, "absent_ok")))
		return 0;
	return error;
}

int ops_write(struct iov *iov, struct json_object *ops, size_t *done)
{
	int error = 0;

	for (*done = 0; !error && *done < json_object_array_length(ops); *done += !error)
		error = run_one(iov, json_object_array_get_idx(ops, *done));
	return error;
}

static bool is_write(struct json_object *ops, size_t index)
{
	return index < json_object_array_length(ops) &&
	       !strcmp(json_text(json_object_array_get_idx(ops, index), "op"), "write");
}

bool ops_are_writes(struct json_object *ops)
{
	for (size_t i = 0; i < json_object_array_length(ops); i++) {
		if (!is_write(ops, i))
			return false;
	}
	return true;
}

/* Run the writes from @at on; leaves there the one that failed, or what comes after them. */
static int run_writes(struct iov *iov, struct json_object *ops, size_t *at)
{
	_cleanup_json_ struct json_object *writes = json_object_new_array();
	size_t done;
	int error;

	for (size_t i = *at; is_write(ops, i); i++)
		json_object_array_add(writes, json_object_get(json_object_array_get_idx(ops, i)));
	error = iov->on_write ? ops_write(iov, writes, &done) : writer_run(iov, writes, &done);
	*at += done;
	if (error == -ETIMEDOUT)
		return iov_fail(iov, error, "the kernel did not answer in time, --timeout waits "
				"longer");
	return error ? iov_fail(iov, error, "%s", strerror(-error)) : 0;
}

int ops_run(struct iov *iov, struct json_object *ops, size_t *done)
{
	int error = 0;

	*done = 0;
	while (!error && *done < json_object_array_length(ops)) {
		if (is_write(ops, *done)) {
			error = run_writes(iov, ops, done);
		} else {
			error = run_one(iov, json_object_array_get_idx(ops, *done));
			*done += !error;
		}
	}
	return error ? explain_failure(iov, json_object_array_get_idx(ops, *done), error) : 0;
}
