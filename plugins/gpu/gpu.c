// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * GPUs, by what the kernel says of them: a class of displays, or the files that a driver gives to
 * functions that guests share.
 *
 * A GPU as a whole goes to a guest as any function does, with the others of its slot (--slot of
 * "iov bind").  What guests share is VFs, of which each driver has its own idea:
 *
 *	NVIDIA		a tool of its own makes them all; each gets a type of vGPU by its number, and its
 *			driver gives it to guests (vgpu.c)
 *	Intel		sriov_numvfs makes them; what each gets is in files, memory before they exist and
 *			shares of time at any moment (profile.c)
 *	AMD		the driver makes them when it is loaded, and its own tool does the rest
 *
 * or mediated devices, which plugins/mdev/ has.
 */
#include "plugins/gpu/gpu.h"

#include <errno.h>
#include <string.h>

#include "base/sysroot/paths.h"

#define BASE_CLASS_DISPLAY 0x03
#define CLASS_ACCELERATOR 0x1200

static bool match_gpu(struct iov *iov, struct iov_bdf bdf)
{
	char driver[GPU_DRIVER_SIZE];
	int64_t code;

	if (iov_pci_number(iov, bdf, "class", &code))
		return false;
	if (code >> 16 == BASE_CLASS_DISPLAY)
		return true;
	if (code >> 8 != CLASS_ACCELERATOR)
		return false;
	return iov_sys_exists(iov, iov_pci_path(bdf, "drm").name) ||
	       (!iov_pci_driver(iov, bdf, driver, sizeof(driver)) && !strcmp(driver, GIM_DRIVER));
}

static int get_gpu(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs)
{
	vgpu_get(iov, pf, vfs);
	profile_get(iov, pf, vfs);
	return 0;
}

/* AMD's module makes as many VFs as it was told when it was loaded. */
static int refuse_gim(struct iov *iov, const struct iov_pf *pf)
{
	char number[16];

	if (iov_sys_read(iov, IOV_PATH_MODULES "/" GIM_DRIVER "/parameters/vf_num", number, sizeof(number)))
		strcpy(number, "not told");
	return iov_fail(iov, -EOPNOTSUPP, "%s: its driver gim makes the VFs, when it is loaded (module parameter "
			"vf_num, now %s); set vf_num and load gim again, and partition the GPU with amd-smi",
			IOV_BDF(pf->bdf), number);
}

static int may_gpu(struct iov *iov, const struct iov_pf *pf, unsigned int count)
{
	const char *profiles = profile_of(iov, pf->bdf);

	if (!strcmp(pf->driver, GIM_DRIVER))
		return refuse_gim(iov, pf);
	if (!strcmp(pf->driver, NVIDIA_DRIVER))
		return vgpu_may(iov, pf, count);
	if (!pf->total && count && profiles)
		return iov_fail(iov, -EOPNOTSUPP, "%s: %s gives 0 VFs: it runs without SR-IOV; load it with the "
				"module parameter max_vfs=7 or so (%s), and turn SR-IOV on in the firmware",
				IOV_BDF(pf->bdf), pf->driver,
				strcmp(profiles, "xe") ? "i915.enable_guc=3 as well" : "xe.max_vfs");
	return 0;
}

/* By the driver that the kernel names, as the plan looks at nothing here. */
static struct iov_op *number_gpu(const struct iov_pf *pf, unsigned int count)
{
	return strcmp(pf->driver, NVIDIA_DRIVER) ? NULL : iov_op_vgpu_vfs(pf->bdf, count);
}

static int provision_gpu(struct iov_plan *plan, const struct iov_pf *pf, struct json_object *vfs,
			 struct json_object *each, unsigned int flags)
{
	int error = vgpu_provision(plan, pf, vfs, each, flags);

	return error ? error : profile_provision(plan, pf, vfs, each, flags);
}

static void restore_gpu(struct iov *iov, struct iov_step *step, const struct iov_pf *pf,
			struct json_object *vfs)
{
	vgpu_restore(step, pf, vfs);
	profile_restore(iov, step, pf, vfs, false);
}

static void restore_early_gpu(struct iov *iov, struct iov_step *step, const struct iov_pf *pf,
			      struct json_object *vfs)
{
	profile_restore(iov, step, pf, vfs, true);
}

static const char *const priorities[] = { "low", "normal", "high", NULL };

#define VF_VALUE IOV_ATTRIBUTE_PROVISIONED
#define VF_QUOTA (IOV_ATTRIBUTE_PROVISIONED | IOV_ATTRIBUTE_EARLY)

static const struct iov_attribute attributes[] = {
	{ "vgpu_type", IOV_ATTRIBUTE_NUMBER, VF_VALUE, .max = UINT32_MAX,
	  .expected = "the number of a vGPU type, or 0 for none" },
	{ "exec_quantum", IOV_ATTRIBUTE_NUMBER, VF_VALUE, .max = UINT32_MAX, .unit = "ms" },
	{ "preempt_timeout", IOV_ATTRIBUTE_NUMBER, VF_VALUE, .max = UINT32_MAX, .unit = "us" },
	{ "sched_priority", IOV_ATTRIBUTE_CHOICE, VF_VALUE, .choices = priorities },
	{ "vram_quota", IOV_ATTRIBUTE_SIZE, VF_QUOTA, .max = INT64_MAX },
	{ "ggtt_quota", IOV_ATTRIBUTE_SIZE, VF_QUOTA, .max = INT64_MAX },
	{ "contexts_quota", IOV_ATTRIBUTE_NUMBER, VF_QUOTA, .max = UINT32_MAX },
	{ "doorbells_quota", IOV_ATTRIBUTE_NUMBER, VF_QUOTA, .max = UINT32_MAX },
	{ 0 },
};

const struct iov_class gpu_class = {
	.name = "gpu",
	.title = "GPUs",
	.attributes = attributes,
	.match = match_gpu,
	.describe = gpu_describe,
	.take = gpu_take,
	.get = get_gpu,
	.may = may_gpu,
	.number = number_gpu,
	.prepare = profile_prepare,
	.finish = profile_finish,
	.provision = provision_gpu,
	.restore = restore_gpu,
	.restore_early = restore_early_gpu,
};
