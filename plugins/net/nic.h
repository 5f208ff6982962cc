/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a NIC has beside its VFs, by devlink: parameters of its driver, groups of rates, and
 * subfunctions (SFs), which are functions that are not on the PCI bus.
 *
 * A device is named by the address of a PF, or as BUS/NAME where it is none, as an SF is:
 * "auxiliary/mlx5_core.sf.4".
 */
#ifndef IOV_PLUGINS_NET_NIC_H
#define IOV_PLUGINS_NET_NIC_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_nic_is - whether devlink may know a function
 * @iov: context
 * @bdf: function
 *
 * Return: true for a network function of the running host that is no VF.
 */
bool iov_nic_is(struct iov *iov, struct iov_bdf bdf);

/**
 * iov_param_list - the parameters of a driver
 * @iov: context
 * @device: device
 * @out: receives an array that the caller puts, of objects "name", "type" ("u8", "u16", "u32",
 *	"bool" or "string"), "generic" (devlink has it of many drivers), "cmode" ("runtime", "driverinit":
 *	from the next reload on, "permanent": from the next start of the device on) and "value"; one
 *	for each cmode
 *
 * Return: 0; -EOPNOTSUPP for a device that devlink does not know; or -errno; with a message.
 */
int iov_param_list(struct iov *iov, const char *device, struct json_object **out);

/**
 * struct iov_param - a parameter as it shall be
 * @name: its name
 * @text: its value as a person writes it
 * @cmode: when it counts; NULL: at once where it has that, otherwise from the next reload on
 */
struct iov_param {
	const char *name;
	const char *text;
	const char *cmode;
};

/**
 * enum iov_nic_flags - how plans are made
 * @IOV_NIC_RELOAD: have the driver start anew where a parameter wants that
 * @IOV_NIC_VFS_GONE: earlier steps remove the VFs
 * @IOV_NIC_VFS_COME: earlier steps make VFs
 * @IOV_NIC_EXISTS: what is set has to be there
 * @IOV_NIC_UNSEEN: earlier steps give the device another switch mode or groups of rates, which are not
 *	looked for
 */
enum iov_nic_flags {
	IOV_NIC_RELOAD = 1 << 0,
	IOV_NIC_VFS_GONE = 1 << 1,
	IOV_NIC_EXISTS = 1 << 2,
	IOV_NIC_UNSEEN = 1 << 3,
	IOV_NIC_VFS_COME = 1 << 4,
};

/**
 * iov_param_plan - plan parameters
 * @plan: plan to append to
 * @device: device
 * @params: parameters
 * @count: their number
 * @flags: IOV_NIC_RELOAD and IOV_NIC_VFS_GONE
 *
 * One step sets what differs, has the driver start anew if it is to, and gives its interfaces their
 * names, addresses and routes back. A reload takes the device from who uses it.
 *
 * Return: 0; -ENOENT for a parameter that it has not, -EINVAL for a value that its type has not,
 * -EBUSY for a reload while there are VFs or subfunctions; or -errno; with a message.
 */
int iov_param_plan(struct iov_plan *plan, const char *device, const struct iov_param *params,
		   size_t count, unsigned int flags);

/**
 * iov_param_reloads - whether parameters that differ want the driver to start anew
 * @iov: context
 * @device: device
 * @params: parameters
 * @count: their number
 *
 * Return: false also where that cannot be told; iov_param_plan() says why.
 */
bool iov_param_reloads(struct iov *iov, const char *device, const struct iov_param *params, size_t count);

/**
 * iov_rate_value_parse - read a value of a group of rates as a person writes it
 * @iov: context
 * @name: "tx_share", "tx_max" (Mbit/s), "tx_priority", "tx_weight" or "tx_parent"
 * @text: its value
 * @values: object that receives it
 *
 * Return: 0, or -EINVAL with a message.
 */
int iov_rate_value_parse(struct iov *iov, const char *name, const char *text,
			 struct json_object *values);

/**
 * iov_rate_list - groups of rates, and who has rates
 * @iov: context
 * @device: device
 * @out: receives an array that the caller puts, of objects "name" (of a group, "vf0", "sf8"), "kind"
 *	("group" or "port"), and "tx_share", "tx_max", "tx_priority", "tx_weight" and "tx_parent"
 *
 * Return: 0, or -errno with a message.
 */
int iov_rate_list(struct iov *iov, const char *device, struct json_object **out);

/**
 * iov_rate_plan - plan that there is a group with these values
 * @plan: plan to append to
 * @device: device
 * @name: of the group
 * @values: see iov_rate_value_parse(); what is not said stays
 * @flags: IOV_NIC_EXISTS
 *
 * Return: 0; -ENOENT with IOV_NIC_EXISTS for a group that is not there; -EINVAL for a parent that is
 * none; or -errno; with a message.
 */
int iov_rate_plan(struct iov_plan *plan, const char *device, const char *name,
		  struct json_object *values, unsigned int flags);

/**
 * iov_rate_remove_plan - plan that a group goes
 * @plan: plan to append to
 * @device: device
 * @name: of the group
 *
 * Return: 0; -ENOENT when there is none; -EBUSY while something is in it; or -errno; with a message.
 */
int iov_rate_remove_plan(struct iov_plan *plan, const char *device, const char *name);

/**
 * iov_sf_value_parse - read a value of a subfunction as a person writes it
 * @iov: context
 * @name: "hw_addr", "state" ("active", "inactive"), "roce", "migratable", "ipsec_crypto", "ipsec_packet",
 *	"max_io_eqs", or of a rate as of iov_rate_value_parse()
 * @text: its value
 * @values: object that receives it
 *
 * Return: 0, or -EINVAL with a message.
 */
int iov_sf_value_parse(struct iov *iov, const char *name, const char *text,
		       struct json_object *values);

/**
 * iov_sf_list - the subfunctions of a PF
 * @iov: context
 * @device: PF
 * @out: receives an array that the caller puts, of objects "number", "port", "state", "opstate" and
 *	the other values that it has, "representor", and of an active one "auxiliary" (its devices,
 *	the first is its own), "netdevs", "rdma", "mgmtdev" (what 'iov vdpa create' calls it, NULL for
 *	none) and "vdpa" (devices that were made of it)
 *
 * Return: 0, or -errno with a message.
 */
int iov_sf_list(struct iov *iov, const char *device, struct json_object **out);

/**
 * iov_sf_plan - plan that there is a subfunction with these values
 * @plan: plan to append to
 * @device: PF
 * @number: that it has
 * @values: see iov_sf_value_parse(); what is not said stays
 * @flags: IOV_NIC_EXISTS
 *
 * The state is set last, so that its driver sees it as it shall be. One that becomes inactive is
 * taken from who uses it.
 *
 * Return: 0; -ENOENT with IOV_NIC_EXISTS for one that is not there; -EBUSY for another address or
 * capability of one that is active; -EOPNOTSUPP for a NIC that has none; or -errno; with a message.
 */
int iov_sf_plan(struct iov_plan *plan, const char *device, unsigned int number,
		struct json_object *values, unsigned int flags);

/**
 * iov_sf_remove_plan - plan that a subfunction goes
 * @plan: plan to append to
 * @device: PF
 * @number: that it has
 *
 * Return: 0; -ENOENT when there is none; -EBUSY while a vDPA device is made of it; or -errno; with a
 * message. Other users are the guards' matter.
 */
int iov_sf_remove_plan(struct iov_plan *plan, const char *device, unsigned int number);

/**
 * iov_eswitch_plan - plan the mode of a NIC's embedded switch
 * @plan: plan to append to
 * @device: address of a PF
 * @mode: "legacy" or "switchdev"
 * @flags: IOV_NIC_VFS_GONE or IOV_NIC_VFS_COME
 *
 * Drivers differ in when they change it, see iov_eswitch_judge(). Interfaces that the driver makes
 * anew get their names, addresses and routes back. Appends nothing for a device that is so already.
 *
 * Return: 0; -EBUSY or -EPERM with what to do first; or -errno; with a message.
 */
int iov_eswitch_plan(struct iov_plan *plan, struct iov_bdf device, const char *mode, unsigned int flags);

/**
 * enum iov_eswitch_vfs - what a driver wants of VFs while its switch changes the mode
 * @IOV_ESWITCH_ANY: nothing
 * @IOV_ESWITCH_NONE: there is none
 * @IOV_ESWITCH_UNBOUND: none has a driver
 * @IOV_ESWITCH_FIRST: there are some when it becomes switchdev
 */
enum iov_eswitch_vfs {
	IOV_ESWITCH_ANY,
	IOV_ESWITCH_NONE,
	IOV_ESWITCH_UNBOUND,
	IOV_ESWITCH_FIRST,
};

/**
 * iov_eswitch_wants - what the driver of a PF wants
 * @iov: context
 * @bdf: PF
 * @reason: receives what is known of the driver, in words; NULL is allowed
 *
 * Return: a drivers that is not known is taken for one that wants no VFs.
 */
enum iov_eswitch_vfs iov_eswitch_wants(struct iov *iov, struct iov_bdf bdf, const char **reason);

/**
 * iov_eswitch_judge - whether a PF is in a state in which its driver changes the mode
 * @iov: context
 * @bdf: PF
 * @mode: mode
 * @flags: IOV_NIC_VFS_GONE or IOV_NIC_VFS_COME
 *
 * Return: 0; -EBUSY, -EPERM or -ENETDOWN with a message that says why not, and what to do.
 */
int iov_eswitch_judge(struct iov *iov, struct iov_bdf bdf, const char *mode, unsigned int flags);

/**
 * iov_representors - the interfaces that stand for a PF's VFs and subfunctions
 * @iov: context
 * @bdf: PF
 * @out: receives an array that the caller puts, of objects "interface" and "of" ("vf3", "sf8")
 *
 * Return: 0, or -errno with a message.
 */
int iov_representors(struct iov *iov, struct iov_bdf bdf, struct json_object **out);

#ifdef __cplusplus
}
#endif

#endif
