// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards "packet" and "promiscuous": who takes frames from an interface beside the
 * network stack.  Sockets are bound to interfaces in tables of the kernel; which process has
 * one is told by its inode.
 */
#include <errno.h>
#include <linux/xdp_diag.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/guard/links.h"
#include "base/guard/scans.h"
#include "base/guard/walk_interface.h"
#include "base/json.h"
#include "base/sysroot/paths.h"

static const struct guard packet = {
	"packet", "a packet, AF_XDP or CAN socket is bound to its interface",
};
static const struct guard promiscuous = {
	"promiscuous", "its interface was made promiscuous: someone listens to all frames",
};

/* Note that the socket with an inode is bound to an interface, by its index. */
static void note_socket(struct guard_scan *scan, unsigned int inode, unsigned int index)
{
	char interface[GUARD_INTERFACE_SIZE];

	if (index && guard_interface_of_index(scan, index, interface))
		json_object_object_add(scan->sockets, iov_path("socket:[%u]", inode).name,
				       json_object_new_string(interface));
}

/* "ffff8f1c0a1b2000 3 3 0003 2 1 0 0 31337": the interface is the fifth */
static void read_socket(struct guard_scan *scan, const char *line, const void *argument)
{
	unsigned int index, inode;

	(void)argument;
	if (sscanf(line, "%*s %*s %*s %*s %u %*s %*s %*s %u", &index, &inode) == 2)
		note_socket(scan, inode, index);
}

static int note_xdp_socket(struct nl_msg *message, void *arg)
{
	struct nlattr *attributes[XDP_DIAG_MAX + 1];
	struct xdp_diag_msg *header = nlmsg_data(nlmsg_hdr(message));
	const struct xdp_diag_info *info;

	if (nlmsg_parse(nlmsg_hdr(message), sizeof(*header), attributes, XDP_DIAG_MAX, NULL))
		return -NLE_MSG_TRUNC;
	if (attributes[XDP_DIAG_INFO]) {
		info = nla_data(attributes[XDP_DIAG_INFO]);
		note_socket(arg, header->xdiag_ino, info->ifindex);
	}
	return NL_OK;
}

/* A kernel that cannot tell has them without the tool that asks; rarely. */
static void read_xdp_sockets(struct guard_scan *scan)
{
	struct xdp_diag_req request = { .sdiag_family = AF_XDP, .xdiag_show = XDP_SHOW_INFO };

	if (iov_sys_is_host(scan->iov))
		guard_dump_sockets(scan, &request, sizeof(request), note_xdp_socket, "the AF_XDP sockets");
}

/*
 * "   can0      123    000007ff  0000000012345678  0000000087654321        12  raw": who gets which
 * frames of a CAN interface, by the protocol of the socket; of which process is not told, and who gets
 * those of "any" is bound to none.
 */
static void read_receiver(struct guard_scan *scan, const char *line, const void *argument)
{
	char interface[GUARD_INTERFACE_SIZE], protocol[16], holder[64];
	struct guard_chain chain = { .guard = &packet, .holder = holder };
	unsigned int id, mask;
	long matches;

	(void)argument;
	if (sscanf(line, " %15s %x %x %*s %*s %ld %15s", interface, &id, &mask, &matches, protocol) != 5 ||
	    !guard_is_new(scan, iov_path("CAN %s %s", interface, protocol).name))
		return;
	snprintf(holder, sizeof(holder), "a process that has a CAN socket (%s)", protocol);
	guard_walk_interface(scan, &chain, interface);
}

static void read_receivers(struct guard_scan *scan)
{
	static const char *const lists[] = { "all", "fil", "inv", "sff", "eff", "err" };

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		guard_for_each_line(scan, iov_path(IOV_PATH_CAN "/rcvlist_%s", lists[i]).name, NULL,
				    read_receiver);
}

static void scan(struct guard_scan *scan)
{
	scan->sockets = json_object_new_object();
	read_receivers(scan);
	guard_for_each_line(scan, IOV_PATH_PACKET, NULL, read_socket);
	read_xdp_sockets(scan);
}

static void hold_socket(struct guard_scan *scan, const char *holder, const char *pid,
			const char *interface)
{
	struct guard_chain chain = { .guard = &packet, .holder = holder, .pid = pid };

	guard_walk_interface(scan, &chain, interface);
	guard_is_new(scan, iov_path("listener on %s", interface).name);
}

static void hold_opened(struct guard_scan *scan, struct guard_process *process, const char *socket,
			struct json_object *interface)
{
	hold_socket(scan, guard_title(scan, process), process->pid, json_object_get_string(interface));
	guard_is_new(scan, socket);
}

static void scan_process(struct guard_scan *scan, struct guard_process *process)
{
	guard_for_each_socket(scan, process, scan->sockets, hold_opened);
}

/* Who needs an interface to be promiscuous is known where it is a port, or has one on it. */
static void hold_promiscuous(struct guard_scan *scan, const struct guard_link *link)
{
	bool is_listened_to = json_object_object_get_ex(scan->met, iov_path("listener on %s",
								link->name).name, NULL);

	if (link->promiscuous ||
	    (link->promiscuity && !link->is_port && !is_listened_to &&
	     !guard_has_upper(scan, link->name)))
		guard_hold_interface(scan, &promiscuous, "who listens to all frames", link->name);
}

static void finish(struct guard_scan *scan)
{
	const struct guard_links *links = guard_own_links(scan);

	json_object_object_foreach(scan->sockets, socket, interface) {
		if (guard_is_new(scan, socket))
			hold_socket(scan, "a process that has a packet socket", NULL,
				    json_object_get_string(interface));
	}
	for (size_t i = 0; i < links->count; i++)
		hold_promiscuous(scan, &links->list[i]);
}

const struct guard_kind scan_packet = {
	.guards = (const struct guard *const[]){ &packet, &promiscuous, NULL },
	.scan = scan,
	.process = scan_process,
	.finish = finish,
};
