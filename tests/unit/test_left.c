// SPDX-License-Identifier: GPL-2.0-or-later
/* What commands tell later ones of children that the kernel does not answer. */
#include "tests/unit/test.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sysroot/left.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "tests/unit/tree.h"

static char *tree;
static struct iov *iov;

/* A process that started at a moment, with a name that looks like the fields behind it. */
static void start(int pid, const char *moment)
{
	char text[256];

	snprintf(text, sizeof(text), "%d (a) S 1 2) D 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 %s 0 0\n", pid,
		 moment);
	tree_file(tree, iov_path("proc/%d/stat", pid).name, text);
}

static int setup(void **state)
{
	(void)state;
	tree = tree_new();
	iov = tree_open(tree);
	tree_file(tree, "run/lock", "");
	start(71, "5000");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov->stuck = 0;
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

static void leave(int pid, const char *question, const char *name, int64_t waited)
{
	iov->stuck = pid;
	left_note(iov, question, name, waited, "it waits");
}

static void assert_found(int pid, const char *question, const char *name, int64_t wait)
{
	struct left left;

	assert_int_equal(left_find(iov, question, name, wait, &left), pid != 0);
	if (pid) {
		assert_int_equal(left.pid, pid);
		assert_string_equal(left.message, "it waits");
	}
}

static void one_that_waits_is_found_by_what_it_was_asked(void **state)
{
	(void)state;
	assert_found(0, "why", "0000:01:00.0", 2000);
	leave(71, "why", "0000:01:00.0", 2000);
	start(72, "6000");
	leave(72, "call", "", 5000);
	assert_found(71, "why", "0000:01:00.0", 2000);
	assert_found(72, "call", "", 5000);
	assert_found(0, "why", "0000:01:00.1", 2000);
	assert_found(0, "whither", "0000:01:00.0", 2000);
	/* Who would wait longer asks. */
	assert_found(0, "why", "0000:01:00.0", 2001);
}

static void one_that_is_gone_is_forgotten(void **state)
{
	(void)state;
	leave(71, "why", "a", 2000);
	start(71, "5001");
	assert_found(0, "why", "a", 2000);
	assert_false(iov_sys_exists(iov, IOV_PATH_LEFT));
	leave(71, "why", "a", 2000);
	tree_unlink(tree, "proc/71/stat");
	assert_found(0, "why", "a", 2000);
	assert_false(iov_sys_exists(iov, IOV_PATH_LEFT));
}

static void what_is_no_note_is_none(void **state)
{
	static const char *const wrong[] = {
		"", "\n\n\n", "5000 2000\nwhy\na", "5000\nwhy\na\nit waits\n", "x y\nwhy\na\nit waits\n",
		"0 2000\nwhy\na\nit waits\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		tree_file(tree, IOV_PATH_LEFT "/71", wrong[i]);
		assert_found(0, "why", "a", 0);
	}
	tree_file(tree, IOV_PATH_LEFT "/nonsense", "5000 2000\nwhy\na\nit waits\n");
	assert_found(0, "why", "a", 0);
	assert_false(iov_sys_exists(iov, IOV_PATH_LEFT));
}

/* Somebody who may write there could keep the host from being looked at. */
static void notes_of_others_are_not_believed(void **state)
{
	(void)state;
	leave(71, "why", "a", 2000);
	assert_found(71, "why", "a", 2000);
	assert_int_equal(chmod(iov_path("%s/" IOV_PATH_LEFT, tree).name, 0777), 0);
	assert_found(0, "why", "a", 2000);
	leave(71, "why", "b", 2000);
	assert_int_equal(chmod(iov_path("%s/" IOV_PATH_LEFT, tree).name, 0700), 0);
	assert_found(0, "why", "b", 2000);
	assert_found(71, "why", "a", 2000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_waits_is_found_by_what_it_was_asked),
		TEST(one_that_is_gone_is_forgotten),
		TEST(what_is_no_note_is_none),
		TEST(notes_of_others_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
