// SPDX-License-Identifier: GPL-2.0-or-later
// Who claims an address must own it: whatever makes the claim, and whatever it is wrapped in.
#include <string.h>

#include "tests/unit/test.h"
#include "vhost-user/switch/source_guard.h"

#define ME 2, 0, 0, 0, 0, 1
#define OTHER 2, 0, 0, 0, 0, 2
#define MY_IP 192, 0, 2, 10
#define OTHER_IP 192, 0, 2, 1
#define MY_IP6 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10
#define OTHER_IP6 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11
#define MY_LOCAL 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 1
#define ROUTER_LOCAL 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
#define MAPPED_IP6 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, MY_IP
#define NOBODY 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define ALL_NODES 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1

#define PAYLOAD_MAX 128

/* Whom a packet is from decides, by the guard of enum who. */
enum who {
	NONE,	 /* nobody with a guard */
	ROUTER,	 /* who may use all addresses, but no MAC address but its own */
	ANYBODY, /* MAC and IP addresses are its own */
};

struct claim {
	const char *name;
	uint16_t type;
	enum who who;
	uint8_t length;
	uint8_t bytes[PAYLOAD_MAX];
};

#define ARP(op, mac, ip) 0x0806, .length = 28, .bytes = { 0, 1, 8, 0, 6, 4, 0, op, mac, ip }
#define IP4(protocol, ip, more...)                                                                 \
	0x0800, .length = 100, .bytes = { 0x45, [9] = protocol, [12] = ip, 198, 51, 100, 1, more }
#define IP4_TO_ALL(ip, more...)                                                                    \
	0x0800, .length = 100,                                                                     \
	.bytes = { 0x45, [9] = 17, [12] = ip, 255, 255, 255, 255, more }
/* UDP from one port to another, with a message of DHCP. */
#define DHCP(from, to, op, ciaddr, giaddr, mac)                                                    \
	0, from, 0, to, 0, 0, 0, 0, op, 1, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, ciaddr, 0, 0, 0, 0, 0, 0, \
		0, 0, giaddr, mac
#define ZERO 0, 0, 0, 0
#define IP6(next, size, ip, more...)                                                               \
	0x86dd, .length = 40 + (size),                                                             \
	.bytes = { 0x60, 0, 0, 0, 0, size, next, 255, ip, ALL_NODES, more }
#define ND(kind, target) kind, 0, 0, 0, 0, 0, 0, 0, target

static const struct claim claims[] = {
	{ "ARP: own", ARP(2, ME, MY_IP), .who = ANYBODY },
	{ "ARP: who has it before I take it", ARP(1, ME, ZERO), .who = ANYBODY },
	{ "ARP: other address", ARP(2, ME, OTHER_IP), .who = ROUTER },
	{ "ARP: request as another", ARP(1, ME, OTHER_IP), .who = ROUTER },
	{ "ARP: other MAC", ARP(2, OTHER, MY_IP), .who = NONE },
	{ "ARP: nobody answers", ARP(2, ME, ZERO), .who = ROUTER },
	{ "ARP of IEEE 802", 0x0806, ROUTER, 28, { 0, 6, 8, 0, 6, 4, 0, 2, ME, OTHER_IP } },
	{ "ARP of another length", 0x0806, NONE, 32, { 0, 1, 8, 0, 8, 4, 0, 2, ME, 0, 0, MY_IP } },
	{ "ARP that is cut", 0x0806, NONE, 20, { 0, 1, 8, 0, 6, 4, 0, 2, ME, MY_IP } },
	{ "RARP: announcement", 0x8035, ANYBODY, 28, { 0, 1, 8, 0, 6, 4, 0, 3, ME, ZERO, ME } },
	{ "RARP: announcement of another", 0x8035, NONE, 28,
	  { 0, 1, 8, 0, 6, 4, 0, 3, OTHER, ZERO, OTHER } },
	{ "RARP: reply of a server", 0x8035, ROUTER, 28, { 0, 1, 8, 0, 6, 4, 0, 4, ME, MY_IP, OTHER } },
	{ "IPv4: own", IP4(6, MY_IP), .who = ANYBODY },
	{ "IPv4: other", IP4(6, OTHER_IP), .who = ROUTER },
	{ "IPv4: nobody", IP4(6, ZERO), .who = ROUTER },
	{ "IPv4: nobody, to some port", IP4_TO_ALL(ZERO, 0, 68, 0, 53), .who = ROUTER },
	{ "IPv4: header that is too short", 0x0800, NONE, 40, { 0x44, [9] = 17, [12] = MY_IP } },
	{ "IPv4: of another version", 0x0800, NONE, 40, { 0x65, [9] = 17, [12] = MY_IP } },
	{ "IPv4: header beyond the frame", 0x0800, NONE, 24, { 0x4f, [9] = 17, [12] = MY_IP } },
	{ "ICMP: echo", IP4(1, MY_IP, 8), .who = ANYBODY },
	{ "ICMP: redirect", IP4(1, MY_IP, 5), .who = ROUTER },
	{ "ICMP: router advertisement", IP4(1, MY_IP, 9), .who = ROUTER },
	{ "ICMP: redirect in a first fragment", 0x0800, ROUTER, 60,
	  { 0x45, [6] = 0x20, [9] = 1, [12] = MY_IP, [20] = 5 } },
	{ "ICMP: later fragment", 0x0800, ANYBODY, 60,
	  { 0x45, [7] = 1, [9] = 1, [12] = MY_IP, [20] = 5 } },
	{ "DHCP: asks for an address", IP4_TO_ALL(ZERO, DHCP(68, 67, 1, ZERO, ZERO, ME)), .who = ANYBODY },
	{ "DHCP: asks one server", IP4(17, ZERO, DHCP(68, 67, 1, ZERO, ZERO, ME)), .who = ROUTER },
	{ "DHCP: asks for another", IP4_TO_ALL(ZERO, DHCP(68, 67, 1, ZERO, ZERO, OTHER)), .who = NONE },
	{ "DHCP: asks in pieces", 0x0800, ROUTER, 100,
	  { 0x45, [6] = 0x20, [9] = 17, [12] = ZERO, 255, 255, 255, 255,
	    DHCP(68, 67, 1, ZERO, ZERO, ME) } },
	{ "DHCP: renews", IP4(17, MY_IP, DHCP(68, 67, 1, MY_IP, ZERO, ME)), .who = ANYBODY },
	{ "DHCP: releases another's", IP4(17, MY_IP, DHCP(68, 67, 1, OTHER_IP, ZERO, ME)), .who = ROUTER },
	{ "DHCP: relays", IP4(17, MY_IP, DHCP(67, 67, 1, ZERO, MY_IP, OTHER)), .who = ROUTER },
	{ "DHCP: any port will do", IP4(17, MY_IP, DHCP(99, 67, 1, OTHER_IP, ZERO, ME)), .who = ROUTER },
	{ "DHCP: reply of a server", IP4(17, MY_IP, DHCP(67, 68, 2, ZERO, ZERO, OTHER)), .who = ROUTER },
	{ "DHCP: reply to a relay", IP4(17, MY_IP, DHCP(67, 67, 2, ZERO, ZERO, ME)), .who = ROUTER },
	{ "IPv6: own", IP6(6, 20, MY_IP6), .who = ANYBODY },
	{ "IPv6: link-local of the MAC", IP6(6, 20, MY_LOCAL), .who = ANYBODY },
	{ "IPv6: other", IP6(6, 20, OTHER_IP6), .who = ROUTER },
	{ "IPv6: link-local of another", IP6(6, 20, ROUTER_LOCAL), .who = ROUTER },
	{ "IPv6: own IPv4 address in IPv6", IP6(6, 20, MAPPED_IP6), .who = ROUTER },
	{ "IPv6: nobody", IP6(17, 20, NOBODY), .who = NONE },
	{ "IPv6: of another version", 0x86dd, NONE, 60, { 0x45, [6] = 6, 64, MY_IP6 } },
	{ "advertisement: own", IP6(58, 24, MY_IP6, ND(136, MY_IP6)), .who = ANYBODY },
	{ "advertisement: own, with own MAC", IP6(58, 32, MY_LOCAL, ND(136, MY_LOCAL), 2, 1, ME),
	  .who = ANYBODY },
	{ "advertisement: own, with another MAC", IP6(58, 32, MY_IP6, ND(136, MY_IP6), 2, 1, OTHER),
	  .who = NONE },
	{ "advertisement: another MAC behind others",
	  IP6(58, 48, MY_IP6, ND(136, MY_IP6), 14, 1, 0, 0, 0, 0, 0, 0, 2, 1, ME, 1, 1, OTHER), .who = NONE },
	{ "advertisement: option of nothing", IP6(58, 32, MY_IP6, ND(136, MY_IP6), 2, 0, ME), .who = NONE },
	{ "advertisement: option beyond the end", IP6(58, 32, MY_IP6, ND(136, MY_IP6), 14, 2),
	  .who = NONE },
	{ "advertisement: the router", IP6(58, 24, MY_LOCAL, ND(136, ROUTER_LOCAL)), .who = ROUTER },
	{ "advertisement: as the router", IP6(58, 24, ROUTER_LOCAL, ND(136, ROUTER_LOCAL)), .who = ROUTER },
	{ "advertisement: other", IP6(58, 24, MY_IP6, ND(136, OTHER_IP6)), .who = ROUTER },
	{ "advertisement: of nobody", IP6(58, 24, NOBODY, ND(136, MY_IP6)), .who = NONE },
	{ "advertisement: cut", IP6(58, 20, MY_IP6, ND(136, MY_IP6)), .who = NONE },
	{ "advertisement: in pieces", IP6(44, 32, MY_IP6, 58, 0, 0, 1, 0, 0, 0, 0, ND(136, MY_IP6)),
	  .who = NONE },
	{ "advertisement: in one piece", IP6(44, 32, MY_IP6, 58, 0, 0, 0, 0, 0, 0, 0, ND(136, MY_IP6)),
	  .who = NONE },
	{ "advertisement: in a piece of a piece",
	  IP6(44, 40, MY_IP6, 44, 0, 0, 0, 0, 0, 0, 0, 58, 0, 0, 0, 0, 0, 0, 0, ND(136, OTHER_IP6)),
	  .who = NONE },
	{ "advertisement: behind a header in a piece",
	  IP6(44, 40, MY_IP6, 60, 0, 0, 1, 0, 0, 0, 0, 58, 0, 0, 0, 0, 0, 0, 0, ND(136, OTHER_IP6)),
	  .who = NONE },
	{ "ping in pieces", IP6(44, 32, MY_IP6, 58, 0, 0, 1, 0, 0, 0, 0, 128), .who = ANYBODY },
	{ "ping in pieces, a later one", IP6(44, 32, MY_IP6, 58, 0, 0, 9, 0, 0, 0, 0, 136), .who = ANYBODY },
	{ "solicitation: own", IP6(58, 32, MY_LOCAL, ND(135, ROUTER_LOCAL), 1, 1, ME), .who = ANYBODY },
	{ "solicitation: with another MAC", IP6(58, 32, MY_LOCAL, ND(135, ROUTER_LOCAL), 1, 1, OTHER),
	  .who = NONE },
	{ "solicitation: as the router", IP6(58, 32, ROUTER_LOCAL, ND(135, OTHER_IP6), 1, 1, ME),
	  .who = ROUTER },
	{ "solicitation: is it free", IP6(58, 24, NOBODY, ND(135, MY_LOCAL)), .who = ANYBODY },
	{ "solicitation: is the router's free", IP6(58, 24, NOBODY, ND(135, ROUTER_LOCAL)), .who = ROUTER },
	{ "router solicitation", IP6(58, 16, MY_LOCAL, 133, 0, 0, 0, 0, 0, 0, 0, 1, 1, ME), .who = ANYBODY },
	{ "router solicitation of nobody", IP6(58, 8, NOBODY, 133), .who = ANYBODY },
	{ "router advertisement", IP6(58, 16, MY_LOCAL, 134, 64), .who = ROUTER },
	{ "router advertisement of nobody", IP6(58, 16, NOBODY, 134, 64), .who = NONE },
	{ "redirect", IP6(58, 40, MY_LOCAL, ND(137, MY_LOCAL)), .who = ROUTER },
	{ "listener report of nobody", IP6(0, 16, NOBODY, 58, 0, 5, 2, 0, 0, 1, 0, 143), .who = ANYBODY },
	{ "ping of nobody", IP6(58, 8, NOBODY, 128), .who = NONE },
	{ "DHCPv6: asks", IP6(17, 20, MY_LOCAL, 2, 34, 2, 35), .who = ANYBODY },
	{ "DHCPv6: reply of a server", IP6(17, 20, MY_LOCAL, 2, 35, 2, 34), .who = ROUTER },
	{ "DHCPv6: reply in pieces", IP6(44, 28, MY_LOCAL, 17, 0, 0, 1, 0, 0, 0, 0, 2, 35, 2, 34),
	  .who = ROUTER },
	{ "no IP", 0x88b5, ANYBODY, 46, { 0 } },
};

/* What may be in front of an EtherType. */
static const struct wrap {
	const char *name;
	uint8_t length;
	uint8_t bytes[16];
} wraps[] = {
	{ "plain", 0, { 0 } },
	{ "VLAN", 4, { 0x81, 0, 0, 10 } },
	{ "priority", 4, { 0x81, 0, 0xe0, 0 } },
	{ "two tags", 8, { 0x88, 0xa8, 0, 100, 0x81, 0, 0, 10 } },
	{ "SNAP", 8, { 0, 100, 0xaa, 0xaa, 3, 0, 0, 0 } },
	{ "SNAP of bridges", 8, { 0, 100, 0xaa, 0xaa, 3, 0, 0, 0xf8 } },
	{ "SNAP in a VLAN", 12, { 0x81, 0, 0, 10, 0, 100, 0xaa, 0xaa, 3, 0, 0, 0 } },
};

/* @place: where a checksum is still to be completed, 0 for nowhere. */
static bool admits_unfinished(const struct source_guard *guard, const uint8_t *bytes,
			      uint32_t length, uint32_t place)
{
	uint8_t room[FRAME_HEAD_MAX] = { 0 };
	struct frame frame = { .head = room, .length = length, .head_length = length };

	assert_true(length <= sizeof(room));
	memcpy(room, bytes, length);
	if (place) {
		frame.needs = FRAME_NEED_CSUM;
		frame.csum_start = (uint16_t)place;
	}
	return source_guard_admits(guard, &frame);
}

static bool admits(const struct source_guard *guard, const uint8_t *bytes, uint32_t length)
{
	return admits_unfinished(guard, bytes, length, 0);
}

/* A frame with this claim; returns its length. */
static uint32_t make_claim(uint8_t frame[256], const struct claim *claim, const struct wrap *wrap)
{
	uint8_t *at = frame + 12;

	memcpy(frame, (uint8_t[]){ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ME }, 12);
	memcpy(at, wrap->bytes, wrap->length);
	at += wrap->length;
	*at++ = (uint8_t)(claim->type >> 8);
	*at++ = (uint8_t)claim->type;
	memcpy(at, claim->bytes, claim->length);
	return (uint32_t)(at - frame) + claim->length;
}

static bool admits_claim(const struct source_guard *guard, const struct claim *claim,
			 const struct wrap *wrap)
{
	uint8_t frame[256];
	uint32_t length = make_claim(frame, claim, wrap);

	return admits(guard, frame, length);
}

static struct source_guard guard_of(const char *const *prefixes)
{
	struct source_guard guard = { .mac_count = 1, .macs = { { ME } } };

	for (; *prefixes; prefixes++)
		assert_return_code(source_guard_add_ip(&guard, *prefixes), 0);
	return guard;
}

static void claims_are_for_who_owns_the_address(void **state)
{
	const struct source_guard own =
		guard_of((const char *[]){ "192.0.2.10", "2001:db8::10", NULL });
	const struct source_guard router = guard_of((const char *[]){ "0.0.0.0/0", "::/0", NULL });
	const struct source_guard mac = guard_of((const char *[]){ NULL });
	unsigned int wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
		for (size_t j = 0; j < sizeof(wraps) / sizeof(*wraps); j++) {
			const struct claim *claim = &claims[i];
			const struct wrap *wrap = &wraps[j];

			if (admits_claim(&own, claim, wrap) != (claim->who == ANYBODY) ||
			    admits_claim(&router, claim, wrap) != (claim->who != NONE) ||
			    admits_claim(&mac, claim, wrap) != (claim->who != NONE)) {
				print_error("%s (%s)\n", claim->name, wrap->name);
				wrong++;
			}
		}
	}
	assert_int_equal(wrong, 0);
}

/* Headers in front of what they are about to say. */
static void extension_headers_hide_nothing(void **state)
{
	static const uint8_t extensions[] = { 0, 43, 60 };
	const struct source_guard own =
		guard_of((const char *[]){ "192.0.2.10", "2001:db8::10", NULL });
	unsigned int count = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
		struct claim claim = claims[i];

		for (unsigned int j = 0; j < 2 * sizeof(extensions); j++) {
			const uint8_t extension = extensions[j % sizeof(extensions)];

			if (claim.type != 0x86dd || claim.bytes[0] >> 4 != 6 ||
			    claim.length + 8 > PAYLOAD_MAX)
				break;
			memmove(claim.bytes + 48, claim.bytes + 40, (size_t)claim.length - 40);
			memset(claim.bytes + 40, 0, 8);
			claim.bytes[40] = claim.bytes[6];
			claim.bytes[6] = extension;
			claim.bytes[5] = (uint8_t)(claim.bytes[5] + 8);
			claim.length = (uint8_t)(claim.length + 8);
			if (admits_claim(&own, &claim, &wraps[0]) != (claim.who == ANYBODY))
				fail_msg("%s behind %u headers", claim.name, j + 1);
			count++;
		}
	}
	assert_true(count > 100);
}

/* Of a frame that ends early nobody knows what it would have said. */
static void what_is_cut_is_no_more_than_the_whole(void **state)
{
	const struct source_guard own =
		guard_of((const char *[]){ "192.0.2.10", "2001:db8::10", NULL });

	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
		struct claim claim = claims[i];

		if (claim.who == ANYBODY)
			continue;
		for (; claim.length; claim.length--)
			if (admits_claim(&own, &claim, &wraps[0]))
				fail_msg("%s of %u bytes", claim.name, claim.length);
	}
}

/* What is at the place of a checksum meanwhile is not what will be there. */
static void checksum_becomes_no_claim(void **state)
{
	const struct source_guard own =
		guard_of((const char *[]){ "192.0.2.10", "2001:db8::10", NULL });
	const size_t count = sizeof(claims) / sizeof(*claims);
	unsigned int changed = 0;

	(void)state;
	for (size_t i = 0; i < count * count; i++) {
		const struct claim *claim = &claims[i / count], *as = &claims[i % count];
		uint8_t frame[256], other[256] = { 0 };
		uint32_t length, l3 = 14;

		if (claim->who == ANYBODY || as->who != ANYBODY || as->type != claim->type)
			continue;
		length = make_claim(frame, claim, &wraps[0]);
		make_claim(other, as, &wraps[0]);
		for (uint32_t at = l3; at + 2 <= length; at++) {
			uint8_t kept[2] = { frame[at], frame[at + 1] };

			memcpy(frame + at, other + at, 2);
			changed += admits(&own, frame, length);
			if (admits_unfinished(&own, frame, length, at))
				fail_msg("%s as %s at %u", claim->name, as->name, at);
			memcpy(frame + at, kept, 2);
		}
	}
	/* Of which it would have been one. */
	assert_true(changed > 10);
}

static void checksum_of_udp_is_no_part_of_a_claim(void **state)
{
	static const struct claim asks = { "", IP4(17, MY_IP, DHCP(68, 67, 1, MY_IP, ZERO, ME)),
					   .who = ANYBODY };
	const struct source_guard own = guard_of((const char *[]){ "192.0.2.10", NULL });
	uint8_t frame[256];
	uint32_t length = make_claim(frame, &asks, &wraps[0]);

	(void)state;
	assert_true(admits_unfinished(&own, frame, length, 34 + 6));
	assert_false(admits_unfinished(&own, frame, length, 34 + 2));
	assert_false(admits_unfinished(&own, frame, length, 34 + 8 + 28));
	assert_true(admits_unfinished(&own, frame, length, 34 + 8 + 40));
}

static void wraps_that_are_not_understood_are_not_admitted(void **state)
{
	static const struct {
		bool admitted;
		uint8_t bytes[12];
	} cases[] = {
		{ false, { 0x91, 0, 0, 10, 8, 6 } },		/* tags before 802.1ad */
		{ false, { 0x92, 0, 0, 10, 8, 6 } },
		{ false, { 0x93, 0, 0, 10, 8, 6 } },
		{ true, { 0x91, 0x01, 0, 10, 8, 6 } },
		{ false, { 0, 40, 0x06, 0x06, 3, 0x45 } },	/* IP and ARP without SNAP */
		{ false, { 0, 40, 0x98, 0x98, 3 } },
		{ false, { 0, 40, 0xab, 0xab, 3, 0, 0, 0, 8, 6 } },	/* a group of SNAP */
		{ false, { 0, 40, 0xff, 0xaa, 3, 0, 0, 0, 8, 6 } },	/* to all */
		{ false, { 0, 40, 0xaa, 0xaa, 0xf3, 0, 0, 0, 8, 6 } },
		{ false, { 0, 40, 0xaa, 0xaa, 3, 0, 0, 0, 0x81, 0 } },	/* a tag inside */
		{ true, { 0, 40, 0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0 } },	/* CDP */
		{ true, { 0, 40, 0x42, 0x42, 3, 0, 0, 0, 0 } },	/* STP */
		{ true, { 0, 40, 0xfe, 0xfe, 3, 0x83 } },	/* IS-IS */
	};
	const struct source_guard own = guard_of((const char *[]){ "192.0.2.10", NULL });

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ME };

		memcpy(frame + 12, cases[i].bytes, sizeof(cases[i].bytes));
		if (admits(&own, frame, sizeof(frame)) != cases[i].admitted)
			fail_msg("case %zu", i);
	}
}

/* Tags up to the end of what we see. */
static void tags_without_end_hide_nothing(void **state)
{
	const struct source_guard own = guard_of((const char *[]){ "192.0.2.10", NULL });
	uint8_t frame[FRAME_HEAD_MAX] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ME };

	(void)state;
	for (size_t i = 12; i + 4 <= sizeof(frame); i += 4)
		memcpy(frame + i, (uint8_t[]){ 0x81, 0, 0, 10 }, 4);
	assert_false(admits(&own, frame, sizeof(frame)));
}

static void families_are_apart(void **state)
{
	const struct source_guard four = guard_of((const char *[]){ "0.0.0.0/0", NULL });
	const struct source_guard six = guard_of((const char *[]){ "::/0", NULL });

	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
		const struct claim *claim = &claims[i];
		bool is_announcement = claim->type == 0x8035 || claim->bytes[14] == 0;

		if (claim->type == 0x86dd)
			assert_false(admits_claim(&four, claim, &wraps[0]));
		else if (claim->type == 0x0800 || (claim->type == 0x0806 && !is_announcement))
			assert_false(admits_claim(&six, claim, &wraps[0]));
	}
}

static void without_addresses_everything_passes(void **state)
{
	const struct source_guard none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++)
		assert_true(admits_claim(&none, &claims[i], &wraps[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_are_for_who_owns_the_address),
		cmocka_unit_test(extension_headers_hide_nothing),
		cmocka_unit_test(what_is_cut_is_no_more_than_the_whole),
		cmocka_unit_test(checksum_becomes_no_claim),
		cmocka_unit_test(checksum_of_udp_is_no_part_of_a_claim),
		cmocka_unit_test(wraps_that_are_not_understood_are_not_admitted),
		cmocka_unit_test(tags_without_end_hide_nothing),
		cmocka_unit_test(families_are_apart),
		cmocka_unit_test(without_addresses_everything_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
