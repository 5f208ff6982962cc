/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What binding and unbinding share; for the files of vfio/ alone. */
#ifndef IOV_VFIO_BIND_BINDING_H
#define IOV_VFIO_BIND_BINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pci/pci.h"
#include "base/plan/plan.h"
#include "vfio/bind/bind.h"

#define WHY_SIZE 64
#define DRIVER_SIZE 64

/*
 * drivers_probe answers when the probe is over, so a link that is not there by then, or
 * soon after when others probe as well, never comes.
 */
#define PROBED_MS 500

/**
 * struct binding - a function that a plan rebinds, as it is before
 * @bdf: function
 * @exists: false for a VF that the plan is yet to create; nothing is known of it
 * @bridge: it is a bridge, or a part of the chipset
 * @pf: it can have VFs
 * @own_reset: it can be reset without the others of its slot
 * @group_size: members of its IOMMU group, itself included; 0 without a group
 * @driver: driver that it is bound to, "" for none
 * @override: its driver_override, "" for none
 * @why: why it is among them
 */
struct binding {
	struct iov_bdf bdf;
	bool exists;
	bool bridge;
	bool pf;
	bool own_reset;
	size_t group_size;
	char driver[DRIVER_SIZE];
	char override[DRIVER_SIZE];
	char why[WHY_SIZE];
};

/**
 * struct bindings - the functions that a plan rebinds
 * @plan: plan
 * @iov: its context
 * @list: functions, the named ones first
 * @count: length of @list
 * @sizes: BARs of them that get other sizes; NULL: none
 * @size_count: length of @sizes
 */
struct bindings {
	struct iov_plan *plan;
	struct iov *iov;
	struct binding *list;
	size_t count;
	const struct iov_bar_size *sizes;
	size_t size_count;
};

/* Read the named functions; refuse bridges and repetitions. */
int bindings_open(struct bindings *bindings, struct iov_plan *plan, const struct iov_bdf *bdfs,
		  size_t count, unsigned int flags);
void bindings_close(struct bindings *bindings);

/* Append one; a message on failure. */
int bindings_add(struct bindings *bindings, struct iov_bdf bdf, bool planned, const char *why);
bool bindings_have(const struct bindings *bindings, struct iov_bdf bdf);

/*
 * Take a function with what goes along: its VFs, which go when the driver of a PF goes; the
 * members of its IOMMU group that are with VFIO or idle, usable only together with it; and
 * with @guest, when a guest may get it, all that is reset with it, where it has no reset of
 * its own.  Bridges stay with the host.  A PF with VFs keeps its driver: that is refused,
 * but the plan knows who would lose them.
 */
int binding_take(struct bindings *bindings, const struct binding *binding, bool guest);

/* slot.c: append the other functions of the slots of those that were named; a message on failure */
int bindings_add_slots(struct bindings *bindings);
/* Append steps that reset what gets another driver, and see that it answers. */
void bindings_prove_reset(struct bindings *bindings, const char *driver);

/*
 * bars.c: whether BARs of a function get other sizes, and can; a message when they cannot.  What makes
 * it so, for a step that has unbound the function, and what takes all of such a step back.
 */
int bars_check(struct bindings *bindings, const struct binding *binding, bool *differ);
void bars_resize(struct bindings *bindings, const struct binding *binding, struct iov_step *step);
void bars_undo(struct bindings *bindings, const struct binding *binding, struct iov_step *step);

/* Append what a step needs to be refused on a changed host, and to be taken back. */
void binding_check(struct iov_step *step, const struct binding *binding);
void binding_undo(struct iov_step *step, const struct binding *binding);

/* Say what a step makes of a function: driver and override that it has then, "" for none. */
void binding_change(struct iov_step *step, const struct binding *binding, const char *driver,
		    const char *override);

/* Paths of a function's attributes for operations and conditions. */
struct iov_op *bind_op_override(struct iov_bdf bdf, const char *value);
struct iov_op *bind_op_unbind(struct iov_bdf bdf);

/*
 * pciback keeps the address of what it was given, and takes it from whatever driver is chosen at the next
 * probe: what leaves it has to be forgotten.
 */
struct iov_op *bind_op_forget(struct iov_bdf bdf);
/* Until it has @driver; a probe is passed over while another driver is tried on the function. */
struct iov_op *bind_op_probe(struct iov_bdf bdf, struct iov_condition *bound);
struct iov_condition *if_driver(struct iov_bdf bdf, const char *driver);
/* The same, as what a probe must reach. */
struct iov_condition *if_bound(struct iov_bdf bdf, const char *driver);

#endif
