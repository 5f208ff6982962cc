/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of vendors, devices and classes, from the hardware database of udev.  That is the one
 * of the machine one sits at, whichever host is looked at: IDs mean the same on all of them.
 */
#ifndef IOV_BASE_PCI_IDS_H
#define IOV_BASE_PCI_IDS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iov_ids;

/* Long enough for the names that the database has. */
#define IOV_NAME_SIZE 256

/**
 * iov_ids_open - get ready to look names up
 * @out: receives a handle that the caller closes with iov_ids_close()
 *
 * Without the database numbers stand for all names.
 *
 * Return: 0 or -ENOMEM.
 */
int iov_ids_open(struct iov_ids **out);

/**
 * iov_ids_close - free a handle
 * @ids: NULL is allowed
 */
void iov_ids_close(struct iov_ids *ids);

/**
 * iov_ids_device - name of a device and its vendor
 * @ids: handle
 * @vendor: vendor ID
 * @device: device ID
 * @name: receives the name; numbers stand for what is not in the database
 * @size: bytes at @name
 */
void iov_ids_device(struct iov_ids *ids, unsigned int vendor, unsigned int device, char *name,
		    size_t size);

/**
 * iov_ids_subsystem - name of a subsystem and its vendor
 * @ids: handle
 * @vendor: vendor ID
 * @device: device ID
 * @subvendor: subsystem vendor ID
 * @subdevice: subsystem ID
 * @name: receives the name
 * @size: bytes at @name
 */
void iov_ids_subsystem(struct iov_ids *ids, unsigned int vendor, unsigned int device,
		       unsigned int subvendor, unsigned int subdevice, char *name, size_t size);

/**
 * iov_ids_class - name of a class
 * @ids: handle
 * @class_code: base class and subclass, 0x0200 for Ethernet
 * @name: receives the name
 * @size: bytes at @name
 */
void iov_ids_class(struct iov_ids *ids, unsigned int class_code, char *name, size_t size);

#ifdef __cplusplus
}
#endif

#endif
