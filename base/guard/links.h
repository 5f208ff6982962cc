/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces as rtnetlink has them, for what sysfs does not say, and how to ask netlink. */
#ifndef IOV_BASE_GUARD_LINKS_H
#define IOV_BASE_GUARD_LINKS_H

#include <stddef.h>

#include "base/guard/scan.h"

/**
 * struct guard_link - an interface
 * @index: its number in its network namespace
 * @name: its name there
 * @kind: "macvlan", "vlan", "" for hardware
 * @bus: "pci", "usb", "virtio" of its device; "" when the kernel does not tell, or for none
 * @device: the device on that bus: "0000:01:00.0", "2-1:1.0"
 * @lower: number of the interface that it is on, 0 for none
 * @lower_nsid: namespace of that interface by its ID in this namespace, -1: the same
 * @is_port: another interface is its master
 * @promiscuous: somebody set it so
 * @promiscuity: how many users need it to be promiscuous, whoever they are
 * @has_program: an XDP program is attached
 */
struct guard_link {
	unsigned int index;
	char name[GUARD_INTERFACE_SIZE];
	char kind[24];
	char bus[24];
	char device[64];
	unsigned int lower;
	int lower_nsid;
	bool is_port;
	bool promiscuous;
	unsigned int promiscuity;
	bool has_program;
};

struct guard_links {
	struct guard_link *list;
	size_t count;
};

struct nl_msg;
struct nl_sock;

/**
 * guard_dump - ask netlink for all of something
 * @socket: connected
 * @type: RTM_GETLINK, RTM_GETROUTE
 * @request: header of the request
 * @size: its bytes
 * @parse: called with each answer and @arg; NL_OK to go on
 * @restart: called with @arg before each try: what changed while the kernel told it
 *	is asked for again
 *
 * Return: 0, or -errno; -EAGAIN when it never stood still.
 */
int guard_dump(struct nl_sock *socket, int type, const void *request, size_t size,
	       int (*parse)(struct nl_msg *message, void *arg), void (*restart)(void *arg),
	       void *arg);

/* A socket of netlink in this namespace, for nl_socket_free(); NULL with @error set. */
struct nl_sock *guard_netlink(int protocol, int *error);

/*
 * Ask for all sockets of a family: @request and @parse, whose @arg is @scan, as of guard_dump(); what is told
 * twice has to be noted once.  When it cannot be told that of @what is noted; a kernel without the module
 * that would (ENOENT) has none.
 */
void guard_dump_sockets(struct guard_scan *scan, const void *request, size_t size,
			int (*parse)(struct nl_msg *message, void *arg), const char *what);

/* All interfaces in the namespace of a socket; -errno. @links is the caller's to free. */
int guard_read_links(struct nl_sock *socket, struct guard_links *links);

/* Those of this namespace, read once for a scan; none on a recorded tree, which has no netlink. */
const struct guard_links *guard_own_links(struct guard_scan *scan);

void guard_links_free(struct guard_links *links);

#endif
