// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/sysroot/run.h"
#include "base/sysroot/sysdir.h"
#include "base/sysroot/sysroot.h"
#include "tests/unit/tree.h"

struct fixture {
	char *tree;
	struct iov *iov;
};

static struct fixture fixture;

static int setup(void **state)
{
	fixture.tree = tree_new();
	fixture.iov = tree_open(fixture.tree);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov_close(fixture.iov);
	tree_remove(fixture.tree);
	return 0;
}

static void an_attribute_is_read_without_its_newline(void **state)
{
	char text[8];

	(void)state;
	tree_file(fixture.tree, "sys/a", "value \n");
	assert_int_equal(iov_sys_read(fixture.iov, "sys/a", text, sizeof(text)), 0);
	assert_string_equal(text, "value");
	assert_int_equal(iov_sys_read(fixture.iov, "sys/none", text, sizeof(text)), -ENOENT);
}

static void long_content_is_cut_or_read_whole(void **state)
{
	char big[10001], text[8], *all;
	size_t length;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	tree_file(fixture.tree, "sys/big", big);
	assert_int_equal(iov_sys_read(fixture.iov, "sys/big", text, sizeof(text)), 0);
	assert_string_equal(text, "xxxxxxx");
	assert_int_equal(iov_sys_read_all(fixture.iov, "sys/big", &all, &length), 0);
	assert_int_equal(length, 10000);
	assert_string_equal(all, big);
	free(all);
}

static void numbers_are_decimal_or_hexadecimal(void **state)
{
	int64_t number;

	(void)state;
	tree_file(fixture.tree, "n", "-1\n");
	assert_int_equal(iov_sys_read_number(fixture.iov, "n", &number), 0);
	assert_int_equal(number, -1);
	tree_file(fixture.tree, "n", "0x8086\n");
	assert_int_equal(iov_sys_read_number(fixture.iov, "n", &number), 0);
	assert_int_equal(number, 0x8086);
	tree_file(fixture.tree, "n", "12 13\n");
	assert_int_equal(iov_sys_read_number(fixture.iov, "n", &number), -EINVAL);
	tree_file(fixture.tree, "n", "");
	assert_int_equal(iov_sys_read_number(fixture.iov, "n", &number), -EINVAL);
}

static void an_absolute_link_stays_inside_the_tree(void **state)
{
	char text[64];

	(void)state;
	tree_link(fixture.tree, "sys/out", "/etc/passwd");
	assert_int_equal(iov_sys_read(fixture.iov, "sys/out", text, sizeof(text)), -ENOENT);
	assert_int_equal(iov_sys_read(fixture.iov, "../../../etc/passwd", text, sizeof(text)),
			 -ENOENT);
	tree_file(fixture.tree, "etc/passwd", "recorded");
	assert_int_equal(iov_sys_read(fixture.iov, "sys/out", text, sizeof(text)), 0);
	assert_string_equal(text, "recorded");
}

static void the_last_component_of_a_link_is_its_name(void **state)
{
	char name[16];

	(void)state;
	tree_link(fixture.tree, "driver", "../../bus/pci/drivers/vfio-pci");
	tree_file(fixture.tree, "file", "");
	assert_int_equal(iov_sys_link_name(fixture.iov, "driver", name, sizeof(name)), 0);
	assert_string_equal(name, "vfio-pci");
	assert_int_equal(iov_sys_link_name(fixture.iov, "file", name, sizeof(name)), -EINVAL);
	assert_int_equal(iov_sys_link_name(fixture.iov, "none", name, sizeof(name)), -ENOENT);
	assert_int_equal(iov_sys_link_name(fixture.iov, "driver", name, 4), -ENAMETOOLONG);
}

static void names_come_in_version_order(void **state)
{
	char **names;
	size_t count;

	(void)state;
	tree_file(fixture.tree, "list/virtfn10", "");
	tree_file(fixture.tree, "list/virtfn2", "");
	tree_file(fixture.tree, "list/a", "");
	assert_int_equal(iov_sys_list(fixture.iov, "list", &names, &count), 0);
	assert_int_equal(count, 3);
	assert_string_equal(names[0], "a");
	assert_string_equal(names[1], "virtfn2");
	assert_string_equal(names[2], "virtfn10");
	iov_names_free(names, count);
	assert_int_equal(iov_sys_list(fixture.iov, "none", &names, &count), -ENOENT);
}

static void a_write_reaches_the_file(void **state)
{
	char text[8];

	(void)state;
	tree_file(fixture.tree, "numvfs", "0");
	assert_int_equal(iov_sys_write(fixture.iov, "numvfs", "4"), 0);
	assert_int_equal(iov_sys_read(fixture.iov, "numvfs", text, sizeof(text)), 0);
	assert_string_equal(text, "4");
	assert_int_equal(iov_sys_write(fixture.iov, "none", "4"), -ENOENT);
}

static void the_error_of_a_write_comes_back(void **state)
{
	(void)state;
	if (access("/dev/full", W_OK)) {
		print_message("missing: /dev/full\n");
		skip();
	}
	iov_close(fixture.iov);
	assert_int_equal(iov_open(&fixture.iov, NULL), 0);
	assert_int_equal(iov_sys_write(fixture.iov, "dev/full", "4"), -ENOSPC);
	iov_close(fixture.iov);
	fixture.iov = tree_open(fixture.tree);
}

/* A pipe that is full and that nobody reads stands for a driver that never answers. */
static void a_write_that_hangs_ends_at_the_deadline(void **state)
{
	char path[128], page[4096] = "";
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/hang", fixture.tree);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	while (write(fd, page, sizeof(page)) > 0)
		;
	iov_sys_set_timeout(fixture.iov, 50);
	assert_int_equal(iov_sys_write(fixture.iov, "hang", "4"), -ETIMEDOUT);
	iov_sys_set_timeout(fixture.iov, 0);
	close(fd);
}

/* Only a child waits for what a recorded tree has in place of a file, up to its deadline. */
static void a_pipe_in_place_of_a_file_keeps_nobody_waiting(void **state)
{
	char text[8] = "old", *all = NULL;
	int dir;

	(void)state;
	tree_fifo(fixture.tree, "sys/pipe");
	alarm(10);
	assert_int_equal(iov_sys_read(fixture.iov, "sys/pipe", text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(iov_sys_read_all(fixture.iov, "sys/pipe", &all, NULL), 0);
	assert_string_equal(all, "");
	free(all);
	dir = iov_dir_open(fixture.iov, "sys");
	assert_int_equal(iov_dir_read(dir, "pipe", text, sizeof(text)), 0);
	close(dir);
	alarm(0);
}

/* Of this machine, and not of a tree that anybody may have written. */
static void a_program_is_run_on_the_host_alone(void **state)
{
	const char *const arguments[] = { "-c", "echo one; echo; echo two three >&2; read x; exit 3", NULL };
	const char *const kill[] = { "-c", "kill -9 $$", NULL };
	const char *const leave[] = { "-c", "sleep 10 & echo left; exit 4", NULL };
	const char *const terminate[] = { "-c", "kill -TERM $$; exit 5", NULL };
	char said[16];
	time_t began;

	(void)state;
	tree_file(fixture.tree, "bin/sh", "#!/bin/sh\ntouch /tmp/was-run\n");
	assert_int_equal(iov_sys_run(fixture.iov, "bin/sh", arguments, said, sizeof(said)), -EOPNOTSUPP);
	iov_close(fixture.iov);
	assert_int_equal(iov_open(&fixture.iov, NULL), 0);
	assert_int_equal(iov_sys_run(fixture.iov, "bin/sh", arguments, said, sizeof(said)), 3);
	assert_string_equal(said, "two three");
	assert_int_equal(iov_sys_run(fixture.iov, "bin/sh", arguments, said, 4), 3);
	assert_string_equal(said, "two");
	assert_int_equal(iov_sys_run(fixture.iov, "bin/sh", kill, said, sizeof(said)), 128 + 9);
	assert_int_equal(iov_sys_run(fixture.iov, "none", arguments, said, sizeof(said)), -ENOENT);
	/* What it leaves behind has its output still. */
	began = time(NULL);
	assert_int_equal(iov_sys_run(fixture.iov, "bin/sh", leave, said, sizeof(said)), 4);
	assert_string_equal(said, "left");
	assert_true(time(NULL) - began < 8);
	/* It can be ended by what a writer ignores. */
	signal(SIGTERM, SIG_IGN);
	assert_int_equal(iov_sys_run(fixture.iov, "bin/sh", terminate, said, sizeof(said)), 128 + SIGTERM);
	signal(SIGTERM, SIG_DFL);
	iov_close(fixture.iov);
	fixture.iov = tree_open(fixture.tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_attribute_is_read_without_its_newline),
		cmocka_unit_test(long_content_is_cut_or_read_whole),
		cmocka_unit_test(numbers_are_decimal_or_hexadecimal),
		cmocka_unit_test(an_absolute_link_stays_inside_the_tree),
		cmocka_unit_test(the_last_component_of_a_link_is_its_name),
		cmocka_unit_test(names_come_in_version_order),
		cmocka_unit_test(a_write_reaches_the_file),
		cmocka_unit_test(the_error_of_a_write_comes_back),
		cmocka_unit_test(a_program_is_run_on_the_host_alone),
		cmocka_unit_test(a_pipe_in_place_of_a_file_keeps_nobody_waiting),
		cmocka_unit_test(a_write_that_hangs_ends_at_the_deadline),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
