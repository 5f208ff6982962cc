/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that one thread writes and others read: they see one that was true a moment ago, whole. */
#ifndef VHOST_USER_COUNTER_H
#define VHOST_USER_COUNTER_H

#include <stdint.h>

static inline void counter_set(uint64_t *counter, uint64_t to)
{
	__atomic_store_n(counter, to, __ATOMIC_RELAXED);
}

/* By the thread that writes it. */
static inline void counter_add(uint64_t *counter, uint64_t more)
{
	counter_set(counter, *counter + more);
}

static inline uint64_t counter_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
