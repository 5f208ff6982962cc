/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vDPA devices: virtio devices whose rings hardware, or a program by VDUSE, works on itself.
 *
 * A management device makes them: a PF, a VF or a subfunction, "pci/0000:01:00.2", or a part of the
 * kernel, "vduse".  A device is a guest's by the driver vhost_vdpa, whose node it is given, or the
 * host's by virtio_vdpa, which makes an interface or a disk of it.
 */
#ifndef IOV_PLUGINS_VDPA_VDPA_H
#define IOV_PLUGINS_VDPA_VDPA_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/plan/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IOV_DRIVER_VHOST_VDPA "vhost_vdpa"
#define IOV_DRIVER_VIRTIO_VDPA "virtio_vdpa"

/* Who makes devices that programs offer, as the kernel names it. */
#define IOV_MGMTDEV_VDUSE "vduse"

/**
 * struct iov_vdpa - a device that is wanted
 * @name: its name
 * @mgmtdev: who makes it, as iov_vdpa_mgmt() names it
 * @driver: one of the drivers above; NULL for whichever takes it
 * @values: borrowed; of iov_vdpa_value_parse(); NULL for none
 */
struct iov_vdpa {
	const char *name;
	const char *mgmtdev;
	const char *driver;
	struct json_object *values;
};

/**
 * iov_vdpa_value_parse - read a value that a network device is made with
 * @iov: context
 * @name: "mac"; "mtu", 68 to 65535; "max_vqp", pairs of queues, 1 to 32768; or "features",
 *	a number that virtio's feature bits make
 * @text: value
 * @values: object that it is added to
 *
 * Return: 0, or -EINVAL with a message.
 */
int iov_vdpa_value_parse(struct iov *iov, const char *name, const char *text,
			 struct json_object *values);

/**
 * iov_vdpa_name_check - whether a name is one that a device may have
 * @iov: context
 * @name: name
 *
 * Return: 0, or -EINVAL with a message.
 */
int iov_vdpa_name_check(struct iov *iov, const char *name);

/**
 * iov_vdpa_mgmt - who makes vDPA devices
 * @iov: context
 * @list: receives an array of objects with "name", "classes" (array of "net", "block" or a number),
 *	"max_vqs" and "features" (hexadecimal), each null where that is not told, "feature_names" and
 *	"devices", an array of names; the caller puts it
 *
 * Return: 0; -EOPNOTSUPP with a message without the module vdpa, and for a recorded tree; or
 * -errno with a message.
 */
int iov_vdpa_mgmt(struct iov *iov, struct json_object **list);

/**
 * iov_vdpa_mgmt_find - whether a management device is there
 * @iov: context
 * @name: "pci/0000:01:00.2"
 *
 * Return: 0; -ENODEV with a message that lists those that there are; or as iov_vdpa_mgmt().
 */
int iov_vdpa_mgmt_find(struct iov *iov, const char *name);

/**
 * iov_vdpa_list - all vDPA devices
 * @iov: context
 * @list: receives an array of objects with "name", "mgmtdev", "class", "driver", "node" (a path),
 *	"max_vqs", "max_vq_size", "mac", "mtu", "max_vqp", "link", "features", each null where there
 *	is none or a recorded tree does not tell, "feature_names", and "used_by", an array of
 *	holders; the caller puts it
 *
 * Return: 0 or -errno with a message.
 */
int iov_vdpa_list(struct iov *iov, struct json_object **list);

/**
 * iov_vdpa_create_plan - plan a device that is there and has its driver
 * @plan: plan to append to; nothing for one that is so already
 * @vdpa: what it shall be
 *
 * Return: 0; -ENODEV without the management device; -EEXIST when it is there otherwise; -EINVAL for
 * values that it cannot have; each with a message.
 */
int iov_vdpa_create_plan(struct iov_plan *plan, const struct iov_vdpa *vdpa);

/**
 * iov_vdpa_delete_plan - plan that a device is gone
 * @plan: plan to append to
 * @name: which
 *
 * Return: 0; -ENOENT with a message when there is none.
 */
int iov_vdpa_delete_plan(struct iov_plan *plan, const char *name);

/**
 * iov_vdpa_bind_plan - plan the driver of a device
 * @plan: plan to append to; nothing for one that has it
 * @name: which
 * @driver: IOV_DRIVER_VHOST_VDPA or IOV_DRIVER_VIRTIO_VDPA
 *
 * Return: 0; -ENOENT with a message when there is no such device or driver.
 */
int iov_vdpa_bind_plan(struct iov_plan *plan, const char *name, const char *driver);

#ifdef __cplusplus
}
#endif

#endif
