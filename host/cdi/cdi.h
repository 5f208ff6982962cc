/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices of VFIO for containers, by the Container Device Interface (CDI, a specification of the
 * Cloud Native Computing Foundation).
 *
 * A file in /run/cdi says which nodes a container gets that asks for a device by name:
 *
 *	iovkit.org/vfio=0000:01:10.0		/dev/vfio/vfio and that of its IOMMU group
 *	iovkit.org/vfio=0000:01:10.0-cdev	/dev/iommu and its own below /dev/vfio/devices
 *
 * A mediated device is named by its UUID.  The numbers of nodes are others after each binding and
 * each boot, so nobody writes this file by hand: while a host has it, it has what VFIO has there,
 * and iov_cdi_refresh() makes it so after each change.
 */
#ifndef IOV_HOST_CDI_CDI_H
#define IOV_HOST_CDI_CDI_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/plan/plan.h"
#include "base/rpc/socket_access.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a container runtime calls what is in the file, and where that is below the sysroot. */
#define IOV_CDI_KIND "iovkit.org/vfio"
#define IOV_CDI_FILE "run/cdi/iovkit.org-vfio.json"

/**
 * struct iov_cdi_access - who may use nodes inside a container
 * @mode: "0660"; "": as they are outside
 * @owner: "64055:108", as iov_socket_owner() has it; "": as they are outside
 */
struct iov_cdi_access {
	char mode[IOV_SOCKET_MODE_SIZE];
	char owner[IOV_SOCKET_OWNER_SIZE];
};

/**
 * iov_cdi_access - bring permissions of nodes into their usual form
 * @iov: context
 * @mode: octal digits, "660"; NULL for what they have outside
 * @owner: "libvirt-qemu:kvm", ":kvm" or numbers; NULL for what they have outside
 * @access: receives both
 *
 * Return: 0; -ENOENT without such a user or group, or -EINVAL; with a message.
 */
int iov_cdi_access(struct iov *iov, const char *mode, const char *owner, struct iov_cdi_access *access);

/**
 * iov_cdi_kept - whether this host keeps a CDI file
 * @iov: context
 * @access: receives what nodes in it have; NULL is allowed
 *
 * Return: 1 when it does, 0 when it does not; -errno with a message when that cannot be read.
 */
int iov_cdi_kept(struct iov *iov, struct iov_cdi_access *access);

/**
 * iov_cdi_plan - plan that a host keeps a CDI file, or none any more
 * @plan: plan to append to
 * @access: what nodes in it have; NULL: none is kept
 *
 * Appends nothing when that is so.  The file itself is written by iov_cdi_refresh() afterwards,
 * when all that the plan changes is as it will be.
 *
 * Return: 0, or -errno with a message: when its folder cannot be written.
 */
int iov_cdi_plan(struct iov_plan *plan, const struct iov_cdi_access *access);

/**
 * iov_cdi_device - a device as the file has it
 * @name: "0000:01:10.0", or a UUID
 * @group: its IOMMU group
 * @node: "vfio3", its node in /dev/vfio/devices, by which it is given; NULL: by its group
 * @access: what its nodes have
 *
 * Return: a new object, which the caller puts.
 */
struct json_object *iov_cdi_device(const char *name, unsigned int group, const char *node,
				   const struct iov_cdi_access *access);

/**
 * iov_cdi_document - a file with devices
 * @devices: taken over; an array of what iov_cdi_device() gives
 *
 * Says the lowest version of the specification that has what is in it: 0.5.0, of whose names the
 * first sign may be a digit.  Runtimes refuse a file of a version that they do not know.
 *
 * Return: a new object, which the caller puts.
 */
struct json_object *iov_cdi_document(struct json_object *devices);

/**
 * iov_cdi_collect - all devices that VFIO has on this host
 * @iov: context
 * @access: what their nodes have
 * @left_out: receives an array of sentences on functions that are bound to VFIO and yet cannot be
 *	given away, which the caller puts; NULL is allowed
 * @devices: receives an array, which the caller puts
 *
 * Return: 0, or -errno with a message; so also, with -ETIMEDOUT, when the kernel does not let a function
 * be looked at, as then nobody knows whether it can be given away.
 */
int iov_cdi_collect(struct iov *iov, const struct iov_cdi_access *access, struct json_object **left_out,
		    struct json_object **devices);

/**
 * iov_cdi_refresh - make the CDI file what it should be now
 * @iov: context
 *
 * Writes it when its text is another one, removes it when the host keeps none, or has no device
 * for it: a file without devices is invalid.  Whoever reads it finds the one text or the other.
 * While another process changes the host it is left to that one.  What is left out is logged when
 * the file is written.
 *
 * Return: 0, or -errno with a message: the file is as it was.
 */
int iov_cdi_refresh(struct iov *iov);

#ifdef __cplusplus
}
#endif

#endif
