// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/memory/memory_fault.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

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

static atomic_uint losses;
static atomic_int told_fd = -1;

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

static bool put(void *start, size_t size, int flags, int fd)
{
	return mmap(start, size, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_NORESERVE | flags, fd, 0) !=
	       MAP_FAILED;
}

/*
 * Where the kernel promises no more memory than there is, or a limit of private memory is
 * set, there may be none as large as a guest's; of a file what is touched counts.
 */
static bool put_file(void *start, size_t size)
{
	int fd = memfd_create("iovd-lost", MFD_CLOEXEC);
	bool done = fd >= 0 && !ftruncate(fd, (off_t)size) && put(start, size, MAP_SHARED, fd);

	if (fd >= 0)
		close(fd);
	return done;
}

static void tell(void)
{
	losses++;
	if (told_fd >= 0)
		eventfd_write(told_fd, 1);
}

/* The whole mapping goes: huge pages cannot be replaced in part. */
static bool replace(struct watched *slot)
{
	void *start = (void *)slot->start;

	if (!put(start, slot->size, MAP_PRIVATE | MAP_ANONYMOUS, -1) && !put_file(start, slot->size))
		return false;
	slot->lost = true;
	tell();
	return true;
}

static bool is_loss(const siginfo_t *info)
{
	return info->si_code == BUS_ADRERR || info->si_code == BUS_MCEERR_AR ||
	       info->si_code == BUS_MCEERR_AO;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	struct watched *slot = is_loss(info) ? find((uintptr_t)info->si_addr) : NULL;
	int error = errno;

	(void)context;
	/*
	 * Returning repeats the access: to what is there now, or to its end.  Nothing was
	 * accessed that is only known to be bad; who does so gets another signal.
	 */
	if ((!slot || !replace(slot)) && info->si_code != BUS_MCEERR_AO)
		signal(number, SIG_DFL);
	errno = error;
}

int memory_fault_catch(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}

void memory_fault_tell(int fd)
{
	told_fd = fd;
}

unsigned int memory_fault_losses(void)
{
	return losses;
}

int memory_fault_watch(void *mapping, size_t size)
{
	for (int i = 0; i < WATCHED_MAX; i++) {
		if (watched[i].start)
			continue;
		watched[i].size = size;
		watched[i].lost = false;
		if ((size_t)i >= watched_end)
			watched_end = (size_t)i + 1;
		atomic_store_explicit(&watched[i].start, (uintptr_t)mapping, memory_order_release);
		return i;
	}
	return -ENOSPC;
}

void memory_fault_unwatch(int watch)
{
	watched[watch].start = 0;
}

bool memory_fault_is_lost(int watch)
{
	return watched[watch].lost;
}
