// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  Arguments are checked here, and what an errno of the kernel means is
 * said here, once for all interfaces.
 *
 * Nobody keeps a list of mappings: the kernel has one.  A container is asked for one free
 * address after the other, from where the last search ended; mostly the first is free.
 */
#include "iommu/domain.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/mman.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "iommu/domain_ops.h"
#include "iommu/group.h"

#define HUGE_PAGE (UINT64_C(2) << 20)
#define ALIGNMENT_MAX (UINT64_C(1) << 30)

/* Addresses below are left to mistakes: a device that was told 0 faults. */
#define FIRST_IOVA (UINT64_C(1) << 20)

static const struct domain_ops *choose(struct iov *iov, enum iov_domain_kind kind)
{
	switch (kind) {
	case IOV_DOMAIN_IOMMUFD:
		return &domain_iommufd;
	case IOV_DOMAIN_TYPE1:
		return &domain_type1;
	case IOV_DOMAIN_NOIOMMU:
		return &domain_noiommu;
	case IOV_DOMAIN_AUTO:
		break;
	}
	return iov_sys_exists(iov, IOV_PATH_DEV_IOMMU) ? &domain_iommufd : &domain_type1;
}

int iov_domain_open(struct iov_domain **out, struct iov *iov, enum iov_domain_kind kind)
{
	struct iov_domain *domain;
	int error;

	if (!iov_sys_is_host(iov))
		return iov_fail(iov, -EOPNOTSUPP, "a recorded host has no devices that VFIO could open; "
				"run this on the host itself, without --root");
	domain = calloc(1, sizeof(*domain));
	if (!domain)
		return -ENOMEM;
	domain->iov = iov;
	domain->fd = -1;
	domain->next = FIRST_IOVA;
	domain->ops = choose(iov, kind);
	error = domain->ops->open(domain);
	if (error) {
		iov_domain_close(domain);
		return error;
	}
	*out = domain;
	return 0;
}

void iov_domain_close(struct iov_domain *domain)
{
	if (!domain)
		return;
	domain->ops->close(domain);
	free(domain->ranges);
	free(domain);
}

static void forget_ranges(struct iov_domain *domain)
{
	free(domain->ranges);
	domain->ranges = NULL;
}

void domain_add_device(struct iov_domain *domain)
{
	domain->devices++;
	forget_ranges(domain);
}

void domain_drop_device(struct iov_domain *domain)
{
	domain->devices--;
	forget_ranges(domain);
}

static int know_ranges(struct iov_domain *domain)
{
	if (domain->ranges)
		return 0;
	return domain->ops->ranges(domain, &domain->ranges, &domain->range_count);
}

enum iov_domain_kind iov_domain_kind(const struct iov_domain *domain)
{
	return domain->ops->kind;
}

const char *iov_domain_name(const struct iov_domain *domain)
{
	switch (domain->ops->kind) {
	case IOV_DOMAIN_IOMMUFD:
		return "iommufd";
	case IOV_DOMAIN_NOIOMMU:
		return "noiommu";
	default:
		return domain->type == VFIO_TYPE1_IOMMU ? "type1" : "type1v2";
	}
}

/* How much may be locked, and how much is, in KiB. */
static int too_much_locked(struct iov_domain *domain, uint64_t size)
{
	_cleanup_free_ char *status = NULL;
	struct rlimit limit = { 0 };
	unsigned long locked = 0;
	const char *line;

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (!iov_sys_read_all(domain->iov, IOV_PATH_STATUS, &status, NULL)) {
		line = strstr(status, "\nVmPin:");
		locked = line ? strtoul(line + strlen("\nVmPin:"), NULL, 10) : 0;
		line = strstr(status, "\nVmLck:");
		locked += line ? strtoul(line + strlen("\nVmLck:"), NULL, 10) : 0;
	}
	if (limit.rlim_cur == RLIM_INFINITY)
		return iov_fail(domain->iov, -ENOMEM, "%" PRIu64 " KiB cannot be pinned for devices: out of "
				"memory", size / 1024);
	return iov_fail(domain->iov, -ENOMEM, "%" PRIu64 " KiB cannot be pinned for devices: of locked "
			"memory %lu KiB are in use and %" PRIu64 " KiB allowed; raise the limit to %"
			PRIu64 " KiB (ulimit -l, LimitMEMLOCK=)", size / 1024, locked,
			(uint64_t)limit.rlim_cur / 1024, locked + size / 1024);
}

static int explain_map(struct iov_domain *domain, int error, uint64_t size, uint64_t iova)
{
	switch (error) {
	case -ENOMEM:
		return too_much_locked(domain, size);
	case -EEXIST:
		return iov_told(domain->iov, error, "IOVA 0x%" PRIx64 ", %" PRIu64 " bytes: something is "
				"mapped there already; unmap it first", iova, size);
	case -ENOSPC:
		return iov_told(domain->iov, error, "no mapping more: there are as many as the container "
				"takes (dma_entry_limit of vfio_iommu_type1), or no address is free");
	case -EFAULT:
		return iov_told(domain->iov, error, "%" PRIu64 " bytes: this process has no memory there "
				"that can be pinned", size);
	case -ERANGE:
	case -EINVAL:
		return iov_fail(domain->iov, -ERANGE, "IOVA 0x%" PRIx64 ", %" PRIu64 " bytes: outside of "
				"what devices of this domain can address, or reserved; see "
				"iov_domain_ranges()", iova, size);
	case -EXDEV:
		return iov_told(domain->iov, error, "%" PRIu64 " bytes: are not contiguous in physical "
				"memory, as they must be without an IOMMU; use one page, small or huge",
				size);
	}
	return iov_told(domain->iov, error, "IOVA 0x%" PRIx64 ", %" PRIu64 " bytes: cannot be mapped: %s",
			iova, size, strerror(-error));
}

int domain_not_viable(struct iov_domain *domain, unsigned int number)
{
	char text[512] = "";
	size_t length = 0;
	struct iov_group *group;

	if (iov_group_open(&group, domain->iov, number))
		return -EBUSY;
	for (size_t i = 0; i < group->count && length < sizeof(text); i++)
		if (group->members[i].blocks)
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s (%s)",
						   length ? ", " : "",
						   IOV_BDF(group->members[i].bdf),
						   group->members[i].driver);
	iov_group_close(group);
	return iov_fail(domain->iov, -EBUSY, "IOMMU group %u is not viable: %s%s; bind them to vfio-pci, "
			"see 'iov group show %u'", number,
			length ? "in use by the host are " : "a member is in use", text, number);
}

int domain_lacks_node(struct iov *iov, const char *path, const char *entry)
{
	if (!iov_sys_exists(iov, entry))
		return 0;
	return iov_fail(iov, -ENOTSUP, "/%s: the kernel has it, and it is missing in this /dev; a container "
			"has to be given its nodes, as by 'podman run --device iovkit.org/vfio=DEVICE', "
			"see iov-cdi(1)", path);
}

static uint64_t alignment_of(uint64_t size)
{
	uint64_t alignment = DOMAIN_PAGE;

	while (alignment < size && alignment < ALIGNMENT_MAX)
		alignment <<= 1;
	return alignment > size ? alignment >> 1 : alignment;
}

/* In one range, at the first free address from @from on. */
static int map_in_range(struct iov_domain *domain, void *memory, uint64_t size, unsigned int flags,
			const struct iov_iova_range *range, uint64_t from, uint64_t *iova)
{
	uint64_t alignment = alignment_of(size), at = from > range->first ? from : range->first;
	int error = -ENOSPC;

	at = (at + alignment - 1) & ~(alignment - 1);
	for (; at >= range->first && at <= range->last && range->last - at >= size - 1;
	     at += (size + alignment - 1) & ~(alignment - 1)) {
		*iova = at;
		error = domain->ops->map(domain, memory, size, flags | IOV_MAP_FIXED, iova);
		if (error != -EEXIST)
			break;
	}
	return error == -EEXIST ? -ENOSPC : error;
}

/* From where the last search ended, and then from the start. */
static int map_anywhere(struct iov_domain *domain, void *memory, uint64_t size, unsigned int flags,
			uint64_t *iova)
{
	int error = know_ranges(domain);

	if (error)
		return error;
	error = -ENOSPC;
	for (int round = 0; round < 2 && error == -ENOSPC; round++)
		for (size_t i = 0; i < domain->range_count && error == -ENOSPC; i++)
			error = map_in_range(domain, memory, size, flags, &domain->ranges[i],
					     round ? FIRST_IOVA : domain->next, iova);
	if (!error)
		domain->next = *iova + size;
	return error;
}

static int check_map(struct iov_domain *domain, const void *memory, uint64_t size, unsigned int flags,
		     uint64_t iova)
{
	uint64_t at = (uintptr_t)memory;

	if (!(flags & (IOV_MAP_READ | IOV_MAP_WRITE)))
		return iov_fail(domain->iov, -EINVAL, "a mapping that devices may neither read nor write "
				"is none; expected IOV_MAP_READ, IOV_MAP_WRITE or both");
	if (!size || (at | size | (flags & IOV_MAP_FIXED ? iova : 0)) % DOMAIN_PAGE)
		return iov_fail(domain->iov, -EINVAL, "memory at %p, %" PRIu64 " bytes, IOVA 0x%" PRIx64
				": expected whole pages of %" PRIu64 " bytes", memory, size, iova,
				DOMAIN_PAGE);
	if (!domain->devices)
		return iov_fail(domain->iov, -ENODEV, "the domain has no device yet, and so no addresses; "
				"open one first");
	return 0;
}

int iov_domain_map(struct iov_domain *domain, void *memory, uint64_t size, unsigned int flags,
		   uint64_t *iova)
{
	int error = check_map(domain, memory, size, flags, *iova);

	if (error)
		return error;
	if (flags & IOV_MAP_FIXED || domain->ops->allocates)
		error = domain->ops->map(domain, memory, size, flags, iova);
	else
		error = map_anywhere(domain, memory, size, flags, iova);
	return error ? explain_map(domain, error, size, *iova) : 0;
}

int iov_domain_unmap(struct iov_domain *domain, uint64_t iova, uint64_t size)
{
	int error = domain->ops->unmap(domain, iova, size);

	if (!error)
		return 0;
	return iov_told(domain->iov, error, "IOVA 0x%" PRIx64 ", %" PRIu64 " bytes: %s", iova, size,
			error == -ENOENT ? "nothing is mapped there"
			: error == -EINVAL ? "is a part of a mapping, expected whole ones"
					   : strerror(-error));
}

int iov_domain_unmap_all(struct iov_domain *domain)
{
	int error = domain->ops->unmap_all(domain);

	return error ? iov_told(domain->iov, error, "mappings cannot be removed: %s", strerror(-error)) :
		       0;
}

static int cannot(struct iov_domain *domain, int error, const char *what)
{
	return iov_told(domain->iov, error, "%s: %s", what,
			error == -ENOTSUP ? "this kernel, or its IOMMU, does not support it with that "
					    "interface" : strerror(-error));
}

int iov_domain_remap(struct iov_domain *domain, uint64_t iova, uint64_t size, void *memory)
{
	int error = domain->ops->remap ? domain->ops->remap(domain, iova, size, memory) : -ENOTSUP;

	return error ? cannot(domain, error, "memory at another address of the process") : 0;
}

int iov_domain_ranges(struct iov_domain *domain, struct iov_iova_range **ranges, size_t *count)
{
	int error = domain->devices ? domain->ops->ranges(domain, ranges, count) : -ENODEV;

	return error ? cannot(domain, error, "addresses that devices can use") : 0;
}

int iov_domain_track(struct iov_domain *domain, bool on)
{
	int error = domain->ops->track ? -ENODEV : -ENOTSUP;

	if (domain->ops->track && domain->devices)
		error = domain->ops->track(domain, on);
	return error ? cannot(domain, error, "tracking of what devices write") : 0;
}

int iov_domain_dirty(struct iov_domain *domain, uint64_t iova, uint64_t size, uint64_t *bitmap)
{
	int error = domain->ops->dirty ? domain->ops->dirty(domain, iova, size, bitmap) : -ENOTSUP;

	return error ? cannot(domain, error, "what devices wrote") : 0;
}

/* Without an IOMMU more than a small page is contiguous in a huge one only. */
static bool needs_huge(const struct iov_domain *domain, uint64_t size)
{
	return domain->ops->kind == IOV_DOMAIN_NOIOMMU && size > DOMAIN_PAGE;
}

static uint64_t whole_pages(const struct iov_domain *domain, uint64_t size)
{
	uint64_t page = size >= HUGE_PAGE || needs_huge(domain, size) ? HUGE_PAGE : DOMAIN_PAGE;

	return (size + page - 1) & ~(page - 1);
}

static void *allocate(const struct iov_domain *domain, uint64_t size)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *memory = MAP_FAILED;

	if (size >= HUGE_PAGE)
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB | MAP_HUGE_2MB,
			      -1, 0);
	if (memory == MAP_FAILED && !needs_huge(domain, size))
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	return memory;
}

int iov_domain_alloc(struct iov_domain *domain, uint64_t size, void **memory, uint64_t *iova)
{
	int error;

	size = whole_pages(domain, size);
	*memory = allocate(domain, size);
	if (*memory == MAP_FAILED) {
		*memory = NULL;
		return iov_fail(domain->iov, -ENOMEM, "no memory of %" PRIu64 " bytes%s", size,
				needs_huge(domain, size) ? " in huge pages, which it takes without an "
				"IOMMU; 'sysctl vm.nr_hugepages=64' reserves some" : "");
	}
	error = iov_domain_map(domain, *memory, size, IOV_MAP_READ | IOV_MAP_WRITE, iova);
	if (error) {
		munmap(*memory, size);
		*memory = NULL;
	}
	return error;
}

void iov_domain_free(struct iov_domain *domain, void *memory, uint64_t size, uint64_t iova)
{
	if (!memory)
		return;
	size = whole_pages(domain, size);
	domain->ops->unmap(domain, iova, size);
	munmap(memory, size);
}
