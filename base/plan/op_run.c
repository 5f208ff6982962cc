// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Operations are carried out, each unless its condition holds, all of them by the writer: what
 * they ask the kernel for it may never answer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/json.h"
#include "base/pci/pci_config.h"
#include "base/plan/module.h"
#include "base/plan/plan_engine.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/replace.h"
#include "base/sysroot/writer.h"
#include "base/table.h"

#define RUNNERS "op"

/* How long a function may take to come back from a reset. */
#define ANSWER_MS 2000
#define ANSWER_POLL_MS 50
/* How often is looked whether an operation has to be repeated. */
#define REPEAT_POLL_MS 5

int iov_op_register(struct iov *iov, const struct iov_op_runner *runner)
{
	return iov_table_add(iov, RUNNERS, runner);
}

static int run_registered(struct iov *iov, const struct iov_op *op)
{
	const struct iov_op_runner *runner;

	for (size_t i = 0; (runner = iov_table_entry(iov, RUNNERS, i)); i++) {
		if (runner->kind == op->kind)
			return runner->run(iov, op);
	}
	return iov_fail(iov, -EOPNOTSUPP, "nobody here performs that; the program has to call "
			"iov_plugins_register()");
}

static int run_module(struct iov *iov, const char *name)
{
	if (iov->on_write)
		return call_on_write(iov, IOV_PATH_MODULES, name);
	if (!iov_sys_is_host(iov))
		return iov_fail(iov, -EOPNOTSUPP, "a recorded tree loads no modules");
	return module_load(iov, name);
}

static bool same_text(const char *one, const char *other)
{
	return one && other ? !strcmp(one, other) : one == other;
}

/* Somebody else may write such a file at any time, and is not written over. */
static int run_file(struct iov *iov, const struct iov_op *op)
{
	_cleanup_free_ char *now = NULL;
	int error = iov_sys_read_all(iov, op->file.path, &now, NULL);

	if (error && error != -ENOENT)
		return iov_told(iov, error, "%s", strerror(-error));
	if (same_text(now, op->file.text))
		return 0;
	if (same_text(now, op->file.was)) {
		error = sys_replace(iov, op->file.path, op->file.text, !op->file.unkept);
		return error ? iov_told(iov, error, "%s", strerror(-error)) : 0;
	}
	if (!op->file.restore)
		return iov_fail(iov, -EAGAIN, "somebody changed it meanwhile; run the command again");
	iov_log(iov, LOG_WARNING, "/%s is left as it is: somebody changed it meanwhile",
		op->file.path);
	return 0;
}

static int run_write(struct iov *iov, const struct iov_op *op)
{
	int error = iov_sys_write(iov, op->write.path, op->write.value);

	return error ? iov_told(iov, error, "%s", strerror(-error)) : 0;
}

/* After a reset the function has a second (PCIe Base 6.0, section 6.6.1), and the kernel waits as well. */
static int run_answers(struct iov *iov, struct iov_bdf bdf)
{
	const struct timespec pause = { .tv_nsec = ANSWER_POLL_MS * 1000000L };
	struct iov_config config;
	int error;

	for (unsigned int waited = 0;; waited += ANSWER_POLL_MS) {
		error = iov_config_read(iov, bdf, &config, IOV_CONFIG_HEADER);
		if (error != -ENXIO || waited >= ANSWER_MS)
			break;
		nanosleep(&pause, NULL);
	}
	if (error == -ENXIO)
		return iov_fail(iov, -EIO, "%s does not come back from its reset: its vendor ID reads as all ones; "
				"a guest would get a dead device, and the host has to be turned off and on "
				"before anybody can use it again", IOV_BDF(bdf));
	return error && error != -EHOSTDOWN ? iov_told(iov, error, "%s: cannot read its configuration space: %s",
						       IOV_BDF(bdf), strerror(-error)) : 0;
}

static int run_once(struct iov *iov, const struct iov_op *op)
{
	int error;

	switch (op->kind) {
	case IOV_OP_WRITE:
		error = run_write(iov, op);
		break;
	case IOV_OP_MODULE:
		error = run_module(iov, op->module.name);
		break;
	case IOV_OP_ANSWERS:
		error = run_answers(iov, op->answers.device);
		break;
	case IOV_OP_FILE:
		error = run_file(iov, op);
		break;
	default:
		error = run_registered(iov, op);
	}
	return error == -ENOENT && op->absent_ok ? 0 : error;
}

static bool is_done(struct iov *iov, const struct iov_op *op)
{
	return op->unless && iov_condition_holds(iov, op->unless);
}

/* Whether what an operation is for is so before @wait is over, in milliseconds. */
static bool becomes_done(struct iov *iov, const struct iov_op *op, unsigned int wait)
{
	const struct timespec pause = { .tv_nsec = REPEAT_POLL_MS * 1000000L };

	for (unsigned int waited = 0; waited < wait; waited += REPEAT_POLL_MS) {
		if (is_done(iov, op))
			return true;
		nanosleep(&pause, NULL);
	}
	return is_done(iov, op);
}

/* Who was at the device is gone soon, or was not the reason. */
static int run_one(struct iov *iov, const struct iov_op *op)
{
	static const unsigned int waits[] = { 20, 200 };
	int error = 0;

	if (is_done(iov, op))
		return 0;
	error = run_once(iov, op);
	for (size_t i = 0; op->repeats && !error && i < sizeof(waits) / sizeof(*waits); i++) {
		if (becomes_done(iov, op, waits[i]))
			break;
		error = run_once(iov, op);
	}
	return error;
}

bool ops_are_writes(const struct iov_op_list *ops)
{
	for (size_t i = 0; i < ops->count; i++) {
		if (ops->list[i]->kind != IOV_OP_WRITE)
			return false;
	}
	return true;
}

/*
 * "write '4' to /sys/...: Device or resource busy", or what that means; of a call that got no
 * answer both, as that says how to wait longer.
 */
static int explain_failure(struct iov *iov, const struct iov_op *op, int error)
{
	const char *why = iov_error_message(iov), *meaning = NULL;
	const bool hangs = error == -ETIMEDOUT;
	char what[IOV_PATH_MAX + 64];

	iov_op_describe(op, what, sizeof(what));
	for (size_t i = 0; i < op->meaning_count; i++) {
		if (op->meanings[i].error == -error)
			meaning = op->meanings[i].text;
	}
	return iov_fail_as(iov, iov_failure(iov, error), error, "%s: %s%s%s", what,
			   meaning && !hangs ? meaning : why, meaning && hangs ? "; " : "",
			   meaning && hangs ? meaning : "");
}

/* @done: those before the one that failed, or is under way. */
static int run_all(struct iov *iov, struct iov_op *const *list, size_t count, size_t *done)
{
	int error = 0;

	for (; !error && *done < count; *done += !error) {
		iov_sys_asking(iov, "%s", "");
		error = run_one(iov, list[*done]);
	}
	return error;
}

/* The writer gets operations as the journal has them. */
static int make_ops(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *json = json_tokener_parse(question);
	size_t count = json ? json_object_array_length(json) : 0, read = 0;
	size_t *done = iov->as_writer ? &iov->as_writer->done : &iov->done;
	struct iov_op **list = calloc(count + 1, sizeof(*list));
	int error = json && list ? 0 : -ENOMEM;

	(void)length;
	(void)answer;
	*done = 0;
	for (; !error && read < count; read += !error)
		error = iov_op_from_json(&list[read], iov, json_object_array_get_idx(json, read));
	if (!error)
		error = run_all(iov, list, count, done);
	while (read)
		iov_op_free(list[--read]);
	free(list);
	return error;
}

int ops_run(struct iov *iov, const struct iov_op_list *ops, size_t *done)
{
	_cleanup_json_ struct json_object *json = json_object_new_array();
	const char *text;
	int error;

	*done = 0;
	for (size_t i = 0; i < ops->count; i++)
		json_object_array_add(json, iov_op_json(ops->list[i]));
	text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);
	iov->said = (struct said){ 0 };
	error = iov_sys_call(iov, make_ops, text, strlen(text), NULL);
	if (!error || !ops->count)
		return error;
	/* A writer that is killed behind its last operation has not said so. */
	*done = iov->done < ops->count ? iov->done : ops->count - 1;
	if (!*iov_error_message(iov))
		iov_told(iov, error, "%s", strerror(-error));
	return explain_failure(iov, ops->list[*done], error);
}
