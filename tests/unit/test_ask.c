// SPDX-License-Identifier: GPL-2.0-or-later
/* Questions about many things, when the host is busy, and when they are asked within an operation. */
#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/plan/plan.h"
#include "base/sysroot/ask.h"
#include "base/sysroot/sysroot.h"
#include "tests/unit/tree.h"

#define NAMES 3
/* Beyond what a child has once one was stuck, within what it has to start. */
#define SLOW_US 500000

static char *tree;
static struct iov *iov;
static bool starts_slowly, stalls;
static unsigned int *stalled;	/* children share it */

static const char *const names[NAMES] = { "a", "b", "c" };

static void in_child(void)
{
	if (starts_slowly)
		usleep(SLOW_US);
}

/* In place of the C library's: a child that has answered all may be held up before it says so. */
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at)
{
	if (stalls && !(*stalled)++)
		usleep(SLOW_US);
	return syscall(SYS_pwrite64, fd, bytes, length, at);
}

/* "stuck" is not answered. */
static void ask(struct iov *context, const char *name, FILE *answer)
{
	(void)context;
	if (!strcmp(name, "stuck"))
		pause();
	fputs(name, answer);
}

static void ask_then_stall(struct iov *context, const char *name, FILE *answer)
{
	ask(context, name, answer);
	stalls = !strcmp(name, names[NAMES - 1]);
}

static const struct iov_sys_question question = { .ask = ask, .why = "why" };
static const struct iov_sys_question stalling = { .ask = ask_then_stall, .why = "why" };

static int setup(void **state)
{
	(void)state;
	tree = tree_new();
	iov = tree_open(tree);
	tree_file(tree, "proc/sys/kernel/random/boot_id", "this-boot\n");
	stalled = mmap(NULL, sizeof(*stalled), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(stalled != MAP_FAILED);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	starts_slowly = false;
	iov_close(iov);
	tree_remove(tree);
	munmap(stalled, sizeof(*stalled));
	return 0;
}

static void assert_answers(const struct iov_sys_question *asked, const char *const *list, size_t count)
{
	char *answers;
	size_t length;

	assert_int_equal(iov_sys_ask(iov, asked, list, count, &answers, &length), 0);
	assert_string_equal(answers, "abc");
	for (size_t i = 0; i < NAMES; i++)
		assert_int_equal(iov_sys_answered(iov, asked, names[i]), 0);
	free(answers);
}

static void a_child_that_starts_slowly_blames_nobody(void **state)
{
	static const char *const list[] = { "a", "stuck", "b", "c" };

	(void)state;
	starts_slowly = true;
	assert_answers(&question, list, NAMES + 1);
	assert_int_equal(iov_sys_answered(iov, &question, "stuck"), -ETIMEDOUT);
}

static void nor_does_one_whose_deadline_is_shorter_than_that(void **state)
{
	(void)state;
	starts_slowly = true;
	iov_sys_set_timeout(iov, 100);
	assert_answers(&question, names, NAMES);
}

static void answers_that_come_at_the_deadline_are_asked_for_again(void **state)
{
	(void)state;
	iov_sys_set_timeout(iov, 200);
	assert_answers(&stalling, names, NAMES);
	assert_true(*stalled >= 2);
}

static int run_asking(struct iov *context, const struct iov_op *op)
{
	(void)op;
	return iov_sys_ask(context, &question, names, NAMES, NULL, NULL);
}

static void questions_within_an_operation_are_no_progress_of_its_step(void **state)
{
	static const struct iov_op_runner runner = { .kind = IOV_OP_NVME_VIRT, .run = run_asking };
	struct iov_plan *plan;
	struct iov_step *step;
	char text[8];

	(void)state;
	assert_int_equal(iov_op_register(iov, &runner), 0);
	assert_int_equal(iov_plan_new(&plan, iov, "test"), 0);
	step = iov_plan_step(plan, NULL, "ask, then write");
	iov_step_do(step, iov_op_nvme_virt((struct iov_bdf){ 0 }, IOV_NVME_OFFLINE, 1, NULL));
	for (int i = 0; i < NAMES; i++) {
		struct iov_path path = iov_path("sys/attr%d", i);

		tree_file(tree, path.name, "old");
		iov_step_do(step, iov_op_write(path.name, "new"));
	}
	assert_int_equal(iov_plan_run(plan, NULL), 0);
	iov_plan_free(plan);
	for (int i = 0; i < NAMES; i++) {
		assert_int_equal(iov_sys_read(iov, iov_path("sys/attr%d", i).name, text, sizeof(text)), 0);
		assert_string_equal(text, "new");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_child_that_starts_slowly_blames_nobody),
		TEST(nor_does_one_whose_deadline_is_shorter_than_that),
		TEST(answers_that_come_at_the_deadline_are_asked_for_again),
		TEST(questions_within_an_operation_are_no_progress_of_its_step),
	};

	pthread_atfork(NULL, NULL, in_child);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
