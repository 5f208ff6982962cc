// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes of VFs: what is there, and plans that change it. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/near.h"
#include "base/sysroot/call.h"
#include "sriov/internal.h"

static struct json_object *empty_objects(unsigned int count)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int i = 0; i < count; i++)
		json_object_array_add(array, json_object_new_object());
	return array;
}

/* Of a struct iov_pf answers what its class says of its VFs. */
static int tell_attributes(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *vfs = NULL;
	struct iov_pf pf;
	int error;

	memcpy(&pf, question, length);
	vfs = empty_objects(pf.count);
	error = pf.device_class->get(iov, &pf, vfs);
	fputs(json_object_to_json_string_ext(vfs, JSON_C_TO_STRING_PLAIN), answer);
	return error;
}

int vf_attributes(struct iov *iov, const struct iov_pf *pf, struct json_object **vfs)
{
	_cleanup_free_ char *answer = NULL;
	int error;

	if (!pf->count || !pf->device_class || !pf->device_class->get) {
		*vfs = empty_objects(pf->count);
		return 0;
	}
	error = iov_sys_call(iov, tell_attributes, pf, sizeof(*pf), &answer);
	*vfs = error ? empty_objects(pf->count) : json_tokener_parse(answer);
	return error;
}

struct json_object *vf_settable(const struct iov_class *device_class, struct json_object *vf)
{
	const struct iov_attribute *attribute = device_class ? device_class->attributes : NULL;
	struct json_object *values = json_object_new_object(), *value;

	for (; attribute && attribute->name; attribute++) {
		value = json_object_object_get(vf, attribute->name);
		if (value && !(attribute->flags & (IOV_ATTRIBUTE_OWN | IOV_ATTRIBUTE_PROVISIONED)))
			json_object_object_add(values, attribute->name, json_object_get(value));
	}
	return values;
}

void vf_attr_restore(struct iov_step *step,
		     void (*append)(struct iov_step *step, struct iov_op *op),
		     const struct iov_pf *pf, struct json_object *vfs, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct json_object *values = vf_settable(pf->device_class,
							 json_object_array_get_idx(vfs, i));

		if (json_object_object_length(values))
			append(step, iov_op_vf_attr(pf->bdf, pf->port, i, values,
						    IOV_VF_RESTORE));
		json_object_put(values);
	}
}

static int check_index(struct iov *iov, const struct iov_pf *pf, unsigned int index)
{
	if (!pf->count)
		return iov_fail(iov, -ENODEV, "%s has no VFs; create some with 'iov vf create %s "
				"--count N'", IOV_BDF(pf->bdf), IOV_BDF(pf->bdf));
	if (index >= pf->count)
		return iov_fail(iov, -ENODEV, "%s has no VF %u; expected an index from 0 to %u, "
				"'iov vf list %s' shows them", IOV_BDF(pf->bdf), index,
				pf->count - 1, IOV_BDF(pf->bdf));
	return 0;
}

/* A value as a person writes it; NULL for none. */
static const char *value_text(struct json_object *value)
{
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value) ? "on" : "off";
	return json_object_get_string(value);
}

/* Whose functions have an attribute that these lack. */
static const char *who_has(struct iov *iov, const char *name)
{
	const struct iov_class *device_class;

	for (size_t i = 0; (device_class = iov_class_at(iov, i)); i++) {
		if (iov_class_attribute(device_class, name))
			return device_class->title;
	}
	return "no class of functions";
}

static int no_attribute(struct iov *iov, const struct iov_pf *pf, unsigned int index,
			const char *name)
{
	if (index == IOV_VF_OWN && iov_class_attribute(iov_class_of(iov, pf->bdf), name))
		return iov_fail(iov, -EOPNOTSUPP, "%s: its VFs have %s, and it has not itself; name one, as %s/vf0",
				IOV_BDF(pf->bdf), vf_option_name(name).name, IOV_BDF(pf->bdf));
	return iov_fail(iov, -EOPNOTSUPP, "%s%s (driver %s) ha%s no %s; it is an attribute of %s",
			index == IOV_VF_OWN ? "" : "VFs of ", IOV_BDF(pf->bdf),
			*pf->driver ? pf->driver : "none", index == IOV_VF_OWN ? "s" : "ve",
			vf_option_name(name).name, who_has(iov, name));
}

/* Another class may have read the values, by attributes of the same names. */
static int check_values(struct iov *iov, const struct iov_pf *pf, unsigned int index,
			struct json_object *values)
{
	_cleanup_json_ struct json_object *read = json_object_new_object();
	int error = 0;

	json_object_object_foreach(values, name, value) {
		const struct iov_attribute *attribute = iov_class_attribute(pf->device_class, name);
		bool own = index == IOV_VF_OWN;

		if (!attribute || own != !!(attribute->flags & IOV_ATTRIBUTE_OWN))
			return no_attribute(iov, pf, index, name);
		if (!vf_is_zero_address(value_text(value)))
			error = class_attribute_parse(iov, attribute, value_text(value), read);
		if (error)
			return error;
	}
	return 0;
}

/* Of a struct iov_pf answers the Mbit/s of its link, 0 when the kernel does not tell. */
static int tell_speed(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	struct iov_pf pf;

	memcpy(&pf, question, length);
	fprintf(answer, "%u", pf.device_class->speed(iov, &pf));
	return 0;
}

static unsigned int link_speed(struct iov *iov, const struct iov_pf *pf)
{
	_cleanup_free_ char *answer = NULL;

	if (!pf->device_class || !pf->device_class->speed ||
	    iov_sys_call(iov, tell_speed, pf, sizeof(*pf), &answer))
		return 0;
	return (unsigned int)strtoul(answer, NULL, 10);
}

/* A limit above what the link carries is none, and most drivers refuse it without a word. */
static int check_speed(struct iov *iov, const struct iov_pf *pf, struct json_object *changes)
{
	unsigned int speed = 0;

	json_object_object_foreach(changes, name, value) {
		const struct iov_attribute *attribute = iov_class_attribute(pf->device_class, name);
		int64_t rate = json_object_get_int64(value);

		if (!rate || !(attribute->flags & IOV_ATTRIBUTE_RATE))
			continue;
		if (!speed)
			speed = link_speed(iov, pf);
		if (speed && rate > speed)
			return iov_fail(iov, -EINVAL, "%s %lld: the link of %s has %u Mbit/s; expected 1 "
					"to %u, or 0 for none", vf_option_name(name).name,
					(long long)rate, IOV_BDF(pf->bdf), speed, speed);
	}
	return 0;
}

/**
 * struct wanted - what VFs shall have
 * @each: values that are asked for, by the index of the VF
 * @vfs: what the VFs have
 * @count: VFs that there are then, as far as anything is known of them
 */
struct wanted {
	struct iov *iov;
	const struct iov_pf *pf;
	struct json_object *each;
	struct json_object *vfs;
	size_t count;
};

static const char *address_then(const struct wanted *wanted, size_t index, const char *name)
{
	const char *asked = json_text(json_object_array_get_idx(wanted->each, index), name);

	return *asked ? asked : json_text(json_object_array_get_idx(wanted->vfs, index), name);
}

static int check_address(const struct wanted *wanted, size_t index, const char *name)
{
	const char *address = json_text(json_object_array_get_idx(wanted->each, index), name);

	/* What it has already is not asked for. */
	if (!*address || vf_is_zero_address(address) ||
	    !strcmp(address, json_text(json_object_array_get_idx(wanted->vfs, index), name)))
		return 0;
	for (size_t i = 0; i < wanted->count; i++) {
		if (i != index && !strcmp(address_then(wanted, i, name), address))
			return iov_fail(wanted->iov, -EINVAL, "%s %s: VF %zu of %s has it; expected one "
					"that no other VF has", vf_option_name(name).name, address, i,
					IOV_BDF(wanted->pf->bdf));
	}
	return 0;
}

/* Two VFs with one address get each other's frames. */
static int check_addresses(const struct wanted *wanted)
{
	const struct iov_class *device_class = wanted->pf->device_class;
	const struct iov_attribute *attribute = device_class ? device_class->attributes : NULL;
	int error = 0;

	for (; !error && attribute && attribute->name; attribute++) {
		if (!(attribute->flags & IOV_ATTRIBUTE_UNIQUE))
			continue;
		for (size_t i = 0; !error && i < json_object_array_length(wanted->each); i++)
			error = check_address(wanted, i, attribute->name);
	}
	return error;
}

/* What changes and what was there before. */
struct comparison {
	struct json_object *changes;
	struct json_object *before;
};

/* What takes more than a request is planned by the class, see provision(). */
static void compare(const struct comparison *comparison, const struct iov_class *device_class,
		    struct json_object *now, struct json_object *wanted)
{
	json_object_object_foreach(wanted, name, value) {
		struct json_object *old = json_object_object_get(now, name);

		if (json_object_equal(old, value) ||
		    iov_class_attribute(device_class, name)->flags & IOV_ATTRIBUTE_PROVISIONED)
			continue;
		json_object_object_add(comparison->changes, name, json_object_get(value));
		if (old)
			json_object_object_add(comparison->before, name, json_object_get(old));
	}
}

/* "VF 3 of 0000:01:00.0", or the function itself */
static struct iov_path whose(const struct iov_pf *pf, unsigned int index)
{
	return index == IOV_VF_OWN ? iov_path("%s", IOV_BDF(pf->bdf)) :
				     iov_path("VF %u of %s", index, IOV_BDF(pf->bdf));
}

static void add_changes(struct iov_step *step, const struct iov_pf *pf, unsigned int index,
			const struct comparison *comparison)
{
	struct iov_path port = pf->port > 0 ? iov_path("port %d ", pf->port) : iov_path("%s", "");
	struct iov_path vf = index == IOV_VF_OWN ? iov_path("%s", "") : iov_path("vf %u ", index);

	json_object_object_foreach(comparison->changes, name, value)
		iov_step_change(step, iov_path("%s%s%s", port.name, vf.name,
					       vf_option_name(name).name).name,
				value_text(json_object_object_get(comparison->before, name)),
				value_text(value));
}

static void add_step(struct iov_plan *plan, const struct iov_pf *pf, unsigned int index,
		     const struct comparison *comparison, enum iov_vf_mode mode)
{
	struct iov_step *step = iov_plan_step(plan, IOV_BDF(pf->bdf), "change %s",
					      whose(pf, index).name);

	if (index != IOV_VF_OWN)
		iov_step_touches(step, IOV_BDF(iov_vf_bdf(pf, index)));
	iov_step_spares(step, "attributes are set under whoever uses the function");
	iov_step_do(step, iov_op_vf_attr(pf->bdf, pf->port, index, comparison->changes, mode));
	if (json_object_object_length(comparison->before))
		iov_step_undo(step, iov_op_vf_attr(pf->bdf, pf->port, index, comparison->before,
						   IOV_VF_RESTORE));
	add_changes(step, pf, index, comparison);
}

static int plan_one(struct iov_plan *plan, const struct iov_pf *pf, unsigned int index,
		    struct json_object *now, struct json_object *values, enum iov_vf_mode mode)
{
	_cleanup_json_ struct json_object *changes = json_object_new_object();
	_cleanup_json_ struct json_object *before = json_object_new_object();
	_cleanup_json_ struct json_object *wanted = json_copy(values);
	const struct iov_class *device_class = pf->device_class;
	struct iov *iov = iov_plan_context(plan);
	int error = check_values(iov, pf, index, values);

	if (!error && device_class && device_class->judge)
		error = device_class->judge(iov, now, wanted);
	if (error)
		return error;
	compare(&(struct comparison){ changes, before }, device_class, now, wanted);
	/* Of VFs that are still to be made the link may be down, or slower for a moment. */
	if (mode == IOV_VF_SET)
		error = check_speed(iov, pf, changes);
	if (!error && json_object_object_length(changes))
		add_step(plan, pf, index, &(struct comparison){ changes, before }, mode);
	return error;
}

int iov_vf_set_plan(struct iov_plan *plan, struct iov_bdf bdf, int port, unsigned int index,
		    struct json_object *values)
{
	_cleanup_json_ struct json_object *each = json_object_new_array();
	struct iov *iov = iov_plan_context(plan);
	struct iov_pf pf;
	int error = iov_pf_read(iov, bdf, &pf);

	if (!error)
		error = check_index(iov, &pf, index);
	if (error)
		return iov_plan_built(plan, error);
	json_object_array_put_idx(each, index, json_object_get(values));
	return iov_vf_set_each_plan(plan, bdf, port, each, 0);
}

static struct json_object *values_at(struct json_object *each, size_t index)
{
	struct json_object *values = json_object_array_get_idx(each, index);

	return values && json_object_object_length(values) ? values : NULL;
}

/* What can be told without asking the device. */
static int check_each(struct iov *iov, const struct iov_pf *pf, struct json_object *each,
		      unsigned int flags, bool *any)
{
	int error = 0;

	*any = false;
	for (unsigned int i = 0; !error && i < json_object_array_length(each); i++) {
		struct json_object *values = values_at(each, i);

		*any |= values != NULL;
		if (values && !(flags & IOV_VF_ANEW))
			error = check_index(iov, pf, i);
		if (values && !error)
			error = check_values(iov, pf, i, values);
	}
	return error;
}

/* Whether any VF shall have what the class has to plan. */
static bool provisions(const struct iov_pf *pf, struct json_object *each)
{
	bool found = false;

	for (size_t i = 0; i < json_object_array_length(each); i++) {
		struct json_object *values = values_at(each, i);

		if (!values)
			continue;
		json_object_object_foreach(values, name, value) {
			(void)value;
			found |= !!(iov_class_attribute(pf->device_class, name)->flags &
				    IOV_ATTRIBUTE_PROVISIONED);
		}
	}
	return found;
}

/* What is asked of a class: why VF @index lacks an attribute. */
struct lack {
	struct iov_pf pf;
	unsigned int index;
	bool exists;
	char attribute[64];
};

static int tell_lack(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	struct lack lack;

	(void)answer;
	memcpy(&lack, question, length);
	return lack.pf.device_class->lacks(iov, &lack.pf, lack.index, lack.attribute, lack.exists);
}

static int ask_lack(struct iov *iov, const struct iov_pf *pf, unsigned int index, const char *attribute,
		    bool exists)
{
	struct lack lack = { .pf = *pf, .index = index, .exists = exists };
	_cleanup_free_ char *answer = NULL;
	int error = 0;

	snprintf(lack.attribute, sizeof(lack.attribute), "%s", attribute);
	if (pf->device_class->lacks)
		error = iov_sys_call(iov, tell_lack, &lack, sizeof(lack), &answer);
	if (!error && exists)
		error = iov_told(iov, -EOPNOTSUPP, "VF %u tells none", index);
	if (error != -EOPNOTSUPP)
		return error;
	return iov_told(iov, error, "%s: %s has no %s for VFs (%s)", IOV_BDF(pf->bdf),
			*pf->driver ? pf->driver : "no driver", vf_option_name(attribute).name, iov_error_message(iov));
}

static int check_told(struct iov *iov, const struct iov_pf *pf, unsigned int index, struct json_object *vf,
		      struct json_object *values, bool exists, bool *asked)
{
	int error = 0;

	json_object_object_foreach(values, name, value) {
		(void)value;
		if (error || (!exists && *asked) ||
		    !(iov_class_attribute(pf->device_class, name)->flags & IOV_ATTRIBUTE_TOLD) ||
		    (exists && json_object_object_get_ex(vf, name, NULL)))
			continue;
		*asked = true;
		error = ask_lack(iov, pf, index, name, exists);
	}
	return error;
}

/* Of VFs that are still to be made the first tells of all. */
static int check_all_told(struct iov *iov, const struct iov_pf *pf, struct json_object *each,
			  struct json_object *vfs, bool exist)
{
	bool asked = false;
	int error = 0;

	for (unsigned int i = 0; !error && i < json_object_array_length(each); i++) {
		if (values_at(each, i))
			error = check_told(iov, pf, i, json_object_array_get_idx(vfs, i), values_at(each, i), exist,
					   &asked);
	}
	return error;
}

/* Whether VFs are as they are now when they get attributes: in another mode of the switch they have others. */
static bool are_as_now(const struct iov_plan *plan, const struct iov_pf *pf, enum iov_vf_mode mode)
{
	return mode == IOV_VF_SET && !iov_plan_changes(plan, IOV_BDF(pf->bdf), "eswitch") &&
	       !iov_plan_changes(plan, IOV_BDF(pf->bdf), "driver");
}

static int plan_each(struct iov_plan *plan, const struct iov_pf *pf, struct json_object *each,
		     struct json_object *vfs, unsigned int flags)
{
	enum iov_vf_mode mode = flags & IOV_VF_ANEW ? IOV_VF_NEW : IOV_VF_SET;
	size_t count = flags & IOV_VF_ANEW ? json_object_array_length(each) : pf->count;
	int error = check_addresses(&(struct wanted){ iov_plan_context(plan), pf, each, vfs, count });

	if (!error)
		error = check_all_told(iov_plan_context(plan), pf, each, vfs, are_as_now(plan, pf, mode));
	if (!error && provisions(pf, each))
		error = pf->device_class->provision(plan, pf, vfs, each, flags);
	for (unsigned int i = 0; !error && i < json_object_array_length(each); i++) {
		if (values_at(each, i))
			error = plan_one(plan, pf, i, json_object_array_get_idx(vfs, i),
					 values_at(each, i), mode);
	}
	return error;
}

/* VFs that are made anew get back what they have now, see iov_vf_create_plan(). */
int iov_vf_set_each_plan(struct iov_plan *plan, struct iov_bdf bdf, int port,
			 struct json_object *each, unsigned int flags)
{
	_cleanup_json_ struct json_object *vfs = NULL;
	struct iov *iov = iov_plan_context(plan);
	bool any = false;
	struct iov_pf pf;
	int error = iov_pf_read(iov, bdf, &pf);

	pf.port = port;
	if (!error)
		error = check_each(iov, &pf, each, flags, &any);
	if (!error && any)
		error = vf_attributes(iov, &pf, &vfs);
	if (!error && any)
		error = plan_each(plan, &pf, each, vfs, flags);
	return iov_plan_built(plan, error);
}

static int fail_name(struct iov *iov, struct iov_bdf bdf, const struct iov_class *device_class,
		     const char *name)
{
	const struct iov_attribute *attribute = device_class ? device_class->attributes : NULL;
	struct iov_near near = { .text = name };
	char names[512];

	if (!device_class)
		return iov_fail(iov, -EOPNOTSUPP, "%s has no attribute %s: no device class knows it; 'iov plugin "
				"list' shows those that there are", IOV_BDF(bdf), vf_option_name(name).name);
	for (; attribute && attribute->name; attribute++)
		iov_near_look(&near, attribute->name);
	iov_class_attribute_names(device_class, names, sizeof(names));
	return iov_fail(iov, -EOPNOTSUPP, "%s has no attribute %s: it is of the device class %s; %s%s%sexpected one "
			"of: %s; 'iov plugin list' tells their values", IOV_BDF(bdf), vf_option_name(name).name,
			device_class->name, near.word ? "did you mean " : "",
			near.word ? vf_option_name(near.word).name : "", near.word ? "? " : "",
			*names ? names : "none");
}

int iov_attribute_parse(struct iov *iov, struct iov_bdf bdf, const char *name, const char *text,
			struct json_object *values)
{
	const struct iov_class *device_class = iov_class_of(iov, bdf);
	const struct iov_attribute *attribute = iov_class_attribute(device_class, name);

	return attribute ? class_attribute_parse(iov, attribute, text, values) :
			   fail_name(iov, bdf, device_class, name);
}

int iov_set_plan(struct iov_plan *plan, struct iov_bdf bdf, struct json_object *values)
{
	_cleanup_json_ struct json_object *now = NULL;
	struct iov *iov = iov_plan_context(plan);
	struct iov_pf pf;
	int error = pf_read_own(iov, bdf, &pf);

	if (!error)
		error = check_values(iov, &pf, IOV_VF_OWN, values);
	if (!error)
		error = iov_class_describe(iov, bdf, &now);
	if (!error)
		error = plan_one(plan, &pf, IOV_VF_OWN, now, values, IOV_VF_SET);
	return iov_plan_built(plan, error);
}
