// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/switch/source_guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/net/ip.h"

/* Bytes of headers, and where fields are in them. */
#define ARP_BYTES 28
#define ARP_OPERATION 6
#define ARP_SENDER_MAC 8
#define ARP_SENDER_IP 14
#define IP4_FRAGMENT 6
#define IP4_PROTOCOL 9
#define IP4_SOURCE 12
#define IP4_TARGET 16
#define IP6_LENGTH 4
#define IP6_SOURCE 8
#define FRAGMENT_BYTES 8
#define FRAGMENT_OFFSET 2
#define ND_TARGET 8
#define UDP_TARGET 2
#define DHCP_BYTES 34
#define DHCP_CIADDR 12
#define DHCP_GIADDR 24
#define DHCP_CHADDR 28
#define SNAP_BYTES 8

/* UDP ports of DHCP (RFC 2131 section 4.1) and of clients of DHCPv6 (RFC 8415 section 7.2). */
#define DHCP_SERVER 67
#define DHCP_CLIENT 68
#define DHCP6_CLIENT 546

#define DHCP_REQUEST 1
#define MLD2_REPORT 143
#define ICMP_ROUTER_ADVERT 9

/* Lengths of 802.3 are below. */
#define ETHERTYPE_MIN 0x600

/* Tags of bridges that are older than IEEE 802.1ad: 0x9100, 0x9200, 0x9300. */
#define OLD_TAG_FIRST 0x91
#define OLD_TAG_LAST 0x93

static const uint8_t zeroes[16];

/**
 * struct sender - who sent a frame
 * @guard: which addresses it owns
 * @mac: the address that it sent from
 */
struct sender {
	const struct source_guard *guard;
	const uint8_t *mac;
};

/**
 * struct packet - what is left of a packet
 * @bytes: from the header that is looked at
 * @left: how many there are
 */
struct packet {
	const uint8_t *bytes;
	uint32_t left;
};

static uint16_t read16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

int source_guard_add_ip(struct source_guard *guard, const char *text)
{
	struct guard_prefix *prefix = &guard->prefixes[guard->prefix_count];
	char address[INET6_ADDRSTRLEN], *end;
	const char *slash = strchrnul(text, '/');
	size_t length = (size_t)(slash - text);
	unsigned long bits, longest;

	if (guard->prefix_count == GUARD_PREFIXES)
		return -ENOSPC;
	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	prefix->is_ip4 = inet_pton(AF_INET, address, prefix->bytes) == 1;
	if (!prefix->is_ip4 && inet_pton(AF_INET6, address, prefix->bytes) != 1)
		return -EINVAL;
	longest = prefix->is_ip4 ? 32 : 128;
	bits = *slash ? strtoul(slash + 1, &end, 10) : longest;
	if (*slash && (slash[1] < '0' || slash[1] > '9' || *end || bits > longest))
		return -EINVAL;
	prefix->bits = (uint8_t)bits;
	guard->prefix_count++;
	return 0;
}

static bool is_in(const struct guard_prefix *prefix, const uint8_t *ip)
{
	unsigned int whole = prefix->bits / 8;
	uint8_t mask = (uint8_t)~(0xff >> prefix->bits % 8);

	return !memcmp(prefix->bytes, ip, whole) &&
	       (!mask || !((prefix->bytes[whole] ^ ip[whole]) & mask));
}

static bool owns(const struct source_guard *guard, const uint8_t *ip, bool is_ip4)
{
	for (unsigned int i = 0; i < guard->prefix_count; i++)
		if (guard->prefixes[i].is_ip4 == is_ip4 && is_in(&guard->prefixes[i], ip))
			return true;
	return !guard->prefix_count;
}

/* Whether some addresses of a family are the sender's, or all of them are. */
static bool owns_some(const struct source_guard *guard, bool is_ip4, unsigned int bits_most)
{
	for (unsigned int i = 0; i < guard->prefix_count; i++)
		if (guard->prefixes[i].is_ip4 == is_ip4 && guard->prefixes[i].bits <= bits_most)
			return true;
	return !guard->prefix_count;
}

static bool owns_all(const struct source_guard *guard, bool is_ip4)
{
	return owns_some(guard, is_ip4, 0);
}

static bool owns_ip4(const struct sender *sender, const uint8_t ip[4])
{
	return owns(sender->guard, ip, true);
}

/* RFC 4291 section 2.5.6 and appendix A. */
static bool is_own_link_local(const struct sender *sender, const uint8_t ip[16])
{
	const uint8_t *mac = sender->mac;
	const uint8_t own[16] = { 0xfe, 0x80, [8] = mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3],
				  mac[4], mac[5] };

	return !memcmp(own, ip, sizeof(own)) && owns_some(sender->guard, false, 128);
}

static bool owns_ip6(const struct sender *sender, const uint8_t ip[16])
{
	return owns(sender->guard, ip, false) || is_own_link_local(sender, ip);
}

static bool owns_mac(const struct sender *sender, const uint8_t mac[6])
{
	const struct source_guard *guard = sender->guard;

	for (unsigned int i = 0; i < guard->mac_count; i++)
		if (!memcmp(guard->macs[i], mac, 6))
			return true;
	return !guard->mac_count;
}

static bool is_zero(const uint8_t *address, size_t bytes)
{
	return !memcmp(address, zeroes, bytes);
}

/* Whose sender is where it is for IPv4 on Ethernet; Linux takes both numbers of Ethernet. */
static bool is_arp(struct packet arp)
{
	static const uint8_t lengths[] = { ETH_P_IP >> 8, ETH_P_IP & 0xff, 6, 4 };

	if (arp.left < ARP_BYTES || memcmp(arp.bytes + 2, lengths, sizeof(lengths)))
		return false;
	return read16(arp.bytes) == ARPHRD_ETHER || read16(arp.bytes) == ARPHRD_IEEE802;
}

/* ARP and RARP.  Who asks may have no address yet (RFC 5227 section 2.1.1). */
static bool admits_arp(const struct sender *sender, struct packet arp)
{
	const uint8_t *ip = arp.bytes + ARP_SENDER_IP;
	uint16_t operation;

	if (!is_arp(arp) || !owns_mac(sender, arp.bytes + ARP_SENDER_MAC))
		return false;
	operation = read16(arp.bytes + ARP_OPERATION);
	if (operation == ARPOP_RREPLY)
		return owns_all(sender->guard, true);
	if (is_zero(ip, 4) && (operation == ARPOP_REQUEST || operation == ARPOP_RREQUEST))
		return true;
	return owns_ip4(sender, ip);
}

/* What a client asks a server of DHCP; what a relay asks is of others. */
static bool admits_dhcp(const struct sender *sender, struct packet udp)
{
	const uint8_t *dhcp = udp.bytes + UDP_HEADER;

	if (udp.left < UDP_HEADER + DHCP_BYTES)
		return false;
	if (dhcp[0] != DHCP_REQUEST || !is_zero(dhcp + DHCP_GIADDR, 4))
		return owns_all(sender->guard, true);
	if (!is_zero(dhcp + DHCP_CIADDR, 4) && !owns_ip4(sender, dhcp + DHCP_CIADDR))
		return false;
	return !sender->guard->mac_count || (dhcp[1] == ARPHRD_ETHER && dhcp[2] == 6 &&
					     owns_mac(sender, dhcp + DHCP_CHADDR));
}

static bool admits_udp4(const struct sender *sender, struct packet udp)
{
	if (udp.left < UDP_HEADER)
		return false;
	switch (read16(udp.bytes + UDP_TARGET)) {
	case DHCP_CLIENT:
		return owns_all(sender->guard, true);
	case DHCP_SERVER:
		return admits_dhcp(sender, udp);
	default:
		return true;
	}
}

static bool admits_icmp4(const struct sender *sender, struct packet icmp)
{
	if (!icmp.left)
		return false;
	return (icmp.bytes[0] != ICMP_REDIRECT && icmp.bytes[0] != ICMP_ROUTER_ADVERT) ||
	       owns_all(sender->guard, true);
}

/* A client without an address asks all servers, in one piece. */
static bool asks_dhcp(const uint8_t *ip, struct packet udp)
{
	static const uint8_t all[4] = { 0xff, 0xff, 0xff, 0xff };

	return ip[IP4_PROTOCOL] == IPPROTO_UDP && !(read16(ip + IP4_FRAGMENT) & 0x3fff) &&
	       !memcmp(ip + IP4_TARGET, all, sizeof(all)) && udp.left >= UDP_HEADER &&
	       read16(udp.bytes) == DHCP_CLIENT && read16(udp.bytes + UDP_TARGET) == DHCP_SERVER;
}

static bool admits_ip4(const struct sender *sender, struct packet packet)
{
	const uint8_t *ip = packet.bytes;
	struct packet payload;
	uint32_t header;

	if (packet.left < IP4_HEADER || ip[0] >> 4 != 4)
		return false;
	header = (ip[0] & 15u) * 4;
	if (header < IP4_HEADER || header > packet.left)
		return false;
	payload = (struct packet){ ip + header, packet.left - header };
	if (!owns_ip4(sender, ip + IP4_SOURCE) &&
	    !(is_zero(ip + IP4_SOURCE, 4) && owns_some(sender->guard, true, 32) &&
	      asks_dhcp(ip, payload)))
		return false;
	/* Fields that are looked at are in the first fragment, whichever comes as the first. */
	if (read16(ip + IP4_FRAGMENT) & 0x1fff)
		return true;
	switch (ip[IP4_PROTOCOL]) {
	case IPPROTO_UDP:
		return admits_udp4(sender, payload);
	case IPPROTO_ICMP:
		return admits_icmp4(sender, payload);
	default:
		return true;
	}
}

/* Options of neighbor discovery that name a link-layer address, RFC 4861 section 4.6.1. */
static bool admits_options(const struct sender *sender, struct packet options)
{
	while (options.left) {
		uint32_t length = options.left < 2 ? 0 : options.bytes[1] * 8u;

		if (!length || length > options.left)
			return false;
		if ((options.bytes[0] == ND_OPT_SOURCE_LINKADDR ||
		     options.bytes[0] == ND_OPT_TARGET_LINKADDR) &&
		    !owns_mac(sender, options.bytes + 2))
			return false;
		options.bytes += length;
		options.left -= length;
	}
	return true;
}

static bool claims_own_target(const struct sender *sender, struct packet icmp)
{
	return icmp.left >= ND_TARGET + 16 && owns_ip6(sender, icmp.bytes + ND_TARGET);
}

/* A message of neighbor discovery is here as a whole, with options behind @fixed bytes. */
static bool admits_message(const struct sender *sender, struct packet icmp, uint32_t fixed)
{
	if (icmp.left < fixed)
		return false;
	return !sender->guard->mac_count ||
	       admits_options(sender, (struct packet){ icmp.bytes + fixed, icmp.left - fixed });
}

/* @is_nobody: it comes from ::. */
static bool admits_icmp6(const struct sender *sender, struct packet icmp, bool is_nobody)
{
	if (!icmp.left)
		return false;
	switch (icmp.bytes[0]) {
	case ND_ROUTER_SOLICIT:
		return admits_message(sender, icmp, sizeof(struct nd_router_solicit));
	case ND_NEIGHBOR_SOLICIT:
		/* To ask whether an address is free keeps others from having it. */
		return (!is_nobody || claims_own_target(sender, icmp)) &&
		       admits_message(sender, icmp, sizeof(struct nd_neighbor_solicit));
	case ND_NEIGHBOR_ADVERT:
		return !is_nobody && claims_own_target(sender, icmp) &&
		       admits_message(sender, icmp, sizeof(struct nd_neighbor_advert));
	case ND_ROUTER_ADVERT:
	case ND_REDIRECT:
	case ICMP6_ROUTER_RENUMBERING:
		/* What they say is of others: link-layer addresses, too. */
		return !is_nobody && owns_all(sender->guard, false);
	case MLD_LISTENER_REPORT:
	case MLD_LISTENER_REDUCTION:
	case MLD2_REPORT:
		return true;
	default:
		return !is_nobody;
	}
}

static bool admits_udp6(const struct sender *sender, struct packet udp)
{
	return udp.left >= UDP_HEADER && (read16(udp.bytes + UDP_TARGET) != DHCP6_CLIENT ||
					  owns_all(sender->guard, false));
}

/*
 * Neighbor discovery is not fragmented (RFC 6980 section 5); what kind of message a fragment
 * belongs to is in the first one, unless headers are in front of it.
 */
static bool admits_fragment(const struct sender *sender, struct packet fragment)
{
	const uint8_t *bytes = fragment.bytes;
	struct packet payload = { bytes + FRAGMENT_BYTES, fragment.left - FRAGMENT_BYTES };
	uint8_t type;

	if (fragment.left < FRAGMENT_BYTES || ip6_is_extension(bytes[0]) ||
	    bytes[0] == IPPROTO_FRAGMENT)
		return false;
	if (read16(bytes + FRAGMENT_OFFSET) & ~7)
		return true;
	if (bytes[0] == IPPROTO_UDP)
		return admits_udp6(sender, payload);
	if (bytes[0] != IPPROTO_ICMPV6)
		return true;
	type = payload.left ? payload.bytes[0] : ND_NEIGHBOR_ADVERT;
	return (type < ND_ROUTER_SOLICIT || type > ND_REDIRECT) &&
	       admits_icmp6(sender, payload, false);
}

/* ICMPv6 goes on to the end of the packet, not to that of the frame. */
static struct packet message_of(struct packet packet, uint32_t at)
{
	uint32_t end = IP6_HEADER + (uint32_t)read16(packet.bytes + IP6_LENGTH);

	return (struct packet){ packet.bytes + at, end > packet.left || at > end ? 0 : end - at };
}

static bool admits_ip6(const struct sender *sender, struct packet packet)
{
	const uint8_t *ip = packet.bytes;
	bool is_nobody;
	uint8_t next;
	uint32_t at;

	if (packet.left < IP6_HEADER || ip[0] >> 4 != 6 ||
	    !ip6_find_header(ip, packet.left, &next, &at) || at > packet.left)
		return false;
	is_nobody = is_zero(ip + IP6_SOURCE, 16);
	if (is_nobody ? next != IPPROTO_ICMPV6 || !owns_some(sender->guard, false, 128)
		      : !owns_ip6(sender, ip + IP6_SOURCE))
		return false;
	switch (next) {
	case IPPROTO_ICMPV6:
		return admits_icmp6(sender, message_of(packet, at), is_nobody);
	case IPPROTO_FRAGMENT:
		return admits_fragment(sender, (struct packet){ ip + at, packet.left - at });
	case IPPROTO_UDP:
		return admits_udp6(sender, (struct packet){ ip + at, packet.left - at });
	default:
		return true;
	}
}

static bool admits_type(const struct sender *sender, uint16_t type, struct packet packet)
{
	switch (type) {
	case ETH_P_ARP:
	case ETH_P_RARP:
		return admits_arp(sender, packet);
	case ETH_P_IP:
		return admits_ip4(sender, packet);
	case ETH_P_IPV6:
		return admits_ip6(sender, packet);
	case ETH_P_8021Q:
	case ETH_P_8021AD:
		/* Tags up to where we cannot see are there to hide something. */
		return false;
	default:
		return type & 0xff || type >> 8 < OLD_TAG_FIRST || type >> 8 > OLD_TAG_LAST;
	}
}

/* Service access points that are there for IP and ARP: SNAP, and those before it. */
static bool is_ip_sap(uint8_t sap)
{
	return (sap & 0xfe) == 0xaa || (sap & 0xfe) == 0x06 || (sap & 0xfe) == 0x98;
}

/* 802.2: an EtherType may be behind a header of SNAP (RFC 1042; IEEE 802.1H for bridges). */
static bool admits_llc(const struct sender *sender, struct packet llc)
{
	static const uint8_t snap[5] = { 0xaa, 0xaa, 0x03, 0, 0 };

	if (llc.left < 2 || (!is_ip_sap(llc.bytes[0]) && !is_ip_sap(llc.bytes[1])))
		return true;
	if (llc.left < SNAP_BYTES || memcmp(llc.bytes, snap, 3))
		return false;
	/* Types of other organizations are no EtherTypes. */
	if (memcmp(llc.bytes, snap, sizeof(snap)) || (llc.bytes[5] && llc.bytes[5] != 0xf8))
		return true;
	return admits_type(sender, read16(llc.bytes + 6),
			   (struct packet){ llc.bytes + SNAP_BYTES, llc.left - SNAP_BYTES });
}

/*
 * Up to where a frame is what its receiver gets.  A checksum that is still to be completed
 * overwrites two bytes: those of a field that is there for it, or any, which may be part of a
 * claim.
 */
static uint32_t final_bytes(const struct frame *frame, uint32_t l3, uint16_t type)
{
	uint32_t place = (uint32_t)frame->csum_start + frame->csum_offset, l4;
	int protocol;

	if (!(frame->needs & FRAME_NEED_CSUM) || place >= frame->head_length)
		return frame->head_length;
	l4 = frame_l4(frame, type, l3, &protocol);
	return protocol == IPPROTO_UDP && place == l4 + UDP_CHECKSUM ? frame->head_length : place;
}

bool source_guard_admits(const struct source_guard *guard, const struct frame *frame)
{
	const struct sender sender = { guard, frame->head + 6 };
	struct packet packet;
	uint16_t type;
	uint32_t l3;

	if (!guard->mac_count && !guard->prefix_count)
		return true;
	if (!owns_mac(&sender, sender.mac))
		return false;
	l3 = frame_l3(frame, &type);
	packet = (struct packet){ frame->head + l3, final_bytes(frame, l3, type) - l3 };
	return type < ETHERTYPE_MIN ? admits_llc(&sender, packet)
				    : admits_type(&sender, type, packet);
}
