// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "vhost-user/protocol/notify.h"

/* The highest count that an eventfd has; one more waits. */
#define FULL UINT64_C(0xfffffffffffffffe)

static void every_notification_counts(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	eventfd_t count;

	(void)state;
	assert_true(fd >= 0);
	for (unsigned int i = 0; i < 10000; i++)
		assert_int_equal(notify_eventfd(fd), 0);
	assert_return_code(eventfd_read(fd, &count), errno);
	assert_int_equal(count, 10000);
	close(fd);
}

/* SIGALRM ends the test if it does. */
static void full_eventfd_that_blocks_does_not_hold_us(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	eventfd_t count;

	(void)state;
	assert_return_code(eventfd_write(fd, FULL), errno);
	alarm(20);
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(notify_eventfd(fd), 0);
	alarm(0);
	assert_return_code(eventfd_read(fd, &count), errno);
	assert_true(count >= FULL);
	assert_int_equal(notify_eventfd(fd), 0);
	assert_return_code(eventfd_read(fd, &count), errno);
	assert_int_equal(count, 1);
	close(fd);
}

static void what_is_no_eventfd_is_refused(void **state)
{
	int ends[2];

	(void)state;
	assert_return_code(pipe(ends), errno);
	assert_int_equal(notify_eventfd(ends[1]), -EINVAL);
	assert_int_equal(notify_eventfd(-1), -EBADF);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_notification_counts),
		cmocka_unit_test(full_eventfd_that_blocks_does_not_hold_us),
		cmocka_unit_test(what_is_no_eventfd_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
