/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits in bits and packets per second: a token bucket of each, in nanoseconds.  Several
 * workers may send under one limit.
 */
#ifndef VHOST_USER_SWITCH_RATE_LIMIT_H
#define VHOST_USER_SWITCH_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "vhost-user/spin.h"
#include "vhost-user/token_bucket.h"

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
 * struct rate_spent - how much passed
 * @bytes: of bytes
 * @packets: of packets
 */
struct rate_spent {
	struct spin lock;
	struct token_bucket bytes;
	struct token_bucket packets;
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
static inline bool rate_is_open(const struct rate_limit *limit, const struct rate_spent *spent,
				double now)
{
	return (limit->byte_ns <= 0 || token_bucket_wait(&spent->bytes, now, RATE_BURST_NS) <= 0) &&
	       (limit->packet_ns <= 0 || token_bucket_wait(&spent->packets, now, RATE_BURST_NS) <= 0);
}

/* With the lock. */
static inline void rate_put_off(const struct rate_limit *limit, struct rate_spent *spent,
				double now, unsigned int packets, uint64_t bytes)
{
	token_bucket_take(&spent->bytes, now, limit->byte_ns * (double)bytes);
	token_bucket_take(&spent->packets, now, limit->packet_ns * packets);
}

/**
 * rate_has_room - whether something may pass now
 * @limit: limit
 * @spent: what passed before
 * @now: nanoseconds
 */
static inline bool rate_has_room(const struct rate_limit *limit, struct rate_spent *spent,
				 double now)
{
	bool open;

	spin_lock(&spent->lock);
	open = rate_is_open(limit, spent, now);
	spin_unlock(&spent->lock);
	return open;
}

/**
 * rate_charge - something passed
 * @limit: limit
 * @spent: is put off
 * @now: nanoseconds
 * @packets: how many packets
 * @bytes: their bytes
 */
static inline void rate_charge(const struct rate_limit *limit, struct rate_spent *spent, double now,
			       unsigned int packets, uint64_t bytes)
{
	spin_lock(&spent->lock);
	rate_put_off(limit, spent, now, packets, bytes);
	spin_unlock(&spent->lock);
}

/**
 * rate_admits - let one packet pass, or not
 * @limit: limit
 * @spent: is put off when it may
 * @now: nanoseconds
 * @bytes: of the packet
 */
static inline bool rate_admits(const struct rate_limit *limit, struct rate_spent *spent, double now,
			       uint32_t bytes)
{
	bool open;

	spin_lock(&spent->lock);
	open = rate_is_open(limit, spent, now);
	if (open)
		rate_put_off(limit, spent, now, 1, bytes);
	spin_unlock(&spent->lock);
	return open;
}

#endif
