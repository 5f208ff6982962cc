/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device class "gpu": what its files share. */
#ifndef IOV_PLUGINS_GPU_GPU_H
#define IOV_PLUGINS_GPU_GPU_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/plan.h"
#include "base/sysroot/sysroot.h"
#include "sriov/class.h"

/* The class, and who performs IOV_OP_VGPU_VFS; iov_plugins_register() adds them. */
extern const struct iov_class gpu_class;
extern const struct iov_op_runner vgpu_vfs_runner;

/* Who has the PF of vGPUs by VFIO of their vendor, and of AMD's VFs. */
#define NVIDIA_DRIVER "nvidia"
#define GIM_DRIVER "gim"

/* Room for the name of a driver. */
#define GPU_DRIVER_SIZE 64

/* Bytes of a list of types or VFs in a message. */
#define GPU_LIST 768

/* share.c: whether it is a GPU of Intel's in the processor, which a guest has with its OpRegion */
bool gpu_is_integrated(struct iov *iov, struct iov_bdf bdf);
/* An array of the ways in which guests can share it or have it, each an object "way", "name", "how". */
struct json_object *gpu_ways(struct iov *iov, struct iov_bdf bdf);

/* describe.c */
int gpu_describe(struct iov *iov, struct iov_bdf bdf, struct json_object *object);
int gpu_take(struct iov *iov, struct iov_bdf bdf, struct json_object *properties);

/* vgpu.c: VFs with the folder "nvidia", which their driver gives to guests by itself */
bool vgpu_is_one(struct iov *iov, struct iov_bdf bdf);
/* Its type, 0 for none; -errno without a message. */
int vgpu_type(struct iov *iov, struct iov_bdf vf, unsigned int *type);
/* Types that a VF can be given now: an array of objects "type" and "name". */
struct json_object *vgpu_types(struct iov *iov, struct iov_bdf vf);
void vgpu_get(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs);
int vgpu_may(struct iov *iov, const struct iov_pf *pf, unsigned int count);
int vgpu_provision(struct iov_plan *plan, const struct iov_pf *pf, struct json_object *vfs,
		   struct json_object *each, unsigned int flags);
void vgpu_restore(struct iov_step *step, const struct iov_pf *pf, struct json_object *vfs);

/* profile.c: files in which drivers have what each VF gets of the GPU */
void profile_get(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs);
int profile_prepare(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count,
		    struct json_object *each);
int profile_finish(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count);
int profile_provision(struct iov_plan *plan, const struct iov_pf *pf, struct json_object *vfs,
		      struct json_object *each, unsigned int flags);
void profile_restore(struct iov *iov, struct iov_step *step, const struct iov_pf *pf,
		     struct json_object *vfs, bool early);
/* "xe", "i915" or NULL: whose files a PF has. */
const char *profile_of(struct iov *iov, struct iov_bdf pf);
/* Whether an attribute is in such files. */
bool profile_has(const char *attribute);

#endif
