// SPDX-License-Identifier: GPL-2.0-or-later
// What a driver set up by its control queue, on the frames that its port gets.
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/lan.h"
#include "vhost-user/port/net_session.h"

#define A 0
#define B 1
#define C 2

#define CONTROL                                                                                    \
	(BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_CTRL_VLAN) |     \
	 BIT(VIRTIO_NET_F_CTRL_MAC_ADDR))

/* B filters, A and C get all. */
static struct net_filter *begin_filter(struct lan *lan)
{
	struct net_filter *filter = &lan->stations[B].port.device.filter;

	lan_renegotiate(lan, B, PLAIN | CONTROL);
	for (unsigned int i = 0; i < STATIONS; i++)
		lan_post(lan, i, RING, 2048);
	filter->modes[VIRTIO_NET_CTRL_RX_PROMISC] = false;
	filter->has_mac = true;
	filter->mac = mac_key(0, (const uint8_t[]){ 2, 0, 0, 0, 0, B });
	return filter;
}

static void unwanted_frames_are_dropped_and_counted(void **state)
{
	struct lan *lan = *state;

	begin_filter(lan);
	lan_redraw(lan);
	lan_say(lan, A, C, A, 0); /* not known yet: to all */
	lan_say(lan, A, B, A, 0);
	lan_say(lan, A, BROADCAST, A, 0);
	assert_int_equal(lan_count(lan, B), 2);
	assert_int_equal(lan_drops(lan, B, DROP_FILTERED), 1);
	assert_int_equal(lan_count(lan, C), 3);
	assert_int_equal(lan_drops(lan, C, DROP_FILTERED), 0);
}

/* The way of a frame that is known to be for one port only. */
static void filter_holds_on_a_wire(void **state)
{
	struct lan *lan = *state;
	struct net_filter *filter = begin_filter(lan);

	lan_make_wire(lan);
	lan_say(lan, A, C, A, 0);
	lan_say(lan, A, B, A, 0);
	lan_say(lan, A, B, A, 7);
	assert_int_equal(lan_count(lan, B), 1);
	assert_int_equal(lan_drops(lan, B, DROP_FILTERED), 2);
	net_filter_set_vlan(filter, 7, true);
	lan_redraw(lan);
	lan_say(lan, A, B, A, 7);
	assert_int_equal(lan_count(lan, B), 1);
}

/* Without the feature there is no filter, whatever the state says. */
static void open_filter_costs_nothing(void **state)
{
	struct lan *lan = *state;

	lan_renegotiate(lan, B, PLAIN | CONTROL);
	assert_null(lan->view->ports[B]->filter);
	assert_int_equal(lan->view->ports[B]->accepts, DP_ORDINARY);
	begin_filter(lan);
	lan_redraw(lan);
	assert_non_null(lan->view->ports[B]->filter);
	assert_int_equal(lan->view->ports[B]->accepts, 0);
}

static void nothing_passes_while_the_link_is_down(void **state)
{
	struct lan *lan = *state;

	for (unsigned int i = 0; i < STATIONS; i++)
		lan_post(lan, i, 8, 2048);
	lan->stations[B].port.is_down = true;
	lan_redraw(lan);
	lan_say(lan, A, BROADCAST, A, 0);
	lan_say(lan, B, BROADCAST, B, 0);
	assert_int_equal(lan_count(lan, B), 0);
	assert_int_equal(lan_count(lan, C), 1);
	assert_int_equal(lan_drops(lan, B, DROP_DOWN), 2);
	lan->stations[B].port.is_down = false;
	lan_redraw(lan);
	lan_say(lan, B, BROADCAST, B, 0);
	assert_int_equal(lan_count(lan, C), 1);
}

static void pair_that_is_not_in_use_gets_nothing(void **state)
{
	struct lan *lan = *state;

	lan_renegotiate(lan, B, PLAIN | CONTROL);
	assert_int_equal(lan->view->ports[B]->to_count, 1);
	lan->stations[B].port.device.pairs = 0;
	lan_redraw(lan);
	assert_int_equal(lan->view->ports[B]->to_count, 0);
	lan_make_wire(lan);
	lan_say(lan, A, B, A, 0);
	assert_int_equal(lan_drops(lan, B, DROP_DOWN), 1);
}

/* 66.9.149.187:2794 to 161.142.100.80:1766, of the vectors of test_net_rss.c. */
static uint32_t make_tcp(uint8_t *frame)
{
	static const uint8_t l3[] = { 0x45, 0,	 0,   40,  0,	0,   0,	 0,  64,   IPPROTO_TCP, 0, 0,
				      66,   9, 149, 187, 161, 142, 100, 80, 0x0a, 0xea, 0x06, 0xe6 };

	lan_frame(frame, B, A, 0, 60);
	memcpy(frame + 12, "\x08\x00", 2);
	memcpy(frame + 14, l3, sizeof(l3));
	return 60;
}

static void set_key(struct net_rss *rss)
{
	static const uint8_t key[TOEPLITZ_KEY] = {
		0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
		0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
		0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
	};

	rss->types = NET_RSS_TYPES;
	toeplitz_prepare(&rss->toeplitz, key);
}

static void send_tcp(struct lan *lan)
{
	uint8_t frame[60];

	lan_send(lan, A, NULL, frame, make_tcp(frame));
	assert_int_equal(lan_pass(lan), 1);
}

static void expect_hash(struct lan *lan, uint32_t hash, uint8_t report)
{
	struct station *b = &lan->stations[B];
	uint8_t sent[60], got[64];

	send_tcp(lan);
	make_tcp(sent);
	assert_int_equal(lan_receive(lan, B, NULL, got, sizeof(got)), 60);
	assert_memory_equal(got, sent, 60);
	assert_int_equal(b->last.hdr.num_buffers, 1);
	assert_int_equal(b->last.hash_value, hash);
	assert_int_equal(b->last.hash_report, report);
}

static void hash_is_reported_to_who_asked(void **state)
{
	struct lan *lan = *state;

	lan_make_wire(lan);
	lan_renegotiate(lan, B, PLAIN | CONTROL | BIT(VIRTIO_NET_F_HASH_REPORT));
	lan_post(lan, B, 8, 2048);
	expect_hash(lan, 0, VIRTIO_NET_HASH_REPORT_NONE);
	set_key(&lan->stations[B].port.device.rss);
	lan_redraw(lan);
	expect_hash(lan, 0x51ccc178, VIRTIO_NET_HASH_REPORT_TCPv4);
	/* The other way: its header is as long, and what it says there is nobody's concern. */
	lan_post(lan, A, 8, 2048);
	lan_say(lan, B, A, B, 0);
	assert_int_equal(lan_count(lan, A), 1);
}

/* Merged buffers: the hash is in the first of them. */
static void hash_is_reported_with_merged_buffers(void **state)
{
	struct lan *lan = *state;
	struct station *b = &lan->stations[B];
	uint8_t got[64];

	lan_make_wire(lan);
	lan_renegotiate(lan, B, PLAIN | CONTROL | BIT(VIRTIO_NET_F_HASH_REPORT));
	set_key(&b->port.device.rss);
	lan_redraw(lan);
	lan_post(lan, B, 8, 40);
	send_tcp(lan);
	assert_int_equal(lan_receive(lan, B, NULL, got, sizeof(got)), 60);
	assert_int_equal(b->last.hdr.num_buffers, 2);
	assert_int_equal(b->last.hash_value, 0x51ccc178);
}

static void hash_steers_to_rings_that_run(void **state)
{
	struct lan *lan = *state;
	struct net_rss *rss = &lan->stations[B].port.device.rss;

	lan_make_wire(lan);
	lan_renegotiate(lan, B, PLAIN | CONTROL | BIT(VIRTIO_NET_F_RSS));
	lan_post(lan, B, 8, 2048);
	set_key(rss);
	rss->steers = true;
	rss->mask = 127;
	rss->unclassified = 1;
	lan_redraw(lan);
	assert_int_equal(lan->view->ports[B]->header, sizeof(struct virtio_net_hdr_mrg_rxbuf));
	send_tcp(lan);
	assert_int_equal(lan_count(lan, B), 1);
	lan_say(lan, A, B, A, 0); /* no hash: to a queue that there is not */
	assert_int_equal(lan_drops(lan, B, DROP_DOWN), 1);
	rss->table[0x78] = 1;
	lan_redraw(lan);
	send_tcp(lan);
	assert_int_equal(lan_drops(lan, B, DROP_DOWN), 2);
	assert_int_equal(lan_count(lan, B), 0);
}

/* A receive queue of B beyond the first, with some buffers. */
static struct driver *add_pair(struct lan *lan, unsigned int pair)
{
	struct station *b = &lan->stations[B];
	struct vu_queue *queue = aligned_alloc(_Alignof(struct vu_queue), sizeof(*queue));
	struct driver *driver = test_calloc(1, sizeof(*driver));
	static struct dp_ring rings[NET_PAIRS_MAX];
	struct driver_buffer room = { guest_alloc(&b->guest, 256, 1), 256, true };

	assert_non_null(queue);
	driver_open(driver, &b->guest, 32, PLAIN);
	*queue = (struct vu_queue){ .index = 2 * pair, .enabled = true, .kick_fd = -1,
				    .call_fd = -1, .features = PLAIN, .device = &rings[pair] };
	virtq_start(&queue->ring, &(struct virtq_setup){
					  .memory = b->memory,
					  .desc = lan_in_device(b, driver->desc),
					  .driver = lan_in_device(b, driver->avail),
					  .device = lan_in_device(b, driver->used),
					  .size = 32,
					  .features = PLAIN,
				  });
	for (unsigned int i = 0; i < 32; i++)
		driver_add(driver, &room, 1);
	driver_publish(driver);
	b->port.port.queues[2 * pair] = queue;
	b->port.port.queue_end = 2 * pair + 1;
	return driver;
}

static void flows_spread_over_128_pairs(void **state)
{
	struct lan *lan = *state;
	struct driver *drivers[NET_PAIRS_MAX];
	struct vring_used_elem element;
	unsigned int total = 0, used = 0;
	uint8_t frame[60];

	lan_make_wire(lan);
	lan_post(lan, B, RING, 256);
	for (unsigned int pair = 1; pair < NET_PAIRS_MAX; pair++)
		drivers[pair] = add_pair(lan, pair);
	lan_redraw(lan);
	assert_int_equal(lan->view->ports[B]->to_count, NET_PAIRS_MAX);
	for (unsigned int flow = 0; flow < 1000; flow++) {
		make_tcp(frame);
		frame[34] = (uint8_t)(flow >> 8);
		frame[35] = (uint8_t)flow;
		lan_send(lan, A, NULL, frame, sizeof(frame));
		lan_pass(lan);
	}
	total = lan_count(lan, B);
	for (unsigned int pair = 1; pair < NET_PAIRS_MAX; pair++) {
		unsigned int count = 0;

		while (driver_used(drivers[pair], &element))
			count++;
		total += count;
		used += count > 0;
		free(lan->stations[B].port.port.queues[2 * pair]);
		test_free(drivers[pair]);
	}
	assert_int_equal(total, 1000);
	assert_in_range(used, 100, NET_PAIRS_MAX);
}

/* Calls of a ring since it was asked last. */
static uint64_t calls(struct lan *lan, unsigned int station, unsigned int ring)
{
	eventfd_t count = 0;

	eventfd_read(lan->stations[station].queues[ring]->call_fd, &count);
	return count;
}

/* B lets calls for receive buffers wait. */
static void begin_waiting(struct lan *lan, uint32_t packets, uint32_t usecs)
{
	lan_make_wire(lan);
	lan_renegotiate(lan, B, PLAIN | CONTROL | BIT(VIRTIO_NET_F_NOTF_COAL));
	lan_post(lan, B, RING, 2048);
	lan->stations[B].port.device.coalescing[0] = (struct net_coalescing){ packets, usecs };
	lan_redraw(lan);
	calls(lan, A, 1);
	calls(lan, B, 0);
}

static void call_waits_for_as_many_frames(void **state)
{
	struct lan *lan = *state;

	begin_waiting(lan, 4, 60000000);
	for (unsigned int i = 1; i <= 12; i++) {
		lan_say(lan, A, B, A, 0);
		assert_int_equal(calls(lan, B, 0), i % 4 == 0);
		assert_int_equal(calls(lan, A, 1), 1); /* who did not ask is called at once */
	}
	assert_int_equal(lan_count(lan, B), 12); /* frames do not wait */
}

static void call_waits_no_longer_than_it_may(void **state)
{
	struct lan *lan = *state;
	uint64_t due;

	begin_waiting(lan, 1000, 20000);
	assert_int_equal(forward_call_due(lan->forward), UINT64_MAX);
	lan_say(lan, A, B, A, 0);
	due = forward_call_due(lan->forward);
	assert_true(due <= 20000000);
	if (due > 1000000) /* or somebody took the processor from us */
		assert_int_equal(calls(lan, B, 0), 0);
	usleep(21000);
	assert_int_equal(forward_call_due(lan->forward), 0);
	lan_pass(lan);
	assert_int_equal(calls(lan, B, 0), 1);
	assert_int_equal(forward_call_due(lan->forward), UINT64_MAX);
}

static void zero_of_either_means_at_once(void **state)
{
	struct lan *lan = *state;

	begin_waiting(lan, 0, 60000000);
	lan_say(lan, A, B, A, 0);
	assert_int_equal(calls(lan, B, 0), 1);
	begin_waiting(lan, 1000, 0);
	lan_say(lan, A, B, A, 0);
	assert_int_equal(calls(lan, B, 0), 1);
}

static void new_view_ends_the_waiting(void **state)
{
	struct lan *lan = *state;

	begin_waiting(lan, 1000, 60000000);
	lan_say(lan, A, B, A, 0);
	assert_int_equal(calls(lan, B, 0), 0);
	lan_redraw(lan);
	lan_pass(lan);
	assert_int_equal(calls(lan, B, 0), 1);
	/* Nor is one lost when its ring is not in use any more. */
	lan_say(lan, A, B, A, 0);
	assert_int_equal(calls(lan, B, 0), 0);
	lan->stations[B].port.is_down = true;
	lan_redraw(lan);
	lan_pass(lan);
	net_session_pay_calls(&lan->stations[B].port);
	assert_int_equal(calls(lan, B, 0), 1);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, lan_setup, lan_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(unwanted_frames_are_dropped_and_counted),
		CASE(filter_holds_on_a_wire),
		CASE(open_filter_costs_nothing),
		CASE(nothing_passes_while_the_link_is_down),
		CASE(pair_that_is_not_in_use_gets_nothing),
		CASE(hash_is_reported_to_who_asked),
		CASE(hash_is_reported_with_merged_buffers),
		CASE(hash_steers_to_rings_that_run),
		CASE(flows_spread_over_128_pairs),
		CASE(call_waits_for_as_many_frames),
		CASE(call_waits_no_longer_than_it_may),
		CASE(zero_of_either_means_at_once),
		CASE(new_view_ends_the_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
