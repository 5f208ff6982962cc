/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device classes: what a kind of device adds to the life of its VFs.  A class
 * is one struct; sriov/ asks the first that matches a PF.
 */
#ifndef IOV_SRIOV_CLASS_H
#define IOV_SRIOV_CLASS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/plan.h"
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
 *	of index, as the port of @pf has them; what the device does not report is null
 *	or absent.  Returns -errno with a message when it cannot look.  Runs within
 *	iov_sys_call().
 * @set: set @attribute of a VF to its value in @target.  @target holds the
 *	values of all attributes as they shall be, for those that the kernel only
 *	takes in pairs.  Returns the kernel's error, and in @answer what the
 *	kernel said in words; "" when nothing.
 * @speed: Mbit/s that all VFs of the port of @pf can send together; 0 when it is not told.  Runs
 *	within iov_sys_call().
 * @prepare: append steps that come before @count VFs are created
 * @finish: append steps that make @count existing VFs ready for a driver
 * @restore: append to a step's undo the operations that bring the VFs of @pf,
 *	which exist again, back to what @vfs says of them; @vfs is from @get
 * @release: append steps that come after all VFs were removed
 *
 * @prepare and @finish are called as well when @count VFs exist already, and
 * append only what is missing then.  Each operation but @match may be NULL.
 */
struct iov_sriov_class {
	const char *name;
	const char *const *attributes;
	bool (*match)(struct iov *iov, struct iov_bdf pf);
	int (*get)(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs);
	int (*set)(struct iov *iov, const struct iov_pf *pf, unsigned int index,
		   const char *attribute, struct json_object *target, char *answer, size_t size);
	unsigned int (*speed)(struct iov *iov, const struct iov_pf *pf);
	int (*prepare)(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count);
	int (*finish)(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count);
	void (*restore)(struct iov_step *step, const struct iov_pf *pf, struct json_object *vfs);
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
