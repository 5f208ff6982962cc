// SPDX-License-Identifier: GPL-2.0-or-later
/* A domain that is a VFIO container with a type1 IOMMU (linux/vfio.h). */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "iommu/domain_ops.h"
#include "iommu/vfio_info.h"

static bool has_extension(const struct iov_domain *domain, int extension)
{
	return ioctl(domain->fd, VFIO_CHECK_EXTENSION, extension) > 0;
}

static int open_type1(struct iov_domain *domain)
{
	int error = container_open(domain, VFIO_TYPE1v2_IOMMU);

	if (error)
		return error;
	if (has_extension(domain, VFIO_TYPE1v2_IOMMU))
		return 0;
	domain->type = VFIO_TYPE1_IOMMU;
	if (has_extension(domain, VFIO_TYPE1_IOMMU))
		return 0;
	return iov_fail(domain->iov, -ENOTSUP, "this kernel has no type1 IOMMU; load the module "
			"vfio_iommu_type1");
}

static int map(struct iov_domain *domain, void *memory, uint64_t size, unsigned int flags,
	       uint64_t *iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = (flags & IOV_MAP_READ ? VFIO_DMA_MAP_FLAG_READ : 0u) |
			 (flags & IOV_MAP_WRITE ? VFIO_DMA_MAP_FLAG_WRITE : 0u),
		.vaddr = (uintptr_t)memory,
		.iova = *iova,
		.size = size,
	};

	return ioctl(domain->fd, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

static int unmap_with(struct iov_domain *domain, uint64_t iova, uint64_t *size, unsigned int flags)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .flags = flags, .iova = iova, .size = *size,
	};

	if (ioctl(domain->fd, VFIO_IOMMU_UNMAP_DMA, &unmap))
		return -errno;
	*size = unmap.size;
	return 0;
}

/* The kernel says how much went. */
static int unmap(struct iov_domain *domain, uint64_t iova, uint64_t size)
{
	uint64_t done = size;
	int error = unmap_with(domain, iova, &done, 0);

	return error ? error : done ? 0 : -ENOENT;
}

static int unmap_all(struct iov_domain *domain)
{
	uint64_t none = 0, half = UINT64_C(1) << 63;

	if (!domain->is_set)
		return 0;
	if (has_extension(domain, VFIO_UNMAP_ALL))
		return unmap_with(domain, 0, &none, VFIO_DMA_UNMAP_FLAG_ALL);
	return unmap_with(domain, 0, &half, 0);
}

static int remap(struct iov_domain *domain, uint64_t iova, uint64_t size, void *memory)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_VADDR,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size,
	};
	int error;

	if (!has_extension(domain, VFIO_UPDATE_VADDR))
		return -ENOTSUP;
	error = unmap_with(domain, iova, &size, VFIO_DMA_UNMAP_FLAG_VADDR);
	if (error)
		return error;
	return ioctl(domain->fd, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

static const struct vfio_iommu_type1_info_cap_iova_range *
find_ranges(const struct vfio_iommu_type1_info *info)
{
	uint32_t first = info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0;

	return vfio_info_find(info, info->argsz, first, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
}

/* A kernel that tells no ranges has one: that of the first architecture's 48 bits. */
static int ranges(struct iov_domain *domain, struct iov_iova_range **ranges, size_t *count)
{
	const struct vfio_iommu_type1_info wanted = { 0 };
	struct vfio_iommu_type1_info *info =
		vfio_info_get(domain->fd, VFIO_IOMMU_GET_INFO, &wanted, sizeof(wanted));
	const struct vfio_iommu_type1_info_cap_iova_range *cap = info ? find_ranges(info) : NULL;

	*count = cap ? cap->nr_iovas : 1;
	*ranges = calloc(*count + 1, sizeof(**ranges));
	for (size_t i = 0; *ranges && i < *count; i++)
		(*ranges)[i] = cap ? (struct iov_iova_range){ cap->iova_ranges[i].start,
							      cap->iova_ranges[i].end }
				   : (struct iov_iova_range){ 0, (UINT64_C(1) << 48) - 1 };
	free(info);
	return *ranges ? 0 : -ENOMEM;
}

static int track(struct iov_domain *domain, bool on)
{
	struct vfio_iommu_type1_dirty_bitmap dirty = {
		.argsz = sizeof(dirty),
		.flags = on ? VFIO_IOMMU_DIRTY_PAGES_FLAG_START : VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP,
	};

	if (!ioctl(domain->fd, VFIO_IOMMU_DIRTY_PAGES, &dirty))
		return 0;
	return errno == ENOTTY ? -ENOTSUP : -errno;
}

static int dirty(struct iov_domain *domain, uint64_t iova, uint64_t size, uint64_t *bitmap)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} dirty = {
		.head = { .argsz = sizeof(dirty),
			  .flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP },
		.get = { .iova = iova,
			 .size = size,
			 .bitmap = { .pgsize = DOMAIN_PAGE,
				     .size = (size / DOMAIN_PAGE + 63) / 64 * 8,
				     .data = (__u64 *)bitmap } },
	};

	return ioctl(domain->fd, VFIO_IOMMU_DIRTY_PAGES, &dirty) ? -errno : 0;
}

const struct domain_ops domain_type1 = {
	.kind = IOV_DOMAIN_TYPE1,
	.open = open_type1,
	.close = container_close,
	.map = map,
	.unmap = unmap,
	.unmap_all = unmap_all,
	.remap = remap,
	.ranges = ranges,
	.track = track,
	.dirty = dirty,
};
