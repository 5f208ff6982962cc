// SPDX-License-Identifier: GPL-2.0-or-later
// Checksums and segmentation: passed on to who takes them, done for who does not.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "tests/unit/checksum.h"
#include "tests/unit/lan.h"

#define A 0
#define B 1

#define PAYLOAD 64000u
#define MSS 1448u
#define TCP_HEADER 32 /* with a timestamp option */
#define FIN_PSH_ACK 0x19
#define CWR 0x80

struct packet {
	uint8_t bytes[FRAME_MAX];
	uint32_t length;
	uint32_t l3;
	uint32_t l4;
	bool ip4;
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static uint32_t pseudo_header(const struct packet *packet, uint8_t protocol)
{
	uint32_t l4_length = packet->length - packet->l4;
	const uint8_t tail[] = { 0, protocol, (uint8_t)(l4_length >> 8), (uint8_t)l4_length };
	const uint8_t *ip = packet->bytes + packet->l3;
	uint32_t sum = packet->ip4 ? add_up(0, ip + 12, 8) : add_up(0, ip + 8, 32);

	return add_up(sum, tail, sizeof(tail));
}

static bool l4_checksum_ok(const struct packet *packet, uint8_t protocol)
{
	return add_up(pseudo_header(packet, protocol), packet->bytes + packet->l4,
		      packet->length - packet->l4) == 0xffff;
}

static void make_ip(struct packet *packet, bool ip4, uint16_t vlan, uint8_t protocol,
		    uint32_t l4_length)
{
	uint8_t *ip;

	packet->ip4 = ip4;
	packet->l3 = vlan ? 18 : 14;
	packet->l4 = packet->l3 + (ip4 ? 20 : 40);
	packet->length = packet->l4 + l4_length;
	lan_frame(packet->bytes, B, A, vlan, packet->length);
	put16(packet->bytes + packet->l3 - 2, ip4 ? 0x0800 : 0x86dd);
	ip = packet->bytes + packet->l3;
	memset(ip, 0, packet->l4 - packet->l3);
	if (ip4) {
		ip[0] = 0x45;
		put16(ip + 2, packet->length - packet->l3);
		put16(ip + 4, 0xfffe); /* the identification wraps */
		ip[8] = 64;
		ip[9] = protocol;
		memcpy(ip + 12, (uint8_t[]){ 10, 0, 0, 1, 10, 0, 0, 2 }, 8);
		put16(ip + 10, ~add_up(0, ip, 20));
	} else {
		ip[0] = 0x60;
		put16(ip + 4, l4_length);
		ip[6] = protocol;
		ip[7] = 64;
		memset(ip + 8, 0x20, 32);
	}
}

/* Extension headers from IPv6 to L4, each as long as can be. */
static void put_extensions(struct packet *packet, uint8_t protocol)
{
	uint8_t *next = packet->bytes + packet->l3 + 6;

	for (uint32_t at = packet->l3 + 40, size; at < packet->l4; at += size) {
		size = packet->l4 - at < 2048 ? packet->l4 - at : 2048;
		memset(packet->bytes + at, 'A', size);
		*next = IPPROTO_ROUTING;
		next = packet->bytes + at;
		next[1] = (uint8_t)(size / 8 - 1);
	}
	*next = protocol;
}

/* A large TCP frame as a guest's kernel makes it: pseudo header sum in the checksum field. */
static struct virtio_net_hdr make_tcp(struct packet *packet, bool ip4, uint16_t vlan,
				      uint32_t payload)
{
	struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = ip4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6,
		.gso_size = MSS,
		.csum_offset = 16,
	};
	uint8_t *tcp;

	make_ip(packet, ip4, vlan, IPPROTO_TCP, TCP_HEADER + payload);
	tcp = packet->bytes + packet->l4;
	put16(tcp + 4, 0xffff); /* the sequence number wraps */
	put16(tcp + 6, 0xff00);
	tcp[12] = TCP_HEADER / 4 << 4;
	tcp[13] = FIN_PSH_ACK | CWR;
	put16(tcp + 16, pseudo_header(packet, IPPROTO_TCP));
	header.csum_start = (uint16_t)packet->l4;
	header.hdr_len = (uint16_t)(packet->l4 + TCP_HEADER);
	return header;
}

static void connect_guests(struct lan *lan, uint64_t a, uint64_t b)
{
	lan_make_wire(lan);
	lan_renegotiate(lan, A, PLAIN | a);
	lan_renegotiate(lan, B, PLAIN | b);
	lan_post(lan, B, RING, 2048);
}

static void large_frame_crosses_whole(void **state)
{
	static struct packet sent, got;
	struct virtio_net_hdr_mrg_rxbuf read;
	struct virtio_net_hdr header = make_tcp(&sent, true, 0, PAYLOAD);
	struct lan *lan = *state;

	connect_guests(lan, OFFLOADS, OFFLOADS);
	header.hdr_len = 3; /* a hint that nobody may rely on */
	lan_send(lan, A, &header, sent.bytes, sent.length);
	assert_int_equal(lan_pass(lan), 1);
	assert_int_equal(lan_receive(lan, B, &read, got.bytes, FRAME_MAX), sent.length);
	assert_memory_equal(got.bytes, sent.bytes, sent.length);
	assert_int_equal(read.hdr.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(read.hdr.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(read.hdr.gso_size, MSS);
	assert_int_equal(read.hdr.csum_start, sent.l4);
	assert_int_equal(read.hdr.csum_offset, 16);
	assert_int_equal(read.hdr.hdr_len, sent.l4 + TCP_HEADER);
	assert_int_equal(read.num_buffers, (sent.length + sizeof(read) + 2047) / 2048);
}

static void check_segment(const struct packet *sent, const struct packet *got, uint32_t offset,
			  uint16_t size, uint32_t index)
{
	uint32_t payload = got->length - got->l4 - TCP_HEADER;
	const uint8_t *tcp = got->bytes + got->l4, *ip = got->bytes + got->l3;
	bool last = offset + payload == sent->length - sent->l4 - TCP_HEADER;

	assert_true(payload == size || last);
	assert_true(l4_checksum_ok(got, IPPROTO_TCP));
	assert_memory_equal(got->bytes, sent->bytes, got->l3);
	assert_memory_equal(tcp + TCP_HEADER, sent->bytes + sent->l4 + TCP_HEADER + offset, payload);
	assert_int_equal(get32(tcp + 4), get32(sent->bytes + sent->l4 + 4) + offset);
	assert_int_equal(tcp[13], (last ? FIN_PSH_ACK : FIN_PSH_ACK & ~0x09) | (index ? 0 : CWR));
	if (got->ip4) {
		assert_int_equal(get16(ip + 2), got->length - got->l3);
		assert_int_equal(get16(ip + 4), (uint16_t)(0xfffe + index));
		assert_int_equal(add_up(0, ip, 20), 0xffff);
	} else {
		assert_int_equal(get16(ip + 4), got->length - got->l4);
	}
}

static void expect_segments_of(struct lan *lan, bool ip4, uint16_t vlan, uint64_t features,
			       uint32_t payload, uint16_t size)
{
	static struct packet sent, got;
	struct virtio_net_hdr header = make_tcp(&sent, ip4, vlan, payload);
	struct virtio_net_hdr_mrg_rxbuf read;
	uint32_t offset = 0, index = 0;
	int length;

	connect_guests(lan, OFFLOADS, features);
	header.gso_size = size;
	lan_send(lan, A, &header, sent.bytes, sent.length);
	assert_int_equal(lan_pass(lan), 1);
	got = sent;
	while ((length = lan_receive(lan, B, &read, got.bytes, FRAME_MAX)) >= 0) {
		got.length = (uint32_t)length;
		assert_int_equal(read.hdr.gso_type, VIRTIO_NET_HDR_GSO_NONE);
		assert_int_equal(read.hdr.flags, features & BIT(VIRTIO_NET_F_GUEST_CSUM)
							 ? VIRTIO_NET_HDR_F_DATA_VALID
							 : 0);
		check_segment(&sent, &got, offset, size, index++);
		offset += got.length - got.l4 - TCP_HEADER;
	}
	assert_int_equal(offset, payload);
	assert_int_equal(index, (payload + size - 1) / size);
}

static void expect_segments(struct lan *lan, bool ip4, uint16_t vlan, uint64_t features)
{
	expect_segments_of(lan, ip4, vlan, features, PAYLOAD, MSS);
	assert_int_equal(lan->stations[B].counters.tx_packets, (PAYLOAD + MSS - 1) / MSS);
}

/* Guests that forward make large frames of many short ones (GRO), whose size these keep. */
static void segments_may_be_as_short_as_their_sender_says(void **state)
{
	static const uint16_t sizes[] = { 1, 2, 10, 36, 47, 48 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (unsigned int ip4 = 0; ip4 < 2; ip4++)
			expect_segments_of(*state, ip4, 0, 0, 100 * sizes[i] + 1, sizes[i]);
}

/* Cycles that the ring by which a station sends cost in one pass. */
static uint64_t cost_of_pass(struct lan *lan, unsigned int station, unsigned int frames)
{
	const uint64_t *cycles = &lan->stations[station].port.port.loads[1].cycles, before = *cycles;

	assert_int_equal(lan_pass(lan), frames);
	return *cycles - before;
}

/* Of each the least of several passes, as whatever else runs here makes some of them longer. */
static void one_large_frame_costs_more_than_four_small_ones(void **state)
{
	static struct packet sent, got;
	struct virtio_net_hdr header = make_tcp(&sent, true, 0, PAYLOAD);
	uint64_t large = UINT64_MAX, small = UINT64_MAX, cost;
	struct lan *lan = *state;

	connect_guests(lan, OFFLOADS, 0);
	for (unsigned int round = 0; round < 8; round++) {
		lan_send(lan, A, &header, sent.bytes, sent.length);
		cost = cost_of_pass(lan, A, 1);
		large = cost < large ? cost : large;
		while (lan_receive(lan, B, NULL, got.bytes, FRAME_MAX) >= 0)
			lan_post(lan, B, 1, 2048);
		lan_post(lan, A, 4, 2048);
		for (unsigned int i = 0; i < 4; i++)
			lan_send(lan, B, NULL, sent.bytes, 60);
		cost = cost_of_pass(lan, B, 4);
		small = cost < small ? cost : small;
		while (lan_receive(lan, A, NULL, got.bytes, FRAME_MAX) >= 0)
			;
	}
	assert_true(small > 0);
	assert_true(large > small);
}

static void ip4_frame_is_cut_for_who_takes_no_large_ones(void **state)
{
	expect_segments(*state, true, 0, 0);
}

static void ip6_frame_is_cut_for_who_takes_no_large_ones(void **state)
{
	expect_segments(*state, false, 0, 0);
}

static void tagged_frame_is_cut(void **state)
{
	expect_segments(*state, true, 9, 0);
}

static void segments_are_marked_as_verified(void **state)
{
	expect_segments(*state, true, 0, BIT(VIRTIO_NET_F_GUEST_CSUM));
}

static void receiver_of_the_other_family_gets_segments(void **state)
{
	expect_segments(*state, false, 0,
			BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4));
}

/* A large UDP frame of datagrams, as an application makes it with UDP_SEGMENT. */
static struct virtio_net_hdr make_datagrams(struct packet *packet, bool ip4, uint32_t payload,
					    uint16_t size)
{
	struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
		.gso_size = size,
		.csum_offset = 6,
	};
	uint8_t *udp;

	make_ip(packet, ip4, 0, IPPROTO_UDP, 8 + payload);
	udp = packet->bytes + packet->l4;
	put16(udp + 4, 8 + payload);
	put16(udp + 6, pseudo_header(packet, IPPROTO_UDP));
	header.csum_start = (uint16_t)packet->l4;
	header.hdr_len = (uint16_t)(packet->l4 + 8);
	return header;
}

static void expect_datagrams(struct lan *lan, bool ip4, uint64_t features, uint32_t payload,
			     uint16_t size)
{
	static struct packet sent, got;
	struct virtio_net_hdr header = make_datagrams(&sent, ip4, payload, size);
	uint32_t offset = 0, index = 0;
	int length;

	connect_guests(lan, OFFLOADS | UDP_OFFLOADS, features);
	lan_send(lan, A, &header, sent.bytes, sent.length);
	assert_int_equal(lan_pass(lan), 1);
	got = sent;
	while ((length = lan_receive(lan, B, NULL, got.bytes, FRAME_MAX)) >= 0) {
		const uint8_t *ip = got.bytes + got.l3, *udp = got.bytes + got.l4;
		uint32_t part = (uint32_t)length - got.l4 - 8;

		got.length = (uint32_t)length;
		assert_int_equal(part, payload - offset < size ? payload - offset : size);
		assert_memory_equal(udp + 8, sent.bytes + sent.l4 + 8 + offset, part);
		assert_int_equal(get16(udp + 4), 8 + part);
		assert_true(l4_checksum_ok(&got, IPPROTO_UDP));
		assert_int_equal(get16(ip + (ip4 ? 2 : 4)), got.length - (ip4 ? got.l3 : got.l4));
		if (ip4)
			assert_int_equal(add_up(0, ip, 20), 0xffff);
		offset += part;
		index++;
	}
	assert_int_equal(offset, payload);
	assert_int_equal(index, (payload + size - 1) / size);
}

static void datagrams_are_made_for_who_takes_no_large_frames(void **state)
{
	expect_datagrams(*state, true, OFFLOADS, 60000, 1400);
	expect_datagrams(*state, false, OFFLOADS, 60000, 1400);
	expect_datagrams(*state, true, 0, 1001, 10);
	expect_datagrams(*state, true, 0, 128, 1);
	expect_datagrams(*state, false, OFFLOADS | BIT(VIRTIO_NET_F_GUEST_USO4), 5000, 1000);
}

static void large_datagram_frame_crosses_whole(void **state)
{
	static struct packet sent, got;
	struct virtio_net_hdr_mrg_rxbuf read;
	struct virtio_net_hdr header = make_datagrams(&sent, false, 60000, 1400);
	struct lan *lan = *state;

	connect_guests(lan, OFFLOADS | UDP_OFFLOADS, OFFLOADS | UDP_OFFLOADS);
	lan_send(lan, A, &header, sent.bytes, sent.length);
	assert_int_equal(lan_pass(lan), 1);
	assert_int_equal(lan_receive(lan, B, &read, got.bytes, FRAME_MAX), sent.length);
	assert_memory_equal(got.bytes, sent.bytes, sent.length);
	assert_memory_equal(&read.hdr, &header, sizeof(header));
}

/* With ECN the flag CWR must be in the first segment only: not all receivers cut so. */
static void frame_with_ecn_crosses_whole_to_who_knows_ecn(void **state)
{
	static struct packet sent, got;
	struct virtio_net_hdr_mrg_rxbuf read;
	struct virtio_net_hdr header = make_tcp(&sent, true, 0, PAYLOAD);
	struct lan *lan = *state;

	header.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	connect_guests(lan, OFFLOADS | ECN_OFFLOADS, OFFLOADS | ECN_OFFLOADS);
	lan_send(lan, A, &header, sent.bytes, sent.length);
	lan_pass(lan);
	assert_int_equal(lan_receive(lan, B, &read, got.bytes, FRAME_MAX), sent.length);
	assert_int_equal(read.hdr.gso_type, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
	connect_guests(lan, OFFLOADS | ECN_OFFLOADS, OFFLOADS);
	lan_send(lan, A, &header, sent.bytes, sent.length);
	lan_pass(lan);
	assert_int_equal(lan_receive(lan, B, &read, got.bytes, FRAME_MAX),
			 sent.l4 + TCP_HEADER + MSS);
	assert_int_equal(got.bytes[sent.l4 + 13] & CWR, CWR);
	assert_int_equal(read.hdr.gso_type, VIRTIO_NET_HDR_GSO_NONE);
}

/* A driver may turn off what it negotiated, and on again. */
static void offloads_that_a_driver_turned_off_are_not_used(void **state)
{
	static struct packet sent, got;
	struct virtio_net_hdr header = make_tcp(&sent, true, 0, PAYLOAD);
	struct lan *lan = *state;
	struct net_device *net = &lan->stations[B].port.device;

	connect_guests(lan, OFFLOADS, OFFLOADS);
	for (unsigned int on = 0; on < 2; on++) {
		net->offloads = on ? OFFLOADS & NET_OFFLOADS : BIT(VIRTIO_NET_F_GUEST_CSUM);
		lan_redraw(lan);
		lan_send(lan, A, &header, sent.bytes, sent.length);
		lan_pass(lan);
		assert_int_equal(lan_receive(lan, B, NULL, got.bytes, FRAME_MAX),
				 on ? sent.length : sent.l4 + TCP_HEADER + MSS);
		lan_count(lan, B);
	}
}

/* UDP whose sum happens to be zero must not say "no checksum". */
static struct virtio_net_hdr make_udp(struct packet *packet, bool zero_sum)
{
	struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_offset = 6 };
	uint8_t *udp;

	make_ip(packet, true, 0, IPPROTO_UDP, 8 + 1000);
	udp = packet->bytes + packet->l4;
	put16(udp + 4, 8 + 1000);
	put16(udp + 6, 0);
	put16(udp + 8, 0);
	if (zero_sum)
		put16(udp + 8, ~add_up(pseudo_header(packet, IPPROTO_UDP), udp, 1008));
	put16(udp + 6, pseudo_header(packet, IPPROTO_UDP));
	header.csum_start = (uint16_t)packet->l4;
	return header;
}

static void expect_checksum(struct lan *lan, bool zero_sum)
{
	static struct packet sent, got;
	struct virtio_net_hdr header = make_udp(&sent, zero_sum);
	struct virtio_net_hdr_mrg_rxbuf read;

	connect_guests(lan, OFFLOADS, 0);
	lan_send(lan, A, &header, sent.bytes, sent.length);
	lan_pass(lan);
	got = sent;
	assert_int_equal(lan_receive(lan, B, &read, got.bytes, FRAME_MAX), sent.length);
	assert_int_equal(read.hdr.flags, 0);
	assert_true(l4_checksum_ok(&got, IPPROTO_UDP));
	assert_int_not_equal(get16(got.bytes + got.l4 + 6), 0);
	if (zero_sum)
		assert_int_equal(get16(got.bytes + got.l4 + 6), 0xffff);
	put16(got.bytes + got.l4 + 6, 0);
	put16(sent.bytes + sent.l4 + 6, 0);
	assert_memory_equal(got.bytes, sent.bytes, sent.length);
}

static void checksum_is_completed_for_who_does_not(void **state)
{
	expect_checksum(*state, false);
}

static void checksum_that_comes_out_zero_is_sent_as_ones(void **state)
{
	expect_checksum(*state, true);
}

static void checksum_passes_to_who_completes_it(void **state)
{
	static struct packet sent, got;
	struct virtio_net_hdr header = make_udp(&sent, false);
	struct virtio_net_hdr_mrg_rxbuf read;
	struct lan *lan = *state;

	connect_guests(lan, OFFLOADS, OFFLOADS);
	lan_send(lan, A, &header, sent.bytes, sent.length);
	lan_pass(lan);
	assert_int_equal(lan_receive(lan, B, &read, got.bytes, FRAME_MAX), sent.length);
	assert_memory_equal(got.bytes, sent.bytes, sent.length);
	assert_int_equal(read.hdr.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(read.hdr.csum_start, sent.l4);
	assert_int_equal(read.hdr.csum_offset, 6);
}

static void flood_completes_only_where_it_is_needed(void **state)
{
	static struct packet sent, got;
	struct virtio_net_hdr header = make_udp(&sent, false);
	struct virtio_net_hdr_mrg_rxbuf read;
	struct lan *lan = *state;

	lan_renegotiate(lan, A, PLAIN | OFFLOADS);
	lan_renegotiate(lan, B, PLAIN);
	lan_renegotiate(lan, 2, PLAIN | OFFLOADS);
	lan_post(lan, B, 4, 2048);
	lan_post(lan, 2, 4, 2048);
	lan_send(lan, A, &header, sent.bytes, sent.length);
	lan_pass(lan);
	got = sent;
	assert_int_equal(lan_receive(lan, B, &read, got.bytes, FRAME_MAX), sent.length);
	assert_true(l4_checksum_ok(&got, IPPROTO_UDP));
	assert_int_equal(lan_receive(lan, 2, &read, got.bytes, FRAME_MAX), sent.length);
	assert_int_equal(read.hdr.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_memory_equal(got.bytes, sent.bytes, sent.length);
}

/* Segment routing over many hops: the checksum begins behind what is read of the frame. */
static void expect_far_checksum(struct lan *lan, bool is_completed, bool by_lane)
{
	static struct packet sent, got;
	struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_offset = 6 };
	struct virtio_net_hdr_mrg_rxbuf read;
	uint8_t *udp;

	connect_guests(lan, OFFLOADS, is_completed ? 0 : OFFLOADS);
	if (by_lane)
		lan_enter_lane(lan, A);
	make_ip(&sent, false, 0, IPPROTO_UDP, 400 + 8 + 1000);
	sent.l4 += 400;
	put_extensions(&sent, IPPROTO_UDP);
	udp = sent.bytes + sent.l4;
	put16(udp + 4, 1008);
	put16(udp + 6, pseudo_header(&sent, IPPROTO_UDP));
	header.csum_start = (uint16_t)sent.l4;
	lan_send(lan, A, &header, sent.bytes, sent.length);
	assert_int_equal(lan_pass_until(lan, 1), 1);
	got = sent;
	assert_int_equal(lan_receive(lan, B, &read, got.bytes, FRAME_MAX), sent.length);
	assert_int_equal(read.hdr.flags, is_completed ? 0 : VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(read.hdr.csum_start, is_completed ? 0 : sent.l4);
	if (is_completed)
		assert_true(l4_checksum_ok(&got, IPPROTO_UDP));
	memcpy(got.bytes + got.l4 + 6, udp + 6, 2);
	assert_memory_equal(got.bytes, sent.bytes, sent.length);
}

static void checksum_may_begin_behind_what_is_read(void **state)
{
	expect_far_checksum(*state, true, false);
	expect_far_checksum(*state, false, false);
	expect_far_checksum(*state, true, true);
}

struct lie {
	const char *name;
	uint64_t features;
	void (*tell)(struct virtio_net_hdr *header, struct packet *packet);
};

static void csum_beyond_packet(struct virtio_net_hdr *header, struct packet *packet)
{
	header->csum_start = (uint16_t)(packet->length - 1);
}

static void csum_sum_wraps(struct virtio_net_hdr *header, struct packet *packet)
{
	(void)packet;
	header->csum_start = 0xffff;
	header->csum_offset = 0xffff;
}

static void csum_in_ethernet(struct virtio_net_hdr *header, struct packet *packet)
{
	(void)packet;
	header->csum_start = 0;
}

static void csum_in_ip(struct virtio_net_hdr *header, struct packet *packet)
{
	*header = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM };
	header->csum_start = (uint16_t)(packet->l4 - 2);
}

static void csum_in_options(struct virtio_net_hdr *header, struct packet *packet)
{
	csum_in_ip(header, packet);
	header->csum_start = (uint16_t)(packet->l4 + 2);
	packet->bytes[packet->l3] = 0x46;
}

static void csum_in_ip_without_length(struct virtio_net_hdr *header, struct packet *packet)
{
	csum_in_ip(header, packet);
	header->csum_start = (uint16_t)(packet->l3 + 12);
	packet->bytes[packet->l3] = 0x40;
}

static void csum_in_tag(struct virtio_net_hdr *header, struct packet *packet)
{
	csum_in_ip(header, packet);
	header->csum_start = 14;
	put16(packet->bytes + 12, 0x8100);
}

static void csum_in_ip6(struct virtio_net_hdr *header, struct packet *packet)
{
	make_ip(packet, false, 0, IPPROTO_TCP, 100);
	csum_in_ip(header, packet);
}

static void csum_in_extension(struct virtio_net_hdr *header, struct packet *packet)
{
	make_ip(packet, false, 0, IPPROTO_TCP, 100);
	packet->l4 += 16;
	put_extensions(packet, IPPROTO_TCP);
	csum_in_ip(header, packet);
}

static void csum_in_extension_that_is_not_read(struct virtio_net_hdr *header,
					       struct packet *packet)
{
	make_ip(packet, false, 0, IPPROTO_TCP, 1000);
	packet->l4 += 400;
	put_extensions(packet, IPPROTO_TCP);
	csum_in_ip(header, packet);
}

static void csum_of_arp(struct virtio_net_hdr *header, struct packet *packet)
{
	csum_in_ip(header, packet);
	header->csum_start = 42;
	put16(packet->bytes + 12, 0x0806);
}

static void csum_where_a_tag_does_not_fit(struct virtio_net_hdr *header, struct packet *packet)
{
	packet->length = 65549;
	csum_in_ip(header, packet);
	header->csum_start = 65532;
}

static void gso_of_ip6_behind_its_header(struct virtio_net_hdr *header, struct packet *packet)
{
	*header = make_tcp(packet, false, 0, 1000);
	header->csum_start = (uint16_t)(packet->l4 + 4);
	packet->bytes[packet->l4 + 16] = TCP_HEADER / 4 << 4;
}

static void gso_of_ip6_of_another_protocol(struct virtio_net_hdr *header, struct packet *packet)
{
	*header = make_tcp(packet, false, 0, 1000);
	packet->bytes[packet->l3 + 6] = IPPROTO_ICMPV6;
}

static void gso_without_csum(struct virtio_net_hdr *header, struct packet *packet)
{
	(void)packet;
	header->flags = 0;
}

static void gso_of_nothing(struct virtio_net_hdr *header, struct packet *packet)
{
	(void)packet;
	header->gso_size = 0;
}

static void gso_of_the_other_family(struct virtio_net_hdr *header, struct packet *packet)
{
	(void)packet;
	header->gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
}

static void gso_of_udp(struct virtio_net_hdr *header, struct packet *packet)
{
	(void)packet;
	header->gso_type = VIRTIO_NET_HDR_GSO_UDP;
}

static void gso_of_udp_with_ecn(struct virtio_net_hdr *header, struct packet *packet)
{
	*header = make_datagrams(packet, true, 1000, 100);
	header->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
}

static void datagrams_of_nothing(struct virtio_net_hdr *header, struct packet *packet)
{
	*header = make_datagrams(packet, true, 0, 0);
}

static void ecn(struct virtio_net_hdr *header, struct packet *packet)
{
	(void)packet;
	header->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
}

static void datagrams(struct virtio_net_hdr *header, struct packet *packet)
{
	*header = make_datagrams(packet, false, 1000, 100);
}

static void gso_of_another_protocol(struct virtio_net_hdr *header, struct packet *packet)
{
	(void)header;
	packet->bytes[packet->l3 + 9] = IPPROTO_UDP;
}

static void tcp_header_too_short(struct virtio_net_hdr *header, struct packet *packet)
{
	(void)header;
	packet->bytes[packet->l4 + 12] = 4 << 4;
}

static void tcp_header_beyond_packet(struct virtio_net_hdr *header, struct packet *packet)
{
	(void)header;
	packet->bytes[packet->l4 + 12] = 15 << 4;
	packet->length = packet->l4 + 40;
}

static void nothing(struct virtio_net_hdr *header, struct packet *packet)
{
	(void)header;
	(void)packet;
}

static void header_that_contradicts_the_packet_is_refused(void **state)
{
	static const struct lie lies[] = {
		{ "csum beyond packet", OFFLOADS, csum_beyond_packet },
		{ "csum sum wraps", OFFLOADS, csum_sum_wraps },
		{ "csum in Ethernet", OFFLOADS, csum_in_ethernet },
		{ "csum in IP", OFFLOADS, csum_in_ip },
		{ "csum in options", OFFLOADS, csum_in_options },
		{ "csum in IP without length", OFFLOADS, csum_in_ip_without_length },
		{ "csum in a tag", OFFLOADS, csum_in_tag },
		{ "csum in IPv6", OFFLOADS, csum_in_ip6 },
		{ "csum in an extension header", OFFLOADS, csum_in_extension },
		{ "csum in one that is not read", OFFLOADS, csum_in_extension_that_is_not_read },
		{ "csum of ARP", OFFLOADS, csum_of_arp },
		{ "csum where a tag does not fit", OFFLOADS, csum_where_a_tag_does_not_fit },
		{ "gso of IPv6 behind its header", OFFLOADS, gso_of_ip6_behind_its_header },
		{ "gso of IPv6 of another protocol", OFFLOADS, gso_of_ip6_of_another_protocol },
		{ "gso without csum", OFFLOADS, gso_without_csum },
		{ "gso of nothing", OFFLOADS, gso_of_nothing },
		{ "gso of the other family", OFFLOADS, gso_of_the_other_family },
		{ "gso of udp", OFFLOADS, gso_of_udp },
		{ "gso of udp with ecn", OFFLOADS | UDP_OFFLOADS | ECN_OFFLOADS,
		  gso_of_udp_with_ecn },
		{ "datagrams of nothing", OFFLOADS | UDP_OFFLOADS, datagrams_of_nothing },
		{ "ecn not negotiated", OFFLOADS, ecn },
		{ "datagrams not negotiated", OFFLOADS, datagrams },
		{ "gso of another protocol", OFFLOADS, gso_of_another_protocol },
		{ "tcp header too short", OFFLOADS, tcp_header_too_short },
		{ "tcp header beyond packet", OFFLOADS, tcp_header_beyond_packet },
		{ "gso not negotiated", BIT(VIRTIO_NET_F_CSUM), nothing },
		{ "nothing negotiated", 0, nothing },
	};
	static struct packet packet;
	struct lan *lan = *state;

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct virtio_net_hdr header = make_tcp(&packet, true, 0, 1000);

		connect_guests(lan, lies[i].features, OFFLOADS);
		lies[i].tell(&header, &packet);
		lan_send(lan, A, &header, packet.bytes, packet.length);
		assert_int_equal(lan_pass(lan), 1);
		if (lan_drops(lan, A, DROP_BAD_HEADER) != i + 1 || lan_count(lan, B))
			fail_msg("%s: accepted", lies[i].name);
	}
}

/* Headers that end where this says, which is two behind a multiple of four. */
static struct virtio_net_hdr make_headers(struct packet *packet, uint32_t end, uint32_t payload)
{
	uint32_t tcp = TCP_HEADER + (end - 54 - TCP_HEADER) % 8;
	struct virtio_net_hdr header = make_tcp(packet, false, 0, end - 54 - TCP_HEADER + payload);

	packet->l4 = end - tcp;
	memset(packet->bytes + 54, 'A', packet->length - 54);
	put_extensions(packet, IPPROTO_TCP);
	packet->bytes[packet->l4 + 12] = (uint8_t)(tcp / 4 << 4);
	header.csum_start = (uint16_t)packet->l4;
	header.gso_size = 500;
	return header;
}

static uint32_t headers_of(const struct packet *packet)
{
	return packet->l4 + (packet->bytes[packet->l4 + 12] >> 4) * 4u;
}

static void set_rules(struct lan *lan, unsigned int station, const char *text)
{
	struct json_object *json = json_tokener_parse(text);
	struct port_rules *rules = &lan->stations[station].port.member.rules;

	assert_return_code(port_rules_change(rules, lan->iov, "p", json), 0);
	json_object_put(json);
}

/* As many segments as there are, each with all of the headers. */
static void expect_headers(struct lan *lan, const struct packet *sent, uint32_t tag)
{
	static uint8_t got[FRAME_MAX];
	uint32_t headers = headers_of(sent), offset = 0;
	int length;

	while ((length = lan_receive(lan, B, NULL, got, sizeof(got))) >= 0) {
		uint32_t part = (uint32_t)length - headers - tag;

		assert_true(part == 500 || offset + part == sent->length - headers);
		assert_memory_equal(got, sent->bytes, 12);
		/* The IP header says how long it is. */
		assert_memory_equal(got + tag + 20, sent->bytes + 20, sent->l4 - 20);
		offset += part;
	}
	assert_int_equal(offset, sent->length - headers);
}

/* Nearly all bytes that are read before anything is decided may be headers, and a tag comes in front. */
static void longest_headers_are_cut_with_a_tag_in_front(void **state)
{
	static struct packet sent;
	struct lan *lan = *state;

	for (uint32_t end = FRAME_HEAD_MAX - 10; end <= FRAME_HEAD_MAX; end += 4) {
		struct virtio_net_hdr header = make_headers(&sent, end, 1200);

		lan_renegotiate(lan, A, PLAIN | OFFLOADS);
		lan_renegotiate(lan, B, PLAIN);
		set_rules(lan, A, "{\"vlan\":\"access:10\"}");
		set_rules(lan, B, "{\"vlan\":\"trunk:10\"}");
		lan_redraw(lan);
		lan_post(lan, B, RING, 2048);
		lan_send(lan, A, &header, sent.bytes, sent.length);
		assert_int_equal(lan_pass(lan), 1);
		expect_headers(lan, &sent, 4);
	}
	for (unsigned int i = 0; i < STATIONS; i++)
		port_rules_release(&lan->stations[i].port.member.rules);
}

/* Of a guest whose memory arrives a whole frame was copied, but no more of it may be headers. */
static void headers_beyond_what_is_read_are_refused_of_a_lane_as_well(void **state)
{
	static const uint32_t ends[] = { FRAME_HEAD_MAX + 22, 1002, 7002, 65002 };
	static struct packet sent;
	struct lan *lan = *state;

	lan_make_wire(lan);
	lan_renegotiate(lan, A, PLAIN | OFFLOADS | UDP_OFFLOADS);
	lan_renegotiate(lan, B, PLAIN);
	lan_post(lan, B, RING, 2048);
	lan_enter_lane(lan, A);
	for (unsigned int i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		struct virtio_net_hdr header = make_headers(&sent, ends[i], 400);

		lan_send(lan, A, &header, sent.bytes, sent.length);
		assert_int_equal(lan_pass_until(lan, 1), 1);
		assert_int_equal(lan_drops(lan, A, DROP_BAD_HEADER), 2 * i + 1);
		header.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
		header.csum_offset = 6;
		lan_send(lan, A, &header, sent.bytes, sent.length);
		assert_int_equal(lan_pass_until(lan, 1), 1);
		assert_int_equal(lan_drops(lan, A, DROP_BAD_HEADER), 2 * i + 2);
	}
	assert_int_equal(lan_count(lan, B), 0);
}

static void frame_of_a_lane_is_cut_like_any_other(void **state)
{
	static struct packet sent;
	struct lan *lan = *state;

	lan_make_wire(lan);
	lan_renegotiate(lan, A, PLAIN | OFFLOADS);
	lan_renegotiate(lan, B, PLAIN);
	lan_post(lan, B, RING, 2048);
	lan_enter_lane(lan, A);
	for (unsigned int i = 0; i < 4; i++) {
		uint32_t payload = 1 + 9000 * i;
		struct virtio_net_hdr header = make_headers(&sent, FRAME_HEAD_MAX - 2 - 4 * i, payload);

		lan_send(lan, A, &header, sent.bytes, sent.length);
		assert_int_equal(lan_pass_until(lan, 1), 1);
		expect_headers(lan, &sent, 0);
		lan_post(lan, B, 1 + payload / 500, 2048);
	}
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, lan_setup, lan_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(large_frame_crosses_whole),
		CASE(ip4_frame_is_cut_for_who_takes_no_large_ones),
		CASE(ip6_frame_is_cut_for_who_takes_no_large_ones),
		CASE(tagged_frame_is_cut),
		CASE(one_large_frame_costs_more_than_four_small_ones),
		CASE(segments_are_marked_as_verified),
		CASE(segments_may_be_as_short_as_their_sender_says),
		CASE(receiver_of_the_other_family_gets_segments),
		CASE(datagrams_are_made_for_who_takes_no_large_frames),
		CASE(large_datagram_frame_crosses_whole),
		CASE(frame_with_ecn_crosses_whole_to_who_knows_ecn),
		CASE(offloads_that_a_driver_turned_off_are_not_used),
		CASE(checksum_is_completed_for_who_does_not),
		CASE(checksum_that_comes_out_zero_is_sent_as_ones),
		CASE(checksum_passes_to_who_completes_it),
		CASE(flood_completes_only_where_it_is_needed),
		CASE(checksum_may_begin_behind_what_is_read),
		CASE(header_that_contradicts_the_packet_is_refused),
		CASE(longest_headers_are_cut_with_a_tag_in_front),
		CASE(headers_beyond_what_is_read_are_refused_of_a_lane_as_well),
		CASE(frame_of_a_lane_is_cut_like_any_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
