// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/file_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <syslog.h>
#include <unistd.h>

#include "vhost-user/blk/uring_request.h"
#include "vhost-user/socket/privileges.h"

/* As many as a front end can have regions of memory. */
#define REGIONS_MAX 512

/* Bytes of a piece: some milliseconds, when its pages have to be made first. */
#define PIECE_BYTES (UINT64_C(32) << 20)

struct region {
	uintptr_t at;
	uint64_t bytes;
};

/**
 * struct file_memory - what there is
 * @count: length of @regions; atomic
 * @regions: guest memory
 * @news_fd: eventfd, written when @error changes
 * @registered: bytes that are registered, at all workers together; atomic
 * @error: why not more, -errno; 0; atomic
 * @told: the last one that the log has
 */
struct file_memory {
	unsigned int count;
	struct region regions[REGIONS_MAX];
	int news_fd;
	uint64_t registered;
	int error;
	int told;
};

/**
 * struct file_pieces - what a channel has of it
 * @memory: what there is
 * @uring: ring of the worker
 * @is_polled: that for requests whose device is polled
 * @is_over: no more can be had
 * @count: regions that were begun; the last one may not be whole
 * @next: bytes of that which are registered
 * @bytes: of all
 * @hint: region of the last access
 * @slots: of each piece of these regions
 */
struct file_pieces {
	struct file_memory *memory;
	struct blk_uring *uring;
	bool is_polled;
	bool is_over;
	unsigned int count;
	uint64_t next;
	uint64_t bytes;
	unsigned int hint;
	int *slots[REGIONS_MAX];
};

static struct file_memory *memory_of(const struct blk_backend *backend)
{
	return ((const struct file_backend *)backend)->memory;
}

/* Where nearly nothing may be locked no guest's memory may be. */
static int check_limit(const struct file_backend *file, unsigned int workers)
{
	struct rlimit limit;

	if (privileges_has(CAP_IPC_LOCK) || getrlimit(RLIMIT_MEMLOCK, &limit) ||
	    limit.rlim_cur >= workers * PIECE_BYTES)
		return 0;
	return iov_told(file->iov, -EPERM, "%s: iovd may lock %" PRIu64 " bytes of memory, expected at least "
			"that of the guest for each of %u workers, to register it; set "
			"LimitMEMLOCK=infinity of its service, or leave --register-memory out", file->path,
			(uint64_t)limit.rlim_cur, workers);
}

int file_memory_open(struct file_backend *file, unsigned int workers)
{
	struct file_memory *memory;
	int error = check_limit(file, workers);

	if (error)
		return error;
	if (file->is_in_memory && !file->is_direct)
		return iov_fail(file->iov, -EINVAL, "%s: is in memory itself, and is copied, expected a disk "
				"that guest memory could be registered for; leave --register-memory out",
				file->path);
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return iov_told(file->iov, -ENOMEM, "no memory for a disk");
	memory->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (memory->news_fd < 0) {
		free(memory);
		return iov_told(file->iov, -EMFILE, "no descriptor for a disk");
	}
	file->memory = memory;
	return 0;
}

void file_memory_close(struct file_memory *memory)
{
	if (!memory)
		return;
	close(memory->news_fd);
	free(memory);
}

bool file_wants_memory(const struct blk_backend *backend)
{
	return memory_of(backend);
}

int file_memory_came(struct blk_backend *backend, void *at, size_t bytes)
{
	struct file_memory *memory = memory_of(backend);
	const unsigned int count = memory->count;

	if (count == REGIONS_MAX)
		return -ENOSPC;
	memory->regions[count] = (struct region){ (uintptr_t)at, bytes };
	__atomic_store_n(&memory->count, count + 1, __ATOMIC_RELEASE);
	return 0;
}

void file_memory_goes(struct blk_backend *backend, const void *at)
{
	struct file_memory *memory = memory_of(backend);
	unsigned int i = 0;

	while (i < memory->count && memory->regions[i].at != (uintptr_t)at)
		i++;
	if (i == memory->count)
		return;
	memory->regions[i] = memory->regions[memory->count - 1];
	__atomic_store_n(&memory->count, memory->count - 1, __ATOMIC_RELEASE);
	/* What there was too much of there may be room for now. */
	__atomic_store_n(&memory->error, 0, __ATOMIC_RELAXED);
	memory->told = 0;
}

uint64_t file_registered(const struct blk_backend *backend, int *error)
{
	const struct file_memory *memory = memory_of(backend);

	*error = memory ? __atomic_load_n(&memory->error, __ATOMIC_RELAXED) : 0;
	return memory ? __atomic_load_n(&memory->registered, __ATOMIC_RELAXED) : 0;
}

int file_news_fd(const struct blk_backend *backend)
{
	return memory_of(backend) ? memory_of(backend)->news_fd : -1;
}

void file_news(struct blk_backend *backend)
{
	struct file_memory *memory = memory_of(backend);
	const int error = __atomic_load_n(&memory->error, __ATOMIC_RELAXED);

	if (error && error != memory->told)
		iov_log(file_of(backend)->iov, LOG_WARNING, "%s: not all guest memory can be registered: %s; the "
			"rest is used without%s", file_of(backend)->path, strerror(-error),
			error == -ENOMEM ? "; LimitMEMLOCK of the service may be too low" : "");
	memory->told = error;
}

struct file_pieces *file_pieces_open(struct file_backend *file, struct blk_uring *uring, bool is_polled)
{
	struct file_pieces *pieces = calloc(1, sizeof(*pieces));

	if (!pieces)
		return NULL;
	pieces->memory = file->memory;
	pieces->uring = uring;
	pieces->is_polled = is_polled;
	return pieces;
}

static uint64_t piece_bytes(const struct region *region, uint64_t begin)
{
	const uint64_t left = region->bytes - begin;

	return left < PIECE_BYTES ? left : PIECE_BYTES;
}

static uint64_t pieces_of(const struct region *region)
{
	return (region->bytes + PIECE_BYTES - 1) / PIECE_BYTES;
}

static void forget_region(struct file_pieces *pieces, unsigned int index)
{
	for (uint64_t i = 0; pieces->slots[index][i] >= 0; i++)
		uring_remove_memory(pieces->uring, pieces->is_polled, pieces->slots[index][i]);
	free(pieces->slots[index]);
}

void file_pieces_close(struct file_pieces *pieces)
{
	if (!pieces)
		return;
	for (unsigned int i = 0; i < pieces->count; i++)
		forget_region(pieces, i);
	__atomic_fetch_sub(&pieces->memory->registered, pieces->bytes, __ATOMIC_RELAXED);
	free(pieces);
}

static void give_up(struct file_pieces *pieces, int error)
{
	pieces->is_over = true;
	__atomic_store_n(&pieces->memory->error, error, __ATOMIC_RELAXED);
	eventfd_write(pieces->memory->news_fd, 1);
}

static bool begin_region(struct file_pieces *pieces)
{
	/* Pairs with the store in file_memory_came(): what is counted is whole. */
	const unsigned int count = __atomic_load_n(&pieces->memory->count, __ATOMIC_ACQUIRE);
	uint64_t length;
	int *slots;

	if (pieces->count == count)
		return false;
	length = pieces_of(&pieces->memory->regions[pieces->count]);
	/* With an end that is no slot. */
	slots = malloc((length + 1) * sizeof(*slots));
	if (!slots) {
		give_up(pieces, -ENOMEM);
		return false;
	}
	for (uint64_t i = 0; i <= length; i++)
		slots[i] = -1;
	pieces->slots[pieces->count++] = slots;
	pieces->next = 0;
	return true;
}

static const struct region *last_region(const struct file_pieces *pieces)
{
	return pieces->count ? &pieces->memory->regions[pieces->count - 1] : NULL;
}

void file_pieces_go_on(struct file_pieces *pieces)
{
	const struct region *region = last_region(pieces);
	uint64_t bytes;
	int slot;

	if (pieces->is_over ||
	    ((!region || pieces->next == region->bytes) && !begin_region(pieces)))
		return;
	region = last_region(pieces);
	bytes = piece_bytes(region, pieces->next);
	slot = uring_add_memory(pieces->uring, pieces->is_polled, (void *)(region->at + pieces->next),
				bytes);
	if (slot < 0) {
		give_up(pieces, slot);
		return;
	}
	pieces->slots[pieces->count - 1][pieces->next / PIECE_BYTES] = slot;
	pieces->next += bytes;
	pieces->bytes += bytes;
	__atomic_fetch_add(&pieces->memory->registered, bytes, __ATOMIC_RELAXED);
}

int file_pieces_find(struct file_pieces *pieces, bool is_polled, const struct iovec *part)
{
	if (pieces->is_polled != is_polled)
		return -1;
	for (unsigned int tries = 0; tries < pieces->count; tries++) {
		const unsigned int i = pieces->hint < pieces->count ? pieces->hint : 0;
		const struct region *region = &pieces->memory->regions[i];
		const uint64_t offset = (uintptr_t)part->iov_base - region->at;

		if (offset < region->bytes && part->iov_len <= region->bytes - offset &&
		    offset % PIECE_BYTES + part->iov_len <= PIECE_BYTES)
			return pieces->slots[i][offset / PIECE_BYTES];
		pieces->hint = i + 1;
	}
	return -1;
}
