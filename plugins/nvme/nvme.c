// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VFs of NVMe controllers.  Each is a secondary controller that comes up
 * offline, and the nvme driver fails on it, until its primary gives it queues
 * and interrupts and sets it online.
 *
 *	[take resources from the PF]	when it holds what the VFs need; counts
 *					from the reset that follows, which every
 *					VF would lose its state in
 *	share out			while the VFs are offline
 *	(the VFs are created)
 *	set online			refused before the VFs exist
 *
 * Removing VFs sets them offline.  What they had stays unassigned afterwards:
 * giving it back to the PF would cost another reset of the PF.
 */
#include "plugins/nvme/nvme.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

#define CLASS_NVME 0x010802

/* An admin queue and one for I/O; one interrupt. */
#define MIN_QUEUES 2
#define MIN_INTERRUPTS 1

static bool match_nvme(struct iov *iov, struct iov_bdf pf)
{
	int64_t class_code;

	return !iov_pci_number(iov, pf, "class", &class_code) && class_code == CLASS_NVME;
}

static void describe_secondary(const struct nvme_secondary *secondary, struct json_object *vf)
{
	json_object_object_add(vf, "controller", json_object_new_int(secondary->id));
	json_object_object_add(vf, "state",
			       json_object_new_string(secondary->online ? "online" : "offline"));
	json_object_object_add(vf, "queues", json_object_new_int64(secondary->has.queues));
	json_object_object_add(vf, "interrupts", json_object_new_int64(secondary->has.interrupts));
}

static int get_nvme(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs)
{
	struct nvme_virt virt;
	int error = nvme_virt_read(iov, pf->bdf, &virt);

	for (size_t i = 0; !error && i < json_object_array_length(vfs); i++) {
		const struct nvme_secondary *secondary = nvme_virt_find(&virt, (unsigned int)i);

		if (secondary)
			describe_secondary(secondary, json_object_array_get_idx(vfs, i));
	}
	if (!error)
		error = nvme_namespaces_get(iov, pf, &virt, vfs);
	nvme_virt_free(&virt);
	return error;
}

/* An equal share for each of @count, in preferred portions where that leaves enough. */
static unsigned int share(unsigned int total, unsigned int most, unsigned int grain,
			  unsigned int least, unsigned int count)
{
	unsigned int part = total / count;

	if (most && part > most)
		part = most;
	if (grain && part - part % grain >= least)
		part -= part % grain;
	return part;
}

static int share_out(struct iov *iov, const struct iov_pf *pf, const struct nvme_virt *virt,
		     unsigned int count, struct iov_nvme_resources *each)
{
	each->queues = share(virt->flexible.queues, virt->most.queues, virt->grain.queues,
			     MIN_QUEUES, count);
	each->interrupts = share(virt->flexible.interrupts, virt->most.interrupts,
				 virt->grain.interrupts, MIN_INTERRUPTS, count);
	if (each->queues < MIN_QUEUES)
		return iov_fail(iov, -ENOSPC,
				"count %u: %s has %u flexible queues and each VF needs "
				"%d; ask for at most %u VFs",
				count, IOV_BDF(pf->bdf), virt->flexible.queues, MIN_QUEUES,
				virt->flexible.queues / MIN_QUEUES);
	if (each->interrupts < MIN_INTERRUPTS)
		return iov_fail(iov, -ENOSPC, "count %u: %s has %u flexible interrupts and each VF "
				"needs %d; ask for at most %u VFs", count, IOV_BDF(pf->bdf),
				virt->flexible.interrupts, MIN_INTERRUPTS,
				virt->flexible.interrupts / MIN_INTERRUPTS);
	return 0;
}

static bool all_online(const struct nvme_virt *virt, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct nvme_secondary *secondary = nvme_virt_find(virt, i);

		if (!secondary || !secondary->online)
			return false;
	}
	return true;
}

static unsigned int min(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* VFs that exist go offline when their primary is reset. */
static void take_reset(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count)
{
	iov_plan_take(plan, pf->bdf, "named, and its controller has to be reset");
	if (pf->count == count)
		iov_plan_take_vfs(plan, pf->bdf);
}

typedef void step_append_fn(struct iov_step *step, struct iov_op *op);

/*
 * A reset of the function is the strongest of the controller level resets
 * (NVM Express Base 2.0, section 3.7.2); the nvme driver recovers from it.
 */
static void append_primary(struct iov_step *step, step_append_fn *append, const struct iov_pf *pf,
			   uint16_t controller, const struct iov_nvme_resources *keep)
{
	append(step, iov_op_nvme_virt(pf->bdf, IOV_NVME_PRIMARY, controller, keep));
	append(step, iov_op_write(iov_pci_path(pf->bdf, "reset").name, "1"));
	append(step, iov_op_nvme_virt(pf->bdf, IOV_NVME_PROVE, controller, keep));
}

/* "vf 3 queues", or "flexible queues" of the primary. */
static void change_resources(struct iov_step *step, const char *whose,
			     const struct iov_nvme_resources *from,
			     const struct iov_nvme_resources *to)
{
	if (from->queues != to->queues)
		iov_step_change(step, iov_path("%s queues", whose).name,
				iov_path("%u", from->queues).name, iov_path("%u", to->queues).name);
	if (from->interrupts != to->interrupts)
		iov_step_change(step, iov_path("%s interrupts", whose).name,
				iov_path("%u", from->interrupts).name,
				iov_path("%u", to->interrupts).name);
}

/* Let the primary keep what the VFs leave; a step only when it holds more. */
static int plan_primary(struct iov_plan *plan, const struct iov_pf *pf,
			const struct nvme_virt *virt, const struct iov_nvme_resources *each,
			unsigned int count, bool *resets)
{
	struct iov_nvme_resources keep = {
		min(virt->primary.queues, virt->flexible.queues - each->queues * count),
		min(virt->primary.interrupts, virt->flexible.interrupts - each->interrupts * count),
	};
	struct iov_step *step;

	*resets = keep.queues != virt->primary.queues ||
		  keep.interrupts != virt->primary.interrupts;
	if (!*resets)
		return 0;
	take_reset(plan, pf, count);
	step = iov_plan_step(plan, IOV_BDF(pf->bdf), "take flexible resources from %s and reset it",
			     IOV_BDF(pf->bdf));
	iov_vf_touches(step, pf, pf->count);
	change_resources(step, "flexible", &virt->primary, &keep);
	append_primary(step, iov_step_do, pf, virt->id, &keep);
	append_primary(step, iov_step_undo, pf, virt->id, &virt->primary);
	return 0;
}

static bool shrinks(const struct iov_nvme_resources *from, const struct iov_nvme_resources *to)
{
	return to->queues < from->queues || to->interrupts < from->interrupts;
}

static bool is_idle(const struct iov_nvme_resources *from, const struct iov_nvme_resources *to)
{
	return !from->queues && !from->interrupts && !to->queues && !to->interrupts;
}

/* From what each controller has to @to: those that give before those that take. */
static void append_assignments(struct iov_step *step, step_append_fn *append,
			       const struct iov_pf *pf, const struct nvme_virt *virt,
			       const struct iov_nvme_resources *from,
			       const struct iov_nvme_resources *to)
{
	for (int taking = 0; taking < 2; taking++) {
		for (size_t i = 0; i < virt->count; i++) {
			if (shrinks(&from[i], &to[i]) == !taking && !is_idle(&from[i], &to[i]))
				append(step, iov_op_nvme_virt(pf->bdf, IOV_NVME_ASSIGN,
							  virt->secondaries[i].id, &to[i]));
		}
	}
}

/*
 * Controllers that have their share by now are named as well: removing VFs or
 * a reset before this step may take it away.  Only one that is online then
 * keeps what it has.
 */
static int plan_assignment(struct iov_plan *plan, const struct iov_pf *pf,
			   const struct nvme_virt *virt, const struct iov_nvme_resources *each,
			   unsigned int count, bool reset)
{
	bool stays_online = pf->count == count && !reset;
	_cleanup_free_ struct iov_nvme_resources *now = calloc(virt->count, sizeof(*now));
	_cleanup_free_ struct iov_nvme_resources *then = calloc(virt->count, sizeof(*then));
	struct iov_step *step;

	if (!now || !then)
		return -ENOMEM;
	for (size_t i = 0; i < virt->count; i++) {
		const struct nvme_secondary *secondary = &virt->secondaries[i];

		now[i] = secondary->has;
		if (stays_online && secondary->online)
			then[i] = secondary->has;
		else if (secondary->vf && secondary->vf <= count)
			then[i] = *each;
	}
	step = iov_plan_step(plan, IOV_BDF(pf->bdf), "give each of %u VFs %u queues and %u "
			     "interrupt%s", count, each->queues, each->interrupts,
			     each->interrupts == 1 ? "" : "s");
	iov_step_spares(step, "VFs that are online keep what they have");
	iov_vf_touches(step, pf, count);
	for (size_t i = 0; i < virt->count; i++) {
		if (virt->secondaries[i].vf)
			change_resources(step, iov_path("vf %u", virt->secondaries[i].vf - 1).name,
					 &now[i], &then[i]);
	}
	append_assignments(step, iov_step_do, pf, virt, now, then);
	append_assignments(step, iov_step_undo, pf, virt, then, now);
	return 0;
}

static int prepare(struct iov_plan *plan, const struct iov_pf *pf, const struct nvme_virt *virt,
		   unsigned int count)
{
	struct iov_nvme_resources each;
	bool resets = false;
	int error;

	if (!virt->supported || (pf->count == count && all_online(virt, count)))
		return 0;
	error = share_out(iov_plan_context(plan), pf, virt, count, &each);
	if (!error)
		error = plan_primary(plan, pf, virt, &each, count, &resets);
	if (!error)
		error = plan_assignment(plan, pf, virt, &each, count, resets);
	return error;
}

static int prepare_nvme(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count,
			struct json_object *each)
{
	struct nvme_virt virt;
	int error = nvme_virt_read(iov_plan_context(plan), pf->bdf, &virt);

	(void)each; /* nothing of NVMe's is early */
	if (error)
		return error;
	error = prepare(plan, pf, &virt, count);
	nvme_virt_free(&virt);
	return error;
}

static void finish(struct iov_plan *plan, const struct iov_pf *pf, const struct nvme_virt *virt,
		   unsigned int count)
{
	struct iov_step *step;

	if (!virt->supported || (pf->count == count && all_online(virt, count)))
		return;
	step = iov_plan_step(plan, IOV_BDF(pf->bdf), "set %u VF%s of %s online", count,
			     count == 1 ? "" : "s", IOV_BDF(pf->bdf));
	iov_step_spares(step, "VFs that are offline have no user");
	iov_vf_touches(step, pf, count);
	for (unsigned int i = 0; i < count; i++) {
		const struct nvme_secondary *secondary = nvme_virt_find(virt, i);

		if (!secondary)
			continue;
		if (!secondary->online)
			iov_step_change(step, iov_path("vf %u state", i).name, "offline", "online");
		iov_step_unheld(step, iov_vf_bdf(pf, i));
		iov_step_do(step, iov_op_nvme_virt(pf->bdf, IOV_NVME_ONLINE, secondary->id, NULL));
		iov_step_undo(step, iov_op_nvme_virt(pf->bdf, IOV_NVME_OFFLINE, secondary->id, NULL));
	}
}

static int finish_nvme(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count)
{
	struct nvme_virt virt;
	int error = nvme_virt_read(iov_plan_context(plan), pf->bdf, &virt);

	if (error)
		return error;
	finish(plan, pf, &virt, count);
	nvme_virt_free(&virt);
	return 0;
}

/* What VFs have and what they shall have, at the index of their controller. */
struct provision {
	struct iov *iov;
	const struct iov_pf *pf;
	const struct nvme_virt *virt;
	struct nvme_secondary *now;
	struct nvme_secondary *then;
};

/* One kind of flexible resources of everybody who has some. */
static unsigned int resource(const struct iov_nvme_resources *resources, bool interrupts)
{
	return interrupts ? resources->interrupts : resources->queues;
}

/* "the PF 8, VF 0 4, VF 3 2" */
static void list_owners(const struct provision *provision, bool interrupts, char *text, size_t size)
{
	const struct nvme_virt *virt = provision->virt;
	size_t length = (size_t)snprintf(text, size, "the PF %u", resource(&virt->primary, interrupts));

	for (size_t i = 0; i < virt->count && length < size; i++) {
		const struct nvme_secondary *then = &provision->then[i];

		if (then->vf && resource(&then->has, interrupts))
			length += (size_t)snprintf(text + length, size - length, ", VF %d %u", then->vf - 1,
						   resource(&then->has, interrupts));
	}
}

/* What all have together is what there is, at most. */
static int check_pool(const struct provision *provision, bool interrupts)
{
	const struct nvme_virt *virt = provision->virt;
	unsigned int total = resource(&virt->flexible, interrupts);
	unsigned int used = resource(&virt->primary, interrupts);
	const char *what = interrupts ? "interrupts" : "queues";
	char owners[512];

	for (size_t i = 0; i < virt->count; i++)
		used += resource(&provision->then[i].has, interrupts);
	if (used <= total)
		return 0;
	list_owners(provision, interrupts, owners, sizeof(owners));
	return iov_fail(provision->iov, -ENOSPC, "%s has %u flexible %s, and %u would be needed: %s; give others "
			"less, or have fewer VFs", IOV_BDF(provision->pf->bdf), total, what, used, owners);
}

static int check_share(const struct provision *provision, size_t at)
{
	const struct nvme_secondary *then = &provision->then[at];
	const struct nvme_virt *virt = provision->virt;
	unsigned int index = then->vf - 1u;

	if (virt->most.queues && then->has.queues > virt->most.queues)
		return iov_fail(provision->iov, -EINVAL, "queues %u: a VF of %s has at most %u",
				then->has.queues, IOV_BDF(provision->pf->bdf), virt->most.queues);
	if (virt->most.interrupts && then->has.interrupts > virt->most.interrupts)
		return iov_fail(provision->iov, -EINVAL, "interrupts %u: a VF of %s has at most %u",
				then->has.interrupts, IOV_BDF(provision->pf->bdf), virt->most.interrupts);
	if (then->online && (then->has.queues < MIN_QUEUES || then->has.interrupts < MIN_INTERRUPTS))
		return iov_fail(provision->iov, -EINVAL, "VF %u with %u queues and %u interrupts: to be online it "
				"needs at least %d and %d", index, then->has.queues, then->has.interrupts,
				MIN_QUEUES, MIN_INTERRUPTS);
	return 0;
}

static bool same_resources(const struct iov_nvme_resources *a, const struct iov_nvme_resources *b)
{
	return a->queues == b->queues && a->interrupts == b->interrupts;
}

/* Resources are shared out while a VF is offline: who wants that of one that is online has to say so. */
static int check_state(const struct provision *provision, size_t at, bool state_told)
{
	const struct nvme_secondary *now = &provision->now[at], *then = &provision->then[at];

	if (!now->online || state_told || same_resources(&now->has, &then->has))
		return 0;
	return iov_fail(provision->iov, -EBUSY, "VF %d of %s is online, and its queues and interrupts change while "
			"it is offline; add --online (state=online of 'iov set') to have it offline for a moment, or --offline",
			now->vf - 1, IOV_BDF(provision->pf->bdf));
}

static void want_number(struct json_object *values, const char *name, unsigned int *number)
{
	struct json_object *value = json_object_object_get(values, name);

	if (value)
		*number = (unsigned int)json_object_get_int64(value);
}

static int want(struct provision *provision, unsigned int index, struct json_object *values, bool anew)
{
	const char *state = json_text_or_null(values, "state");
	struct nvme_secondary *then = NULL;
	size_t at = 0;

	for (; at < provision->virt->count && !then; at++) {
		if (provision->then[at].vf == index + 1)
			then = &provision->then[at];
	}
	if (!then)
		return iov_fail(provision->iov, -ENODEV, "VF %u of %s has no controller", index,
				IOV_BDF(provision->pf->bdf));
	want_number(values, "queues", &then->has.queues);
	want_number(values, "interrupts", &then->has.interrupts);
	if (state)
		then->online = !strcmp(state, "online");
	return check_state(provision, at - 1, state || anew);
}

/* As prepare() and finish() leave new VFs. */
static int assume_new(struct provision *provision, unsigned int count)
{
	struct iov_nvme_resources each;
	int error = share_out(provision->iov, provision->pf, provision->virt, count, &each);

	for (size_t i = 0; !error && i < provision->virt->count; i++) {
		bool is_new = provision->now[i].vf && provision->now[i].vf <= count;

		provision->now[i].online = is_new;
		provision->now[i].has = is_new ? each : (struct iov_nvme_resources){ 0 };
	}
	return error;
}

static bool differs(const struct provision *provision, size_t at)
{
	return provision->now[at].online != provision->then[at].online ||
	       !same_resources(&provision->now[at].has, &provision->then[at].has);
}

/* Offline, those that give, those that take, online: each controller from @from to @to. */
static void append_provision(struct iov_step *step, step_append_fn *append,
			     const struct provision *provision, const struct nvme_secondary *from,
			     const struct nvme_secondary *to)
{
	struct iov_bdf pf = provision->pf->bdf;
	size_t count = provision->virt->count;

	for (size_t i = 0; i < count; i++) {
		if (differs(provision, i))
			append(step, iov_op_nvme_virt(pf, IOV_NVME_OFFLINE, to[i].id, NULL));
	}
	for (int taking = 0; taking < 2; taking++) {
		for (size_t i = 0; i < count; i++) {
			if (differs(provision, i) && shrinks(&from[i].has, &to[i].has) == !taking)
				append(step, iov_op_nvme_virt(pf, IOV_NVME_ASSIGN, to[i].id, &to[i].has));
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (differs(provision, i) && to[i].online)
			append(step, iov_op_nvme_virt(pf, IOV_NVME_ONLINE, to[i].id, NULL));
	}
}

/* VFs that are online and change go offline before, and those of the kernel's driver leave it meanwhile. */
static void plan_drivers(struct iov_plan *plan, const struct provision *provision, bool leave)
{
	for (size_t i = 0; i < provision->virt->count; i++) {
		struct iov_bdf vf = iov_vf_bdf(provision->pf, provision->now[i].vf - 1u);
		char driver[64];

		if (!differs(provision, i) || !provision->now[i].online ||
		    !nvme_driver_of(provision->iov, vf, driver, sizeof(driver)))
			continue;
		if (leave)
			nvme_driver_leave(plan, vf, driver);
		else if (provision->then[i].online)
			nvme_driver_return(plan, vf, driver);
	}
}

/* Who uses a VF that goes offline loses it. */
static void take_online(struct iov_plan *plan, const struct provision *provision)
{
	for (size_t i = 0; i < provision->virt->count; i++) {
		if (differs(provision, i) && provision->now[i].online)
			iov_plan_take(plan, iov_vf_bdf(provision->pf, provision->now[i].vf - 1u),
				      "it goes offline");
	}
}

static void add_provision(struct iov_plan *plan, const struct provision *provision, bool anew)
{
	struct iov_step *step = NULL;

	if (!anew)
		plan_drivers(plan, provision, true);
	for (size_t i = 0; i < provision->virt->count; i++) {
		const struct nvme_secondary *now = &provision->now[i], *then = &provision->then[i];
		struct iov_path vf = iov_path("vf %d", then->vf - 1);

		if (!differs(provision, i))
			continue;
		if (!step)
			step = iov_plan_step(plan, IOV_BDF(provision->pf->bdf),
					     "share out resources of VFs of %s", IOV_BDF(provision->pf->bdf));
		iov_step_touches(step, IOV_BDF(iov_vf_bdf(provision->pf, then->vf - 1u)));
		change_resources(step, vf.name, &now->has, &then->has);
		/* Undone, it goes offline under whoever has come to use it. */
		if (then->online && !now->online)
			iov_step_unheld(step, iov_vf_bdf(provision->pf, then->vf - 1u));
		if (now->online != then->online)
			iov_step_change(step, iov_path("%s state", vf.name).name,
					now->online ? "online" : "offline",
					then->online ? "online" : "offline");
	}
	if (!step)
		return;
	iov_step_spares(step, "VFs that go offline are taken, and others have no user");
	if (!anew)
		take_online(plan, provision);
	append_provision(step, iov_step_do, provision, provision->now, provision->then);
	append_provision(step, iov_step_undo, provision, provision->then, provision->now);
	if (!anew)
		plan_drivers(plan, provision, false);
}

static int plan_provision(struct iov_plan *plan, struct provision *provision, struct json_object *each,
			  unsigned int flags)
{
	const struct nvme_virt *virt = provision->virt;
	bool anew = flags & IOV_VF_ANEW;
	int error = 0;

	if (anew)
		error = assume_new(provision, (unsigned int)json_object_array_length(each));
	memcpy(provision->then, provision->now, virt->count * sizeof(*provision->then));
	for (unsigned int i = 0; !error && i < json_object_array_length(each); i++) {
		struct json_object *values = json_object_array_get_idx(each, i);

		if (values && json_object_object_length(values))
			error = want(provision, i, values, anew);
	}
	for (size_t i = 0; !error && i < virt->count; i++)
		error = differs(provision, i) ? check_share(provision, i) : 0;
	if (!error)
		error = check_pool(provision, false);
	if (!error)
		error = check_pool(provision, true);
	if (!error)
		add_provision(plan, provision, anew);
	return error;
}

/* Whether any VF is told of its queues, interrupts or state. */
static bool shares(struct json_object *each)
{
	for (size_t i = 0; i < json_object_array_length(each); i++) {
		struct json_object *values = json_object_array_get_idx(each, i);

		if (json_object_object_get_ex(values, "queues", NULL) ||
		    json_object_object_get_ex(values, "interrupts", NULL) ||
		    json_object_object_get_ex(values, "state", NULL))
			return true;
	}
	return false;
}

static int provision_shares(struct iov_plan *plan, const struct iov_pf *pf, const struct nvme_virt *virt,
			    struct json_object *each, unsigned int flags)
{
	_cleanup_free_ struct nvme_secondary *now = calloc(virt->count + 1, sizeof(*now));
	_cleanup_free_ struct nvme_secondary *then = calloc(virt->count + 1, sizeof(*then));
	struct iov *iov = iov_plan_context(plan);

	if (!virt->supported)
		return iov_fail(iov, -EOPNOTSUPP, "%s cannot share out queues and interrupts: its controller lacks "
				"the command Virtualization Management", IOV_BDF(pf->bdf));
	if (!now || !then)
		return -ENOMEM;
	memcpy(now, virt->secondaries, virt->count * sizeof(*now));
	return plan_provision(plan, &(struct provision){ iov, pf, virt, now, then }, each, flags);
}

static int provision_nvme(struct iov_plan *plan, const struct iov_pf *pf, struct json_object *vfs,
			  struct json_object *each, unsigned int flags)
{
	struct nvme_virt virt;
	int error = nvme_virt_read(iov_plan_context(plan), pf->bdf, &virt);

	if (error)
		return error;
	if (shares(each))
		error = provision_shares(plan, pf, &virt, each, flags);
	if (!error)
		error = nvme_namespaces_plan(plan, pf, &virt, vfs, each, flags & IOV_VF_ANEW);
	nvme_virt_free(&virt);
	return error;
}

static const char *const states[] = { "offline", "online", NULL };

static const struct iov_attribute attributes[] = {
	{ "queues", IOV_ATTRIBUTE_NUMBER, IOV_ATTRIBUTE_PROVISIONED, .max = UINT16_MAX },
	{ "interrupts", IOV_ATTRIBUTE_NUMBER, IOV_ATTRIBUTE_PROVISIONED, .max = UINT16_MAX },
	{ "state", IOV_ATTRIBUTE_CHOICE, IOV_ATTRIBUTE_PROVISIONED, .choices = states },
	{ "namespaces", IOV_ATTRIBUTE_NUMBERS, IOV_ATTRIBUTE_PROVISIONED },
	{ 0 },
};

/* Queues, interrupts and state of VFs, as @vfs has them. */
static void append_shares(struct iov_step *step, step_append_fn *append, const struct iov_pf *pf,
			  struct json_object *vfs)
{
	for (size_t i = 0; i < json_object_array_length(vfs); i++) {
		struct json_object *vf = json_object_array_get_idx(vfs, i), *id;
		struct iov_nvme_resources has = {
			(unsigned int)json_object_get_int(json_object_object_get(vf, "queues")),
			(unsigned int)json_object_get_int(json_object_object_get(vf, "interrupts")),
		};
		uint16_t controller;

		if (!json_object_object_get_ex(vf, "controller", &id))
			continue;
		controller = (uint16_t)json_object_get_int(id);
		append(step, iov_op_nvme_virt(pf->bdf, IOV_NVME_ASSIGN, controller, &has));
		if (!strcmp(json_text_or_null(vf, "state"), "online"))
			append(step, iov_op_nvme_virt(pf->bdf, IOV_NVME_ONLINE, controller, NULL));
	}
}

static void restore_nvme(struct iov *iov, struct iov_step *step, const struct iov_pf *pf,
			 struct json_object *vfs)
{
	(void)iov;
	append_shares(step, iov_step_undo, pf, vfs);
	nvme_namespaces_restore(step, pf, vfs);
}

/* A reset of the primary sets all secondaries offline (NVM Express Base 2.0, section 8.26.3). */
static int renew_nvme(struct iov_plan *plan, const struct iov_pf *pf, struct json_object *vfs)
{
	struct iov_step *step;

	if (!json_object_object_get_ex(json_object_array_get_idx(vfs, 0), "controller", NULL))
		return 0;
	step = iov_plan_step(plan, IOV_BDF(pf->bdf), "give VFs of %s back what the reset took", IOV_BDF(pf->bdf));
	iov_step_spares(step, "the VFs were taken for the reset");
	iov_vf_touches(step, pf, pf->count);
	append_shares(step, iov_step_do, pf, vfs);
	return 0;
}

/* What the removed VFs had may be shared out anew. */
static int release_nvme(struct iov_plan *plan, const struct iov_pf *pf)
{
	const struct iov_nvme_resources none = { 0 };
	struct iov_step *step = NULL;
	struct nvme_virt virt;
	int error = nvme_virt_read(iov_plan_context(plan), pf->bdf, &virt);

	if (error)
		return error;
	for (size_t i = 0; i < virt.count; i++) {
		const struct nvme_secondary *secondary = &virt.secondaries[i];

		if (!secondary->has.queues && !secondary->has.interrupts)
			continue;
		if (!step) {
			step = iov_plan_step(plan, IOV_BDF(pf->bdf),
					     "take back what the VFs of %s had", IOV_BDF(pf->bdf));
			iov_step_spares(step, "the VFs are gone");
		}
		if (secondary->vf)
			change_resources(step, iov_path("vf %u", secondary->vf - 1).name,
					 &secondary->has, &none);
		iov_step_do(step, iov_op_nvme_virt(pf->bdf, IOV_NVME_OFFLINE, secondary->id, NULL));
		iov_step_do(step, iov_op_nvme_virt(pf->bdf, IOV_NVME_ASSIGN, secondary->id, &none));
	}
	nvme_virt_free(&virt);
	return 0;
}

/* Registers of an offline VF answer nobody.  What cannot be asked, as the PF has another driver, is taken as it is. */
static int take_nvme(struct iov *iov, struct iov_bdf bdf, struct json_object *properties)
{
	const struct nvme_secondary *secondary;
	struct nvme_virt virt;
	struct iov_bdf pf;
	unsigned int index;
	int error = 0;

	(void)properties;
	if (iov_pci_link(iov, bdf, "physfn", &pf) || iov_pci_vf_index(iov, pf, bdf, &index) ||
	    nvme_virt_read(iov, pf, &virt)) {
		iov_forget_error(iov);
		return 0;
	}
	secondary = nvme_virt_find(&virt, index);
	if (secondary && !secondary->online)
		error = iov_fail(iov, -EBUSY, "%s: its controller is offline, and answers nobody; bring it online "
				 "first with 'iov vf set %s --online'", IOV_BDF(bdf), IOV_BDF(bdf));
	nvme_virt_free(&virt);
	return error;
}

const struct iov_class nvme_class = {
	.name = "nvme",
	.title = "NVMe controllers",
	.attributes = attributes,
	.match = match_nvme,
	.shares = nvme_shares,
	.take = take_nvme,
	.get = get_nvme,
	.prepare = prepare_nvme,
	.finish = finish_nvme,
	.provision = provision_nvme,
	.restore = restore_nvme,
	.release = release_nvme,
	.renew = renew_nvme,
};
