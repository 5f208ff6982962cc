// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iov confirm: a change that is taken back unless somebody says that it is right.
 *
 * Who takes it back is a process of its own, 'iov confirm --watch', that waits from before the
 * first step on.  It is a unit of systemd where that runs, which starts it again when it is
 * killed and does not count it to the session of whoever logs out; otherwise it is a session
 * of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/guard/guard.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "cli/signals.h"
#include "host/file/host.h"

#define UNIT "iovkit-confirm.service"
#define LOOK_MS 300
/* Between two tries of what a guard refuses. */
#define RETRY_MS 3000
/* For a service manager that does not answer. */
#define START_MS 10000

struct confirm_args {
	bool undo;
	bool watch;
};

static const struct argp_option options[] = {
	{ "undo", 'u', 0, 0, "Take the change back now" },
	{ "watch", 'w', 0, 0, "Take the change back when its time is over; 'iov apply --confirm' "
	  "starts this" },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct confirm_args *args = cli_data(state);

	(void)arg;
	switch (key) {
	case 'u':
		args->undo = true;
		return 0;
	case 'w':
		args->watch = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void pause_ms(unsigned int milliseconds)
{
	const struct timespec pause = { milliseconds / 1000, milliseconds % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}

/*
 * The way back leads to a network that worked, so who uses what the change made of it is not
 * asked; disks and guests are.
 */
static void lift_network(struct cli *cli)
{
	const char *guard;
	size_t count = 0;

	while (cli->lifted[count])
		count++;
	for (size_t i = 0; (guard = iov_guard_name(i)) && count < CLI_LIFTED_MAX; i++) {
		if (iov_guard_is_network(guard) && !cli_lifts(cli, guard))
			cli->lifted[count++] = guard;
	}
}

/* 0 when it is over. */
static int expire(struct cli *cli, const struct iov_plan_options *plan_options)
{
	int error = iov_plan_lock(cli->iov, 1);

	if (error)
		return error;
	error = iov_plan_expire(cli->iov, plan_options);
	if (error > 0)
		error = iov_host_drop(cli->iov);
	iov_plan_unlock(cli->iov);
	return error;
}

static int watch(struct cli *cli)
{
	struct iov_plan_options plan_options;
	bool said = false;
	int error;

	lift_network(cli);
	plan_options = cli_plan_options(cli);
	plan_options.progress = NULL;
	signal(SIGHUP, SIG_IGN);
	while ((error = expire(cli, &plan_options))) {
		bool waits = error == -EAGAIN || error == -EBUSY;

		if (!waits && !said)
			syslog(LOG_AUTH | LOG_ERR, "iov: a change that nobody confirmed is not all "
			       "taken back, and tried again: %s", iov_error_message(cli->iov));
		said |= !waits;
		pause_ms(waits ? LOOK_MS : RETRY_MS);
	}
	return 0;
}

/* Of a program that ends; false also when it takes too long. */
static bool succeeds(pid_t pid)
{
	int status = 0;

	for (unsigned int waited = 0; waited < START_MS; waited += 10) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) && !WEXITSTATUS(status);
		pause_ms(10);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return false;
}

/* In a session of its own, so that no terminal ends it, and without ours. */
static bool start(char *const *argv, const char *program, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	bool started;

	posix_spawn_file_actions_init(&actions);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/" IOV_PATH_DEV_NULL, O_RDWR, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
	started = !posix_spawnp(pid, program, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return started;
}

/* A restart, as one of before may be about to end. */
static bool start_unit(const struct cli *cli)
{
	static char *const argv[] = { "systemctl", "--quiet", "restart", UNIT, NULL };
	pid_t pid;

	return !cli->control && iov_sys_exists(cli->iov, IOV_PATH_SYSTEMD) &&
	       start(argv, argv[0], &pid) && succeeds(pid);
}

static bool start_process(const struct cli *cli)
{
	char *argv[] = { "iov", "confirm", "--watch", NULL, NULL, NULL };
	pid_t pid;

	if (cli->control) {
		argv[3] = "--control";
		argv[4] = (char *)cli->control;
	}
	return start(argv, "/" IOV_PATH_PROC_SELF "/exe", &pid);
}

int cli_start_watch(struct cli *cli)
{
	if (start_unit(cli) || start_process(cli))
		return 0;
	return iov_fail(cli->iov, -EAGAIN, "nothing changed: there would be nobody to take it back, as "
			"'iov confirm --watch' cannot be started");
}

static void print_result(struct cli *cli, struct json_object *pending, const char *result)
{
	if (cli->json) {
		json_object_object_add(pending, "result", json_object_new_string(result));
		iov_output_json(stdout, pending);
		return;
	}
	cli_print(stdout, "%s (%s): %s\n", json_text(pending, "title"), json_text(pending, "time"),
		  result);
}

/* The file comes first: who is killed in between confirms again. */
static int keep(struct cli *cli)
{
	int error = iov_host_release(cli->iov, true);

	return error ? error : iov_plan_confirm(cli->iov);
}

static int take_back(struct cli *cli)
{
	struct iov_plan_options plan_options = cli_plan_options(cli);
	int error;

	plan_options.signal = cli_note_signals();
	error = iov_plan_recover(cli->iov, false, &plan_options);
	return error ? error : iov_host_drop(cli->iov);
}

/* Who takes it back has the lock for as long as that takes, and who confirms need not wait for it. */
static int check_in_time(struct cli *cli)
{
	_cleanup_json_ struct json_object *pending = NULL;
	struct json_object *left;

	if (iov_plan_pending(cli->iov, &pending) ||
	    !json_object_object_get_ex(pending, "left", &left) || json_object_get_int64(left))
		return 0;
	return iov_fail(cli->iov, -ETIME, IOV_TOO_LATE "%s", iov_host_waits(cli->iov) ?
			"; the host file that was to be kept is then /" IOV_HOST_UNDONE : "");
}

/*
 * Under the lock: a change that is under way when somebody asks may await its answer then.  Where
 * there never was a change there is no lock, and looking makes none.
 */
static int find_pending(struct cli *cli, struct json_object **pending)
{
	bool locks = !cli->dry_run && iov_sys_exists(cli->iov, IOV_PATH_STATE "/lock");
	int error = locks ? iov_plan_lock(cli->iov, cli->wait * 1000) : 0;

	if (!error)
		error = iov_plan_pending(cli->iov, pending);
	if (error || json_object_object_get_ex(*pending, "left", NULL))
		return error;
	return iov_fail(cli->iov, -ESRCH, IOV_NOTHING_AWAITS "%s", iov_host_undone(cli->iov) ?
			", and /" IOV_HOST_UNDONE " is the host file of the last one that was taken "
			"back" : "");
}

static int run(struct cli *cli, void *data)
{
	const struct confirm_args *args = data;
	_cleanup_json_ struct json_object *pending = NULL;
	int error;

	if (args->watch)
		return watch(cli);
	error = args->undo ? 0 : check_in_time(cli);
	if (!error)
		error = find_pending(cli, &pending);
	if (error)
		return error;
	if (cli->dry_run) {
		print_result(cli, pending, args->undo ? "would be taken back" : "would be kept");
		return 0;
	}
	error = args->undo ? take_back(cli) : keep(cli);
	if (!error)
		print_result(cli, pending, args->undo ? "taken back" : "kept");
	return error;
}

const struct cli_command cli_confirm = {
	.name = "confirm",
	.summary = "Keep a change that is taken back otherwise",
	.example = "iov apply --confirm 60\n"
		   "  iov confirm\n\n"
		   "Fails when the time is over and the change was taken back.",
	.changes = true,
	.locks = true,
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct confirm_args),
	.run = run,
};
