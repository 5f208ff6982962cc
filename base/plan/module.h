/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel modules that could be loaded. */
#ifndef IOV_BASE_PLAN_MODULE_H
#define IOV_BASE_PLAN_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/plan/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_module_find - the modules that a name or an alias stands for
 * @iov: context
 * @alias: "vfio-pci", or a modalias "pci:v00008086d000010CA..."
 * @names: receives an array, which the caller frees with iov_names_free();
 *	built-in modules count, those on the blacklist do not
 * @count: receives its length, 0 when there is none
 *
 * Return: 0, -EOPNOTSUPP on a recorded tree, -ENOMEM or -errno; the message is
 * not touched.
 */
int iov_module_find(struct iov *iov, const char *alias, char ***names, size_t *count);

/**
 * iov_module_is_loaded - whether a module is loaded or built in
 * @iov: context
 * @name: "vfio-pci"
 */
bool iov_module_is_loaded(struct iov *iov, const char *name);

/**
 * iov_module_can_load - whether modules are loaded at all
 * @iov: context
 *
 * A recorded tree loads none, unless its writes are answered (iov_sys_on_write()).
 */
bool iov_module_can_load(struct iov *iov);

/**
 * iov_module_knows - whether a driver's table has a function
 * @iov: context
 * @module: module of the driver
 * @modalias: of the function
 *
 * A driver without a table, as vfio-pci, takes what it is told to.
 *
 * Return: 1 when it has, 0 when it has not; -ENODATA when nobody tells, as of a module that is
 * not in /lib/modules, and of a recorded tree without tables.  The message is not touched.
 */
int iov_module_knows(struct iov *iov, const char *module, const char *modalias);

/**
 * iov_module_near - the module of PCI functions whose name is most like another one
 * @iov: context
 * @name: what was typed
 * @module: receives its name, as tables of drivers have it, with underscores
 * @size: bytes at @module
 *
 * Loadable modules and what is built in; of a recorded tree those whose tables it has.
 *
 * Return: false when none is near.
 */
bool iov_module_near(struct iov *iov, const char *name, char *module, size_t size);

/**
 * iov_module_may_drive - whether loading a module may bring a driver of PCI functions
 * @iov: context
 * @module: name, "vfio-pci"
 *
 * Such a module registers the driver as it starts, by a function of the kernel that it needs for
 * that; so one that does not need it has none, nor does one that runs and has not registered it.
 *
 * Return: false for one that is there and brings none; true as well when that is not known.
 */
bool iov_module_may_drive(struct iov *iov, const char *module);

/**
 * iov_module_plan - plan that a module is loaded
 * @plan: plan to append to
 * @name: "vfio-pci"
 * @proof: path that exists once it is loaded; NULL: its directory in sysfs
 * @why: ends the step's title: "the driver of VFs of 0000:01:00.0"
 *
 * Appends nothing when @proof is there, or when the plan loads it already.  Undo
 * leaves it loaded, as others may use it by then.
 */
void iov_module_plan(struct iov_plan *plan, const char *name, const char *proof, const char *why);

#ifdef __cplusplus
}
#endif

#endif
