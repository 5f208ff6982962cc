/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often something may happen: at once as often as there is credit, and then as
 * fast as credit comes back.  No clock of its own, no allocation.
 */
#ifndef VHOST_USER_BUDGET_H
#define VHOST_USER_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct budget - credit
 * @most: credit that can be saved up
 * @each: microseconds until one comes back
 * @spent: when all will have come back, in microseconds; 0 at first
 */
struct budget {
	uint32_t most;
	uint32_t each;
	uint64_t spent;
};

/**
 * budget_take - spend credit
 * @budget: budget
 * @now: the time in microseconds, of a clock that does not go back
 * @count: how much; may be more than there is, which is a debt then
 */
static inline void budget_take(struct budget *budget, uint64_t now, uint32_t count)
{
	if (budget->spent < now)
		budget->spent = now;
	budget->spent += (uint64_t)count * budget->each;
}

/**
 * budget_wait - how long until there is credit
 * @budget: budget
 * @now: as above
 *
 * Return: microseconds, 0 when there is some.
 */
static inline uint64_t budget_wait(const struct budget *budget, uint64_t now)
{
	uint64_t full = (uint64_t)(budget->most - 1) * budget->each;

	return budget->spent > now + full ? budget->spent - now - full : 0;
}

#endif
