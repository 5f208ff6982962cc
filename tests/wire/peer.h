/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host on the network that pings a guest without end, for tests: at a vhost-user port,
 * with the address 10.1.0.1.  The guest's is 10.1.0.2.
 */
#ifndef IOV_TESTS_PEER_H
#define IOV_TESTS_PEER_H

#include "tests/wire/frontend.h"

#define PEER_MAC "02:00:00:00:00:01"

/*
 * @sent: requests
 * @received: answers, of which each was compared with its request
 * @given_up: requests that nobody answered in time
 * @announced: announcements of the guest, by itself or by iovd
 * @last: when the last answer came, in milliseconds
 * @gap: longest time between two answers, since a test set it to 0
 */
struct peer {
	struct frontend frontend;
	uint32_t sent;
	uint32_t received;
	uint32_t given_up;
	unsigned int announced;
	uint64_t last;
	uint64_t gap;
};

/* At a port that listens at @path. */
void peer_open(struct peer *peer, const char *path);
void peer_close(struct peer *peer);

/* Send and receive for some milliseconds. */
void peer_run(struct peer *peer, unsigned int milliseconds);

/* Until @count more answers came. */
void peer_wait(struct peer *peer, uint32_t count);

#endif
