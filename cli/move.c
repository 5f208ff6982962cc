// SPDX-License-Identifier: GPL-2.0-or-later
/* iov move: a guest goes to another QEMU, and its VFs with it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/guard/guard.h"
#include "base/json.h"
#include "base/plan/history.h"
#include "base/plan/plan.h"
#include "base/sysroot/sysroot.h"
#include "cli/argument.h"
#include "cli/attach_find.h"
#include "cli/commands.h"
#include "cli/move_run.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "vfio/bind/assign.h"

/* For how many seconds a guest is asked after it got its VF, whose driver is to start. */
#define PING_AFTER 10

/* The most VFs that are named. */
#define NAMES_MAX 64

struct move_args {
	const char *devices[NAMES_MAX];
	size_t count;
	const char *from;
	const char *to;
	const char *via;
	const char *give;
	const char *there;
	const char *ping;
	unsigned int deadline;
};

enum { KEY_FROM = 0x2000, KEY_TO, KEY_VIA, KEY_GIVE, KEY_THERE, KEY_PING, KEY_DEADLINE };

static const struct argp_option options[] = {
	{ "from", KEY_FROM, "SOCKET", 0, "QMP socket of the QEMU that has the guest" },
	{ "to", KEY_TO, "SOCKET", 0,
	  "QMP socket of the one that waits for it, started with -incoming defer" },
	{ "via", KEY_VIA, "URI", 0,
	  "How they reach each other, as tcp:192.0.2.2:4444 (a socket beside that of --to)" },
	{ "give", KEY_GIVE, "LIST", 0,
	  "The VF of this host that the guest gets instead of each DEVICE, in their order (the same)" },
	{ "there", KEY_THERE, "LIST", 0,
	  "The same where --to is on another host, by addresses there" },
	{ "ping", KEY_PING, "ADDRESS", 0,
	  "Ask the guest for echoes meanwhile, and count what is lost" },
	{ "deadline", KEY_DEADLINE, "SECONDS", 0,
	  "Give the move up when the guest has not moved by then (no limit)" },
	{ 0 },
};

/* By whatever path: a monitor serves one at a time, so that a second connection would wait for the first. */
static bool is_same_socket(const char *one, const char *other)
{
	struct stat first, second;

	return !strcmp(one, other) || (!stat(one, &first) && !stat(other, &second) &&
				       first.st_dev == second.st_dev && first.st_ino == second.st_ino);
}

static void check_args(const struct move_args *args, const struct argp_state *state)
{
	if (!args->from || !args->to)
		cli_misuse(state,
			   "expected the QMP sockets of both QEMUs: --from SOCKET --to SOCKET");
	if (is_same_socket(args->from, args->to))
		cli_misuse(state,
			   "--to %s: is where the guest is already; expected the socket of another "
			   "QEMU",
			   args->to);
	if (args->give && args->there)
		cli_misuse(state, "--give and --there: expected one of them, as the VF is on this "
				  "host or on another");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct move_args *args = cli_data(state);

	switch (key) {
	case KEY_FROM:
		args->from = arg;
		return 0;
	case KEY_TO:
		args->to = arg;
		return 0;
	case KEY_VIA:
		args->via = arg;
		return 0;
	case KEY_GIVE:
		args->give = arg;
		return 0;
	case KEY_THERE:
		args->there = arg;
		return 0;
	case KEY_PING:
		args->ping = arg;
		return 0;
	case KEY_DEADLINE:
		args->deadline = cli_index(arg, "--deadline", state);
		return 0;
	case ARGP_KEY_ARG:
		if (args->count == NAMES_MAX)
			cli_misuse(state, "more than %d devices; those that are not named move as well "
				   "when none is", NAMES_MAX);
		args->devices[args->count++] = arg;
		return 0;
	case ARGP_KEY_END:
		check_args(args, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What is named, one function; a message for several. */
static int find_one(struct cli *cli, const char *name, struct iov_bdf *bdf)
{
	struct cli_functions functions = { 0 };
	int error = cli_add_functions(cli, name, &functions);

	if (!error && functions.count != 1)
		error = iov_fail(cli->iov, -EINVAL, "%s: expected one VF, these are %zu", name,
				 functions.count);
	if (!error)
		*bdf = functions.list[0];
	free(functions.list);
	return error;
}

/* The two machines: one has a guest, the other waits for one. */

static int check_source(struct move *move)
{
	char status[GUEST_STATUS_SIZE];
	int error = qemu_guest_status(move->source, status);

	if (error)
		return error;
	move->runs = !strcmp(status, "running");
	if (move->runs || !strcmp(status, "paused"))
		return 0;
	if (!strcmp(status, "postmigrate"))
		return iov_fail(
			move->cli->iov, -EBUSY,
			"--from %s: its guest has moved away already; this QEMU may be ended",
			move->from);
	if (!strcmp(status, "inmigrate"))
		return iov_fail(move->cli->iov, -EBUSY,
				"--from %s: waits for a guest itself; change --from and --to",
				move->from);
	return iov_fail(move->cli->iov, -EBUSY,
			"--from %s: the machine is %s; expected a guest that runs or is paused",
			move->from, status);
}

static int check_target(struct move *move)
{
	struct guest_moving moving;
	char status[GUEST_STATUS_SIZE];
	int error = qemu_guest_status(move->target, status);

	if (!error && strcmp(status, "inmigrate") != 0)
		return iov_fail(
			move->cli->iov, -EBUSY,
			"--to %s: the machine is %s; expected a QEMU that waits for a guest, "
			"with the options of the other and -incoming defer",
			move->to, status);
	if (!error)
		error = qemu_guest_moving(move->target, &moving);
	move->listens = !error && !strcmp(moving.status, "setup");
	return error;
}

/* What else keeps the guest where it is, as QEMU knows it: a function that cannot move, a disk. */
static int check_blockers(struct move *move)
{
	_cleanup_json_ struct json_object *reasons = NULL;
	char text[1024] = "";
	int error = qemu_guest_blockers(move->source, &reasons);

	if (error || !reasons || !json_object_array_length(reasons))
		return error;
	for (size_t i = 0; i < json_object_array_length(reasons); i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? "; " : "",
			 json_object_get_string(json_object_array_get_idx(reasons, i)));
	return iov_told(
		move->cli->iov, -EBUSY,
		"--from %s: QEMU says that this guest cannot move: %s; 'iov vfio info' says "
		"whether a device can, and one with a port that stands by is unplugged",
		move->from, text);
}

/* The VFs of which a port stands by; others move by themselves, or QEMU says that they cannot. */

static int has_none(struct iov *iov, const char *socket, const struct guest_function *function)
{
	return iov_fail(iov, -ENOTSUP,
			"%s: QEMU has no NIC with failover=on and the address of the one that "
			"stands by for %s; "
			"start it with what 'iov attach VF PORT --failover' prints",
			socket, IOV_BDF(function->bdf));
}

/* What the two call it need not be the same, but its address is. */
static int check_standby(struct move *move, const struct guest_function *function,
			 struct move_pair *pair)
{
	struct iov *iov = move->cli->iov;
	char mac[32], id[128];
	bool has;
	int error = qemu_guest_property(move->source, function->standby, "mac", mac, sizeof(mac));

	if (!error)
		error = qemu_guest_standby(move->source, mac, id, sizeof(id));
	if (!error && !*id)
		return has_none(iov, move->from, function);
	if (!error)
		error = qemu_guest_standby(move->target, mac, pair->standby, sizeof(pair->standby));
	if (!error && !*pair->standby)
		return has_none(iov, move->to, function);
	if (!error)
		error = qemu_guest_has(move->target, function->id, &has);
	if (!error && has)
		return iov_fail(iov, -EBUSY,
				"--to %s: has a device %s already; start it without the VF, which "
				"it gets when the "
				"guest is there",
				move->to, function->id);
	return error;
}

static int add_pair(struct move *move, const struct guest_function *function)
{
	struct move_pair *pair = &move->pairs[move->count];
	int error = check_standby(move, function, pair);

	if (!error)
		error = cli_check_claim(move->cli, IOV_BDF(function->bdf));
	if (error)
		return error;
	pair->function = function;
	pair->to = function->bdf;
	attach_vf_mac(move->cli, function->bdf, pair->mac);
	move->count++;
	return 0;
}

static int lacks(struct move *move, const struct iov_bdf *bdf)
{
	char text[512] = "";

	for (size_t i = 0; i < move->functions.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? ", " : "",
			 IOV_BDF(move->functions.list[i].bdf));
	return iov_fail(move->cli->iov, -ENODEV,
			"%s: the guest at %s has no such function; it has %s", IOV_BDF(*bdf),
			move->from, *text ? text : "none with a name in QEMU");
}

/* All for which a port stands by. */
static int find_all(struct move *move)
{
	int error = 0;

	for (size_t i = 0; !error && i < move->functions.count; i++) {
		if (*move->functions.list[i].standby)
			error = add_pair(move, &move->functions.list[i]);
	}
	return error;
}

static int find_named(struct move *move, const char *name)
{
	struct iov_bdf bdf;
	int error = find_one(move->cli, name, &bdf);

	if (error)
		return error;
	for (size_t i = 0; i < move->count; i++) {
		if (!iov_bdf_compare(move->pairs[i].function->bdf, bdf))
			return iov_fail(move->cli->iov, -EINVAL, "%s: is named twice; name it once", IOV_BDF(bdf));
	}
	for (size_t i = 0; i < move->functions.count; i++) {
		const struct guest_function *function = &move->functions.list[i];

		if (iov_bdf_compare(function->bdf, bdf) != 0)
			continue;
		if (*function->standby)
			return add_pair(move, function);
		return iov_fail(move->cli->iov, -ENOTSUP,
				"%s: no port stands by for it; start the guest with what "
				"'iov attach %s PORT --failover' prints",
				IOV_BDF(bdf), IOV_BDF(bdf));
	}
	return lacks(move, &bdf);
}

static int find_pairs(struct move *move, const struct move_args *args)
{
	int error = qemu_guest_functions(move->cli->iov, move->source, &move->functions);

	move->pairs = calloc(move->functions.count + 1, sizeof(*move->pairs));
	if (!error && !move->pairs)
		error = iov_fail(move->cli->iov, -ENOMEM, "out of memory");
	if (!error && !args->count)
		return find_all(move);
	for (size_t i = 0; !error && i < args->count; i++)
		error = find_named(move, args->devices[i]);
	return error;
}

/* What the guest gets instead: nobody else has it, and VFIO does. */
static int check_given(struct move *move, struct iov_bdf bdf)
{
	struct cli *cli = move->cli;
	struct iov_attachable how;
	int error = iov_attach_check(cli->iov, bdf, IOV_DRIVER_VFIO, &how);

	if (!error)
		error = cli_check_claim(cli, IOV_BDF(bdf));
	if (error)
		return error;
	cli->findings = json_object_new_array();
	error = iov_guard_function(cli->iov, bdf, cli->findings);
	if (error || !json_object_array_length(cli->findings))
		return error;
	return iov_fail(cli->iov, -ECANCELED, "--give %s: is in use by %s", IOV_BDF(bdf),
			json_text(json_object_array_get_idx(cli->findings, 0), "holder"));
}

static int choose_other(struct move *move, const struct move_args *args, struct move_pair *pair, const char *name)
{
	int error = args->give ? find_one(move->cli, name, &pair->to) : iov_bdf_parse(move->cli->iov, name, &pair->to);

	pair->remote = !args->give;
	for (const struct move_pair *other = move->pairs; !error && other < pair; other++) {
		if (!iov_bdf_compare(other->to, pair->to))
			return iov_fail(move->cli->iov, -EINVAL, "--%s %s: two VFs would be one; name another",
					args->give ? "give" : "there", name);
	}
	return error || pair->remote ? error : check_given(move, pair->to);
}

/* One for each VF; of several QEMU has no order that anybody knows. */
static int choose_others(struct move *move, const struct move_args *args)
{
	const char *others = args->give ? args->give : args->there, *option = args->give ? "give" : "there";
	_cleanup_free_ char *copy = others ? strdup(others) : NULL;
	char *rest = copy, *name;
	size_t count = 0;
	int error = 0;

	if (move->count > 1 && others && !args->count)
		return iov_fail(move->cli->iov, -EINVAL,
				"--%s %s: the guest has %zu VFs with a port that stands by; name those "
				"that move, in the same order", option, others, move->count);
	while (!error && (name = strsep(&rest, ","))) {
		if (count < move->count)
			error = choose_other(move, args, &move->pairs[count], name);
		count++;
	}
	if (!error && copy && count != move->count)
		return iov_fail(move->cli->iov, -EINVAL, "--%s %s: expected %zu, one for each VF that moves, not %zu",
				option, others, move->count, count);
	return error;
}

/* Both sides, before anything is changed. */
static int check(struct move *move, const struct move_args *args)
{
	int error = iov_qmp_open(&move->source, move->cli->iov, move->from, move->signal);

	if (!error)
		error = iov_qmp_open(&move->target, move->cli->iov, move->to, move->signal);
	if (!error)
		error = check_source(move);
	if (!error)
		error = check_target(move);
	if (!error)
		error = find_pairs(move, args);
	if (!error)
		error = choose_others(move, args);
	return error ? error : check_blockers(move);
}

/* What is printed. */

static void print_step(struct json_object *step)
{
	struct json_object *command = json_object_object_get(step, "command");

	if (command)
		cli_print(stdout, "%s: %s\n    %s\n", json_text(step, "title"),
			  json_text(step, "socket"),
			  json_object_to_json_string_ext(command,
							 JSON_C_TO_STRING_PLAIN |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		cli_print(stdout, "%s: %s\n    mac: %s\n", json_text(step, "title"),
			  json_text(step, "device"), json_text(step, "mac"));
}

static struct json_object *result_of(const struct move *move, const char *result)
{
	struct json_object *object = json_object_new_object(), *devices = json_object_new_array();

	json_object_object_add(object, "from", json_object_new_string(move->from));
	json_object_object_add(object, "to", json_object_new_string(move->to));
	json_object_object_add(object, "via", json_object_new_string(move->uri));
	for (size_t i = 0; i < move->count; i++) {
		const struct move_pair *pair = &move->pairs[i];
		struct json_object *device = json_object_new_object();

		json_object_object_add(device, "device",
				       json_object_new_string(IOV_BDF(pair->function->bdf)));
		json_object_object_add(device, "becomes",
				       json_object_new_string(IOV_BDF(pair->to)));
		json_object_object_add(device, "remote", json_object_new_boolean(pair->remote));
		json_object_object_add(device, "standby",
				       json_object_new_string(pair->function->standby));
		json_add_text(device, "mac", *pair->mac ? pair->mac : NULL);
		json_object_array_add(devices, device);
	}
	json_object_object_add(object, "devices", devices);
	json_object_object_add(object, "result", json_object_new_string(result));
	return object;
}

static int show(const struct move *move)
{
	static const char result[] = "not done, this is a dry run";
	_cleanup_json_ struct json_object *object = result_of(move, result);
	struct json_object *steps = move_steps(move);

	json_object_object_add(object, "steps", steps);
	if (move->cli->json) {
		iov_output_json(stdout, object);
		return 0;
	}
	for (size_t i = 0; i < json_object_array_length(steps); i++)
		print_step(json_object_array_get_idx(steps, i));
	cli_print(stdout, "move the guest at %s to %s: %s\n", move->from, move->to, result);
	return 0;
}

static const char *const phases[PING_PHASES] = {
	[MOVE_BEFORE] = "before",
	[MOVE_UNPLUG] = "unplug",
	[MOVE_MEMORY] = "move",
	[MOVE_PLUG] = "plug",
};

static struct json_object *count_of(const struct ping_count *count)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "sent", json_object_new_uint64(count->sent));
	json_object_object_add(object, "lost",
			       json_object_new_uint64(count->sent - count->answered));
	json_object_object_add(object, "gap_ms", json_object_new_uint64(count->gap_ms));
	return object;
}

static struct json_object *ping_of(const char *address, const struct ping_count counts[PING_PHASES])
{
	struct ping_count all = { 0 };
	struct json_object *object, *by_phase = json_object_new_object();

	for (size_t i = 0; i < PING_PHASES; i++) {
		all.sent += counts[i].sent;
		all.answered += counts[i].answered;
		all.gap_ms = counts[i].gap_ms > all.gap_ms ? counts[i].gap_ms : all.gap_ms;
		json_object_object_add(by_phase, phases[i], count_of(&counts[i]));
	}
	object = count_of(&all);
	json_object_object_add(object, "address", json_object_new_string(address));
	json_object_object_add(object, "phases", by_phase);
	return object;
}

static uint64_t number(struct json_object *object, const char *key)
{
	return json_object_get_uint64(json_object_object_get(object, key));
}

static void print_ping(struct json_object *ping)
{
	struct json_object *by_phase = json_object_object_get(ping, "phases");

	cli_print(stdout, "%s: %" PRIu64 " of %" PRIu64 " packets lost, longest gap %" PRIu64 " ms",
		  json_text(ping, "address"), number(ping, "lost"), number(ping, "sent"),
		  number(ping, "gap_ms"));
	for (size_t i = 0; i < PING_PHASES; i++) {
		struct json_object *count = json_object_object_get(by_phase, phases[i]);

		printf("%s%s %" PRIu64 ", %" PRIu64 " ms", i ? "; " : " (", phases[i],
		       number(count, "lost"), number(count, "gap_ms"));
	}
	printf(")\n");
}

static void print_result(const struct move *move, struct json_object *ping)
{
	cli_print(stdout, "move the guest at %s to %s: done\n", move->from, move->to);
	for (size_t i = 0; i < move->count; i++) {
		const struct move_pair *pair = &move->pairs[i];

		cli_print(stdout, "%s is %s%s now\n", IOV_BDF(pair->function->bdf),
			  IOV_BDF(pair->to), pair->remote ? " of the other host" : "");
	}
	if (move->count)
		printf("unplugged in %" PRIu64 " ms, plugged again after %" PRIu64 " ms\n",
		       move->unplug_ms, move->without_ms);
	printf("moved in %" PRIu64 " ms, %" PRIu64 " MiB, stood still for %" PRIu64 " ms\n",
	       move->moving.total_ms, move->moving.sent >> 20, move->moving.downtime_ms);
	if (ping)
		print_ping(ping);
}

/* Takes @ping over. */
static void tell(const struct move *move, struct json_object *ping)
{
	_cleanup_json_ struct json_object *object = result_of(move, "done");

	json_object_object_add(object, "unplug_ms", json_object_new_uint64(move->unplug_ms));
	json_object_object_add(object, "without_ms", json_object_new_uint64(move->without_ms));
	json_object_object_add(object, "total_ms", json_object_new_uint64(move->moving.total_ms));
	json_object_object_add(object, "downtime_ms",
			       json_object_new_uint64(move->moving.downtime_ms));
	json_object_object_add(object, "bytes", json_object_new_uint64(move->moving.sent));
	json_object_object_add(object, "ping", ping);
	if (move->cli->json)
		iov_output_json(stdout, object);
	else
		print_result(move, ping);
}

/* Nothing of a move can be taken back, so it is in the history without a plan. */
static void note(const struct move *move, int error)
{
	struct iov *iov = move->cli->iov;
	const enum iov_failure failure = iov_failure(iov, error);
	_cleanup_json_ struct json_object *devices = json_object_new_array();
	char why[IOV_MESSAGE_SIZE], title[512];

	snprintf(why, sizeof(why), "%s", error ? iov_error_message(iov) : "");
	snprintf(title, sizeof(title), "move the guest at %s to %s", move->from, move->to);
	for (size_t i = 0; i < move->count; i++)
		json_object_array_add(
			devices, json_object_new_string(IOV_BDF(move->pairs[i].function->bdf)));
	if (!iov_plan_lock(iov, move->cli->wait * 1000)) {
		if (error)
			iov_fail_as(iov, failure, error, "%s", why);
		iov_history_deed(iov, title, devices, error);
		iov_plan_unlock(iov);
	} else {
		cli_print(stderr, "iov: not in the history: %s\n", iov_error_message(iov));
	}
	if (error)
		iov_fail_as(iov, failure, error, "%s", why);
}

static void wait_seconds(const struct move *move, unsigned int seconds)
{
	for (unsigned int i = 0; i < seconds && !*move->signal; i++)
		sleep(1);
}

/*
 * What is changed of the host meanwhile, and in the end, is by plans: who may make none, or has to wait for another
 * change to be recovered, hears of it before the guest is asked for anything.
 */
static int check_host(struct move *move)
{
	struct iov *iov = move->cli->iov;
	int error = iov_plan_lock(iov, move->cli->wait * 1000);

	if (!error)
		error = iov_plan_settled(iov);
	iov_plan_unlock(iov);
	return error;
}

static int carry_out(struct move *move, const struct move_args *args)
{
	struct iov_plan_options shown = { 0 };
	struct ping_count counts[PING_PHASES] = { 0 };
	int counted, error = check_host(move);

	if (!error && args->ping)
		error = ping_begin(&move->ping, move->cli->iov, args->ping, move->signal);
	if (error)
		return error;
	cli_progress_begin(&shown);
	move->progress = shown.progress;
	error = move_run(move);
	if (!error && args->ping)
		wait_seconds(move, PING_AFTER);
	cli_progress_end();
	counted = ping_end(&move->ping, counts);
	note(move, error);
	if (!error)
		tell(move, args->ping && !counted ? ping_of(args->ping, counts) : NULL);
	return error;
}

static int run(struct cli *cli, void *data)
{
	struct move_args *args = data;
	char beside[256];
	struct move move = {
		.cli = cli,
		.from = args->from,
		.to = args->to,
		.uri = args->via ? args->via : beside,
		.deadline_ms = (uint64_t)args->deadline * 1000,
		.signal = cli_note_signals(),
	};
	int error = 0;

	snprintf(beside, sizeof(beside), "unix:%s.move", args->to);
	if (!iov_sys_is_host(cli->iov))
		error = iov_fail(cli->iov, -EOPNOTSUPP,
				 "--from %s: a recorded host runs no guest; leave out --root",
				 args->from);
	if (!error)
		error = check(&move, args);
	if (!error)
		error = cli->dry_run ? show(&move) : carry_out(&move, args);
	iov_qmp_close(move.source);
	iov_qmp_close(move.target);
	qemu_guest_free(&move.functions);
	free(move.pairs);
	return error;
}

const struct cli_command cli_move = {
	.name = "move",
	.args = "[DEVICE]... --from SOCKET --to SOCKET",
	.summary = "Move a guest to another QEMU, and its VFs with it",
	.example = "iov move --from /run/a.qmp --to /run/b.qmp\n"
		   "  iov move 0000:01:10.0 --from /run/a.qmp --to /run/b.qmp --give 0000:01:10.2 "
		   "--ping 192.0.2.20\n"
		   "  iov move --from /run/a.qmp --to /run/far.qmp --via tcp:192.0.2.2:4444 "
		   "--there 0000:81:10.0",
	.changes = true,
	.locks = true,
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct move_args),
	.run = run,
};
