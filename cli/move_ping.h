/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Somebody asks a guest for echoes while it moves, a hundred times a second, and counts what is lost.
 *
 * A process of its own does so, as its requests are to leave in time whatever the command waits for.
 */
#ifndef IOV_CLI_MOVE_PING_H
#define IOV_CLI_MOVE_PING_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/iov.h"

#define PING_PHASES 4

/**
 * struct ping_count - what became of requests
 * @sent: requests
 * @answered: answers, each once
 * @gap_ms: longest time without any answer
 */
struct ping_count {
	uint64_t sent;
	uint64_t answered;
	uint64_t gap_ms;
};

/* Zeroed, or by ping_begin(). */
struct ping {
	pid_t pid;
	int socket;
};

/**
 * ping_begin - begin to ask
 * @ping: overwritten; ended with ping_end() unless this fails
 * @iov: context for messages
 * @address: of the guest, IPv4 or IPv6
 * @stop: a number other than 0 ends the wait
 *
 * No thread has been started yet.
 *
 * Return: 0 when it has answered; -EINVAL when that is no address; -EHOSTUNREACH without an answer in five
 * seconds; -EINTR; or -errno; with a message.
 */
int ping_begin(struct ping *ping, struct iov *iov, const char *address, const volatile sig_atomic_t *stop);

/* What is sent from now on is of this phase, 0 at first. */
void ping_phase(const struct ping *ping, unsigned int phase);

/* End it; what became of the requests of each phase. 0, or -EIO without that. */
int ping_end(struct ping *ping, struct ping_count counts[PING_PHASES]);

#endif
