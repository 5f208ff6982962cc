/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain and what its interface does; for iommu/ and vfio/ alone. */
#ifndef IOV_IOMMU_DOMAIN_OPS_H
#define IOV_IOMMU_DOMAIN_OPS_H

#include "iommu/domain.h"

#define DOMAIN_PAGE UINT64_C(4096)

/* Most page tables of an IOAS: one for each kind of IOMMU that its devices are behind. */
#define DOMAIN_HWPTS 8

/**
 * struct domain_group - an IOMMU group that is in a container
 * @number: its number
 * @fd: /dev/vfio/NUMBER
 * @users: devices of it that are open
 */
struct domain_group {
	unsigned int number;
	int fd;
	unsigned int users;
};

struct domain_ops;

/**
 * struct iov_domain - a domain
 * @iov: context
 * @ops: of its kind
 * @fd: /dev/iommu or /dev/vfio/vfio
 * @devices: how many are open
 * @ranges: addresses that they can use; NULL when nobody asked since the last one came
 * @range_count: length of @ranges
 * @next: where the search for a free address begins
 * @ioas: I/O address space (iommufd)
 * @hwpts: page tables of the IOAS that track what devices write (iommufd)
 * @hwpt_count: length of @hwpts
 * @untracked: devices that came without one of them (iommufd)
 * @type: what VFIO_SET_IOMMU gets (container)
 * @is_set: it has got it, which takes a group
 * @groups: groups (container)
 * @group_count: length of @groups
 */
struct iov_domain {
	struct iov *iov;
	const struct domain_ops *ops;
	int fd;
	unsigned int devices;
	struct iov_iova_range *ranges;
	size_t range_count;
	uint64_t next;
	uint32_t ioas;
	uint32_t hwpts[DOMAIN_HWPTS];
	unsigned int hwpt_count;
	unsigned int untracked;
	unsigned int type;
	bool is_set;
	struct domain_group *groups;
	size_t group_count;
};

/**
 * struct domain_ops - what domain.h says, checked by its functions; -errno without a message
 *	where they know one, see domain.c
 * @map: @iova is given; with @flags without IOV_MAP_FIXED only where @allocates
 * @allocates: @map finds an address itself
 * @remap, @track, @dirty: NULL where the interface has none
 */
struct domain_ops {
	enum iov_domain_kind kind;
	bool allocates;
	int (*open)(struct iov_domain *domain);
	void (*close)(struct iov_domain *domain);
	int (*map)(struct iov_domain *domain, void *memory, uint64_t size, unsigned int flags,
		   uint64_t *iova);
	int (*unmap)(struct iov_domain *domain, uint64_t iova, uint64_t size);
	int (*unmap_all)(struct iov_domain *domain);
	int (*remap)(struct iov_domain *domain, uint64_t iova, uint64_t size, void *memory);
	int (*ranges)(struct iov_domain *domain, struct iov_iova_range **ranges, size_t *count);
	int (*track)(struct iov_domain *domain, bool on);
	int (*dirty)(struct iov_domain *domain, uint64_t iova, uint64_t size, uint64_t *bitmap);
};

extern const struct domain_ops domain_iommufd, domain_type1, domain_noiommu;

/* A device came, which may take addresses away, or went. */
void domain_add_device(struct iov_domain *domain);
void domain_drop_device(struct iov_domain *domain);

/*
 * Have a group in a container, and the descriptor of the group: until domain_leave_group() as
 * often.  0 or -errno with a message.
 */
int domain_join_group(struct iov_domain *domain, unsigned int number, int *fd);
void domain_leave_group(struct iov_domain *domain, unsigned int number);

/*
 * Have a device that was bound to an IOAS in it: by page tables that track where the IOMMU can,
 * @untracked otherwise, which counts it in the domain.  0 or -errno without a message.
 */
int domain_attach(struct iov_domain *domain, int device_fd, uint32_t device_id, bool *untracked);

/* -EBUSY, with each member that keeps a group from being given away, and its driver. */
int domain_not_viable(struct iov_domain *domain, unsigned int number);

/*
 * -ENOTSUP when the kernel has a device (@entry, of a class in sysfs) whose node is not in this
 * /dev, as in a container that was not given it; 0 when the kernel has not.
 */
int domain_lacks_node(struct iov *iov, const char *path, const char *entry);

/* The part of a container that type1 and noiommu share. */
int container_open(struct iov_domain *domain, unsigned int type);
void container_close(struct iov_domain *domain);

#endif
