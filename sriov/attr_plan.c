// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes of VFs: what is there, and plans that change it. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
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

struct json_object *vf_settable(const struct iov_sriov_class *device_class, struct json_object *vf)
{
	struct json_object *values = json_object_new_object(), *value;

	for (size_t i = 0; device_class && device_class->attributes && device_class->attributes[i];
	     i++) {
		value = json_object_object_get(vf, device_class->attributes[i]);
		if (value)
			json_object_object_add(values, device_class->attributes[i],
					       json_object_get(value));
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

static bool class_has(const struct iov_sriov_class *device_class, const char *name)
{
	for (size_t i = 0; device_class && device_class->attributes && device_class->attributes[i];
	     i++) {
		if (!strcmp(device_class->attributes[i], name))
			return true;
	}
	return false;
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

static int check_names(struct iov *iov, const struct iov_pf *pf, struct json_object *values)
{
	json_object_object_foreach(values, name, value) {
		(void)value;
		if (!class_has(pf->device_class, name))
			return iov_fail(iov, -EOPNOTSUPP, "VFs of %s (driver %s) have no %s; it is "
					"an attribute of network functions", IOV_BDF(pf->bdf),
					*pf->driver ? pf->driver : "none",
					vf_option_name(name).name);
	}
	return 0;
}

/* A guarantee above the limit is a contradiction that the kernel words badly. */
static int check_rates(struct iov *iov, struct json_object *vf, struct json_object *values)
{
	struct json_object *max = json_object_object_get(values, "max_rate");
	struct json_object *min = json_object_object_get(values, "min_rate");
	int64_t max_rate, min_rate;

	if (!max && !min)
		return 0;
	max_rate = json_object_get_int64(max ? max : json_object_object_get(vf, "max_rate"));
	min_rate = json_object_get_int64(min ? min : json_object_object_get(vf, "min_rate"));
	if (max_rate && min_rate > max_rate)
		return iov_fail(iov, -EINVAL, "min-rate %lld is above max-rate %lld; set both so "
				"that it is not", (long long)min_rate, (long long)max_rate);
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
	static const char *const names[] = { "max_rate", "min_rate" };
	unsigned int speed = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int64_t rate = json_object_get_int64(json_object_object_get(changes, names[i]));

		if (rate && !speed)
			speed = link_speed(iov, pf);
		if (speed && rate > speed)
			return iov_fail(iov, -EINVAL, "%s %lld: the link of %s has %u Mbit/s; expected 1 "
					"to %u, or 0 for none", vf_option_name(names[i]).name,
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
	static const char *const names[] = { "mac", "node_guid", "port_guid" };
	int error = 0;

	for (size_t i = 0; !error && i < json_object_array_length(wanted->each); i++) {
		for (size_t n = 0; !error && n < sizeof(names) / sizeof(*names); n++)
			error = check_address(wanted, i, names[n]);
	}
	return error;
}

/* A value as a person writes it; NULL for none. */
static const char *value_text(struct json_object *value)
{
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value) ? "on" : "off";
	return json_object_get_string(value);
}

/* What changes and what was there before. */
struct comparison {
	struct json_object *vf;
	struct json_object *values;
	struct json_object *changes;
	struct json_object *before;
};

static void compare_one(struct comparison *comparison, const char *name, struct json_object *value)
{
	struct json_object *now = json_object_object_get(comparison->vf, name);

	if (json_object_equal(now, value))
		return;
	json_object_object_add(comparison->changes, name, json_object_get(value));
	if (now)
		json_object_object_add(comparison->before, name, json_object_get(now));
}

/* Without a VLAN the kernel knows neither priority nor protocol. */
static void forget_vlan(struct comparison *comparison, const char *name,
			struct json_object *value)
{
	if (json_object_object_get(comparison->vf, name) &&
	    !json_object_object_get(comparison->values, name))
		compare_one(comparison, name, value);
	json_object_put(value);
}

static void compare(struct comparison *comparison)
{
	struct json_object *vlan = json_object_object_get(comparison->values, "vlan");

	json_object_object_foreach(comparison->values, name, value)
		compare_one(comparison, name, value);
	if (!vlan || json_object_get_int64(vlan) ||
	    !json_object_object_get(comparison->changes, "vlan"))
		return;
	forget_vlan(comparison, "qos", json_object_new_int64(0));
	forget_vlan(comparison, "vlan_protocol", json_object_new_string("802.1Q"));
}

static void add_step(struct iov_plan *plan, const struct iov_pf *pf, unsigned int index,
		     const struct comparison *comparison, enum iov_vf_mode mode)
{
	struct iov_path port = pf->port > 0 ? iov_path("port %d ", pf->port) : iov_path("%s", "");
	struct iov_step *step = iov_plan_step(plan, IOV_BDF(pf->bdf), "change VF %u of %s", index,
					      IOV_BDF(pf->bdf));

	iov_step_touches(step, IOV_BDF(iov_vf_bdf(pf, index)));
	iov_step_spares(step, "attributes are set under whoever uses the VF");
	iov_step_do(step, iov_op_vf_attr(pf->bdf, pf->port, index, comparison->changes, mode));
	if (json_object_object_length(comparison->before))
		iov_step_undo(step, iov_op_vf_attr(pf->bdf, pf->port, index, comparison->before,
						   IOV_VF_RESTORE));
	json_object_object_foreach(comparison->changes, name, value)
		iov_step_change(step, iov_path("%svf %u %s", port.name, index,
					       vf_option_name(name).name).name,
				value_text(json_object_object_get(comparison->before, name)),
				value_text(value));
}

static int plan_one(struct iov_plan *plan, const struct iov_pf *pf, unsigned int index,
		    struct json_object *vf, struct json_object *values, enum iov_vf_mode mode)
{
	_cleanup_json_ struct json_object *changes = json_object_new_object();
	_cleanup_json_ struct json_object *before = json_object_new_object();
	struct comparison comparison = { vf, values, changes, before };
	int error = check_names(iov_plan_context(plan), pf, values);

	if (!error)
		error = check_rates(iov_plan_context(plan), vf, values);
	compare(&comparison);
	/* Of VFs that are still to be made the link may be down, or slower for a moment. */
	if (!error && mode == IOV_VF_SET)
		error = check_speed(iov_plan_context(plan), pf, changes);
	if (!error && json_object_object_length(changes))
		add_step(plan, pf, index, &comparison, mode);
	return error;
}

int iov_vf_set_plan(struct iov_plan *plan, struct iov_bdf bdf, int port, unsigned int index,
		    struct json_object *values)
{
	_cleanup_json_ struct json_object *vfs = NULL, *each = json_object_new_array();
	struct iov *iov = iov_plan_context(plan);
	struct iov_pf pf;
	int error = iov_pf_read(iov, bdf, &pf);

	pf.port = port;
	if (!error)
		error = check_index(iov, &pf, index);
	if (!error)
		error = check_names(iov, &pf, values);
	if (!error)
		error = vf_attributes(iov, &pf, &vfs);
	if (!error) {
		json_object_array_put_idx(each, index, json_object_get(values));
		error = check_addresses(&(struct wanted){ iov, &pf, each, vfs, pf.count });
	}
	if (!error)
		error = plan_one(plan, &pf, index, json_object_array_get_idx(vfs, index), values,
				 IOV_VF_SET);
	return iov_plan_built(plan, error);
}

static bool has_values(struct json_object *each)
{
	bool found = false;

	for (size_t i = 0; i < json_object_array_length(each); i++) {
		struct json_object *values = json_object_array_get_idx(each, i);

		found |= values && json_object_object_length(values);
	}
	return found;
}

/* VFs that are made anew get back what they have now, see iov_vf_create_plan(). */
int iov_vf_set_each_plan(struct iov_plan *plan, struct iov_bdf bdf, int port,
			 struct json_object *each, unsigned int flags)
{
	enum iov_vf_mode mode = flags & IOV_VF_ANEW ? IOV_VF_NEW : IOV_VF_SET;
	_cleanup_json_ struct json_object *vfs = NULL;
	struct iov_pf pf;
	int error = iov_pf_read(iov_plan_context(plan), bdf, &pf);

	pf.port = port;
	if (!error && has_values(each))
		error = vf_attributes(iov_plan_context(plan), &pf, &vfs);
	if (!error && vfs)
		error = check_addresses(&(struct wanted){
			iov_plan_context(plan), &pf, each, vfs,
			flags & IOV_VF_ANEW ? json_object_array_length(each) : pf.count });
	for (unsigned int i = 0; !error && i < json_object_array_length(each); i++) {
		struct json_object *values = json_object_array_get_idx(each, i);

		if (!values || !json_object_object_length(values))
			continue;
		if (!(flags & IOV_VF_ANEW))
			error = check_index(iov_plan_context(plan), &pf, i);
		if (!error)
			error = plan_one(plan, &pf, i, json_object_array_get_idx(vfs, i), values,
					 mode);
	}
	return iov_plan_built(plan, error);
}
