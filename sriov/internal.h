/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of sriov/ share. */
#ifndef IOV_SRIOV_INTERNAL_H
#define IOV_SRIOV_INTERNAL_H

#include "sriov/class.h"
#include "sriov/vf.h"

/* The operation "vf-attr". */
extern const struct iov_op_kind vf_attr_kind;

/*
 * Attributes of all existing VFs: an array of objects, empty ones for a PF
 * without a class.  A message on failure.
 */
int vf_attributes(struct iov *iov, const struct iov_pf *pf, struct json_object **vfs);

/*
 * An operation that gives VF @index the @values (borrowed).  @restore: the
 * values were there before, so what only looks like a refusal is borne with.
 */
struct json_object *vf_attr_op(struct iov_bdf pf, unsigned int index, struct json_object *values,
			       bool restore);

/* The members of @vf that @device_class can set, in its order; caller puts it. */
struct json_object *vf_settable(const struct iov_sriov_class *device_class,
				struct json_object *vf);

#endif
