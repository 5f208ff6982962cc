/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device; for the files of vfio/ alone. */
#ifndef IOV_VFIO_DEVICE_DEVICE_INTERNAL_H
#define IOV_VFIO_DEVICE_DEVICE_INTERNAL_H

#include "iommu/domain_ops.h"
#include "vfio/device/device.h"
#include "vfio/device/interrupt.h"

/* Kinds of interrupts of enum iov_interrupt. */
#define INTERRUPT_KINDS 5

/**
 * struct device_vectors - a kind of interrupts
 * @info: what the function has of it
 * @count: length of @fds, up to the last vector that was ever enabled
 * @fds: eventfds of those that are enabled, -1 for none
 */
struct device_vectors {
	struct iov_interrupt_info info;
	unsigned int count;
	int *fds;
};

/**
 * struct iov_device - a device
 * @iov: context
 * @domain: what it reaches
 * @bdf: function; zeroes for a mediated device
 * @name: its address, or its UUID
 * @dir: its directory in sysfs
 * @fd: its descriptor
 * @group: its IOMMU group, in a container
 * @is_cdev: it was opened by its own node
 * @is_untracked: the domain counts it among its untracked devices
 * @can_reset: VFIO_DEVICE_RESET
 * @region_count: regions that the kernel has
 * @interrupt_count: kinds of interrupts that the kernel has
 * @vectors: its interrupts
 */
struct iov_device {
	struct iov *iov;
	struct iov_domain *domain;
	struct iov_bdf bdf;
	char name[40];
	struct iov_path dir;
	int fd;
	unsigned int group;
	bool is_cdev;
	bool is_untracked;
	bool can_reset;
	unsigned int region_count;
	unsigned int interrupt_count;
	struct device_vectors vectors[INTERRUPT_KINDS];
};

/* Ask what interrupts a function has, which does not change. */
void device_learn_interrupts(struct iov_device *device);

/*
 * VFIO_DEVICE_FEATURE with @size bytes behind the head; what the kernel returns, 0 or a
 * descriptor, or -errno without a message: -ENOTTY for a feature that the function has not.
 */
struct vfio_device_feature;
int device_feature(struct iov_device *device, struct vfio_device_feature *feature,
		   unsigned int flags, size_t size);

/* Open and attach by group or by node; 0 or -errno with a message. */
int device_open_group(struct iov_device *device, const char *token);
int device_open_node(struct iov_device *device, const char *token);

#endif
