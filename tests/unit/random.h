/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that look random and are the same in each run (xorshift64). */
#ifndef IOV_TESTS_RANDOM_H
#define IOV_TESTS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;		/* the seed, not 0 */
};

static inline uint64_t random_next(struct random *random)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return random->state;
}

static inline uint32_t random_below(struct random *random, uint32_t limit)
{
	return (uint32_t)((random_next(random) >> 32) * limit >> 32);
}

static inline bool random_one_in(struct random *random, uint32_t chances)
{
	return !random_below(random, chances);
}

/* A number that breaks things: small, a power of two, or one beside it. */
static inline uint64_t random_edge(struct random *random)
{
	switch (random_below(random, 4)) {
	case 0:
		return random_below(random, 20);
	case 1:
		return UINT64_C(1) << random_below(random, 64);
	case 2:
		return (UINT64_C(1) << random_below(random, 64)) - 1;
	default:
		return random_next(random);
	}
}

#endif
