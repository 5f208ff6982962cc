/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The time stamp counter, as rte_rdtsc() has it, for what does not stand on DPDK. */
#ifndef VHOST_USER_CYCLES_H
#define VHOST_USER_CYCLES_H

#include <stdint.h>
#include <time.h>

static inline uint64_t cycles_now(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t now;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(now));
	return now;
#else
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
#endif
}

#endif
