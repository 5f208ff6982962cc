/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan engine: every change of the host is a plan.
 *
 * A plan is a list of steps.  A step is data, not code: operations (op.h) that make
 * the change, conditions (condition.h) that prove it, operations that take it back,
 * conditions that prove that.  So what --dry-run prints is what runs, and a
 * process that never saw the plan can undo it from the journal, where it is JSON.
 *
 * The way of a plan:
 *
 *	builder -> lock -> guards -> journal on disk -> for each step: check,
 *	journal "begin", operations, wait for conditions -> journal removed
 *
 * Steps that have no device in common run at the same time.  At a failure no
 * other begins, those under way are waited for, and all are undone backwards.
 * A process that dies leaves the journal; iov_plan_recover() undoes or
 * finishes it, and iov_plan_run() refuses to start before that.
 *
 * Operations run in threads of the
 * engine, each with a context of its own.  Callbacks of the user (the log,
 * progress, iov_sys_on_write()) are called by one thread at a time.
 */
#ifndef IOV_BASE_PLAN_PLAN_H
#define IOV_BASE_PLAN_PLAN_H

#include <json-c/json.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/op.h"
#include "base/plan/step.h"
#include "base/sysroot/condition.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iov_plan;

/**
 * iov_plan_new - start a plan
 * @out: receives it; the caller frees it with iov_plan_free()
 * @iov: context that outlives the plan
 * @format: printf format of its title: "create 4 VFs on 0000:01:00.0"
 *
 * Return: 0 or -ENOMEM.
 */
int iov_plan_new(struct iov_plan **out, struct iov *iov, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * iov_plan_rename - give a plan another title
 * @plan: plan
 * @format: printf format of it, of who knows only when it is built how much it does
 */
void iov_plan_rename(struct iov_plan *plan, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * iov_plan_free - free a plan
 * @plan: NULL is allowed
 */
void iov_plan_free(struct iov_plan *plan);

/**
 * iov_plan_context - the context of a plan
 * @plan: plan
 */
struct iov *iov_plan_context(const struct iov_plan *plan);

/**
 * iov_plan_step - append a step
 * @plan: plan
 * @device: BDF that it changes, BUS/NAME of a device of another bus, "mdev/UUID", or another
 *	name of an independent part of the host: "memory node 0", "iovd"; NULL for the whole host
 * @format: printf format of what it does: "bind 0000:01:10.0 to vfio-pci (now igbvf)"
 *
 * Return: the step, which stays the plan's; never NULL.
 */
struct iov_step *iov_plan_step(struct iov_plan *plan, const char *device, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * iov_step_check - append a condition that must hold before the step runs
 * @step: step
 * @condition: taken over; what the builder found when it planned the step, so
 *	that a host that changed meanwhile is left alone
 */
void iov_step_check(struct iov_step *step, struct iov_condition *condition);

/**
 * iov_step_do - append an operation of the change
 * @step: step
 * @op: taken over
 */
void iov_step_do(struct iov_step *step, struct iov_op *op);

/**
 * iov_step_verify - append a condition that the change must reach
 * @step: step
 * @condition: taken over; waited for, as drivers act asynchronously
 */
void iov_step_verify(struct iov_step *step, struct iov_condition *condition);

/**
 * iov_step_undo - append an operation that takes the change back
 * @step: step
 * @op: taken over; run in the order of the calls.  Must be right at whichever
 *	operation the change stopped.
 */
void iov_step_undo(struct iov_step *step, struct iov_op *op);

/**
 * iov_step_undone - append a condition that undoing must reach
 * @step: step
 * @condition: taken over
 */
void iov_step_undone(struct iov_step *step, struct iov_condition *condition);

/**
 * iov_step_touches - name another device that a step changes
 * @step: step
 * @device: BDF, or another name of an independent part of the host, as iov_plan_step()
 *	takes it
 *
 * Steps that share a device, by iov_plan_step() or here, run in the order in which
 * they were appended; those that share none may run at the same time.  A step on
 * the whole host comes after all steps before it, and before all after it.
 */
void iov_step_touches(struct iov_step *step, const char *device);

/**
 * iov_step_spares - say why whoever uses the devices of a step does not miss them
 * @step: step
 * @why: "VFs come beside the PF, which goes on"; outlives the plan
 *
 * Guards are asked for what iov_plan_take() names.  A step on a device that is neither
 * taken nor spared is a mistake of its builder, and such a plan does not run.
 */
void iov_step_spares(struct iov_step *step, const char *why);

/**
 * iov_step_unheld - name a function that undoing a step takes away
 * @step: step
 * @bdf: function; it need not exist
 *
 * Between a step and its undo the host or a virtual machine may have begun to use what the
 * step gave.  Before a step is undone the guards are asked for these functions, and for those
 * of the step that the plan takes; where one holds, nothing of the step is undone, the
 * journal is kept, and a later recovery goes on.
 */
void iov_step_unheld(struct iov_step *step, struct iov_bdf bdf);

/**
 * iov_step_unheld_device - name a device of any bus that undoing a step takes away
 * @step: step
 * @device: BDF, or BUS/NAME, "mdev/UUID"; it need not exist
 *
 * As iov_step_unheld() has it of functions.
 */
void iov_step_unheld_device(struct iov_step *step, const char *device);

/**
 * iov_step_gives - name a function that somebody else has when a step is done, as a virtual machine
 * @step: step
 * @bdf: function; it need not exist before the step runs
 *
 * The guards are asked for what a function shares with others, as the namespaces of an NVMe controller may
 * be disks of this host: with all that the plan takes, or right before the step where an earlier one
 * makes the function, or changes it.
 */
void iov_step_gives(struct iov_step *step, struct iov_bdf bdf);

/**
 * iov_step_change - say what a step changes, for a person who reads a diff
 * @step: step
 * @what: what of its device: "driver", "vfs", "vf 3 mac"
 * @from: value now, NULL for none
 * @to: value then, NULL for none
 */
void iov_step_change(struct iov_step *step, const char *what, const char *from, const char *to);

/**
 * iov_plan_note - a remark for whoever reads the plan
 * @plan: plan
 * @format: printf format of one line: "devices[2] (slot=4): absent, skipped"
 */
void iov_plan_note(struct iov_plan *plan, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * iov_plan_take - note that the plan takes a function from the host
 * @plan: plan
 * @bdf: the function; guards are run on each function once
 * @why: why it is taken: "named", "member of IOMMU group 4", "VF 2 of 0000:01:00.0"
 */
void iov_plan_take(struct iov_plan *plan, struct iov_bdf bdf, const char *why);

/**
 * iov_plan_take_device - note that the plan takes a device of any bus from the host
 * @plan: plan
 * @device: BDF, or SUBSYSTEM/NAME as sysfs has it below /sys/bus, "mdev/UUID", "vdpa/vdpa0", or
 *	below /sys/class, "block/nvme0n1"
 * @why: as of iov_plan_take()
 */
void iov_plan_take_device(struct iov_plan *plan, const char *device, const char *why);

/**
 * iov_plan_take_unused - note that the plan takes a device that the kernel gives to one at a time
 * @plan: plan
 * @device: as of iov_plan_take_device()
 * @why: as of iov_plan_take()
 *
 * As VFIO gives a function to iovd: nobody loses it who uses it, so of the guards only "fleet" is
 * asked, as somebody may have claimed it who does not use it yet.
 */
void iov_plan_take_unused(struct iov_plan *plan, const char *device, const char *why);

/**
 * iov_plan_take_vfs - note that the plan takes the VFs of a PF
 * @plan: plan
 * @pf: the PF; a function without VFs has none to take
 */
void iov_plan_take_vfs(struct iov_plan *plan, struct iov_bdf pf);

/**
 * iov_plan_built - end a builder
 * @plan: plan
 * @error: 0, or what kept the builder from filling the plan, whose message the context has
 *
 * Every function that fills a plan ends so: a plan that lacks what a builder could not put
 * into it does nothing, whoever runs it.
 *
 * Return: @error.
 */
int iov_plan_built(struct iov_plan *plan, int error);

/**
 * iov_plan_is_empty - whether there is nothing to do
 * @plan: plan
 */
bool iov_plan_is_empty(const struct iov_plan *plan);

/**
 * iov_plan_json - a plan as JSON
 * @plan: plan
 *
 * Members: "title"; "steps", each with "title", "device", "touches", "changes"
 * (each with "what", "from", "to"), "check", "do", "verify", "undo", "undone", "unheld",
 * "gives";
 * "takes", each with "device", "why" and "unused"; "notes", an array of lines.
 *
 * Return: a new object; the caller puts it.
 */
struct json_object *iov_plan_json(const struct iov_plan *plan);

/**
 * iov_plan_steps - the steps of a plan
 * @plan: plan
 * @count: receives their number
 *
 * Return: an array that stays the plan's, until a step is appended.
 */
const struct iov_step *const *iov_plan_steps(const struct iov_plan *plan, size_t *count);

/**
 * iov_plan_takes - the devices that a plan takes from the host
 * @plan: plan
 * @count: receives their number
 *
 * Return: an array that stays the plan's, until another is taken.
 */
const struct iov_take *iov_plan_takes(const struct iov_plan *plan, size_t *count);

/**
 * iov_plan_changes - whether a step changes something of a device
 * @plan: plan
 * @device: as iov_plan_step() was given it
 * @what: as iov_step_change() was given it: "vfs" tells whether VFs of a PF are created
 *	or removed
 */
bool iov_plan_changes(const struct iov_plan *plan, const char *device, const char *what);

/**
 * iov_plan_loads - whether a step loads a module
 * @plan: plan
 * @module: "vfio-pci"
 */
bool iov_plan_loads(const struct iov_plan *plan, const char *module);

/**
 * iov_plan_guard - run the guards on everything the plan takes
 * @plan: plan
 * @lifted: names of guards that are not asked, ended by NULL; NULL for none
 * @findings: receives an array of findings (see guard.h), which the caller
 *	puts; may be NULL
 *
 * Return: 0 when nothing holds the functions; -ECANCELED with a message that
 * names the holders and their guards; or -errno with a message.
 */
int iov_plan_guard(struct iov_plan *plan, const char *const *lifted,
		   struct json_object **findings);

/**
 * struct iov_plan_options - how a plan runs
 * @lifted: names of guards that are not asked, ended by NULL; NULL for none
 * @findings: receives what guards found when they refused, or kept a step from being undone: an
 *	array as iov_plan_guard() gives, to which is appended when there is one; may be NULL
 * @verify_timeout: how long each condition is waited for, in milliseconds;
 *	0 means 10 s
 * @lock_timeout: how long another change is waited for, in milliseconds; 0 means 30 s
 * @jobs: most steps that run at the same time, 1 to 64; 0 means as many
 *	as there are CPUs, 2 to 8
 * @signal: where a handler of the caller's leaves the number of a signal that asks for the
 *	end; a run that finds one there begins nothing more and undoes what it did; may be NULL
 * @confirm: seconds; when all is done the change waits so long for iov_plan_confirm(), and no
 *	other begins; 0: it is over then.  Who takes it back is who calls iov_plan_expire()
 * @armed: called when others can take the change back, before its first step; an error there,
 *	with a message, ends it; may be NULL
 * @armed_arg: passed to @armed
 * @progress: called before each step that is done or undone, counted from 1, by one
 *	thread at a time; may be NULL
 * @progress_arg: passed to @progress
 */
struct iov_plan_options {
	const char *const *lifted;
	struct json_object **findings;
	unsigned int verify_timeout;
	unsigned int lock_timeout;
	unsigned int jobs;
	const volatile sig_atomic_t *signal;
	unsigned int confirm;
	int (*armed)(void *arg);
	void *armed_arg;
	void (*progress)(void *arg, size_t step, size_t steps, const char *title);
	void *progress_arg;
};

/**
 * iov_plan_lock - keep others from changing the host
 * @iov: context
 * @wait: how long another change is waited for, in milliseconds; 0 means 30 s
 *
 * A plan that is built under the lock is right when it runs: what another change left is
 * seen, and its undoing leads back to that.  Plans that run meanwhile use the lock.
 *
 * Return: 0, also when this context holds it already; -EBUSY when another process goes on
 * changing the host; or -errno.  Each with a message.
 */
int iov_plan_lock(struct iov *iov, unsigned int wait);

/**
 * iov_plan_unlock - let others change the host again
 * @iov: context; one that does not hold the lock is left alone
 */
void iov_plan_unlock(struct iov *iov);

/**
 * iov_plan_run - guard, journal and carry out a plan
 * @plan: plan
 * @options: NULL for the defaults
 *
 * Return: 0; the error of a builder that failed, see iov_plan_built(), when nothing is
 * done; -ECANCELED when a guard refused; -EBUSY when another process changes the host or
 * an interrupted change waits for iov_plan_recover(); -errno of the step that failed, after
 * everything was undone; -ENOTRECOVERABLE when undoing failed as well and the journal was
 * kept.  Each with a message.
 */
int iov_plan_run(struct iov_plan *plan, const struct iov_plan_options *options);

/**
 * iov_plan_pending - the interrupted change, if there is one
 * @iov: context
 * @pending: receives an object with "title", "steps", "begun" (number of steps that
 *	have to be undone), "pid" and "time" (ISO 8601), and "left", seconds, when all is
 *	done and awaits iov_plan_confirm(), 0 when it is too late for that; the caller puts it;
 *	NULL when there is none
 *
 * Return: 0 or -errno with a message.
 */
int iov_plan_pending(struct iov *iov, struct json_object **pending);

/**
 * iov_plan_settled - whether nothing stands in the way of a change
 * @iov: context
 *
 * Plans ask it by themselves; it is for changes that are none.
 *
 * Return: 0; -EBUSY with a message while an interrupted change waits for iov_plan_recover(), or
 * one that was made for iov_plan_confirm(); or -errno with a message.
 */
int iov_plan_settled(struct iov *iov);

/**
 * iov_plan_recover - undo or finish an interrupted change
 * @iov: context
 * @finish: true: carry out the rest; false: take back what was done
 * @options: NULL for the defaults
 *
 * A change that awaits iov_plan_confirm() is taken back, or kept with @finish.
 *
 * Guards are asked for what is taken on the way, as the host may use now what the change
 * gave it.  Does nothing when there is no journal.  A journal of an earlier boot is
 * removed: no state of the kernel outlives a boot.
 *
 * Return: 0; -EBUSY while the process that owns the journal lives;
 * -ENOTRECOVERABLE or -errno with a message, the journal kept.
 */
int iov_plan_recover(struct iov *iov, bool finish, const struct iov_plan_options *options);

/* The message where no change awaits iov_plan_confirm(). */
#define IOV_NOTHING_AWAITS \
	"nothing awaits confirmation; 'iov log' tells what became of the last change"

/* The message where one is taken back, or about to be. */
#define IOV_TOO_LATE \
	"too late: the change is being taken back, whose time is over; 'iov log' tells when that is done, " \
	"'iov confirm --undo' goes on with it where it stopped"

/**
 * iov_plan_confirm - keep a change that awaits it
 * @iov: context
 *
 * Return: 0; -ESRCH with a message when none awaits it, as when its time is over and it was
 * taken back; -ETIME with a message when its time is over, or it is being taken back; or -errno
 * with a message.
 */
int iov_plan_confirm(struct iov *iov);

/**
 * iov_plan_expire - take a change back that nobody confirmed
 * @iov: context
 * @options: as for iov_plan_recover()
 *
 * Acts as well when the process that made the change was killed before its end.
 *
 * Return: 1 when it was taken back; 0 when none is to be waited for any more; -EAGAIN while there is time, -EBUSY
 * while another process changes the host: call again; or what iov_plan_recover() gives.
 */
int iov_plan_expire(struct iov *iov, const struct iov_plan_options *options);

#ifdef __cplusplus
}
#endif

#endif
