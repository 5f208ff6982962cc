// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/net/frame.h"

#include <string.h>

#include "base/fnv.h"
#include "vhost-user/net/ip.h"

static uint16_t read16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t frame_l3(const struct frame *frame, uint16_t *type)
{
	uint32_t offset = FRAME_ETHERNET;

	*type = read16(frame->head + 12);
	while ((*type == ETH_P_8021Q || *type == ETH_P_8021AD) &&
	       offset + 4 <= frame->head_length) {
		*type = read16(frame->head + offset + 2);
		offset += 4;
	}
	return offset;
}

/* A tag may come in front of the frame, and move it. */
#define CSUM_START_MAX (UINT16_MAX - 4)

uint32_t frame_l4(const struct frame *frame, uint16_t type, uint32_t l3, int *protocol)
{
	const uint8_t *ip = frame->head + l3;
	uint32_t left = frame->head_length - l3, header;
	uint8_t next;

	*protocol = -1;
	if (type == ETH_P_IP) {
		header = left < IP4_HEADER ? 0 : (ip[0] & 15u) * 4;
		if (header < IP4_HEADER)
			return l3 + IP4_HEADER;
		*protocol = ip[9];
		return l3 + header;
	}
	if (type == ETH_P_IPV6) {
		if (left < IP6_HEADER)
			return l3 + IP6_HEADER;
		if (ip6_find_header(ip, left, &next, &header))
			*protocol = next;
		return l3 + header;
	}
	return l3;
}

/*
 * It is written when others have looked at the frame, so it is behind all headers that say where
 * the frame comes from and goes to: tags, and those of L3.
 */
static bool checksum_ok(const struct frame *frame)
{
	uint32_t end = (uint32_t)frame->csum_start + frame->csum_offset + 2;
	uint16_t type;
	uint32_t l3 = frame_l3(frame, &type);
	int protocol;

	return type != ETH_P_ARP && type != ETH_P_RARP && frame->csum_start <= CSUM_START_MAX &&
	       frame->csum_start >= frame_l4(frame, type, l3, &protocol) && end <= frame->length;
}

/* Whether TCP or UDP begins where the checksum does, right behind IP and its extension headers. */
static bool l4_ok(const struct frame *frame, uint16_t type, uint32_t l3, int protocol)
{
	const unsigned int version = type == ETH_P_IP ? 4 : 6;
	int found;

	return frame->csum_start == frame_l4(frame, type, l3, &found) && found == protocol &&
	       frame->head[l3] >> 4 == version;
}

/* They are copied in front of each segment, so their length is not the sender's to choose. */
static enum drop set_headers(struct frame *frame, uint32_t headers)
{
	if (headers > frame->head_length || headers > FRAME_HEAD_MAX)
		return DROP_BAD_HEADER;
	frame->headers = (uint16_t)headers;
	return DROP_NONE;
}

static enum drop parse_tcp(struct frame *frame)
{
	uint32_t headers = frame->csum_start + (uint32_t)TCP_HEADER;

	if (frame->csum_offset != TCP_CHECKSUM || !frame->segment_size ||
	    headers > frame->head_length)
		return DROP_BAD_HEADER;
	headers = frame->csum_start + (frame->head[frame->csum_start + 12] >> 4) * 4u;
	if (headers < frame->csum_start + (uint32_t)TCP_HEADER)
		return DROP_BAD_HEADER;
	return set_headers(frame, headers);
}

static enum drop parse_udp(struct frame *frame)
{
	uint32_t headers = frame->csum_start + (uint32_t)UDP_HEADER;

	if (frame->csum_offset != UDP_CHECKSUM || !frame->segment_size ||
	    headers > frame->head_length)
		return DROP_BAD_HEADER;
	return set_headers(frame, headers);
}

static enum drop parse_segmentation(struct frame *frame, uint8_t kind)
{
	bool udp = kind == VIRTIO_NET_HDR_GSO_UDP_L4;
	uint16_t type;
	uint32_t l3 = frame_l3(frame, &type);
	bool ip4 = type == ETH_P_IP;

	if ((!ip4 && type != ETH_P_IPV6) ||
	    !l4_ok(frame, type, l3, udp ? IPPROTO_UDP : IPPROTO_TCP))
		return DROP_BAD_HEADER;
	if (udp) {
		frame->needs |= ip4 ? FRAME_NEED_USO4 : FRAME_NEED_USO6;
		return parse_udp(frame);
	}
	if (ip4 != (kind == VIRTIO_NET_HDR_GSO_TCPV4))
		return DROP_BAD_HEADER;
	frame->needs |= ip4 ? FRAME_NEED_TSO4 : FRAME_NEED_TSO6;
	return parse_tcp(frame);
}

/* What is to be cut, and how; a bit beside the kind tells of ECN. */
static enum drop parse_gso(struct frame *frame, const struct virtio_net_hdr *header)
{
	bool ecn = header->gso_type & VIRTIO_NET_HDR_GSO_ECN;
	uint8_t kind = header->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;

	if (kind != VIRTIO_NET_HDR_GSO_TCPV4 && kind != VIRTIO_NET_HDR_GSO_TCPV6 &&
	    (kind != VIRTIO_NET_HDR_GSO_UDP_L4 || ecn))
		return DROP_BAD_HEADER;
	if (!(frame->needs & FRAME_NEED_CSUM))
		return DROP_BAD_HEADER;
	if (ecn)
		frame->needs |= FRAME_NEED_ECN;
	frame->gso_type = header->gso_type;
	frame->segment_size = header->gso_size;
	return parse_segmentation(frame, kind);
}

enum drop frame_parse_needs(struct frame *frame, const struct virtio_net_hdr *header,
			    uint8_t offers)
{
	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		frame->needs = FRAME_NEED_CSUM;
		frame->csum_start = header->csum_start;
		frame->csum_offset = header->csum_offset;
		if (!checksum_ok(frame))
			return DROP_BAD_HEADER;
	}
	if (header->gso_type != VIRTIO_NET_HDR_GSO_NONE && parse_gso(frame, header))
		return DROP_BAD_HEADER;
	return frame->needs & ~offers ? DROP_BAD_HEADER : DROP_NONE;
}

bool frame_is_plain(const struct frame *frame)
{
	const bool tcp = frame->csum_offset == TCP_CHECKSUM;
	const uint8_t protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
	uint16_t type;
	uint32_t l3 = frame_l3(frame, &type);
	const uint8_t *ip = frame->head + l3;

	if (!tcp && frame->csum_offset != UDP_CHECKSUM)
		return false;
	if (l3 > FRAME_ETHERNET + FRAME_PLAIN_TAGS ||
	    frame->csum_start + (uint32_t)(tcp ? TCP_HEADER : UDP_HEADER) > frame->head_length)
		return false;
	if (type == ETH_P_IP && l3 + IP4_HEADER <= frame->head_length)
		return ip[9] == protocol && frame->csum_start == l3 + (ip[0] & 15u) * 4;
	if (type == ETH_P_IPV6 && l3 + IP6_HEADER <= frame->head_length)
		return ip[6] == protocol && frame->csum_start == l3 + IP6_HEADER;
	return false;
}

uint32_t frame_hash(const struct frame *frame)
{
	uint16_t type;
	uint32_t l3 = frame_l3(frame, &type), l4, hash;
	const uint8_t *ip = frame->head + l3;
	bool fragment;

	if (type == ETH_P_IP && l3 + IP4_HEADER <= frame->head_length) {
		hash = fnv32(FNV32_BASIS, ip + 12, 8);
		l4 = l3 + (ip[0] & 15u) * 4;
		fragment = read16(ip + 6) & 0x3fff;
	} else if (type == ETH_P_IPV6 && l3 + IP6_HEADER <= frame->head_length) {
		hash = fnv32(FNV32_BASIS, ip + 8, 32);
		l4 = l3 + IP6_HEADER;
		fragment = ip[6] != IPPROTO_TCP && ip[6] != IPPROTO_UDP;
	} else {
		return fnv32(FNV32_BASIS, frame->head, 12);
	}
	if (!fragment && l4 + 4 <= frame->head_length)
		hash = fnv32(hash, frame->head + l4, 4);
	return hash ^ hash >> 16;
}

void frame_flatten(struct frame *frame, uint8_t *to)
{
	size_t rest = frame->length - frame->head_length;

	memcpy(to + FRAME_HEADROOM, frame->head, frame->head_length);
	virtq_cursor_read(&frame->rest, to + FRAME_HEADROOM + frame->head_length, rest);
	frame->head = to + FRAME_HEADROOM;
	frame->head_length = frame->length;
	frame->rest = (struct virtq_cursor){ 0 };
	frame->loan = NULL;
	frame->packet = NULL;
}
