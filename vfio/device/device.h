/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function in this process's hands, by VFIO: its regions, its resets, what it can do.
 * Interrupts are in interrupt.h, migration in migration.h.
 *
 * Threads: as the context.  Mapped regions and eventfds may be used by any thread.
 */
#ifndef IOV_VFIO_DEVICE_DEVICE_H
#define IOV_VFIO_DEVICE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "iommu/domain.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iov_device;

/**
 * struct iov_device_options - how a function is opened
 * @token: UUID that VF and PF must agree on when vfio-pci has both; NULL for none
 */
struct iov_device_options {
	const char *token;
};

/**
 * iov_device_open - take a function
 * @out: receives it; the caller closes it with iov_device_close()
 * @domain: what it reaches; outlives it
 * @bdf: function that is bound to vfio-pci or a driver of that kind
 * @options: NULL for the usual
 *
 * Return: 0; -ENODEV without that function; -EBUSY when its group is not viable, each blocker
 * named, or somebody has it open; -EACCES when a token is missing or wrong; -ENOTSUP when the
 * kernel cannot do so with that kind of domain; -errno; with a message.
 */
int iov_device_open(struct iov_device **out, struct iov_domain *domain, struct iov_bdf bdf,
		    const struct iov_device_options *options);

/**
 * iov_device_open_mdev - take a mediated device
 * @out: receives it; the caller closes it with iov_device_close()
 * @domain: what it reaches; outlives it
 * @uuid: its name
 *
 * Return: as iov_device_open().
 */
int iov_device_open_mdev(struct iov_device **out, struct iov_domain *domain, const char *uuid);

/**
 * iov_device_close - give it back
 * @device: NULL is allowed; mapped regions must be unmapped before
 *
 * The kernel disables its interrupts and resets it where it can.
 */
void iov_device_close(struct iov_device *device);

/**
 * iov_device_fd - the descriptor that the kernel knows it by
 * @device: device
 *
 * Return: a descriptor that stays the device's.
 */
int iov_device_fd(const struct iov_device *device);

/**
 * iov_device_bdf - which function it is
 * @device: device, no mediated one
 */
struct iov_bdf iov_device_bdf(const struct iov_device *device);

/**
 * iov_device_domain - what it reaches
 * @device: device
 */
struct iov_domain *iov_device_domain(const struct iov_device *device);

/* Regions of a PCI function, linux/vfio.h; BAR n is region n. */
#define IOV_REGION_ROM 6
#define IOV_REGION_CONFIG 7
#define IOV_REGION_VGA 8

/* Most parts of a region that can be mapped, apart from each other. */
#define IOV_AREAS_MAX 16

/**
 * struct iov_area - a part of a region that can be mapped
 * @offset: where it begins
 * @size: its bytes
 */
struct iov_area {
	uint64_t offset;
	uint64_t size;
};

/**
 * struct iov_region - a region
 * @size: bytes; 0 for one that the function does not have
 * @readable: iov_device_read() does
 * @writable: iov_device_write() does
 * @msix_mappable: also the part with the MSI-X table can be mapped
 * @area_count: length of @areas
 * @areas: what of it can be mapped; all of it, or what is around the MSI-X table
 */
struct iov_region {
	uint64_t size;
	bool readable;
	bool writable;
	bool msix_mappable;
	unsigned int area_count;
	struct iov_area areas[IOV_AREAS_MAX];
};

/**
 * iov_device_region - what is known of a region
 * @device: device
 * @index: BAR, or IOV_REGION_*
 * @region: receives it
 *
 * Return: 0; -EINVAL without such a region in the kernel; with a message.
 */
int iov_device_region(struct iov_device *device, unsigned int index, struct iov_region *region);

/**
 * iov_device_regions - how many regions the kernel has of it
 * @device: device
 *
 * Return: their number; those of a vendor come behind the nine of PCI.
 */
unsigned int iov_device_regions(const struct iov_device *device);

/**
 * iov_device_interrupts - how many kinds of interrupts the kernel has of it
 * @device: device
 */
unsigned int iov_device_interrupts(const struct iov_device *device);

/**
 * iov_device_can_reset - whether iov_device_reset() works
 * @device: device
 */
bool iov_device_can_reset(const struct iov_device *device);

/**
 * iov_device_read - read a region through the kernel
 * @device: device
 * @index: as for iov_device_region()
 * @offset: in the region
 * @to: receives the bytes; registers in the function's byte order, which is little-endian
 * @size: how many; all of them or none are read
 *
 * Return: 0; -EINVAL outside of the region; -EIO when the function does not answer, in D3 or
 * gone; with a message.
 */
int iov_device_read(struct iov_device *device, unsigned int index, uint64_t offset, void *to,
		    size_t size);

/**
 * iov_device_write - write a region through the kernel
 * @device: device
 * @index: as for iov_device_region()
 * @offset: in the region
 * @from: bytes, as above
 * @size: how many
 *
 * Return: as iov_device_read().
 */
int iov_device_write(struct iov_device *device, unsigned int index, uint64_t offset,
		     const void *from, size_t size);

/**
 * iov_device_map - have a part of a region in this process's memory
 * @device: device
 * @index: as for iov_device_region()
 * @offset: in the region, a multiple of the page size
 * @size: bytes, within one of its areas
 * @at: receives the address, for the caller to unmap with munmap(@at, @size)
 *
 * Return: 0; -EINVAL when that part cannot be mapped, with those that can; -errno; with a
 * message.
 */
int iov_device_map(struct iov_device *device, unsigned int index, uint64_t offset, size_t size,
		   void **at);

/**
 * iov_device_bus_master - whether it may reach memory, and interrupt by messages
 * @device: device
 * @on: let it
 *
 * Return: 0 or -errno with a message.
 */
int iov_device_bus_master(struct iov_device *device, bool on);

/**
 * iov_device_reset - reset the function alone
 * @device: device
 *
 * By the first of the methods in the attribute reset_method that works.  Its registers are
 * as after power-on, configuration space excepted, which the kernel restores; interrupts
 * stay enabled.
 *
 * Return: 0; -ENOTSUP without a method; -EIO when it does not answer afterwards; with a
 * message.
 */
int iov_device_reset(struct iov_device *device);

/**
 * iov_device_reset_methods - by which methods the kernel resets it
 * @device: function
 * @methods: receives their names in the order in which they are tried, with blanks between;
 *	empty when there is none, or the kernel does not tell (before Linux 5.15)
 * @size: bytes of @methods
 *
 * Return: 0 or -errno with a message.
 */
int iov_device_reset_methods(struct iov_device *device, char *methods, size_t size);

/**
 * iov_device_set_reset_methods - choose among them
 * @device: function
 * @methods: names of those that it has, in the order in which they are to be tried; "default"
 *	for all of them
 *
 * It stays so when the device is closed.  Takes root.
 *
 * Return: 0; -EINVAL for one that it does not have; -errno; with a message.
 */
int iov_device_set_reset_methods(struct iov_device *device, const char *methods);

/**
 * iov_device_affected - what a reset of its slot or bus would reset
 * @device: device
 * @bdfs: receives an array that the caller frees with free()
 * @count: its length
 * @owned: whether this process could do it with @device alone or what is in its domain;
 *	NULL for no matter
 *
 * Return: 0; -ENOTSUP without such a reset; -errno; with a message.
 */
int iov_device_affected(struct iov_device *device, struct iov_bdf **bdfs, size_t *count,
			bool *owned);

/**
 * iov_device_reset_slot - reset all that is in its slot, or on its bus
 * @device: device
 *
 * Return: 0; -EPERM when that would take a function that is not in the device's domain, each
 * named; -ENOTSUP without such a reset; -errno; with a message.
 */
int iov_device_reset_slot(struct iov_device *device);

/**
 * iov_device_has_feature - whether the kernel has something for this function
 * @device: device
 * @feature: VFIO_DEVICE_FEATURE_*, linux/vfio.h
 * @set: to be set; otherwise to be read
 */
bool iov_device_has_feature(struct iov_device *device, unsigned int feature, bool set);

/**
 * iov_device_low_power - let the function sleep while it is not used
 * @device: device, whose regions nobody touches while it sleeps
 * @on: sleep; otherwise wake up
 *
 * Return: 0; -ENOTSUP; -errno; with a message.
 */
int iov_device_low_power(struct iov_device *device, bool on);

/**
 * iov_device_ioeventfd - have an eventfd write to a region
 * @device: device
 * @index: BAR
 * @offset: in the BAR, a multiple of @size
 * @size: 1, 2, 4 or 8 bytes
 * @value: what is written
 * @fd: eventfd that stays the caller's; -1 ends it
 *
 * Return: 0 or -errno with a message.
 */
int iov_device_ioeventfd(struct iov_device *device, unsigned int index, uint64_t offset,
			 unsigned int size, uint64_t value, int fd);

#ifdef __cplusplus
}
#endif

#endif
