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

/* Inlined wherever it is called, also into what is compiled for several processors. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/*
 * Have a line in the cache that will be written.  Where a processor has no such instruction it does
 * nothing; the compiler's own, told of that processor, takes the one for reading instead.
 */
static ALWAYS_INLINE void prefetch_for_writing(const void *at)
{
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)at));
#else
	__builtin_prefetch(at, 1);
#endif
}

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
#ifdef __SANITIZE_THREAD__
#define WITH_THREAD_SANITIZER
#endif

/*
 * A function that copies or fills many bytes is compiled for processors with wider registers as
 * well, and which one is called is decided when the program is loaded, before a sanitizer is ready.
 * What it calls is the same for all, unless it is ALWAYS_INLINE.  It is static: clang's name of one
 * is not what other files would call.
 */
#if defined(__x86_64__) && !defined(WITH_ADDRESS_SANITIZER) && !defined(WITH_THREAD_SANITIZER)
#define FOR_EACH_PROCESSOR \
	__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
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
