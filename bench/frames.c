// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/frames.h"

#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <net/ethernet.h>
#include <stddef.h>
#include <string.h>

#define L3 sizeof(struct ether_header)
#define L4 (L3 + sizeof(struct iphdr))

/* Payload of a segment, if a large frame is cut. */
#define SEGMENT 1448

static const uint32_t mix[] = {64, 594, 64, 64, 594, 64, 1514, 64, 594, 64, 64, 594};

uint32_t frames_size(const struct frames_plan *plan, unsigned int id)
{
	return plan->size ? plan->size : mix[id % (sizeof(mix) / sizeof(*mix))];
}

uint32_t frames_stamp_at(const struct frames_plan *plan)
{
	return L4 + (plan->large ? sizeof(struct tcphdr) : sizeof(struct udphdr));
}

/* RFC 1071. */
static uint16_t sum(const void *bytes, size_t count, uint32_t start)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i + 1 < count; i += 2)
		start += (uint32_t)at[i] << 8 | at[i + 1];
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return htons((uint16_t)start);
}

/* Locally administered, by side and number. */
static void station(uint8_t *mac, unsigned int side, unsigned int number)
{
	const uint8_t address[] = {
		0x02, 0x1f, (uint8_t)side, 0, (uint8_t)(number >> 8), (uint8_t)number,
	};

	memcpy(mac, address, sizeof(address));
}

static void build_ip(const struct frames_plan *plan, uint8_t *at, uint32_t length,
		     unsigned int side, unsigned int other)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)(length - L3)),
		.ttl = 64,
		.protocol = plan->large ? IPPROTO_TCP : IPPROTO_UDP,
		.saddr = htonl(0xc6120001u + (side << 8)), /* 198.18.0.0/15, RFC 2544 */
		.daddr = htonl(0xc6120001u + (other << 8)),
	};

	ip.check = (uint16_t)~sum(&ip, sizeof(ip), 0);
	memcpy(at, &ip, sizeof(ip));
}

/* The receiver or the back end completes the checksum: what is there is the pseudo header's. */
static void build_tcp(uint8_t *header, uint8_t *frame, uint32_t length, unsigned int flow)
{
	const struct virtio_net_hdr net = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = (uint16_t)(L4 + sizeof(struct tcphdr)),
		.gso_size = SEGMENT,
		.csum_start = (uint16_t)L4,
		.csum_offset = offsetof(struct tcphdr, check),
	};
	struct tcphdr tcp = {
		.source = htons((uint16_t)(49152 + flow)),
		.dest = htons(7),
		.doff = 5,
		.ack = 1,
		.window = htons(65535),
		.check = sum(frame + L3 + offsetof(struct iphdr, saddr), 8,
			     IPPROTO_TCP + length - (uint32_t)L4),
	};

	memcpy(header, &net, sizeof(net));
	memcpy(frame + L4, &tcp, sizeof(tcp));
}

static void build_udp(uint8_t *frame, uint32_t length, unsigned int flow)
{
	const struct udphdr udp = {
		.source = htons((uint16_t)(49152 + flow)),
		.dest = htons(7),
		.len = htons((uint16_t)(length - L4)),
	};

	memcpy(frame + L4, &udp, sizeof(udp));
}

void frames_build(const struct frames_plan *plan, unsigned int side, unsigned int id, bool loops,
		  uint8_t *to)
{
	uint32_t length = frames_size(plan, id), stamp = frames_stamp_at(plan);
	unsigned int other = loops ? side | 0x80 : side ^ 1;
	const struct frames_stamp empty = {.magic = FRAMES_MAGIC, .id = (uint16_t)id};
	uint8_t *frame = to + FRAMES_HEADER;

	memset(to, 0, FRAMES_HEADER);
	if (plan->broadcast)
		memset(frame, 0xff, ETHER_ADDR_LEN);
	else
		station(frame, other, id % plan->stations);
	station(frame + ETHER_ADDR_LEN, side, id % plan->stations);
	frame[12] = ETH_P_IP >> 8;
	frame[13] = ETH_P_IP & 0xff;
	build_ip(plan, frame + L3, length, side, other);
	if (plan->large)
		build_tcp(to, frame, length, id % plan->flows);
	else
		build_udp(frame, length, id % plan->flows);
	memcpy(frame + stamp, &empty, sizeof(empty));
	for (uint32_t i = stamp + (uint32_t)sizeof(empty); i < length; i++)
		frame[i] = (uint8_t)(i * 31 + id * 7 + side);
}
