// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/memory/file_part.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vhost-user/memory/memory_fault.h"

/* Files of shared memory and of huge pages have seals, if only the one against others. */
static bool is_memory(int fd)
{
	return fcntl(fd, F_GET_SEALS) >= 0;
}

static int check_file(struct iov *iov, const char *what, const struct file_part_request *request,
		      struct stat *status)
{
	uint64_t end;

	if (!request->any_memory && !is_memory(request->fd))
		return iov_fail(iov, -EINVAL, "file of the %s is not in memory (memfd, tmpfs, hugetlbfs), "
				"so its file system could hold up all ports; use memory-backend-memfd, or "
				"'iov port add --any-memory' if it is trusted", what);
	if (fstat(request->fd, status))
		return iov_told(iov, -errno, "%s: %s", what, strerror(errno));
	if (!request->size || __builtin_add_overflow(request->size, request->offset, &end) ||
	    !S_ISREG(status->st_mode) || end > (uint64_t)status->st_size)
		return iov_fail(iov, -EINVAL,
				"%s of %" PRIu64 " bytes at offset %" PRIu64
				", expected a part of its file of %" PRIu64 " bytes",
				what, request->size, request->offset, (uint64_t)status->st_size);
	return 0;
}

/* Whole blocks: those of hugetlbfs are its pages, and less of one cannot be unmapped. */
static uint64_t block_of(const struct stat *status)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), block = (uint64_t)status->st_blksize;

	return block > page && !(block & (block - 1)) ? block : page;
}

static int map(struct file_part *part, const struct file_part_request *request, uint64_t lead)
{
	part->mapping = mmap(NULL, part->mapping_size, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_NORESERVE, request->fd,
			     (off_t)(request->offset - lead));
	if (part->mapping == MAP_FAILED)
		return -errno;
	part->watch = memory_fault_watch(part->mapping, part->mapping_size);
	if (part->watch < 0) {
		munmap(part->mapping, part->mapping_size);
		return part->watch;
	}
	/* Guests' secrets have no place in a core file. */
	madvise(part->mapping, part->mapping_size, MADV_DONTDUMP);
	return 0;
}

int file_part_map(struct file_part *part, uint8_t **bytes, struct iov *iov, const char *what,
		  const struct file_part_request *request)
{
	struct stat status;
	int error = check_file(iov, what, request, &status);
	uint64_t block, lead;

	if (error)
		return error;
	block = block_of(&status);
	lead = request->offset & (block - 1);
	part->device = status.st_dev;
	part->inode = status.st_ino;
	part->mapping_size = (lead + request->size + block - 1) & ~(block - 1);
	error = map(part, request, lead);
	if (error)
		return iov_told(iov, error, "cannot map the %s of %" PRIu64 " bytes: %s", what,
				request->size, strerror(-error));
	*bytes = (uint8_t *)part->mapping + lead;
	return 0;
}

void file_part_unmap(const struct file_part *part)
{
	memory_fault_unwatch(part->watch);
	munmap(part->mapping, part->mapping_size);
}

bool file_part_is_lost(const struct file_part *part)
{
	return memory_fault_is_lost(part->watch);
}
