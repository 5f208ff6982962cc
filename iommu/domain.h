/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains: which memory devices can reach, and under which addresses (IOVA).
 *
 * A domain is one of the kernel's interfaces behind one set of functions:
 *
 *	iommufd	an I/O address space of /dev/iommu; devices come by their own nodes
 *	type1	a VFIO container, type1v2 or type1; devices come by their IOMMU groups
 *	noiommu	a VFIO container without an IOMMU: IOVAs are physical addresses, and a
 *		device reaches all memory of the host
 *
 * Devices are added with iov_device_open() of vfio/device/device.h.  A type1 domain takes
 * mappings when it has its first device; what is mapped there is so for all of them.
 *
 * Threads: as the context, see base/iov.h.
 */
#ifndef IOV_IOMMU_DOMAIN_H
#define IOV_IOMMU_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iov_domain;

/**
 * enum iov_domain_kind - which interface
 * @IOV_DOMAIN_AUTO: iommufd where the kernel has it, else type1
 * @IOV_DOMAIN_IOMMUFD: /dev/iommu
 * @IOV_DOMAIN_TYPE1: /dev/vfio/vfio, type1v2 where the kernel has that
 * @IOV_DOMAIN_NOIOMMU: /dev/vfio/vfio without an IOMMU
 */
enum iov_domain_kind {
	IOV_DOMAIN_AUTO,
	IOV_DOMAIN_IOMMUFD,
	IOV_DOMAIN_TYPE1,
	IOV_DOMAIN_NOIOMMU,
};

/**
 * iov_domain_open - make an empty domain
 * @out: receives it; the caller closes it with iov_domain_close() after its devices
 * @iov: context, which outlives it
 * @kind: interface
 *
 * Return: 0; -ENOTSUP when the kernel or the host has no such interface; -EACCES; -errno;
 * with a message that says what to do.
 */
int iov_domain_open(struct iov_domain **out, struct iov *iov, enum iov_domain_kind kind);

/**
 * iov_domain_close - end a domain, its mappings included
 * @domain: NULL is allowed; has no devices any more
 */
void iov_domain_close(struct iov_domain *domain);

/**
 * iov_domain_kind - what it became
 * @domain: domain
 *
 * Return: never IOV_DOMAIN_AUTO.
 */
enum iov_domain_kind iov_domain_kind(const struct iov_domain *domain);

/**
 * iov_domain_name - the same in words
 * @domain: domain
 *
 * Return: "iommufd", "type1v2", "type1" or "noiommu".
 */
const char *iov_domain_name(const struct iov_domain *domain);

/**
 * enum iov_map_flags - how memory is mapped
 * @IOV_MAP_READ: devices may read it
 * @IOV_MAP_WRITE: devices may write it
 * @IOV_MAP_FIXED: at the IOVA that is given
 */
enum iov_map_flags {
	IOV_MAP_READ = 1 << 0,
	IOV_MAP_WRITE = 1 << 1,
	IOV_MAP_FIXED = 1 << 2,
};

/**
 * iov_domain_map - let devices reach memory
 * @domain: domain with a device
 * @memory: start of a page
 * @size: bytes, whole pages; all of it is pinned
 * @flags: of enum iov_map_flags, one of the first two at least
 * @iova: address for devices: given with IOV_MAP_FIXED, else received
 *
 * Without IOV_MAP_FIXED the address has the alignment of @size up to 1 GiB, if its range has
 * room for that, so that the IOMMU can use large pages.  In a noiommu domain the address is
 * a physical one, and @memory must be contiguous there: one page, small or huge.
 *
 * Return: 0; -EXDEV for memory that is not contiguous without an IOMMU; -EINVAL when @memory, @size or @iova is not aligned or there are no flags;
 * -ENODEV before the first device; -EEXIST when something is mapped there; -ERANGE when no
 * range has it; -ENOMEM over the limit on locked memory; -ENOSPC when the container has all
 * mappings that it may have; -EFAULT when there is no such memory; -errno; with a message.
 */
int iov_domain_map(struct iov_domain *domain, void *memory, uint64_t size, unsigned int flags,
		   uint64_t *iova);

/**
 * iov_domain_unmap - take it away again
 * @domain: domain
 * @iova: start of a mapping
 * @size: bytes: whole mappings
 *
 * Return: 0; -EINVAL when only a part of a mapping would go, -ENOENT when there is none; with
 * a message.
 */
int iov_domain_unmap(struct iov_domain *domain, uint64_t iova, uint64_t size);

/**
 * iov_domain_unmap_all - take all mappings away
 * @domain: domain
 *
 * Return: 0 or -errno with a message.
 */
int iov_domain_unmap_all(struct iov_domain *domain);

/**
 * iov_domain_remap - what is mapped is at another address of this process now
 * @domain: domain
 * @iova: start of a mapping
 * @size: its bytes
 * @memory: the same pages, in this process
 *
 * For a process that took a domain over from another one.  type1v2: VFIO_UPDATE_VADDR.
 *
 * Return: 0; -ENOTSUP where the kernel cannot; -errno; with a message.
 */
int iov_domain_remap(struct iov_domain *domain, uint64_t iova, uint64_t size, void *memory);

/**
 * iov_domain_alloc - memory that devices reach
 * @domain: domain with a device
 * @size: bytes, rounded up to pages; from 2 MiB on huge pages are used when there are some,
 *	and in a noiommu domain one is needed for more than a page
 * @memory: receives zeroed memory, for the caller to free with iov_domain_free()
 * @iova: receives its address for devices, which may read and write it
 *
 * Return: as iov_domain_map().
 */
int iov_domain_alloc(struct iov_domain *domain, uint64_t size, void **memory, uint64_t *iova);

/**
 * iov_domain_free - give that back
 * @domain: domain
 * @memory: as iov_domain_alloc() gave it; NULL is allowed
 * @size: as it was asked for
 * @iova: as iov_domain_alloc() gave it
 */
void iov_domain_free(struct iov_domain *domain, void *memory, uint64_t size, uint64_t iova);

/**
 * struct iov_iova_range - addresses that devices can use
 * @first: first one
 * @last: last one
 */
struct iov_iova_range {
	uint64_t first;
	uint64_t last;
};

/**
 * iov_domain_ranges - addresses that can be mapped
 * @domain: domain with a device
 * @ranges: receives an array that the caller frees with free(); what lies between is
 *	reserved, for MSI or by firmware
 * @count: its length
 *
 * Each device that is added may take something away: ask again.
 *
 * Return: 0 or -errno with a message.
 */
int iov_domain_ranges(struct iov_domain *domain, struct iov_iova_range **ranges, size_t *count);

/**
 * iov_domain_track - begin or end to keep track of what devices write
 * @domain: domain with a device
 * @on: begin
 *
 * Return: 0; -ENOTSUP when kernel or IOMMU cannot; -errno; with a message.
 */
int iov_domain_track(struct iov_domain *domain, bool on);

/**
 * iov_domain_dirty - what devices wrote since the last call
 * @domain: domain that tracks
 * @iova: start of a mapping
 * @size: its bytes
 * @bitmap: a bit for each 4 KiB, as uint64_t in groups of 64; bits are added
 *
 * A container without device support says of all pinned memory that it is dirty.  What a device
 * can log itself is in vfio/device/dma_log.h.
 *
 * Return: 0 or -errno with a message.
 */
int iov_domain_dirty(struct iov_domain *domain, uint64_t iova, uint64_t size, uint64_t *bitmap);

#ifdef __cplusplus
}
#endif

#endif
