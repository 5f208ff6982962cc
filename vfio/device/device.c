// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio/device/device.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sysroot/paths.h"
#include "iommu/group.h"
#include "iommu/vfio_info.h"
#include "vfio/device/device_internal.h"
#include "vfio/device/interrupt.h"

static int check_driver(struct iov *iov, struct iov_bdf bdf)
{
	char driver[64];
	int error = iov_pci_require(iov, bdf);

	if (error)
		return error;
	error = iov_pci_driver(iov, bdf, driver, sizeof(driver));
	if (!error && iov_driver_is_vfio(driver))
		return 0;
	return iov_fail(iov, -EBUSY, "%s: is bound to %s; see 'iov bind %s --driver vfio-pci'",
			IOV_BDF(bdf), error || !*driver ? "no driver" : driver, IOV_BDF(bdf));
}

static int learn(struct iov_device *device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	if (ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info))
		return iov_told(device->iov, -errno, "%s: the kernel tells nothing of it: %s",
				device->name, strerror(errno));
	device->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	device->region_count = info.num_regions;
	device->interrupt_count = info.num_irqs;
	device_learn_interrupts(device);
	return 0;
}

static struct iov_device *new_device(struct iov_domain *domain, const char *name,
				     struct iov_path dir)
{
	struct iov_device *device = calloc(1, sizeof(*device));

	if (!device)
		return NULL;
	device->iov = domain->iov;
	device->domain = domain;
	snprintf(device->name, sizeof(device->name), "%s", name);
	device->dir = dir;
	device->fd = -1;
	return device;
}

static int open_new(struct iov_device **out, struct iov_device *device, const char *token)
{
	struct iov_domain *domain = device->domain;
	int error = domain->ops->kind == IOV_DOMAIN_IOMMUFD ? device_open_node(device, token)
							    : device_open_group(device, token);

	if (error) {
		if (device->fd >= 0)
			close(device->fd);
		free(device);
		return error;
	}
	domain_add_device(domain);
	error = learn(device);
	if (error) {
		iov_device_close(device);
		return error;
	}
	*out = device;
	return 0;
}

int iov_device_open(struct iov_device **out, struct iov_domain *domain, struct iov_bdf bdf,
		    const struct iov_device_options *options)
{
	struct iov_device *device;
	int error = check_driver(domain->iov, bdf);

	if (error)
		return error;
	device = new_device(domain, IOV_BDF(bdf), iov_pci_path(bdf, ""));
	if (!device)
		return -ENOMEM;
	device->bdf = bdf;
	return open_new(out, device, options ? options->token : NULL);
}

int iov_device_open_mdev(struct iov_device **out, struct iov_domain *domain, const char *uuid)
{
	struct iov_path dir = iov_path(IOV_PATH_MDEV_DEVICES "/%s", uuid);
	struct iov_device *device;

	if (strchr(uuid, '/') || !iov_sys_exists(domain->iov, dir.name))
		return iov_fail(domain->iov, -ENODEV, "%s: there is no such mediated device; create it in "
				"mdev_supported_types of its parent", uuid);
	device = new_device(domain, uuid, dir);
	return device ? open_new(out, device, NULL) : -ENOMEM;
}

void iov_device_close(struct iov_device *device)
{
	if (!device)
		return;
	close(device->fd);
	device->domain->untracked -= device->is_untracked;
	if (!device->is_cdev)
		domain_leave_group(device->domain, device->group);
	domain_drop_device(device->domain);
	for (unsigned int i = 0; i < INTERRUPT_KINDS; i++)
		free(device->vectors[i].fds);
	free(device);
}

int iov_device_fd(const struct iov_device *device)
{
	return device->fd;
}

struct iov_bdf iov_device_bdf(const struct iov_device *device)
{
	return device->bdf;
}

struct iov_domain *iov_device_domain(const struct iov_device *device)
{
	return device->domain;
}

unsigned int iov_device_regions(const struct iov_device *device)
{
	return device->region_count;
}

unsigned int iov_device_interrupts(const struct iov_device *device)
{
	return device->interrupt_count;
}

bool iov_device_can_reset(const struct iov_device *device)
{
	return device->can_reset;
}

/* VFIO_DEVICE_GET_REGION_INFO with all its capabilities; the caller frees it. */
static struct vfio_region_info *get_region(const struct iov_device *device, unsigned int index)
{
	const struct vfio_region_info wanted = { .index = index };

	return vfio_info_get(device->fd, VFIO_DEVICE_GET_REGION_INFO, &wanted, sizeof(wanted));
}

static const void *find_capability(const struct vfio_region_info *info, uint16_t id)
{
	uint32_t first = info->flags & VFIO_REGION_INFO_FLAG_CAPS ? info->cap_offset : 0;

	return vfio_info_find(info, info->argsz, first, id);
}

/* Without the list of parts all of it can be mapped. */
static void fill_areas(struct iov_region *region, const struct vfio_region_info *info)
{
	const struct vfio_region_info_cap_sparse_mmap *sparse =
		find_capability(info, VFIO_REGION_INFO_CAP_SPARSE_MMAP);

	if (!(info->flags & VFIO_REGION_INFO_FLAG_MMAP))
		return;
	if (!sparse) {
		region->areas[region->area_count++] = (struct iov_area){ 0, info->size };
		return;
	}
	for (unsigned int i = 0; i < sparse->nr_areas && region->area_count < IOV_AREAS_MAX; i++)
		if (sparse->areas[i].size)
			region->areas[region->area_count++] = (struct iov_area){
				sparse->areas[i].offset, sparse->areas[i].size,
			};
}

static int no_region(struct iov_device *device, unsigned int index)
{
	return iov_fail(device->iov, -EINVAL, "%s: has no region %u, expected less than %u",
			device->name, index, device->region_count);
}

int iov_device_region(struct iov_device *device, unsigned int index, struct iov_region *region)
{
	struct vfio_region_info *info = get_region(device, index);

	*region = (struct iov_region){ 0 };
	/* The one for VGA is there for no other function, and the kernel says so. */
	if (!info && index < device->region_count)
		return 0;
	if (!info)
		return no_region(device, index);
	region->size = info->size;
	region->readable = info->flags & VFIO_REGION_INFO_FLAG_READ;
	region->writable = info->flags & VFIO_REGION_INFO_FLAG_WRITE;
	region->msix_mappable = find_capability(info, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE);
	fill_areas(region, info);
	free(info);
	return 0;
}

/* Where in the device's file a part of a region is. */
static int locate(struct iov_device *device, unsigned int index, uint64_t offset, size_t size,
		  off_t *at)
{
	struct vfio_region_info *info = get_region(device, index);
	uint64_t bytes = info ? info->size : 0;

	if (!info)
		return no_region(device, index);
	*at = (off_t)(info->offset + offset);
	free(info);
	if (offset < bytes && size <= bytes - offset)
		return 0;
	return iov_fail(device->iov, -EINVAL, "%s: region %u, %zu bytes at 0x%llx: it has %llu bytes",
			device->name, index, size, (unsigned long long)offset,
			(unsigned long long)bytes);
}

static int transferred(struct iov_device *device, unsigned int index, ssize_t done, size_t size)
{
	if (done == (ssize_t)size)
		return 0;
	return iov_fail(device->iov, -EIO, "%s: region %u: %s; the function may sleep (D3), be gone, or "
			"have its memory switched off in the command register",
			device->name, index,
			done < 0 ? strerror(errno) : "less than was asked for");
}

int iov_device_read(struct iov_device *device, unsigned int index, uint64_t offset, void *to,
		    size_t size)
{
	off_t at;
	int error = locate(device, index, offset, size, &at);

	return error ? error : transferred(device, index, pread(device->fd, to, size, at), size);
}

int iov_device_write(struct iov_device *device, unsigned int index, uint64_t offset,
		     const void *from, size_t size)
{
	off_t at;
	int error = locate(device, index, offset, size, &at);

	return error ? error : transferred(device, index, pwrite(device->fd, from, size, at), size);
}

static bool is_in_area(const struct iov_region *region, uint64_t offset, uint64_t size)
{
	for (unsigned int i = 0; i < region->area_count; i++)
		if (offset >= region->areas[i].offset &&
		    offset - region->areas[i].offset < region->areas[i].size &&
		    size <= region->areas[i].size - (offset - region->areas[i].offset))
			return true;
	return false;
}

int iov_device_map(struct iov_device *device, unsigned int index, uint64_t offset, size_t size,
		   void **at)
{
	struct iov_region region;
	off_t place;
	int error = iov_device_region(device, index, &region);

	if (!error)
		error = locate(device, index, offset, size, &place);
	if (error)
		return error;
	if (!is_in_area(&region, offset, size))
		return iov_fail(device->iov, -EINVAL, "%s: region %u, %zu bytes at 0x%llx: %s",
				device->name, index, size, (unsigned long long)offset,
				region.area_count ? "only the parts around the MSI-X table can be mapped"
						  : "cannot be mapped; use iov_device_read()");
	*at = mmap(NULL, size, (region.readable ? PROT_READ : 0) | (region.writable ? PROT_WRITE : 0),
		   MAP_SHARED, device->fd, place);
	if (*at != MAP_FAILED)
		return 0;
	return iov_told(device->iov, -errno, "%s: region %u, %zu bytes at 0x%llx: %s",
			device->name, index, size, (unsigned long long)offset,
			strerror(errno));
}

/* PCI 3.0 section 6.2.2: the command register */
int iov_device_bus_master(struct iov_device *device, bool on)
{
	uint16_t command;
	int error = iov_device_read(device, IOV_REGION_CONFIG, PCI_COMMAND, &command, sizeof(command));

	if (error)
		return error;
	command = (uint16_t)(on ? command | PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY
				: command & ~PCI_COMMAND_MASTER);
	return iov_device_write(device, IOV_REGION_CONFIG, PCI_COMMAND, &command, sizeof(command));
}

int device_feature(struct iov_device *device, struct vfio_device_feature *feature,
		   unsigned int flags, size_t size)
{
	int result;

	feature->argsz = (__u32)(sizeof(*feature) + size);
	feature->flags = flags;
	result = ioctl(device->fd, VFIO_DEVICE_FEATURE, feature);
	return result < 0 ? -errno : result;
}

bool iov_device_has_feature(struct iov_device *device, unsigned int feature, bool set)
{
	struct vfio_device_feature probe = { 0 };

	return !device_feature(device, &probe, VFIO_DEVICE_FEATURE_PROBE | feature |
			       (set ? VFIO_DEVICE_FEATURE_SET : VFIO_DEVICE_FEATURE_GET), 0);
}

int iov_device_low_power(struct iov_device *device, bool on)
{
	struct vfio_device_feature feature = { 0 };
	int error = device_feature(device, &feature, VFIO_DEVICE_FEATURE_SET |
				   (on ? VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY
				       : VFIO_DEVICE_FEATURE_LOW_POWER_EXIT), 0);

	if (!error)
		return 0;
	return iov_told(device->iov, error == -ENOTTY ? -ENOTSUP : error, "%s: low power: %s",
			device->name, error == -ENOTTY ? "this kernel has it not for this "
			"function (it takes a runtime power state, and Linux 6.1)" : strerror(-error));
}

int iov_device_ioeventfd(struct iov_device *device, unsigned int index, uint64_t offset,
			 unsigned int size, uint64_t value, int fd)
{
	struct vfio_device_ioeventfd request = {
		.argsz = sizeof(request), .flags = size, .data = value, .fd = fd,
	};
	off_t at;
	int error = locate(device, index, offset, size, &at);

	if (error)
		return error;
	request.offset = (uint64_t)at;
	if (!ioctl(device->fd, VFIO_DEVICE_IOEVENTFD, &request))
		return 0;
	return iov_told(device->iov, -errno, "%s: region %u at 0x%llx: no eventfd for %u bytes: %s",
			device->name, index, (unsigned long long)offset, size,
			strerror(errno));
}
