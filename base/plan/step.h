/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps as the engine has them, and as others read them.  They are made by iov_plan_step()
 * and the functions behind it in plan.h, and belong to their plan.
 */
#ifndef IOV_BASE_PLAN_STEP_H
#define IOV_BASE_PLAN_STEP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pci/pci.h"
#include "base/plan/op.h"
#include "base/sysroot/condition.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iov_op_list {
	struct iov_op **list;
	size_t count;
};

struct iov_condition_list {
	struct iov_condition **list;
	size_t count;
};

struct iov_text_list {
	char **list;
	size_t count;
};

/* What a step changes, for a person; NULL for no value. */
struct iov_change {
	char *what;
	char *from;
	char *to;
};

/**
 * struct iov_step - a step
 * @title: what it does
 * @device: what it changes, NULL for the whole host
 * @touches: other devices that it changes
 * @unheld: devices that undoing it takes away
 * @gives: functions that somebody else has from then on
 * @spares: why its devices need not be asked for, NULL when those that it takes are taken
 * @changes: for a person who reads a diff
 * @change_count: length of @changes
 * @check: must hold before it runs
 * @run: what it does
 * @verify: what it must reach
 * @undo: takes it back
 * @undone: what that must reach
 * @incomplete: there was no memory for something of it
 */
struct iov_step {
	char *title;
	char *device;
	struct iov_text_list touches;
	struct iov_text_list unheld;
	struct iov_text_list gives;
	const char *spares;
	struct iov_change *changes;
	size_t change_count;
	struct iov_condition_list check;
	struct iov_op_list run;
	struct iov_condition_list verify;
	struct iov_op_list undo;
	struct iov_condition_list undone;
	bool incomplete;
};

/*
 * A device that a plan takes from the host, by its BDF or as SUBSYSTEM/NAME, and why; @unused: see
 * iov_plan_take_unused().
 */
struct iov_take {
	char *device;
	char *why;
	bool unused;
};

#ifdef __cplusplus
}
#endif

#endif
