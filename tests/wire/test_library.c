// SPDX-License-Identifier: GPL-2.0-or-later
// A back end of libiov-vhost-user, in a thread: what its front end gives it for kicks.
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/wire/frontend.h"
#include "vhost-user/library/backend.h"

static char directory[] = "/tmp/iovkit-wire.XXXXXX", path[64];
static volatile bool stop;
static volatile unsigned int requests, turns;
static struct iov *iov;
static struct iov_vu *vu;
static pthread_t thread;

static void answer(void *arg, struct iov_vu_request *request)
{
	(void)arg;
	(void)request;
	requests++;
}

static void *serve(void *arg)
{
	(void)arg;
	while (!stop && iov_vu_run(vu, 20) >= 0)
		turns++;
	return NULL;
}

static int setup(void **state)
{
	static const struct iov_vu_ops ops = { .size = sizeof(ops), .request = answer };
	static const struct iov_vu_device device = {
		.size = sizeof(device), .name = "test", .ops = &ops, .queues = FRONTEND_RINGS,
	};

	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/socket", directory);
	assert_int_equal(iov_open(&iov, NULL), 0);
	assert_int_equal(iov_vu_open(&vu, iov, path, &device), 0);
	return pthread_create(&thread, NULL, serve, NULL);
}

static int teardown(void **state)
{
	(void)state;
	stop = true;
	pthread_join(thread, NULL);
	iov_vu_close(vu);
	iov_close(iov);
	return rmdir(directory);
}

static void start(struct frontend *frontend)
{
	frontend_open(frontend, frontend_connect(path), 1 << 20);
	frontend_negotiate(frontend, UINT64_MAX);
	assert_int_equal(frontend_share_memory(frontend), 0);
}

static void each_kick_is_heard(void **state)
{
	struct frontend frontend;

	(void)state;
	start(&frontend);
	frontend_start_ring(&frontend, 1);
	frontend_enable_ring(&frontend, 1, true);
	for (unsigned int i = 1; i <= 3; i++) {
		frontend_transmit(&frontend, 0, "x", 1);
		for (unsigned int waited = 0; waited < 200 && requests < i; waited++)
			usleep(10000);
		assert_int_equal(requests, i);
	}
	frontend_close(&frontend);
}

/* Kicks that it takes back, of a descriptor that waits when there is none. */
static void a_kick_that_is_taken_back_holds_nobody_up(void **state)
{
	struct frontend frontend;
	unsigned int before;
	eventfd_t count;
	const struct iovec to = { &count, sizeof(count) };
	time_t end;

	(void)state;
	start(&frontend);
	frontend_start_ring(&frontend, 0);
	assert_int_equal(fcntl(frontend.kick[0], F_SETFL, 0), 0);
	for (end = time(NULL) + 3; time(NULL) < end;) {
		eventfd_write(frontend.kick[0], 1);
		preadv2(frontend.kick[0], &to, 1, -1, RWF_NOWAIT);
	}
	before = turns;
	usleep(200000);
	before = turns - before;
	eventfd_write(frontend.kick[0], 1);
	assert_true(before > 0);
	frontend_close(&frontend);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kick_is_heard),
		cmocka_unit_test(a_kick_that_is_taken_back_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
