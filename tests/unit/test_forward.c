// SPDX-License-Identifier: GPL-2.0-or-later
// Frames between guests: where they go, where they do not, and what is counted.
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/lan.h"
#include "vhost-user/switch/lane.h"

#define A 0
#define B 1
#define C 2

static void post_all(struct lan *lan)
{
	for (unsigned int i = 0; i < STATIONS; i++)
		lan_post(lan, i, 32, 2048);
}

static void wire_carries_frames_both_ways(void **state)
{
	struct lan *lan = *state;
	uint8_t frame[1514], back[2048];

	lan_make_wire(lan);
	post_all(lan);
	for (unsigned int from = A; from <= B; from++) {
		uint32_t length = lan_frame(frame, 9, from, 0, sizeof(frame));

		lan_send(lan, from, NULL, frame, length);
		assert_int_equal(lan_pass(lan), 1);
		assert_int_equal(lan_receive(lan, !from, NULL, back, sizeof(back)), length);
		assert_memory_equal(frame, back, length);
		assert_int_equal(lan_count(lan, from), 0);
	}
	assert_int_equal(lan->stations[A].counters.rx_packets, 1);
	assert_int_equal(lan->stations[A].counters.rx_bytes, sizeof(frame));
	assert_int_equal(lan->stations[A].counters.tx_packets, 1);
	assert_int_equal(lan->stations[A].counters.tx_bytes, sizeof(frame));
}

static void port_in_no_bridge_reaches_nobody(void **state)
{
	struct lan *lan = *state;

	lan_make_wire(lan);
	post_all(lan);
	lan_say(lan, C, BROADCAST, C, 0);
	assert_int_equal(lan_count(lan, A) + lan_count(lan, B), 0);
	assert_int_equal(lan_drops(lan, C, DROP_NO_DESTINATION), 1);
}

static void switch_floods_to_all_but_the_sender_until_it_learns(void **state)
{
	struct lan *lan = *state;

	post_all(lan);
	lan_say(lan, A, B, A, 0);
	assert_int_equal(lan_count(lan, A), 0);
	assert_int_equal(lan_count(lan, B), 1);
	assert_int_equal(lan_count(lan, C), 1);
	lan_say(lan, B, A, B, 0);
	assert_int_equal(lan_count(lan, A), 1);
	assert_int_equal(lan_count(lan, C), 0);
	lan_say(lan, A, B, A, 0);
	assert_int_equal(lan_count(lan, B), 1);
	assert_int_equal(lan_count(lan, C), 0);
	lan_say(lan, A, BROADCAST, A, 0);
	assert_int_equal(lan_count(lan, B), 1);
	assert_int_equal(lan_count(lan, C), 1);
}

static void station_that_moves_is_found_at_its_new_port(void **state)
{
	struct lan *lan = *state;

	post_all(lan);
	lan_say(lan, A, BROADCAST, 7, 0);
	lan_say(lan, B, BROADCAST, 7, 0);
	for (unsigned int i = 0; i < STATIONS; i++)
		lan_count(lan, i);
	lan_say(lan, C, 7, C, 0);
	assert_int_equal(lan_count(lan, A), 0);
	assert_int_equal(lan_count(lan, B), 1);
}

/* To a group address by its last byte, from a station. */
static void say_reserved(struct lan *lan, unsigned int station, uint8_t last, uint16_t vlan)
{
	uint8_t frame[60];

	lan_frame(frame, B, station, vlan, sizeof(frame));
	memcpy(frame, (uint8_t[]){ 1, 0x80, 0xc2, 0, 0, last }, 6);
	lan_send(lan, station, NULL, frame, sizeof(frame));
	assert_int_equal(lan_pass(lan), 1);
}

static void reserved_addresses_stay_at_their_port(void **state)
{
	struct lan *lan = *state;

	post_all(lan);
	for (unsigned int last = 0; last < 18; last++)
		say_reserved(lan, A, (uint8_t)last, last % 2 ? 7 : 0);
	assert_int_equal(lan_count(lan, B), 2);
	assert_int_equal(lan_drops(lan, A, DROP_RESERVED), 16);
	lan->bridge.passes_reserved = true;
	lan_redraw(lan);
	for (unsigned int last = 0; last < 16; last++)
		say_reserved(lan, A, (uint8_t)last, 0);
	assert_int_equal(lan_count(lan, B), 15);
	assert_int_equal(lan_drops(lan, A, DROP_RESERVED), 17);
}

/* In one burst, where those behind the first follow it: in order, and flow control does not. */
static void burst_on_a_wire_has_no_flow_control(void **state)
{
	struct lan *lan = *state;
	uint8_t frame[60], back[2048];

	post_all(lan);
	lan_make_wire(lan);
	for (uint8_t i = 0; i < 9; i++) {
		lan_frame(frame, B, A, 0, sizeof(frame));
		if (i == 4)
			memcpy(frame, (uint8_t[]){ 1, 0x80, 0xc2, 0, 0, 1 }, 6);
		frame[50] = i;
		lan_send(lan, A, NULL, frame, sizeof(frame));
	}
	assert_int_equal(lan_pass(lan), 9);
	for (uint8_t i = 0; i < 9; i++) {
		if (i == 4)
			continue;
		assert_int_equal(lan_receive(lan, B, NULL, back, sizeof(back)), sizeof(frame));
		assert_int_equal(back[50], i);
	}
	assert_int_equal(lan_count(lan, B), 0);
	assert_int_equal(lan_drops(lan, A, DROP_RESERVED), 1);
	assert_int_equal(lan->stations[A].counters.rx_packets, 9);
	assert_int_equal(lan->stations[B].counters.tx_packets, 8);
}

static void wire_passes_all_but_flow_control(void **state)
{
	struct lan *lan = *state;

	post_all(lan);
	lan_make_wire(lan);
	for (unsigned int last = 0; last < 16; last++)
		say_reserved(lan, A, (uint8_t)last, 0);
	assert_int_equal(lan_count(lan, B), 15);
	assert_int_equal(lan_drops(lan, A, DROP_RESERVED), 1);
}

static void groups_and_nobody_send_nothing(void **state)
{
	struct lan *lan = *state;
	uint8_t frame[60];

	post_all(lan);
	lan_frame(frame, B, A, 0, sizeof(frame));
	frame[6] |= 1;
	lan_send(lan, A, NULL, frame, sizeof(frame));
	memset(frame + 6, 0, 6);
	lan_send(lan, A, NULL, frame, sizeof(frame));
	assert_int_equal(lan_pass(lan), 2);
	assert_int_equal(lan_count(lan, B), 0);
	assert_int_equal(lan_drops(lan, A, DROP_BAD_SOURCE), 2);
}

/* B is an uplink whose device sends back what goes to all. */
static void what_comes_back_is_not_learned_and_what_moved_is(void **state)
{
	struct lan *lan = *state;

	post_all(lan);
	lan->view->ports[B]->reflects = true;
	lan->now = 1000;
	lan_say(lan, A, BROADCAST, A, 0);
	lan->now += 1;
	lan_say(lan, B, BROADCAST, A, 0);
	assert_int_equal(lan_drops(lan, B, DROP_REFLECTED), 1);
	/* Only what goes to all comes back. */
	lan_count(lan, C);
	lan_say(lan, B, C, A, 0);
	assert_int_equal(lan_count(lan, C), 1);
	lan_say(lan, A, BROADCAST, A, 0);
	lan->now += MAC_TABLE_SECOND / 2;
	lan_say(lan, B, BROADCAST, A, 0);
	assert_int_equal(lan_drops(lan, B, DROP_REFLECTED), 1);
	/* It is there now. */
	lan_count(lan, A);
	lan_count(lan, B);
	lan_say(lan, C, A, C, 0);
	assert_int_equal(lan_count(lan, A), 0);
	assert_int_equal(lan_count(lan, B), 1);
}

static void flood_of_addresses_shows_nobody_the_frames_of_others(void **state)
{
	struct lan *lan = *state;

	mac_table_close(lan->bridge.macs);
	assert_return_code(mac_table_open(&lan->bridge.macs, 64, 1), 0);
	lan_redraw(lan);
	post_all(lan);
	lan_say(lan, B, BROADCAST, B, 0);
	lan_say(lan, C, BROADCAST, C, 0);
	for (unsigned int i = 0; i < 5000; i++) {
		uint8_t frame[60];

		/* To itself, so that nobody's buffers are used. */
		lan->stations[A].guest.allocated = LAN_MEMORY / 2;
		lan_frame(frame, A, A, 0, sizeof(frame));
		memcpy(frame + 8, &i, sizeof(i));
		memcpy(frame, frame + 6, 6);
		lan_send(lan, A, NULL, frame, sizeof(frame));
		lan_pass(lan);
	}
	assert_true(lan->stations[A].counters.unplaced > 4000);
	assert_int_equal(lan->stations[B].counters.unplaced, 0);
	lan_count(lan, A);
	for (unsigned int i = 0; i < 10; i++) {
		lan_say(lan, B, C, B, 0);
		lan_say(lan, C, B, C, 0);
	}
	assert_int_equal(lan_count(lan, A), 0);
}

/* From 64 ports of UDP to B. */
static void send_flows(struct lan *lan)
{
	static const uint8_t ip[] = { 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17 };
	uint8_t frame[60];

	for (uint8_t i = 0; i < 64; i++) {
		lan_frame(frame, B, A, 0, sizeof(frame));
		memcpy(frame + 12, ip, sizeof(ip));
		memset(frame + 24, 0, sizeof(frame) - 24);
		frame[35] = i;
		lan_send(lan, A, NULL, frame, sizeof(frame));
		lan_pass(lan);
	}
}

static void rings_without_a_buffer_get_no_flows(void **state)
{
	struct lan *lan = *state;
	struct dp_ring ring = { 0 };
	struct vring_used_elem done;
	struct driver driver;
	struct vu_queue *queue = lan_add_receive_queue(lan, B, 1, &driver, &ring);
	unsigned int others = 0;

	lan_post(lan, B, 120, 2048);
	lan_post(lan, A, 1, 2048);
	lan_say(lan, B, BROADCAST, B, 0);
	send_flows(lan);
	assert_int_equal(lan_count(lan, B), 64);
	/* It has its share as soon as its driver uses it, and keeps it when there is no buffer. */
	for (unsigned int i = 0; i < 16; i++) {
		struct driver_buffer buffer = { guest_alloc(&lan->stations[B].guest, 2048, 1), 2048, true };

		assert_true(driver_add(&driver, &buffer, 1) >= 0);
	}
	driver_publish(&driver);
	send_flows(lan);
	while (driver_used(&driver, &done))
		others++;
	assert_int_equal(others, 16);
	assert_int_equal(lan_count(lan, B) + lan_drops(lan, B, DROP_FULL) + others, 64);
	assert_true(lan_drops(lan, B, DROP_FULL) > 0);
	assert_int_equal(queue->ring.error, VIRTQ_OK);
	lan_remove_receive_queue(lan, B, queue);
}

/* Of a guest whose memory arrives, whose rings are those of its lane. */
static void rings_without_a_buffer_get_no_flows_of_a_lane(void **state)
{
	struct lan *lan = *state;
	struct dp_ring ring = { 0 };
	struct driver driver;
	struct vu_queue *queue = lan_add_receive_queue(lan, B, 1, &driver, &ring);
	struct vring_used_elem done;
	unsigned int count = 0, others = 0;

	lan_post(lan, B, 120, 2048);
	lan_post(lan, A, 1, 2048);
	lan_say(lan, B, BROADCAST, B, 0);
	lan_enter_lane(lan, B);
	queue->unsettled = true;
	lane_add(lan->stations[B].port.lane, queue);
	send_flows(lan);
	for (unsigned int i = 0; i < 10000 && count < 64; i++) {
		count += lan_count(lan, B);
		usleep(100);
	}
	assert_int_equal(count, 64);
	for (unsigned int i = 0; i < 16; i++) {
		struct driver_buffer buffer = { guest_alloc(&lan->stations[B].guest, 2048, 1), 2048, true };

		assert_true(driver_add(&driver, &buffer, 1) >= 0);
	}
	driver_publish(&driver);
	send_flows(lan);
	for (unsigned int i = 0; i < 10000 && others < 16; i++) {
		others += driver_used(&driver, &done);
		usleep(100);
	}
	assert_int_equal(others, 16);
	lane_remove(lan->stations[B].port.lane, queue);
	lan_leave_lane(lan, B);
	lan_remove_receive_queue(lan, B, queue);
}

static void silent_station_is_forgotten(void **state)
{
	struct lan *lan = *state;

	post_all(lan);
	lan_say(lan, B, BROADCAST, B, 0);
	for (unsigned int i = 0; i < STATIONS; i++)
		lan_count(lan, i);
	lan->now += MAC_TABLE_AGE * MAC_TABLE_SECOND + 1;
	lan_say(lan, A, B, A, 0);
	assert_int_equal(lan_count(lan, B), 1);
	assert_int_equal(lan_count(lan, C), 1);
}

static void vlans_are_learned_apart(void **state)
{
	struct lan *lan = *state;

	post_all(lan);
	lan_say(lan, B, BROADCAST, B, 5);
	for (unsigned int i = 0; i < STATIONS; i++)
		lan_count(lan, i);
	lan_say(lan, A, B, A, 5);
	assert_int_equal(lan_count(lan, C), 0);
	lan_say(lan, A, B, A, 6);
	assert_int_equal(lan_count(lan, C), 1);
	lan_say(lan, A, B, A, 0);
	assert_int_equal(lan_count(lan, C), 1);
	assert_int_equal(lan_count(lan, B), 3);
}

/* A frame that ends where its tag would be is in no VLAN, and says nothing of the one behind it. */
static void cut_tag_leads_no_other_frame(void **state)
{
	struct lan *lan = *state;
	uint8_t frame[60];

	post_all(lan);
	lan_say(lan, B, BROADCAST, B, 0);
	lan_say(lan, C, BROADCAST, B, 5);
	for (unsigned int i = 0; i < STATIONS; i++)
		lan_count(lan, i);
	lan_frame(frame, B, A, 5, sizeof(frame));
	for (unsigned int i = 0; i < 2; i++) {
		lan_send(lan, A, NULL, frame, FRAME_ETHERNET);
		lan_send(lan, A, NULL, frame, sizeof(frame));
	}
	lan_pass(lan);
	assert_int_equal(lan_count(lan, B), 2);
	assert_int_equal(lan_count(lan, C), 2);
}

/* Frames of many pairs of stations, one after the other, go where each of them is, in their order. */
static void stations_of_a_burst_take_turns(void **state)
{
	enum { FRAMES = 24 };
	struct lan *lan = *state;
	uint8_t frame[100], back[2048];

	for (unsigned int i = 0; i < STATIONS; i++)
		lan_post(lan, i, 100, 2048);
	for (unsigned int i = 0; i < FRAMES; i++)
		lan_say(lan, i % 3 ? B : C, BROADCAST, 100 + i, 0);
	for (unsigned int i = 0; i < STATIONS; i++)
		lan_count(lan, i);
	for (unsigned int i = 0; i < 2 * FRAMES; i++) {
		lan_frame(frame, 100 + i % FRAMES, A, 0, sizeof(frame));
		frame[50] = (uint8_t)i;
		lan_send(lan, A, NULL, frame, sizeof(frame));
	}
	assert_int_equal(lan_pass(lan), 2 * FRAMES);
	for (unsigned int i = 0; i < 2 * FRAMES; i++) {
		assert_int_equal(lan_receive(lan, i % FRAMES % 3 ? B : C, NULL, back, sizeof(back)),
				 sizeof(frame));
		assert_int_equal(back[50], i);
	}
}

static void tag_passes_as_it_is(void **state)
{
	struct lan *lan = *state;
	uint8_t frame[100], back[2048];

	post_all(lan);
	lan_send(lan, A, NULL, frame, lan_frame(frame, BROADCAST, A, 0xe123, sizeof(frame)));
	lan_pass(lan);
	assert_int_equal(lan_receive(lan, B, NULL, back, sizeof(back)), sizeof(frame));
	assert_memory_equal(frame, back, sizeof(frame));
}

static void frame_to_its_own_port_is_dropped(void **state)
{
	struct lan *lan = *state;

	post_all(lan);
	lan_say(lan, A, BROADCAST, 7, 0);
	lan_say(lan, A, 7, A, 0);
	assert_int_equal(lan_count(lan, A), 0);
	assert_int_equal(lan_drops(lan, A, DROP_SAME_PORT), 1);
}

static void isolated_ports_reach_only_the_others(void **state)
{
	struct lan *lan = *state;

	lan->stations[A].port.member.rules.is_isolated = lan->stations[B].port.member.rules.is_isolated = true;
	lan_redraw(lan);
	post_all(lan);
	/* Unknown, to all, and known. */
	lan_say(lan, A, B, A, 0);
	lan_say(lan, B, BROADCAST, B, 0);
	lan_say(lan, A, B, A, 0);
	lan_say(lan, A, B, A, 0);
	assert_int_equal(lan_count(lan, A), 0);
	assert_int_equal(lan_count(lan, B), 0);
	assert_int_equal(lan_count(lan, C), 2);
	assert_int_equal(lan_drops(lan, A, DROP_ISOLATED), 2);
	lan_say(lan, C, A, C, 0);
	lan_say(lan, A, C, A, 0);
	assert_int_equal(lan_count(lan, A), 1);
	assert_int_equal(lan_count(lan, C), 1);
}

static void frame_that_nobody_may_have_is_counted(void **state)
{
	struct lan *lan = *state;

	post_all(lan);
	for (unsigned int i = 0; i < STATIONS; i++)
		lan->stations[i].port.member.rules.is_isolated = true;
	lan_redraw(lan);
	lan_say(lan, A, BROADCAST, A, 0);
	for (unsigned int i = 0; i < STATIONS; i++)
		assert_int_equal(lan_count(lan, i), 0);
	assert_int_equal(lan_drops(lan, A, DROP_ISOLATED), 1);
}

static void nobody_says_nothing_to_nobody(void **state)
{
	struct lan *lan = *state;
	uint8_t frame[60] = { [12] = 0x88, [13] = 0xb5 };

	post_all(lan);
	lan_send(lan, A, NULL, frame, sizeof(frame));
	lan_pass(lan);
	assert_int_equal(lan_drops(lan, A, DROP_BAD_SOURCE), 1);
	assert_int_equal(lan_count(lan, B), 0);
}

static void flood_is_counted_as_what_it_becomes(void **state)
{
	struct lan *lan = *state;

	post_all(lan);
	lan_say(lan, A, BROADCAST, A, 0);
	assert_int_equal(lan->stations[A].counters.copies, STATIONS - 2);
}

static void isolated_ends_of_a_wire_are_apart(void **state)
{
	struct lan *lan = *state;

	lan->stations[A].port.member.rules.is_isolated = lan->stations[B].port.member.rules.is_isolated = true;
	lan_make_wire(lan);
	post_all(lan);
	lan_say(lan, A, B, A, 0);
	assert_int_equal(lan_count(lan, B), 0);
	assert_int_equal(lan_drops(lan, A, DROP_ISOLATED), 1);
}

static void full_destination_does_not_stall_the_others(void **state)
{
	struct lan *lan = *state;
	uint8_t frame[60];

	lan_post(lan, A, 32, 2048);
	lan_post(lan, B, 1, 2048);
	lan_post(lan, C, 32, 2048);
	lan_say(lan, B, BROADCAST, B, 0);
	lan_say(lan, C, BROADCAST, C, 0); /* takes the only buffer of B */
	lan_count(lan, A);
	lan_count(lan, C);
	for (unsigned int i = 0; i < 20; i++)
		lan_send(lan, A, NULL, frame, lan_frame(frame, i % 2 ? B : C, A, 0, sizeof(frame)));
	assert_int_equal(lan_pass(lan), 20);
	assert_int_equal(lan_count(lan, C), 10);
	assert_int_equal(lan_drops(lan, B, DROP_FULL), 10);
	/* And every buffer of the sender came back. */
	assert_int_equal(lan->stations[A].tx.used->idx, 20);
}

static void burst_publishes_once_and_calls_once(void **state)
{
	struct lan *lan = *state;
	uint8_t frame[60];
	eventfd_t calls;

	post_all(lan);
	lan_say(lan, B, BROADCAST, B, 0);
	eventfd_read(lan->stations[B].queues[0]->call_fd, &calls);
	for (unsigned int i = 0; i < 32; i++)
		lan_send(lan, A, NULL, frame, lan_frame(frame, B, A, 0, sizeof(frame)));
	assert_int_equal(lan_pass(lan), 32);
	assert_return_code(eventfd_read(lan->stations[B].queues[0]->call_fd, &calls), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(lan_count(lan, B), 32);
}

static void frames_keep_their_order(void **state)
{
	struct lan *lan = *state;
	uint8_t frame[60], back[2048];

	post_all(lan);
	for (unsigned int i = 0; i < 30; i++) {
		lan_frame(frame, B, A, 0, sizeof(frame));
		frame[20] = (uint8_t)i;
		lan_send(lan, A, NULL, frame, sizeof(frame));
	}
	lan_pass(lan);
	for (unsigned int i = 0; i < 30; i++) {
		assert_int_equal(lan_receive(lan, B, NULL, back, sizeof(back)), sizeof(frame));
		assert_int_equal(back[20], i);
	}
}

static void disabled_queues_neither_give_nor_take(void **state)
{
	struct lan *lan = *state;

	post_all(lan);
	lan->stations[A].queues[1]->enabled = false;
	lan->stations[B].queues[0]->enabled = false;
	lan_redraw(lan);
	lan_say(lan, A, BROADCAST, A, 0);
	assert_int_equal(lan_count(lan, B) + lan_count(lan, C), 0);
	assert_int_equal(lan_drops(lan, A, DROP_DOWN), 1);
	lan_say(lan, C, BROADCAST, C, 0);
	assert_int_equal(lan_count(lan, A), 1);
	assert_int_equal(lan_count(lan, B), 0);
	assert_int_equal(lan_drops(lan, B, DROP_DOWN), 1);
}

static void station_of_a_removed_port_is_flooded(void **state)
{
	struct lan *lan = *state;

	post_all(lan);
	lan_say(lan, B, BROADCAST, 7, 0);
	for (unsigned int i = 0; i < STATIONS; i++)
		lan_count(lan, i);
	/* The slot goes to another port, which must not inherit the station. */
	lan->stations[B].port.port.id += DP_PORTS_MAX;
	lan_redraw(lan);
	lan_say(lan, A, 7, A, 0);
	assert_int_equal(lan_count(lan, B), 1);
	assert_int_equal(lan_count(lan, C), 1);
}

static void frames_of_impossible_length_are_dropped(void **state)
{
	struct lan *lan = *state;
	static uint8_t frame[FRAME_MAX + 1];

	post_all(lan);
	lan_frame(frame, BROADCAST, A, 0, sizeof(frame));
	lan_send(lan, A, NULL, frame, 0);
	lan_send(lan, A, NULL, frame, FRAME_ETHERNET - 1);
	lan_send(lan, A, NULL, frame, FRAME_MAX + 1);
	assert_int_equal(lan_pass(lan), 3);
	assert_int_equal(lan_drops(lan, A, DROP_SHORT), 2);
	assert_int_equal(lan_drops(lan, A, DROP_LONG), 1);
	lan_send(lan, A, NULL, frame, FRAME_ETHERNET);
	lan_pass(lan);
	assert_int_equal(lan_count(lan, B), 1);
}

/* A chain of descriptors of @piece bytes each. */
static void send_in_pieces(struct lan *lan, unsigned int index, const void *bytes,
			   uint32_t length, uint32_t piece)
{
	struct guest *guest = &lan->stations[index].guest;
	struct driver_buffer parts[RING];
	uint64_t gpa = guest_alloc(guest, length, 1);
	unsigned int count = 0;

	memcpy(guest_at(guest, gpa), bytes, length);
	for (uint32_t at = 0; at < length; at += piece)
		parts[count++] = (struct driver_buffer){ gpa + at, piece, false };
	assert_true(driver_add(&lan->stations[index].tx, parts, count) >= 0);
	driver_publish(&lan->stations[index].tx);
}

/* Nor is what it says of buffers, which is a receiver's to say, passed on. */
static void header_in_single_bytes_is_one_header(void **state)
{
	struct lan *lan = *state;
	struct {
		struct virtio_net_hdr_mrg_rxbuf header;
		uint8_t frame[60];
	} sent = { .header.num_buffers = UINT16_MAX };
	struct virtio_net_hdr_mrg_rxbuf header;
	uint8_t back[2048];

	post_all(lan);
	lan_frame(sent.frame, B, A, 0, sizeof(sent.frame));
	send_in_pieces(lan, A, &sent, sizeof(sent), 1);
	assert_int_equal(lan_pass(lan), 1);
	assert_int_equal(lan_receive(lan, B, &header, back, sizeof(back)), sizeof(sent.frame));
	assert_memory_equal(sent.frame, back, sizeof(sent.frame));
	assert_int_equal(header.num_buffers, 1);
}

static void frame_is_spread_over_mergeable_buffers(void **state)
{
	struct lan *lan = *state;
	struct virtio_net_hdr_mrg_rxbuf header;
	uint8_t frame[1514], back[2048];

	lan_post(lan, B, 32, 100);
	lan_send(lan, A, NULL, frame, lan_frame(frame, B, A, 0, sizeof(frame)));
	lan_pass(lan);
	assert_int_equal(lan_receive(lan, B, &header, back, sizeof(back)), sizeof(frame));
	assert_memory_equal(frame, back, sizeof(frame));
	assert_int_equal(header.num_buffers, (sizeof(frame) + sizeof(header) + 99) / 100);
}

static void small_buffer_without_merging_stays_for_the_next_frame(void **state)
{
	struct lan *lan = *state;
	uint8_t frame[1514], back[2048];

	lan_renegotiate(lan, B, BIT(VIRTIO_F_VERSION_1));
	lan_post(lan, B, 2, 200);
	lan_send(lan, A, NULL, frame, lan_frame(frame, B, A, 0, sizeof(frame)));
	lan_send(lan, A, NULL, frame, lan_frame(frame, B, A, 0, 188));
	assert_int_equal(lan_pass(lan), 2);
	assert_int_equal(lan_drops(lan, B, DROP_NO_ROOM), 1);
	assert_int_equal(lan_receive(lan, B, NULL, back, sizeof(back)), 188);
	assert_int_equal(lan_count(lan, B), 0);
}

static void legacy_guest_has_a_shorter_header(void **state)
{
	struct lan *lan = *state;
	uint8_t frame[300], back[2048];

	lan_renegotiate(lan, B, 0);
	lan_post(lan, B, 2, 2048);
	lan_post(lan, A, 2, 2048);
	lan_send(lan, A, NULL, frame, lan_frame(frame, B, A, 0, sizeof(frame)));
	lan_pass(lan);
	assert_int_equal(lan_receive(lan, B, NULL, back, sizeof(back)), sizeof(frame));
	assert_memory_equal(frame, back, sizeof(frame));
	lan_send(lan, B, NULL, frame, lan_frame(frame, A, B, 0, sizeof(frame)));
	lan_pass(lan);
	assert_int_equal(lan_receive(lan, A, NULL, back, sizeof(back)), sizeof(frame));
	assert_memory_equal(frame, back, sizeof(frame));
}

static void broken_ring_is_reported_once_and_hurts_nobody_else(void **state)
{
	struct lan *lan = *state;
	eventfd_t times;

	post_all(lan);
	lan->stations[A].tx.avail->idx += 1000;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(lan_pass(lan), 0);
	assert_return_code(eventfd_read(lan->attention, &times), 0);
	assert_int_equal(times, 1);
	assert_int_equal(lan->stations[A].queues[1]->ring.error, VIRTQ_ERROR_AVAIL_JUMP);
	lan_say(lan, B, BROADCAST, B, 0);
	assert_int_equal(lan_count(lan, C), 1);
}

static void injected_frame_comes_from_its_port(void **state)
{
	struct lan *lan = *state;
	uint8_t bytes[60];

	post_all(lan);
	lan_frame(bytes, BROADCAST, 7, 0, 60);
	forward_inject(lan->forward, lan->view, lan->stations[A].port.port.id, bytes, 60, lan->now);
	assert_int_equal(lan_count(lan, A), 0);
	assert_int_equal(lan_count(lan, B), 1);
	lan_count(lan, C);
	lan_say(lan, B, 7, B, 0);
	assert_int_equal(lan_count(lan, A), 1);
	assert_int_equal(lan_count(lan, C), 0);
	forward_inject(lan->forward, lan->view, 77 * DP_PORTS_MAX + 1, bytes, 60, lan->now);
	assert_int_equal(lan_count(lan, B), 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, lan_setup, lan_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(wire_carries_frames_both_ways),
		CASE(port_in_no_bridge_reaches_nobody),
		CASE(switch_floods_to_all_but_the_sender_until_it_learns),
		CASE(station_that_moves_is_found_at_its_new_port),
		CASE(reserved_addresses_stay_at_their_port),
		CASE(wire_passes_all_but_flow_control),
		CASE(burst_on_a_wire_has_no_flow_control),
		CASE(groups_and_nobody_send_nothing),
		CASE(what_comes_back_is_not_learned_and_what_moved_is),
		CASE(flood_of_addresses_shows_nobody_the_frames_of_others),
		CASE(rings_without_a_buffer_get_no_flows),
		CASE(rings_without_a_buffer_get_no_flows_of_a_lane),
		CASE(silent_station_is_forgotten),
		CASE(vlans_are_learned_apart),
		CASE(cut_tag_leads_no_other_frame),
		CASE(stations_of_a_burst_take_turns),
		CASE(tag_passes_as_it_is),
		CASE(frame_to_its_own_port_is_dropped),
		CASE(isolated_ports_reach_only_the_others),
		CASE(frame_that_nobody_may_have_is_counted),
		CASE(nobody_says_nothing_to_nobody),
		CASE(flood_is_counted_as_what_it_becomes),
		CASE(isolated_ends_of_a_wire_are_apart),
		CASE(full_destination_does_not_stall_the_others),
		CASE(burst_publishes_once_and_calls_once),
		CASE(frames_keep_their_order),
		CASE(disabled_queues_neither_give_nor_take),
		CASE(station_of_a_removed_port_is_flooded),
		CASE(frames_of_impossible_length_are_dropped),
		CASE(header_in_single_bytes_is_one_header),
		CASE(frame_is_spread_over_mergeable_buffers),
		CASE(small_buffer_without_merging_stays_for_the_next_frame),
		CASE(legacy_guest_has_a_shorter_header),
		CASE(broken_ring_is_reported_once_and_hurts_nobody_else),
		CASE(injected_frame_comes_from_its_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
