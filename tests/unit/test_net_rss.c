// SPDX-License-Identifier: GPL-2.0-or-later
// Hashes of frames, against the vectors that Microsoft publishes for RSS.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "tests/unit/test.h"
#include "vhost-user/net/net_rss.h"

static const uint8_t key[TOEPLITZ_KEY] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const struct vector {
	const char *to;
	uint16_t to_port;
	const char *from;
	uint16_t from_port;
	uint32_t ip;
	uint32_t tcp;
} vectors[] = {
	{ "161.142.100.80", 1766, "66.9.149.187", 2794, 0x323e8fc2, 0x51ccc178 },
	{ "65.69.140.83", 4739, "199.92.111.2", 14230, 0xd718262a, 0xc626b0ea },
	{ "12.22.207.184", 38024, "24.19.198.95", 12898, 0xd2d0a5de, 0x5c2b394a },
	{ "209.142.163.6", 2217, "38.27.205.30", 48228, 0x82989176, 0xafc7327f },
	{ "202.188.127.2", 1303, "153.39.163.191", 44251, 0x5d1809c5, 0x10e828a2 },
	{ "3ffe:2501:200:3::1", 1766, "3ffe:2501:200:1fff::7", 2794, 0x2cc18cd5, 0x40207d3d },
	{ "ff02::1", 4739, "3ffe:501:8::260:97ff:fe40:efab", 14230, 0x0f0c461c, 0xdde51bbf },
	{ "fe80::200:f8ff:fe21:67cf", 38024, "3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251,
	  0x4b61e985, 0x02d1feef },
};

struct packet {
	uint8_t bytes[128];
	struct frame frame;
	bool ip4;
};

static struct net_rss rss;

static void enable(uint32_t types)
{
	rss.types = types;
	toeplitz_prepare(&rss.toeplitz, key);
}

/* @skip bytes of extension headers, if any, are the caller's. */
static void make(struct packet *packet, const struct vector *vector, uint8_t protocol,
		 uint32_t skip)
{
	const uint16_t ports[] = { htons(vector->from_port), htons(vector->to_port) };
	uint8_t *ip = packet->bytes + 14;
	uint32_t l4;

	memset(packet, 0, sizeof(*packet));
	packet->ip4 = !strchr(vector->to, ':');
	memcpy(packet->bytes + 12, packet->ip4 ? "\x08\x00" : "\x86\xdd", 2);
	ip[0] = packet->ip4 ? 0x45 : 0x60;
	ip[packet->ip4 ? 9 : 6] = protocol;
	assert_int_equal(inet_pton(packet->ip4 ? AF_INET : AF_INET6, vector->from,
				   ip + (packet->ip4 ? 12 : 8)), 1);
	assert_int_equal(inet_pton(packet->ip4 ? AF_INET : AF_INET6, vector->to,
				   ip + (packet->ip4 ? 16 : 24)), 1);
	l4 = 14 + (packet->ip4 ? 20 : 40) + skip;
	memcpy(packet->bytes + l4, ports, sizeof(ports));
	packet->frame = (struct frame){ .head = packet->bytes, .length = l4 + 20,
					.head_length = l4 + 20 };
}

static void expect(struct packet *packet, uint32_t hash, uint8_t report)
{
	net_rss_hash(&rss, &packet->frame);
	assert_int_equal(packet->frame.hash_report, report);
	assert_int_equal(packet->frame.hash, hash);
}

static void hashes_are_those_that_are_published(void **state)
{
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		uint8_t more;

		enable(NET_RSS_TYPES);
		make(&packet, &vectors[i], IPPROTO_TCP, 0);
		more = packet.ip4 ? 0 : VIRTIO_NET_HASH_REPORT_IPv6 - VIRTIO_NET_HASH_REPORT_IPv4;
		expect(&packet, vectors[i].tcp, VIRTIO_NET_HASH_REPORT_TCPv4 + more);
		make(&packet, &vectors[i], IPPROTO_UDP, 0);
		expect(&packet, vectors[i].tcp, VIRTIO_NET_HASH_REPORT_UDPv4 + more);
		make(&packet, &vectors[i], IPPROTO_ICMP, 0);
		expect(&packet, vectors[i].ip, VIRTIO_NET_HASH_REPORT_IPv4 + more);
		enable(NET_RSS_TYPE(VIRTIO_NET_HASH_REPORT_IPv4) |
		       NET_RSS_TYPE(VIRTIO_NET_HASH_REPORT_IPv6));
		make(&packet, &vectors[i], IPPROTO_TCP, 0);
		expect(&packet, vectors[i].ip, VIRTIO_NET_HASH_REPORT_IPv4 + more);
		enable(0);
		expect(&packet, 0, VIRTIO_NET_HASH_REPORT_NONE);
	}
}

static void fragment_is_hashed_without_ports(void **state)
{
	struct packet packet;

	(void)state;
	enable(NET_RSS_TYPES);
	make(&packet, &vectors[0], IPPROTO_TCP, 0);
	packet.bytes[14 + 6] = 0x20; /* more fragments */
	expect(&packet, vectors[0].ip, VIRTIO_NET_HASH_REPORT_IPv4);
	make(&packet, &vectors[5], 44, 8);
	packet.bytes[14 + 40] = IPPROTO_TCP;
	expect(&packet, vectors[5].ip, VIRTIO_NET_HASH_REPORT_IPv6);
}

static void extension_headers_are_skipped(void **state)
{
	struct packet packet;

	(void)state;
	enable(NET_RSS_TYPES);
	make(&packet, &vectors[5], IPPROTO_HOPOPTS, 24);
	packet.bytes[54] = IPPROTO_DSTOPTS;
	packet.bytes[54 + 8] = IPPROTO_TCP;
	packet.bytes[54 + 8 + 1] = 1; /* 16 bytes */
	expect(&packet, vectors[5].tcp, VIRTIO_NET_HASH_REPORT_TCPv6);
}

/* Lengths that lead beyond the frame. */
static void short_frame_is_hashed_as_far_as_it_goes(void **state)
{
	struct packet packet;

	(void)state;
	enable(NET_RSS_TYPES);
	make(&packet, &vectors[0], IPPROTO_TCP, 0);
	packet.frame.head_length = packet.frame.length = 14 + 20 + 3;
	expect(&packet, vectors[0].ip, VIRTIO_NET_HASH_REPORT_IPv4);
	packet.frame.head_length = packet.frame.length = 14 + 19;
	expect(&packet, 0, VIRTIO_NET_HASH_REPORT_NONE);
	make(&packet, &vectors[5], IPPROTO_HOPOPTS, 0);
	packet.bytes[54] = IPPROTO_HOPOPTS;
	packet.bytes[55] = 0xff;
	expect(&packet, vectors[5].ip, VIRTIO_NET_HASH_REPORT_IPv6);
	make(&packet, &vectors[5], IPPROTO_HOPOPTS, 0);
	packet.frame.head_length = packet.frame.length = 14 + 40 + 1;
	expect(&packet, vectors[5].ip, VIRTIO_NET_HASH_REPORT_IPv6);
	make(&packet, &vectors[0], IPPROTO_TCP, 0);
	memset(packet.bytes + 12, 0x88, 2);
	expect(&packet, 0, VIRTIO_NET_HASH_REPORT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_those_that_are_published),
		cmocka_unit_test(fragment_is_hashed_without_ports),
		cmocka_unit_test(extension_headers_are_skipped),
		cmocka_unit_test(short_frame_is_hashed_as_far_as_it_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
