// SPDX-License-Identifier: GPL-2.0-or-later
// Checksums that the kernel left to a device, and frames that it joined, are found.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "tests/unit/checksum.h"
#include "tests/unit/test.h"
#include "vhost-user/net/partial.h"

#define MTU 1500
#define TCP_LENGTH 32 /* with a timestamp option */
#define CWR 0x80

struct packet {
	uint8_t room[FRAME_HEADROOM + FRAME_MAX];
	struct frame frame;
	uint32_t l3;
	uint32_t l4;
	uint32_t end;
	uint8_t protocol;
	bool ip4;
};

static uint32_t pseudo_sum(const struct packet *packet)
{
	uint32_t length = packet->end - packet->l4;
	const uint8_t tail[] = { 0, packet->protocol, (uint8_t)(length >> 8), (uint8_t)length };
	const uint8_t *ip = packet->frame.head + packet->l3;
	uint32_t sum = packet->ip4 ? add_up(0, ip + 12, 8) : add_up(0, ip + 8, 32);

	return add_up(sum, tail, sizeof(tail));
}

static uint8_t *checksum_of(const struct packet *packet)
{
	return packet->frame.head + packet->l4 + (packet->protocol == IPPROTO_TCP ? 16 : 6);
}

static bool is_right(const struct packet *packet)
{
	return add_up(pseudo_sum(packet), packet->frame.head + packet->l4,
		      packet->end - packet->l4) == 0xffff;
}

/* As the kernel leaves it to a device. */
static void make(struct packet *packet, bool ip4, bool tagged, uint8_t protocol, uint32_t payload)
{
	uint8_t *head = packet->room + FRAME_HEADROOM, *ip;

	packet->protocol = protocol;
	packet->ip4 = ip4;
	packet->l3 = tagged ? 18 : 14;
	packet->l4 = packet->l3 + (ip4 ? 20 : 40);
	packet->end = packet->l4 + (protocol == IPPROTO_TCP ? TCP_LENGTH : 8) + payload;
	for (uint32_t i = 0; i < packet->end + 64; i++)
		head[i] = (uint8_t)(i * 7);
	put16(head + 12, 0x8100);
	put16(head + packet->l3 - 2, ip4 ? 0x0800 : 0x86dd);
	ip = head + packet->l3;
	ip[0] = ip4 ? 0x45 : 0x60;
	put16(ip + (ip4 ? 2 : 4), packet->end - (ip4 ? packet->l3 : packet->l4));
	if (ip4)
		put16(ip + 6, 0x4000);
	ip[ip4 ? 9 : 6] = protocol;
	head[packet->l4 + 12] = TCP_LENGTH / 4 << 4;
	head[packet->l4 + 13] = 0x18;
	packet->frame = (struct frame){
		.head = head, .length = packet->end, .head_length = packet->end,
	};
	put16(checksum_of(packet), pseudo_sum(packet));
}

static void what_is_left_to_a_device_is_found_and_completed(void **state)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	static struct packet packet;

	(void)state;
	for (unsigned int i = 0; i < 16; i++) {
		/* Odd lengths as well, and what Ethernet has behind a short packet. */
		uint32_t payload = i & 8 ? 1 : 1001;

		make(&packet, i & 1, i & 2, protocols[i >> 2 & 1], payload);
		packet.frame.length += 9;
		packet.frame.head_length += 9;
		assert_int_equal(partial_find(&packet.frame, MTU), DROP_NONE);
		assert_int_equal(packet.frame.needs, FRAME_NEED_CSUM);
		assert_int_equal(packet.frame.length, packet.end);
		assert_false(is_right(&packet));
		frame_checksum(&packet.frame);
		assert_true(is_right(&packet));
		/* What is complete stays as it is. */
		assert_int_equal(partial_find(&packet.frame, MTU), DROP_NONE);
		assert_int_equal(packet.frame.needs, 0);
	}
}

/* Segments are as long as the MTU, and no one is lost. */
static bool on_segment(void *arg, struct frame *segment)
{
	uint32_t *payload = arg;

	assert_true(segment->length - 14 <= MTU);
	*payload += segment->length - segment->head_length;
	return true;
}

static void what_the_kernel_joined_is_cut_again(void **state)
{
	static struct packet packet;

	(void)state;
	for (unsigned int ip4 = 0; ip4 < 2; ip4++) {
		uint32_t payload = 0;

		make(&packet, ip4, false, IPPROTO_TCP, 60000);
		packet.frame.head[packet.l4 + 13] |= CWR;
		assert_int_equal(partial_find(&packet.frame, MTU), DROP_NONE);
		assert_int_equal(packet.frame.needs, FRAME_NEED_CSUM | FRAME_NEED_ECN |
						     (ip4 ? FRAME_NEED_TSO4 : FRAME_NEED_TSO6));
		assert_int_equal(packet.frame.segment_size, ip4 ? 1448 : 1428);
		assert_true(frame_segment(&packet.frame, on_segment, &payload));
		assert_int_equal(payload, 60000);
	}
	/* To the byte. */
	make(&packet, true, true, IPPROTO_TCP, 1448);
	assert_int_equal(partial_find(&packet.frame, MTU), DROP_NONE);
	assert_int_equal(packet.frame.needs, FRAME_NEED_CSUM);
	make(&packet, true, true, IPPROTO_TCP, 1449);
	assert_int_equal(partial_find(&packet.frame, MTU), DROP_NONE);
	assert_int_equal(packet.frame.needs, FRAME_NEED_CSUM | FRAME_NEED_TSO4);
}

static void joined_datagrams_have_no_length(void **state)
{
	static struct packet packet;

	(void)state;
	make(&packet, true, false, IPPROTO_UDP, 3000);
	assert_int_equal(partial_find(&packet.frame, MTU), DROP_OFFLOAD);
	assert_int_equal(partial_find(&packet.frame, 9000), DROP_NONE);
	assert_int_equal(packet.frame.needs, FRAME_NEED_CSUM);
}

static void expect_nothing(struct packet *packet)
{
	uint32_t length = packet->frame.length;

	assert_int_equal(partial_find(&packet->frame, MTU), DROP_NONE);
	assert_int_equal(packet->frame.needs, 0);
	assert_int_equal(packet->frame.length, length);
}

static void what_is_no_whole_packet_is_left_alone(void **state)
{
	static struct packet packet;

	(void)state;
	make(&packet, true, false, IPPROTO_TCP, 100);
	put16(packet.frame.head + packet.l3 + 6, 0x2000);
	expect_nothing(&packet);
	make(&packet, true, false, IPPROTO_TCP, 100);
	packet.frame.length = packet.frame.head_length = packet.end - 1;
	expect_nothing(&packet);
	make(&packet, true, false, IPPROTO_UDP, 100);
	put16(packet.frame.head + packet.l3 + 2, 20 + 7);
	expect_nothing(&packet);
	make(&packet, false, false, IPPROTO_TCP, 100);
	packet.frame.head[packet.l3 + 6] = IPPROTO_SCTP;
	expect_nothing(&packet);
	make(&packet, true, false, IPPROTO_TCP, 100);
	put16(packet.frame.head + 12, 0x0806);
	expect_nothing(&packet);
	for (uint32_t length = 14; length < packet.l4 + 20; length++) {
		make(&packet, true, false, IPPROTO_TCP, 100);
		packet.frame.length = packet.frame.head_length = length;
		expect_nothing(&packet);
	}
}

/* Devices have a few bits for the length of each header, which are in the first bytes. */
static void device_is_told_of_headers_that_it_knows(void **state)
{
	static const uint8_t tag[] = { 0x81, 0, 0, 5 };
	struct packet packet;

	(void)state;
	for (uint32_t tags = 0; tags < 32; tags++) {
		make(&packet, true, false, IPPROTO_TCP, 600);
		struct frame *frame = &packet.frame;
		uint32_t more = tags * sizeof(tag);

		memmove(frame->head + 12 + more, frame->head + 12, 100);
		for (uint32_t i = 0; i < tags; i++)
			memcpy(frame->head + 12 + i * sizeof(tag), tag, sizeof(tag));
		frame->length += more;
		frame->head_length = FRAME_HEAD_MAX;
		frame->csum_start = (uint16_t)(packet.l4 + more);
		frame->csum_offset = 16;
		assert_int_equal(frame_is_plain(frame), tags <= 2);
	}
	make(&packet, true, false, IPPROTO_TCP, 600);
	packet.frame.csum_start = (uint16_t)packet.l4;
	packet.frame.csum_offset = 16;
	for (uint32_t length = packet.l4 + 18; length < packet.l4 + 30; length++) {
		packet.frame.head_length = length;
		assert_int_equal(frame_is_plain(&packet.frame), length >= packet.l4 + 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_to_a_device_is_found_and_completed),
		cmocka_unit_test(what_the_kernel_joined_is_cut_again),
		cmocka_unit_test(joined_datagrams_have_no_length),
		cmocka_unit_test(what_is_no_whole_packet_is_left_alone),
		cmocka_unit_test(device_is_told_of_headers_that_it_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
