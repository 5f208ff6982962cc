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

static int prepare_nvme(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count)
{
	struct nvme_virt virt;
	int error = nvme_virt_read(iov_plan_context(plan), pf->bdf, &virt);

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

static void restore_nvme(struct iov_step *step, const struct iov_pf *pf, struct json_object *vfs)
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
		iov_step_undo(step, iov_op_nvme_virt(pf->bdf, IOV_NVME_ASSIGN, controller, &has));
		if (!strcmp(json_text_or_null(vf, "state"), "online"))
			iov_step_undo(step, iov_op_nvme_virt(pf->bdf, IOV_NVME_ONLINE, controller, NULL));
	}
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

const struct iov_class nvme_class = {
	.name = "nvme",
	.title = "NVMe controllers",
	.match = match_nvme,
	.get = get_nvme,
	.prepare = prepare_nvme,
	.finish = finish_nvme,
	.restore = restore_nvme,
	.release = release_nvme,
};
