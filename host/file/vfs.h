/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VFs of a PF from their number to their drivers, as one piece of a plan. */
#ifndef IOV_HOST_FILE_VFS_H
#define IOV_HOST_FILE_VFS_H

#include "base/pci/pci.h"
#include "base/plan/plan.h"
#include "host/file/host.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_host_vfs_plan - plan the VFs of a PF
 * @plan: plan to append to
 * @pf: the PF
 * @port: as of iov_vf_set_plan()
 * @vfs: how many, and what they are given
 * @flags: of enum iov_vf_flags, see sriov/vf.h
 *
 * Modules, number, interrupt vectors, attributes, and drivers last, so that no driver
 * sees a VF that is not yet what it shall be.  VFs of which no driver is said keep
 * theirs when they are made anew, and new ones get that of the kernel.  Appends nothing
 * for VFs that are so already.
 *
 * Return: 0, or -errno with a message: what the builders of sriov/vf.h and vfio/bind/bind.h
 * give.
 */
int iov_host_vfs_plan(struct iov_plan *plan, struct iov_bdf pf, int port,
		      const struct iov_host_vfs *vfs, unsigned int flags);

/**
 * iov_host_vfs_attributes_plan - plan attributes that VFs have at another port of their PF
 * @plan: plan to append to
 * @pf: the PF
 * @port: as of iov_vf_set_plan()
 * @vfs: what they are given
 * @flags: IOV_VF_ANEW: iov_host_vfs_plan() makes them
 *
 * Return: as iov_vf_set_each_plan().
 */
int iov_host_vfs_attributes_plan(struct iov_plan *plan, struct iov_bdf pf, int port,
				 const struct iov_host_vfs *vfs, unsigned int flags);

/**
 * iov_host_vfs_modules_plan - plan the modules that VFs need
 * @plan: plan to append to
 * @pf: the PF
 * @vfs: how many, and what they are given
 *
 * iov_host_vfs_plan() does so, too; a plan for many devices has it come first.
 *
 * Return: as iov_host_vfs_plan().
 */
int iov_host_vfs_modules_plan(struct iov_plan *plan, struct iov_bdf pf,
			      const struct iov_host_vfs *vfs);

#ifdef __cplusplus
}
#endif

#endif
