// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A domain that is an I/O address space (IOAS) of /dev/iommu, which finds addresses itself.
 *
 * Whether page tables track what devices write is decided when they are made, so each device
 * gets into such ones from the start where its IOMMU can; tracking costs nothing until it is
 * switched on.  Devices share page tables where the kernel lets them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "iommu/domain_ops.h"
#include "iommu/iommufd_abi.h"

static int request(const struct iov_domain *domain, unsigned long number, void *argument)
{
	return ioctl(domain->fd, number, argument) ? -errno : 0;
}

static int open_iommufd(struct iov_domain *domain)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int error;

	domain->fd = iov_sys_open(domain->iov, IOV_PATH_DEV_IOMMU, O_RDWR);
	if (domain->fd == -ENOENT &&
	    domain_lacks_node(domain->iov, IOV_PATH_DEV_IOMMU, IOV_PATH_MISC "/iommu"))
		return -ENOTSUP;
	if (domain->fd == -ENOENT || domain->fd == -ENODEV || domain->fd == -ENXIO)
		return iov_fail(domain->iov, -ENOTSUP, "/" IOV_PATH_DEV_IOMMU ": this kernel has no "
				"IOMMUFD; load the module iommufd, or use the type1 interface");
	if (domain->fd < 0)
		return iov_told(domain->iov, domain->fd, "/" IOV_PATH_DEV_IOMMU ": %s; be root, or give "
				"this user the node", strerror(-domain->fd));
	error = request(domain, IOMMU_IOAS_ALLOC, &alloc);
	if (error)
		return iov_told(domain->iov, error, "/" IOV_PATH_DEV_IOMMU ": no address space: %s",
				strerror(-error));
	domain->ioas = alloc.out_ioas_id;
	return 0;
}

static void close_iommufd(struct iov_domain *domain)
{
	if (domain->fd >= 0)
		close(domain->fd);
}

static int map(struct iov_domain *domain, void *memory, uint64_t size, unsigned int flags,
	       uint64_t *iova)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = (flags & IOV_MAP_READ ? IOMMU_IOAS_MAP_READABLE : 0u) |
			 (flags & IOV_MAP_WRITE ? IOMMU_IOAS_MAP_WRITEABLE : 0u) |
			 (flags & IOV_MAP_FIXED ? IOMMU_IOAS_MAP_FIXED_IOVA : 0u),
		.ioas_id = domain->ioas,
		.user_va = (uintptr_t)memory,
		.length = size,
		.iova = *iova,
	};
	int error = request(domain, IOMMU_IOAS_MAP, &map);

	if (!error)
		*iova = map.iova;
	/* What does not fit between the reserved regions is EINVAL, and EADDRINUSE in use. */
	return error == -EADDRINUSE ? -EEXIST : error;
}

static int unmap(struct iov_domain *domain, uint64_t iova, uint64_t size)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap), .ioas_id = domain->ioas, .iova = iova, .length = size,
	};

	return request(domain, IOMMU_IOAS_UNMAP, &unmap);
}

static int unmap_all(struct iov_domain *domain)
{
	int error = unmap(domain, 0, UINT64_MAX);

	return error == -ENOENT ? 0 : error;
}

static int ranges(struct iov_domain *domain, struct iov_iova_range **ranges, size_t *count)
{
	struct iommu_ioas_iova_ranges wanted = { .size = sizeof(wanted), .ioas_id = domain->ioas };
	struct iommu_iova_range *list;
	int error = request(domain, IOMMU_IOAS_IOVA_RANGES, &wanted);

	/* The first time it says how many there are. */
	if (error && error != -EMSGSIZE)
		return error;
	list = calloc(wanted.num_iovas + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	wanted.allowed_iovas = (uintptr_t)list;
	error = request(domain, IOMMU_IOAS_IOVA_RANGES, &wanted);
	if (error) {
		free(list);
		return error;
	}
	static_assert(sizeof(*list) == sizeof(**ranges), "first and last, in that order");
	*ranges = (struct iov_iova_range *)list;
	*count = wanted.num_iovas;
	return 0;
}

static int attach_to(int device_fd, uint32_t pt_id)
{
	struct device_attach_iommufd attach = { .argsz = sizeof(attach), .pt_id = pt_id };

	return ioctl(device_fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach) ? -errno : 0;
}

/* Make page tables that track, as the IOMMU of a device has them. */
static int add_hwpt(struct iov_domain *domain, uint32_t device_id)
{
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		.dev_id = device_id,
		.pt_id = domain->ioas,
	};
	int error = domain->hwpt_count < DOMAIN_HWPTS ? request(domain, IOMMU_HWPT_ALLOC, &alloc)
						      : -ENOSPC;

	if (!error)
		domain->hwpts[domain->hwpt_count++] = alloc.out_hwpt_id;
	return error;
}

int domain_attach(struct iov_domain *domain, int device_fd, uint32_t device_id, bool *untracked)
{
	int error;

	*untracked = false;
	for (unsigned int i = 0; i < domain->hwpt_count; i++)
		if (!attach_to(device_fd, domain->hwpts[i]))
			return 0;
	if (!add_hwpt(domain, device_id) &&
	    !attach_to(device_fd, domain->hwpts[domain->hwpt_count - 1]))
		return 0;
	error = attach_to(device_fd, domain->ioas);
	*untracked = !error;
	domain->untracked += !error;
	return error;
}

static int track_hwpt(struct iov_domain *domain, uint32_t hwpt, bool on)
{
	struct iommu_hwpt_set_dirty_tracking set = {
		.size = sizeof(set),
		.flags = on ? IOMMU_HWPT_DIRTY_TRACKING_ENABLE : 0,
		.hwpt_id = hwpt,
	};

	return request(domain, IOMMU_HWPT_SET_DIRTY_TRACKING, &set);
}

/* All of them or none. */
static int track(struct iov_domain *domain, bool on)
{
	int error = domain->untracked ? -ENOTSUP : 0;
	unsigned int done = 0;

	while (!error && done < domain->hwpt_count) {
		error = track_hwpt(domain, domain->hwpts[done], on);
		done += !error;
	}
	while (error && on && done)
		track_hwpt(domain, domain->hwpts[--done], false);
	return error;
}

static int dirty(struct iov_domain *domain, uint64_t iova, uint64_t size, uint64_t *bitmap)
{
	int error = domain->untracked ? -ENOTSUP : 0;

	for (unsigned int i = 0; !error && i < domain->hwpt_count; i++) {
		struct iommu_hwpt_get_dirty_bitmap get = {
			.size = sizeof(get), .hwpt_id = domain->hwpts[i],
			.iova = iova, .length = size, .page_size = DOMAIN_PAGE,
			.data = (uintptr_t)bitmap,
		};

		error = request(domain, IOMMU_HWPT_GET_DIRTY_BITMAP, &get);
	}
	return error;
}

const struct domain_ops domain_iommufd = {
	.kind = IOV_DOMAIN_IOMMUFD,
	.allocates = true,
	.open = open_iommufd,
	.close = close_iommufd,
	.map = map,
	.unmap = unmap,
	.unmap_all = unmap_all,
	.ranges = ranges,
	.track = track,
	.dirty = dirty,
};
