/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mediated devices: what a driver makes of one device for several guests (vfio-mdev).
 *
 * A parent is a device whose driver gives them, by its name in sysfs: "0000:00:02.0", "mtty".
 * It has types, and of each type so many instances left.  An instance goes by its UUID, which
 * whoever makes it chooses.  It is gone after a boot; that it is made again is told by a
 * definition, in the files of mdevctl(8), which both programs read and write.
 *
 * Attributes are an array of objects with one member each, in the order in which they are
 * written: [{"assign_adapter": "5"}, {"assign_adapter": "6"}].
 */
#ifndef IOV_PLUGINS_MDEV_MDEV_H
#define IOV_PLUGINS_MDEV_MDEV_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/plan/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Room for a UUID as text, and for the name of a parent or a type. */
#define IOV_MDEV_UUID 37
#define IOV_MDEV_NAME 128

/**
 * struct iov_mdev - a mediated device that is wanted
 * @uuid: as iov_mdev_uuid_parse() gives it
 * @parent: name in sysfs, or another name of a PCI function
 * @type: one of the parent's, "i915-GVTg_V5_4"
 * @attributes: borrowed; see above; NULL for none
 */
struct iov_mdev {
	const char *uuid;
	const char *parent;
	const char *type;
	struct json_object *attributes;
};

/**
 * iov_mdev_uuid_parse - a UUID as the kernel writes it
 * @iov: context
 * @text: "83B8F4F2-509F-382F-3C1E-E6BFE0FA1001"
 * @uuid: receives it in lower case
 *
 * Return: 0, or -EINVAL with a message.
 */
int iov_mdev_uuid_parse(struct iov *iov, const char *text, char uuid[IOV_MDEV_UUID]);

/**
 * iov_mdev_uuid_new - a random UUID
 * @uuid: receives it
 */
void iov_mdev_uuid_new(char uuid[IOV_MDEV_UUID]);

/**
 * iov_mdev_attribute_parse - read an attribute from the command line or a host file
 * @iov: context
 * @text: "assign_adapter=5"
 * @attributes: array that it is appended to
 *
 * Return: 0, or -EINVAL with a message.
 */
int iov_mdev_attribute_parse(struct iov *iov, const char *text, struct json_object *attributes);

/**
 * iov_mdev_parent_find - a parent by any of its names
 * @iov: context
 * @name: in sysfs, or as iov_device_parse() takes it
 * @parent: receives the name in sysfs
 *
 * Return: 0; -ENODEV with a message that lists the parents, and names the nearest.
 */
int iov_mdev_parent_find(struct iov *iov, const char *name, char parent[IOV_MDEV_NAME]);

/**
 * iov_mdev_types - what parents give
 * @iov: context
 * @parent: name in sysfs, NULL for all
 * @types: receives an array of objects with "parent", "type", "name", "device_api",
 *	"available_instances", "description" (each null where the driver does not tell) and
 *	"instances", an array of UUIDs; the caller puts it
 *
 * Return: 0 or -errno with a message.
 */
int iov_mdev_types(struct iov *iov, const char *parent, struct json_object **types);

/**
 * iov_mdev_list - all mediated devices, there or defined
 * @iov: context
 * @mdevs: receives an array of objects with "uuid", "parent", "type", "type_name", "device_api",
 *	"driver", "iommu_group", "node" (below /dev/vfio/devices), each null where there is none,
 *	"state" ("active" or "defined"), "start" ("auto" or "manual", null without a definition),
 *	"attributes" of the definition, and "used_by", an array of holders; the caller puts it
 *
 * One that is defined for several parents has an entry for each.
 *
 * Return: 0 or -errno with a message.
 */
int iov_mdev_list(struct iov *iov, struct json_object **mdevs);

/**
 * iov_mdev_show - one of them, with what its attributes are now
 * @iov: context
 * @uuid: which
 * @mdevs: receives an array as iov_mdev_list() has it, of one entry unless several parents have a
 *	definition, each with "values": attributes, null for one that cannot be read; the caller
 *	puts it
 *
 * Return: 0; -ENOENT with a message when there is none; or -errno with a message.
 */
int iov_mdev_show(struct iov *iov, const char *uuid, struct json_object **mdevs);

/**
 * iov_mdev_create_plan - plan one that is there and has its attributes
 * @plan: plan to append to; nothing for one that is there, unless it has attributes to set
 * @mdev: what it shall be
 *
 * Return: 0; -ENODEV without the parent, -ENOENT without the type, -EEXIST when it is there
 * otherwise, -ENOSPC when no instance is left; each with a message.
 */
int iov_mdev_create_plan(struct iov_plan *plan, const struct iov_mdev *mdev);

/**
 * iov_mdev_remove_plan - plan that one is gone
 * @plan: plan to append to
 * @uuid: which
 *
 * A definition stays.
 *
 * Return: 0; -ENOENT with a message when there is none.
 */
int iov_mdev_remove_plan(struct iov_plan *plan, const char *uuid);

/**
 * iov_mdev_set_plan - plan values of attributes of one that is there
 * @plan: plan to append to
 * @uuid: which
 * @attributes: borrowed
 *
 * Return: 0; -ENOENT with a message when there is no such device or attribute.
 */
int iov_mdev_set_plan(struct iov_plan *plan, const char *uuid, struct json_object *attributes);

/**
 * iov_mdev_define_plan - plan a definition
 * @plan: plan to append to; nothing for what is defined so already
 * @mdev: what it shall be; @parent and @type NULL: as the one that is there, or is defined; its
 *	parent need not be there if the type is told
 * @start: "auto": when its parent appears; "manual"; NULL: as it is, or manual
 *
 * Return: 0; -ENOENT with a message when nothing tells parent and type; -EINVAL with a message
 * for a definition that is malformed.
 */
int iov_mdev_define_plan(struct iov_plan *plan, const struct iov_mdev *mdev, const char *start);

/**
 * iov_mdev_undefine_plan - plan that a definition is gone
 * @plan: plan to append to
 * @uuid: which
 * @parent: for this parent; NULL: for all
 *
 * Return: 0; -ENOENT with a message when there is none.
 */
int iov_mdev_undefine_plan(struct iov_plan *plan, const char *uuid, const char *parent);

/**
 * iov_mdev_start_plan - plan that what is defined is there
 * @plan: plan to append to
 * @uuid: which; NULL: all that start by themselves and whose parents are there
 * @parent: of this parent; NULL: of any
 *
 * Return: 0; -ENOENT with a message when @uuid is not defined; or as iov_mdev_create_plan().
 */
int iov_mdev_start_plan(struct iov_plan *plan, const char *uuid, const char *parent);

#ifdef __cplusplus
}
#endif

#endif
