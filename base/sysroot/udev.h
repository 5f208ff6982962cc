/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libudev knows: names of hardware, and what udev found on block devices.
 *
 * Devices are listed by the sysroot and not by libudev, which cannot look at a recorded tree.
 */
#ifndef IOV_BASE_SYSROOT_UDEV_H
#define IOV_BASE_SYSROOT_UDEV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iov_hwdb;

/**
 * iov_hwdb_open - open the hardware database
 * @out: receives a handle that the caller closes with iov_hwdb_close()
 *
 * It is that of the machine one sits at, whichever host is looked at: what a number of a
 * vendor means is the same on all of them.  One that is not there knows nothing.
 *
 * Return: 0 or -ENOMEM.
 */
int iov_hwdb_open(struct iov_hwdb **out);

/**
 * iov_hwdb_close - free a handle
 * @hwdb: NULL is allowed
 */
void iov_hwdb_close(struct iov_hwdb *hwdb);

/**
 * iov_hwdb_find - look a property up
 * @hwdb: handle
 * @modalias: of the hardware, "pci:v00008086d000010C9sv..."; may end early
 * @property: its name, "ID_VENDOR_FROM_DATABASE"
 * @value: receives the value
 * @size: bytes at @value; a longer value is cut
 *
 * Return: false when the database does not have it.
 */
bool iov_hwdb_find(const struct iov_hwdb *hwdb, const char *modalias, const char *property,
		   char *value, size_t size);

/**
 * iov_udev_block_property - what udev found on a block device
 * @iov: context
 * @number: its number as in its attribute "dev", "8:2"
 * @property: its name, "ID_FS_TYPE"
 * @value: receives the value
 * @size: bytes at @value; a longer value is cut
 *
 * On the running host libudev is asked.  A recorded tree has udev's record of the device.
 *
 * Return: false when udev does not know.
 */
bool iov_udev_block_property(struct iov *iov, const char *number, const char *property,
			     char *value, size_t size);

#ifdef __cplusplus
}
#endif

#endif
