/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device classes: what a kind of device adds to the life of its VFs.  A class
 * is one struct; sriov/ asks the first that matches a PF.
 */
#ifndef IOV_SRIOV_CLASS_H
#define IOV_SRIOV_CLASS_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/pci.h"
#include "base/plan.h"
#include "sriov/vf.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iov_sriov_class - operations of a device class
 * @name: "net"
 * @attributes: names of the attributes that set() knows, NULL-terminated;
 *	NULL for none.  See iov_vf_attribute_parse() for their meaning.
 * @match: whether a PF belongs to the class
 * @get: add attributes to the objects in @vfs, one per existing VF in order
 *	of index; an attribute that the device does not report is null or absent
 * @set: set one attribute.  Returns the kernel's error without a message, or
 *	another with one; @answer receives what the kernel said in words, "" when
 *	nothing.
 * @prepare: append steps that come before @count VFs are created
 * @finish: append steps that come after @count VFs exist and before a driver
 *	is bound; also called for VFs that exist already, where it appends only
 *	what is missing
 * @release: append steps that come before all VFs are removed
 *
 * Each operation but @name and @match may be NULL.
 */
struct iov_sriov_class {
	const char *name;
	const char *const *attributes;
	bool (*match)(struct iov *iov, struct iov_bdf pf);
	int (*get)(struct iov *iov, struct iov_bdf pf, struct json_object *vfs);
	int (*set)(struct iov *iov, struct iov_bdf pf, unsigned int index, const char *attribute,
		   struct json_object *value, char *answer, size_t size);
	int (*prepare)(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count);
	int (*finish)(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count);
	int (*release)(struct iov_plan *plan, const struct iov_pf *pf);
};

/**
 * iov_sriov_add_class - make a device class known to a context
 * @iov: context
 * @device_class: stays the caller's and outlives the context
 *
 * Return: 0 or -ENOMEM.
 */
int iov_sriov_add_class(struct iov *iov, const struct iov_sriov_class *device_class);

/**
 * iov_sriov_find_class - the device class of a PF
 * @iov: context
 * @pf: address
 *
 * Return: the class that was added first among those that match, or NULL.
 */
const struct iov_sriov_class *iov_sriov_find_class(struct iov *iov, struct iov_bdf pf);

#ifdef __cplusplus
}
#endif

#endif
