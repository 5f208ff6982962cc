// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/memory/dirty_log.h"

#include <errno.h>
#include <stdlib.h>

struct dirty_log {
	uint8_t *bits;
	uint64_t size;
	struct file_part part;
};

int dirty_log_open(struct dirty_log **out, struct iov *iov, const struct file_part_request *request)
{
	struct dirty_log *log = calloc(1, sizeof(*log));
	int error;

	if (!log)
		return iov_fail(iov, -ENOMEM, "out of memory for a dirty log");
	error = file_part_map(&log->part, &log->bits, iov, "dirty log", request);
	if (error) {
		free(log);
		return error;
	}
	log->size = request->size;
	*out = log;
	return 0;
}

void dirty_log_close(struct dirty_log *log)
{
	if (!log)
		return;
	file_part_unmap(&log->part);
	free(log);
}

bool dirty_log_is_lost(const struct dirty_log *log)
{
	return file_part_is_lost(&log->part);
}

/*
 * The front end takes bits with an atomic exchange; ours must not bring old ones back.  What is
 * behind the log is somebody else's.
 */
static void mark_page(struct dirty_log *log, uint64_t page)
{
	if (unlikely(page / 8 >= log->size))
		return;
	__atomic_fetch_or(&log->bits[page / 8], (uint8_t)(1u << page % 8), __ATOMIC_RELEASE);
}

bool dirty_log_has(const struct dirty_log *log, uint64_t address, uint64_t length)
{
	uint64_t last;

	return !__builtin_add_overflow(address, length - 1, &last) &&
	       last / DIRTY_LOG_PAGE / 8 < log->size;
}

bool dirty_log_covers(const struct dirty_log *log, const struct guest_memory *memory)
{
	uint64_t end = guest_memory_end(memory);

	return !end || dirty_log_has(log, end - 1, 1);
}

void dirty_log_mark_at(struct dirty_log *log, uint64_t address, size_t length)
{
	for (uint64_t page = address / DIRTY_LOG_PAGE;
	     page <= (address + length - 1) / DIRTY_LOG_PAGE; page++)
		mark_page(log, page);
}

void dirty_log_mark(struct dirty_log *log, const struct guest_memory *memory, const void *host,
		    size_t length)
{
	uint64_t gpa = guest_memory_gpa(memory, host);

	if (length && gpa != UINT64_MAX)
		dirty_log_mark_at(log, gpa, length);
}
