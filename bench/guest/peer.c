// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/guest/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netlink/route/link.h>
#include <netlink/route/link/macvlan.h>
#include <netlink/route/link/veth.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/sysroot/paths.h"
#include "bench/guest/probe.h"

#define OURS "/" IOV_PATH_PROC "/thread-self/ns/net"

static int open_ours(struct iov *iov)
{
	int fd = open(OURS, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? iov_told(iov, -errno, "network namespaces: %s", strerror(errno)) : fd;
}

/* Go to a new namespace; back to what it returns. */
static int enter_new(struct iov *iov)
{
	int ours = open_ours(iov), error;

	if (ours < 0 || !unshare(CLONE_NEWNET))
		return ours;
	error = iov_told(iov, -errno, "a network namespace: %s; run it as root", strerror(errno));
	close(ours);
	return error;
}

/* Whoever does not come back would look at the wrong host from now on. */
static int leave(struct iov *iov, int ours)
{
	int error = setns(ours, CLONE_NEWNET) ? iov_told(iov, -errno, "back from a namespace: %s",
							 strerror(errno))
					      : 0;

	close(ours);
	return error;
}

int peer_namespace(struct iov *iov)
{
	int ours = enter_new(iov), fd, error;

	if (ours < 0)
		return ours;
	fd = open_ours(iov);
	error = leave(iov, ours);
	if (!error || fd < 0)
		return error ? error : fd;
	close(fd);
	return error;
}

static int open_tap(struct iov *iov)
{
	struct ifreq request = {.ifr_name = PEER_NIC,
				.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/" IOV_PATH_DEV_TUN, O_RDWR | O_CLOEXEC | O_NONBLOCK), error;

	if (fd < 0)
		return iov_told(iov, -errno, "/" IOV_PATH_DEV_TUN ": %s", strerror(errno));
	if (!ioctl(fd, TUNSETIFF, &request))
		return fd;
	error = iov_told(iov, -errno, "a TAP device: %s", strerror(errno));
	close(fd);
	return error;
}

/* Both are made in it, and so belong to it. */
static int make_namespace(struct peer *peer, struct iov *iov, bool tap)
{
	int ours = enter_new(iov), error = 0, left;

	if (ours < 0)
		return ours;
	peer->netns = open_ours(iov);
	if (peer->netns < 0)
		error = peer->netns;
	if (!error && tap)
		peer->tap = open_tap(iov);
	if (!error && tap && peer->tap < 0)
		error = peer->tap;
	left = leave(iov, ours);
	return error ? error : left;
}

int peer_start(struct peer *peer, struct iov *iov, const char *probe, bool tap)
{
	const char *const argv[] = {probe, "peer", PEER_NIC, NULL};
	struct child_options options = {.in = -1, .out = -1};
	int error;

	*peer = (struct peer){.netns = -1, .tap = -1, .child = {.said = -1}};
	error = make_namespace(peer, iov, tap);
	if (error)
		return error;
	options.network = peer->netns;
	return child_start(&peer->child, iov, argv, &options);
}

static int told(struct iov *iov, int error, const char *what)
{
	return error ? iov_told(iov, error == -NLE_OPNOTSUPP ? -EOPNOTSUPP : -EIO, "%s: %s", what,
				nl_geterror(error))
		     : 0;
}

static int add_pair(struct nl_sock *socket, pid_t pid)
{
	return rtnl_link_veth_add(socket, PEER_NIC, PEER_OWN, pid);
}

int peer_add_pair(struct peer *peer, struct iov *iov, pid_t pid)
{
	int ours = open_ours(iov), error, left;
	struct nl_sock *socket = nl_socket_alloc();

	if (ours < 0 || !socket) {
		nl_socket_free(socket);
		return ours < 0 ? ours : iov_fail(iov, -ENOMEM, "no memory for a request");
	}
	error = setns(peer->netns, CLONE_NEWNET) ? -NLE_PERM : nl_connect(socket, NETLINK_ROUTE);
	if (!error)
		error = add_pair(socket, pid);
	left = leave(iov, ours);
	nl_socket_free(socket);
	return left ? left : told(iov, error, "a pair of virtual interfaces (veth)");
}

static bool is_up(unsigned int uplink)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = fd >= 0 && if_indextoname(uplink, request.ifr_name) &&
		  !ioctl(fd, SIOCGIFFLAGS, &request) && request.ifr_flags & IFF_UP;

	if (fd >= 0)
		close(fd);
	return up;
}

static int add_macvlan(struct nl_sock *socket, unsigned int uplink, pid_t pid)
{
	struct rtnl_link *link = rtnl_link_macvlan_alloc();
	int error;

	if (!link)
		return -NLE_NOMEM;
	rtnl_link_set_link(link, (int)uplink);
	rtnl_link_set_name(link, PEER_NIC);
	rtnl_link_set_ns_pid(link, pid);
	rtnl_link_macvlan_set_mode(link, MACVLAN_MODE_BRIDGE);
	error = rtnl_link_add(socket, link, NLM_F_CREATE | NLM_F_EXCL);
	rtnl_link_put(link);
	return error;
}

int peer_add_uplink(struct peer *peer, struct iov *iov, unsigned int uplink)
{
	struct nl_sock *socket;
	char name[IF_NAMESIZE] = "?";
	int error;

	if_indextoname(uplink, name);
	if (!is_up(uplink))
		return iov_fail(iov, -ENETDOWN,
				"%s, by which the host reaches it, is down; 'ip link set %s up'", name,
				name);
	socket = nl_socket_alloc();
	error = socket ? nl_connect(socket, NETLINK_ROUTE) : -NLE_NOMEM;
	if (!error)
		error = add_macvlan(socket, uplink, peer->child.pid);
	nl_socket_free(socket);
	return told(iov, error, "an address beside the host's own (macvlan)");
}

int peer_lend(struct iov *iov, const char *name, int netns)
{
	struct nl_sock *socket = nl_socket_alloc();
	struct rtnl_link *link = rtnl_link_alloc(), *change = rtnl_link_alloc();
	int error = socket && link && change ? nl_connect(socket, NETLINK_ROUTE) : -NLE_NOMEM;

	if (!error) {
		rtnl_link_set_ifindex(link, (int)if_nametoindex(name));
		rtnl_link_set_ns_fd(change, netns);
		error = rtnl_link_change(socket, link, change, 0);
	}
	if (link)
		rtnl_link_put(link);
	if (change)
		rtnl_link_put(change);
	nl_socket_free(socket);
	return told(iov, error, name);
}

void peer_end(struct peer *peer)
{
	child_end(&peer->child);
	if (peer->tap >= 0)
		close(peer->tap);
	if (peer->netns >= 0)
		close(peer->netns);
	peer->tap = peer->netns = -1;
}
