/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame on its way through the switch.
 *
 * Its first bytes are private: decisions are made on them and they are what is
 * written to the receiver, so a guest that changes its buffer meanwhile gains
 * nothing.  The rest may still lie in guest memory.
 */
#ifndef VHOST_USER_NET_FRAME_H
#define VHOST_USER_NET_FRAME_H

#include <linux/if_ether.h>
#include <stdint.h>

#include "vhost-user/net/drop.h"
#include "vhost-user/net/net_bits.h"
#include "vhost-user/ring/virtq.h"

#define FRAME_ETHERNET 14

/* Largest IP packet with an Ethernet header and two VLAN tags. */
#define FRAME_MAX (65535 + FRAME_ETHERNET + 8)

/*
 * How much of a frame is copied before anything is decided: all of L2 to L4.  With the virtio-net
 * header that most drivers have before it, it is three cache lines, so that the rest of a frame
 * begins where a line does, as buffers mostly do.
 */
#define FRAME_HEAD_MAX (192 - 12)

/* Longest headers of a frame that is to be cut: what was read, and the tag that a port pushes. */
#define FRAME_HEADERS_MAX (FRAME_HEAD_MAX + 4)

/* Two tags, which is what devices are made for. */
#define FRAME_PLAIN_TAGS 8u

/* Writable private bytes before the head, where the receiver's virtio-net header goes. */
#define FRAME_HEADROOM 32

/* What a frame asks of whoever takes it as it is. */
enum frame_need {
	FRAME_NEED_CSUM = 1 << 0,
	FRAME_NEED_TSO4 = 1 << 1,
	FRAME_NEED_TSO6 = 1 << 2,
	FRAME_NEED_USO4 = 1 << 3,
	FRAME_NEED_USO6 = 1 << 4,
	FRAME_NEED_ECN = 1 << 5, /* with TSO: the flag CWR belongs to the first segment */
};

struct loan;
struct rte_mbuf;

/**
 * struct frame - a frame
 * @head: its first bytes, private, with FRAME_HEADROOM writable bytes before
 * @rest: the bytes behind the head
 * @loan: by which a device may have @rest without a copy, see loan.h; NULL for none
 * @packet: the head is in this one, which a device may have; NULL for none
 * @length: bytes of the whole frame
 * @head_length: bytes at @head
 * @needs: FRAME_NEED_*: the receiver completes the checksum, or segments
 * @verified: checksums were found right
 * @gso_type: VIRTIO_NET_HDR_GSO_* of a frame that is to be cut
 * @csum_start: where the checksum begins (FRAME_NEED_CSUM), behind L2 and L3; it may be in @rest
 * @csum_offset: where it goes, from there
 * @segment_size: payload per segment of a frame that is to be cut
 * @headers: its bytes of L2 to L4 headers, FRAME_HEADERS_MAX at most
 * @hash_report: VIRTIO_NET_HASH_REPORT_* of @hash, for a receiver that wants it
 * @hash: hash by that receiver's key
 */
struct frame {
	uint8_t *head;
	struct virtq_cursor rest;
	struct loan *loan;
	struct rte_mbuf *packet;
	uint32_t length;
	uint32_t head_length;
	uint8_t needs;
	bool verified;
	uint8_t hash_report;
	uint8_t gso_type;
	uint16_t csum_start;
	uint16_t csum_offset;
	uint16_t segment_size;
	uint16_t headers;
	uint32_t hash;
};

/* frame_parse() of a header that asks for something. */
enum drop frame_parse_needs(struct frame *frame, const struct virtio_net_hdr *header,
			    uint8_t offers);

/**
 * frame_parse - fill in what the sender's virtio-net header asks for
 * @frame: with its head and lengths set, and zeroes
 * @header: private copy of the header
 * @offers: FRAME_NEED_* that the sender negotiated
 *
 * Virtio 1.2 section 5.1.6.2: checked against the packet, what a device must not
 * rely on (hdr_len) is computed instead.  A checksum is behind VLAN tags and the IP header with
 * its extension headers, so completing it changes no address.
 *
 * Return: DROP_NONE or why the frame is refused.
 */
static ALWAYS_INLINE enum drop frame_parse(struct frame *frame, const struct virtio_net_hdr *header,
					   uint8_t offers)
{
	if (!(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
	    header->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return DROP_NONE;
	return frame_parse_needs(frame, header, offers);
}

/**
 * frame_header - make the receiver's virtio-net header
 * @frame: frame
 * @accepts: FRAME_NEED_* that the receiver negotiated
 *
 * Return: the header by value, which is all 0 for a frame that needs nothing and was not
 * verified.
 */
static inline struct virtio_net_hdr frame_header(const struct frame *frame, uint8_t accepts)
{
	struct virtio_net_hdr header = { 0 };

	if (frame->needs & FRAME_NEED_CSUM) {
		header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		header.csum_start = frame->csum_start;
		header.csum_offset = frame->csum_offset;
	} else if (frame->verified && accepts & FRAME_NEED_CSUM) {
		header.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	if (frame->needs & ~FRAME_NEED_CSUM) {
		header.gso_type = frame->gso_type;
		header.gso_size = frame->segment_size;
		header.hdr_len = frame->headers;
	}
	return header;
}

/**
 * frame_has_tag_type - whether the EtherType of a frame is that of a VLAN tag, which may be cut off
 * @frame: frame of FRAME_ETHERNET bytes at least
 */
static inline bool frame_has_tag_type(const struct frame *frame)
{
	unsigned int type = (unsigned int)frame->head[12] << 8 | frame->head[13];

	return type == ETH_P_8021Q || type == ETH_P_8021AD;
}

/**
 * frame_is_tagged - whether a frame has a VLAN tag
 * @frame: frame of FRAME_ETHERNET bytes at least
 */
static inline bool frame_is_tagged(const struct frame *frame)
{
	return frame_has_tag_type(frame) && frame->head_length >= FRAME_ETHERNET + 4;
}

/**
 * frame_vlan - VLAN of a frame
 * @frame: frame of FRAME_ETHERNET bytes at least
 *
 * Return: its VLAN identifier, 0 when it has no tag or a priority tag only.
 */
static inline uint16_t frame_vlan(const struct frame *frame)
{
	const uint8_t *head = frame->head;

	if (!frame_is_tagged(frame))
		return 0;
	return (uint16_t)((head[14] << 8 | head[15]) & 0xfff);
}

/**
 * frame_l3 - where the IP header is
 * @frame: frame of FRAME_ETHERNET bytes at least
 * @type: receives the EtherType behind the VLAN tags
 *
 * Return: offset behind the EtherType.
 */
uint32_t frame_l3(const struct frame *frame, uint16_t *type);

/**
 * frame_l4 - where that is what an IP header is in front of
 * @frame: frame of FRAME_ETHERNET bytes at least
 * @type: the EtherType by frame_l3()
 * @l3: the offset by frame_l3()
 * @protocol: receives its IPPROTO_*, -1 when that is not known
 *
 * Return: offset behind the IP header and its extension headers as far as they are in the head,
 * which may be behind the head or the frame; @l3 when it is not IP.
 */
uint32_t frame_l4(const struct frame *frame, uint16_t type, uint32_t l3, int *protocol);

/**
 * frame_is_plain - whether a device can be told where the checksum goes
 * @frame: frame with FRAME_NEED_CSUM
 *
 * Devices take L2, L3 and L4 lengths, not offsets: the checksum must be that of
 * TCP or UDP right behind the IP header, not inside a tunnel.  The lengths are a few bits each, so there
 * are FRAME_PLAIN_TAGS bytes of tags at most, and the headers are in the head.
 */
bool frame_is_plain(const struct frame *frame);

/**
 * frame_hash - a number that is the same for all frames of a flow
 * @frame: frame of FRAME_ETHERNET bytes at least
 */
uint32_t frame_hash(const struct frame *frame);

/**
 * frame_flatten - copy a whole frame to one place
 * @frame: changed to lie there, all of it head
 * @to: room for FRAME_MAX bytes behind FRAME_HEADROOM bytes
 */
void frame_flatten(struct frame *frame, uint8_t *to);

/**
 * frame_checksum - complete the checksum that a frame asks for
 * @frame: flat; FRAME_NEED_CSUM is cleared
 */
void frame_checksum(struct frame *frame);

typedef bool frame_emit(void *arg, struct frame *segment);

/**
 * frame_segment - cut a TCP or UDP frame into frames that need nothing
 * @frame: flat
 * @emit: called for each segment, which is valid during the call; whether to go on
 * @arg: passed to @emit
 *
 * Return: whether that were all segments.
 */
bool frame_segment(const struct frame *frame, frame_emit *emit, void *arg);

#endif
