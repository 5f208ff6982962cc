// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/dirty_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vhost-user/memory_fault.h"

struct dirty_log {
	uint8_t *bits;
	uint64_t size;
	void *mapping;
	size_t mapping_size;
};

static int check_file(struct iov *iov, int fd, uint64_t size, uint64_t offset)
{
	struct stat status;
	uint64_t end;

	if (fstat(fd, &status))
		return iov_fail(iov, -errno, "dirty log: %s", strerror(errno));
	if (!size || __builtin_add_overflow(size, offset, &end) || !S_ISREG(status.st_mode) ||
	    end > (uint64_t)status.st_size)
		return iov_fail(iov, -EINVAL,
				"dirty log of %" PRIu64 " bytes at offset %" PRIu64
				", expected a part of its file of %" PRIu64 " bytes",
				size, offset, (uint64_t)status.st_size);
	return 0;
}

static int map_log(struct dirty_log *log, int fd, uint64_t offset)
{
	uint64_t lead = offset & ((uint64_t)sysconf(_SC_PAGESIZE) - 1);

	log->mapping_size = log->size + lead;
	log->mapping = mmap(NULL, log->mapping_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    (off_t)(offset - lead));
	if (log->mapping == MAP_FAILED)
		return -errno;
	log->bits = (uint8_t *)log->mapping + lead;
	if (!memory_fault_watch(log->mapping, log->mapping_size))
		return 0;
	munmap(log->mapping, log->mapping_size);
	return -ENOSPC;
}

int dirty_log_open(struct dirty_log **out, struct iov *iov, int fd, uint64_t size,
		   uint64_t offset)
{
	int error = check_file(iov, fd, size, offset);
	struct dirty_log *log;

	if (error)
		return error;
	log = calloc(1, sizeof(*log));
	if (!log)
		return iov_fail(iov, -ENOMEM, "out of memory for a dirty log");
	log->size = size;
	error = map_log(log, fd, offset);
	if (error) {
		free(log);
		return iov_fail(iov, error, "cannot map the dirty log: %s", strerror(-error));
	}
	*out = log;
	return 0;
}

void dirty_log_close(struct dirty_log *log)
{
	if (!log)
		return;
	memory_fault_unwatch(log->mapping);
	munmap(log->mapping, log->mapping_size);
	free(log);
}

/* The front end takes bits with an atomic exchange; ours must not bring old ones back. */
static void mark_page(struct dirty_log *log, uint64_t page)
{
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
