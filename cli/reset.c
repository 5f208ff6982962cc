// SPDX-License-Identifier: GPL-2.0-or-later
/* iov reset: a function alone, or all that is in its slot. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/interface.h"
#include "base/pci/topology.h"
#include "base/plan/history.h"
#include "base/plan/plan.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "sriov/vf.h"
#include "vfio/device/device.h"

/* What a reset_method may be, of this kernel and others. */
#define METHODS_SIZE 256

struct reset_args {
	const char *device;
	const char *method;
	bool slot;
};

enum { KEY_METHOD = 'm', KEY_SLOT = 's' };

static const struct argp_option options[] = {
	{ "method", KEY_METHOD, "METHOD", 0,
	  "Reset by this method; 'iov show' lists those that the function has" },
	{ "slot", KEY_SLOT, 0, 0,
	  "Reset all functions of its slot or bus; each must be bound to vfio-pci, and in no "
	  "guest" },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct reset_args *args = cli_data(state);

	switch (key) {
	case KEY_METHOD:
		args->method = arg;
		return 0;
	case KEY_SLOT:
		args->slot = true;
		return 0;
	case ARGP_KEY_END:
		if (args->slot && args->method)
			cli_misuse(state, "--slot has one method only, the port's: leave out --method");
		break;
	}
	return cli_argument(key, arg, state, &args->device, CLI_EXPECTED_DEVICE);
}

/* A function alone: a plan, so that guards look at who uses it. */

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = text; length && (at = strstr(at, word)); at += length)
		if ((at == text || at[-1] == ' ') && (!at[length] || at[length] == ' '))
			return true;
	return false;
}

/*
 * The kernel locks the bridge above as well, so of two functions below it one waits for the other.
 * One after the other, what is not answered is the reset that hangs.
 */
static void take_turns(struct cli *cli, struct iov_step *step, struct iov_bdf bdf)
{
	struct iov_bdf bridges[IOV_ANCESTORS_MAX];
	size_t count = iov_pci_ancestors(cli->iov, bdf, bridges);

	if (count)
		iov_step_touches(step, iov_path("resets below %s", IOV_BDF(bridges[count - 1])).name);
}

static struct iov_op *reset_op(const char *file)
{
	struct iov_op *op = iov_op_write(file, "1");

	op = iov_op_explain(op, ENOTTY, "none of its reset methods worked");
	return iov_op_explain(op, ETIMEDOUT, "a driver that hangs in a reset does so until the host "
					     "is restarted");
}

/* False where that is not known, as of an interface in another network namespace. */
static bool is_down(struct iov *iov, const char *interface)
{
	int64_t flags;

	return !iov_sys_read_number(iov, iov_path(IOV_PATH_CLASS_NET "/%s/flags", interface).name,
				    &flags) && !(flags & IFF_UP);
}

/*
 * igbvf stops its interface before a reset, from 6.4 on, also where it is down already, and waits
 * for what runs no more (napi_disable()).
 */
static int check_driver(struct cli *cli, struct iov_bdf bdf)
{
	char driver[64], interface[IOV_INTERFACE_SIZE];
	_cleanup_free_ char *symbols = NULL;

	if (iov_pci_driver(cli->iov, bdf, driver, sizeof(driver)) || strcmp(driver, "igbvf") ||
	    iov_interface_of(cli->iov, bdf, -1, interface) ||
	    !is_down(cli->iov, interface))
		return 0;
	if (!iov_sys_read_all(cli->iov, IOV_PATH_SYMBOLS, &symbols, NULL) && *symbols &&
	    !strstr(symbols, "igbvf_io_prepare"))
		return 0;
	return iov_fail(cli->iov, -EBUSY, "%s: igbvf would hang in the reset until the host is restarted, as "
			"%s is down: 'ip link set %s up' first, or 'iov bind %s --driver vfio-pci'",
			IOV_BDF(bdf), interface, interface, IOV_BDF(bdf));
}

static int add_step(struct cli *cli, struct iov_plan *plan, struct iov_bdf bdf, const char *method)
{
	struct iov_path file = iov_pci_path(bdf, "reset"), methods = iov_pci_path(bdf, "reset_method");
	char known[METHODS_SIZE] = "";
	struct iov_step *step;
	int error;

	if (iov_pci_is_bridge(cli->iov, bdf))
		return iov_fail(cli->iov, -EINVAL, "%s: is a bridge, and a reset would lose what is behind it; "
				"name the functions behind it", IOV_BDF(bdf));
	/* Who uses it comes before whether it can be reset at all. */
	iov_plan_take(plan, bdf, "named, and a reset ends what it does");
	iov_plan_take_vfs(plan, bdf);
	iov_sys_read(cli->iov, methods.name, known, sizeof(known));
	/* Nobody can read the file, so recorded trees lack it. */
	if (!iov_sys_exists(cli->iov, file.name) && !*known)
		return iov_fail(cli->iov, -ENOTSUP, "%s: cannot be reset alone; 'iov reset %s --slot' resets "
				"all of its slot", IOV_BDF(bdf), IOV_BDF(bdf));
	if (method && !has_word(known, method))
		return iov_fail(cli->iov, -EINVAL, "%s: has no reset method '%s', expected one of: %s",
				IOV_BDF(bdf), method, *known ? known : "none");
	error = check_driver(cli, bdf);
	if (error)
		return error;
	step = iov_plan_step(plan, IOV_BDF(bdf), "reset %s", IOV_BDF(bdf));
	take_turns(cli, step, bdf);
	if (method)
		iov_step_do(step, iov_op_write(methods.name, method));
	iov_step_do(step, reset_op(file.name));
	if (method) {
		iov_step_do(step, iov_op_write(methods.name, known));
		iov_step_undo(step, iov_op_write(methods.name, known));
	}
	iov_step_change(step, "reset", NULL, method ? method : "now");
	return iov_vf_renew_plan(plan, bdf);
}

static int reset_alone(struct cli *cli, const char *method, const struct cli_functions *functions)
{
	struct iov_plan *plan = NULL;
	char names[64];
	int error;

	cli_name_functions(functions, names, sizeof(names));
	error = iov_plan_new(&plan, cli->iov, "reset %s", names);
	for (size_t i = 0; !error && i < functions->count; i++)
		error = add_step(cli, plan, functions->list[i], method);
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

/* All of a slot: by VFIO, which resets nothing that is not in our hands. */

/**
 * struct slot - what is in it
 * @domain: domain that it is opened in
 * @bdfs: functions
 * @count: length of @bdfs
 * @devices: those that were opened, the named one first
 * @opened: length of @devices
 */
struct slot {
	struct iov_domain *domain;
	struct iov_bdf *bdfs;
	size_t count;
	struct iov_device **devices;
	size_t opened;
};

static int open_others(struct slot *slot)
{
	int error = 0;

	for (size_t i = 0; !error && i < slot->count; i++) {
		if (!iov_bdf_compare(slot->bdfs[i], iov_device_bdf(slot->devices[0])))
			continue;
		error = iov_device_open(&slot->devices[slot->opened], slot->domain, slot->bdfs[i],
					NULL);
		slot->opened += !error;
	}
	return error;
}

static int open_slot(struct iov *iov, struct slot *slot, struct iov_bdf bdf)
{
	struct iov_device *device = NULL, **devices;
	int error;

	iov_sys_asking(iov, "%s, by VFIO", IOV_BDF(bdf));
	error = iov_domain_open(&slot->domain, iov, IOV_DOMAIN_AUTO);
	if (!error)
		error = iov_device_open(&device, slot->domain, bdf, NULL);
	if (error)
		return error;
	devices = calloc(1, sizeof(*devices));
	if (!devices) {
		iov_device_close(device);
		return -ENOMEM;
	}
	devices[0] = device;
	slot->devices = devices;
	slot->opened = 1;
	error = iov_device_affected(device, &slot->bdfs, &slot->count, NULL);
	if (error)
		return error;
	devices = realloc(slot->devices, (slot->count + 1) * sizeof(*devices));
	if (!devices)
		return -ENOMEM;
	slot->devices = devices;
	return 0;
}

static void close_slot(struct slot *slot)
{
	while (slot->opened)
		iov_device_close(slot->devices[--slot->opened]);
	iov_domain_close(slot->domain);
	free(slot->devices);
	free(slot->bdfs);
}

/* Of a function, a struct iov_bdf, answers an array of those that are reset with it. */
static int tell_slot(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *list = json_object_new_array();
	struct slot slot = { 0 };
	struct iov_bdf bdf;
	int error;

	memcpy(&bdf, question, length);
	error = open_slot(iov, &slot, bdf);
	for (size_t i = 0; !error && i < slot.count; i++)
		json_object_array_add(list, json_object_new_string(IOV_BDF(slot.bdfs[i])));
	close_slot(&slot);
	fputs(json_object_to_json_string(list), answer);
	return error;
}

static int make_slot_reset(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	struct slot slot = { 0 };
	struct iov_bdf bdf;
	int error;

	(void)answer;
	memcpy(&bdf, question, length);
	error = open_slot(iov, &slot, bdf);
	if (!error)
		error = open_others(&slot);
	iov_sys_asking(iov, "a reset of the slot of %s, by VFIO", IOV_BDF(bdf));
	if (!error)
		error = iov_device_reset_slot(slot.devices[0]);
	close_slot(&slot);
	return error;
}

static void print_slot(struct cli *cli, struct json_object *functions)
{
	_cleanup_json_ struct json_object *object = json_object_new_object();

	json_object_object_add(object, "devices", json_object_get(functions));
	json_add_text(object, "result", cli->dry_run ? "not done, this is a dry run" : "done");
	if (cli->json) {
		iov_output_json(stdout, object);
		return;
	}
	printf("%s", cli->dry_run ? "would be reset together:" : "reset together:");
	for (size_t i = 0; i < json_object_array_length(functions); i++)
		printf(" %s", json_object_get_string(json_object_array_get_idx(functions, i)));
	putchar('\n');
}

static int reset_slot(struct cli *cli, struct iov_bdf bdf)
{
	_cleanup_json_ struct json_object *functions = NULL;
	_cleanup_free_ char *answer = NULL;
	int error = iov_plan_settled(cli->iov);

	if (!error)
		error = iov_sys_call(cli->iov, tell_slot, &bdf, sizeof(bdf), &answer);
	if (error)
		return error;
	functions = json_tokener_parse(answer);
	if (!cli->dry_run) {
		error = iov_sys_call(cli->iov, make_slot_reset, &bdf, sizeof(bdf), NULL);
		iov_history_deed(cli->iov, iov_path("reset the slot of %s", IOV_BDF(bdf)).name,
				 functions, error);
	}
	if (!error)
		print_slot(cli, functions);
	return error;
}

static int run(struct cli *cli, void *data)
{
	const struct reset_args *args = data;
	struct cli_functions functions = { 0 };
	int error = cli_add_functions(cli, args->device, &functions);

	if (!error && args->slot && functions.count > 1)
		error = iov_fail(cli->iov, -EINVAL, "%s: %zu functions, and --slot takes one of the "
				 "slot; it resets the others with it", args->device, functions.count);
	else if (!error && args->slot)
		error = reset_slot(cli, functions.list[0]);
	else if (!error)
		error = reset_alone(cli, args->method, &functions);
	free(functions.list);
	return error;
}

const struct cli_command cli_reset = {
	.name = "reset",
	.args = "DEVICE",
	.summary = "Reset a function, or all functions of its slot",
	.example = "iov reset 0000:01:10.0 --method flr\n"
		   "  iov reset eth0/vf0-3\n"
		   "  iov reset 0000:01:00.0 --slot --dry-run",
	.changes = true,
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct reset_args),
	.run = run,
};
