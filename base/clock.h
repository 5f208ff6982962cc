/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock that does not jump, CLOCK_MONOTONIC, and what a thread used. */
#ifndef IOV_BASE_CLOCK_H
#define IOV_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Seconds since the boot, those that the machine slept included. */
static inline int64_t boot_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

/* The same in milliseconds. */
static inline int64_t boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline uint64_t monotonic_us(void)
{
	return monotonic_ns() / 1000;
}

static inline uint64_t monotonic_ms(void)
{
	return monotonic_ns() / 1000000;
}

/* Processor time of this thread in microseconds: who is interrupted has not worked. */
static inline uint64_t thread_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

#ifdef __cplusplus
}
#endif

#endif
