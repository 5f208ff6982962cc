/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the compiler is told; hints spelled as DPDK spells them, as both may be included. */
#ifndef VHOST_USER_COMPILER_H
#define VHOST_USER_COMPILER_H

#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#endif
#ifndef unlikely
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

#define VIRTQ_CACHE_LINE 64

/* Which sanitizer this is built with; gcc and clang tell it in ways of their own. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define WITH_THREAD_SANITIZER
#endif
#if __has_feature(address_sanitizer)
#define WITH_ADDRESS_SANITIZER
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WITH_ADDRESS_SANITIZER
#endif

/*
 * ThreadSanitizer knows neither of fences nor of threads that DPDK starts and waits for.  Who
 * orders accesses by these tells it: what came before order_release() comes before what
 * is behind the next order_acquire() of the same address.
 */
#ifdef WITH_THREAD_SANITIZER
void __tsan_acquire(void *at);
void __tsan_release(void *at);
#define order_release(at) __tsan_release(at)
#define order_acquire(at) __tsan_acquire(at)
#else
#define order_release(at) ((void)(at))
#define order_acquire(at) ((void)(at))
#endif

#endif
