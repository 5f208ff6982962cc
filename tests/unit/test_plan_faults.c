// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plan of 40 steps on eight devices, with a fault injected at each of its operations:
 * an error, the death of the process, a write that hangs until the deadline; each before
 * and after the write took effect, and the death as well while the plan is undone.  After
 * that, and after recovery where it is needed, the host is in the old or in the new state.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/plan/plan.h"
#include "tests/unit/tree.h"

#define STEPS 40
#define OPERATIONS 2
#define DEVICES 8
#define BARRIER 20
#define DEADLINE_MS 20

enum fault {
	ERROR_BEFORE,
	ERROR_AFTER,
	HANG_BEFORE,
	HANG_AFTER,
	KILL_BEFORE,
	KILL_AFTER,
	KILL_UNDOING,		/* an error, and death after the first write that undoes */
	FAULTS,
};

static const char *const fault_names[FAULTS] = {
	"error before", "error after", "hang before", "hang after", "kill before", "kill after",
	"kill while undoing",
};

/* What the process that is killed and the one that looks at the rubble share. */
struct host {
	char at[64];		/* path of the write that fails, "" for none */
	enum fault fault;
	bool struck;
	bool hurried;		/* a step ran before, or was undone after, one that it shares a device with */
};

static char *tree;
static struct iov *iov, *hanging;
static struct host *host;
static unsigned int injections, violations;

static struct iov_path attribute(int step, int operation)
{
	return iov_path("sys/attr%02d.%d", step, operation);
}

static bool uses(int step, int device)
{
	return step == BARRIER || step % DEVICES == device ||
	       (step % 10 == 9 && (step + 3) % DEVICES == device);
}

static bool share_device(int a, int b)
{
	for (int device = 0; device < DEVICES; device++) {
		if (uses(a, device) && uses(b, device))
			return true;
	}
	return false;
}

static bool is_new(int step)
{
	char text[8] = "";

	iov_sys_read(iov, attribute(step, OPERATIONS - 1).name, text, sizeof(text));
	return !strcmp(text, "new");
}

/* Whoever shares a device comes in order, forwards and backwards. */
static void check_order(const char *path, const char *text)
{
	int step = (int)strtol(path + strlen("sys/attr"), NULL, 10);
	bool forwards = !strcmp(text, "new");

	for (int i = forwards ? 0 : step + 1; i < (forwards ? step : STEPS); i++) {
		if (share_device(i, step) && is_new(i) != forwards)
			host->hurried = true;
	}
}

/* A write to a pipe that nobody reads: the child that makes it is killed at the deadline. */
static int hang(void)
{
	return iov_sys_write(hanging, "sys/hang", "new");
}

static int apply(const char *path, const char *text)
{
	check_order(path, text);
	tree_file(tree, path, text);
	return 0;
}

static int strike(const char *path, const char *text)
{
	host->struck = true;
	switch (host->fault) {
	case ERROR_BEFORE:
		return -EIO;
	case ERROR_AFTER:
	case KILL_UNDOING:
		return apply(path, text), -EIO;
	case HANG_BEFORE:
		return hang();
	case HANG_AFTER:
		return apply(path, text), hang();
	case KILL_AFTER:
		apply(path, text);
		/* fall through */
	default:
		return raise(SIGKILL);
	}
}

static int on_write(void *arg, struct iov *writer, const char *path, const char *text)
{
	(void)arg;
	(void)writer;
	if (!host->struck && !strcmp(path, host->at))
		return strike(path, text);
	if (host->struck && host->fault == KILL_UNDOING && !strcmp(text, "old")) {
		host->fault = FAULTS;
		apply(path, text);
		raise(SIGKILL);
	}
	return apply(path, text);
}

static struct iov_plan *forty_steps(void)
{
	struct iov_plan *plan;

	assert_int_equal(iov_plan_new(&plan, iov, "change a host"), 0);
	for (int i = 0; i < STEPS; i++) {
		struct iov_path device = iov_path("0000:%02x:00.0", i % DEVICES);
		struct iov_step *step = iov_plan_step(plan, i == BARRIER ? NULL : device.name,
						      "change %d", i);

		iov_step_spares(step, "nobody uses it");
		if (i % 10 == 9)
			iov_step_touches(step, iov_path("0000:%02x:00.0", (i + 3) % DEVICES).name);
		iov_step_check(step, iov_if_value(attribute(i, 0).name, "old"));
		for (int n = 0; n < OPERATIONS; n++) {
			iov_step_do(step, iov_op_write(attribute(i, n).name, "new"));
			iov_step_verify(step, iov_if_value(attribute(i, n).name, "new"));
		}
		for (int n = OPERATIONS; n--;) {
			struct iov_path path = attribute(i, n);

			iov_step_undo(step, iov_op_unless(iov_op_write(path.name, "old"),
							  iov_if_value(path.name, "old")));
			iov_step_undone(step, iov_if_value(path.name, "old"));
		}
	}
	return plan;
}

static int run(void)
{
	struct iov_plan *plan = forty_steps();
	int error = iov_plan_run(plan, NULL);

	iov_plan_free(plan);
	return error;
}

/* Run in a process of its own; whether that was killed. */
static bool run_and_die(void)
{
	int status;
	pid_t child = fork();

	if (!child) {
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static bool all_are(const char *value)
{
	char text[8];

	for (int i = 0; i < STEPS * OPERATIONS; i++) {
		iov_sys_read(iov, attribute(i / OPERATIONS, i % OPERATIONS).name, text,
			     sizeof(text));
		if (strcmp(text, value))
			return false;
	}
	return true;
}

static void reset(void)
{
	*host = (struct host){ 0 };
	for (int i = 0; i < STEPS * OPERATIONS; i++)
		tree_file(tree, attribute(i / OPERATIONS, i % OPERATIONS).name, "old");
	tree_unlink(tree, "var/lib/iovkit/journal");
}

static void judge(bool good, const char *wanted)
{
	good = good && host->struck && !host->hurried && all_are(wanted) &&
	       !iov_sys_exists(iov, "var/lib/iovkit/journal");
	injections++;
	if (good)
		return;
	violations++;
	print_message("%s in %s: not in the %s state%s\n",
		      host->fault < FAULTS ? fault_names[host->fault] : fault_names[KILL_UNDOING],
		      host->at, wanted, host->hurried ? ", and out of order" : "");
}

static void inject(int operation, enum fault fault, bool finish)
{
	bool good;

	reset();
	host->fault = fault;
	strcpy(host->at, attribute(operation / OPERATIONS, operation % OPERATIONS).name);
	if (fault < KILL_BEFORE) {
		good = run() == (fault < HANG_BEFORE ? -EIO : -ETIMEDOUT);
		judge(good, "old");
		return;
	}
	good = run_and_die() && run() == -EBUSY && !iov_plan_recover(iov, finish, NULL);
	judge(good, finish ? "new" : "old");
}

static void a_fault_at_any_operation_leaves_the_old_or_the_new_state(void **state)
{
	(void)state;
	assert_int_equal(run(), 0);
	assert_true(all_are("new"));
	assert_false(host->hurried);
	for (int operation = 0; operation < STEPS * OPERATIONS; operation++) {
		for (int fault = 0; fault < FAULTS; fault++) {
			inject(operation, (enum fault)fault, false);
			if (fault >= KILL_BEFORE)
				inject(operation, (enum fault)fault, true);
		}
	}
	print_message("%u injections, %u violations\n", injections, violations);
	assert_int_equal(violations, 0);
}

/* A pipe that is full, so that whoever writes to it waits. */
static void fill_pipe(void)
{
	struct iov_path path = iov_path("%s/sys/hang", tree);
	char page[4096] = "";
	int fd;

	assert_int_equal(mkfifo(path.name, 0600), 0);
	fd = open(path.name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	while (write(fd, page, sizeof(page)) > 0)
		;
	assert_int_equal(errno, EAGAIN);
}

static int setup(void **state)
{
	(void)state;
	tree = tree_new();
	iov = tree_open(tree);
	hanging = tree_open(tree);
	iov_sys_set_timeout(hanging, DEADLINE_MS);
	iov_sys_on_write(iov, on_write, NULL);
	host = mmap(NULL, sizeof(*host), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(host != MAP_FAILED);
	tree_file(tree, "proc/sys/kernel/random/boot_id", "this-boot\n");
	reset();
	fill_pipe();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov_close(iov);
	iov_close(hanging);
	tree_remove(tree);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_fault_at_any_operation_leaves_the_old_or_the_new_state, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
