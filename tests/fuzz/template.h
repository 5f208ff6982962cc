/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers to begin with: UDP and TCP, IPv4 and IPv6, of the likely addresses. */
#ifndef IOV_TESTS_FUZZ_TEMPLATE_H
#define IOV_TESTS_FUZZ_TEMPLATE_H

#include <linux/virtio_net.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/lan.h"

/* What @kind has to say. */
#define TEMPLATE_IP6 1
#define TEMPLATE_UDP 2
#define TEMPLATE_BROADCAST 4
#define TEMPLATE_CSUM 8
#define TEMPLATE_GSO 16
#define TEMPLATE_ANY_HEADER 32

/* 60 bytes to @to or to all; where the transport header begins. */
static inline uint32_t write_template(uint8_t *frame, uint8_t kind, unsigned int to)
{
	static const uint8_t ip4[] = {0x08, 0x00, 0x45, 0, 0, 60, 0, 0, 0, 0, 64};
	static const uint8_t ip6[] = {0x86, 0xdd, 0x60, 0, 0, 0, 0, 40};
	bool is_ip6 = kind & TEMPLATE_IP6, is_udp = kind & TEMPLATE_UDP;
	uint32_t l4 = is_ip6 ? 54 : 34;

	lan_frame(frame, kind & TEMPLATE_BROADCAST ? BROADCAST : to, kind >> 6, 0, 60);
	memcpy(frame + 12, is_ip6 ? ip6 : ip4, is_ip6 ? sizeof(ip6) : sizeof(ip4));
	frame[is_ip6 ? 20 : 23] = is_udp ? 17 : 6;
	frame[l4 + 12] = 0x50;
	return l4;
}

/* What goes with it, and says so or not. */
static inline struct virtio_net_hdr template_header(struct fuzz_input *input, uint8_t kind, uint32_t l4)
{
	struct virtio_net_hdr header = {0};

	if (kind & TEMPLATE_CSUM)
		header = (struct virtio_net_hdr){
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.gso_type = !(kind & TEMPLATE_GSO) ? VIRTIO_NET_HDR_GSO_NONE :
				    kind & TEMPLATE_IP6 ? VIRTIO_NET_HDR_GSO_TCPV6 :
							  VIRTIO_NET_HDR_GSO_TCPV4,
			.gso_size = fuzz_u16(input),
			.csum_start = (uint16_t)l4,
			.csum_offset = kind & TEMPLATE_UDP ? 6 : 16,
		};
	if (kind & TEMPLATE_ANY_HEADER)
		fuzz_bytes(input, &header, sizeof(header));
	return header;
}

/* A few bytes of it otherwise. */
static inline void spoil_template(struct fuzz_input *input, uint8_t *frame)
{
	for (unsigned int changes = fuzz_below(input, 16); changes; changes--) {
		uint32_t at = fuzz_below(input, 128);

		frame[at] = fuzz_u8(input);
	}
}

#endif
