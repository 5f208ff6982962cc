/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of plugins/mdev/ share. */
#ifndef IOV_PLUGINS_MDEV_MDEV_INTERNAL_H
#define IOV_PLUGINS_MDEV_MDEV_INTERNAL_H

#include "base/sysroot/sysroot.h"
#include "plugins/mdev/mdev.h"

/* What plans and guards call one: "mdev/UUID". */
struct iov_path mdev_device(const char *uuid);

/* A file of one that is there, and of a type of a parent; "" for the directory. */
struct iov_path mdev_path(const char *uuid, const char *file);
struct iov_path mdev_type_path(const char *parent, const char *type, const char *file);

/* Parent and type of one that is there; -ENOENT without a message. */
int mdev_read(struct iov *iov, const char *uuid, char parent[IOV_MDEV_NAME],
	      char type[IOV_MDEV_NAME]);

/* The same; a message that names what is there instead. */
int mdev_require(struct iov *iov, const char *uuid, char parent[IOV_MDEV_NAME],
		 char type[IOV_MDEV_NAME]);

/* Whether a parent has a type: 0, or -ENOENT with a message that names those that it has. */
int mdev_type_require(struct iov *iov, const char *parent, const char *type);

/* How many instances are left, -1 where the driver does not tell. */
int mdev_type_left(struct iov *iov, const char *parent, const char *type, int64_t *left);

/* Whether a name of an attribute leads to nothing but an attribute of the device. */
bool mdev_is_attribute(const char *name);

/* The one member of an attribute. */
void mdev_attribute(struct json_object *attributes, size_t index, const char **name,
		    const char **value);

/* definition.c: the file of one */
struct iov_path mdev_definition_path(const char *parent, const char *uuid);

/*
 * Read it: an object with "uuid", "parent", "type", "start", "attributes" and "file", all that the
 * file says, which the caller puts.  -ENOENT without a message; -EINVAL with one for a file that
 * mdevctl would not take.
 */
int mdev_definition_read(struct iov *iov, const char *parent, const char *uuid,
			 struct json_object **definition);

/* All of a parent and a UUID, each NULL for any; what is malformed is logged and left out. */
int mdev_definitions(struct iov *iov, const char *parent, const char *uuid,
		     struct json_object **definitions);

/* Log it once for a plan where somebody has scripts that mdevctl would call. */
void mdev_warn_of_scripts(const struct iov_plan *plan);

/* list.c: who holds each of an array of devices: an array of findings, which the caller puts */
int mdev_find_holders(struct iov *iov, char *const *uuids, size_t count,
		      struct json_object **findings);

/* The holders of one of them as an array of texts. */
struct json_object *mdev_holders_of(const char *uuid, struct json_object *findings);

#endif
