/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the packed rings of all ports stand, in a file that outlives iovd.
 *
 * The file is mapped and shared, so that a store to it is there after a SIGKILL; it
 * belongs on tmpfs, as none of it is true after the host has gone down.  What is in it
 * is taken for a hint: a ring goes on with it only when it is the same ring, in the
 * same memory, of which the front end knows no more than at the time, and only when a device
 * has used it since its driver made it, see virtq_position.h.
 *
 * Threads: the control thread; @word of a running ring is its worker's.
 */
#ifndef VHOST_USER_PROTOCOL_POSITIONS_H
#define VHOST_USER_PROTOCOL_POSITIONS_H

#include <stdint.h>

#include "base/iov.h"
#include "vhost-user/memory/guest_memory.h"

/* As many as a port of virtio-net may have, its control queue included, and room. */
#define POSITIONS_RINGS 512

/**
 * struct position - a ring, and where it stands
 * @word: see virtq_position.h
 * @place: where its descriptors are
 * @told: the base that the front end gave when it was set up
 * @size: entries; 0: nothing is known
 *
 * A cache line each, so that workers do not meet there.
 */
struct position {
	uint64_t word;
	struct guest_place place;
	uint32_t told;
	uint32_t size;
	uint64_t reserved[3];
};

struct positions;

/**
 * positions_open - map the file
 * @out: receives it; the caller closes it with positions_close()
 * @iov: context for the message
 * @path: the file, made when there is none; one of another version is made anew
 *
 * Return: 0, -EBUSY when another process has it, or -errno; with a message.
 */
int positions_open(struct positions **out, struct iov *iov, const char *path);

/**
 * positions_close - unmap it; the file stays
 * @positions: NULL is allowed; no ring of it runs
 */
void positions_close(struct positions *positions);

/**
 * positions_of - those of a port
 * @positions: NULL is allowed
 * @port: name of the port
 *
 * Return: POSITIONS_RINGS of them, by the number of the vring; NULL when there is no room.
 */
struct position *positions_of(struct positions *positions, const char *port);

/**
 * positions_forget - the port is gone
 * @positions: NULL is allowed
 * @port: its name
 */
void positions_forget(struct positions *positions, const char *port);

#endif
