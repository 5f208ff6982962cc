// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A domain without an IOMMU: what a device gets is where memory physically is.
 *
 * Memory is locked, so that it is not swapped out; the kernel may still move a small page
 * (compaction), which is why a huge page is the better choice here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "iommu/domain_ops.h"

/* Documentation/admin-guide/mm/pagemap.rst: a word for each page. */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_FRAME ((UINT64_C(1) << 55) - 1)

static int open_noiommu(struct iov_domain *domain)
{
	int error = container_open(domain, VFIO_NOIOMMU_IOMMU);

	if (error || ioctl(domain->fd, VFIO_CHECK_EXTENSION, VFIO_NOIOMMU_IOMMU) > 0)
		return error;
	return iov_fail(domain->iov, -ENOTSUP, "VFIO does without an IOMMU only when it is told to; write "
			"Y to enable_unsafe_noiommu_mode of the module vfio, as root");
}

static int physical(int pagemap, uintptr_t at, uint64_t *address)
{
	uint64_t word;

	if (pread(pagemap, &word, sizeof(word), (off_t)(at / DOMAIN_PAGE * sizeof(word))) !=
	    sizeof(word))
		return -EFAULT;
	/* To who may not know it the kernel says 0. */
	if (!(word & PAGEMAP_PRESENT) || !(word & PAGEMAP_FRAME))
		return -EACCES;
	*address = (word & PAGEMAP_FRAME) * DOMAIN_PAGE;
	return 0;
}

static int map(struct iov_domain *domain, void *memory, uint64_t size, unsigned int flags,
	       uint64_t *iova)
{
	_cleanup_fd_ int pagemap = iov_sys_open(domain->iov, IOV_PATH_PROC_SELF "/pagemap", O_RDONLY);
	uint64_t first = 0, at;
	int error;

	if (mlock(memory, size))
		return -errno;
	error = pagemap < 0 ? pagemap : physical(pagemap, (uintptr_t)memory, &first);
	for (uint64_t offset = DOMAIN_PAGE; !error && offset < size; offset += DOMAIN_PAGE) {
		error = physical(pagemap, (uintptr_t)memory + offset, &at);
		if (!error && at != first + offset)
			error = -EXDEV;
	}
	if (!error && flags & IOV_MAP_FIXED && *iova != first)
		error = -ERANGE;
	*iova = first;
	return error;
}

/* What is mapped is all of memory, always. */
static int unmap(struct iov_domain *domain, uint64_t iova, uint64_t size)
{
	(void)domain;
	(void)iova;
	(void)size;
	return 0;
}

static int unmap_all(struct iov_domain *domain)
{
	(void)domain;
	return 0;
}

static int ranges(struct iov_domain *domain, struct iov_iova_range **ranges, size_t *count)
{
	(void)domain;
	*count = 1;
	*ranges = malloc(sizeof(**ranges));
	if (!*ranges)
		return -ENOMEM;
	(*ranges)[0] = (struct iov_iova_range){ 0, UINT64_MAX };
	return 0;
}

const struct domain_ops domain_noiommu = {
	.kind = IOV_DOMAIN_NOIOMMU,
	.allocates = true,
	.open = open_noiommu,
	.close = container_close,
	.map = map,
	.unmap = unmap,
	.unmap_all = unmap_all,
	.ranges = ranges,
};
