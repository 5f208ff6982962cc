// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device's switch mode, read and changed by a plan; for devices that are no PCI
 * function, which no command of iov names:
 *
 *	eswitch BUS/NAME			the mode that the device has
 *	eswitch BUS/NAME MODE [fail | crash]	a plan that gives it one
 *
 * With a third argument the plan has another step, which tells the mode of then, and
 * fails or ends this program with SIGKILL.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/json.h"
#include "base/plan/plan.h"
#include "plugins/net/devlink.h"
#include "plugins/plugins.h"

/* Performs IOV_OP_IOVD: this program calls iovd in no other way. */
static int run_witness(struct iov *iov, const struct iov_op *op)
{
	struct devlink_device device;
	const char *mode;
	int error = devlink_device_parse(iov, json_text(op->iovd.params, "device"), &device);

	if (!error)
		error = devlink_eswitch_read(iov, &device, &mode);
	if (error)
		return error;
	iov_log(iov, LOG_NOTICE, "meanwhile %s", mode);
	if (!strcmp(op->iovd.method, "crash"))
		kill(getppid(), SIGKILL);
	return iov_fail(iov, -ECHILD, "as it was asked to");
}

static const struct iov_op_runner witness = { IOV_OP_IOVD, run_witness };

/* An operation runs in a process of its own, which prints nothing but by the log. */
static void print_log(void *arg, int level, const char *line)
{
	(void)arg;
	if (level != LOG_NOTICE)
		return;
	puts(line);
	fflush(stdout);
}

static void add_witness(struct iov_plan *plan, const char *device, const char *end)
{
	struct iov_step *step = iov_plan_step(plan, device, "fail after the mode of %s", device);
	struct json_object *params = json_object_new_object();

	iov_step_spares(step, "nobody uses what is simulated");
	json_object_object_add(params, "device", json_object_new_string(device));
	iov_step_do(step, iov_op_iovd(end, params));
}

static int change(struct iov *iov, const struct devlink_device *device, char *const *words)
{
	struct iov_plan *plan;
	struct iov_step *step;
	const char *now;
	int error = devlink_eswitch_read(iov, device, &now);

	if (!error)
		error = iov_plan_new(&plan, iov, "switch mode %s", words[1]);
	if (error)
		return error;
	step = iov_plan_step(plan, words[0], "%s from %s to %s", words[0], now, words[1]);
	iov_step_spares(step, "nobody uses what is simulated");
	iov_step_do(step, iov_op_eswitch(words[0], words[1]));
	iov_step_undo(step, iov_op_eswitch(words[0], now));
	if (words[2])
		add_witness(plan, words[0], words[2]);
	error = iov_plan_run(plan, NULL);
	iov_plan_free(plan);
	return error;
}

static int run(struct iov *iov, char *const *words)
{
	struct devlink_device device;
	const char *mode;
	/* Who comes first performs it. */
	int error = iov_op_register(iov, &witness);

	if (!error)
		error = iov_plugins_register(iov);
	if (!error)
		error = devlink_device_parse(iov, words[0], &device);
	if (!error && words[1])
		return change(iov, &device, words);
	if (!error)
		error = devlink_eswitch_read(iov, &device, &mode);
	if (!error)
		puts(mode);
	return error;
}

int main(int argc, char **argv)
{
	const struct iov_options options = { .log = print_log };
	struct iov *iov;
	int error;

	if (argc < 2 || argc > 4) {
		fprintf(stderr, "eswitch: expected BUS/NAME [MODE [fail | crash]]\n");
		return 2;
	}
	if (iov_open(&iov, &options))
		return 1;
	error = run(iov, argv + 1);
	if (error)
		fprintf(stderr, "eswitch: %s\n", iov_error_message(iov));
	iov_close(iov);
	return error ? 1 : 0;
}
