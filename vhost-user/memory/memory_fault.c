// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#include "vhost-user/memory/memory_fault.h"

/* As many regions as a front end may have for each of 64 guests, or 127 for 256. */
#define WATCHED_MAX 32768

/* A handler may run at any moment, so a slot counts only once @start is set. */
static struct watched {
	_Atomic(uintptr_t) start;
	_Atomic(size_t) size;
	atomic_bool lost;
} watched[WATCHED_MAX];

/* Slots behind this one were never used; it only grows. */
static _Atomic(size_t) watched_end;

static struct watched *find(uintptr_t address)
{
	for (size_t i = 0; i < watched_end; i++) {
		/* Pairs with the store in watch(): a start that is seen has its size. */
		uintptr_t start = atomic_load_explicit(&watched[i].start, memory_order_acquire);

		if (start && address - start < watched[i].size)
			return &watched[i];
	}
	return NULL;
}

/* The whole mapping goes: huge pages cannot be replaced in part. */
static bool replace(struct watched *slot)
{
	void *start = (void *)slot->start;

	if (mmap(start, slot->size, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED)
		return false;
	slot->lost = true;
	return true;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	struct watched *slot = find((uintptr_t)info->si_addr);
	int error = errno;

	(void)context;
	/* Returning repeats the access: to what is there now, or to its end. */
	if (info->si_code != BUS_ADRERR || !slot || !replace(slot))
		signal(number, SIG_DFL);
	errno = error;
}

int memory_fault_catch(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}

int memory_fault_watch(void *mapping, size_t size)
{
	for (size_t i = 0; i < WATCHED_MAX; i++) {
		if (watched[i].start)
			continue;
		watched[i].size = size;
		watched[i].lost = false;
		if (i >= watched_end)
			watched_end = i + 1;
		atomic_store_explicit(&watched[i].start, (uintptr_t)mapping, memory_order_release);
		return 0;
	}
	return -ENOSPC;
}

void memory_fault_unwatch(void *mapping)
{
	struct watched *slot = find((uintptr_t)mapping);

	if (slot)
		slot->start = 0;
}

bool memory_fault_is_lost(void *mapping)
{
	struct watched *slot = find((uintptr_t)mapping);

	return slot && slot->lost;
}
