// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations are carried out, each unless its condition holds. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/plan/module.h"
#include "base/plan/plan_engine.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/replace.h"
#include "base/sysroot/writer.h"
#include "base/table.h"

#define RUNNERS "op"

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
		error = sys_replace(iov, op->file.path, op->file.text);
		return error ? iov_told(iov, error, "%s", strerror(-error)) : 0;
	}
	if (!op->file.restore)
		return iov_fail(iov, -EAGAIN, "somebody changed it meanwhile; run the command again");
	iov_log(iov, LOG_WARNING, "/%s is left as it is: somebody changed it meanwhile",
		op->file.path);
	return 0;
}

/* All but writes, which go to the writer together. */
static int run_one(struct iov *iov, const struct iov_op *op)
{
	int error;

	if (op->unless && iov_condition_holds(iov, op->unless))
		return 0;
	switch (op->kind) {
	case IOV_OP_MODULE:
		error = run_module(iov, op->module.name);
		break;
	case IOV_OP_FILE:
		error = run_file(iov, op);
		break;
	default:
		error = run_registered(iov, op);
	}
	return error == -ENOENT && op->absent_ok ? 0 : error;
}

bool ops_are_writes(const struct iov_op_list *ops)
{
	for (size_t i = 0; i < ops->count; i++) {
		if (ops->list[i]->kind != IOV_OP_WRITE)
			return false;
	}
	return true;
}

/* Run the writes from @at on; leaves there the one that failed, or what comes after them. */
static int run_writes(struct iov *iov, const struct iov_op_list *ops, size_t *at)
{
	_cleanup_free_ struct sys_write *writes = calloc(ops->count - *at, sizeof(*writes));
	size_t count = 0, done;
	int error;

	if (!writes)
		return iov_fail(iov, -ENOMEM, "out of memory");
	for (size_t i = *at; i < ops->count && ops->list[i]->kind == IOV_OP_WRITE; i++) {
		const struct iov_op *op = ops->list[i];

		writes[count++] = (struct sys_write){
			.path = op->write.path,
			.text = op->write.value,
			.absent_ok = op->absent_ok,
			.unless = op->unless,
		};
	}
	error = sys_write_all(iov, writes, count, &done);
	*at += done;
	if (error == -ETIMEDOUT)
		return iov_told(iov, error, "the kernel did not answer in time, --timeout waits "
				"longer");
	return error ? iov_told(iov, error, "%s", strerror(-error)) : 0;
}

/* "write '4' to /sys/...: Device or resource busy", or what that means. */
static int explain_failure(struct iov *iov, const struct iov_op *op, int error)
{
	const char *why = iov_error_message(iov);
	char what[IOV_PATH_MAX + 64];

	iov_op_describe(op, what, sizeof(what));
	for (size_t i = 0; i < op->meaning_count; i++) {
		if (op->meanings[i].error == -error)
			why = op->meanings[i].text;
	}
	return iov_fail_as(iov, iov_failure(iov, error), error, "%s: %s", what, why);
}

int ops_run(struct iov *iov, const struct iov_op_list *ops, size_t *done)
{
	int error = 0;

	*done = 0;
	while (!error && *done < ops->count) {
		if (ops->list[*done]->kind == IOV_OP_WRITE) {
			error = run_writes(iov, ops, done);
		} else {
			error = run_one(iov, ops->list[*done]);
			*done += !error;
		}
	}
	return error ? explain_failure(iov, ops->list[*done], error) : 0;
}
