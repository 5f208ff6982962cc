/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOV_BENCH_RELAX_H
#define IOV_BENCH_RELAX_H

#include <sched.h>

/* So often nothing was to be done when a core is given to others: longer than a back end takes. */
#define RELAX_TIMES 4096

/**
 * relax - nothing is to be done
 * @times: how often so far, which is counted; 0 when there was something
 *
 * The other thread of the core goes on.  Who waits for the core itself, as a back end does that has
 * to share it, has it after a while.
 */
static inline void relax(unsigned int *times)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
	if (!(++*times % RELAX_TIMES))
		sched_yield();
}

#endif
