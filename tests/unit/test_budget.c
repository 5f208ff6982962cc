// SPDX-License-Identifier: GPL-2.0-or-later
// What one guest has the worker do is bounded in each pass, whatever it sends and to whom.
#include <string.h>

#include "tests/unit/lan.h"
#include "vhost-user/switch/forward_internal.h"

#define A 0
#define B 1
#define C 2

#define HEADERS 54
#define LONGEST (HEADERS + 65000)

/* Besides: copying the frame to one place, and the last thing before somebody looked. */
#define SLACK (2 * FRAME_MAX)

static uint8_t frame[FRAME_MAX], got[FRAME_MAX];

/* A TCP frame that is to be cut into segments of so many bytes. */
static struct virtio_net_hdr make(unsigned int to, uint32_t length, uint16_t size)
{
	lan_frame(frame, to, A, 0, length);
	memset(frame + 14, 0, HEADERS - 14);
	memcpy(frame + 12, (uint8_t[]){ 0x08, 0x00, 0x45 }, 3);
	frame[14 + 9] = 6;
	frame[34 + 12] = 5 << 4;
	return (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = size,
		.csum_start = 34,
		.csum_offset = 16,
	};
}

/* The same memory again and again, or the guest would not have enough of it. */
static void send_many(struct lan *lan, const struct virtio_net_hdr *header, uint32_t length,
		      unsigned int count)
{
	struct station *a = &lan->stations[A];
	uint64_t at = guest_alloc(&a->guest, a->header + length, 64);
	const struct driver_buffer buffer = { at, a->header + length, false };
	struct vring_used_elem done;

	while (driver_used(&a->tx, &done))
		;
	memcpy(guest_at(&a->guest, at), header, sizeof(*header));
	memcpy((uint8_t *)guest_at(&a->guest, at) + a->header, frame, length);
	for (unsigned int i = 0; i < count; i++)
		assert_true(driver_add(&a->tx, &buffer, 1) >= 0);
	driver_publish(&a->tx);
}

/* Work of one pass; @frames receives how many frames it took. */
static uint64_t work_of_pass(struct lan *lan, unsigned int *frames)
{
	uint64_t before = lan->forward->work;

	*frames = lan_pass(lan);
	return lan->forward->work - before;
}

static void join_guests(struct lan *lan, uint64_t a, uint64_t others)
{
	lan_renegotiate(lan, A, PLAIN | a);
	lan_renegotiate(lan, B, PLAIN | others);
	lan_renegotiate(lan, C, PLAIN | others);
}

static void guest_that_sends_too_much_has_its_turn_again_and_loses_nothing(void **state)
{
	struct lan *lan = *state;
	struct virtio_net_hdr header = make(B, LONGEST, 1448);
	unsigned int frames, passes = 0, total = 0;

	lan_make_wire(lan);
	join_guests(lan, OFFLOADS, OFFLOADS);
	lan_post(lan, B, 100, LONGEST + 12);
	send_many(lan, &header, LONGEST, 100);
	while (total < 100) {
		assert_in_range(work_of_pass(lan, &frames), 1, WORK_PORT + SLACK);
		assert_in_range(frames, 1, 99);
		total += frames;
		passes++;
	}
	assert_in_range(passes, 3, 20);
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(lan_receive(lan, B, NULL, got, sizeof(got)), LONGEST);
		assert_memory_equal(got, frame, LONGEST);
	}
	assert_int_equal(lan->stations[A].counters.rx_packets, 100);
	assert_int_equal(lan->stations[A].counters.rx_bytes, 100 * LONGEST);
	assert_int_equal(lan_pass(lan), 0);
}

static void other_guests_have_their_turn_in_the_same_pass(void **state)
{
	struct lan *lan = *state;
	struct virtio_net_hdr header = make(B, LONGEST, 10);
	unsigned int frames;
	uint64_t work;

	join_guests(lan, OFFLOADS, 0);
	lan_post(lan, B, RING, 2048);
	lan_post(lan, C, RING, 2048);
	send_many(lan, &header, LONGEST, RING);
	lan_send(lan, C, NULL, got, lan_frame(got, B, C, 0, 60));
	work = work_of_pass(lan, &frames);
	assert_in_range(work, WORK_PORT, WORK_FRAME + WORK_PORT + SLACK);
	assert_int_equal(lan->stations[C].counters.rx_packets, 1);
	assert_in_range(lan->stations[A].counters.rx_packets, 1, 2);
}

/* A frame of so many segments is not worth that others wait for all of them. */
static void work_of_one_frame_is_bounded(void **state)
{
	struct lan *lan = *state;
	struct virtio_net_hdr header = make(BROADCAST, LONGEST, 1);
	unsigned int frames;

	join_guests(lan, OFFLOADS, 0);
	lan_post(lan, B, RING, 2048);
	lan_post(lan, C, RING, 2048);
	send_many(lan, &header, LONGEST, 1);
	assert_in_range(work_of_pass(lan, &frames), WORK_FRAME, WORK_FRAME + SLACK);
	assert_int_equal(frames, 1);
	assert_int_equal(lan_drops(lan, A, DROP_COSTLY), 1);
	/* The first ones come, to all alike. */
	assert_int_equal(lan_count(lan, B), RING);
	assert_int_equal(lan_count(lan, C), RING);
	/* The longest to one receiver is within the bound, unless it is cut to nothing. */
	header = make(B, LONGEST, 10);
	lan_say(lan, B, A, B, 0);
	send_many(lan, &header, LONGEST, 1);
	lan_pass(lan);
	assert_int_equal(lan_drops(lan, A, DROP_COSTLY), 1);
}

/* Copied and cut once, whoever it is for; brought as often as there are receivers. */
static void frame_is_cut_once_for_all(void **state)
{
	struct lan *lan = *state;
	struct virtio_net_hdr header = make(BROADCAST, LONGEST, 1000);
	const uint64_t brought = 65 * (HEADERS + 1000 + WORK_EACH);
	unsigned int frames;

	join_guests(lan, OFFLOADS, 0);
	lan_post(lan, B, RING, 2048);
	lan_post(lan, C, RING, 2048);
	send_many(lan, &header, LONGEST, 1);
	assert_in_range(work_of_pass(lan, &frames), LONGEST + 2 * brought,
			LONGEST + 2 * brought + 1000);
	for (unsigned int i = B; i <= C; i++) {
		for (unsigned int j = 0; j < 65; j++) {
			assert_int_equal(lan_receive(lan, i, NULL, got, sizeof(got)), HEADERS + 1000);
			assert_memory_equal(got + HEADERS, frame + HEADERS + j * 1000, 1000);
		}
		assert_int_equal(lan_count(lan, i), 0);
	}
}

static void nothing_is_cut_for_who_is_down(void **state)
{
	struct lan *lan = *state;
	struct virtio_net_hdr header = make(BROADCAST, LONGEST, 10);
	unsigned int frames;

	join_guests(lan, OFFLOADS, 0);
	for (unsigned int i = B; i <= C; i++)
		lan->stations[i].queues[0]->enabled = false;
	lan_redraw(lan);
	send_many(lan, &header, LONGEST, RING);
	assert_in_range(work_of_pass(lan, &frames), 0, LONGEST);
	assert_int_equal(frames, RING);
	assert_int_equal(lan_drops(lan, B, DROP_DOWN), RING);
	assert_int_equal(lan_drops(lan, C, DROP_DOWN), RING);
}

/* Ports with a tag and without are two ways to cut a frame, and not more. */
static void frame_is_cut_for_tagged_and_for_untagged_ports(void **state)
{
	struct lan *lan = *state;
	struct virtio_net_hdr header = make(BROADCAST, LONGEST, 1000);
	static const char *const rules[] = { "access:7", "access:7", "trunk:7" };

	join_guests(lan, OFFLOADS, 0);
	for (unsigned int i = 0; i < STATIONS; i++) {
		json_object *object = json_object_new_object();

		json_object_object_add(object, "vlan", json_object_new_string(rules[i]));
		assert_return_code(port_rules_change(&lan->stations[i].port.member.rules, lan->iov, "p",
						     object), 0);
		json_object_put(object);
	}
	lan_redraw(lan);
	lan_post(lan, B, RING, 2048);
	lan_post(lan, C, RING, 2048);
	send_many(lan, &header, LONGEST, 1);
	assert_int_equal(lan_pass(lan), 1);
	for (unsigned int i = B; i <= C; i++) {
		uint32_t tag = i == C ? 4 : 0;

		for (unsigned int j = 0; j < 65; j++) {
			assert_int_equal(lan_receive(lan, i, NULL, got, sizeof(got)),
					 HEADERS + 1000 + tag);
			assert_memory_equal(got, frame, 12);
			assert_memory_equal(got + HEADERS + tag, frame + HEADERS + j * 1000, 1000);
		}
		assert_int_equal(lan_count(lan, i), 0);
	}
	for (unsigned int i = 0; i < STATIONS; i++)
		port_rules_release(&lan->stations[i].port.member.rules);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, lan_setup, lan_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(guest_that_sends_too_much_has_its_turn_again_and_loses_nothing),
		CASE(other_guests_have_their_turn_in_the_same_pass),
		CASE(work_of_one_frame_is_bounded),
		CASE(frame_is_cut_once_for_all),
		CASE(nothing_is_cut_for_who_is_down),
		CASE(frame_is_cut_for_tagged_and_for_untagged_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
