/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Closing descriptors that somebody else chose.
 *
 * close() may wait for who sent the descriptor: for a file server's answer (FUSE), for a TCP
 * peer (SO_LINGER), and, of a socket, for either through descriptors that are still in it.  What
 * cannot wait, files in memory and eventfds, is closed at once; all else by a thread, which is
 * there while there is something to close.
 *
 * One of them is for one port, over all of its connections: a port whose descriptors do not
 * close holds up nobody else, and has no more than CLOSER_MAX of them and one thread.
 *
 * Threads: all functions on one; it never waits.
 */
#ifndef VHOST_USER_PROTOCOL_CLOSER_H
#define VHOST_USER_PROTOCOL_CLOSER_H

#include <stdbool.h>

/* Descriptors that may wait to be closed before no more are taken. */
#define CLOSER_MAX 64

struct closer;

/**
 * closer_open - have descriptors closed
 * @out: receives the closer; the caller closes it with closer_release()
 *
 * Return: 0 or -ENOMEM.
 */
int closer_open(struct closer **out);

/**
 * closer_release - no descriptors will come any more
 * @closer: closer, which goes when the last of its descriptors is closed; NULL is allowed
 */
void closer_release(struct closer *closer);

/**
 * closer_close - close a descriptor
 * @closer: closer; NULL to close it here, which may wait
 * @fd: descriptor; -1 for none
 */
void closer_close(struct closer *closer, int fd);

/**
 * closer_count - how many of its descriptors are not closed
 * @closer: closer; NULL has none
 */
unsigned int closer_count(struct closer *closer);

/**
 * closer_is_full - whether too many of its descriptors do not close
 * @closer: closer; NULL never is
 */
static inline bool closer_is_full(struct closer *closer)
{
	return closer_count(closer) >= CLOSER_MAX;
}

#endif
