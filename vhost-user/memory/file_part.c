// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/memory/file_part.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vhost-user/memory/memory_fault.h"

static int check_file(struct iov *iov, const char *what, int fd, uint64_t size, uint64_t offset)
{
	struct stat status;
	uint64_t end;

	if (fstat(fd, &status))
		return iov_told(iov, -errno, "%s: %s", what, strerror(errno));
	if (!size || __builtin_add_overflow(size, offset, &end) || !S_ISREG(status.st_mode) ||
	    end > (uint64_t)status.st_size)
		return iov_fail(iov, -EINVAL,
				"%s of %" PRIu64 " bytes at offset %" PRIu64
				", expected a part of its file of %" PRIu64 " bytes",
				what, size, offset, (uint64_t)status.st_size);
	return 0;
}

static int map(struct file_part *part, int fd, uint64_t offset)
{
	uint64_t lead = offset & ((uint64_t)sysconf(_SC_PAGESIZE) - 1);

	part->mapping_size = part->size + lead;
	part->mapping = mmap(NULL, part->mapping_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			     (off_t)(offset - lead));
	if (part->mapping == MAP_FAILED)
		return -errno;
	part->bytes = (uint8_t *)part->mapping + lead;
	if (!memory_fault_watch(part->mapping, part->mapping_size))
		return 0;
	munmap(part->mapping, part->mapping_size);
	return -ENOSPC;
}

int file_part_map(struct file_part *part, struct iov *iov, const char *what, int fd, uint64_t size,
		  uint64_t offset)
{
	int error = check_file(iov, what, fd, size, offset);

	if (error)
		return error;
	part->size = size;
	error = map(part, fd, offset);
	if (error)
		return iov_told(iov, error, "cannot map the %s: %s", what, strerror(-error));
	return 0;
}

void file_part_unmap(struct file_part *part)
{
	memory_fault_unwatch(part->mapping);
	munmap(part->mapping, part->mapping_size);
}
