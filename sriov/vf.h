/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of virtual functions: what a physical function (PF) can give, which
 * VFs exist, and plans that create, remove and set them.
 *
 * Builders append steps to a plan and change nothing themselves.  They do not
 * bind drivers: new VFs come up without one, and the plan of vfio/bind/bind.h can
 * be appended for them, as their addresses are known before they exist:
 *
 *	iov_vf_create_plan(), iov_bind_plan(), iov_vf_settle_plan()
 *
 * host/file/vfs.h composes them.
 */
#ifndef IOV_SRIOV_VF_H
#define IOV_SRIOV_VF_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iov_class;

/**
 * struct iov_pf - what a PF says about its VFs
 * @bdf: its address
 * @port: of a function with several the one that attributes of VFs are of, -1 for the first
 * @total: most VFs that it gives (sriov_totalvfs)
 * @count: VFs that exist now
 * @offset: routing IDs from the PF to VF 0 (First VF Offset)
 * @stride: routing IDs from a VF to the next (VF Stride)
 * @autoprobe: whether the kernel looks for a driver for new VFs; -1 when it
 *	has no such switch (before Linux 4.12)
 * @driver: its driver, "" for none
 * @device_class: what knows its VFs' attributes, NULL when nothing does
 */
struct iov_pf {
	struct iov_bdf bdf;
	int port;
	unsigned int total;
	unsigned int count;
	unsigned int offset;
	unsigned int stride;
	int autoprobe;
	char driver[64];
	const struct iov_class *device_class;
};

/**
 * iov_sriov_register - make a context able to run and recover SR-IOV plans
 * @iov: context
 *
 * Registers the operation "vf-attr", and has the guards ask device classes.  The device classes come with
 * iov_plugins_register() of plugins/plugins.h.
 *
 * Return: 0 or -ENOMEM.
 */
int iov_sriov_register(struct iov *iov);

/**
 * iov_pf_read - read what a PF says about its VFs
 * @iov: context
 * @bdf: address
 * @pf: receives it, for its first port
 *
 * Return: 0; -ENODEV when there is no such function; -EINVAL for a VF, the
 * message names its PF; -EOPNOTSUPP for a function without SR-IOV; or -errno.
 * Each with a message.
 */
int iov_pf_read(struct iov *iov, struct iov_bdf bdf, struct iov_pf *pf);

/**
 * iov_vf_bdf - address that a VF has or will have
 * @pf: its PF
 * @index: 0 for the first
 *
 * PCIe Base 6.0 section 9.2.1.2: PF + First VF Offset + index * VF Stride.
 */
struct iov_bdf iov_vf_bdf(const struct iov_pf *pf, unsigned int index);

/**
 * iov_vf_keeps_driver - whether VFs stay with the driver that they come with
 * @pf: the PF
 *
 * Its driver makes them in its own way and gives them to guests by itself, see @number of struct
 * iov_class: no other driver is of use to them.
 */
bool iov_vf_keeps_driver(const struct iov_pf *pf);

/**
 * iov_vf_touches - say that a step changes the first VFs of a PF
 * @step: step whose device is the PF
 * @pf: the PF
 * @count: how many of its VFs
 *
 * Keeps the step in order with those on the VFs themselves.
 */
void iov_vf_touches(struct iov_step *step, const struct iov_pf *pf, unsigned int count);

/**
 * enum iov_vf_flags - what earlier steps of a plan do
 * @IOV_VF_ANEW: the VFs that exist now are gone by then, or others come in their
 *	place
 * @IOV_VF_PF_BOUND: they give the PF a driver
 */
enum iov_vf_flags {
	IOV_VF_ANEW = 1 << 0,
	IOV_VF_PF_BOUND = 1 << 1,
};

/**
 * iov_vf_create_plan - plan a number of VFs
 * @plan: plan to append to
 * @bdf: the PF
 * @count: how many VFs shall exist, 1 to the PF's total
 * @flags: of enum iov_vf_flags; with IOV_VF_ANEW the plan has removed the VFs
 *
 * Appends nothing when that many exist.  Another number of VFs is removed
 * first, as the hardware asks: they are taken from the host, so a guard
 * refuses the plan when one is in use.  VFs that are there before and after keep
 * their attributes.  The new VFs have no driver, and the kernel looks for none
 * until iov_vf_settle_plan().
 * Undo restores the number, the driver probing switch, and the drivers and
 * attributes of the VFs that were there before.
 *
 * Return: 0, or -errno with a message: what iov_pf_read() gives, -EINVAL for
 * a count outside of 1 to total, -EOPNOTSUPP without a driver that creates
 * VFs, -ENOSPC when the device has not enough resources to share out.
 */
int iov_vf_create_plan(struct iov_plan *plan, struct iov_bdf bdf, unsigned int count,
		       unsigned int flags);

/**
 * iov_vf_create_each_plan - plan a number of VFs of which something is said before they exist
 * @plan: plan to append to
 * @bdf: the PF
 * @count: as of iov_vf_create_plan()
 * @each: borrowed; array with an object of attributes, or null, at the index of a VF; NULL: nothing
 *	is said
 * @flags: likewise
 *
 * What their class has to know early, as the memory of a GPU's VFs, is given to the VFs that are
 * made; the rest is for iov_vf_set_each_plan() behind it.
 *
 * Return: as iov_vf_create_plan().
 */
int iov_vf_create_each_plan(struct iov_plan *plan, struct iov_bdf bdf, unsigned int count,
			    struct json_object *each, unsigned int flags);

/**
 * iov_vf_settle_plan - plan that the kernel looks for drivers of VFs again
 * @plan: plan that iov_vf_create_plan() was appended to
 * @bdf: the PF
 * @count: as given to iov_vf_create_plan()
 * @flags: likewise
 *
 * Comes after the steps that bind the new VFs to a driver by driver_override,
 * and before those that leave the choice to the kernel.  Appends nothing where
 * the switch was off before or is missing.
 *
 * Return: 0, or -errno with a message.
 */
int iov_vf_settle_plan(struct iov_plan *plan, struct iov_bdf bdf, unsigned int count,
		       unsigned int flags);

/**
 * iov_vf_modules_plan - plan to have the native driver of VFs at hand
 * @plan: plan to append to
 * @bdf: the PF
 *
 * Appends a step that loads the modules for the VFs' device ID; nothing when
 * they are loaded, or built in, or unknown.  For VFs that do not exist yet: of
 * those that do, the modalias says more.
 *
 * Return: 0 or -errno with a message.
 */
int iov_vf_modules_plan(struct iov_plan *plan, struct iov_bdf bdf);

/**
 * iov_vf_remove_plan - plan the removal of all VFs of a PF
 * @plan: plan to append to
 * @bdf: the PF
 *
 * Appends nothing when there are none.  Takes each VF from the host.
 *
 * Return: 0 or -errno with a message.
 */
int iov_vf_remove_plan(struct iov_plan *plan, struct iov_bdf bdf);

/**
 * iov_vf_renew_plan - plan that VFs have again what a reset of their PF takes
 * @plan: plan whose last steps reset the PF
 * @bdf: the PF, or any function
 *
 * Appends nothing for a function without VFs, or whose class loses nothing by a reset.
 *
 * Return: 0, or -errno with a message when it is not known what the VFs have.
 */
int iov_vf_renew_plan(struct iov_plan *plan, struct iov_bdf bdf);

/**
 * iov_vf_attribute_parse - read an attribute's value as a person writes it
 * @iov: context
 * @name: of an attribute of VFs of any device class that was added, "max_rate"
 * @text: as the type of the attribute wants it, see sriov/class.h
 * @values: object that receives the member @name
 *
 * The plan that sets it looks whether the class of the VF takes it.
 *
 * Return: 0, or -EINVAL with a message.
 */
int iov_vf_attribute_parse(struct iov *iov, const char *name, const char *text,
			   struct json_object *values);

/**
 * iov_attribute_parse - read a value of an attribute of a certain function
 * @iov: context
 * @bdf: a PF, of whose VFs it is, or a function that has it itself
 * @name: "max_rate"
 * @text: as for iov_vf_attribute_parse()
 * @values: object that receives the member @name
 *
 * Return: 0; -EOPNOTSUPP when its class has no such attribute, -EINVAL; with a message.
 */
int iov_attribute_parse(struct iov *iov, struct iov_bdf bdf, const char *name, const char *text,
			struct json_object *values);

/**
 * iov_set_plan - plan attributes of a function itself
 * @plan: plan to append to
 * @bdf: function
 * @values: from iov_attribute_parse()
 *
 * Appends nothing when it has these values. Undo restores those before.
 *
 * Return: 0, or -errno with a message: -ENODEV without that function, -EOPNOTSUPP
 * for attributes that its device class does not have, or has of VFs alone.
 */
int iov_set_plan(struct iov_plan *plan, struct iov_bdf bdf, struct json_object *values);

/**
 * iov_vf_set_plan - plan attributes of a VF
 * @plan: plan to append to
 * @bdf: the PF
 * @port: the port whose VFs' attributes are meant, of a function that has several, as by
 *	iov_interface_named_port(); -1 for the first
 * @index: the VF, 0 for the first
 * @values: from iov_vf_attribute_parse()
 *
 * Appends nothing when the VF has these values.  Undo restores those before.
 *
 * Return: 0, or -errno with a message: -ENODEV without that VF, -EOPNOTSUPP
 * for attributes that its device class does not have.
 */
int iov_vf_set_plan(struct iov_plan *plan, struct iov_bdf bdf, int port, unsigned int index,
		    struct json_object *values);

/**
 * iov_vf_set_each_plan - plan attributes of several VFs
 * @plan: plan to append to
 * @bdf: the PF
 * @port: as of iov_vf_set_plan()
 * @each: array; at a VF's index its values from iov_vf_attribute_parse(), or null
 * @flags: IOV_VF_ANEW: iov_vf_create_plan() made the VFs
 *
 * As iov_vf_set_plan() for each of them, but what they have is read once.
 *
 * Return: as iov_vf_set_plan().
 */
int iov_vf_set_each_plan(struct iov_plan *plan, struct iov_bdf bdf, int port,
			 struct json_object *each, unsigned int flags);

/**
 * iov_vf_msix_plan - plan the number of interrupt vectors of a VF
 * @plan: plan to append to
 * @bdf: the PF
 * @index: the VF, 0 for the first
 * @vectors: how many it shall have, 0 for what the device gives by itself
 * @flags: IOV_VF_ANEW: iov_vf_create_plan() made the VF
 *
 * The kernel takes it while the VF has no driver, so these steps come before those
 * that bind it.  Appends nothing when the VF has that many; undo restores the number.
 *
 * Return: 0, or -errno with a message: -EOPNOTSUPP where the PF's driver gives all VFs
 * the same, -EBUSY for a VF that has a driver, -ERANGE for more than the PF has.
 */
int iov_vf_msix_plan(struct iov_plan *plan, struct iov_bdf bdf, unsigned int index,
		     unsigned int vectors, unsigned int flags);

/**
 * iov_vf_list - what is known of the VFs of a PF
 * @iov: context
 * @bdf: the PF
 * @port: as of iov_vf_set_plan()
 * @out: receives an object that the caller puts: "pf", "driver", "class",
 *	"total", "count", "autoprobe", and "vfs", an array of objects with
 *	"index", "device", "driver", "iommu_group", "netdev", the attributes of the device
 *	class, and "used_by", an array of what holds the VF.  What is unknown is
 *	null.
 *
 * Return: 0 or -errno with a message.
 */
int iov_vf_list(struct iov *iov, struct iov_bdf bdf, int port, struct json_object **out);

/**
 * iov_vf_list_all - what is known of the VFs of all PFs
 * @iov: context
 * @out: receives an array that the caller puts, of an object as from iov_vf_list() for
 *	each PF, in order of address; guards look at the host once for all of them
 *
 * Return: 0 or -errno with a message.
 */
int iov_vf_list_all(struct iov *iov, struct json_object **out);

#ifdef __cplusplus
}
#endif

#endif
