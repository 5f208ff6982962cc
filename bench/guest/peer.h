/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other side of a NIC: the probe as a peer, in a network namespace that has no name and ends
 * with it, and what is in it, and the addresses of which nobody else sees.
 */
#ifndef IOV_BENCH_GUEST_PEER_H
#define IOV_BENCH_GUEST_PEER_H

#include <stdbool.h>

#include "base/iov.h"
#include "bench/guest/child.h"

/* The peer's interface, and that of the probe on the host at the other end of a pair. */
#define PEER_NIC "peer0"
#define PEER_OWN "own0"

/**
 * struct peer - a peer
 * @child: the probe
 * @netns: its network namespace
 * @tap: its interface is this TAP device; -1 for none
 */
struct peer {
	struct child child;
	int netns;
	int tap;
};

/**
 * peer_start - start a peer
 * @peer: overwritten; ended with peer_end(), also after a failure
 * @iov: context for messages
 * @probe: path of the probe
 * @tap: its interface is a TAP device; otherwise it waits for an interface
 *
 * Return: 0; -EPERM without the privilege to make namespaces, or -errno; with a message.
 */
int peer_start(struct peer *peer, struct iov *iov, const char *probe, bool tap);

/* Make a namespace that nothing is in: a file, or -errno with a message. */
int peer_namespace(struct iov *iov);

/**
 * peer_add_pair - connect it with another namespace
 * @peer: a peer without interface
 * @iov: context for messages
 * @pid: a process there, which has PEER_OWN then
 *
 * Return: 0, or -errno with a message, as without veth in the kernel.
 */
int peer_add_pair(struct peer *peer, struct iov *iov, pid_t pid);

/**
 * peer_add_uplink - have it reach the network of an interface, by an address of its own
 * @peer: a peer without interface
 * @iov: context for messages
 * @uplink: index of an interface of the host, which is up; nothing of it is changed
 *
 * Return: 0; -ENETDOWN when it is not up, or -errno as without macvlan in the kernel; with a
 * message.
 */
int peer_add_uplink(struct peer *peer, struct iov *iov, unsigned int uplink);

/**
 * peer_lend - move an interface of the host to a namespace
 * @iov: context for messages
 * @name: a NIC's interface; the kernel moves it back when the namespace ends
 * @netns: namespace
 *
 * Return: 0, or -errno with a message.
 */
int peer_lend(struct iov *iov, const char *name, int netns);

/* End it. */
void peer_end(struct peer *peer);

#endif
