// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards "default-route" and "session", and "stacked" for interfaces.
 *
 * Routes of both families are kept in one form, IPv4 as IPv4-mapped IPv6, so
 * that one longest-prefix match serves both.  From an interface the way down
 * goes by the lower_* links that bonds, bridges, VLANs and macvlans have.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/guard_scan.h"
#include "base/paths.h"

#define ROUTE_UP 0x1
#define ROUTE_REJECT 0x200
#define IPV4_PREFIX 96
#define INTERFACE_SIZE 16

struct route {
	char interface[INTERFACE_SIZE];
	unsigned char destination[16];
	unsigned char gateway[16];
	unsigned int prefix;
	bool ipv4;
};

struct routes {
	struct route *list;
	size_t count;
};

static void map_ipv4(unsigned char *address, unsigned int ipv4)
{
	memset(address, 0, 10);
	memset(address + 10, 0xff, 2);
	memcpy(address + 12, &ipv4, 4);
}

static bool parse_route4(const char *line, struct route *route)
{
	unsigned int destination, gateway, flags, mask;

	if (sscanf(line, "%15s %x %x %x %*s %*s %*s %x", route->interface, &destination, &gateway,
		   &flags, &mask) != 5)
		return false;
	map_ipv4(route->destination, destination);
	map_ipv4(route->gateway, gateway);
	route->prefix = IPV4_PREFIX + (unsigned int)__builtin_popcount(mask);
	route->ipv4 = true;
	return (flags & ROUTE_UP) && !(flags & ROUTE_REJECT);
}

/* 32 hexadecimal digits without colons, as procfs writes IPv6 addresses. */
static bool parse_hex(const char *text, unsigned char *address)
{
	for (size_t i = 0; i < 16; i++) {
		if (sscanf(text + 2 * i, "%2hhx", &address[i]) != 1)
			return false;
	}
	return true;
}

static bool parse_route6(const char *line, struct route *route)
{
	char destination[33], gateway[33];
	unsigned int flags;

	if (sscanf(line, "%32s %x %*s %*s %32s %*s %*s %*s %x %15s", destination, &route->prefix,
		   gateway, &flags, route->interface) != 5)
		return false;
	route->ipv4 = false;
	return parse_hex(destination, route->destination) && parse_hex(gateway, route->gateway) &&
	       (flags & ROUTE_UP) && !(flags & ROUTE_REJECT) && strcmp(route->interface, "lo");
}

/* A host without the file has no routes of that family. */
static int read_routes(struct iov *iov, const char *path,
		       bool (*parse)(const char *line, struct route *route), struct routes *routes)
{
	_cleanup_free_ char *text = NULL;
	struct route route, *larger;
	char *line, *rest;

	if (iov_sys_read_all(iov, path, &text, NULL))
		return 0;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (!parse(line, &route))
			continue;
		larger = realloc(routes->list, (routes->count + 1) * sizeof(route));
		if (!larger)
			return iov_fail(iov, -ENOMEM, "out of memory reading routes");
		routes->list = larger;
		larger[routes->count++] = route;
	}
	return 0;
}

/* Follow an interface down to hardware. */
static void walk_down(struct guard_scan *scan, struct guard_chain *chain, const char *interface)
{
	struct iov_path directory = iov_path(IOV_PATH_CLASS_NET "/%s", interface);
	char target[IOV_PATH_MAX];
	char **names;
	size_t count;

	if (chain->count == GUARD_DEPTH || iov_sys_link(scan->iov, directory.name, target,
							sizeof(target)))
		return;
	chain->names[chain->count++] = interface;
	guard_found(scan, chain, "device", target);
	if (!iov_sys_list(scan->iov, directory.name, &names, &count)) {
		for (size_t i = 0; i < count; i++) {
			if (!strncmp(names[i], "lower_", 6))
				walk_down(scan, chain, names[i] + 6);
		}
		iov_names_free(names, count);
	}
	chain->count--;
}

static void hold_interface(struct guard_scan *scan, const char *guard, const char *holder,
			   const char *interface)
{
	struct guard_chain chain = { .guard = guard, .holder = holder };

	walk_down(scan, &chain, interface);
}

/* A bridge, bond or VLAN that nothing is stacked on in turn. */
static bool is_top(struct iov *iov, const char *interface)
{
	bool lower = false, upper = false;
	char **names;
	size_t count;

	if (iov_sys_list(iov, iov_path(IOV_PATH_CLASS_NET "/%s", interface).name, &names, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		lower |= !strncmp(names[i], "lower_", 6);
		upper |= !strncmp(names[i], "upper_", 6);
	}
	iov_names_free(names, count);
	return lower && !upper;
}

static void scan_stacked(struct guard_scan *scan)
{
	char **names;
	size_t count;

	if (iov_sys_list(scan->iov, IOV_PATH_CLASS_NET, &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		struct guard_chain chain = { .guard = "stacked", .holder = names[i], .weak = true };

		if (is_top(scan->iov, names[i]))
			walk_down(scan, &chain, names[i]);
	}
	iov_names_free(names, count);
}

static void scan_default_routes(struct guard_scan *scan, const struct routes *routes)
{
	static const unsigned char none[16];

	for (size_t i = 0; i < routes->count; i++) {
		const struct route *route = &routes->list[i];
		const unsigned char *gateway = route->gateway + (route->ipv4 ? 12 : 0);
		size_t length = route->ipv4 ? 4 : 16;
		char text[INET6_ADDRSTRLEN], holder[128];

		if (route->prefix != (route->ipv4 ? IPV4_PREFIX : 0))
			continue;
		inet_ntop(route->ipv4 ? AF_INET : AF_INET6, gateway, text, sizeof(text));
		if (memcmp(gateway, none, length))
			snprintf(holder, sizeof(holder), "default route via %s", text);
		else
			snprintf(holder, sizeof(holder), "default route of %s", route->interface);
		hold_interface(scan, "default-route", holder, route->interface);
	}
}

static bool in_prefix(const unsigned char *address, const struct route *route)
{
	unsigned int bytes = route->prefix / 8, bits = route->prefix % 8;

	if (route->prefix > 128 || memcmp(address, route->destination, bytes))
		return false;
	return !bits || !((address[bytes] ^ route->destination[bytes]) >> (8 - bits));
}

/* The interface of the longest prefix that holds an address; NULL for none. */
static const char *route_to(const struct routes *routes, const unsigned char *address)
{
	const struct route *best = NULL;

	for (size_t i = 0; i < routes->count; i++) {
		const struct route *route = &routes->list[i];

		if (in_prefix(address, route) && (!best || route->prefix > best->prefix))
			best = route;
	}
	return best ? best->interface : NULL;
}

/* "192.0.2.1", "2001:db8::1"; the zone of "fe80::1%eth0" is at *zone, else NULL. */
static bool parse_address(const char *text, unsigned char *address, const char **zone)
{
	char copy[INET6_ADDRSTRLEN + INTERFACE_SIZE];
	unsigned int ipv4;
	char *percent;

	snprintf(copy, sizeof(copy), "%s", text);
	percent = strchr(copy, '%');
	*zone = percent ? strchr(text, '%') + 1 : NULL;
	if (percent)
		*percent = '\0';
	if (inet_pton(AF_INET, copy, &ipv4) == 1) {
		map_ipv4(address, ipv4);
		return true;
	}
	return inet_pton(AF_INET6, copy, address) == 1;
}

/* 127.0.0.0/8 and ::1 */
static bool is_loopback(const unsigned char *address)
{
	static const unsigned char ipv4[13] = { [10] = 0xff, 0xff, 127 };
	static const unsigned char ipv6[16] = { [15] = 1 };

	return !memcmp(address, ipv4, sizeof(ipv4)) || !memcmp(address, ipv6, sizeof(ipv6));
}

/* The interface that carries a local IPv6 address. */
static bool interface_of6(struct iov *iov, const unsigned char *address, char *interface)
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest, hex[33];
	unsigned char candidate[16];

	if (iov_sys_read_all(iov, IOV_PATH_ADDRESS6, &text, NULL))
		return false;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (sscanf(line, "%32s %*s %*s %*s %*s %15s", hex, interface) == 2 &&
		    parse_hex(hex, candidate) && !memcmp(candidate, address, 16))
			return true;
	}
	return false;
}

/*
 * A session that this context was not told of: sudo(8) clears the variable,
 * but the shell above it still has it.
 */
static void find_session(struct iov *iov)
{
	char pid[32] = "self", status[1024];

	while (!iov->session_local[0] && strcmp(pid, "0")) {
		_cleanup_free_ char *environment = NULL;
		const char *parent;
		size_t length;

		if (iov_sys_read(iov, iov_path(IOV_PATH_PROC "/%s/status", pid).name, status,
				 sizeof(status)))
			return;
		if (!iov_sys_read_all(iov, iov_path(IOV_PATH_PROC "/%s/environ", pid).name,
				      &environment, &length)) {
			for (size_t at = 0; at < length; at += strlen(environment + at) + 1)
				sscanf(environment + at, "SSH_CONNECTION=%63s %*s %63s",
				       iov->session_client, iov->session_local);
		}
		parent = strstr(status, "\nPPid:");
		if (!parent || sscanf(parent, "\nPPid: %31s", pid) != 1)
			return;
	}
}

/*
 * A session arrives through the interface that has its local address, and its
 * answers leave by the route to the client: usually one and the same.
 */
static void scan_session(struct guard_scan *scan, const struct routes *routes)
{
	const char *client_text = scan->iov->session_client, *local_text = scan->iov->session_local;
	unsigned char client[16], local[16];
	const char *zone, *in, *out;
	char holder[192], found[INTERFACE_SIZE];

	if (!local_text[0] || !parse_address(local_text, local, &zone) ||
	    !parse_address(client_text, client, &zone) || is_loopback(client))
		return;
	snprintf(holder, sizeof(holder), "the session from %s to %s", client_text, local_text);
	in = interface_of6(scan->iov, local, found) ? found : route_to(routes, local);
	out = zone ? zone : route_to(routes, client);
	if (in)
		hold_interface(scan, "session", holder, in);
	if (out && (!in || strcmp(in, out)))
		hold_interface(scan, "session", holder, out);
}

int guard_scan_net(struct guard_scan *scan)
{
	struct routes routes = { 0 };
	int error = read_routes(scan->iov, IOV_PATH_ROUTE4, parse_route4, &routes);

	if (!error)
		error = read_routes(scan->iov, IOV_PATH_ROUTE6, parse_route6, &routes);
	if (!error) {
		scan_default_routes(scan, &routes);
		if (!scan->iov->session_local[0])
			find_session(scan->iov);
		scan_session(scan, &routes);
		scan_stacked(scan);
	}
	free(routes.list);
	return error;
}
