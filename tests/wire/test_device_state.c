// SPDX-License-Identifier: GPL-2.0-or-later
// The state of a net device goes from one port of iovd to another, or comes from somebody
// who made it up.
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fnv.h"
#include "tests/unit/test.h"
#include "tests/wire/command.h"
#include "tests/wire/daemon.h"
#include "tests/wire/guests.h"

#define MEMORY (UINT64_C(4) << 20)
#define FEATURES (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF))
#define PATIENCE_MS 20000

/* The control queue of a device with one queue pair. */
#define CONTROL 2

/* Behind the magic number, the version, the length and the checksum. */
#define HEADER 24

struct fixture {
	struct daemon iovd;
	struct frontend source;
	struct frontend destination;
	struct frontend network;
	uint8_t state[VU_STATE_MAX];
	size_t length;
};

static void connect_guest(struct fixture *fixture, struct frontend *guest, const char *port)
{
	frontend_open(guest, frontend_connect(daemon_path(&fixture->iovd, port)), MEMORY);
}

static int setup(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	daemon_start(&fixture->iovd);
	daemon_lan(&fixture->iovd, "abc");
	connect_guest(fixture, &fixture->source, "a");
	connect_guest(fixture, &fixture->destination, "b");
	connect_guest(fixture, &fixture->network, "c");
	frontend_start(&fixture->source, FEATURES, 1);
	frontend_negotiate(&fixture->destination, FEATURES);
	frontend_start(&fixture->network, FEATURES, 1);
	frontend_post(&fixture->network, 0, 200);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	frontend_close(&fixture->source);
	frontend_close(&fixture->destination);
	frontend_close(&fixture->network);
	assert_int_equal(daemon_end(&fixture->iovd), 0);
	daemon_clean(&fixture->iovd);
	test_free(fixture);
	return 0;
}

/* Transfers */

/* What the front end brings is the end of a pipe that nobody serves. */
static uint64_t ask_for(struct frontend *frontend, uint32_t direction, uint32_t phase, int *fd)
{
	struct vu_device_state request = {direction, phase};
	uint64_t reply = UINT64_MAX;
	int ends[2];

	assert_return_code(pipe(ends), errno);
	frontend_send(frontend, VU_SET_DEVICE_STATE_FD, 0, &request, sizeof(request),
		      &ends[direction == VU_STATE_SAVE], 1);
	assert_int_equal(frontend_receive_fd(frontend, VU_SET_DEVICE_STATE_FD, &reply, 8, fd), 8);
	close(ends[0]);
	close(ends[1]);
	return reply;
}

static uint64_t check(struct frontend *frontend)
{
	return frontend_get(frontend, VU_CHECK_DEVICE_STATE);
}

/* To its end, as QEMU does. */
static void save(struct fixture *fixture)
{
	ssize_t got;
	int fd;

	assert_int_equal(ask_for(&fixture->source, VU_STATE_SAVE, 0, &fd), 0);
	assert_true(fd >= 0);
	fixture->length = 0;
	while ((got = read(fd, fixture->state + fixture->length,
			   sizeof(fixture->state) - fixture->length)) > 0)
		fixture->length += (size_t)got;
	assert_int_equal(got, 0);
	close(fd);
	assert_int_equal(check(&fixture->source), 0);
}

static uint64_t load(struct fixture *fixture, const void *bytes, size_t length)
{
	int fd;

	assert_int_equal(ask_for(&fixture->destination, VU_STATE_LOAD, 0, &fd), 0);
	assert_true(fd >= 0);
	/* In pieces, whose size means nothing. */
	for (size_t at = 0; at < length; at += 100) {
		size_t part = length - at < 100 ? length - at : 100;

		assert_int_equal(write(fd, (const uint8_t *)bytes + at, part), part);
	}
	close(fd);
	return check(&fixture->destination);
}

static void stop_source(struct fixture *fixture)
{
	frontend_stop_ring(&fixture->source, 0);
	frontend_stop_ring(&fixture->source, 1);
}

static void start_destination(struct fixture *fixture)
{
	struct frontend *destination = &fixture->destination;

	assert_int_equal(frontend_share_memory(destination), 0);
	for (unsigned int i = 0; i < 2; i++) {
		frontend_start_ring(destination, i);
		frontend_enable_ring(destination, i, true);
	}
	frontend_post(destination, 0, 64);
}

/* Frames */

static uint32_t make_frame(uint8_t *frame, uint8_t to, uint8_t from, uint16_t vlan)
{
	const uint8_t head[] = {2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 0x81, 0, vlan >> 8,
				(uint8_t)vlan};

	memset(frame, from, 100);
	memcpy(frame, head, vlan ? 16 : 12);
	memcpy(frame + (vlan ? 16 : 12), "\x88\xb5", 2);
	return 100;
}

static int wait_for_frame(struct frontend *guest, uint8_t *frame)
{
	for (int tries = 0; tries < PATIENCE_MS; tries++) {
		int length = frontend_take(guest, 0, frame, FRONTEND_BUFFER);

		if (length >= 0)
			return length;
		poll(NULL, 0, 1);
	}
	return -1;
}

/* The guest has several addresses, one of them in a VLAN. */
static void use_addresses(struct fixture *fixture)
{
	static const uint16_t vlans[] = {0, 0, 300};
	uint8_t frame[FRONTEND_BUFFER];

	for (uint8_t i = 0; i < 3; i++) {
		uint32_t length = make_frame(frame, 99, 10 + i, vlans[i]);

		assert_true(frontend_transmit(&fixture->source, 0, frame, length));
		assert_int_equal(wait_for_frame(&fixture->network, frame), length);
	}
}

static void expect_announcements(struct fixture *fixture)
{
	uint8_t frame[FRONTEND_BUFFER];
	unsigned int seen = 0;

	for (unsigned int i = 0; i < 3; i++) {
		int length = wait_for_frame(&fixture->network, frame);
		bool tagged = frame[12] == 0x81;
		const uint8_t *type = frame + (tagged ? 16 : 12);

		assert_int_equal(length, tagged ? 64 : 60);
		assert_true(type[0] == 0x80 && type[1] == 0x35);
		assert_true(!memcmp(type + 10, frame + 6, 6) && !memcmp(type + 20, frame + 6, 6));
		assert_int_equal(tagged, frame[11] == 12);
		assert_true(frame[11] >= 10 && frame[11] <= 12);
		seen |= 1u << (frame[11] - 10);
	}
	assert_int_equal(seen, 7);
}

/* Tests */

static void network_learns_of_all_addresses_of_the_guest(void **state)
{
	struct fixture *fixture = *state;
	uint8_t frame[FRONTEND_BUFFER];
	uint32_t length;

	use_addresses(fixture);
	stop_source(fixture);
	save(fixture);
	assert_int_equal(load(fixture, fixture->state, fixture->length), 0);
	start_destination(fixture);
	expect_announcements(fixture);
	/* Not to the port where it was, nor to all. */
	length = make_frame(frame, 11, 50, 0);
	assert_true(frontend_transmit(&fixture->network, 0, frame, length));
	assert_int_equal(wait_for_frame(&fixture->destination, frame), length);
	assert_int_equal(frame[5], 11);
}

/* Without counters, which are the port's and not the guest's. */
static void describe_control(const struct fixture *fixture, const char *port, char *text, size_t size)
{
	const char *control = strstr(daemon_port(&fixture->iovd, "port.list", port, "control"),
				     "\"pairs\"");

	assert_non_null(control);
	snprintf(text, size, "%s", control);
}

static void reconnect(struct fixture *fixture, struct frontend *guest, const char *port,
		      uint64_t features)
{
	frontend_close(guest);
	connect_guest(fixture, guest, port);
	frontend_negotiate(guest, features);
}

static void destination_has_what_the_driver_set_up(void **state)
{
	const uint64_t features = FEATURES | BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_CTRL_RX) |
				  BIT(VIRTIO_NET_F_CTRL_VLAN);
	struct fixture *fixture = *state;
	struct frontend *source = &fixture->source;
	char before[1024], after[1024], fresh[1024];
	const uint16_t vlan = 77;

	reconnect(fixture, source, "a", features);
	reconnect(fixture, &fixture->destination, "b", features);
	assert_int_equal(frontend_share_memory(source), 0);
	for (unsigned int i = 0; i <= CONTROL; i++)
		frontend_start_ring(source, i);
	describe_control(fixture, "a", fresh, sizeof(fresh));
	assert_int_equal(command_send(source, CONTROL, VIRTIO_NET_CTRL_RX,
				      VIRTIO_NET_CTRL_RX_PROMISC, "", 1), VIRTIO_NET_OK);
	assert_int_equal(command_send(source, CONTROL, VIRTIO_NET_CTRL_VLAN,
				      VIRTIO_NET_CTRL_VLAN_ADD, &vlan, 2), VIRTIO_NET_OK);
	describe_control(fixture, "a", before, sizeof(before));
	assert_string_not_equal(before, fresh);
	for (unsigned int i = 0; i <= CONTROL; i++)
		frontend_stop_ring(source, i);
	save(fixture);
	assert_int_equal(load(fixture, fixture->state, fixture->length), 0);
	assert_int_equal(frontend_share_memory(&fixture->destination), 0);
	frontend_start_ring(&fixture->destination, CONTROL);
	describe_control(fixture, "b", after, sizeof(after));
	assert_string_equal(after, before);
}

static void state_is_there_again_and_again(void **state)
{
	struct fixture *fixture = *state;

	stop_source(fixture);
	for (unsigned int i = 0; i < 20; i++) {
		save(fixture);
		assert_int_equal(load(fixture, fixture->state, fixture->length), 0);
	}
}

static void requests_that_cannot_be_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *source = &fixture->source;
	struct vu_device_state request = {VU_STATE_SAVE, VU_STATE_STOPPED};
	uint64_t reply;
	int fd;

	/* Rings run; then the direction, the phase, no descriptor, nothing to check. */
	assert_int_equal(ask_for(source, VU_STATE_SAVE, 0, &fd), VU_STATE_FAILED);
	assert_int_equal(fd, -1);
	stop_source(fixture);
	assert_int_equal(ask_for(source, 2, 0, &fd), VU_STATE_FAILED);
	assert_int_equal(ask_for(source, UINT32_MAX, 0, &fd), VU_STATE_FAILED);
	assert_int_equal(ask_for(source, VU_STATE_LOAD, 1, &fd), VU_STATE_FAILED);
	frontend_send(source, VU_SET_DEVICE_STATE_FD, 0, &request, sizeof(request), NULL, 0);
	assert_int_equal(frontend_receive(source, VU_SET_DEVICE_STATE_FD, &reply, 8), 8);
	assert_int_equal(reply, VU_STATE_FAILED);
	assert_int_equal(check(source), VU_STATE_FAILED);
	save(fixture);
	assert_int_equal(check(source), VU_STATE_FAILED);
}

static void state_that_was_garbled_is_refused(void **state)
{
	struct fixture *fixture = *state;

	use_addresses(fixture);
	stop_source(fixture);
	save(fixture);
	for (size_t length = 0; length < fixture->length; length += 7)
		assert_int_equal(load(fixture, fixture->state, length), VU_STATE_FAILED);
	frontend_close(&fixture->destination);
	connect_guest(fixture, &fixture->destination, "b");
	frontend_negotiate(&fixture->destination, FEATURES);
	for (size_t at = 0; at < fixture->length; at += 3) {
		fixture->state[at] ^= 0x10;
		assert_int_equal(load(fixture, fixture->state, fixture->length), VU_STATE_FAILED);
		fixture->state[at] ^= 0x10;
	}
	/* Nothing of all that was kept. */
	start_destination(fixture);
	poll(NULL, 0, 50);
	assert_int_equal(frontend_take(&fixture->network, 0, fixture->state, FRONTEND_BUFFER), -1);
}

/* Right in form: the checksum keeps out nobody who means it. */
static void sign(uint8_t *state, uint32_t length)
{
	uint64_t sum = fnv64(FNV64_BASIS, state + HEADER, length - HEADER);

	memcpy(state + 12, &length, sizeof(length));
	memcpy(state + 16, &sum, sizeof(sum));
}

static uint64_t load_made_up(struct fixture *fixture, const uint32_t *words, uint32_t count)
{
	uint8_t made[256];

	memcpy(made, fixture->state, HEADER);
	memcpy(made + HEADER, words, count * sizeof(*words));
	sign(made, HEADER + count * (uint32_t)sizeof(*words));
	return load(fixture, made, HEADER + count * sizeof(*words));
}

static void state_that_was_made_up_is_refused(void **state)
{
	struct fixture *fixture = *state;
	static const uint32_t good[] = {1, 8, 0x8000, 1, 0x80000003, 8, 0x0002, 0x00010000};
	static const uint32_t later[] = {1, 8, 0x8000, 1, 0xc0000000, 4, 7, 0x80000021, 0};
	/* With sections of two bytes, the last one of the future: an MTU. */
	static const uint32_t short_mtu[] = {2, 2, 67 | 1 << 16, 8 << 16, 0x80000000, 1 << 16, 0, 0x2c000, 0};
	static const uint32_t least_mtu[] = {2, 2, 68 | 1 << 16, 8 << 16, 0x80000000, 1 << 16, 0, 0x2c000, 0};
	static const struct {
		uint32_t words[16];
		uint32_t count;
	} wrong[] = {
		{{0}, 0},					/* nothing at all */
		{{1, 8, 0}, 3},					/* cut short */
		{{1, 4, 0}, 3},					/* of another size */
		{{1, 8, 0x8000, 1, 1, 8, 0x8000, 1}, 8},			/* twice */
		{{1, 8, 0x8000, 0x80000001}, 4},		/* a feature that nobody has */
		{{1, 8, 0, 1}, 4},				/* without one that was chosen */
		{{0x80000021, 0}, 2},				/* and none, beside one of the future */
		{{1, 8, 0x8000, 1, 4, 4, 0x00010002}, 7},	/* control without its queue */
		{{1, 8, 0x8000, 1, 9, 4, 0}, 7},			/* a section of the future */
		{{1, 8, 0x8000, 1, 0x80000003, 0xfffffff8, 0, 0}, 8},	/* longer than all */
		{{1, 8, 0x8000, 1, 0x80000003, 4, 2}, 7},		/* half an address */
		{{1, 8, 0x8000, 1, 0x80000003, 8, 0x0003, 0x00010000}, 8},	/* of a group */
		{{1, 8, 0x8000, 1, 0x80000003, 8, 0, 0}, 8},		/* of nobody */
		{{1, 8, 0x8000, 1, 0x80000003, 8, 2, 0x10000000}, 8},	/* in no VLAN */
	};

	stop_source(fixture);
	save(fixture);
	assert_int_equal(load_made_up(fixture, good, 8), 0);
	assert_int_equal(load_made_up(fixture, later, 9), 0);
	assert_int_equal(load_made_up(fixture, short_mtu, 9), VU_STATE_FAILED);
	assert_int_equal(load_made_up(fixture, least_mtu, 9), 0);
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (load_made_up(fixture, wrong[i].words, wrong[i].count) != VU_STATE_FAILED)
			fail_msg("wrong state %u was taken", i);
}

/* Whoever has the file can do to it what he wants, at any time. */
static void peer_that_plays_with_the_file_gains_nothing(void **state)
{
	struct fixture *fixture = *state;
	static uint8_t junk[2 * VU_STATE_MAX];
	int fd;

	stop_source(fixture);
	assert_int_equal(ask_for(&fixture->source, VU_STATE_SAVE, 0, &fd), 0);
	assert_true(write(fd, junk, 1) < 0);
	assert_true(ftruncate(fd, 0) < 0);
	close(fd);

	assert_int_equal(ask_for(&fixture->destination, VU_STATE_LOAD, 0, &fd), 0);
	/* No more than a state can have, and never a wait. */
	assert_true(write(fd, junk, sizeof(junk)) <= VU_STATE_MAX);
	assert_true(write(fd, junk, sizeof(junk)) <= 0);
	assert_int_equal(check(&fixture->destination), VU_STATE_FAILED);
	close(fd);
	assert_int_equal(ask_for(&fixture->destination, VU_STATE_LOAD, 0, &fd), 0);
	assert_return_code(ftruncate(fd, 0), errno);
	assert_int_equal(lseek(fd, 1 << 30, SEEK_SET), 1 << 30);
	assert_int_equal(check(&fixture->destination), VU_STATE_FAILED);
	close(fd);
	/* Begun and never checked, or begun anew. */
	assert_int_equal(ask_for(&fixture->destination, VU_STATE_LOAD, 0, &fd), 0);
	close(fd);
	save(fixture);
	assert_int_equal(load(fixture, fixture->state, fixture->length), 0);
	assert_int_equal(ask_for(&fixture->destination, VU_STATE_LOAD, 0, &fd), 0);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(network_learns_of_all_addresses_of_the_guest),
		TEST(destination_has_what_the_driver_set_up),
		TEST(state_is_there_again_and_again),
		TEST(requests_that_cannot_be_are_refused),
		TEST(state_that_was_garbled_is_refused),
		TEST(state_that_was_made_up_is_refused),
		TEST(peer_that_plays_with_the_file_gains_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
