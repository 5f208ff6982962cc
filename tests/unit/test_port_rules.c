// SPDX-License-Identifier: GPL-2.0-or-later
// What ports let in and out: VLANs, addresses, rates, mirrors, fixed stations.
#include <errno.h>
#include <string.h>

#include "tests/unit/lan.h"

#define A 0
#define B 1
#define C 2

#define FRAME 60
#define TAG 4

static void rule(struct lan *lan, unsigned int station, const char *json)
{
	struct json_object *object = json_tokener_parse(json);

	assert_non_null(object);
	assert_return_code(port_rules_change(&lan->stations[station].port.member.rules, lan->iov, "p",
					     object), 0);
	json_object_put(object);
	lan_redraw(lan);
}

static int setup(void **state)
{
	lan_setup(state);
	for (unsigned int i = 0; i < STATIONS; i++)
		lan_post(*state, i, 32, 2048);
	return 0;
}

static int teardown(void **state)
{
	struct lan *lan = *state;

	for (unsigned int i = 0; i < STATIONS; i++)
		port_rules_release(&lan->stations[i].port.member.rules);
	return lan_teardown(state);
}

/* Have all stations learned where they are. */
static void learn_all(struct lan *lan, uint16_t vlan)
{
	for (unsigned int i = 0; i < STATIONS; i++)
		lan_say(lan, i, BROADCAST, i, vlan);
	for (unsigned int i = 0; i < STATIONS; i++)
		lan_count(lan, i);
}

/* Send one and expect it at @to as it looks there: with @tci, or 0 for no tag. */
static void passes_as(struct lan *lan, unsigned int from, uint16_t sent, unsigned int to,
		      uint16_t tci)
{
	uint8_t frame[FRAME + TAG], expected[FRAME + TAG], got[2048];
	uint32_t length = lan_frame(frame, to, from, sent, FRAME + (sent ? TAG : 0));
	uint32_t after = FRAME + (tci ? TAG : 0);

	memcpy(expected, frame, 12);
	memcpy(expected + 12, (uint8_t[]){0x81, 0, (uint8_t)(tci >> 8), (uint8_t)tci}, TAG);
	memcpy(expected + (tci ? 16 : 12), frame + (sent ? 16 : 12), FRAME - 12);
	lan_send(lan, from, NULL, frame, length);
	lan_pass(lan);
	assert_int_equal(lan_receive(lan, to, NULL, got, sizeof(got)), after);
	assert_memory_equal(got, expected, after);
	assert_int_equal(lan_count(lan, to), 0);
}

static void access_ports_neither_see_nor_send_tags(void **state)
{
	struct lan *lan = *state;

	rule(lan, A, "{\"vlan\":\"access:10\"}");
	rule(lan, B, "{\"vlan\":\"access:10\"}");
	lan_say(lan, A, BROADCAST, A, 0);
	assert_int_equal(lan_count(lan, B), 1);
	assert_int_equal(lan_count(lan, C), 1);
	passes_as(lan, A, 0, B, 0);	/* unknown */
	passes_as(lan, B, 0, A, 0);
	passes_as(lan, A, 0, B, 0);	/* known */
	assert_int_equal(lan_count(lan, C), 1);
	passes_as(lan, A, 0xa000, B, 0); /* a priority is no VLAN */
	lan_say(lan, A, B, A, 10);
	assert_int_equal(lan_count(lan, B), 0);
	assert_int_equal(lan_drops(lan, A, DROP_VLAN), 1);
}

static void transparent_port_sees_the_tag_of_an_access_port(void **state)
{
	struct lan *lan = *state;

	rule(lan, A, "{\"vlan\":\"access:10\"}");
	learn_all(lan, 0);
	passes_as(lan, A, 0, C, 10);
	passes_as(lan, C, 10, A, 0);
	passes_as(lan, A, 0, C, 10);
	/* Of no VLAN, and of another one. */
	lan_say(lan, C, A, C, 0);
	lan_say(lan, C, A, C, 11);
	assert_int_equal(lan_count(lan, A), 0);
	assert_int_equal(lan_count(lan, B), 3); /* and the first of all, when C was unknown */
}

static void trunk_carries_its_vlans(void **state)
{
	struct lan *lan = *state;

	rule(lan, A, "{\"vlan\":\"trunk:10,20-22,native:30\"}");
	rule(lan, B, "{\"vlan\":\"trunk:20,30\"}");
	passes_as(lan, A, 20, B, 20);
	passes_as(lan, B, 20, A, 20);
	passes_as(lan, A, 0, B, 30);	/* native here, tagged there */
	passes_as(lan, B, 30, A, 0);
	lan_count(lan, C);
	lan_say(lan, B, A, B, 0);	/* no native VLAN */
	lan_say(lan, B, A, B, 21);	/* not a member */
	assert_int_equal(lan_drops(lan, B, DROP_VLAN), 2);
	lan_say(lan, A, B, A, 10);	/* flooded, and B is no member */
	assert_int_equal(lan_count(lan, B), 0);
	assert_int_equal(lan_count(lan, C), 1);
}

static void known_station_outside_the_vlan_is_not_reached(void **state)
{
	struct lan *lan = *state;

	lan_say(lan, C, BROADCAST, C, 10);
	lan_count(lan, A);
	rule(lan, C, "{\"vlan\":\"trunk:20\"}");
	lan_say(lan, A, C, A, 10);
	assert_int_equal(lan_count(lan, C), 0);
	assert_int_equal(lan_drops(lan, A, DROP_VLAN), 1);
}

static void tunnel_carries_tags_inside_its_own(void **state)
{
	struct lan *lan = *state;
	uint8_t frame[FRAME], got[2048];

	rule(lan, A, "{\"vlan\":\"tunnel:100\"}");
	rule(lan, B, "{\"vlan\":\"tunnel:100\"}");
	learn_all(lan, 7);
	passes_as(lan, A, 7, B, 7);
	passes_as(lan, A, 0, B, 0);
	lan_frame(frame, C, A, 7, sizeof(frame));
	lan_send(lan, A, NULL, frame, sizeof(frame));
	lan_pass(lan);
	assert_int_equal(lan_receive(lan, C, NULL, got, sizeof(got)), sizeof(frame) + TAG);
	assert_memory_equal(got + 12, ((uint8_t[]){0x88, 0xa8, 0, 100, 0x81, 0, 0, 7}), 8);
	assert_memory_equal(got + 20, frame + 16, sizeof(frame) - 16);
}

/* Send a frame with these tags, of which VLAN 20 is the inner one, from A. */
static void say_tags(struct lan *lan, const char *rules, const uint8_t *tags, uint32_t length)
{
	uint8_t frame[FRAME];

	rule(lan, A, rules);
	lan_frame(frame, BROADCAST, A, 0, sizeof(frame));
	memcpy(frame + 12, tags, length);
	lan_send(lan, A, NULL, frame, sizeof(frame));
	lan_pass(lan);
}

/* What B got last begins with these bytes behind the addresses; NULL for nothing. */
static void gets(struct lan *lan, const uint8_t *tags, uint32_t length)
{
	uint8_t got[2048];
	int size = lan_receive(lan, B, NULL, got, sizeof(got));

	if (!tags) {
		assert_int_equal(size, -1);
		return;
	}
	assert_true(size > 0);
	assert_memory_equal(got + 12, tags, length);
	assert_int_equal(lan_count(lan, B), 0);
}

static void no_frame_leaves_in_the_vlan_of_an_inner_tag(void **state)
{
	static const uint8_t priority[] = {0x81, 0, 0, 0, 0x81, 0, 0, 20, 8, 0};
	static const uint8_t service[] = {0x88, 0xa8, 0xe0, 0, 0x88, 0xa8, 0, 20, 8, 0};
	static const uint8_t mixed[] = {0x81, 0, 0, 0, 0x88, 0xa8, 0, 20, 8, 0};
	static const uint8_t twice[] = {0x81, 0, 0, 10, 0x81, 0, 0, 20, 8, 0};
	static const uint8_t inner[] = {0x81, 0, 0, 20, 8, 0};
	static const uint8_t tunnelled[] = {0x88, 0xa8, 0, 10, 0x81, 0, 0, 20, 8, 0};
	static const uint8_t half[] = {0x81, 0, 0};
	struct lan *lan = *state;

	rule(lan, B, "{\"vlan\":\"trunk:20,native:10\"}");
	say_tags(lan, "{\"vlan\":\"access:10\"}", priority, sizeof(priority));
	say_tags(lan, "{\"vlan\":\"access:10\"}", service, sizeof(service));
	say_tags(lan, "{\"vlan\":\"access:10\"}", mixed, sizeof(mixed));
	say_tags(lan, "{\"vlan\":\"access:10\"}", twice, sizeof(twice));
	say_tags(lan, "{\"vlan\":\"trunk:native:10\"}", priority, sizeof(priority));
	gets(lan, NULL, 0);
	assert_int_equal(lan_drops(lan, A, DROP_VLAN), 5);
	/* In its own VLAN, by its own tag: it may carry what it likes, and keeps its tag. */
	say_tags(lan, "{\"vlan\":\"trunk:10\"}", twice, sizeof(twice));
	gets(lan, twice, sizeof(twice));
	say_tags(lan, "{\"vlan\":\"none\"}", twice, sizeof(twice));
	gets(lan, twice, sizeof(twice));
	say_tags(lan, "{\"vlan\":\"tunnel:10\"}", inner, sizeof(inner));
	gets(lan, tunnelled, sizeof(tunnelled));
	/* An access port sees no tags. */
	rule(lan, B, "{\"vlan\":\"access:10\"}");
	say_tags(lan, "{\"vlan\":\"trunk:10\"}", twice, sizeof(twice));
	say_tags(lan, "{\"vlan\":\"tunnel:10\"}", inner, sizeof(inner));
	gets(lan, NULL, 0);
	assert_int_equal(lan_drops(lan, B, DROP_VLAN), 2);
	/* The other end of a tunnel sees those that its guest sent. */
	rule(lan, B, "{\"vlan\":\"tunnel:10\"}");
	say_tags(lan, "{\"vlan\":\"tunnel:10\"}", inner, sizeof(inner));
	gets(lan, inner, sizeof(inner));
	/* The frame ends within its tag. */
	rule(lan, A, "{\"vlan\":\"access:10\"}");
	lan_send(lan, A, NULL, (uint8_t[15]){2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 0, half[0], half[1], half[2]},
		 15);
	lan_pass(lan);
	assert_int_equal(lan_drops(lan, A, DROP_VLAN), 6);
}

static void service_tags_stay_what_they_are(void **state)
{
	static const uint8_t tag[] = {0x88, 0xa8, 0x60, 10, 8, 0}, priority[] = {0x88, 0xa8, 0x60, 0, 8, 0};
	struct lan *lan = *state;

	rule(lan, B, "{\"vlan\":\"trunk:10\"}");
	say_tags(lan, "{\"vlan\":\"trunk:10\"}", tag, sizeof(tag));
	gets(lan, tag, sizeof(tag));
	say_tags(lan, "{\"vlan\":\"access:10\"}", priority, sizeof(priority));
	gets(lan, tag, sizeof(tag));
}

static void offloads_move_with_the_tag(void **state)
{
	struct lan *lan = *state;
	struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6,
	};
	struct virtio_net_hdr_mrg_rxbuf got;
	uint8_t frame[FRAME], bytes[2048];

	lan_renegotiate(lan, A, PLAIN | OFFLOADS);
	lan_renegotiate(lan, C, PLAIN | OFFLOADS);
	lan_post(lan, C, 4, 2048);
	rule(lan, A, "{\"vlan\":\"access:10\"}");
	lan_send(lan, A, &header, frame, lan_frame(frame, BROADCAST, A, 0, sizeof(frame)));
	lan_pass(lan);
	assert_int_equal(lan_receive(lan, C, &got, bytes, sizeof(bytes)), FRAME + TAG);
	assert_int_equal(got.hdr.csum_start, 38);
	assert_int_equal(got.hdr.csum_offset, 6);
}

static void longest_frame_has_no_room_for_a_tag(void **state)
{
	static uint8_t frame[FRAME_MAX];
	struct lan *lan = *state;

	lan_post(lan, B, 8, 2048);
	rule(lan, A, "{\"vlan\":\"access:10\"}");
	lan_send(lan, A, NULL, frame, lan_frame(frame, BROADCAST, A, 0, sizeof(frame)));
	lan_pass(lan);
	assert_int_equal(lan_drops(lan, A, DROP_LONG), 1);
	lan_send(lan, A, NULL, frame, sizeof(frame) - TAG);
	lan_pass(lan);
	assert_int_equal(lan_count(lan, B), 1);
}

static void wrong_mac_is_spoofed(void **state)
{
	struct lan *lan = *state;

	rule(lan, A, "{\"allow_mac\":[\"02:00:00:00:00:00\",\"02:00:00:00:00:09\"]}");
	lan_say(lan, A, BROADCAST, A, 0);
	lan_say(lan, A, BROADCAST, 9, 0);
	lan_say(lan, A, BROADCAST, 7, 0);
	assert_int_equal(lan_count(lan, B), 2);
	assert_int_equal(lan_drops(lan, A, DROP_SPOOFED), 1);
	/* And nobody learned that it is here. */
	lan_say(lan, B, 7, B, 0);
	assert_int_equal(lan_count(lan, C), 3);
}

/* A frame of @type with @bytes at offset @at behind the EtherType. */
static void say_packet(struct lan *lan, uint16_t type, unsigned int at, const void *bytes,
		       size_t length)
{
	uint8_t frame[100] = { 0 };

	lan_frame(frame, BROADCAST, A, 0, sizeof(frame));
	memset(frame + 14, 0, sizeof(frame) - 14);
	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
	if (type == 0x0800)
		frame[14] = 0x45;
	memcpy(frame + 14 + at, bytes, length);
	lan_send(lan, A, NULL, frame, sizeof(frame));
	lan_pass(lan);
}

/* Of no next header, from the address that is made of the MAC address. */
static const uint8_t link_local[] = {0x60, [6] = 59, 64, 0xfe, 0x80, [19] = 0xff, 0xfe};

/* Where both are of Ethernet and IPv4, from 02:00:00:00:00:00. */
static void say_arp(struct lan *lan, const uint8_t ip[4])
{
	uint8_t arp[18] = {0, 1, 8, 0, 6, 4, 0, 2, 2};

	memcpy(arp + 14, ip, 4);
	say_packet(lan, 0x0806, 0, arp, sizeof(arp));
}

static void wrong_ip_is_spoofed(void **state)
{
	struct lan *lan = *state;
	const uint8_t good[] = {192, 0, 2, 77}, bad[] = {192, 0, 3, 77}, none[] = {0, 0, 0, 0};

	rule(lan, A, "{\"allow_ip\":[\"192.0.2.0/24\",\"198.51.100.1\"]}");
	say_packet(lan, 0x0800, 12, good, 4);
	say_arp(lan, good);
	lan_say(lan, A, BROADCAST, A, 0);	/* no IP at all */
	assert_int_equal(lan_count(lan, B), 3);
	say_packet(lan, 0x0800, 12, bad, 4);
	say_packet(lan, 0x0800, 12, none, 4);
	say_arp(lan, bad);
	assert_int_equal(lan_drops(lan, A, DROP_SPOOFED), 3);
	/* No IPv6 is allowed: not even link-local. */
	say_packet(lan, 0x86dd, 0, link_local, sizeof(link_local));
	assert_int_equal(lan_drops(lan, A, DROP_SPOOFED), 4);
	assert_int_equal(lan_count(lan, B), 0);
}

/* IPv6 from an address of the guest, with one header and 60 bytes of content. */
static void say_ip6(struct lan *lan, uint8_t next, const uint8_t *content, size_t length)
{
	uint8_t packet[84] = { [0] = 0x60, [5] = (uint8_t)length, next, [8] = 0x20, [9] = 1, [10] = 0x0d, [11] = 0xb8,
			       [23] = 1 };

	memcpy(packet + 40, content, length);
	say_packet(lan, 0x86dd, 0, packet, sizeof(packet));
}

static void wrong_advertisement_is_spoofed(void **state)
{
	struct lan *lan = *state;
	const uint8_t good[24] = { 136, [8] = 0x20, 1, 0x0d, 0xb8, [23] = 9 };
	const uint8_t bad[24] = { 136, [8] = 0x20, 1, 0x0d, 0xb9, [23] = 9 };
	uint8_t hidden[32] = { 58 }, cut[16] = { 58, [8] = 136 };

	rule(lan, A, "{\"allow_ip\":[\"2001:db8::/32\"]}");
	say_ip6(lan, 58, good, sizeof(good));
	say_ip6(lan, 17, bad, sizeof(bad));
	assert_int_equal(lan_count(lan, B), 2);
	say_ip6(lan, 58, bad, sizeof(bad));
	memcpy(hidden + 8, bad, sizeof(bad));
	say_ip6(lan, 0, hidden, sizeof(hidden));
	say_ip6(lan, 44, cut, sizeof(cut));
	hidden[1] = 200; /* beyond the frame */
	say_ip6(lan, 60, hidden, sizeof(hidden));
	assert_int_equal(lan_count(lan, B), 0);
	assert_int_equal(lan_drops(lan, A, DROP_SPOOFED), 4);
	say_packet(lan, 0x86dd, 0, link_local, sizeof(link_local));
	assert_int_equal(lan_count(lan, B), 1);
}

static void guest_over_its_rate_waits_and_loses_nothing(void **state)
{
	struct lan *lan = *state;
	uint8_t frame[FRAME];

	rule(lan, A, "{\"rx_packets\":1}");
	for (unsigned int i = 0; i < 24; i++)
		lan_send(lan, A, NULL, frame, lan_frame(frame, BROADCAST, A, 0, sizeof(frame)));
	assert_int_equal(lan_pass(lan), 16);
	assert_int_equal(lan_pass(lan), 0);
	assert_true(lan->view->ports[A]->from[0].held.since);
	lan_say(lan, B, BROADCAST, B, 0);	/* others go on */
	rule(lan, A, "{\"rx_packets\":0}");
	assert_int_equal(lan_pass(lan), 8);
	for (enum drop reason = 1; reason < DROP_COUNT; reason++)
		assert_int_equal(lan_drops(lan, A, reason), 0);
}

static void frames_over_the_rate_of_a_receiver_are_dropped(void **state)
{
	struct lan *lan = *state;

	rule(lan, B, "{\"tx_packets\":1}");
	lan_say(lan, A, BROADCAST, A, 0);
	lan_say(lan, A, BROADCAST, A, 0);
	assert_int_equal(lan_count(lan, B), 1);
	assert_int_equal(lan_count(lan, C), 2);
	assert_int_equal(lan_drops(lan, B, DROP_RATE), 1);
}

static void storm_is_held_back_and_the_rest_is_not(void **state)
{
	struct lan *lan = *state;

	learn_all(lan, 0);
	rule(lan, A, "{\"storm_packets\":1}");
	for (unsigned int i = 0; i < 3; i++)
		lan_say(lan, A, BROADCAST, A, 0);
	lan_say(lan, A, 99, A, 0);	/* unknown */
	lan_say(lan, A, B, A, 0);
	assert_int_equal(lan_count(lan, B), 2);
	assert_int_equal(lan_count(lan, C), 1);
	assert_int_equal(lan_drops(lan, A, DROP_STORM), 3);
}

static void mirror_gets_both_directions(void **state)
{
	struct lan *lan = *state;

	learn_all(lan, 0);
	strcpy(lan->stations[C].port.port.name, "monitor");
	rule(lan, A, "{\"mirror\":\"monitor\"}");
	lan_say(lan, A, B, A, 0);
	assert_int_equal(lan_count(lan, C), 1);
	lan_say(lan, B, A, B, 0);
	assert_int_equal(lan_count(lan, C), 1);
	assert_int_equal(lan_count(lan, A), 1);
	assert_int_equal(lan_count(lan, B), 1);
	rule(lan, A, "{\"mirror\":\"none\"}");
	lan_say(lan, A, B, A, 0);
	assert_int_equal(lan_count(lan, C), 0);
}

static void fixed_station_does_not_move(void **state)
{
	struct lan *lan = *state;

	rule(lan, B, "{\"stations\":[\"02:00:00:00:00:07\",\"02:00:00:00:00:08@10\"]}");
	lan_say(lan, A, 7, A, 0);
	assert_int_equal(lan_count(lan, B), 1);
	lan_say(lan, C, BROADCAST, 7, 0);
	lan_count(lan, B);
	lan_say(lan, A, 7, A, 0);
	assert_int_equal(lan_count(lan, B), 1);
	lan_say(lan, A, 8, A, 10);
	assert_int_equal(lan_count(lan, B), 1);
	assert_int_equal(lan_count(lan, C), 0);
	lan_say(lan, A, 8, A, 0);	/* not in this VLAN */
	assert_int_equal(lan_count(lan, C), 1);
}

static void age_is_the_bridges_own(void **state)
{
	struct lan *lan = *state;

	lan->bridge.age = 20;
	lan_redraw(lan);
	learn_all(lan, 0);
	lan->now += 15 * MAC_TABLE_SECOND;
	lan_say(lan, A, B, A, 0);
	assert_int_equal(lan_count(lan, C), 0);
	lan->now += 6 * MAC_TABLE_SECOND;
	lan_say(lan, A, B, A, 0);
	assert_int_equal(lan_count(lan, C), 1);
}

static void change_keeps_the_other_rules(void **state)
{
	struct lan *lan = *state;
	struct port_rules *rules = &lan->stations[A].port.member.rules;

	rule(lan, A, "{\"vlan\":\"access:10\",\"rx_rate\":1000000}");
	rule(lan, A, "{\"rx_rate\":0,\"isolated\":true}");
	assert_string_equal(json_object_to_json_string_ext(rules->json, JSON_C_TO_STRING_PLAIN),
			    "{\"vlan\":\"access:10\",\"isolated\":true}");
	rule(lan, A, "{\"vlan\":\"none\",\"isolated\":false}");
	assert_null(rules->json);
	assert_null(lan->view->ports[A]->rules);
}

static void wrong_rules_change_nothing(void **state)
{
	static const char *const wrong[] = {
		"{\"vlan\":\"access:0\"}", "{\"vlan\":\"access:4095\"}", "{\"vlan\":\"access:\"}",
		"{\"vlan\":\"trunk:20-10\"}", "{\"vlan\":\"trunk:5,native:6,native:7\"}",
		"{\"vlan\":\"10\"}", "{\"vlan\":\"access:10x\"}", "{\"vlan\":10}",
		"{\"vlan\":\"access:-1\"}", "{\"vlan\":\"other:1\"}",
		"{\"allow_mac\":[\"01:00:00:00:00:01\"]}", "{\"allow_mac\":[\"02:00:00:00:00\"]}",
		"{\"allow_mac\":[7]}", "{\"allow_mac\":\"02:00:00:00:00:01\"}",
		"{\"allow_ip\":[\"192.0.2.0/33\"]}", "{\"allow_ip\":[\"192.0.2\"]}",
		"{\"allow_ip\":[\"2001:db8::/129\"]}", "{\"allow_ip\":[\"192.0.2.1/\"]}",
		"{\"allow_ip\":[\"192.0.2.1/-1\"]}", "{\"allow_ip\":[null]}",
		"{\"rx_rate\":-1}", "{\"tx_rate\":\"1G\"}", "{\"mirror\":\"p\"}",
		"{\"stations\":[\"02:00:00:00:00:01@4095\"]}",
		"{\"stations\":[\"02:00:00:00:00:01@1x\"]}", "{\"stations\":[\"02:00:00:00:00:01@\"]}",
		"{\"cpus\":\"1-\"}", "{\"cpus\":\"a\"}", "{\"cpus\":3}",
		"{\"isolated\":1}", "{\"colour\":\"red\"}",
	};
	struct lan *lan = *state;
	struct port_rules *rules = &lan->stations[A].port.member.rules;

	rule(lan, A, "{\"vlan\":\"access:10\"}");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct json_object *object = json_tokener_parse(wrong[i]);
		int error = port_rules_change(rules, lan->iov, "p", object);

		if (error != -EINVAL)
			fail_msg("%s: %d", wrong[i], error);
		assert_non_null(strstr(iov_error_message(lan->iov), "p: "));
		assert_int_equal(rules->vlan.vid, 10);
		json_object_put(object);
	}
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(access_ports_neither_see_nor_send_tags),
		CASE(transparent_port_sees_the_tag_of_an_access_port),
		CASE(trunk_carries_its_vlans),
		CASE(known_station_outside_the_vlan_is_not_reached),
		CASE(tunnel_carries_tags_inside_its_own),
		CASE(no_frame_leaves_in_the_vlan_of_an_inner_tag),
		CASE(service_tags_stay_what_they_are),
		CASE(offloads_move_with_the_tag),
		CASE(longest_frame_has_no_room_for_a_tag),
		CASE(wrong_mac_is_spoofed),
		CASE(wrong_ip_is_spoofed),
		CASE(wrong_advertisement_is_spoofed),
		CASE(guest_over_its_rate_waits_and_loses_nothing),
		CASE(frames_over_the_rate_of_a_receiver_are_dropped),
		CASE(storm_is_held_back_and_the_rest_is_not),
		CASE(mirror_gets_both_directions),
		CASE(fixed_station_does_not_move),
		CASE(age_is_the_bridges_own),
		CASE(change_keeps_the_other_rules),
		CASE(wrong_rules_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
