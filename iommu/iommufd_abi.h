/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of the ABI of /dev/iommu that is used here, and what VFIO has for it: the headers
 * of distributions are older than their kernels.  Names and layouts are those of
 * linux/iommufd.h and linux/vfio.h.
 */
#ifndef IOV_IOMMU_IOMMUFD_ABI_H
#define IOV_IOMMU_IOMMUFD_ABI_H

#include <assert.h>
#include <linux/types.h>
#include <sys/ioctl.h>

#define IOMMUFD_REQUEST(number) _IO(';', 0x80 + (number))

#define IOMMU_DESTROY IOMMUFD_REQUEST(0)
#define IOMMU_IOAS_ALLOC IOMMUFD_REQUEST(1)
#define IOMMU_IOAS_IOVA_RANGES IOMMUFD_REQUEST(4)
#define IOMMU_IOAS_MAP IOMMUFD_REQUEST(5)
#define IOMMU_IOAS_UNMAP IOMMUFD_REQUEST(6)
#define IOMMU_HWPT_ALLOC IOMMUFD_REQUEST(9)
#define IOMMU_HWPT_SET_DIRTY_TRACKING IOMMUFD_REQUEST(11)
#define IOMMU_HWPT_GET_DIRTY_BITMAP IOMMUFD_REQUEST(12)

struct iommu_destroy {
	__u32 size;
	__u32 id;
};

struct iommu_ioas_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};

struct iommu_iova_range {
	__u64 start;
	__u64 last;
};

struct iommu_ioas_iova_ranges {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas;
	__u32 reserved;
	__u64 allowed_iovas;
	__u64 out_iova_alignment;
};

#define IOMMU_IOAS_MAP_FIXED_IOVA (1 << 0)
#define IOMMU_IOAS_MAP_WRITEABLE (1 << 1)
#define IOMMU_IOAS_MAP_READABLE (1 << 2)

struct iommu_ioas_map {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 reserved;
	__u64 user_va;
	__u64 length;
	__u64 iova;
};

struct iommu_ioas_unmap {
	__u32 size;
	__u32 ioas_id;
	__u64 iova;
	__u64 length;
};

#define IOMMU_HWPT_ALLOC_DIRTY_TRACKING (1 << 1)

/* Without what only nested page tables need; the kernel takes it as zeroes. */
struct iommu_hwpt_alloc {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 pt_id;
	__u32 out_hwpt_id;
	__u32 reserved;
	__u32 data_type;
	__u32 data_len;
	__u64 data_uptr;
};

#define IOMMU_HWPT_DIRTY_TRACKING_ENABLE 1

struct iommu_hwpt_set_dirty_tracking {
	__u32 size;
	__u32 flags;
	__u32 hwpt_id;
	__u32 reserved;
};

struct iommu_hwpt_get_dirty_bitmap {
	__u32 size;
	__u32 hwpt_id;
	__u32 flags;
	__u32 reserved;
	__u64 iova;
	__u64 length;
	__u64 page_size;
	__u64 data;
};

static_assert(sizeof(struct iommu_hwpt_alloc) == 40, "as the kernel has it");
static_assert(sizeof(struct iommu_hwpt_set_dirty_tracking) == 16, "as the kernel has it");
static_assert(sizeof(struct iommu_hwpt_get_dirty_bitmap) == 48, "as the kernel has it");
static_assert(sizeof(struct iommu_ioas_alloc) == 12, "as the kernel has it");
static_assert(sizeof(struct iommu_ioas_iova_ranges) == 32, "as the kernel has it");
static_assert(sizeof(struct iommu_ioas_map) == 40, "as the kernel has it");
static_assert(sizeof(struct iommu_ioas_unmap) == 24, "as the kernel has it");

/* VFIO: a device's own node, since Linux 6.6; with a token since 6.17. */
#define VFIO_REQUEST(number) _IO(';', 100 + (number))

#ifndef VFIO_DEVICE_BIND_IOMMUFD
#define VFIO_DEVICE_BIND_IOMMUFD VFIO_REQUEST(18)
#define VFIO_DEVICE_ATTACH_IOMMUFD_PT VFIO_REQUEST(19)
#define VFIO_DEVICE_DETACH_IOMMUFD_PT VFIO_REQUEST(20)
#endif

#define DEVICE_BIND_TOKEN (1u << 0)

struct device_bind_iommufd {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 out_devid;
	__u64 token_uuid_ptr;
};

struct device_attach_iommufd {
	__u32 argsz;
	__u32 flags;
	__u32 pt_id;
};

static_assert(sizeof(struct device_bind_iommufd) == 24, "as the kernel has it");

#endif
