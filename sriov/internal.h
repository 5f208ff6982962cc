/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of sriov/ share. */
#ifndef IOV_SRIOV_INTERNAL_H
#define IOV_SRIOV_INTERNAL_H

#include "sriov/class.h"
#include "sriov/vf.h"

/*
 * Whether a value is an address of zeros, MAC or GUID: what VFs report that were given none.  New
 * VFs have none either, and some drivers do not take it back.
 */
bool vf_is_zero_address(const char *value);

/* "max-rate": an attribute's name as an option of the command. */
struct iov_path vf_option_name(const char *name);

/* What is expected of an attribute's value, for messages. */
void class_expected(const struct iov_attribute *attribute, char *text, size_t size);

/* As iov_vf_attribute_parse(), of an attribute that was found. */
int class_attribute_parse(struct iov *iov, const struct iov_attribute *attribute, const char *text,
			  struct json_object *values);

/* As iov_pf_read(), of a function whose own attributes are meant: it need be no PF. */
int pf_read_own(struct iov *iov, struct iov_bdf bdf, struct iov_pf *pf);

/* Performs IOV_OP_VF_ATTR. */
extern const struct iov_op_runner vf_attr_runner;

/*
 * Attributes of all existing VFs: an array of objects, empty ones for a PF
 * without a class.  A message on failure.
 */
int vf_attributes(struct iov *iov, const struct iov_pf *pf, struct json_object **vfs);

/*
 * Append an operation for each of the first @count VFs that gives it what @vfs says,
 * to a step's do or undo.
 */
void vf_attr_restore(struct iov_step *step,
		     void (*append)(struct iov_step *step, struct iov_op *op),
		     const struct iov_pf *pf, struct json_object *vfs, unsigned int count);

/* The members of @vf that @device_class can set, in its order; caller puts it. */
struct json_object *vf_settable(const struct iov_class *device_class, struct json_object *vf);

/* msix.c: whether the PF shares out vectors; how many a VF has, 0 when unknown */
bool vf_has_msix_count(struct iov *iov, const struct iov_pf *pf);
unsigned int vf_msix_count(struct iov *iov, const struct iov_pf *pf, unsigned int index);
struct iov_op *vf_msix_op(const struct iov_pf *pf, unsigned int index, unsigned int vectors);

#endif
