// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A frame of any bytes under any virtio-net header, whose head is no longer in memory
 * than it says: what is made of it stays within it, and nothing of it is lost.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/test.h"
#include "vhost-user/net/checksum.h"
#include "vhost-user/net/frame.h"
#include "vhost-user/net/ip.h"
#include "vhost-user/net/partial.h"

#define OFFERS                                                                                     \
	(FRAME_NEED_CSUM | FRAME_NEED_TSO4 | FRAME_NEED_TSO6 | FRAME_NEED_USO4 | FRAME_NEED_USO6 | \
	 FRAME_NEED_ECN)

/* Over all inputs. */
static unsigned int refused, checksummed, segmented, datagrams, partial;

struct tally {
	const struct frame *frame;
	uint32_t payload;
};

static bool on_segment(void *arg, struct frame *segment)
{
	struct tally *tally = arg;
	uint32_t payload = segment->length - tally->frame->headers;
	static uint8_t copy[FRAME_MAX];

	assert_int_equal(segment->head_length, tally->frame->headers);
	assert_int_equal(segment->needs, 0);
	assert_true(payload <= tally->frame->segment_size);
	assert_int_equal(virtq_cursor_read(&segment->rest, copy, payload), payload);
	tally->payload += payload;
	return true;
}

/* In software, as for a receiver that has no offloads. */
static void complete(struct frame *frame)
{
	_cleanup_free_ uint8_t *flat = malloc(FRAME_HEADROOM + frame->length);
	struct tally tally = {.frame = frame};

	assert_non_null(flat);
	frame_flatten(frame, flat);
	assert_int_equal(frame->head_length, frame->length);
	if (frame->needs & ~FRAME_NEED_CSUM) {
		assert_true(frame_segment(frame, on_segment, &tally));
		assert_int_equal(tally.payload, frame->length - frame->headers);
		segmented++;
		datagrams += frame->gso_type == VIRTIO_NET_HDR_GSO_UDP_L4;
	} else if (frame->needs) {
		frame_checksum(frame);
		assert_int_equal(frame->needs, 0);
		checksummed++;
	}
}

static void write_length(uint8_t *at, uint32_t length)
{
	at[0] = (uint8_t)(length >> 8);
	at[1] = (uint8_t)length;
}

/* The checksum as if it were left to a device, of a packet that ends with the frame. */
static void leave_checksum(struct frame *frame)
{
	uint16_t type, sum;
	int protocol;
	uint32_t l3 = frame_l3(frame, &type), l4 = frame_l4(frame, type, l3, &protocol);
	uint32_t at = l4 + (protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);

	if (protocol < 0 || at + 2 > frame->head_length)
		return;
	write_length(frame->head + l3 + (type == ETH_P_IP ? 2 : 4),
		     frame->length - l3 - (type == ETH_P_IP ? 0 : IP6_HEADER));
	sum = htons((uint16_t)~checksum_fold(checksum_pseudo(frame->head + l3, type == ETH_P_IP,
							     (uint8_t)protocol, frame->length - l4)));
	memcpy(frame->head + at, &sum, sizeof(sum));
}

/* As it comes from an interface of the kernel, all of it in one place. */
static void use_unfinished(const struct frame *original, uint16_t mtu)
{
	_cleanup_free_ uint8_t *flat = malloc(FRAME_HEADROOM + original->length);
	struct frame frame = *original;

	assert_non_null(flat);
	frame_flatten(&frame, flat);
	leave_checksum(&frame);
	if (partial_find(&frame, mtu))
		return;
	assert_true(frame.length <= original->length && frame.head_length == frame.length);
	partial += !!frame.needs;
	complete(&frame);
}

static void use(struct frame *frame, const struct virtio_net_hdr *header, uint8_t offers)
{
	struct virtio_net_hdr passed;

	frame_vlan(frame);
	frame_hash(frame);
	if (frame_parse(frame, header, offers)) {
		refused++;
		return;
	}
	assert_int_equal(frame->needs & ~offers, 0);
	passed = frame_header(frame, OFFERS);
	if (frame->needs & FRAME_NEED_CSUM) {
		frame_is_plain(frame);
		assert_true(passed.csum_start + passed.csum_offset + 2u <= frame->length);
	}
	if (frame->needs & ~FRAME_NEED_CSUM)
		assert_true(passed.hdr_len <= frame->head_length && passed.gso_size);
	complete(frame);
}

static void run(struct fuzz_input *input)
{
	static uint8_t rest_bytes[FRAME_MAX];
	struct virtq_segment rest = {.data = rest_bytes};
	struct virtio_net_hdr header;
	_cleanup_free_ uint8_t *head = NULL;
	struct frame frame = {.rest = {&rest, &rest + 1, 0}};
	uint8_t offers = fuzz_u8(input) & OFFERS;
	uint32_t length;

	fuzz_bytes(input, &header, sizeof(header));
	length = fuzz_below(input, 4) ? fuzz_u16(input) : (uint32_t)fuzz_left(input);
	length = length < FRAME_ETHERNET ? FRAME_ETHERNET : length;
	frame.length = length < FRAME_MAX ? length : FRAME_MAX;
	frame.head_length = frame.length < FRAME_HEAD_MAX ? frame.length : FRAME_HEAD_MAX;
	rest.length = frame.length - frame.head_length;
	if (!rest.length)
		frame.rest.end = &rest;
	head = malloc(FRAME_HEADROOM + frame.head_length);
	assert_non_null(head);
	frame.head = head + FRAME_HEADROOM;
	fuzz_bytes(input, frame.head, frame.head_length);
	use_unfinished(&frame, (uint16_t)~header.gso_size);
	use(&frame, &header, offers);
}

static void reached_everything(void)
{
	assert_true(refused && checksummed && segmented && datagrams && partial);
}

const struct fuzz_target fuzz_target = {
	.run = run,
	.done = reached_everything,
};
