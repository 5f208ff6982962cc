// SPDX-License-Identifier: GPL-2.0-or-later
// Guests whose VMM leaves the control queue to iovd.
#include <errno.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "tests/unit/random.h"
#include "tests/unit/test.h"
#include "tests/wire/command.h"
#include "tests/wire/daemon.h"
#include "vhost-user/net/net_bits.h"

#define MEMORY (UINT64_C(16) << 20)
#define PAIRS 3
#define CONTROL (2 * PAIRS)
#define FEATURES                                                                                   \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_RING_F_EVENT_IDX))
#define CONTROL_FEATURES                                                                           \
	(BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_CTRL_VLAN) |     \
	 BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_NET_F_RSS) | BIT(VIRTIO_NET_F_MAC) |                    \
	 BIT(VIRTIO_NET_F_STATUS) | BIT(VIRTIO_NET_F_GUEST_ANNOUNCE))

static const uint8_t mac_a[] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t mac_b[] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t mac_other[] = { 2, 0, 0, 0, 0, 3 };

static struct daemon iovd;
static struct frontend a, b;

static void open_guest(struct frontend *guest, const char *port)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", iovd.directory, port);
	daemon_do(&iovd, "port.add", "{\"name\":\"%s\",\"type\":\"vhost-user\",\"socket\":\"%s\","
		  "\"server\":true,\"queue_pairs\":%d,\"mac\":\"02:00:00:00:00:02\"}", port, path,
		  PAIRS);
	fd = frontend_connect(path);
	assert_return_code(fd, errno);
	frontend_open(guest, fd, MEMORY);
}

/* A is a plain guest; B has three queue pairs and the control queue, packed or split. */
static void start(uint64_t features)
{
	frontend_start(&a, FEATURES, 1);
	frontend_start(&b, FEATURES | CONTROL_FEATURES | features, PAIRS);
	assert_int_equal(b.features & features, features);
	frontend_start_ring(&b, CONTROL);
	for (unsigned int i = 0; i < PAIRS; i++)
		frontend_post(&b, i, 128);
	frontend_post(&a, 0, 128);
}

static int setup(void **state)
{
	(void)state;
	daemon_start(&iovd);
	open_guest(&a, "a");
	open_guest(&b, "b");
	daemon_do(&iovd, "bridge.add", "{\"name\":\"w\",\"kind\":\"wire\",\"ports\":[\"a\",\"b\"]}");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	frontend_close(&a);
	frontend_close(&b);
	daemon_clean(&iovd);
	return 0;
}

/* Send a UDP datagram of some flow to B. */
static void say(const uint8_t *to, uint16_t flow)
{
	uint8_t frame[60] = { 0 };

	memcpy(frame, to, 6);
	memcpy(frame + 6, mac_a, 6);
	memcpy(frame + 12, "\x08\x00\x45", 3);
	frame[23] = 17;
	memcpy(frame + 26, (uint8_t[]){ 10, 0, 0, 1, 10, 0, 0, 2 }, 8);
	memcpy(frame + 34, (uint8_t[]){ (uint8_t)(flow >> 8), (uint8_t)flow, 0, 53 }, 4);
	assert_true(frontend_transmit(&a, 0, frame, sizeof(frame)));
}

/* What A sent is given back after it is where it belongs. */
static void wait_until_sent(void)
{
	struct driver *driver = &a.rings[1];
	struct vring_used_elem done;

	for (int tries = 0; tries < 20000; tries++) {
		while (driver_used(driver, &done))
			;
		if (driver->free_count == driver->size)
			return;
		poll(NULL, 0, 1);
	}
	fail_msg("frames are not taken");
}

/* Frames at one queue of B. */
static int count(unsigned int pair)
{
	uint8_t frame[2048];
	int frames = 0;

	wait_until_sent();
	while (frontend_take(&b, pair, frame, sizeof(frame)) >= 0)
		frames++;
	return frames;
}

static uint8_t command(uint8_t class, uint8_t id, const void *data, uint32_t length)
{
	return command_send(&b, CONTROL, class, id, data, length);
}

static uint8_t set_pairs(uint16_t pairs)
{
	return command(VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &pairs, sizeof(pairs));
}

static struct virtio_net_config read_config(void)
{
	struct vu_config config = { .size = sizeof(struct virtio_net_config) };
	struct virtio_net_config space;
	int length = VU_CONFIG_HEADER + sizeof(space);

	frontend_send(&b, VU_GET_CONFIG, 0, &config, (uint32_t)length, NULL, 0);
	assert_int_equal(frontend_receive(&b, VU_GET_CONFIG, &config, sizeof(config)), length);
	memcpy(&space, config.bytes, sizeof(space));
	return space;
}

static void config_says_what_the_port_was_given(void **state)
{
	struct virtio_net_config config;

	(void)state;
	start(0);
	config = read_config();
	assert_int_equal(config.max_virtqueue_pairs, PAIRS);
	assert_memory_equal(config.mac, mac_b, 6);
	assert_int_equal(config.status, VIRTIO_NET_S_LINK_UP);
	assert_int_equal(config.mtu, 1500);
	assert_int_equal(config.rss_max_key_size, 40);
	assert_int_equal(config.rss_max_indirection_table_length, 128);
	assert_int_equal(command(VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, mac_other, 6),
			 VIRTIO_NET_ERR); /* was not negotiated */
	assert_string_equal(daemon_port(&iovd, "port.list", "b", "mac"), "02:00:00:00:00:02");
	assert_string_equal(daemon_port(&iovd, "port.list", "b", "queue_pairs"), "3");
	assert_string_equal(daemon_port(&iovd, "port.list", "b", "control"),
			    "{ \"commands\": 0, \"refused\": 1, \"pairs\": 1, \"announce\": false, "
			    "\"steering\": \"automatic\", \"filter\": { \"promiscuous\": \"on\", "
			    "\"unicast\": 0, \"multicast\": 0, \"vlans\": 0 } }");
}

static void filter_is_in_force_when_the_driver_learns_of_it(uint64_t features)
{
	start(features);
	say(mac_other, 1);
	assert_int_equal(count(0), 1);
	assert_int_equal(command(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "", 1),
			 VIRTIO_NET_OK);
	say(mac_other, 1);
	say(mac_b, 1);
	assert_int_equal(count(0), 1);
	assert_string_equal(daemon_port(&iovd, "port.stats", "b", "drops"), "{ \"filtered\": 1 }");
	assert_int_equal(command(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "\1", 1),
			 VIRTIO_NET_OK);
	say(mac_other, 1);
	assert_int_equal(count(0), 1);
}

static void filter_by_a_split_ring(void **state)
{
	(void)state;
	filter_is_in_force_when_the_driver_learns_of_it(0);
}

static void filter_by_a_packed_ring(void **state)
{
	(void)state;
	filter_is_in_force_when_the_driver_learns_of_it(BIT(VIRTIO_F_RING_PACKED) |
							BIT(VIRTIO_RING_F_INDIRECT_DESC));
}

static void queues_are_used_that_the_driver_said(void **state)
{
	int total = 0;

	(void)state;
	start(0);
	for (uint16_t flow = 0; flow < 60; flow++)
		say(mac_b, flow);
	assert_int_equal(count(0), 60);
	assert_int_equal(set_pairs(PAIRS + 1), VIRTIO_NET_ERR);
	assert_int_equal(set_pairs(PAIRS), VIRTIO_NET_OK);
	for (uint16_t flow = 0; flow < 60; flow++)
		say(mac_b, flow);
	for (unsigned int pair = 0; pair < PAIRS; pair++) {
		int frames = count(pair);

		assert_in_range(frames, 1, 59);
		total += frames;
	}
	assert_int_equal(total, 60);
	assert_int_equal(set_pairs(1), VIRTIO_NET_OK);
	frontend_post(&b, 0, 128);
	for (uint16_t flow = 0; flow < 60; flow++)
		say(mac_b, flow);
	assert_int_equal(count(0), 60);
}

/* All of UDP to the last queue, what is no IP to the second. */
static void hash_chooses_the_queue(void **state)
{
	struct {
		uint32_t types;
		uint16_t mask, unclassified, table[2], pairs;
		uint8_t key_length, key[40];
	} __attribute__((packed)) rss = { 0x3f, 1, 1, { 2, 2 }, PAIRS, 40, "some key or other" };
	uint8_t frame[60] = { 0 };

	(void)state;
	start(0);
	assert_int_equal(command(VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_RSS_CONFIG, &rss,
				 sizeof(rss)), VIRTIO_NET_OK);
	for (uint16_t flow = 0; flow < 20; flow++)
		say(mac_b, flow);
	memcpy(frame, mac_b, 6);
	frame[12] = 0x88;
	frontend_transmit(&a, 0, frame, sizeof(frame));
	assert_int_equal(count(0), 0);
	assert_int_equal(count(1), 1);
	assert_int_equal(count(2), 20);
}

static void link_that_goes_down_is_told_and_passes_nothing(void **state)
{
	struct vu_header header;

	(void)state;
	start(0);
	frontend_open_channel(&b);
	daemon_do(&iovd, "port.set", "{\"name\":\"b\",\"link\":\"down\"}");
	assert_int_equal(recv(b.channel, &header, sizeof(header), MSG_WAITALL), sizeof(header));
	assert_int_equal(header.request, VU_BACKEND_CONFIG_CHANGE_MSG);
	assert_int_equal(read_config().status, 0);
	say(mac_b, 1);
	assert_int_equal(count(0), 0);
	assert_string_equal(daemon_port(&iovd, "port.stats", "b", "drops"), "{ \"down\": 1 }");
	assert_string_equal(daemon_port(&iovd, "port.list", "b", "link"), "down");
	daemon_do(&iovd, "port.set", "{\"name\":\"b\",\"link\":\"up\"}");
	say(mac_b, 1);
	assert_int_equal(count(0), 1);
	assert_int_equal(read_config().status, VIRTIO_NET_S_LINK_UP);
}

static void guest_is_asked_to_announce_itself_until_it_does(void **state)
{
	(void)state;
	start(0);
	assert_null(daemon_call(&iovd, "port.set", "{\"name\":\"a\",\"announce\":true}"));
	daemon_do(&iovd, "port.set", "{\"name\":\"b\",\"announce\":true}");
	assert_int_equal(read_config().status, VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE);
	assert_int_equal(command(VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK, "", 0),
			 VIRTIO_NET_OK);
	assert_int_equal(read_config().status, VIRTIO_NET_S_LINK_UP);
}

static void what_was_set_up_is_void_after_a_reset(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(set_pairs(PAIRS), VIRTIO_NET_OK);
	assert_int_equal(command(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "", 1),
			 VIRTIO_NET_OK);
	assert_int_equal(frontend_call(&b, VU_RESET_DEVICE, NULL, 0, NULL, 0), 0);
	frontend_start(&b, FEATURES | CONTROL_FEATURES, 1);
	frontend_post(&b, 0, 128);
	for (uint16_t flow = 0; flow < 20; flow++)
		say(mac_other, flow);
	assert_int_equal(count(0), 20);
}

/* Garbage in the queue, and kicks without end, while another guest sends. */
static void hostile_commands_disturb_nobody(void **state)
{
	struct random random = { 20261125 };
	uint8_t data[200];

	(void)state;
	start(0);
	for (int i = 0; i < 300; i++) {
		for (size_t j = 0; j < sizeof(data); j++)
			data[j] = (uint8_t)random_next(&random);
		command_add(&b, CONTROL, (uint8_t)(random_next(&random) % 8),
			    (uint8_t)(random_next(&random) % 6), data,
			    (uint32_t)(random_next(&random) % sizeof(data)));
		for (int j = 0; j < 20; j++)
			eventfd_write(b.kick[CONTROL], 1);
		command_wait(&b, CONTROL);
	}
	assert_true(daemon_is_alive(&iovd));
	command(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "\1", 1);
	set_pairs(1);
	say(mac_b, 1);
	assert_int_equal(count(0), 1);
}

static void broken_control_queue_stops_alone(void **state)
{
	(void)state;
	start(0);
	b.rings[CONTROL].avail->idx += 5000;
	eventfd_write(b.kick[CONTROL], 1);
	for (int tries = 0; tries < 20000; tries++) {
		if (!*daemon_port(&iovd, "port.list", "b", "control"))
			break;
		poll(NULL, 0, 1);
	}
	assert_string_equal(daemon_port(&iovd, "port.list", "b", "control"), "");
	say(mac_b, 1);
	assert_int_equal(count(0), 1);
	/* The driver resets it, and goes on. */
	frontend_stop_ring(&b, CONTROL);
	frontend_start_ring(&b, CONTROL);
	assert_int_equal(set_pairs(2), VIRTIO_NET_OK);
}

static void queue_that_cannot_kick_is_served_all_the_same(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(frontend_set(&b, VU_SET_VRING_KICK, CONTROL | VU_VRING_NOFD), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(set_pairs(2), VIRTIO_NET_OK);
}

/* Section 2.6.1: a ring of its own goes away and comes back, smaller. */
static void single_queue_is_reset(void **state)
{
	(void)state;
	frontend_start(&a, FEATURES | BIT(VIRTIO_F_RING_RESET), 1);
	frontend_start(&b, FEATURES | BIT(VIRTIO_F_RING_RESET), 1);
	assert_true(a.features & b.features & BIT(VIRTIO_F_RING_RESET));
	frontend_post(&b, 0, 8);
	for (int i = 0; i < 5; i++) {
		say(mac_b, 1);
			assert_int_equal(count(0), 1);
		frontend_enable_ring(&a, 1, false);
		frontend_stop_ring(&a, 1);
		frontend_start_ring(&a, 1);
		frontend_enable_ring(&a, 1, true);
	}
}

/* 8 bits of SET_VRING_KICK name 256 vrings: 128 pairs, and none beyond. */
static void there_are_as_many_vrings_as_can_be_named(void **state)
{
	(void)state;
	frontend_negotiate(&a, FEATURES | BIT(VIRTIO_NET_F_MQ));
	assert_int_equal(frontend_get(&a, VU_GET_QUEUE_NUM), 128);
	for (uint32_t i = 0; i < 256; i++) {
		assert_int_equal(frontend_state(&a, VU_SET_VRING_NUM, i, 32768), 0);
		assert_int_equal(frontend_state(&a, VU_SET_VRING_ENABLE, i, 1), 0);
	}
	assert_int_equal(frontend_state(&a, VU_SET_VRING_NUM, 256, 256), 1);
	assert_int_equal(frontend_state(&a, VU_SET_VRING_NUM, 257, 256), 1);
	assert_int_equal(frontend_state(&a, VU_SET_VRING_ENABLE, UINT32_MAX, 1), 1);
	assert_true(daemon_is_alive(&iovd));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(config_says_what_the_port_was_given),
		CASE(filter_by_a_split_ring),
		CASE(filter_by_a_packed_ring),
		CASE(queues_are_used_that_the_driver_said),
		CASE(hash_chooses_the_queue),
		CASE(link_that_goes_down_is_told_and_passes_nothing),
		CASE(guest_is_asked_to_announce_itself_until_it_does),
		CASE(what_was_set_up_is_void_after_a_reset),
		CASE(hostile_commands_disturb_nobody),
		CASE(broken_control_queue_stops_alone),
		CASE(queue_that_cannot_kick_is_served_all_the_same),
		CASE(single_queue_is_reset),
		CASE(there_are_as_many_vrings_as_can_be_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
