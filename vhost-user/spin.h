/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lock for moments in which nobody sleeps: what two workers may reach at the same time. */
#ifndef VHOST_USER_SPIN_H
#define VHOST_USER_SPIN_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

/* 0 is free. */
struct spin {
	uint32_t taken;
};

/**
 * spin_try - take it if it is free
 * @lock: lock
 */
static inline bool spin_try(struct spin *lock)
{
	/* Pairs with spin_unlock(): what the last owner did is seen. */
	return !__atomic_load_n(&lock->taken, __ATOMIC_RELAXED) &&
	       !__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE);
}

/**
 * spin_lock - take it
 * @lock: lock, which this thread does not have
 */
static inline void spin_lock(struct spin *lock)
{
	/* Its owner may wait for the CPU that we have. */
	for (unsigned int tries = 1; !spin_try(lock); tries++)
		if (!(tries % 64))
			sched_yield();
}

/**
 * spin_unlock - give it back
 * @lock: lock that this thread has
 */
static inline void spin_unlock(struct spin *lock)
{
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

#endif
