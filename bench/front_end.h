/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vhost-user front end: memory and rings of a guest that is not there, for whoever
 * measures a back end.
 *
 * It speaks as VMMs do, so any back end understands it.  Everything blocks for
 * FRONT_END_PATIENCE at most.  One thread at a time.
 */
#ifndef IOV_BENCH_FRONT_END_H
#define IOV_BENCH_FRONT_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "bench/driver_ring.h"

/* Longest wait for a back end's answer or its connection, in milliseconds. */
#define FRONT_END_PATIENCE 20000

/* Most rings. */
#define FRONT_END_RINGS_MAX 64

/**
 * struct front_end_options - what is wanted of a back end
 * @features: virtio features that are wanted; what is not offered is left out
 * @needed: those of @features that the back end must have
 * @rings: how many
 * @ring_size: entries of each ring, a power of 2
 * @memory: bytes for the caller, behind the rings
 * @no_huge: do not try huge pages
 */
struct front_end_options {
	uint64_t features;
	uint64_t needed;
	unsigned int rings;
	uint16_t ring_size;
	size_t memory;
	bool no_huge;
};

/**
 * struct front_end - a connection to a back end
 * @path: its socket; borrowed
 * @offered: what the back end can
 * @queues: most rings that it has; 1 when it does not tell
 * @features: what was negotiated
 * @rings: the rings
 * @ring_count: used part of @rings
 * @memory: memory for the caller, which the back end has as well
 * @gpa: guest physical address of @memory
 * @is_huge: the memory is in huge pages
 * @kick: what wakes the back end for a ring; -1 when it has to poll
 * @is_deaf: it did not answer in time, so it is not asked to stop in the end
 * @base: guest physical address of the first byte of @mapping
 * @mapping: all of the memory
 * @mapping_size: bytes of it
 */
struct front_end {
	const char *path;
	uint64_t offered;
	uint64_t queues;
	uint64_t features;
	struct driver_ring rings[FRONT_END_RINGS_MAX];
	unsigned int ring_count;
	uint8_t *memory;
	uint64_t gpa;
	bool is_huge;
	bool is_deaf;
	int kick[FRONT_END_RINGS_MAX];
	uint8_t *mapping;
	size_t mapping_size;
	uint64_t base;

	/* private */
	struct iov *iov;
	bool is_closing; /* the message of what failed before is what matters */
	uint64_t protocol;
	int fd;
	int memory_fd;
	int call[FRONT_END_RINGS_MAX];
};

/**
 * front_end_meet - connect, and learn what the back end can
 * @front_end: overwritten; closed with front_end_close() also after a failure
 * @iov: context for messages, outlives the connection
 * @path: socket, outlives the connection
 * @listen: wait for the back end to connect, instead of connecting to it
 *
 * Return: 0; -ENOENT or -ECONNREFUSED when nobody listens, -ETIMEDOUT, -ECONNRESET or
 * -EPROTO; all with a message.
 */
int front_end_meet(struct front_end *front_end, struct iov *iov, const char *path, bool listen);

/**
 * front_end_read_config - read the beginning of the device's configuration space
 * @front_end: met
 * @to: receives it
 * @size: bytes, VU_CONFIG_SPACE at most; some back ends have no more than their device defines,
 *	and refuse to be asked for more
 *
 * Return: 0; -ENOTSUP when the back end has none or not so much of it; or as
 * front_end_meet(); all with a message.
 */
int front_end_read_config(struct front_end *front_end, void *to, uint32_t size);

/**
 * front_end_agree - choose features, share memory
 * @front_end: met
 * @options: how
 *
 * The rings are laid out but not running: fill them, then front_end_start().
 *
 * Return: 0; -ENOTSUP when a needed feature is not offered, -ENOMEM, or as front_end_meet();
 * all with a message.
 */
int front_end_agree(struct front_end *front_end, const struct front_end_options *options);

/**
 * front_end_pretend - memory and rings without a back end, for one in this process
 * @front_end: overwritten; closed with front_end_close() also after a failure
 * @iov: context for messages
 * @options: how; all features are there
 *
 * Return: 0 or -ENOMEM with a message.
 */
int front_end_pretend(struct front_end *front_end, struct iov *iov,
		      const struct front_end_options *options);

/**
 * front_end_start - let the back end have the rings
 * @front_end: opened
 *
 * Return: 0 or -errno with a message.
 */
int front_end_start(struct front_end *front_end);

/**
 * front_end_kick - wake the back end for a ring
 * @front_end: started
 * @ring: index
 */
void front_end_kick(struct front_end *front_end, unsigned int ring);

/**
 * front_end_is_gone - whether the back end ended the connection
 * @front_end: started
 */
bool front_end_is_gone(const struct front_end *front_end);

/**
 * front_end_close - stop the rings, end the connection, free all
 * @front_end: zeroed or opened
 */
void front_end_close(struct front_end *front_end);

#endif
