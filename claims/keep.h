/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a claim is renewed, and when it is too late for that. */
#ifndef IOV_CLAIMS_KEEP_H
#define IOV_CLAIMS_KEEP_H

#include <stdint.h>

/* Between two tries. */
#define KEEP_RETRY_MS 1000

enum keep_step { KEEP_WAIT, KEEP_RENEW, KEEP_FENCE };

/**
 * struct keep_times - of a claim; CLOCK_BOOTTIME in milliseconds
 * @until: when it may be over at the earliest
 * @fence: how long before that a fence begins
 * @renew: when it is renewed next
 */
struct keep_times {
	int64_t until;
	int64_t fence;
	int64_t renew;
};

/* It was made or renewed for @ttl seconds. */
static inline void keep_renewed(struct keep_times *times, int64_t now, int64_t until, unsigned int ttl)
{
	times->until = until;
	times->renew = now + (int64_t)ttl * 1000 / 3;
}

static inline void keep_failed(struct keep_times *times, int64_t now)
{
	times->renew = now + KEEP_RETRY_MS;
}

/* What to do now; for KEEP_WAIT @wake receives until when. */
static inline enum keep_step keep_next(const struct keep_times *times, int64_t now, int64_t *wake)
{
	int64_t fence = times->until - times->fence;

	*wake = times->renew < fence ? times->renew : fence;
	return now >= fence ? KEEP_FENCE : now >= times->renew ? KEEP_RENEW : KEEP_WAIT;
}

#endif
