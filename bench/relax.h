/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOV_BENCH_RELAX_H
#define IOV_BENCH_RELAX_H

/* Nothing is to be done: whoever shares the core may have it. */
static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
