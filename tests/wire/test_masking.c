// SPDX-License-Identifier: GPL-2.0-or-later
// Guests mask and unmask their interrupts, and each time the ring gets another call descriptor.
#include <poll.h>
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

/* As a driver does: look at the ring, and wait for a call when there is nothing in it. */
static void wait_for_frames(struct frontend *guest, int call, unsigned int count)
{
	struct pollfd wait = {.fd = call, .events = POLLIN};
	uint8_t frame[2048];
	eventfd_t calls;

	for (unsigned int got = 0; got < count;) {
		unsigned int before = got;

		driver_want_calls(&guest->rings[0], true);
		while (frontend_take(guest, 0, frame, sizeof(frame)) >= 0)
			got++;
		frontend_post(guest, 0, got - before);
		if (got > before)
			continue;
		if (poll(&wait, 1, 20000) != 1)
			fail_msg("no call for what is in the ring: %u of %u frames", got, count);
		eventfd_read(call, &calls);
	}
}

/*
 * As QEMU changes the descriptor for each mask and unmask of an interrupt, here in the middle of a
 * burst: nothing is dropped, and whoever sleeps for a call gets one.
 */
static void masking_an_interrupt_costs_no_frame_and_no_call(void **state)
{
	uint8_t frame[64] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
	int calls[2] = { eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK) };
	const uint64_t index = 0, none = VU_VRING_NOFD;
	struct frontend a, b;

	(void)state;
	daemon_lan(&iovd, "ab");
	boot(&a, frontend_connect(daemon_path(&iovd, "a")), 0);
	boot(&b, frontend_connect(daemon_path(&iovd, "b")), 0);
	for (unsigned int i = 0; i < 100; i++) {
		for (unsigned int j = 0; j < 60; j++) {
			if (j == 20 && i % 3 == 0)
				frontend_send(&b, VU_SET_VRING_CALL, 0, &none, 8, NULL, 0);
			if (j == 40)
				frontend_send(&b, VU_SET_VRING_CALL, 0, &index, 8, &calls[i % 2], 1);
			while (!frontend_transmit(&a, 0, frame, sizeof(frame)))
				poll(NULL, 0, 1);
		}
		wait_for_frames(&b, calls[i % 2], 60);
	}
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
