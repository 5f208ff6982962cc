// SPDX-License-Identifier: GPL-2.0-or-later
// Guests mask and unmask their interrupts, and each time the ring gets another call descriptor.
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/wire/daemon.h"
#include "tests/wire/guests.h"

static struct daemon iovd;

static int setup(void **state)
{
	(void)state;
	daemon_start(&iovd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(daemon_end(&iovd), 0);
	daemon_clean(&iovd);
	return 0;
}

/* What goes from one guest to the other: never more than there are receive buffers. */
#define FRAMES 10000
#define WINDOW 60

static struct frontend a, b;
static unsigned int received;

static void *send_frames(void *arg)
{
	uint8_t frame[64] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };

	for (unsigned int sent = 0; sent < FRAMES;) {
		if (sent - __atomic_load_n(&received, __ATOMIC_ACQUIRE) < WINDOW &&
		    frontend_transmit(&a, 0, frame, sizeof(frame)))
			sent++;
		else
			poll(NULL, 0, 0);
	}
	return arg;
}

/* As a driver does: look at the ring, and sleep when there is nothing in it. */
static void receive_frames(int call, unsigned int until)
{
	struct pollfd wait = { .fd = call, .events = POLLIN };
	uint8_t frame[2048];
	eventfd_t calls;

	while (received < until) {
		unsigned int got = 0;

		driver_want_calls(&b.rings[0], true);
		while (frontend_take(&b, 0, frame, sizeof(frame)) >= 0)
			got++;
		frontend_post(&b, 0, got);
		__atomic_store_n(&received, received + got, __ATOMIC_RELEASE);
		if (got)
			continue;
		if (poll(&wait, 1, 20000) != 1)
			fail_msg("no call or no frame after %u frames", received);
		eventfd_read(call, &calls);
	}
}

/* The driver polls while there is no descriptor: nothing is dropped, and no call is missing. */
static void masking_an_interrupt_costs_no_frame_and_no_call(void **state)
{
	int calls[2] = { eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK) };
	const uint64_t index = 0, none = VU_VRING_NOFD;
	pthread_t sender;

	(void)state;
	daemon_lan(&iovd, "ab");
	boot(&a, frontend_connect(daemon_path(&iovd, "a")), 0);
	boot(&b, frontend_connect(daemon_path(&iovd, "b")), 0);
	assert_int_equal(pthread_create(&sender, NULL, send_frames, NULL), 0);
	for (unsigned int i = 0; received < FRAMES; i++) {
		int call = calls[i % 2];

		if (i % 3 == 0)
			frontend_send(&b, VU_SET_VRING_CALL, 0, &none, 8, NULL, 0);
		frontend_send(&b, VU_SET_VRING_CALL, 0, &index, 8, &call, 1);
		receive_frames(call, received + 100 < FRAMES ? received + 100 : FRAMES);
	}
	assert_int_equal(pthread_join(sender, NULL), 0);
	assert_string_equal(daemon_port(&iovd, "port.stats", "b", "drops"), "{ }");
	frontend_close(&a);
	frontend_close(&b);
	close(calls[0]);
	close(calls[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masking_an_interrupt_costs_no_frame_and_no_call),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
