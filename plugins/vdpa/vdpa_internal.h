/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of plugins/vdpa/ share. */
#ifndef IOV_PLUGINS_VDPA_VDPA_INTERNAL_H
#define IOV_PLUGINS_VDPA_VDPA_INTERNAL_H

#include <netlink/netlink.h>
#include <stdint.h>

#include "base/plan/op.h"
#include "base/sysroot/sysroot.h"
#include "plugins/vdpa/vdpa.h"

/* virtio's numbers of the classes that have names here. */
#define VDPA_CLASS_NET 1
#define VDPA_CLASS_BLOCK 2

/* A file of a device; "" for its directory. */
struct iov_path vdpa_path(const char *name, const char *file);

/* What plans and guards call one: "vdpa/NAME". */
struct iov_path vdpa_device(const char *name);

/* messages.c: requests, which netlink_transact() frees; NULL without memory */

/* A request that is about nothing, or one device. */
struct nl_msg *vdpa_message(int family, uint8_t command, int flags, const char *name);

/* Make a device; @mgmtdev is BUS/NAME or NAME. */
struct nl_msg *vdpa_new_message(int family, const char *name, const char *mgmtdev,
				struct json_object *values);

/* What a message tells: a new object, NULL for a message of another kind. */
struct json_object *vdpa_mgmt_json(struct nlmsghdr *header);
struct json_object *vdpa_device_json(struct nlmsghdr *header);

/* Add what a message tells of a device's configuration. */
void vdpa_add_config(struct nlmsghdr *header, struct json_object *device);

/* features.c: the names of feature bits, by class; those without one are numbers */
struct json_object *vdpa_feature_names(uint64_t features, uint32_t device_class);

/* list.c: the device of that name, or -ENOENT with a message; the caller puts it */
int vdpa_find(struct iov *iov, const char *name, struct json_object **device);

/* list.c: the first of these values that a device tells and has otherwise; NULL for none */
const char *vdpa_difference(struct json_object *values, struct json_object *device);

/*
 * host_driver.c: load the driver of what virtio_vdpa makes of a device of a class; -ENOENT with a message
 * when there is none.
 */
int vdpa_host_driver_plan(struct iov_plan *plan, const char *device_class);

extern const struct iov_op_runner vdpa_runner;

#endif
