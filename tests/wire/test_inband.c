// SPDX-License-Identifier: GPL-2.0-or-later
// Kicks, calls and errors as messages.
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/test.h"
#include "tests/wire/fixture.h"

static void begin(struct fixture *fixture)
{
	struct frontend *frontend = &fixture->frontend;

	frontend->is_inband = true;
	frontend_negotiate(frontend, BIT(VIRTIO_F_VERSION_1));
	frontend_open_channel(frontend);
	assert_int_equal(frontend_share_memory(frontend), 0);
	for (unsigned int i = 0; i < 2; i++) {
		frontend_start_ring(frontend, i);
		frontend_enable_ring(frontend, i, true);
	}
}

/* Requests of one kind that the session has for us, each answered; of the rings in a mask. */
static unsigned int take(struct fixture *fixture, uint32_t request, unsigned int *rings)
{
	struct vu_vring_state state;
	struct vu_header header;
	unsigned int count = 0;

	for (*rings = 0; frontend_asked(&fixture->frontend, &header, &state, sizeof(state)); count++) {
		assert_int_equal(header.request, request);
		assert_true(header.flags & VU_FLAG_NEED_REPLY);
		assert_int_equal(header.size, sizeof(state));
		assert_int_equal(state.num, 0);
		*rings |= 1u << state.index;
		frontend_answer(&fixture->frontend, request, 0);
	}
	return count;
}

static void kick_starts_a_ring_and_reaches_the_device(void **state)
{
	struct fixture *fixture = *state;
	unsigned int kicks;

	begin(fixture);
	assert_non_null(fixture->queues[0]);
	assert_true(fixture->queues[1]->is_told);
	assert_int_equal(fixture->queues[1]->kick_fd, -1);
	kicks = fixture->kicks;
	assert_int_equal(frontend_state(&fixture->frontend, VU_VRING_KICK, 1, 0), 0);
	assert_int_equal(fixture->kicks, kicks + 1);
	expect_echo(fixture, 1);
}

static void calls_are_messages_and_one_is_on_its_way(void **state)
{
	struct fixture *fixture = *state;
	unsigned int rings;

	begin(fixture);
	take(fixture, VU_BACKEND_VRING_CALL, &rings);
	expect_echo(fixture, 1);
	vu_session_attend(fixture->session);
	assert_int_equal(take(fixture, VU_BACKEND_VRING_CALL, &rings), 2);
	assert_int_equal(rings, 3);
	/* Many before the answer are one after it. */
	for (unsigned int i = 0; i < 50; i++) {
		expect_echo(fixture, (uint8_t)i);
		vu_session_attend(fixture->session);
	}
	assert_int_equal(take(fixture, VU_BACKEND_VRING_CALL, &rings), 4);
	assert_int_equal(take(fixture, VU_BACKEND_VRING_CALL, &rings), 0);
}

static void eventfds_are_preferred(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	uint64_t number = 0;
	unsigned int rings;

	begin(fixture);
	take(fixture, VU_BACKEND_VRING_CALL, &rings);
	assert_int_equal(frontend_call(frontend, VU_SET_VRING_CALL, &number, 8, &frontend->call[0],
				       1), 0);
	assert_int_equal(frontend_call(frontend, VU_SET_VRING_KICK, &number, 8, &frontend->kick[0],
				       1), 0);
	assert_false(fixture->queues[0]->is_told);
	expect_echo(fixture, 1);
	vu_session_attend(fixture->session);
	take(fixture, VU_BACKEND_VRING_CALL, &rings);
	assert_int_equal(rings, 2);
	assert_true(is_signalled(frontend->call[0]));
	/* Polling, for either. */
	number = 1 | VU_VRING_NOFD;
	assert_int_equal(frontend_set(frontend, VU_SET_VRING_CALL, number), 0);
	assert_int_equal(frontend_set(frontend, VU_SET_VRING_KICK, number), 0);
	assert_false(fixture->queues[1]->is_told);
	expect_echo(fixture, 2);
	vu_session_attend(fixture->session);
	assert_int_equal(take(fixture, VU_BACKEND_VRING_CALL, &rings), 0);
}

static void broken_ring_is_told(void **state)
{
	struct fixture *fixture = *state;
	unsigned int rings;

	begin(fixture);
	take(fixture, VU_BACKEND_VRING_CALL, &rings);
	vu_session_queue_broken(fixture->session, 1);
	assert_int_equal(take(fixture, VU_BACKEND_VRING_ERR, &rings), 1);
	assert_int_equal(rings, 2);
	/* A kick does not revive it, GET_VRING_BASE and a kick do. */
	assert_int_equal(frontend_state(&fixture->frontend, VU_VRING_KICK, 1, 0), 0);
	assert_null(fixture->queues[1]);
	frontend_stop_ring(&fixture->frontend, 1);
	assert_int_equal(frontend_state(&fixture->frontend, VU_VRING_KICK, 1, 0), 0);
	assert_non_null(fixture->queues[1]);
}

static void wrong_kicks_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	begin(fixture);
	assert_int_not_equal(frontend_state(frontend, VU_VRING_KICK, 1, 1), 0);
	assert_int_equal(refused(fixture, VU_REFUSED_VALUE), 1);
	assert_int_not_equal(frontend_state(frontend, VU_VRING_KICK, FRONTEND_RINGS, 0), 0);
	assert_int_not_equal(frontend_state(frontend, VU_VRING_KICK, 0x10001, 0), 0);
	assert_int_equal(refused(fixture, VU_REFUSED_INDEX), 2);
}

static void kicks_are_refused_when_they_were_not_negotiated(void **state)
{
	struct fixture *fixture = *state;

	frontend_start(&fixture->frontend, UINT64_MAX, 1);
	assert_int_not_equal(frontend_state(&fixture->frontend, VU_VRING_KICK, 1, 0), 0);
	assert_int_equal(refused(fixture, VU_REFUSED_STATE), 1);
	expect_echo(fixture, 1);
}

/* "The back-end should close the connection". */
static void messages_without_a_channel_end_the_connection(void **state)
{
	struct fixture *fixture = *state;
	uint64_t features = BIT(VU_PROTOCOL_INBAND_NOTIFICATIONS) | BIT(VU_PROTOCOL_REPLY_ACK);

	frontend_send(&fixture->frontend, VU_SET_PROTOCOL_FEATURES, 0, &features, 8, NULL, 0);
	assert_true(frontend_is_ended(&fixture->frontend));
}

static void lost_channel_ends_the_connection(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture);
	shutdown(fixture->frontend.channel, SHUT_RDWR);
	assert_true(frontend_is_ended(&fixture->frontend));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kick_starts_a_ring_and_reaches_the_device),
		TEST(calls_are_messages_and_one_is_on_its_way),
		TEST(eventfds_are_preferred),
		TEST(broken_ring_is_told),
		TEST(wrong_kicks_are_refused),
		TEST(kicks_are_refused_when_they_were_not_negotiated),
		TEST(messages_without_a_channel_end_the_connection),
		TEST(lost_channel_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
