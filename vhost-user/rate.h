/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits in bits and packets per second.
 *
 * Theory of operation.  A token bucket, kept as the time when it would be full again
 * (the virtual scheduling form of ITU-T I.371 annex A): what is sent puts that time off
 * by what it costs, and may be sent while it is no more than a burst away.  There is no
 * timer, and nothing to fill.
 *
 * Pure code: the clock is the caller's, in nanoseconds.  Several workers may send under one
 * limit.
 */
#ifndef VHOST_USER_RATE_H
#define VHOST_USER_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "vhost-user/spin.h"

/* What may come at once after silence: as much as in this time. */
#define RATE_BURST_NS 10e6

/**
 * struct rate_limit - how much may pass
 * @byte_ns: nanoseconds per byte; 0 for any number of bytes
 * @packet_ns: nanoseconds per packet; 0 for any number of packets
 */
struct rate_limit {
	double byte_ns;
	double packet_ns;
};

/**
 * struct rate_state - how much passed
 * @bytes_due: when the bytes that passed are paid for
 * @packets_due: the same of packets
 */
struct rate_state {
	struct spin lock;
	double bytes_due;
	double packets_due;
};

/**
 * rate_limit_of - a limit
 * @bits: bits per second, 0 for any
 * @packets: packets per second, 0 for any
 */
static inline struct rate_limit rate_limit_of(double bits, double packets)
{
	return (struct rate_limit){
		.byte_ns = bits > 0 ? 8e9 / bits : 0,
		.packet_ns = packets > 0 ? 1e9 / packets : 0,
	};
}

/**
 * rate_is_limited - whether there is a limit at all
 * @limit: limit
 */
static inline bool rate_is_limited(const struct rate_limit *limit)
{
	return limit->byte_ns > 0 || limit->packet_ns > 0;
}

/* With the lock. */
static inline bool rate_is_open(const struct rate_limit *limit, const struct rate_state *state,
				double now)
{
	return (limit->byte_ns <= 0 || state->bytes_due <= now + RATE_BURST_NS) &&
	       (limit->packet_ns <= 0 || state->packets_due <= now + RATE_BURST_NS);
}

/* With the lock. */
static inline void rate_put_off(const struct rate_limit *limit, struct rate_state *state,
				double now, unsigned int packets, uint64_t bytes)
{
	state->bytes_due = (state->bytes_due > now ? state->bytes_due : now) +
			   limit->byte_ns * (double)bytes;
	state->packets_due = (state->packets_due > now ? state->packets_due : now) +
			     limit->packet_ns * packets;
}

/**
 * rate_has_room - whether something may pass now
 * @limit: limit
 * @state: what passed before
 * @now: nanoseconds
 */
static inline bool rate_has_room(const struct rate_limit *limit, struct rate_state *state,
				 double now)
{
	bool open;

	spin_lock(&state->lock);
	open = rate_is_open(limit, state, now);
	spin_unlock(&state->lock);
	return open;
}

/**
 * rate_charge - something passed
 * @limit: limit
 * @state: is put off
 * @now: nanoseconds
 * @packets: how many packets
 * @bytes: their bytes
 */
static inline void rate_charge(const struct rate_limit *limit, struct rate_state *state, double now,
			       unsigned int packets, uint64_t bytes)
{
	spin_lock(&state->lock);
	rate_put_off(limit, state, now, packets, bytes);
	spin_unlock(&state->lock);
}

/**
 * rate_admits - let one packet pass, or not
 * @limit: limit
 * @state: is put off when it may
 * @now: nanoseconds
 * @bytes: of the packet
 */
static inline bool rate_admits(const struct rate_limit *limit, struct rate_state *state, double now,
			       uint32_t bytes)
{
	bool open;

	spin_lock(&state->lock);
	open = rate_is_open(limit, state, now);
	if (open)
		rate_put_off(limit, state, now, 1, bytes);
	spin_unlock(&state->lock);
	return open;
}

#endif
