// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/net/net_rss.h"

#include <string.h>

#include "vhost-user/net/ip.h"

#define IP4_FRAGMENT 0x3fff
#define PORTS 4

/**
 * struct flow - what of a frame is hashed
 * @addresses: source and destination
 * @address_bytes: of both
 * @protocol: of the header at @l4; IPPROTO_NONE when that cannot be told
 * @l4: its offset
 */
struct flow {
	const uint8_t *addresses;
	unsigned int address_bytes;
	uint8_t protocol;
	uint32_t l4;
};

static bool find_ip4(const struct frame *frame, uint32_t l3, struct flow *flow)
{
	const uint8_t *ip = frame->head + l3;

	if (l3 + IP4_HEADER > frame->head_length)
		return false;
	*flow = (struct flow){ ip + 12, 8, ip[9], l3 + (ip[0] & 15u) * 4 };
	if ((ip[6] << 8 | ip[7]) & IP4_FRAGMENT)
		flow->protocol = IPPROTO_NONE;
	return true;
}

static bool find_ip6(const struct frame *frame, uint32_t l3, struct flow *flow)
{
	const uint8_t *ip = frame->head + l3;

	if (l3 + IP6_HEADER > frame->head_length)
		return false;
	*flow = (struct flow){ .addresses = ip + 8, .address_bytes = 32 };
	if (!ip6_find_header(ip, frame->head_length - l3, &flow->protocol, &flow->l4))
		flow->protocol = IPPROTO_NONE;
	flow->l4 += l3;
	return true;
}

static void hash_flow(const struct net_rss *rss, struct frame *frame, const struct flow *flow,
		      uint8_t ip, uint8_t tcp, uint8_t udp)
{
	uint8_t input[TOEPLITZ_INPUT], report = 0;
	unsigned int length = flow->address_bytes;

	if (flow->l4 + PORTS <= frame->head_length) {
		if (flow->protocol == IPPROTO_TCP && rss->types & NET_RSS_TYPE(tcp))
			report = tcp;
		else if (flow->protocol == IPPROTO_UDP && rss->types & NET_RSS_TYPE(udp))
			report = udp;
	}
	memcpy(input, flow->addresses, length);
	if (report) {
		memcpy(input + length, frame->head + flow->l4, PORTS);
		length += PORTS;
	} else if (rss->types & NET_RSS_TYPE(ip)) {
		report = ip;
	} else {
		return;
	}
	frame->hash = toeplitz_hash(&rss->toeplitz, input, length);
	frame->hash_report = report;
}

void net_rss_hash(const struct net_rss *rss, struct frame *frame)
{
	struct flow flow;
	uint16_t type;
	uint32_t l3 = frame_l3(frame, &type);

	frame->hash = 0;
	frame->hash_report = VIRTIO_NET_HASH_REPORT_NONE;
	if (type == ETH_P_IP && find_ip4(frame, l3, &flow))
		hash_flow(rss, frame, &flow, VIRTIO_NET_HASH_REPORT_IPv4,
			  VIRTIO_NET_HASH_REPORT_TCPv4, VIRTIO_NET_HASH_REPORT_UDPv4);
	else if (type == ETH_P_IPV6 && find_ip6(frame, l3, &flow))
		hash_flow(rss, frame, &flow, VIRTIO_NET_HASH_REPORT_IPv6,
			  VIRTIO_NET_HASH_REPORT_TCPv6, VIRTIO_NET_HASH_REPORT_UDPv6);
}
