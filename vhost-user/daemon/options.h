/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of iovd. */
#ifndef VHOST_USER_DAEMON_OPTIONS_H
#define VHOST_USER_DAEMON_OPTIONS_H

#include <stdbool.h>

#include "vhost-user/daemon/sandbox.h"
#include "vhost-user/port/worker.h"

/* As iov exits at wrong words. */
#define IOVD_EXIT_USAGE 2

/**
 * struct iovd_options - what iovd starts with
 * @print_capabilities: say what back end this is, and nothing else
 * @socket_path: serve one guest at this socket; NULL: see @fd
 * @fd: serve one guest at this socket; 0: serve what the control socket says
 * @uplink: what that guest is connected to; NULL for nothing
 * @disk: file or block device that it gets as its disk; NULL for a network device
 * @read_only: that disk is not written to
 * @iommu: that guest is offered its device behind an IOMMU
 * @control: control socket; NULL for none
 * @control_mode: its permissions; NULL for the usual
 * @control_owner: its owner by name; NULL for the own user
 * @workers: CPU list
 * @poll: what the worker does when nothing comes
 * @user: user to become; NULL for none
 * @state: file of the state; NULL for none
 * @metrics: where counters are served over HTTP; NULL for nowhere
 * @no_huge: do without huge pages
 * @no_sandbox: keep all system calls and paths
 * @sandbox: paths to keep
 * @level: highest level that is logged
 */
struct iovd_options {
	bool print_capabilities;
	const char *socket_path;
	int fd;
	const char *uplink;
	const char *disk;
	bool read_only;
	bool iommu;
	const char *control;
	const char *control_mode;
	const char *control_owner;
	const char *workers;
	enum worker_poll poll;
	const char *user;
	const char *state;
	const char *metrics;
	bool no_huge;
	bool no_sandbox;
	struct sandbox_options sandbox;
	int level;
};

/* Whether iovd serves one guest, as its command line says. */
static inline bool iovd_is_standalone(const struct iovd_options *options)
{
	return options->socket_path || options->fd;
}

/**
 * iovd_options_parse - read the command line
 * @options: receives it
 * @argc: number of words
 * @argv: words, which @options refers to
 *
 * Ends the process with IOVD_EXIT_USAGE when a word is wrong.
 */
void iovd_options_parse(struct iovd_options *options, int argc, char **argv);

#endif
