/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A token bucket: something may happen at once as often as there are tokens, and then as fast
 * as they come back.
 *
 * Theory of operation.  The bucket is kept as the time when it is full again (the virtual
 * scheduling form of ITU-T I.371 annex A): what is taken puts that time off by as long as it
 * takes to come back, and there is something to take while that time is no further away
 * than the bucket is deep.  There is no timer, and nothing to fill.
 *
 * Pure code, in any unit of time: the clock is the caller's, and so is a lock if need be.
 */
#ifndef VHOST_USER_TOKEN_BUCKET_H
#define VHOST_USER_TOKEN_BUCKET_H

/**
 * struct token_bucket - see above
 * @full: when it is full again; 0 at first
 */
struct token_bucket {
	double full;
};

/**
 * token_bucket_take - take tokens
 * @bucket: bucket
 * @now: of a clock that does not go back
 * @cost: time until they come back; may be more than there are, which is a debt then
 */
static inline void token_bucket_take(struct token_bucket *bucket, double now, double cost)
{
	bucket->full = (bucket->full > now ? bucket->full : now) + cost;
}

/**
 * token_bucket_wait - how long until there is something to take
 * @bucket: bucket
 * @now: as above
 * @depth: time in which it fills from the last token on
 *
 * Return: 0 when there is some.
 */
static inline double token_bucket_wait(const struct token_bucket *bucket, double now, double depth)
{
	return bucket->full > now + depth ? bucket->full - now - depth : 0;
}

#endif
