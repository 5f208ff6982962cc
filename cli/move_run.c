// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/move_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/plan/plan.h"
#include "cli/argument.h"
#include "cli/keeper.h"
#include "cli/printable.h"
#include "sriov/vf.h"

#define STEPS 4
#define LOOK_MS 100

/* How long a guest that was told to unplug is looked at when nobody waits for that any more. */
#define LATE_MS 5000

/* How often the keeper tries, a second apart. */
#define KEEPER_TRIES 30

static const char no_mac[] = "00:00:00:00:00:00";

/* Where the guest is found to be. */
enum place { HERE, THERE, NOWHERE };

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* What gives it to the guest, where that was or where it goes; QEMU reads "host" up to 16 bits of domain. */
static struct json_object *device_of(const struct move_pair *pair, bool here)
{
	const struct iov_bdf bdf = here ? pair->function->bdf : pair->to;
	struct json_object *device = json_copy(pair->function->device);

	if (!here)
		json_object_object_add(device, "failover_pair_id",
				       json_object_new_string(pair->standby));
	if (bdf.domain <= UINT16_MAX)
		json_object_object_add(device, "host", json_object_new_string(IOV_BDF(bdf)));
	else
		json_object_object_add(
			device, "sysfsdev",
			json_object_new_string(iov_path("/%s", iov_pci_path(bdf, "").name).name));
	return device;
}

static struct json_object *uri_arguments(const struct move *move)
{
	struct json_object *arguments = json_object_new_object();

	json_object_object_add(arguments, "uri", json_object_new_string(move->uri));
	return arguments;
}

/* Takes @command over. */
static void add_command(struct json_object *steps, const char *title, const char *socket,
			struct json_object *command)
{
	struct json_object *step = json_object_new_object();

	json_object_object_add(step, "title", json_object_new_string(title));
	json_object_object_add(step, "socket", json_object_new_string(socket));
	json_object_object_add(step, "command", command);
	json_object_array_add(steps, step);
}

static void add_address(struct json_object *steps, const char *title, struct iov_bdf bdf,
			const char *mac)
{
	struct json_object *step = json_object_new_object();

	json_object_object_add(step, "title", json_object_new_string(title));
	json_object_object_add(step, "device", json_object_new_string(IOV_BDF(bdf)));
	json_object_object_add(step, "mac", json_object_new_string(mac));
	json_object_array_add(steps, step);
}

struct json_object *move_steps(const struct move *move)
{
	struct json_object *steps = json_object_new_array();

	for (size_t i = 0; i < move->count; i++) {
		const struct move_pair *pair = &move->pairs[i];

		add_command(steps, "the guest gives it up", move->from,
			    qemu_guest_unplug_command(pair->function->id));
		if (*pair->mac)
			add_address(steps, "its address leads to the port that stands by",
				    pair->function->bdf, no_mac);
	}
	if (!move->listens)
		add_command(steps, "the other QEMU listens", move->to,
			    iov_qmp_command("migrate-incoming", uri_arguments(move)));
	add_command(steps, "the guest moves", move->from,
		    iov_qmp_command("migrate", uri_arguments(move)));
	for (size_t i = 0; i < move->count; i++) {
		const struct move_pair *pair = &move->pairs[i];

		if (*pair->mac && !pair->remote)
			add_address(steps, "the address leads to what the guest gets", pair->to,
				    pair->mac);
		add_command(steps, "the guest gets it", move->to,
			    iov_qmp_command("device_add", device_of(pair, false)));
	}
	return steps;
}

/* By a plan, so that the journal has it until it is done, and the history then. */
static int plan_mac(struct cli *cli, struct iov_bdf vf, const char *mac, struct iov_plan **plan)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	struct iov_bdf pf;
	unsigned int index;
	int error = cli_vf(cli, vf, &pf, &index);

	json_object_object_add(values, "mac", json_object_new_string(mac));
	if (!error)
		error = iov_plan_new(plan, cli->iov,
				     mac == no_mac ? "have the port stand by for %s"
						   : "give %s the address of its guest",
				     IOV_BDF(vf));
	return error ? error : iov_vf_set_plan(*plan, pf, -1, index, values);
}

static int give_mac(struct cli *cli, struct iov_bdf vf, const char *mac)
{
	struct iov_plan_options options = cli_plan_options(cli);
	struct iov_plan *plan = NULL;
	int error = iov_plan_lock(cli->iov, cli->wait * 1000);

	if (!error)
		error = plan_mac(cli, vf, mac, &plan);
	if (!error && !iov_plan_is_empty(plan))
		error = iov_plan_run(plan, &options);
	iov_plan_free(plan);
	iov_plan_unlock(cli->iov);
	return error;
}

static void say(const struct move *move, size_t step, const char *title)
{
	if (move->progress)
		move->progress(NULL, step, STEPS, title);
}

/* All of it, as long as the command is wanted. */

static int unplug_all(struct move *move)
{
	const uint64_t began = monotonic_ms();
	int error = 0;

	ping_phase(&move->ping, MOVE_UNPLUG);
	for (size_t i = 0; !error && i < move->count; i++) {
		const struct move_pair *pair = &move->pairs[i];

		say(move, 1, "the guest gives its VF up");
		error = qemu_guest_unplug(move->cli->iov, move->source, pair->function->id);
		move->late = error == -ETIMEDOUT || error == -EINTR;
		if (!error && *pair->mac)
			error = give_mac(move->cli, pair->function->bdf, no_mac);
	}
	move->unplug_ms = monotonic_ms() - began;
	return error;
}

static int begin_moving(struct move *move)
{
	_cleanup_json_ struct json_object *listen =
		iov_qmp_command("migrate-incoming", uri_arguments(move));
	_cleanup_json_ struct json_object *send = iov_qmp_command("migrate", uri_arguments(move));
	int error = move->listens ? 0 : iov_qmp_ask(move->target, listen, NULL);

	return error ? error : iov_qmp_ask(move->source, send, NULL);
}

static void say_moving(const struct move *move)
{
	const struct guest_moving *moving = &move->moving;
	char title[128];

	if (!moving->total)
		return say(move, 2, "the guest moves");
	snprintf(title, sizeof(title), "the guest moves, %llu of %llu MiB are left",
		 (unsigned long long)moving->remaining >> 20,
		 (unsigned long long)moving->total >> 20);
	say(move, 2, title);
}

static int wait_moved(struct move *move)
{
	const uint64_t began = monotonic_ms();
	struct iov *iov = move->cli->iov;
	int error = 0;

	while (!error) {
		error = qemu_guest_moving(move->source, &move->moving);
		if (error || qemu_guest_moved(&move->moving))
			break;
		if (qemu_guest_stays(&move->moving))
			return iov_told(
				iov, -EIO,
				"%s: the guest cannot move: %s; the QEMU at %s may say more",
				move->from,
				*move->moving.why ? move->moving.why : "QEMU does not say why",
				move->to);
		if (move->deadline_ms && monotonic_ms() - began > move->deadline_ms)
			return iov_fail(
				iov, -ETIMEDOUT,
				"%s: the guest has not moved within %llu s; it changes its memory "
				"faster than that is sent, or --deadline is too short",
				move->from, (unsigned long long)move->deadline_ms / 1000);
		say_moving(move);
		error = iov_qmp_wait(move->source, LOOK_MS);
	}
	return error;
}

/* It has arrived when QEMU no longer waits for it; one that was started with -S is to be told to go on. */
static int wait_arrived(struct move *move)
{
	const uint64_t deadline = monotonic_ms() + iov_qmp_patience(move->target);
	_cleanup_json_ struct json_object *command = iov_qmp_command("cont", NULL);
	char status[GUEST_STATUS_SIZE];
	int error;

	while (!(error = qemu_guest_status(move->target, status)) && !strcmp(status, "inmigrate")) {
		if (monotonic_ms() > deadline)
			return iov_told(move->cli->iov, -ETIMEDOUT,
					"%s: the guest was sent, and has not arrived", move->to);
		pause_ms(LOOK_MS);
	}
	if (!error && move->runs && (!strcmp(status, "paused") || !strcmp(status, "prelaunch")))
		error = iov_qmp_ask(move->target, command, NULL);
	return error;
}

static int move_memory(struct move *move)
{
	int error;

	ping_phase(&move->ping, MOVE_MEMORY);
	say(move, 2, "the guest moves");
	error = begin_moving(move);
	if (!error)
		error = wait_moved(move);
	if (!error)
		error = wait_arrived(move);
	return error;
}

/* What ends a move. */

static bool is_moving(const struct guest_moving *moving)
{
	return !qemu_guest_moved(moving) && !qemu_guest_stays(moving);
}

/* A move that nobody wants any more ends, one way or the other. */
static int stop_moving(const struct move *move)
{
	const uint64_t deadline = monotonic_ms() + iov_qmp_patience(move->source);
	_cleanup_json_ struct json_object *command = iov_qmp_command("migrate_cancel", NULL);
	struct guest_moving moving;
	int error = qemu_guest_moving(move->source, &moving);

	if (!error && is_moving(&moving))
		error = iov_qmp_ask(move->source, command, NULL);
	while (!error && is_moving(&moving)) {
		if (monotonic_ms() > deadline)
			return iov_told(move->cli->iov, -ETIMEDOUT,
					"%s: the move cannot be stopped, it is %s", move->from,
					moving.status);
		pause_ms(LOOK_MS);
		error = qemu_guest_moving(move->source, &moving);
	}
	return error;
}

/* Whatever answers to come are of no interest, and no signal ends this. */
static int connect_again(struct move *move)
{
	int error;

	iov_qmp_close(move->source);
	iov_qmp_close(move->target);
	move->source = NULL;
	move->target = NULL;
	error = iov_qmp_open(&move->source, move->cli->iov, move->from, NULL);
	/* A QEMU that does not answer may have the guest all the same. */
	if (error == -ETIMEDOUT)
		return error;
	error = iov_qmp_open(&move->target, move->cli->iov, move->to, NULL);
	return error == -ETIMEDOUT && !move->source ? error : 0;
}

static int find_guest(struct move *move, enum place *place)
{
	char status[GUEST_STATUS_SIZE] = "";
	int error = connect_again(move);

	*place = NOWHERE;
	if (!error && move->source) {
		error = stop_moving(move);
		if (!error)
			error = qemu_guest_status(move->source, status);
		*place = strcmp(status, "postmigrate") != 0 ? HERE : move->target ? THERE : NOWHERE;
	} else if (!error && move->target) {
		error = qemu_guest_status(move->target, status);
		*place = strcmp(status, "inmigrate") != 0 ? THERE : NOWHERE;
	}
	return error;
}

static int plug(const struct move *move, const struct move_pair *pair, enum place place)
{
	const bool here = place == HERE;
	struct iov_qmp *qmp = here ? move->source : move->target;
	const struct iov_bdf bdf = here ? pair->function->bdf : pair->to;
	_cleanup_json_ struct json_object *device = device_of(pair, here);
	bool has;
	int error = qemu_guest_has(qmp, pair->function->id, &has);

	/* It may be about to go. */
	if (!error && has && here && move->late &&
	    qemu_guest_lets_go(qmp, pair->function->id, LATE_MS))
		has = false;
	/* The address may have been taken already, or a kill came before. */
	if (!error && *pair->mac && (here || !pair->remote))
		error = give_mac(move->cli, bdf, pair->mac);
	return error || has ? error : qemu_guest_plug(move->cli->iov, qmp, device);
}

/* Give the guest its VFs, wherever it is. */
static int settle(struct move *move, enum place *place)
{
	int failed = 0, error;

	for (size_t i = 0; i < move->count; i++)
		move->pairs[i].lacks = true;
	error = find_guest(move, place);
	for (size_t i = 0; !error && i < move->count; i++) {
		struct move_pair *pair = &move->pairs[i];
		int one = 0;

		if (*place != NOWHERE)
			one = plug(move, pair, *place);
		else if (*pair->mac)
			one = give_mac(move->cli, pair->function->bdf, pair->mac);
		pair->lacks = one != 0;
		failed = failed ? failed : one;
	}
	return error ? error : failed;
}

static void keep(struct cli *cli, void *arg)
{
	struct move *move = arg;
	enum place place;

	(void)cli;
	/* Those descriptors are other files by now. */
	move->source = NULL;
	move->target = NULL;
	move->late = true;
	for (unsigned int tries = KEEPER_TRIES; settle(move, &place) && --tries;)
		sleep(1);
}

/* What to tell QEMU when the guest has arrived and lacks VFs. */
static int say_unplugged(const struct move *move, int error)
{
	struct iov *iov = move->cli->iov;
	char commands[2048] = "", why[IOV_MESSAGE_SIZE], what[64] = "its VF";
	size_t missing = 0;

	snprintf(why, sizeof(why), "%s", iov_error_message(iov));
	for (size_t i = 0; i < move->count; i++) {
		_cleanup_json_ struct json_object *command = NULL;
		size_t length = strlen(commands);

		if (!move->pairs[i].lacks)
			continue;
		command = iov_qmp_command("device_add", device_of(&move->pairs[i], false));
		snprintf(commands + length, sizeof(commands) - length, "%s%s", missing++ ? " and " : "",
			 json_object_to_json_string_ext(command, JSON_C_TO_STRING_PLAIN));
	}
	if (move->count > 1)
		snprintf(what, sizeof(what), "%zu of its %zu VFs", missing, move->count);
	return iov_fail_as(iov, iov_failure(iov, error), error,
			   "the guest is at %s and goes on by what stands by, without %s: %s; when the cause "
			   "is gone tell QEMU there %s", move->to, what, why, commands);
}

/* What the guest has after a move that failed: @why. */
static int say_failed(const struct move *move, int error, enum iov_failure failure, const char *why,
		      int settled, enum place place)
{
	static const char *const places[] = {
		[HERE] = "the guest goes on where it was, with all that it had",
		[THERE] = "the guest had arrived already and has its VF there",
		[NOWHERE] = "the guest is gone",
	};
	struct iov *iov = move->cli->iov;

	if (!settled)
		return iov_fail_as(iov, failure, error, "%s; %s", why, places[place]);
	return iov_fail_as(iov, failure, error, "%s; nor could it get its VF back: %s", why,
			   iov_error_message(iov));
}

static int end_move(struct move *move, int error, int *keeper)
{
	const enum iov_failure failure = iov_failure(move->cli->iov, error);
	char why[IOV_MESSAGE_SIZE];
	enum place place = NOWHERE;
	int settled;

	snprintf(why, sizeof(why), "%s", error ? iov_error_message(move->cli->iov) : "");
	ping_phase(&move->ping, error ? MOVE_BEFORE : MOVE_PLUG);
	say(move, 3, error ? "the guest gets its VF back" : "the guest gets its VF");
	settled = settle(move, &place);
	/* Who was not heard yet tries on when this process is gone. */
	keeper_end(keeper, !settled);
	if (error)
		return say_failed(move, error, failure, why, settled, place);
	if (!settled && place != THERE)
		return iov_told(move->cli->iov, -EIO, "%s: the QEMU has ended, and the guest with it", move->to);
	return settled && move->count ? say_unplugged(move, settled) : settled;
}

int move_run(struct move *move)
{
	int keeper, error = keeper_start(move->cli, "iov-move", "to give the guest its VF back",
					 keep, move, &keeper);
	uint64_t began;

	if (error) {
		keeper_end(&keeper, true);
		return error;
	}
	error = unplug_all(move);
	began = monotonic_ms();
	if (!error)
		error = move_memory(move);
	error = end_move(move, error, &keeper);
	move->without_ms = move->count ? monotonic_ms() - began : 0;
	return error;
}
