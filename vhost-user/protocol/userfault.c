// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/protocol/userfault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since Linux 5.11; not in all headers that are about. */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

static int open_any(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	/* Before, the kernel knows no other kind, and may want a privilege for it. */
	if (fd < 0 && errno == EINVAL)
		fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int userfault_open(void)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MISSING_HUGETLBFS,
	};
	int fd = open_any(), error;

	if (fd < 0)
		return fd;
	if (!ioctl(fd, UFFDIO_API, &api))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

bool userfault_available(void)
{
	int fd = userfault_open();

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int userfault_register(int fd, const struct guest_memory *memory)
{
	for (size_t i = 0; i < memory->count; i++) {
		const struct guest_region *region = &memory->regions[i];
		struct uffdio_register request = {
			.range = {(uintptr_t)region->part.mapping, region->part.mapping_size},
			.mode = UFFDIO_REGISTER_MODE_MISSING,
		};

		/* A huge page put together around a hole would fill it with zeroes. */
		madvise(region->part.mapping, region->part.mapping_size, MADV_NOHUGEPAGE);
		if (ioctl(fd, UFFDIO_REGISTER, &request))
			return -errno;
	}
	return 0;
}

void userfault_unregister(int fd, const struct guest_memory *memory)
{
	for (size_t i = 0; i < memory->count; i++) {
		const struct guest_region *region = &memory->regions[i];
		struct uffdio_range range = {(uintptr_t)region->part.mapping, region->part.mapping_size};

		ioctl(fd, UFFDIO_UNREGISTER, &range);
	}
}
