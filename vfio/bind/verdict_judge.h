/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of verdict.h share; for the files of vfio/bind alone. */
#ifndef IOV_VFIO_BIND_VERDICT_JUDGE_H
#define IOV_VFIO_BIND_VERDICT_JUDGE_H

#include <stdbool.h>

#include "base/pci/pci_config.h"
#include "iommu/group.h"
#include "vfio/bind/verdict.h"

/**
 * struct judgement - a function that is judged
 * @iov: context
 * @bdf: the function
 * @dir: its directory
 * @group: its IOMMU group, NULL for none
 * @config: its configuration space, empty when it could not be read
 * @config_error: why not, 0 when it could
 * @verdict: reasons so far
 */
struct judgement {
	struct iov *iov;
	struct iov_bdf bdf;
	int dir;
	struct iov_group *group;
	struct iov_config config;
	int config_error;
	struct iov_verdict *verdict;
};

/* Of a PF that loses its driver: how many, the driver; its address. */
#define VFS_GO "has %u VFs, which go when its driver %s does"
#define VFS_REMEDY "remove them first with 'iov vf remove %s'"

/* Append a reason; its remedy is written by whoever gets it. */
struct iov_reason *verdict_add(struct judgement *judgement, const char *kind,
			       enum iov_severity severity, int error, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void verdict_remedy(struct iov_reason *reason, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* verdict_device.c: the function by itself */
void judge_kind(struct judgement *judgement);
void judge_vfs(struct judgement *judgement);
void judge_power(struct judgement *judgement);
void judge_reset(struct judgement *judgement);
void judge_intx(struct judgement *judgement);

/* verdict_place.c: the function among others */
void judge_controller(struct judgement *judgement);
void judge_iommu(struct judgement *judgement);
void judge_interrupts(struct judgement *judgement);
void judge_reserved(struct judgement *judgement);
void judge_others(struct judgement *judgement);
void judge_group(struct judgement *judgement);

#endif
