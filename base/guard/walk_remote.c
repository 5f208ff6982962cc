// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk of another host is below nothing of this one: what carries it is told by its controller or
 * its session, as the interface that was asked for, the address that it has here, or the port of
 * Fibre Channel.  Where it tells none of these, the route to the other host does.
 */
#include "base/guard/walk_remote.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/guard/network.h"
#include "base/guard/walk_interface.h"
#include "base/guard/walk_memory.h"
#include "base/sysroot/paths.h"

#define FABRICS "/nvme-fabrics/ctl/"
#define VIRTUAL_NET "/virtual/net/"
#define VIRTUAL_BLOCK "/virtual/block/"

/* Longest address with the name of an interface behind it: "fe80::1%eth0" */
#define ADDRESS_SIZE 64

/* "192.0.2.1" of "traddr=192.0.2.1,trsvcid=4420", by the key "traddr" */
static bool read_value(const char *options, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);

	for (const char *at = options; (at = strstr(at, key)); at += length) {
		if ((at != options && at[-1] != ',') || at[length] != '=')
			continue;
		at += length + 1;
		snprintf(value, size, "%.*s", (int)strcspn(at, ","), at);
		return *value;
	}
	return false;
}

static bool walk_named(struct guard_scan *scan, struct guard_chain *chain, const char *interface)
{
	if (!iov_sys_exists(scan->iov, iov_path(IOV_PATH_CLASS_NET "/%s", interface).name))
		return false;
	guard_walk_interface(scan, chain, interface);
	return true;
}

bool guard_walk_own(struct guard_scan *scan, struct guard_chain *chain, const char *address)
{
	const char *interface = NULL, *zone;
	unsigned char bytes[16];

	if (guard_parse_address(address, bytes, &zone))
		interface = zone ? zone : guard_interface_of(&guard_network(scan)->addresses, bytes);
	if (interface)
		guard_walk_interface(scan, chain, interface);
	return interface;
}

void guard_walk_peer(struct guard_scan *scan, struct guard_chain *chain, const char *address)
{
	const char *interface = NULL, *zone;
	unsigned char bytes[16];

	if (guard_parse_address(address, bytes, &zone))
		interface = zone ? zone : guard_route_to(&guard_network(scan)->routes, bytes);
	if (interface)
		guard_walk_interface(scan, chain, interface);
}

/* The digits of "0x10000090fae0b5f5", "naa.10000090fae0b5f5" or "10:00:00:90:fa:e0:b5:f5" */
static uint64_t read_port_name(const char *text)
{
	uint64_t name = 0;

	text += strncmp(text, "0x", 2) ? 0 : 2;
	text += strncmp(text, "naa.", 4) ? 0 : 4;
	for (; *text; text++) {
		if (isxdigit((unsigned char)*text))
			name = name << 4 | (uint64_t)(isdigit((unsigned char)*text) ?
				*text - '0' : tolower((unsigned char)*text) - 'a' + 10);
		else if (*text != ':')
			return 0;
	}
	return name;
}

void guard_walk_port(struct guard_scan *scan, struct guard_chain *chain, const char *wanted)
{
	const uint64_t number = read_port_name(wanted);
	char name[64], target[IOV_PATH_MAX];
	char **hosts;
	size_t count;
	int error = number ? iov_sys_list(scan->iov, IOV_PATH_FC_HOSTS, &hosts, &count) : -ENOENT;

	guard_failed(scan, error, "/" IOV_PATH_FC_HOSTS);
	if (error)
		return;
	for (size_t i = 0; i < count; i++) {
		struct iov_path host = iov_path(IOV_PATH_FC_HOSTS "/%s", hosts[i]);

		if (!iov_sys_read(scan->iov, iov_path("%s/port_name", host.name).name, name,
				  sizeof(name)) && read_port_name(name) == number &&
		    !iov_sys_link(scan->iov, host.name, target, sizeof(target)))
			guard_walk_hardware(scan, chain, target);
	}
	iov_names_free(hosts, count);
}

/*
 * "traddr=192.0.2.1,trsvcid=4420,host_iface=eth1,src_addr=192.0.2.2", and of Fibre Channel
 * "traddr=nn-0x...:pn-0x...,host_traddr=nn-0x...:pn-0x..."
 */
static void walk_controller(struct guard_scan *scan, struct guard_chain *chain, const char *name)
{
	struct iov_path path = iov_path(IOV_PATH_CLASS_NVME "/%s/address", name);
	char options[512], value[ADDRESS_SIZE], *port;
	int error = iov_sys_read(scan->iov, path.name, options, sizeof(options));

	guard_failed(scan, error, iov_path("/%s", path.name).name);
	if (error)
		return;
	if (read_value(options, "host_traddr", value, sizeof(value)) &&
	    (port = strstr(value, ":pn-"))) {
		guard_walk_port(scan, chain, port + strlen(":pn-"));
		return;
	}
	if ((read_value(options, "host_iface", value, sizeof(value)) &&
	     walk_named(scan, chain, value)) ||
	    (read_value(options, "src_addr", value, sizeof(value)) &&
	     guard_walk_own(scan, chain, value)) ||
	    (read_value(options, "host_traddr", value, sizeof(value)) &&
	     guard_walk_own(scan, chain, value)))
		return;
	if (read_value(options, "traddr", value, sizeof(value)))
		guard_walk_peer(scan, chain, value);
}

/*
 * "/sys/class/iscsi_connection/connection1:0" of "session1" has the address of the other host; while
 * the connection is down (ENOTCONN) the one that it will have again.
 */
static void walk_session(struct guard_scan *scan, struct guard_chain *chain, unsigned int session)
{
	struct iov_path path = iov_path(IOV_PATH_ISCSI_CONNECTIONS "/connection%u:0", session);
	char address[ADDRESS_SIZE];

	if (!iov_sys_read(scan->iov, iov_path("%s/address", path.name).name, address,
			  sizeof(address)) ||
	    !iov_sys_read(scan->iov, iov_path("%s/persistent_address", path.name).name, address,
			  sizeof(address)))
		guard_walk_peer(scan, chain, address);
}

/* "/devices/platform/host7/session1/target7:0:0/7:0:0:0/block/sdq" */
static void walk_iscsi(struct guard_scan *scan, struct guard_chain *chain, const char *target)
{
	const char *at = strstr(target, "/platform/host");
	unsigned int host, session;
	char text[ADDRESS_SIZE];
	struct iov_path path;

	if (!at || sscanf(at, "/platform/host%u/session%u/", &host, &session) != 2)
		return;
	path = iov_path(IOV_PATH_ISCSI_HOSTS "/host%u", host);
	if ((!iov_sys_read(scan->iov, iov_path("%s/netdev", path.name).name, text, sizeof(text)) &&
	     walk_named(scan, chain, text)) ||
	    (!iov_sys_read(scan->iov, iov_path("%s/ipaddress", path.name).name, text,
			   sizeof(text)) && guard_walk_own(scan, chain, text)))
		return;
	walk_session(scan, chain, session);
}

/* ATA over Ethernet needs no address: "netif" of its disk is "eth1", or "eth1,eth2" */
static void walk_ethernet(struct guard_scan *scan, struct guard_chain *chain, const char *disk)
{
	char interfaces[256], *rest = interfaces, *one;

	if (iov_sys_read(scan->iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/netif", disk).name, interfaces,
			 sizeof(interfaces)))
		return;
	while ((one = strsep(&rest, ", ")))
		if (*one)
			walk_named(scan, chain, one);
}

/* "client_addr" of a disk of Ceph is "192.0.2.2:0/2571892", "[2001:db8::2]:0/2571892" */
static void walk_ceph(struct guard_scan *scan, struct guard_chain *chain, const char *disk)
{
	char text[ADDRESS_SIZE + 24], address[ADDRESS_SIZE];
	unsigned int number;

	if (sscanf(disk, "rbd%u", &number) != 1 ||
	    iov_sys_read(scan->iov, iov_path(IOV_PATH_RBD "/%u/client_addr", number).name, text,
			 sizeof(text)))
		return;
	snprintf(address, sizeof(address), "%.*s",
		 (int)(text[0] == '[' ? strcspn(text + 1, "]") : strcspn(text, ":")),
		 text + (text[0] == '['));
	guard_walk_own(scan, chain, address);
}

/* The component behind @parent: "nvme1" of ".../nvme-fabrics/ctl/nvme1/nvme1n1" */
static bool component(const char *target, const char *parent, char *name, size_t size)
{
	const char *at = strstr(target, parent);

	if (!at)
		return false;
	at += strlen(parent);
	snprintf(name, size, "%.*s", (int)strcspn(at, "/"), at);
	return *name;
}

void guard_walk_remote(struct guard_scan *scan, struct guard_chain *chain, const char *target)
{
	char name[ADDRESS_SIZE];

	if (component(target, FABRICS, name, sizeof(name))) {
		walk_controller(scan, chain, name);
	} else if (component(target, VIRTUAL_NET, name, sizeof(name))) {
		guard_walk_interface(scan, chain, name);
	} else if (component(target, VIRTUAL_BLOCK, name, sizeof(name))) {
		walk_ethernet(scan, chain, name);
		walk_ceph(scan, chain, name);
	} else {
		walk_iscsi(scan, chain, target);
	}
}
