/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes and addresses of the host, IPv4 in the form of IPv4-mapped IPv6. */
#ifndef IOV_BASE_GUARD_NETWORK_H
#define IOV_BASE_GUARD_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/guard/scan.h"

/**
 * struct guard_address - an address of an interface
 * @interface: its name
 * @bytes: IPv6, or IPv4-mapped IPv6
 * @configured: somebody gave it to the interface
 */
struct guard_address {
	char interface[GUARD_INTERFACE_SIZE];
	unsigned char bytes[16];
	bool configured;
};

struct guard_addresses {
	struct guard_address *list;
	size_t count;
};

/* Of a route that is to no address of IP. */
#define GUARD_NO_PREFIX 255

/**
 * struct guard_route - one way of a route
 * @interface: where it leads
 * @destination: network
 * @gateway: all zeros for none
 * @prefix: bits of the network, 96 more than IPv4 says; or GUARD_NO_PREFIX
 * @ipv4: its family
 * @main: it is in the main table
 * @configured: somebody gave it to the host: neither the kernel nor a router did
 */
struct guard_route {
	char interface[GUARD_INTERFACE_SIZE];
	unsigned char destination[16];
	unsigned char gateway[16];
	unsigned int prefix;
	bool ipv4;
	bool main;
	bool configured;
};

struct guard_routes {
	struct guard_route *list;
	size_t count;
};

struct guard_network {
	struct guard_routes routes;
	struct guard_addresses addresses;
};

/* Those of the host, read once in a scan; what cannot be read fails the scan. */
const struct guard_network *guard_network(struct guard_scan *scan);
void guard_network_free(struct guard_network *network);

/* Whether it is to all addresses of its family. */
bool guard_is_default(const struct guard_route *route);

/*
 * The interface of the longest prefix that holds an address; NULL for none.  Of other tables
 * than the main one only default routes count, and after that, as rules lead to them.
 */
const char *guard_route_to(const struct guard_routes *routes, const unsigned char *address);

/* ::ffff:192.0.2.1 */
void guard_map_ipv4(unsigned char *address, unsigned int ipv4);
bool guard_is_ipv4(const unsigned char *address);

/* 32 hexadecimal digits without colons, as procfs writes IPv6 addresses. */
bool guard_parse_hex(const char *text, unsigned char *address);

/* "192.0.2.1", "2001:db8::1"; the zone of "fe80::1%eth0" is at *zone, else NULL. */
bool guard_parse_address(const char *text, unsigned char *address, const char **zone);

/* The interface that has an address; NULL for none. */
const char *guard_interface_of(const struct guard_addresses *addresses, const unsigned char *bytes);

/* Append to what is known: -ENOMEM.  An IPv6 address is @configured when it was given. */
int guard_add_route(struct guard_routes *routes, const struct guard_route *route);
int guard_add_ipv4(struct guard_addresses *addresses, const char *interface, unsigned int ipv4);
int guard_add_ipv6(struct guard_addresses *addresses, const char *interface,
		   const unsigned char *bytes, bool configured);

/* network_kernel.c: those of this network namespace, by rtnetlink; -errno */
int guard_dump_routes(struct guard_routes *routes);
int guard_dump_addresses(struct guard_addresses *addresses);

/* network_routes.c, network_addresses.c: -errno */
int guard_read_routes(struct iov *iov, struct guard_routes *routes);
int guard_read_addresses(struct iov *iov, const struct guard_routes *routes,
			 struct guard_addresses *addresses);

#endif
