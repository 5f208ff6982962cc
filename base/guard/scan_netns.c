// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "netns", and VLANs and macvlans in other network namespaces.  Sysfs has
 * the interfaces of our own namespace only, so a thread enters the other one for as
 * long as it takes to open a socket there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/guard/links.h"
#include "base/guard/scans.h"
#include "base/guard/walk_device.h"
#include "base/guard/walk_interface.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

static const struct guard netns_guard = {
	"netns", "its interface is in another network namespace",
};

/**
 * struct netns - another network namespace
 * @scan: where findings go
 * @fd: the namespace
 * @socket: rtnetlink in it
 * @own_nsid: ID that it has for our namespace, -1 for none
 * @pid: process that is in it, NULL for none
 * @name: "the network namespace of pid 71 (httpd)"
 * @error: of entering it
 */
struct netns {
	struct guard_scan *scan;
	int fd;
	struct nl_sock *socket;
	int own_nsid;
	const char *pid;
	const char *name;
	int error;
};

/* The namespace of a thread ends with the thread; a socket stays where it was made. */
static void *connect_inside(void *arg)
{
	struct netns *netns = arg;

	netns->error = setns(netns->fd, CLONE_NEWNET) ? -errno : 0;
	if (!netns->error && nl_connect(netns->socket, NETLINK_ROUTE))
		netns->error = -EIO;
	return NULL;
}

static int netns_connect(struct netns *netns)
{
	pthread_t thread;
	int error;

	netns->socket = nl_socket_alloc();
	if (!netns->socket)
		return -ENOMEM;
	error = pthread_create(&thread, NULL, connect_inside, netns);
	if (error)
		return -error;
	pthread_join(thread, NULL);
	return netns->error;
}

static int note_nsid(struct nl_msg *message, void *arg)
{
	struct netns *netns = arg;
	struct nlattr *attributes[NETNSA_MAX + 1];

	if (!nlmsg_parse(nlmsg_hdr(message), sizeof(struct rtgenmsg), attributes, NETNSA_MAX,
			 NULL) && attributes[NETNSA_NSID])
		netns->own_nsid = nla_get_s32(attributes[NETNSA_NSID]);
	return NL_OK;
}

/* Which ID our namespace has in that one; -1 for none is no error. */
static int read_own_nsid(struct netns *netns)
{
	_cleanup_fd_ int self = iov_sys_open(netns->scan->iov, IOV_PATH_PROC "/self",
					     O_RDONLY | O_DIRECTORY);
	_cleanup_fd_ int own = openat(self, "ns/net", O_RDONLY | O_CLOEXEC);
	struct rtgenmsg header = { .rtgen_family = AF_UNSPEC };
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETNSID, 0);
	int error = -EIO;

	netns->own_nsid = -1;
	if (!message)
		return -ENOMEM;
	nl_socket_disable_auto_ack(netns->socket);
	nl_socket_modify_cb(netns->socket, NL_CB_VALID, NL_CB_CUSTOM, note_nsid, netns);
	if (own >= 0 && !nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) &&
	    !nla_put_s32(message, NETNSA_FD, own) && nl_send_auto(netns->socket, message) >= 0 &&
	    nl_recvmsgs_default(netns->socket) >= 0)
		error = 0;
	nlmsg_free(message);
	return error;
}

/* The function below an interface as its driver tells; "" for none. */
static void read_bus_info(struct netns *netns, const char *name, char *text, size_t size)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&info };
	const char *at = info.bus_info;

	iov_sys_asking(netns->scan->iov, "the device of %s in %s, by ethtool", name, netns->name);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	text[0] = '\0';
	if (ioctl(nl_socket_get_fd(netns->socket), SIOCETHTOOL, &request)) {
		guard_failed(netns->scan, errno == EOPNOTSUPP ? 0 : -errno, netns->name);
		return;
	}
	/* "usb-0000:00:14.0-1.2" is behind a controller. */
	at += strncmp(at, "usb-", 4) ? 0 : 4;
	snprintf(text, size, "%.*s", (int)strcspn(at, "-"), at);
}

/*
 * Its device is in sysfs under its bus, whichever network namespace the interface is in.  Kernels
 * before Linux 5.14 do not tell which that is; what ethtool asks for wakes the device.
 */
static void hold_device(struct netns *netns, struct guard_chain *chain, const struct guard_link *link)
{
	char function[ETHTOOL_BUSINFO_LEN];

	if (link->bus[0] && link->device[0]) {
		guard_walk_link(netns->scan, chain, iov_path(IOV_PATH_BUS "/%s/devices/%s", link->bus,
							     link->device).name);
		return;
	}
	read_bus_info(netns, link->name, function, sizeof(function));
	if (strchr(function, ':'))
		guard_found(netns->scan, chain, function);
}

static void hold_hardware(struct netns *netns, const struct guard_link *link)
{
	char holder[384];
	struct guard_chain chain = {
		.guard = &netns_guard,
		.holder = holder,
		.pid = netns->pid,
		.names = { link->name },
		.count = 1,
	};

	snprintf(holder, sizeof(holder), "%s in %s", link->name, netns->name);
	hold_device(netns, &chain, link);
}

/* An interface there on one of ours. */
static void hold_lower(struct netns *netns, const struct guard_link *link,
		       const struct guard_links *own)
{
	char holder[384];
	struct guard_chain chain = {
		.guard = guard_of_kind(link->kind),
		.holder = holder,
		.pid = netns->pid,
		.names = { link->name },
		.count = 1,
	};

	/* The other end of a pair is no lower interface. */
	if (link->lower_nsid < 0 || link->lower_nsid != netns->own_nsid ||
	    !strcmp(link->kind, "veth") || !strcmp(link->kind, "netkit"))
		return;
	snprintf(holder, sizeof(holder), "%s %s in %s", guard_title_of_kind(link->kind),
		 link->name, netns->name);
	for (size_t i = 0; i < own->count; i++) {
		if (own->list[i].index == link->lower)
			guard_walk_interface(netns->scan, &chain, own->list[i].name);
	}
}

static void scan_links(struct netns *netns)
{
	const struct guard_links *own = guard_own_links(netns->scan);
	struct guard_links links;
	int error;

	guard_failed(netns->scan, read_own_nsid(netns), netns->name);
	iov_sys_asking(netns->scan->iov, "the interfaces of %s, by rtnetlink", netns->name);
	error = guard_read_links(netns->socket, &links);
	guard_failed(netns->scan, error, netns->name);
	if (!error) {
		for (size_t i = 0; i < links.count; i++) {
			if (links.list[i].kind[0])
				hold_lower(netns, &links.list[i], own);
			else
				hold_hardware(netns, &links.list[i]);
		}
	}
	free(links.list);
}

/* @fd: the namespace, or -errno */
static void scan_netns_at(struct guard_scan *scan, int fd, const char *pid, const char *name)
{
	struct netns netns = { .scan = scan, .fd = fd, .pid = pid, .name = name };
	int error = fd < 0 ? fd : netns_connect(&netns);

	guard_unseen(scan, error, name);
	if (!error)
		scan_links(&netns);
	nl_socket_free(netns.socket);
}

/* "412 25 0:4 net:[4026532271] /run/netns/blue rw shared:199 - nsfs nsfs rw" */
static void scan_named(struct guard_scan *scan, const char *line, const void *argument)
{
	char namespace[64], point[256], name[300];
	_cleanup_fd_ int fd = -1;

	(void)argument;
	if (sscanf(line, "%*s %*s %*s %63s %255s", namespace, point) != 2 ||
	    strncmp(namespace, "net:[", 5) || !guard_is_new(scan, namespace))
		return;
	guard_unescape(point);
	fd = iov_sys_open(scan->iov, point + 1, O_RDONLY);
	snprintf(name, sizeof(name), "the network namespace %s", point);
	scan_netns_at(scan, fd, NULL, name);
}

static void scan(struct guard_scan *scan)
{
	guard_know_own_namespace(scan, "ns/net");
}

/* The first process that is seen in a namespace stands for it, unless it goes meanwhile. */
static void scan_process(struct guard_scan *scan, struct guard_process *process)
{
	char namespace[GUARD_NAMESPACE_SIZE], name[160];
	_cleanup_fd_ int fd = -1;

	if (!iov_sys_is_host(scan->iov) ||
	    !guard_is_new_namespace(scan, process, "ns/net", namespace))
		return;
	snprintf(name, sizeof(name), "the network namespace of %s", guard_title(scan, process));
	fd = openat(process->directory, "ns/net", O_RDONLY | O_CLOEXEC);
	scan_netns_at(scan, fd < 0 ? -errno : fd, process->pid, name);
	if (fd < 0)
		guard_forget(scan, namespace);
}

/* Namespaces that no process is in live on where they are mounted, as ip-netns(8) does. */
static void finish(struct guard_scan *scan)
{
	if (iov_sys_is_host(scan->iov))
		guard_for_each_line(scan, IOV_PATH_MOUNTS, NULL, scan_named);
}

static bool is_found(struct guard_scan *scan, const char *device)
{
	for (size_t i = 0; i < json_object_array_length(scan->holders); i++) {
		struct json_object *holder = json_object_array_get_idx(scan->holders, i);

		if (!strcmp(json_text(holder, "guard"), netns_guard.name) &&
		    guard_has_component(json_text(holder, "device"), device))
			return true;
	}
	return false;
}

/*
 * Sysfs shows the interfaces of our namespace, but the directory for them to everyone.
 * What keeps the namespace may be no more than an open file.
 */
static void match(struct guard_scan *scan, int dir, const char *device)
{
	struct guard_chain chain = {
		.guard = &netns_guard,
		.holder = "its interface in a network namespace that could not be found",
	};
	char **names;
	size_t count;
	int error;

	if (dir < 0)
		return;
	error = iov_dir_list(dir, "net", &names, &count);
	guard_failed(scan, error, iov_path("the interfaces of %s", device).name);
	if (error)
		return;
	iov_names_free(names, count);
	if (!count && !is_found(scan, device))
		guard_found(scan, &chain, device);
}

const struct guard_kind scan_netns = {
	.guards = (const struct guard *const[]){ &netns_guard, NULL },
	.scan = scan,
	.process = scan_process,
	.finish = finish,
	.match = match,
};
