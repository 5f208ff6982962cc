// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What each VF gets of an Intel GPU, in files of the PF's driver:
 *
 *	xe	sriov_admin/vf1/profile/exec_quantum_ms		(Documentation/ABI/testing/
 *							sysfs-driver-intel-xe-sriov)
 *	i915	drm/card0/prelim_iov/vf1/gt0/exec_quantum_ms	outside of the kernel's tree, where it is
 *							also iov/ and gt/
 *
 * VFs are numbered from 1 there.  Memory and its like is shared out before the VFs exist, and as soon
 * as one has a quota the driver shares out no more by itself; time at any moment, under whoever uses
 * the VF.  The files are there for as many VFs as the PF can have.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "plugins/gpu/gpu.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* An attribute, and its file with each driver; NULL where it has none. */
static const struct knob {
	const char *attribute;
	const char *xe;
	const char *i915;
	bool early;
} knobs[] = {
	{ "vram_quota", "vram_quota", "lmem_quota", true },
	{ "ggtt_quota", NULL, "ggtt_quota", true },
	{ "contexts_quota", NULL, "contexts_quota", true },
	{ "doorbells_quota", NULL, "doorbells_quota", true },
	{ "exec_quantum", "exec_quantum_ms", "exec_quantum_ms", false },
	{ "preempt_timeout", "preempt_timeout_us", "preempt_timeout_us", false },
	{ "sched_priority", "sched_priority", NULL, false },
};

/* Where a PF has its files: "sriov_admin/vf%u/profile". */
struct layout {
	const char *driver;
	struct iov_path before;
	const char *behind;
};

static bool find_i915(struct iov *iov, struct iov_bdf pf, struct layout *layout)
{
	static const char *const folders[] = { "prelim_iov", "iov" };
	bool found = false;
	char **cards;
	size_t count;

	if (iov_sys_list(iov, iov_pci_path(pf, "drm").name, &cards, &count))
		return false;
	for (size_t i = 0; !found && i < count * COUNT(folders); i++) {
		struct iov_path folder = iov_path("drm/%s/%s/vf", cards[i / COUNT(folders)],
						  folders[i % COUNT(folders)]);

		layout->before = iov_pci_path(pf, folder.name);
		found = iov_sys_exists(iov, iov_path("%s1", layout->before.name).name);
	}
	iov_names_free(cards, count);
	layout->driver = "i915";
	layout->behind = found && iov_sys_exists(iov, iov_path("%s1/gt0", layout->before.name).name) ?
			 "gt0" : "gt";
	return found;
}

static bool find_layout(struct iov *iov, struct iov_bdf pf, struct layout *layout)
{
	if (!iov_sys_exists(iov, iov_pci_path(pf, "sriov_admin").name))
		return find_i915(iov, pf, layout);
	*layout = (struct layout){ "xe", iov_pci_path(pf, "sriov_admin/vf"), "profile" };
	return true;
}

const char *profile_of(struct iov *iov, struct iov_bdf pf)
{
	struct layout layout;

	return find_layout(iov, pf, &layout) ? layout.driver : NULL;
}

static const struct knob *find_knob(const char *attribute)
{
	for (size_t i = 0; i < COUNT(knobs); i++) {
		if (!strcmp(knobs[i].attribute, attribute))
			return &knobs[i];
	}
	return NULL;
}

bool profile_has(const char *attribute)
{
	return find_knob(attribute);
}

/* The file of an attribute of a VF; false where the driver has none such. */
static bool find_file(struct iov *iov, const struct layout *layout, const struct knob *knob,
		      unsigned int index, struct iov_path *path)
{
	const char *name = strcmp(layout->driver, "xe") ? knob->i915 : knob->xe;

	if (!name)
		return false;
	*path = iov_path("%s%u/%s/%s", layout->before.name, index + 1, layout->behind, name);
	return iov_sys_exists(iov, path->name);
}

/* "low [normal] high": the one in brackets, where there are some. */
static void pick_word(char *text)
{
	char *begin = strchr(text, '['), *end = begin ? strchr(begin, ']') : NULL;

	if (!end)
		return;
	*end = '\0';
	memmove(text, begin + 1, strlen(begin + 1) + 1);
}

/* NULL for what cannot be read, as where the tiles of the GPU do not agree. */
static struct json_object *read_value(struct iov *iov, const struct knob *knob, const char *path)
{
	char text[64], *end;
	long long number;

	if (iov_sys_read(iov, path, text, sizeof(text)) || !*text)
		return NULL;
	if (!strcmp(knob->attribute, "sched_priority")) {
		pick_word(text);
		return json_object_new_string(text);
	}
	errno = 0;
	number = strtoll(text, &end, 0);
	return errno || *end ? NULL : json_object_new_int64(number);
}

static void get_one(struct iov *iov, const struct layout *layout, unsigned int index,
		    struct json_object *vf)
{
	struct iov_path path;

	for (size_t i = 0; i < COUNT(knobs); i++) {
		if (find_file(iov, layout, &knobs[i], index, &path))
			json_object_object_add(vf, knobs[i].attribute,
					       read_value(iov, &knobs[i], path.name));
	}
}

void profile_get(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs)
{
	struct layout layout;

	if (!find_layout(iov, pf->bdf, &layout))
		return;
	for (unsigned int i = 0; i < json_object_array_length(vfs); i++)
		get_one(iov, &layout, i, json_object_array_get_idx(vfs, i));
}

static struct iov_op *value_op(const char *path, struct json_object *value)
{
	struct iov_op *op = iov_op_write(path, json_object_get_string(value));

	op = iov_op_explain(op, EACCES, "this GPU has it fixed, and it can only be read");
	op = iov_op_explain(op, EPERM, "this GPU has it fixed, and it can only be read");
	op = iov_op_explain(op, EINVAL, "the driver takes no such value for a VF");
	return iov_op_explain(op, EIO, "the firmware of the GPU refused it; there may be less left than that");
}

static int no_file(struct iov *iov, const struct iov_pf *pf, const char *attribute)
{
	char option[64];

	snprintf(option, sizeof(option), "%s", attribute);
	for (char *c = option; (c = strchr(c, '_'));)
		*c = '-';
	return iov_fail(iov, -EOPNOTSUPP, "%s: its driver %s has no %s for VFs; leave it out%s", IOV_BDF(pf->bdf),
			*pf->driver ? pf->driver : "(none)", option,
			strcmp(pf->driver, "xe") ? "" : ", or use a kernel that has it (6.19, and 7.0 for memory)");
}

/* Append to @step what makes a value so and what takes that back. */
static int add_value(struct iov *iov, struct iov_step *step, const struct iov_pf *pf, unsigned int index,
		     const char *attribute, struct json_object *value)
{
	const struct knob *knob = find_knob(attribute);
	struct layout layout;
	struct iov_path path;
	_cleanup_json_ struct json_object *now = NULL;

	if (!find_layout(iov, pf->bdf, &layout) || !find_file(iov, &layout, knob, index, &path))
		return no_file(iov, pf, attribute);
	now = read_value(iov, knob, path.name);
	iov_step_change(step, iov_path("vf %u %s", index, attribute).name, json_object_get_string(now),
			json_object_get_string(value));
	iov_step_do(step, value_op(path.name, value));
	if (now)
		iov_step_undo(step, iov_op_absent_ok(value_op(path.name, now)));
	return 0;
}

/* Whether any VF of @each is told of an attribute, and of which VF up to @count it is not. */
static bool is_told(struct json_object *each, unsigned int count, const char *attribute,
		    unsigned int *untold)
{
	bool found = false;

	*untold = count;
	for (unsigned int i = 0; i < count; i++) {
		struct json_object *values = json_object_array_get_idx(each, i);
		int64_t quota = json_object_get_int64(json_object_object_get(values, attribute));

		found |= quota != 0;
		if (!quota && *untold == count)
			*untold = i;
	}
	return found;
}

/* A VF without memory of its own does not start. */
static int check_memory(struct iov *iov, const struct iov_pf *pf, unsigned int count,
			struct json_object *each)
{
	unsigned int untold;

	if (!is_told(each, count, "vram_quota", &untold) || untold == count)
		return 0;
	return iov_fail(iov, -EINVAL, "vram-quota: VF %u of %s has none, and the driver shares out no memory by "
			"itself as soon as one VF has a quota; give each of the %u VFs one, or none", untold,
			IOV_BDF(pf->bdf), count);
}

static int plan_early(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count,
		      struct json_object *each)
{
	struct iov_step *step = NULL;
	int error = 0;

	for (unsigned int i = 0; !error && i < count; i++) {
		struct json_object *values = json_object_array_get_idx(each, i);

		if (!values)
			continue;
		json_object_object_foreach(values, name, value) {
			const struct knob *knob = find_knob(name);

			if (error || !knob || !knob->early)
				continue;
			if (!step) {
				step = iov_plan_step(plan, IOV_BDF(pf->bdf), "give the VFs that %s shall have "
						     "their memory", IOV_BDF(pf->bdf));
				iov_step_spares(step, "the VFs do not exist yet");
			}
			error = add_value(iov_plan_context(plan), step, pf, i, name, value);
		}
	}
	return error;
}

int profile_prepare(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count,
		    struct json_object *each)
{
	int error;

	if (!each || pf->count == count)
		return 0;
	error = check_memory(iov_plan_context(plan), pf, count, each);
	return error ? error : plan_early(plan, pf, count, each);
}

/* VFs that are there before and after get the same share of time; memory is shared out anew. */
int profile_finish(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count)
{
	unsigned int kept = count < pf->count ? count : pf->count;
	struct iov *iov = iov_plan_context(plan);
	struct iov_step *step = NULL;
	struct layout layout;
	struct iov_path path;

	if (pf->count == count || !kept || !find_layout(iov, pf->bdf, &layout))
		return 0;
	for (unsigned int i = 0; i < kept * COUNT(knobs); i++) {
		const struct knob *knob = &knobs[i % COUNT(knobs)];
		_cleanup_json_ struct json_object *now = NULL;

		if (knob->early || !find_file(iov, &layout, knob, (unsigned int)(i / COUNT(knobs)), &path))
			continue;
		now = read_value(iov, knob, path.name);
		if (!now)
			continue;
		if (!step) {
			step = iov_plan_step(plan, IOV_BDF(pf->bdf), "give VFs of %s their shares of time back",
					     IOV_BDF(pf->bdf));
			iov_step_spares(step, "the VFs are new");
			iov_vf_touches(step, pf, kept);
		}
		iov_step_do(step, value_op(path.name, now));
	}
	return 0;
}

/* What is shared out before VFs exist stays as it is while they do. */
static int check_early(struct iov *iov, const struct iov_pf *pf, unsigned int index, const char *name,
		       struct json_object *now, struct json_object *value)
{
	if (json_object_equal(now, value))
		return 0;
	return iov_fail(iov, -EBUSY, "VF %u of %s exists, and its %s is shared out before that: 'iov vf remove %s', "
			"then 'iov vf create %s --count %u --attribute %s=%s'", index, IOV_BDF(pf->bdf), name,
			IOV_BDF(pf->bdf), IOV_BDF(pf->bdf), pf->count, name, json_object_get_string(value));
}

static int provision_one(struct iov_plan *plan, const struct iov_pf *pf, unsigned int index,
			 struct json_object *now, struct json_object *values, bool anew)
{
	struct iov *iov = iov_plan_context(plan);
	struct iov_step *step = NULL;
	int error = 0;

	json_object_object_foreach(values, name, value) {
		const struct knob *knob = find_knob(name);
		struct json_object *old = json_object_object_get(now, name);

		if (error || !knob || (!anew && json_object_equal(old, value)))
			continue;
		if (knob->early) {
			error = anew ? 0 : check_early(iov, pf, index, name, old, value);
			continue;
		}
		if (!step) {
			step = iov_plan_step(plan, IOV_BDF(pf->bdf), "give VF %u of %s its share of time", index,
					     IOV_BDF(pf->bdf));
			iov_step_touches(step, IOV_BDF(iov_vf_bdf(pf, index)));
			iov_step_spares(step, "shares of time are given under whoever uses the VF");
		}
		error = add_value(iov, step, pf, index, name, value);
	}
	return error;
}

int profile_provision(struct iov_plan *plan, const struct iov_pf *pf, struct json_object *vfs,
		      struct json_object *each, unsigned int flags)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < json_object_array_length(each); i++) {
		struct json_object *values = json_object_array_get_idx(each, i);

		if (values)
			error = provision_one(plan, pf, i, json_object_array_get_idx(vfs, i), values,
					      flags & IOV_VF_ANEW);
	}
	return error;
}

/* The files are those of the PF, and stay where they are while VFs come and go. */
void profile_restore(struct iov *iov, struct iov_step *step, const struct iov_pf *pf,
		     struct json_object *vfs, bool early)
{
	struct layout layout;
	struct iov_path path;

	if (!find_layout(iov, pf->bdf, &layout))
		return;
	for (unsigned int i = 0; i < json_object_array_length(vfs); i++) {
		for (size_t k = 0; k < COUNT(knobs); k++) {
			struct json_object *value = json_object_object_get(json_object_array_get_idx(vfs, i),
									   knobs[k].attribute);

			if (value && knobs[k].early == early &&
			    find_file(iov, &layout, &knobs[k], i, &path))
				iov_step_undo(step, iov_op_absent_ok(value_op(path.name, value)));
		}
	}
}
