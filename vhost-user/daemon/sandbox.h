/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is left to iovd of its host: the system calls that it uses, and the paths
 * that its ports need.
 *
 * Paths are taken away before DPDK starts, because Landlock binds a thread and
 * those that it makes; system calls when everything runs, of all threads at once.
 */
#ifndef VHOST_USER_DAEMON_SANDBOX_H
#define VHOST_USER_DAEMON_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"

/* Directories that --allow adds. */
#define SANDBOX_ALLOW_MAX 32

/* Ports that --nbd-port adds. */
#define SANDBOX_PORTS_MAX 32

/* Control socket, that of the one guest, that of the HTTP server. */
#define SANDBOX_SOCKETS_MAX 3

/**
 * struct sandbox_options - paths that are the user's choice
 * @allow: where ports may have sockets and files; without any /run and /tmp, for
 *	sockets alone
 * @allow_count: length of @allow
 * @sockets: sockets that iovd itself makes; NULL behind the last
 * @state: file of the state; NULL for none
 * @disk: file of the one disk that there is; NULL for none
 * @nbd_ports: TCP ports of NBD servers
 * @nbd_port_count: length of @nbd_ports; with 0 nothing is reached by TCP
 * @postcopy: userfaultfd is needed
 * @af_xdp: bpf() and sockets of XDP are needed
 */
struct sandbox_options {
	const char *allow[SANDBOX_ALLOW_MAX];
	size_t allow_count;
	const char *sockets[SANDBOX_SOCKETS_MAX];
	const char *state;
	const char *disk;
	uint16_t nbd_ports[SANDBOX_PORTS_MAX];
	size_t nbd_port_count;
	bool postcopy;
	bool af_xdp;
};

/**
 * sandbox_paths - give up all paths but some
 * @iov: context; without Landlock in the kernel it is told so, and nothing is given up
 * @options: paths besides those that every iovd needs
 *
 * The process has no new privileges, see privileges_drop().
 *
 * Return: 0; -ENOENT when a path of @options does not exist; or -errno; with a message.
 */
int sandbox_paths(struct iov *iov, const struct sandbox_options *options);

/**
 * sandbox_calls - give up all system calls but some, in all threads
 * @iov: context
 * @options: what else is needed
 *
 * Return: 0 or -errno with a message.
 */
int sandbox_calls(struct iov *iov, const struct sandbox_options *options);

/**
 * sandbox_call_name - a system call of the table that is always allowed
 * @index: from 0
 *
 * Return: its name; NULL behind the last.
 */
const char *sandbox_call_name(size_t index);

#endif
