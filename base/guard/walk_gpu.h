/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From nodes of GPUs that have no device of their own in sysfs down to the GPUs. */
#ifndef IOV_BASE_GUARD_WALK_GPU_H
#define IOV_BASE_GUARD_WALK_GPU_H

#include "base/guard/scan.h"

/* /dev/kfd is of all GPUs that compute. */
void guard_walk_compute(struct guard_scan *scan, struct guard_chain *chain);

/* NVIDIA's driver has no device in sysfs; procfs lists its GPUs by address. */
void guard_walk_nvidia(struct guard_scan *scan, struct guard_chain *chain, unsigned int index);

#endif
