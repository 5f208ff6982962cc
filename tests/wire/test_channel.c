// SPDX-License-Identifier: GPL-2.0-or-later
// Requests of the back end: the channel for them, and what a front end may do with it.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/wire/fixture.h"

static void begin(struct fixture *fixture)
{
	frontend_start(&fixture->frontend, UINT64_MAX, 1);
	frontend_open_channel(&fixture->frontend);
}

/* The next request is that the configuration changed; its flags. */
static uint32_t expect_change(struct fixture *fixture)
{
	struct vu_header header;

	assert_true(frontend_asked(&fixture->frontend, &header, NULL, 0));
	assert_int_equal(header.request, VU_BACKEND_CONFIG_CHANGE_MSG);
	return header.flags;
}

static bool is_silent(struct fixture *fixture)
{
	struct vu_header header;

	return !frontend_asked(&fixture->frontend, &header, NULL, 0);
}

static bool is_closed(struct fixture *fixture)
{
	uint8_t byte;
	ssize_t bytes = recv(fixture->frontend.channel, &byte, 1, MSG_DONTWAIT);

	return !bytes || (bytes < 0 && errno != EAGAIN);
}

/* The channel is gone, and that is all. */
static void expect_lost(struct fixture *fixture, enum vu_refusal reason)
{
	assert_true(is_closed(fixture));
	assert_int_equal(refused(fixture, reason), 1);
	vu_session_config_changed(fixture->session);
	expect_echo(fixture, 1);
	frontend_open_channel(&fixture->frontend);
	vu_session_config_changed(fixture->session);
	expect_change(fixture);
}

static void configuration_changes_are_told(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture);
	assert_true(is_silent(fixture));
	vu_session_config_changed(fixture->session);
	assert_true(expect_change(fixture) & VU_FLAG_NEED_REPLY);
	frontend_answer(&fixture->frontend, VU_BACKEND_CONFIG_CHANGE_MSG, 0);
	assert_true(is_silent(fixture));
	expect_echo(fixture, 1);
}

/* However often it changes, one request is on its way, and none is forgotten. */
static void changes_before_the_answer_are_told_once_more(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture);
	for (unsigned int i = 0; i < 100; i++)
		vu_session_config_changed(fixture->session);
	expect_change(fixture);
	assert_true(is_silent(fixture));
	/* QEMU's net devices do not take it. */
	frontend_answer(&fixture->frontend, VU_BACKEND_CONFIG_CHANGE_MSG, 1);
	expect_change(fixture);
	frontend_answer(&fixture->frontend, VU_BACKEND_CONFIG_CHANGE_MSG, 0);
	assert_true(is_silent(fixture));
}

static void changes_are_not_told_to_who_does_not_want_them(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	uint64_t features;

	vu_session_config_changed(fixture->session);
	begin(fixture);
	features = frontend->protocol_features & ~BIT(VU_PROTOCOL_CONFIG);
	assert_int_equal(frontend_set(frontend, VU_SET_PROTOCOL_FEATURES, features), 0);
	vu_session_config_changed(fixture->session);
	assert_true(is_silent(fixture));
}

static void give_up_acknowledgements(struct frontend *frontend)
{
	uint64_t features = frontend->protocol_features & ~BIT(VU_PROTOCOL_REPLY_ACK);

	frontend_send(frontend, VU_SET_PROTOCOL_FEATURES, 0, &features, 8, NULL, 0);
}

static void without_acknowledgements_none_is_asked_for(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	begin(fixture);
	give_up_acknowledgements(frontend);
	for (unsigned int i = 0; i < 3; i++) {
		vu_session_config_changed(fixture->session);
		assert_false(expect_change(fixture) & VU_FLAG_NEED_REPLY);
	}
}

/* A VMM that starts over gives another one; the one before is closed. */
static void new_channel_takes_the_place_of_the_old_one(void **state)
{
	struct fixture *fixture = *state;
	int old;

	begin(fixture);
	vu_session_config_changed(fixture->session);
	old = dup(fixture->frontend.channel);
	for (unsigned int i = 0; i < 100; i++)
		frontend_open_channel(&fixture->frontend);
	expect_change(&(struct fixture){ .frontend.channel = old });
	assert_true(is_closed(&(struct fixture){ .frontend.channel = old }));
	close(old);
	vu_session_config_changed(fixture->session);
	expect_change(fixture);
}

static void what_is_no_stream_socket_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	int pair[2], fds[4];

	begin(fixture);
	assert_return_code(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), errno);
	fds[0] = frontend->guest.fd;
	fds[1] = frontend->kick[0];
	fds[2] = pair[0];
	fds[3] = socket(AF_INET, SOCK_STREAM, 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_not_equal(frontend_call(frontend, VU_SET_BACKEND_REQ_FD, NULL, 0,
						   &fds[i], 1), 0);
	assert_int_not_equal(frontend_call(frontend, VU_SET_BACKEND_REQ_FD, NULL, 0, NULL, 0), 0);
	assert_int_not_equal(frontend_call(frontend, VU_SET_BACKEND_REQ_FD, NULL, 0, fds, 2), 0);
	assert_int_equal(refused(fixture, VU_REFUSED_FDS), 6);
	close(fds[3]);
	close(pair[0]);
	close(pair[1]);
	/* What was there stays. */
	vu_session_config_changed(fixture->session);
	expect_change(fixture);
}

/* What the session asks comes back to it as a request that cannot be. */
static void own_connection_as_channel_harms_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	begin(fixture);
	frontend_send(frontend, VU_SET_BACKEND_REQ_FD, 0, NULL, 0, &frontend->fd, 1);
	vu_session_config_changed(fixture->session);
	pump(fixture);
	assert_int_equal(refused(fixture, VU_REFUSED_SIZE), 1);
	expect_echo(fixture, 1);
}

struct wrong_reply {
	struct vu_header header;
	uint64_t value;
} __attribute__((packed));

/* Another request's, a request, of another size, without the flag, of no version. */
static const struct wrong_reply wrong_replies[] = {
	{ { VU_BACKEND_IOTLB_MSG, 5, 8 }, 0 },
	{ { VU_BACKEND_CONFIG_CHANGE_MSG, 9, 8 }, 0 },
	{ { VU_BACKEND_CONFIG_CHANGE_MSG, 5, 4 }, 0 },
	{ { VU_BACKEND_CONFIG_CHANGE_MSG, 5, 0 }, 0 },
	{ { VU_BACKEND_CONFIG_CHANGE_MSG, 5, UINT32_MAX }, 0 },
	{ { VU_BACKEND_CONFIG_CHANGE_MSG, 1, 8 }, 0 },
	{ { VU_BACKEND_CONFIG_CHANGE_MSG, 6, 8 }, 0 },
	{ { UINT32_MAX, UINT32_MAX, UINT32_MAX }, UINT64_MAX },
};

static void wrong_replies_cost_the_channel(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(wrong_replies) / sizeof(wrong_replies[0]); i++) {
		struct fixture *fixture;
		void *own;

		setup(&own);
		fixture = own;
		begin(fixture);
		vu_session_config_changed(fixture->session);
		expect_change(fixture);
		send(fixture->frontend.channel, &wrong_replies[i], sizeof(wrong_replies[i]), 0);
		pump(fixture);
		expect_lost(fixture, VU_REFUSED_CHANNEL_REPLY);
		teardown(&own);
	}
}

static void reply_to_nothing_costs_the_channel(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture);
	frontend_answer(&fixture->frontend, VU_BACKEND_CONFIG_CHANGE_MSG, 0);
	expect_lost(fixture, VU_REFUSED_CHANNEL_REPLY);
}

static void reply_with_a_descriptor_costs_the_channel(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	const uint64_t done = 0;
	int fd = frontend->fd;

	begin(fixture);
	vu_session_config_changed(fixture->session);
	frontend->fd = frontend->channel;
	frontend_send(frontend, VU_BACKEND_CONFIG_CHANGE_MSG, VU_FLAG_REPLY, &done, 8,
		      &frontend->guest.fd, 1);
	frontend->fd = fd;
	expect_change(fixture);
	expect_lost(fixture, VU_REFUSED_CHANNEL_REPLY);
}

/* SIGALRM ends a test that hangs. */
static void front_end_that_does_not_read_loses_the_channel(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	begin(fixture);
	give_up_acknowledgements(frontend);
	alarm(60);
	for (unsigned int i = 0; i < 100000; i++)
		vu_session_config_changed(fixture->session);
	alarm(0);
	assert_int_equal(refused(fixture, VU_REFUSED_CHANNEL_STALLED), 1);
	expect_echo(fixture, 1);
}

static void front_end_that_does_not_answer_loses_the_channel(void **state)
{
	struct fixture *fixture = *state;
	struct pollfd wait = { .events = POLLIN };

	begin(fixture);
	wait.fd = vu_session_fd(fixture->session);
	vu_session_config_changed(fixture->session);
	expect_change(fixture);
	assert_int_equal(poll(&wait, 1, 20 * ANSWER_MS), 1);
	pump(fixture);
	expect_lost(fixture, VU_REFUSED_CHANNEL_LATE);
}

static void front_end_may_close_the_channel(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture);
	shutdown(fixture->frontend.channel, SHUT_RDWR);
	pump(fixture);
	expect_echo(fixture, 1);
	vu_session_config_changed(fixture->session);
	frontend_open_channel(&fixture->frontend);
	vu_session_config_changed(fixture->session);
	expect_change(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(configuration_changes_are_told),
		TEST(changes_before_the_answer_are_told_once_more),
		TEST(changes_are_not_told_to_who_does_not_want_them),
		TEST(without_acknowledgements_none_is_asked_for),
		TEST(new_channel_takes_the_place_of_the_old_one),
		TEST(what_is_no_stream_socket_is_refused),
		TEST(own_connection_as_channel_harms_nobody),
		TEST(wrong_replies_cost_the_channel),
		TEST(reply_to_nothing_costs_the_channel),
		TEST(reply_with_a_descriptor_costs_the_channel),
		TEST(front_end_that_does_not_read_loses_the_channel),
		TEST(front_end_that_does_not_answer_loses_the_channel),
		TEST(front_end_may_close_the_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
