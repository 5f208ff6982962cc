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
#include <linux/nsfs.h>
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
#include <sys/stat.h>

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

/* Whose a namespace is that no process may be in, and by which of its names. */
struct keeper {
	struct guard_process *process;
	const char *path;
	const char *what;
};

/* A process in a namespace names it better, and may be seen later. */
static void note_kept(struct guard_scan *scan, const char *namespace, const struct keeper *keeper)
{
	struct json_object *kept;

	if (!scan->namespaces)
		scan->namespaces = json_object_new_object();
	if (json_object_object_get_ex(scan->namespaces, namespace, NULL))
		return;
	kept = json_object_new_object();
	json_add_text(kept, "process", keeper->process->path.name);
	json_add_text(kept, "pid", keeper->process->pid);
	json_add_text(kept, "path", keeper->path);
	json_add_text(kept, "name", iov_path("%s of %s", keeper->what,
					     guard_title(scan, keeper->process)).name);
	json_object_object_add(scan->namespaces, namespace, kept);
}

/* "412 25 0:4 net:[4026532271] /run/netns/blue rw shared:199 - nsfs nsfs rw" */
static bool read_mount(const char *line, char namespace[GUARD_NAMESPACE_SIZE], char point[256])
{
	if (sscanf(line, "%*s %*s %*s %63s %255s", namespace, point) != 2 ||
	    strncmp(namespace, "net:[", 5) != 0)
		return false;
	guard_unescape(point);
	return true;
}

static void scan_named(struct guard_scan *scan, const char *line, const void *argument)
{
	char namespace[GUARD_NAMESPACE_SIZE], point[256], name[300];
	_cleanup_fd_ int fd = -1;

	(void)argument;
	if (!read_mount(line, namespace, point) || !guard_is_new(scan, namespace))
		return;
	fd = iov_sys_open(scan->iov, point + 1, O_RDONLY);
	snprintf(name, sizeof(name), "the network namespace %s", point);
	scan_netns_at(scan, fd, NULL, name);
}

/* The same in the mount namespace of a process, whose root it is below. */
static void note_named(struct guard_scan *scan, const char *line, const void *argument)
{
	struct keeper keeper = { .process = *(struct guard_process *const *)argument };
	char namespace[GUARD_NAMESPACE_SIZE], point[256];
	struct iov_path path, what;

	if (!read_mount(line, namespace, point))
		return;
	path = iov_path("root%s", point);
	what = iov_path("the network namespace %s in the mount namespace", point);
	keeper.path = path.name;
	keeper.what = what.name;
	note_kept(scan, namespace, &keeper);
}

static void note_mounts(struct guard_scan *scan, struct guard_process *process)
{
	struct iov_path path = iov_path("%s/mountinfo", process->path.name), key;
	char target[GUARD_NAMESPACE_SIZE];
	int error;

	if (iov_dir_link(process->directory, "ns/mnt", target, sizeof(target)))
		return;
	key = iov_path("network namespaces in %s", target);
	if (!guard_is_new(scan, key.name))
		return;
	error = guard_read_lines(scan, path.name, &process, note_named);
	if (error)
		guard_forget(scan, key.name);
	/* One that has ended and is not yet waited for has no mounts, which is EINVAL. */
	guard_unseen(scan, error == -EINVAL ? -ESRCH : error, iov_path("/%s", path.name).name);
}

/* What is looked at is at hand, so no server of files is asked. */
static bool read_file(struct guard_process *process, const char *path, struct statx *status)
{
	return !statx(process->directory, path, AT_STATX_DONT_SYNC, STATX_INO, status);
}

/*
 * A file that is open keeps a namespace as well.  Its link has the path that it was opened by, "/"
 * when that is no more, so what it is tells its number.
 */
static void note_file(struct guard_scan *scan, struct guard_process *process, const char *fd,
		      const struct statx *namespaces)
{
	struct iov_path path = iov_path("fd/%s", fd);
	struct keeper keeper = { process, path.name, "a network namespace that is a file" };
	struct statx status;

	if (read_file(process, path.name, &status) &&
	    status.stx_dev_major == namespaces->stx_dev_major &&
	    status.stx_dev_minor == namespaces->stx_dev_minor)
		note_kept(scan, iov_path("net:[%llu]", (unsigned long long)status.stx_ino).name,
			  &keeper);
}

/* One device has all namespaces. */
static void note_files(struct guard_scan *scan, struct guard_process *process)
{
	struct statx namespaces;

	if (!guard_list_files(scan, process) || !read_file(process, "ns/net", &namespaces))
		return;
	for (size_t i = 0; i < process->file_count; i++)
		note_file(scan, process, process->files[i], &namespaces);
}

/* Who closed or unmounted it meanwhile keeps it no more. */
static void scan_kept(struct guard_scan *scan, struct json_object *kept)
{
	_cleanup_fd_ int directory = iov_dir_open(scan->iov, json_text(kept, "process"));
	_cleanup_fd_ int fd = -1;

	if (directory < 0)
		return;
	fd = openat(directory, json_text(kept, "path"), O_RDONLY | O_CLOEXEC);
	/* Namespaces of all kinds are files of the same device. */
	if (fd >= 0 && ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return;
	scan_netns_at(scan, fd < 0 ? -errno : fd, json_text(kept, "pid"), json_text(kept, "name"));
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

	if (!iov_sys_is_host(scan->iov))
		return;
	note_mounts(scan, process);
	note_files(scan, process);
	if (!guard_is_new_namespace(scan, process, "ns/net", namespace))
		return;
	snprintf(name, sizeof(name), "the network namespace of %s", guard_title(scan, process));
	fd = openat(process->directory, "ns/net", O_RDONLY | O_CLOEXEC);
	scan_netns_at(scan, fd < 0 ? -errno : fd, process->pid, name);
	if (fd < 0)
		guard_forget(scan, namespace);
}

/* Namespaces that no process is in live on where they are mounted or open, as ip-netns(8) does. */
static void finish(struct guard_scan *scan)
{
	if (!iov_sys_is_host(scan->iov))
		return;
	guard_for_each_line(scan, IOV_PATH_MOUNTS, NULL, scan_named);
	if (!scan->namespaces)
		return;
	json_object_object_foreach(scan->namespaces, namespace, kept) {
		if (guard_is_new(scan, namespace))
			scan_kept(scan, kept);
	}
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
	if (!count && !guard_is_held(scan, &netns_guard, device))
		guard_found(scan, &chain, device);
}

const struct guard_kind scan_netns = {
	.guards = (const struct guard *const[]){ &netns_guard, NULL },
	.scan = scan,
	.process = scan_process,
	.finish = finish,
	.match = match,
};
