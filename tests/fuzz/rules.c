// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames of any bytes through the rules of ports, VLANs and a MAC table that is too small for
 * all who send: what a port may not send nobody gets, no frame leaves in another VLAN than it
 * came in, and nobody loses a station to who has more of them.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/test.h"
#include "vhost-user/switch/mac_table.h"
#include "vhost-user/switch/source_guard.h"
#include "vhost-user/switch/vlan.h"

#define ROOM (FRAME_HEADROOM + FRAME_HEAD_MAX)
#define PORTS 4
#define AGE 64

static const char *const vlans[] = {
	"none", "access:2", "access:3", "trunk:2-4", "trunk:3,native:2", "tunnel:2", "tunnel:3",
	"trunk:native:3",
};
#define VLAN_RULES (sizeof(vlans) / sizeof(*vlans))

/* Over all inputs. */
static unsigned int admitted, spoofed, passed, refused, kept, unplaced, moved;

static struct vlan_rules vlan_rules[VLAN_RULES];
static struct source_guard guards[3];

static void open_all(void)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	struct iov *iov;

	assert_return_code(iov_open(&iov, NULL), 0);
	for (size_t i = 0; i < VLAN_RULES; i++)
		assert_return_code(vlan_parse(&vlan_rules[i], iov, "p", vlans[i]), 0);
	iov_close(iov);
	for (unsigned int i = 0; i < 3; i++) {
		guards[i].mac_count = 1;
		memcpy(guards[i].macs[0], mac, 6);
	}
	assert_return_code(source_guard_add_ip(&guards[0], "192.0.2.10"), 0);
	assert_return_code(source_guard_add_ip(&guards[0], "2001:db8::10"), 0);
	assert_return_code(source_guard_add_ip(&guards[1], "0.0.0.0/0"), 0);
	assert_return_code(source_guard_add_ip(&guards[1], "::/0"), 0);
}

/* What it says is behind its tags, as a bridge would read it that knows of nothing else. */
static bool claims_another(const struct frame *frame)
{
	static const uint8_t ip[4] = {192, 0, 2, 10};
	uint16_t type;
	uint32_t l3 = frame_l3(frame, &type);
	const uint8_t *at = frame->head + l3;

	if (type == ETH_P_IP && l3 + 20 <= frame->head_length)
		return memcmp(at + 12, ip, 4) && memcmp(at + 12, "\0\0\0", 4);
	if (type == ETH_P_ARP && l3 + 28 <= frame->head_length)
		return memcmp(at + 14, ip, 4) && memcmp(at + 14, "\0\0\0", 4);
	return false;
}

/* Who may say less never says more. */
static void guard(const struct frame *frame)
{
	bool own = source_guard_admits(&guards[0], frame);
	bool router = source_guard_admits(&guards[1], frame);
	bool mac = source_guard_admits(&guards[2], frame);

	assert_true(own <= router);
	assert_true(router == mac);
	assert_false(own && claims_another(frame));
	admitted += own;
	spoofed += !own;
}

/* As a neighbour sees it that is in the port's VLANs: 0 for none, or the native one. */
static uint16_t vlan_outside(const struct vlan_rules *rules, const struct frame *frame)
{
	uint16_t vid = frame_vlan(frame);

	if (rules->mode == VLAN_ACCESS || rules->mode == VLAN_TUNNEL)
		return rules->vid;
	return vid ? vid : rules->vid;
}

static void cross(const struct vlan_rules *from, const struct vlan_rules *to, struct frame *frame)
{
	uint16_t outside = vlan_outside(from, frame), inside;
	uint8_t tag[4], before[ROOM];
	uint32_t length;

	if (vlan_enter(from, frame)) {
		refused++;
		return;
	}
	inside = frame_vlan(frame);
	assert_int_equal(inside, outside);
	if (!vlan_carries(to, inside))
		return;
	length = frame->head_length;
	memcpy(before, frame->head, length);
	if (!vlan_leave(to, frame, tag)) {
		assert_int_equal(vlan_outside(to, frame), inside);
		if (to->mode == VLAN_ACCESS)
			assert_false(frame_is_tagged(frame));
		vlan_restore(frame, tag);
		passed++;
	}
	assert_int_equal(frame->head_length, length);
	assert_memory_equal(frame->head, before, length);
}

/* Begins as a frame that has something to say, so that few bytes make another one of it. */
static uint32_t write_template(uint8_t *at, uint8_t kind)
{
	static const uint8_t templates[][48] = {
		{8, 6, 0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 1, 192, 0, 2, 10},
		{8, 0, 0x45, 0, 0, 60, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 10, 255, 255, 255, 255, 0, 68, 0, 67},
		{0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255, 0x20, 1, 0x0d, 0xb8, [25] = 0x10, 0xff, 2, [41] = 1,
		 136},
		{0x86, 0xdd, 0x60, 0, 0, 0, 0, 40, 44, 255, 0xfe, 0x80, [21] = 0xff, 0xfe, 0, 0, 1, 0xff, 2,
		 [41] = 1, 58},
	};
	static const uint8_t wraps[][8] = {
		{0}, {0x81, 0, 0, 2}, {0x81, 0, 0, 0}, {0x88, 0xa8, 0, 3, 0x81, 0, 0, 2},
		{0x81, 0, 0, 0, 0x81, 0, 0, 3}, {0, 60, 0xaa, 0xaa, 3},
	};
	static const uint8_t lengths[] = {0, 4, 4, 8, 8, 8};
	unsigned int wrap = (kind >> 2) % 6;

	memcpy(at, "\2\0\0\0\0\2\2\0\0\0\0\1", 12);
	memcpy(at + 12, wraps[wrap], lengths[wrap]);
	memcpy(at + 12 + lengths[wrap], templates[kind & 3], sizeof(templates[0]));
	return 12u + lengths[wrap] + (uint32_t)sizeof(templates[0]);
}

static void send_one(struct fuzz_input *input)
{
	/* Just as large as they are, so that a sanitizer sees who looks beyond. */
	uint8_t kind = fuzz_u8(input), vlan = fuzz_u8(input), changes, *bytes;
	uint32_t length = FRAME_ETHERNET + fuzz_below(input, FRAME_HEAD_MAX - FRAME_ETHERNET + 1);
	uint8_t whole[FRAME_HEAD_MAX] = {0};
	struct frame frame;

	if (length == FRAME_ETHERNET)
		length = 90;
	write_template(whole, kind);
	for (changes = (uint8_t)fuzz_below(input, 16); changes; changes--) {
		uint32_t at = fuzz_below(input, FRAME_HEAD_MAX);

		whole[at] = fuzz_u8(input);
	}
	bytes = malloc(FRAME_HEADROOM + length);
	assert_non_null(bytes);
	memcpy(bytes + FRAME_HEADROOM, whole, length);
	frame = (struct frame){.head = bytes + FRAME_HEADROOM, .length = length, .head_length = length};
	guard(&frame);
	cross(&vlan_rules[vlan % VLAN_RULES], &vlan_rules[vlan / VLAN_RULES % VLAN_RULES], &frame);
	free(bytes);
}

/* Each port's first station is there first. */
static uint64_t first_of(uint32_t port)
{
	return 0xf000000000 + port;
}

static void learn_some(struct fuzz_input *input)
{
	struct mac_table *table;
	uint32_t now = 0;

	assert_return_code(mac_table_open(&table, 16, fuzz_u8(input)), 0);
	for (uint32_t port = 1; port <= PORTS; port++)
		assert_int_equal(mac_table_learn(table, first_of(port), port, 0, now, AGE), 0);
	for (unsigned int count = 0; count < 256 && fuzz_left(input); count++) {
		uint32_t port = 1 + fuzz_below(input, PORTS), lost, others;
		uint64_t key = 1 + fuzz_below(input, 256);

		if (fuzz_one_in(input, 32))
			now++;
		if (fuzz_one_in(input, 64)) {
			mac_table_forget(table, port);
			assert_int_equal(mac_table_count(table, port), 0);
			continue;
		}
		others = mac_table_find(table, key, now, AGE);
		lost = mac_table_learn(table, key, port, 0, now, AGE);
		moved += others && others != port;
		unplaced += !!lost;
		/* Who lost one for another's had more, and has as many at least but for that one. */
		if (lost && lost != port)
			assert_true(mac_table_count(table, lost) + 1 >= mac_table_count(table, port));
		if (lost != port)
			assert_int_equal(mac_table_find(table, key, now, AGE), port);
		for (uint32_t other = 1; other <= PORTS; other++) {
			/* A port with one station never gave way. */
			bool is_there = mac_table_find(table, first_of(other), now, AGE) == other;

			kept += is_there;
			assert_true(mac_table_count(table, other) || !is_there);
		}
	}
	mac_table_close(table);
}

static void run(struct fuzz_input *input)
{
	uint8_t frames = fuzz_u8(input) % 32;

	for (; frames; frames--)
		send_one(input);
	learn_some(input);
}

static void reached_everything(void)
{
	assert_true(admitted && spoofed && passed && refused);
	assert_true(kept && unplaced && moved);
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
