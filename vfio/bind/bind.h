/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which driver a PCI function is bound to: plans that change it. */
#ifndef IOV_VFIO_BIND_BIND_H
#define IOV_VFIO_BIND_BIND_H

#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum iov_bind_flags - how functions are bound
 * @IOV_BIND_GROUP: take the other members of each IOMMU group along
 * @IOV_BIND_PLANNED: the functions may not exist yet; an earlier step of the
 *	plan makes them, and without a driver
 * @IOV_BIND_ANY_DRIVER: the driver's table need not have the functions
 * @IOV_BIND_LEAVE: what has the driver is left with it, also when it cannot be assigned
 * @IOV_BIND_SLOT: take the other functions of each slot along, reset what gets the driver, and see
 *	that it answers then
 */
enum iov_bind_flags {
	IOV_BIND_GROUP = 1 << 0,
	IOV_BIND_PLANNED = 1 << 1,
	IOV_BIND_ANY_DRIVER = 1 << 2,
	IOV_BIND_LEAVE = 1 << 3,
	IOV_BIND_SLOT = 1 << 4,
};

/**
 * struct iov_bar_size - how large a resizable BAR shall be
 * @bdf: function
 * @index: of the BAR, from 0 on
 * @size: bytes, a power of two
 */
struct iov_bar_size {
	struct iov_bdf bdf;
	unsigned int index;
	uint64_t size;
};

/**
 * iov_bar_size_parse - read a size as people write it
 * @iov: context
 * @bdf: function
 * @text: "1=16G"
 * @size: receives it
 *
 * Return: 0, or -EINVAL with a message.
 */
int iov_bar_size_parse(struct iov *iov, struct iov_bdf bdf, const char *text, struct iov_bar_size *size);

/**
 * iov_bind_plan - plan to bind functions to a driver
 * @plan: plan that the steps are appended to
 * @bdfs: the functions
 * @count: length of @bdfs
 * @driver: driver by the name it has in sysfs, "vfio-pci"
 * @flags: of enum iov_bind_flags
 *
 * Each function gets one step: driver_override first, so that nothing else can
 * claim it in between, then unbind, probe, and the driver link as proof.  A
 * function that has the driver and the override already gets none.  For a
 * driver of VFIO the whole group counts: members that would block it are bound
 * as well with IOV_BIND_GROUP and refuse the plan without.
 *
 * Return: 0; -EINVAL for a bridge, a function named twice, a malformed
 * driver name or a driver whose table does not have the function; -ENODEV without that
 * function; -EBUSY for group members that must move too and for a PF whose VFs would be destroyed; -ENOTSUP when the
 * IOMMU is off; -ENOENT without that driver and a module for it.  Each with a
 * message, and the plan is not worth running then.
 */
int iov_bind_plan(struct iov_plan *plan, const struct iov_bdf *bdfs, size_t count,
		  const char *driver, unsigned int flags);

/**
 * iov_bind_sized_plan - plan to bind functions to a driver, and to give BARs of theirs other sizes
 * @plan: as of iov_bind_plan(), as are the next four
 * @bdfs: functions
 * @count: length of @bdfs
 * @driver: driver
 * @flags: flags
 * @sizes: BARs of functions of @bdfs; each is resized while its function has no driver
 * @size_count: length of @sizes
 *
 * A function that has the driver already loses it for that moment.
 *
 * Return: as iov_bind_plan(); -EINVAL for a size that a BAR cannot have, or for a BAR that is not there;
 * -EOPNOTSUPP for one that cannot be resized.
 */
int iov_bind_sized_plan(struct iov_plan *plan, const struct iov_bdf *bdfs, size_t count, const char *driver,
			unsigned int flags, const struct iov_bar_size *sizes, size_t size_count);

/**
 * iov_disable_vga_plan - plan that vfio-pci is loaded without legacy VGA
 * @plan: plan that a step is appended to, on the whole host; before iov_bind_plan(), which loads it
 *
 * Return: 0; -EBUSY with a message when it is loaded already, with it.
 */
int iov_disable_vga_plan(struct iov_plan *plan);

/**
 * iov_driver_plan - plan that a driver is there to be bound to
 * @plan: plan that a step is appended to, on the whole host
 * @driver: driver by the name it has in sysfs
 *
 * iov_bind_plan() does so, too; a plan for many devices has it come first.
 *
 * Return: 0; -ENOENT without that driver and a module for it; -EINVAL for a malformed
 * name; with a message.
 */
int iov_driver_plan(struct iov_plan *plan, const char *driver);

/**
 * iov_release_plan - plan that functions have no driver
 * @plan: plan that the steps are appended to
 * @bdfs: the functions
 * @count: length of @bdfs
 *
 * Return: as iov_bind_plan().
 */
int iov_release_plan(struct iov_plan *plan, const struct iov_bdf *bdfs, size_t count);

/**
 * iov_unbind_plan - plan to give functions back to their native drivers
 * @plan: plan that the steps are appended to
 * @bdfs: the functions
 * @count: length of @bdfs
 * @flags: IOV_BIND_GROUP also gives back the other members of each group, IOV_BIND_SLOT the other
 *	functions of each slot
 *
 * Clears driver_override, unbinds, loads the module that the function's
 * modalias asks for, and probes.  A function without a native driver is left
 * without one.
 *
 * Return: as iov_bind_plan().
 */
int iov_unbind_plan(struct iov_plan *plan, const struct iov_bdf *bdfs, size_t count,
		    unsigned int flags);

#ifdef __cplusplus
}
#endif

#endif
