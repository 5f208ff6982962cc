/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A user-space driver for one namespace of an NVMe controller, by VFIO: NVM Express Base
 * Specification 2.0, and its PCIe Transport and NVM Command Set.
 *
 * One pair of queues, polled or with an interrupt.  Threads: one at a time.
 */
#ifndef IOV_PLUGINS_DRIVERS_NVME_DRIVER_H
#define IOV_PLUGINS_DRIVERS_NVME_DRIVER_H

#include "vfio/device/device.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iov_nvme;

/* Most commands at once. */
#define IOV_NVME_DEPTH_MAX 1023

/**
 * iov_nvme_is - whether a function is an NVMe controller
 * @iov: context
 * @bdf: function
 */
bool iov_nvme_is(struct iov *iov, struct iov_bdf bdf);

/**
 * iov_nvme_open - start a controller, and its first namespace
 * @out: receives the driver; the caller closes it with iov_nvme_close() before the device
 * @iov: context of the device
 * @device: controller; it is reset
 * @depth: commands at once, 1 to IOV_NVME_DEPTH_MAX; fewer where the controller takes fewer
 * @event: eventfd that completions write to, which stays the caller's; -1 to poll
 *
 * Return: 0; -EINVAL for another depth; -ENODEV without a namespace; -ETIMEDOUT when it does not
 * get ready; -EIO when it fails or refuses a command; -errno; with a message.
 */
int iov_nvme_open(struct iov_nvme **out, struct iov *iov, struct iov_device *device,
		  unsigned int depth, int event);

/**
 * iov_nvme_close - stop the controller
 * @nvme: NULL is allowed; commands that it has not ended end now
 */
void iov_nvme_close(struct iov_nvme *nvme);

/**
 * struct iov_nvme_info - what is known of it
 * @serial: serial number of the controller
 * @model: its name
 * @block_size: bytes of a block
 * @blocks: blocks of the namespace
 * @transfer_max: most bytes of a command
 * @depth: commands at once
 */
struct iov_nvme_info {
	char serial[21];
	char model[41];
	uint32_t block_size;
	uint64_t blocks;
	uint32_t transfer_max;
	unsigned int depth;
};

/**
 * iov_nvme_info - what is known of it
 * @nvme: driver
 *
 * Return: it, valid as long as @nvme.
 */
const struct iov_nvme_info *iov_nvme_info(const struct iov_nvme *nvme);

/**
 * struct iov_nvme_io - a command
 * @write: from memory to the disk
 * @iova: memory, contiguous there and a multiple of 4
 * @block: first block
 * @count: blocks, up to transfer_max bytes
 * @tag: what iov_nvme_done has of it
 */
struct iov_nvme_io {
	bool write;
	uint64_t iova;
	uint64_t block;
	uint32_t count;
	uint64_t tag;
};

/**
 * iov_nvme_submit - hand commands to the controller
 * @nvme: driver
 * @list: commands
 * @count: length of @list
 *
 * Return: how many it has now, the first ones: fewer when the queue is full; -EINVAL when the
 * first one is outside of the namespace, too long or not aligned, with a message.
 */
int iov_nvme_submit(struct iov_nvme *nvme, const struct iov_nvme_io *list, unsigned int count);

/**
 * struct iov_nvme_done - a command that ended
 * @tag: of the command
 * @status: 0, or status code type and code, NVMe Base 2.0 section 3.3.3.2.1
 */
struct iov_nvme_done {
	uint64_t tag;
	uint16_t status;
};

/**
 * iov_nvme_poll - commands that ended
 * @nvme: driver
 * @list: receives them
 * @max: length of @list
 *
 * Return: how many.
 */
unsigned int iov_nvme_poll(struct iov_nvme *nvme, struct iov_nvme_done *list, unsigned int max);

#ifdef __cplusplus
}
#endif

#endif
