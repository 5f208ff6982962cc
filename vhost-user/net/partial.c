// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/net/partial.h"

#include "vhost-user/net/checksum.h"
#include "vhost-user/net/ip.h"

#define TCP_OFFSET 12
#define TCP_FLAGS 13
#define TCP_CWR 0x80
#define IP4_FRAGMENT 0x3fff /* there are more, or there were */

/**
 * struct place - where things are in a frame
 * @l3: offset of the IP header
 * @l4: of that of TCP or UDP
 * @end: behind the IP packet
 * @checksum: offset of the checksum from @l4
 * @protocol: IPPROTO_TCP or IPPROTO_UDP
 * @ip4: it is IPv4
 */
struct place {
	uint32_t l3;
	uint32_t l4;
	uint32_t end;
	uint16_t checksum;
	uint8_t protocol;
	bool ip4;
};

static uint32_t read16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* Where the IP packet ends, which is behind a header of @l3 at least; 0 for a fragment. */
static uint32_t find_end(const uint8_t *ip, uint32_t l3, bool ip4)
{
	if (!ip4)
		return l3 + IP6_HEADER + read16(ip + 4);
	return read16(ip + 6) & IP4_FRAGMENT ? 0 : l3 + read16(ip + 2);
}

/* Whether the frame has a whole header of TCP or UDP, and all that is behind it. */
static bool find_place(const struct frame *frame, struct place *place)
{
	uint16_t type;
	int protocol;
	uint32_t header;

	place->l3 = frame_l3(frame, &type);
	place->ip4 = type == ETH_P_IP;
	if (!place->ip4 && type != ETH_P_IPV6)
		return false;
	place->l4 = frame_l4(frame, type, place->l3, &protocol);
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return false;
	header = protocol == IPPROTO_TCP ? TCP_HEADER : UDP_HEADER;
	place->protocol = (uint8_t)protocol;
	place->checksum = protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
	place->end = find_end(frame->head + place->l3, place->l3, place->ip4);
	return place->l4 + header <= frame->head_length && place->l4 + header <= place->end &&
	       place->end <= frame->length;
}

static bool is_partial(const struct frame *frame, const struct place *place)
{
	const uint8_t *ip = frame->head + place->l3;
	uint64_t pseudo = checksum_pseudo(ip, place->ip4, place->protocol, place->end - place->l4);

	return read16(frame->head + place->l4 + place->checksum) ==
	       (uint16_t)~checksum_fold(pseudo);
}

/* Segments as long as the interface takes them. */
static void ask_to_cut(const struct frame *frame, const struct place *place, uint32_t mtu,
		       struct virtio_net_hdr *header)
{
	const uint8_t *tcp = frame->head + place->l4;
	uint32_t headers = place->l4 - place->l3 + (tcp[TCP_OFFSET] >> 4) * 4u;

	header->gso_type = place->ip4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	if (tcp[TCP_FLAGS] & TCP_CWR)
		header->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	header->gso_size = (uint16_t)(headers < mtu ? mtu - headers : 0);
}

enum drop partial_find(struct frame *frame, uint32_t mtu)
{
	struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM };
	struct place place;

	if (!find_place(frame, &place) || !is_partial(frame, &place))
		return DROP_NONE;
	header.csum_start = (uint16_t)place.l4;
	header.csum_offset = place.checksum;
	if (place.end - place.l3 > mtu) {
		if (place.protocol == IPPROTO_UDP)
			return DROP_OFFLOAD;
		ask_to_cut(frame, &place, mtu, &header);
	}
	frame->length = place.end;
	if (frame->head_length > place.end)
		frame->head_length = place.end;
	return frame_parse(frame, &header, UINT8_MAX);
}
