// SPDX-License-Identifier: GPL-2.0-or-later
/* Which interface has which address; a recorded tree has what procfs tells. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/guard/network.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"

#define SCOPE_GLOBAL 0x00
#define FLAG_PERMANENT 0x80

void guard_map_ipv4(unsigned char *address, unsigned int ipv4)
{
	memset(address, 0, 10);
	memset(address + 10, 0xff, 2);
	memcpy(address + 12, &ipv4, 4);
}

bool guard_is_ipv4(const unsigned char *address)
{
	static const unsigned char prefix[12] = { [10] = 0xff, 0xff };

	return !memcmp(address, prefix, sizeof(prefix));
}

bool guard_parse_hex(const char *text, unsigned char *address)
{
	for (size_t i = 0; i < 16; i++) {
		if (sscanf(text + 2 * i, "%2hhx", &address[i]) != 1)
			return false;
	}
	return true;
}

bool guard_parse_address(const char *text, unsigned char *address, const char **zone)
{
	char copy[INET6_ADDRSTRLEN + GUARD_INTERFACE_SIZE];
	unsigned int ipv4;
	char *percent;

	snprintf(copy, sizeof(copy), "%s", text);
	percent = strchr(copy, '%');
	*zone = percent ? strchr(text, '%') + 1 : NULL;
	if (percent)
		*percent = '\0';
	if (inet_pton(AF_INET, copy, &ipv4) == 1) {
		guard_map_ipv4(address, ipv4);
		return true;
	}
	return inet_pton(AF_INET6, copy, address) == 1;
}

const char *guard_interface_of(const struct guard_addresses *addresses, const unsigned char *bytes)
{
	for (size_t i = 0; i < addresses->count; i++) {
		if (!memcmp(addresses->list[i].bytes, bytes, 16))
			return addresses->list[i].interface;
	}
	return NULL;
}

int guard_add_ipv6(struct guard_addresses *addresses, const char *interface,
		   const unsigned char *bytes, bool configured)
{
	struct guard_address *larger = array_grow(addresses->list, addresses->count,
						  sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	addresses->list = larger;
	larger += addresses->count++;
	snprintf(larger->interface, sizeof(larger->interface), "%.*s",
		 (int)strcspn(interface, ":"), interface);
	memcpy(larger->bytes, bytes, sizeof(larger->bytes));
	larger->configured = configured;
	return 0;
}

int guard_add_ipv4(struct guard_addresses *addresses, const char *interface, unsigned int ipv4)
{
	unsigned char bytes[16];
	bool loopback, link_local;

	guard_map_ipv4(bytes, ipv4);
	loopback = bytes[12] == 127;
	link_local = bytes[12] == 169 && bytes[13] == 254;
	return guard_add_ipv6(addresses, interface, bytes, !loopback && !link_local);
}

/* Local addresses of the routing trie, at the interface of their network. */
static int read_tree4(struct iov *iov, const struct guard_routes *routes,
		      struct guard_addresses *addresses)
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest, leaf[32] = "";
	unsigned char bytes[16];
	unsigned int ipv4;
	int error;

	error = iov_sys_read_all(iov, IOV_PATH_LOCAL4, &text, NULL);
	if (error)
		return error == -ENOENT ? 0 : error;
	for (rest = text; !error && (line = strsep(&rest, "\n"));) {
		if (sscanf(line, " |-- %31s", leaf) == 1 || !strstr(line, "/32 host LOCAL") ||
		    inet_pton(AF_INET, leaf, &ipv4) != 1)
			continue;
		guard_map_ipv4(bytes, ipv4);
		if (!guard_interface_of(addresses, bytes) && guard_route_to(routes, bytes))
			error = guard_add_ipv4(addresses, guard_route_to(routes, bytes), ipv4);
	}
	return error;
}

/* "fe80000000000000505400fffe123456 05 40 20 80 enp1s0" */
static int read_ipv6(struct iov *iov, struct guard_addresses *addresses)
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest, hex[33], interface[GUARD_INTERFACE_SIZE];
	unsigned int scope, flags;
	unsigned char bytes[16];
	int error;

	error = iov_sys_read_all(iov, IOV_PATH_ADDRESS6, &text, NULL);
	if (error)
		return error == -ENOENT ? 0 : error;
	for (rest = text; !error && (line = strsep(&rest, "\n"));) {
		if (sscanf(line, "%32s %*s %*s %x %x %15s", hex, &scope, &flags, interface) == 4 &&
		    guard_parse_hex(hex, bytes))
			error = guard_add_ipv6(addresses, interface, bytes,
					       scope == SCOPE_GLOBAL && flags & FLAG_PERMANENT);
	}
	return error;
}

int guard_read_addresses(struct iov *iov, const struct guard_routes *routes,
			 struct guard_addresses *addresses)
{
	int error;

	if (iov_sys_is_host(iov)) {
		iov_sys_asking(iov, "the addresses of this host, by rtnetlink");
		return guard_dump_addresses(addresses);
	}
	error = read_tree4(iov, routes, addresses);
	return error ? error : read_ipv6(iov, addresses);
}
