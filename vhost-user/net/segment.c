// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a receiver without offloads needs done in software: checksums (RFC 1071)
 * and cutting a large TCP frame into segments, or a UDP one into datagrams.
 *
 * A segment's head holds the headers, adapted, in a buffer of its own; its
 * payload stays where it is in the flat frame.
 */
#include <string.h>

#include "vhost-user/net/checksum.h"
#include "vhost-user/net/frame.h"
#include "vhost-user/net/ip.h"

#define TCP_SEQUENCE 4
#define TCP_FLAGS 13
#define UDP_LENGTH 4
#define TCP_FIN_PSH 0x09
#define TCP_CWR 0x80

static void write16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t read32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Zero means "no checksum" to UDP, and 0xffff is the same number. */
static void store(uint8_t *at, uint16_t checksum)
{
	write16(at, checksum ? checksum : 0xffff);
}

void frame_checksum(struct frame *frame)
{
	const uint8_t *start = frame->head + frame->csum_start;

	store(frame->head + frame->csum_start + frame->csum_offset,
	      checksum_fold(checksum_add(0, start, frame->length - frame->csum_start)));
	frame->needs &= (uint8_t)~FRAME_NEED_CSUM;
	frame->verified = true;
}

/**
 * struct cutter - what all segments of a frame share
 * @frame: the whole frame
 * @l3: offset of the IP header
 * @ip4: it is IPv4
 * @protocol: IPPROTO_TCP or IPPROTO_UDP
 * @head: where the headers of the current segment are made
 */
struct cutter {
	const struct frame *frame;
	uint32_t l3;
	bool ip4;
	uint8_t protocol;
	uint8_t head[FRAME_HEADROOM + FRAME_HEADERS_MAX];
};

static void fix_ip(struct cutter *cutter, uint8_t *ip, uint32_t length, uint32_t index)
{
	uint32_t header = cutter->frame->csum_start - cutter->l3;

	if (!cutter->ip4) {
		write16(ip + 4, length - 40);
		return;
	}
	write16(ip + 2, length);
	write16(ip + 4, (uint32_t)(ip[4] << 8 | ip[5]) + index);
	write16(ip + 10, 0);
	write16(ip + 10, checksum_fold(checksum_add(0, ip, header)));
}

/* Of a segment's TCP header: its place in the stream, and what only one of them says. */
static void fix_tcp(uint8_t *tcp, uint32_t offset, bool last)
{
	const uint32_t sequence = htonl(read32(tcp + TCP_SEQUENCE) + offset);

	memcpy(tcp + TCP_SEQUENCE, &sequence, 4);
	if (!last)
		tcp[TCP_FLAGS] &= (uint8_t)~TCP_FIN_PSH;
	if (offset)
		tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
}

/* A segment that goes from @offset of the payload over @length bytes. */
static struct frame cut(struct cutter *cutter, uint32_t offset, uint32_t length, bool last,
			struct virtq_segment *payload)
{
	const struct frame *frame = cutter->frame;
	uint8_t *head = cutter->head + FRAME_HEADROOM;
	uint8_t *ip = head + cutter->l3, *l4 = head + frame->csum_start;
	uint8_t *checksum = l4 + frame->csum_offset;
	uint32_t l4_header = frame->headers - frame->csum_start;
	uint64_t total;

	memcpy(head, frame->head, frame->headers);
	*payload = (struct virtq_segment){ frame->head + frame->headers + offset, length };
	fix_ip(cutter, ip, frame->headers - cutter->l3 + length, offset / frame->segment_size);
	if (cutter->protocol == IPPROTO_TCP)
		fix_tcp(l4, offset, last);
	else
		write16(l4 + UDP_LENGTH, l4_header + length);
	write16(checksum, 0);
	total = checksum_pseudo(ip, cutter->ip4, cutter->protocol, l4_header + length);
	total = checksum_add(total, l4, l4_header);
	store(checksum, checksum_fold(checksum_add(total, payload->data, length)));
	return (struct frame){
		.head = head,
		.head_length = frame->headers,
		.length = frame->headers + length,
		.rest = { payload, payload + 1, 0 },
		.verified = true,
	};
}

bool frame_segment(const struct frame *frame, frame_emit *emit, void *arg)
{
	uint32_t payload = frame->length - frame->headers, offset = 0, length;
	struct cutter cutter = { .frame = frame };
	struct virtq_segment data;
	struct frame segment;
	uint16_t type;
	bool more;

	cutter.l3 = frame_l3(frame, &type);
	cutter.ip4 = type == ETH_P_IP;
	cutter.protocol = frame->csum_offset == UDP_CHECKSUM ? IPPROTO_UDP : IPPROTO_TCP;
	do {
		length = payload - offset < frame->segment_size ? payload - offset
								: frame->segment_size;
		segment = cut(&cutter, offset, length, offset + length == payload, &data);
		more = emit(arg, &segment);
		offset += length;
	} while (more && offset < payload);
	return more;
}
