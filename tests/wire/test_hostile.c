// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Front ends that do not keep to the protocol.  Whatever one does, its connection ends or it
 * is told, the reason is counted and named, its descriptors are closed and its memory is
 * unmapped, and the front end of another port notices nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/mappings.h"
#include "tests/unit/test.h"
#include "tests/wire/fixture.h"
#include "vhost-user/protocol/wire.h"

struct wrong {
	enum vu_refusal reason;
	uint32_t request;
	uint32_t size;
	unsigned int fds;
	uint64_t payload[5];
};

#define STATE(index, num) {(index) | (uint64_t)(num) << 32}

static const struct wrong wrongs[] = {
	{VU_REFUSED_REQUEST, 0, 0, 0, {0}},
	{VU_REFUSED_REQUEST, 33, 32, 0, {0}},
	{VU_REFUSED_REQUEST, UINT32_MAX, 40, 1, {0}},
	{VU_REFUSED_SIZE, VU_SET_FEATURES, 7, 0, {0}},
	{VU_REFUSED_SIZE, VU_SET_FEATURES, 16, 0, {0}},
	{VU_REFUSED_SIZE, VU_SET_OWNER, 8, 0, {0}},
	{VU_REFUSED_SIZE, VU_SET_VRING_ADDR, 32, 0, {0}},
	{VU_REFUSED_SIZE, VU_SET_MEM_TABLE, 8, 1, {1}},
	{VU_REFUSED_SIZE, VU_SET_MEM_TABLE, 40, 2, {2}},
	{VU_REFUSED_FDS, VU_SET_FEATURES, 8, 1, {BIT(VIRTIO_F_VERSION_1)}},
	{VU_REFUSED_FDS, VU_SET_MEM_TABLE, 40, 0, {1}},
	{VU_REFUSED_FDS, VU_SET_MEM_TABLE, 40, 2, {1}},
	{VU_REFUSED_FDS, VU_ADD_MEM_REG, 40, 0, {0, 0x1000, 0x1000, 0x1000, 0}},
	{VU_REFUSED_FDS, VU_SET_VRING_KICK, 8, 0, {0}},
	{VU_REFUSED_FDS, VU_SET_VRING_CALL, 8, 2, {0}},
	{VU_REFUSED_FDS, VU_SET_VRING_ERR, 8, 1, {VU_VRING_NOFD}},
	{VU_REFUSED_INDEX, VU_SET_VRING_NUM, 8, 0, STATE(FRONTEND_RINGS, 256)},
	{VU_REFUSED_INDEX, VU_SET_VRING_NUM, 8, 0, STATE(0x10000, 256)},
	{VU_REFUSED_INDEX, VU_SET_VRING_ENABLE, 8, 0, STATE(UINT32_MAX, 1)},
	{VU_REFUSED_INDEX, VU_SET_VRING_KICK, 8, 1, {FRONTEND_RINGS}},
	{VU_REFUSED_INDEX, VU_SET_VRING_KICK, 8, 1, {0x200}},
	{VU_REFUSED_VALUE, VU_SET_VRING_NUM, 8, 0, STATE(2, 0)},
	{VU_REFUSED_VALUE, VU_SET_VRING_NUM, 8, 0, STATE(2, 100)},
	{VU_REFUSED_VALUE, VU_SET_VRING_NUM, 8, 0, STATE(2, 0x10000)},
	{VU_REFUSED_VALUE, VU_SET_VRING_NUM, 8, 0, STATE(2, 0x80000000)},
	{VU_REFUSED_VALUE, VU_SET_VRING_BASE, 8, 0, STATE(2, 0x10000)},
	{VU_REFUSED_VALUE, VU_SET_VRING_ENABLE, 8, 0, STATE(2, 2)},
	{VU_REFUSED_VALUE, VU_SET_VRING_ADDR, 40, 0, STATE(2, 2)},
	{VU_REFUSED_VALUE, VU_SET_STATUS, 8, 0, {0x100}},
	{VU_REFUSED_VALUE, VU_REM_MEM_REG, 40, 0, {0, 0x1000, MEMORY, 0x1000, 0}},
	{VU_REFUSED_VALUE, VU_SET_FEATURES, 8, 0, {BIT(63)}},
	{VU_REFUSED_VALUE, VU_SET_PROTOCOL_FEATURES, 8, 0, {BIT(63)}},
	{VU_REFUSED_VALUE, VU_SET_MEM_TABLE, 8, 0, {0}},
	{VU_REFUSED_VALUE, VU_NET_SET_MTU, 8, 0, {67}},
	{VU_REFUSED_STATE, VU_SET_VRING_NUM, 8, 0, STATE(0, 128)},
	{VU_REFUSED_STATE, VU_SET_VRING_BASE, 8, 0, STATE(1, 0)},
	{VU_REFUSED_SIZE, VU_ADD_MEM_REG, 32, 1, {0}},
	{VU_REFUSED_MEMORY, VU_ADD_MEM_REG, 40, 1, {0, 0x1000, 0, 0x1000, 0}},
	{VU_REFUSED_MEMORY, VU_ADD_MEM_REG, 40, 1, {0, UINT64_C(0x100000000), 0x1000, 0x1000, 0}},
	/* Regions: none, beyond 64 bits in one of three ways, beyond the file. */
	{VU_REFUSED_MEMORY, VU_SET_MEM_TABLE, 40, 1, {1, 0x1000, 0, 0x1000, 0}},
	{VU_REFUSED_MEMORY, VU_SET_MEM_TABLE, 40, 1, {1, UINT64_MAX, 0x1000, 0x1000, 0}},
	{VU_REFUSED_MEMORY, VU_SET_MEM_TABLE, 40, 1, {1, 0x1000, 0x1000, UINT64_MAX, 0}},
	{VU_REFUSED_MEMORY, VU_SET_MEM_TABLE, 40, 1, {1, 0x1000, 0x1000, 0x1000, UINT64_MAX}},
	{VU_REFUSED_MEMORY, VU_SET_MEM_TABLE, 40, 1, {1, 0x1000, MEMORY, 0x1000, 1}},
	{VU_REFUSED_MEMORY, VU_SET_VRING_ADDR, 40, 0, {0, 0x1000, 0x2000, 0x3000, 0}},
};

/* None, of no descriptor, of too short a file, wrapping, too small for guest memory. */
static const struct wrong wrong_logs[] = {
	{VU_REFUSED_MEMORY, VU_SET_LOG_BASE, 16, 1, {0, 0}},
	{VU_REFUSED_FDS, VU_SET_LOG_BASE, 16, 0, {0x1000, 0}},
	{VU_REFUSED_MEMORY, VU_SET_LOG_BASE, 16, 1, {MEMORY, 1}},
	{VU_REFUSED_MEMORY, VU_SET_LOG_BASE, 16, 1, {UINT64_MAX, 2}},
	{VU_REFUSED_MEMORY, VU_SET_LOG_BASE, 16, 1, {0x1000, 0}},
};

static void wrong_messages_are_refused_and_change_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	int fds[2] = {frontend->guest.fd, frontend->guest.fd};

	frontend_start(frontend, UINT64_MAX, 1);
	for (unsigned int i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *wrong = &wrongs[i];
		uint64_t before = refused(fixture, wrong->reason);

		/* The address that is refused stops the ring: set the right one again. */
		assert_int_not_equal(frontend_call(frontend, wrong->request, wrong->payload,
						   wrong->size, fds, wrong->fds), 0);
		assert_int_equal(refused(fixture, wrong->reason), before + 1);
	}
	assert_null(fixture->queues[0]);
	frontend_start_ring(frontend, 0);
	for (unsigned int i = 0; i < FRONTEND_RING_SIZE; i++)
		expect_echo(fixture, (uint8_t)i);
}

/* Requests that belong to features which are never offered, and the features themselves. */
static void what_is_never_offered_is_refused(void **state)
{
	static const struct wrong requests[] = {
		{VU_REFUSED_FEATURE, VU_SET_VRING_ENDIAN, 8, 0, STATE(0, 1)},
		{VU_REFUSED_FEATURE, VU_CREATE_CRYPTO_SESSION, 4096, 0, {0}},
		{VU_REFUSED_FEATURE, VU_CLOSE_CRYPTO_SESSION, 8, 0, {0}},
		{VU_REFUSED_FEATURE, VU_GET_SHMEM_CONFIG, 0, 0, {0}},
	};
	static uint8_t payload[4096];
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	uint64_t offered = frontend_get(frontend, VU_GET_PROTOCOL_FEATURES);

	frontend_start(frontend, UINT64_MAX, 1);
	assert_int_equal(offered & VU_NEVER_OFFERED, 0);
	for (unsigned int bit = 0; bit < 64; bit++)
		if (!(offered & BIT(bit)))
			assert_int_not_equal(frontend_set(frontend, VU_SET_PROTOCOL_FEATURES,
							  frontend->protocol_features | BIT(bit)), 0);
	for (unsigned int i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		memcpy(payload, requests[i].payload, sizeof(requests[i].payload));
		assert_int_not_equal(frontend_call(frontend, requests[i].request, payload,
						   requests[i].size, NULL, 0), 0);
		assert_int_equal(refused(fixture, VU_REFUSED_FEATURE), i + 1);
	}
	frontend_send(frontend, VU_GET_SHARED_OBJECT, 0, payload, 16, NULL, 0);
	assert_int_equal(frontend_receive(frontend, VU_GET_SHARED_OBJECT, payload, 16), 0);
	/* XEN_MMAP's regions are longer. */
	frontend_send(frontend, VU_ADD_MEM_REG, 0, payload, 48, &frontend->guest.fd, 1);
	assert_true(frontend_is_ended(frontend));
}

static void descriptor_that_is_no_eventfd_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	uint64_t index = 1;
	int ends[2];

	frontend_start(frontend, UINT64_MAX, 1);
	assert_return_code(pipe(ends), errno);
	for (uint32_t request = VU_SET_VRING_KICK; request <= VU_SET_VRING_ERR; request++) {
		assert_int_not_equal(frontend_call(frontend, request, &index, 8, &ends[1], 1), 0);
		assert_int_not_equal(frontend_call(frontend, request, &index, 8,
						   &frontend->guest.fd, 1), 0);
	}
	assert_int_equal(refused(fixture, VU_REFUSED_FDS), 6);
	close(ends[0]);
	close(ends[1]);
	expect_echo(fixture, 1);
}

/* A front end that takes O_NONBLOCK away and lets nobody read; SIGALRM ends a test that hangs. */
static void full_descriptors_hold_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	int err = eventfd(0, EFD_CLOEXEC);
	uint64_t index = 1;

	frontend_start(frontend, BIT(VIRTIO_F_VERSION_1), 1);
	assert_int_equal(frontend_call(frontend, VU_SET_VRING_ERR, &index, 8, &err, 1), 0);
	assert_return_code(fcntl(err, F_SETFL, 0), errno);
	assert_return_code(fcntl(frontend->call[0], F_SETFL, 0), errno);
	eventfd_write(err, UINT64_MAX - 1);
	is_signalled(frontend->call[0]);
	eventfd_write(frontend->call[0], UINT64_MAX - 1);
	alarm(20);
	expect_echo(fixture, 1);
	vu_session_queue_broken(fixture->session, 1);
	alarm(0);
	close(err);
}

/* Rings of 256 entries, moved from where they should be: descriptors, used, available. */
static const struct {
	const char *name;
	int64_t moves[3];
} wrong_addresses[] = {
	{"descriptors unaligned", {8, 0, 0}},
	{"used ring unaligned", {0, 2, 0}},
	{"available ring unaligned", {0, 0, 1}},
	{"descriptors before memory", {-(int64_t)MEMORY, 0, 0}},
	{"descriptors behind memory", {MEMORY, 0, 0}},
	{"descriptors over the end", {MEMORY - 16, 0, 0}},
	{"used ring over the end", {0, MEMORY - 16, 0}},
	{"available ring over the end", {0, 0, MEMORY - 16}},
	{"descriptors over the border of two regions", {MEMORY / 2 - 16, 0, 0}},
	{"used ring over the border of two regions", {0, MEMORY / 2 - 16, 0}},
};

/* The guest's memory as two regions. */
static void share_halves(struct frontend *frontend)
{
	const struct guest *guest = &frontend->guest;
	const uint64_t half = guest->size / 2;
	struct vu_mem_table table = {
		.count = 2,
		.regions = {{guest->gpa, half, guest->uva, 0},
			    {guest->gpa + half, half, guest->uva + half, half}},
	};
	const int fds[2] = {guest->fd, guest->fd};

	assert_int_equal(frontend_call(frontend, VU_SET_MEM_TABLE, &table, 8 + 2 * 32, fds, 2), 0);
}

static void rings_that_are_not_in_memory_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	const uint64_t uva = frontend->guest.uva;

	frontend_start(frontend, UINT64_MAX, 1);
	share_halves(frontend);
	for (unsigned int i = 0; i < sizeof(wrong_addresses) / sizeof(*wrong_addresses); i++) {
		const int64_t *moves = wrong_addresses[i].moves;
		struct vu_vring_addr addr = {
			.desc = uva + (uint64_t)moves[0],
			.used = uva + (uint64_t)moves[1],
			.avail = uva + (uint64_t)moves[2],
		};

		if (frontend_call(frontend, VU_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0) != 1)
			fail_msg("not refused: %s", wrong_addresses[i].name);
		assert_int_equal(refused(fixture, VU_REFUSED_MEMORY), i + 1);
		assert_null(fixture->queues[0]);
	}
	frontend_start_ring(frontend, 0);
	expect_echo(fixture, 1);
}

/* The last bytes that there are do not wrap around to the first. */
static void addresses_at_the_end_of_64_bits_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct vu_vring_addr addr = {.desc = UINT64_MAX - 15, .used = UINT64_MAX - 3,
				     .avail = UINT64_MAX - 1};

	frontend_start(&fixture->frontend, UINT64_MAX, 1);
	assert_int_equal(frontend_call(&fixture->frontend, VU_SET_VRING_ADDR, &addr, sizeof(addr),
				       NULL, 0), 1);
	assert_int_equal(refused(fixture, VU_REFUSED_MEMORY), 1);
}

static void regions_that_come_twice_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	const struct guest *guest = &frontend->guest;
	const struct vu_mem_region region = {guest->gpa, guest->size, guest->uva, 0};
	struct vu_mem_table table = {.count = 2, .regions = {region, region}};
	struct vu_mem_slot slot = {.region = region};
	const int fds[2] = {guest->fd, guest->fd};

	frontend_start(frontend, UINT64_MAX, 1);
	assert_int_equal(frontend_call(frontend, VU_SET_MEM_TABLE, &table, 8 + 2 * 32, fds, 2), 1);
	table.regions[1].gpa += guest->size - 0x1000;
	assert_int_equal(frontend_call(frontend, VU_SET_MEM_TABLE, &table, 8 + 2 * 32, fds, 2), 1);
	assert_int_equal(frontend_call(frontend, VU_ADD_MEM_REG, &slot, 40, fds, 1), 1);
	slot.region.gpa += guest->size - 0x1000;
	assert_int_equal(frontend_call(frontend, VU_ADD_MEM_REG, &slot, 40, fds, 1), 1);
	assert_int_equal(refused(fixture, VU_REFUSED_MEMORY), 4);
	expect_echo(fixture, 1);
}

static void memory_that_is_given_again_and_again_is_mapped_once(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	unsigned int before = count_mappings("memfd:guest"); /* the front end's own */

	frontend_start(frontend, UINT64_MAX, 1);
	for (unsigned int i = 0; i < 200; i++) {
		if (i % 2)
			share_halves(frontend);
		else
			assert_int_equal(frontend_share_memory(frontend), 0);
		expect_echo(fixture, (uint8_t)i);
	}
	/* The kernel may show two neighbours as one. */
	assert_in_range(count_mappings("memfd:guest"), before + 1, before + 2);
}

static void log_that_is_given_again_and_again_is_mapped_once(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	struct vu_log log = {.size = (frontend->guest.gpa + MEMORY) / 4096 / 8};
	int fd = memfd_create("log", MFD_CLOEXEC);
	uint64_t reply;

	assert_return_code(ftruncate(fd, (off_t)log.size + 0x2000), errno);
	frontend_start(frontend, UINT64_MAX, 1);
	for (unsigned int i = 0; i < 200; i++) {
		log.offset = i % 2 * 0x1000;
		frontend_send(frontend, VU_SET_LOG_BASE, 0, &log, sizeof(log), &fd, 1);
		assert_int_equal(frontend_receive(frontend, VU_SET_LOG_BASE, &reply, 8), 8);
		expect_echo(fixture, (uint8_t)i);
	}
	assert_int_equal(count_mappings("memfd:log"), 1);
	close(fd);
}

/* The end of a connection whose front end did not ask to be told. */
static void expect_end(struct fixture *fixture, enum vu_refusal reason)
{
	char name[64];

	assert_true(frontend_is_ended(&fixture->frontend));
	assert_int_equal(fixture->ended, -EPROTO);
	snprintf(name, sizeof(name), "(%s)", vu_refusal_name(reason));
	if (!strstr(iov_error_message(fixture->iov), name))
		fail_msg("%s, expected it to name %s", iov_error_message(fixture->iov), name);
}

static void expect_end_by(struct fixture *fixture, enum vu_refusal reason,
			  const uint32_t header[3])
{
	frontend_send_raw(&fixture->frontend, header, 12);
	expect_end(fixture, reason);
}

static void say_wrong_version(struct fixture *fixture)
{
	expect_end_by(fixture, VU_REFUSED_VERSION,
		      (uint32_t[]){VU_GET_FEATURES, 2 | VU_FLAG_NEED_REPLY, 0});
}

static void say_unsolicited_reply(struct fixture *fixture)
{
	expect_end_by(fixture, VU_REFUSED_FLAGS,
		      (uint32_t[]){VU_GET_FEATURES, 1 | VU_FLAG_REPLY, 0});
}

static void say_huge_payload(struct fixture *fixture)
{
	expect_end_by(fixture, VU_REFUSED_OVERSIZE, (uint32_t[]){VU_SET_FEATURES, 1, UINT32_MAX});
}

static void say_unknown_request(struct fixture *fixture)
{
	frontend_send(&fixture->frontend, UINT32_MAX, 0, NULL, 0, NULL, 0);
	expect_end(fixture, VU_REFUSED_REQUEST);
}

static void send_too_many_descriptors(struct fixture *fixture)
{
	int fds[64];

	for (unsigned int i = 0; i < 64; i++)
		fds[i] = fixture->frontend.guest.fd;
	frontend_send(&fixture->frontend, VU_SET_OWNER, 0, NULL, 0, fds, 64);
	expect_end(fixture, VU_REFUSED_FDS_LOST);
}

/* With a descriptor, which must not stay. */
static void stop_within_a_message(struct fixture *fixture)
{
	const struct vu_mem_slot slot = {0};

	frontend_send(&fixture->frontend, VU_ADD_MEM_REG, 0, &slot, 40, &fixture->frontend.guest.fd, 1);
	frontend_send_raw(&fixture->frontend, &slot, 7);
	shutdown(fixture->frontend.fd, SHUT_WR);
	pump(fixture);
}

static void refuse_to_read(struct fixture *fixture)
{
	for (unsigned int i = 0; i < 1000000 && fixture->session; i++)
		frontend_send(&fixture->frontend, VU_GET_FEATURES, 0, NULL, 0, NULL, 0);
	assert_null(fixture->session);
	assert_non_null(strstr(iov_error_message(fixture->iov), "does not read its replies"));
}

static void be_refused_without_end(struct fixture *fixture)
{
	for (unsigned int i = 0; i < 1000 && fixture->session; i++)
		frontend_send(&fixture->frontend, 99, VU_FLAG_NEED_REPLY, NULL, 0, NULL, 0);
	assert_int_equal(fixture->ended, -EPROTO);
}

static void (*const attacks[])(struct fixture *fixture) = {
	say_wrong_version,	   say_unsolicited_reply, say_huge_payload,
	say_unknown_request,	   send_too_many_descriptors, stop_within_a_message,
	refuse_to_read,		   be_refused_without_end,
};

/* @attack or @wrong, which is not asked to be told; @bystander is at another port. */
static void attack_once(struct fixture *bystander, void (*attack)(struct fixture *fixture),
			const struct wrong *wrong)
{
	unsigned int mappings = count_mappings("memfd:guest");
	struct fixture *fixture;
	void *own;

	setup(&own);
	fixture = own;
	frontend_start(&fixture->frontend, UINT64_MAX, 1);
	expect_echo(fixture, 1);
	if (attack) {
		attack(fixture);
	} else {
		int fds[2] = {fixture->frontend.guest.fd, fixture->frontend.guest.fd};

		frontend_send(&fixture->frontend, wrong->request, 0, wrong->payload, wrong->size,
			      fds, wrong->fds);
		expect_end(fixture, wrong->reason);
	}
	assert_null(fixture->session);
	assert_int_equal(count_mappings("memfd:guest"), mappings + 1);
	expect_echo(bystander, 2);
	/* Descriptors are counted here. */
	teardown(&own);
	assert_int_equal(count_mappings("memfd:guest"), mappings);
}

static void wrong_messages_cost_who_sends_them_and_nobody_else(void **state)
{
	struct fixture *bystander = *state;

	frontend_start(&bystander->frontend, UINT64_MAX, 1);
	for (unsigned int i = 0; i < sizeof(attacks) / sizeof(*attacks); i++)
		attack_once(bystander, attacks[i], NULL);
	for (unsigned int i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++)
		attack_once(bystander, NULL, &wrongs[i]);
	/* A migration whose writes are not logged must not go on. */
	for (unsigned int i = 0; i < sizeof(wrong_logs) / sizeof(*wrong_logs); i++)
		attack_once(bystander, NULL, &wrong_logs[i]);
	for (unsigned int i = 0; i < FRONTEND_RING_SIZE; i++)
		expect_echo(bystander, (uint8_t)i);
}

/* Seconds that a socket waits for who does not read. */
#define LINGER_S 60

/* A TCP connection in @pair whose first socket is full, and waits when it is closed. */
static void make_lingering(int pair[2])
{
	const struct linger linger = {.l_onoff = 1, .l_linger = LINGER_S};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	static const uint8_t bytes[65536];
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listener >= 0 && pair[0] >= 0);
	assert_return_code(bind(listener, (struct sockaddr *)&address, size), errno);
	assert_return_code(listen(listener, 1), errno);
	assert_return_code(getsockname(listener, (struct sockaddr *)&address, &size), errno);
	assert_return_code(connect(pair[0], (struct sockaddr *)&address, size), errno);
	pair[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(pair[1] >= 0);
	close(listener);
	while (send(pair[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	assert_return_code(setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), errno);
}

/* @inside: the descriptor is in a socket, and waits when that is closed. */
static int wrap(int fd, bool inside)
{
	int pair[2];

	if (!inside)
		return fd;
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), errno);
	assert_return_code(vu_wire_reply(pair[0], &(struct vu_header){0}, NULL, 0, fd), 0);
	close(pair[0]);
	close(fd);
	return pair[1];
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* As file servers can that do not answer, without being one. */
static void descriptors_that_do_not_close_hold_nobody(void **state)
{
	struct fixture *fixture = *state;
	int peers[CLOSER_MAX];
	double start = seconds();

	assert_return_code(closer_open(&fixture->device.closer), 0);
	frontend_close(&fixture->frontend);
	frontend_open(&fixture->frontend, kill_session(fixture), MEMORY);
	fixture->frontend.pump = pump;
	fixture->frontend.pump_arg = fixture;
	frontend_start(&fixture->frontend, UINT64_MAX, 1);
	for (unsigned int i = 0; i < CLOSER_MAX; i++) {
		int pair[2];

		make_lingering(pair);
		peers[i] = pair[1];
		pair[0] = wrap(pair[0], i % 2);
		/* Whose only owner is the message. */
		frontend_send(&fixture->frontend, VU_SET_LOG_FD, 0, NULL, 0, pair, 1);
		close(pair[0]);
		pump(fixture);
		assert_int_equal(fixture->ended != 0, i + 1 == CLOSER_MAX);
		if (!i)
			expect_echo(fixture, 1);
	}
	assert_true(closer_is_full(fixture->device.closer));
	assert_true(frontend_is_ended(&fixture->frontend));
	assert_int_equal(fixture->past.refused[VU_REFUSED_FDS], 1);
	assert_true(seconds() - start < LINGER_S / 2);
	/* What is reset waits for nobody. */
	for (unsigned int i = 0; i < CLOSER_MAX; i++)
		close(peers[i]);
	while (closer_count(fixture->device.closer)) {
		assert_true(seconds() - start < LINGER_S / 2);
		usleep(1000);
	}
	closer_release(fixture->device.closer);
}

static void descriptors_in_memory_are_closed_at_once(void **state)
{
	struct closer *closer;
	int memory = memfd_create("test", MFD_CLOEXEC), event = eventfd(0, EFD_CLOEXEC);

	(void)state;
	assert_return_code(closer_open(&closer), 0);
	closer_close(closer, memory);
	closer_close(closer, event);
	closer_close(closer, -1);
	assert_int_equal(fcntl(memory, F_GETFD), -1);
	assert_int_equal(fcntl(event, F_GETFD), -1);
	closer_release(closer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(wrong_messages_are_refused_and_change_nothing),
		TEST(wrong_messages_cost_who_sends_them_and_nobody_else),
		TEST(what_is_never_offered_is_refused),
		TEST(descriptor_that_is_no_eventfd_is_refused),
		TEST(full_descriptors_hold_nobody),
		TEST(descriptors_that_do_not_close_hold_nobody),
		cmocka_unit_test(descriptors_in_memory_are_closed_at_once),
		TEST(rings_that_are_not_in_memory_are_refused),
		TEST(addresses_at_the_end_of_64_bits_are_refused),
		TEST(regions_that_come_twice_are_refused),
		TEST(memory_that_is_given_again_and_again_is_mapped_once),
		TEST(log_that_is_given_again_and_again_is_mapped_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
