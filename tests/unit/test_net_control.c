// SPDX-License-Identifier: GPL-2.0-or-later
// Commands of the control queue: what they set up, and what is refused.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/random.h"
#include "tests/unit/test.h"
#include "tests/wire/driver.h"
#include "vhost-user/net/ctrl_vq.h"
#include "vhost-user/switch/mac_table.h"

#define ALL (~UINT64_C(0))
#define PAIRS 4
#define GUARD 0xa5

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };

struct fixture {
	struct net_device net;
	struct virtq_batch batch;
	uint8_t command[1024];
	uint32_t length;
	uint8_t answer[16];
	uint32_t room;
};

static int setup(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	fixture->net.pairs_max = PAIRS;
	fixture->room = 1;
	net_device_reset(&fixture->net, ALL, mac);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	test_free(*state);
	return 0;
}

static void begin(struct fixture *fixture, uint8_t class, uint8_t id)
{
	fixture->command[0] = class;
	fixture->command[1] = id;
	fixture->length = 2;
}

static void add(struct fixture *fixture, const void *bytes, uint32_t length)
{
	memcpy(fixture->command + fixture->length, bytes, length);
	fixture->length += length;
}

static void add8(struct fixture *fixture, uint8_t value)
{
	add(fixture, &value, 1);
}

static void add16(struct fixture *fixture, uint16_t value)
{
	add(fixture, &value, 2);
}

static void add32(struct fixture *fixture, uint32_t value)
{
	add(fixture, &value, 4);
}

/* Cut command and answer into segments of @part bytes; bytes that the device wrote. */
static uint32_t submit(struct fixture *fixture, uint32_t part)
{
	struct virtq_batch *batch = &fixture->batch;
	struct virtq_chain *chain = batch->chains;

	virtq_batch_reset(batch);
	*chain = (struct virtq_chain){ .readable_length = fixture->length,
				       .writable_length = fixture->room };
	memset(fixture->answer, GUARD, sizeof(fixture->answer));
	for (uint32_t at = 0; at < fixture->length; at += part, chain->readable++)
		batch->segments[batch->segment_count++] = (struct virtq_segment){
			fixture->command + at,
			fixture->length - at < part ? fixture->length - at : part,
		};
	for (uint32_t at = 0; at < fixture->room; at++, chain->writable++)
		batch->segments[batch->segment_count++] =
			(struct virtq_segment){ fixture->answer + at, 1 };
	return ctrl_vq_run(&fixture->net, batch, chain);
}

/* Whatever the cuts, the device says the same. */
static void expect(struct fixture *fixture, uint8_t ack)
{
	static const uint32_t parts[] = { 1024, 1, 3 };

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		assert_int_equal(submit(fixture, parts[i]), fixture->room);
		assert_int_equal(fixture->answer[fixture->room - 1], ack);
		assert_int_equal(fixture->answer[fixture->room], GUARD);
	}
}

static void expect_ok(struct fixture *fixture)
{
	expect(fixture, VIRTIO_NET_OK);
}

/* Refused, and nothing of the device but the counter is another. */
static void expect_refusal(struct fixture *fixture)
{
	struct net_device *before = test_calloc(1, sizeof(*before));

	*before = fixture->net;
	expect(fixture, VIRTIO_NET_ERR);
	assert_true(fixture->net.refused > before->refused);
	before->refused = fixture->net.refused;
	assert_memory_equal(before, &fixture->net, sizeof(*before));
	test_free(before);
}

static void set_mode(struct fixture *fixture, uint8_t id, uint8_t on)
{
	begin(fixture, VIRTIO_NET_CTRL_RX, id);
	add8(fixture, on);
}

static bool passes(const struct fixture *fixture, const char *to, uint16_t vlan)
{
	return net_filter_passes(&fixture->net.filter, mac_key(0, (const uint8_t *)to), vlan);
}

#define OWN "\x02\0\0\0\0\x09"
#define OTHER "\x02\0\0\0\0\x0a"
#define ALL_HOSTS "\x01\0\x5e\0\0\x01"
#define EVERYBODY "\xff\xff\xff\xff\xff\xff"

static void quiet(struct fixture *fixture)
{
	set_mode(fixture, VIRTIO_NET_CTRL_RX_PROMISC, 0);
	expect_ok(fixture);
}

static void modes_say_which_frames_pass(void **state)
{
	struct fixture *fixture = *state;

	assert_true(passes(fixture, OTHER, 7));
	assert_true(net_filter_is_open(&fixture->net.filter));
	quiet(fixture);
	assert_false(net_filter_is_open(&fixture->net.filter));
	assert_true(passes(fixture, OWN, 0));
	assert_false(passes(fixture, OTHER, 0));
	assert_false(passes(fixture, ALL_HOSTS, 0));
	assert_true(passes(fixture, EVERYBODY, 0));
	set_mode(fixture, VIRTIO_NET_CTRL_RX_ALLMULTI, 1);
	expect_ok(fixture);
	assert_true(passes(fixture, ALL_HOSTS, 0));
	set_mode(fixture, VIRTIO_NET_CTRL_RX_ALLUNI, 1);
	expect_ok(fixture);
	assert_true(passes(fixture, OTHER, 0));
	set_mode(fixture, VIRTIO_NET_CTRL_RX_NOMULTI, 1);
	expect_ok(fixture);
	assert_false(passes(fixture, ALL_HOSTS, 0));
	assert_true(passes(fixture, EVERYBODY, 0));
	set_mode(fixture, VIRTIO_NET_CTRL_RX_NOUNI, 1);
	expect_ok(fixture);
	assert_false(passes(fixture, OWN, 0));
	set_mode(fixture, VIRTIO_NET_CTRL_RX_NOBCAST, 1);
	expect_ok(fixture);
	assert_false(passes(fixture, EVERYBODY, 0));
	set_mode(fixture, VIRTIO_NET_CTRL_RX_PROMISC, 1);
	expect_ok(fixture);
	assert_true(passes(fixture, EVERYBODY, 7));
}

static void add_macs(struct fixture *fixture, uint32_t count, uint8_t first)
{
	add32(fixture, count);
	for (uint32_t i = 0; i < count; i++)
		add(fixture, (uint8_t[]){ first, 0, 0x5e, 0, 0, (uint8_t)(i + 1) }, 6);
}

static void tables_of_addresses_pass(void **state)
{
	struct fixture *fixture = *state;

	quiet(fixture);
	begin(fixture, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET);
	add_macs(fixture, 2, 2);
	add_macs(fixture, 1, 1);
	expect_ok(fixture);
	assert_true(passes(fixture, "\x02\0\x5e\0\0\x02", 0));
	assert_false(passes(fixture, "\x02\0\x5e\0\0\x03", 0));
	assert_true(passes(fixture, ALL_HOSTS, 0));
	assert_false(passes(fixture, "\x01\0\x5e\0\0\x02", 0));
	begin(fixture, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET);
	add_macs(fixture, 0, 2);
	add_macs(fixture, NET_FILTER_MACS + 5, 1);
	expect_ok(fixture);
	assert_false(passes(fixture, "\x02\0\x5e\0\0\x02", 0));
	assert_true(passes(fixture, "\x01\0\x5e\0\0\xff", 0)); /* too many: all */
	begin(fixture, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET);
	add(fixture, OTHER, 6);
	expect_ok(fixture);
	assert_true(passes(fixture, OTHER, 0));
	assert_false(passes(fixture, OWN, 0));
}

static void unicast_passes_while_the_address_is_not_known(void **state)
{
	struct fixture *fixture = *state;

	net_device_reset(&fixture->net, ALL & ~BIT(VIRTIO_NET_F_MAC), mac);
	quiet(fixture);
	assert_true(passes(fixture, OTHER, 0));
	assert_false(passes(fixture, ALL_HOSTS, 0));
}

static void set_vlan(struct fixture *fixture, uint8_t id, uint16_t vlan)
{
	begin(fixture, VIRTIO_NET_CTRL_VLAN, id);
	add16(fixture, vlan);
}

static void vlans_pass_one_by_one(void **state)
{
	struct fixture *fixture = *state;

	quiet(fixture);
	assert_false(passes(fixture, OWN, 4095));
	set_vlan(fixture, VIRTIO_NET_CTRL_VLAN_ADD, 4095);
	expect_ok(fixture);
	assert_true(passes(fixture, OWN, 4095));
	assert_false(passes(fixture, OWN, 4094));
	assert_false(passes(fixture, OTHER, 4095));
	set_vlan(fixture, VIRTIO_NET_CTRL_VLAN_DEL, 4095);
	expect_ok(fixture);
	assert_false(passes(fixture, OWN, 4095));
	set_vlan(fixture, VIRTIO_NET_CTRL_VLAN_ADD, 4096);
	expect_refusal(fixture);
}

static void announcement_is_acknowledged(void **state)
{
	struct fixture *fixture = *state;

	fixture->net.announce = true;
	begin(fixture, VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK);
	expect_ok(fixture);
	assert_false(fixture->net.announce);
}

static void set_pairs(struct fixture *fixture, uint16_t pairs)
{
	begin(fixture, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET);
	add16(fixture, pairs);
}

static void pairs_are_those_that_there_are(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture->net.pairs, 1);
	set_pairs(fixture, PAIRS);
	expect_ok(fixture);
	assert_int_equal(fixture->net.pairs, PAIRS);
	set_pairs(fixture, 0);
	expect_refusal(fixture);
	set_pairs(fixture, PAIRS + 1);
	expect_refusal(fixture);
	set_pairs(fixture, 0x8000);
	expect_refusal(fixture);
}

static void make_rss(struct fixture *fixture, uint16_t mask, uint16_t queue, uint8_t key)
{
	begin(fixture, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_RSS_CONFIG);
	add32(fixture, NET_RSS_TYPES);
	add16(fixture, mask);
	add16(fixture, 1);
	for (unsigned int i = 0; i <= mask && i < NET_RSS_TABLE; i++)
		add16(fixture, queue);
	add16(fixture, PAIRS);
	add8(fixture, key);
	for (unsigned int i = 0; i < key; i++)
		add8(fixture, (uint8_t)i);
}

static void hashes_are_set_up(void **state)
{
	struct fixture *fixture = *state;

	make_rss(fixture, NET_RSS_TABLE - 1, 3, TOEPLITZ_KEY);
	expect_ok(fixture);
	assert_true(fixture->net.rss.steers);
	assert_int_equal(fixture->net.pairs, PAIRS);
	assert_int_equal(fixture->net.rss.table[NET_RSS_TABLE - 1], 3);
	assert_int_equal(fixture->net.rss.key[TOEPLITZ_KEY - 1], TOEPLITZ_KEY - 1);
	/* The last command says how queues are chosen. */
	set_pairs(fixture, 2);
	expect_ok(fixture);
	assert_false(fixture->net.rss.steers);
	begin(fixture, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_HASH_CONFIG);
	add32(fixture, NET_RSS_TYPE(VIRTIO_NET_HASH_REPORT_IPv4));
	add(fixture, "\0\0\0\0\0\0\0", 8);
	add8(fixture, 0);
	expect_ok(fixture);
	assert_int_equal(fixture->net.rss.types, 1);
}

static void wrong_hashes_are_refused(void **state)
{
	struct fixture *fixture = *state;

	make_rss(fixture, 2, 0, TOEPLITZ_KEY); /* no power of two */
	expect_refusal(fixture);
	make_rss(fixture, 2 * NET_RSS_TABLE - 1, 0, TOEPLITZ_KEY);
	expect_refusal(fixture);
	make_rss(fixture, 0xffff, 0, TOEPLITZ_KEY);
	expect_refusal(fixture);
	make_rss(fixture, 7, PAIRS, TOEPLITZ_KEY); /* no such queue */
	expect_refusal(fixture);
	make_rss(fixture, 7, 0, TOEPLITZ_KEY + 1);
	expect_refusal(fixture);
	make_rss(fixture, 7, 0, TOEPLITZ_KEY);
	fixture->command[3] |= 0x10; /* an unknown kind of hash */
	expect_refusal(fixture);
	make_rss(fixture, 7, 0, TOEPLITZ_KEY);
	fixture->length--;
	expect_refusal(fixture);
	fixture->length += 2;
	expect_refusal(fixture);
}

static void set_offloads(struct fixture *fixture, uint64_t offloads)
{
	begin(fixture, VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET);
	add(fixture, &offloads, sizeof(offloads));
}

static void offloads_are_some_of_those_negotiated(void **state)
{
	struct fixture *fixture = *state;

	net_device_reset(&fixture->net, ALL & ~BIT(VIRTIO_NET_F_GUEST_TSO6), mac);
	set_offloads(fixture, BIT(VIRTIO_NET_F_GUEST_CSUM));
	expect_ok(fixture);
	assert_int_equal(fixture->net.offloads, BIT(VIRTIO_NET_F_GUEST_CSUM));
	set_offloads(fixture, BIT(VIRTIO_NET_F_GUEST_TSO6));
	expect_refusal(fixture);
	set_offloads(fixture, BIT(VIRTIO_NET_F_MRG_RXBUF));
	expect_refusal(fixture);
}

static void coalesce(struct fixture *fixture, uint8_t id, uint32_t packets, uint32_t usecs)
{
	begin(fixture, VIRTIO_NET_CTRL_NOTF_COAL, id);
	add32(fixture, packets);
	add32(fixture, usecs);
}

static void coalesce_vring(struct fixture *fixture, uint16_t vring, uint32_t packets,
			   uint32_t usecs)
{
	begin(fixture, VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET);
	add16(fixture, vring);
	add16(fixture, 0xffff); /* reserved, to be ignored */
	add32(fixture, packets);
	add32(fixture, usecs);
}

static void calls_are_coalesced_by_direction_and_by_vring(void **state)
{
	struct fixture *fixture = *state;
	const struct net_coalescing *set = fixture->net.coalescing;

	set_pairs(fixture, 2);
	expect_ok(fixture);
	coalesce(fixture, VIRTIO_NET_CTRL_NOTF_COAL_RX_SET, 10, 20);
	expect_ok(fixture);
	coalesce(fixture, VIRTIO_NET_CTRL_NOTF_COAL_TX_SET, 30, 40);
	expect_ok(fixture);
	assert_true(set[0].packets == 10 && set[0].usecs == 20 && set[6].packets == 10);
	assert_true(set[1].packets == 30 && set[1].usecs == 40 && set[7].packets == 30);
	coalesce_vring(fixture, 2, 50, 60);
	expect_ok(fixture);
	assert_true(set[2].packets == 50 && set[0].packets == 10);
	coalesce_vring(fixture, 4, 50, 60); /* not in use */
	expect_refusal(fixture);
	coalesce_vring(fixture, 0xffff, 50, 60);
	expect_refusal(fixture);
}

static void driver_is_told_how_calls_are_coalesced(void **state)
{
	struct fixture *fixture = *state;
	uint32_t values[2];

	coalesce_vring(fixture, 1, 50, 60);
	expect_ok(fixture);
	begin(fixture, VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET);
	add16(fixture, 1);
	add16(fixture, 0);
	fixture->room = 9;
	expect_ok(fixture);
	memcpy(values, fixture->answer, sizeof(values));
	assert_true(values[0] == 50 && values[1] == 60);
	/* No room for it: only that. */
	fixture->room = 8;
	assert_int_equal(submit(fixture, 16), 1);
	assert_int_equal(fixture->answer[0], VIRTIO_NET_ERR);
	assert_int_equal(fixture->answer[1], GUARD);
}

static void command_without_room_for_an_answer_does_nothing(void **state)
{
	struct fixture *fixture = *state;

	set_pairs(fixture, 2);
	fixture->room = 0;
	assert_int_equal(submit(fixture, 16), 0);
	assert_int_equal(fixture->net.pairs, 1);
	assert_int_equal(fixture->net.refused, 1);
}

static void command_of_another_length_is_refused(void **state)
{
	struct fixture *fixture = *state;

	fixture->length = 0;
	expect_refusal(fixture);
	begin(fixture, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET);
	fixture->length = 1;
	expect_refusal(fixture);
	set_pairs(fixture, 2);
	add8(fixture, 0);
	expect_refusal(fixture);
	set_mode(fixture, VIRTIO_NET_CTRL_RX_PROMISC, 2);
	expect_refusal(fixture);
	begin(fixture, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET);
	add(fixture, EVERYBODY, 6);
	expect_refusal(fixture);
	begin(fixture, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET);
	add32(fixture, 0xffffffff);
	add32(fixture, 0);
	expect_refusal(fixture);
	begin(fixture, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET);
	add_macs(fixture, 3, 2);
	expect_refusal(fixture);
}

static void unknown_command_is_refused(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, 99, 0);
	expect_refusal(fixture);
	begin(fixture, VIRTIO_NET_CTRL_MQ, 99);
	add16(fixture, 1);
	expect_refusal(fixture);
}

static void command_that_was_not_negotiated_is_refused(void **state)
{
	struct fixture *fixture = *state;

	net_device_reset(&fixture->net, BIT(VIRTIO_NET_F_CTRL_VQ), mac);
	set_mode(fixture, VIRTIO_NET_CTRL_RX_PROMISC, 0);
	expect_refusal(fixture);
	set_pairs(fixture, 2);
	expect_refusal(fixture);
	make_rss(fixture, 7, 0, TOEPLITZ_KEY);
	expect_refusal(fixture);
	coalesce_vring(fixture, 0, 1, 1);
	expect_refusal(fixture);
	set_offloads(fixture, 0);
	expect_refusal(fixture);
}

static void control_queue_comes_behind_all_pairs(void **state)
{
	struct fixture *fixture = *state;
	struct net_device *net = &fixture->net;

	assert_int_equal(net_device_ctrl_vq(net), 2 * PAIRS);
	net_device_reset(net, BIT(VIRTIO_NET_F_CTRL_VQ), NULL);
	assert_int_equal(net_device_ctrl_vq(net), 2);
	net_device_reset(net, BIT(VIRTIO_NET_F_MQ), NULL);
	assert_int_equal(net_device_ctrl_vq(net), NET_VRINGS);
	assert_int_equal(net->pairs, NET_PAIRS_MAX); /* who counts them is the VMM */
}

static void set_all(struct fixture *fixture)
{
	quiet(fixture);
	begin(fixture, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET);
	add_macs(fixture, 2, 2);
	add_macs(fixture, NET_FILTER_MACS + 1, 1);
	expect_ok(fixture);
	set_vlan(fixture, VIRTIO_NET_CTRL_VLAN_ADD, 5);
	expect_ok(fixture);
	make_rss(fixture, 31, 2, TOEPLITZ_KEY);
	expect_ok(fixture);
	set_offloads(fixture, BIT(VIRTIO_NET_F_GUEST_CSUM));
	expect_ok(fixture);
	coalesce(fixture, VIRTIO_NET_CTRL_NOTF_COAL_RX_SET, 10, 20);
	expect_ok(fixture);
	coalesce_vring(fixture, 3, 1, 2);
	expect_ok(fixture);
}

static void saved_state_is_loaded_as_it_was(void **state)
{
	struct fixture *fixture = *state;
	struct net_device *copy = test_calloc(1, sizeof(*copy));
	uint8_t *bytes;
	size_t length;

	set_all(fixture);
	assert_return_code(net_device_save(&fixture->net, &bytes, &length), 0);
	copy->pairs_max = PAIRS;
	net_device_reset(copy, ALL, mac);
	assert_return_code(net_device_load(copy, bytes, length), 0);
	copy->commands = fixture->net.commands;
	copy->refused = fixture->net.refused;
	assert_memory_equal(copy, &fixture->net, sizeof(*copy));
	/* A part of it is refused as a whole. */
	net_device_reset(copy, ALL, mac);
	assert_int_equal(net_device_load(copy, bytes, length - 1), -EINVAL);
	assert_int_equal(copy->pairs, 1);
	assert_true(net_filter_is_open(&copy->filter));
	free(bytes);
	test_free(copy);
}

/* Anything at all: no access beyond, and no value that cannot be. */
static void random_commands_leave_a_sound_device(void **state)
{
	struct fixture *fixture = *state;
	struct random random = { 5 };

	for (unsigned int i = 0; i < 100000; i++) {
		const struct net_device *net = &fixture->net;

		begin(fixture, (uint8_t)(random_next(&random) % 8),
		      (uint8_t)(random_next(&random) % 6));
		fixture->length += random_next(&random) % 64;
		for (uint32_t at = 2; at < fixture->length; at++)
			fixture->command[at] = random_next(&random) % 3
						       ? (uint8_t)(random_next(&random) % 4)
						       : (uint8_t)random_next(&random);
		fixture->room = random_next(&random) % 12;
		submit(fixture, 1 + random_next(&random) % 16);
		assert_true(net->pairs >= 1 && net->pairs <= PAIRS);
		assert_true(net->rss.mask < NET_RSS_TABLE && net->rss.unclassified < PAIRS);
		assert_true(net->filter.unicast.count <= NET_FILTER_MACS);
	}
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(modes_say_which_frames_pass),
		CASE(tables_of_addresses_pass),
		CASE(unicast_passes_while_the_address_is_not_known),
		CASE(vlans_pass_one_by_one),
		CASE(announcement_is_acknowledged),
		CASE(pairs_are_those_that_there_are),
		CASE(hashes_are_set_up),
		CASE(wrong_hashes_are_refused),
		CASE(offloads_are_some_of_those_negotiated),
		CASE(calls_are_coalesced_by_direction_and_by_vring),
		CASE(driver_is_told_how_calls_are_coalesced),
		CASE(command_without_room_for_an_answer_does_nothing),
		CASE(command_of_another_length_is_refused),
		CASE(unknown_command_is_refused),
		CASE(command_that_was_not_negotiated_is_refused),
		CASE(control_queue_comes_behind_all_pairs),
		CASE(saved_state_is_loaded_as_it_was),
		CASE(random_commands_leave_a_sound_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
