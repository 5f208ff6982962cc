// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attributes of VFs: reading them as a person writes them, and the operation
 * "vf-attr", which gives one VF a set of values:
 *
 *	{"op": "vf-attr", "pf": "0000:01:00.0", "vf": 0,
 *	 "values": {"mac": "02:00:00:00:00:01", "vlan": 100}, "restore": false}
 *
 * It sets what differs and proves it by reading back, so running it again is
 * harmless.  It stops at the first attribute that is refused; the undo of its
 * step is another vf-attr with the values from before.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/cleanup.h"
#include "sriov/internal.h"

#define RESTORE_TRIES 50
#define RESTORE_PAUSE_MS 100
#define ZERO_MAC "00:00:00:00:00:00"

struct attribute {
	const char *name;
	int (*parse)(struct iov *iov, const struct attribute *attribute, const char *text,
		     struct json_object **value);
	long max;
	const char *expected;
};

/* "max-rate": the attribute's name as an option of the command. */
static struct iov_path option_name(const char *name)
{
	struct iov_path option = iov_path("%s", name);

	for (char *c = option.name; (c = strchr(c, '_'));)
		*c = '-';
	return option;
}

static int fail_value(struct iov *iov, const struct attribute *attribute, const char *text)
{
	return iov_fail(iov, -EINVAL, "%s '%s': expected %s", option_name(attribute->name).name,
			text, attribute->expected);
}

static int parse_mac(struct iov *iov, const struct attribute *attribute, const char *text,
		     struct json_object **value)
{
	unsigned char mac[6];
	char normal[18];
	int end = -1;

	if (strlen(text) != 17 || strspn(text, "0123456789abcdefABCDEF:") != 17 ||
	    sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2],
		   &mac[3], &mac[4], &mac[5], &end) != 6 || end != 17)
		return fail_value(iov, attribute, text);
	snprintf(normal, sizeof(normal), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	if (mac[0] & 1)
		return iov_fail(iov, -EINVAL, "mac '%s': a multicast address; expected a unicast "
				"one, whose first byte is even, like 02:00:00:00:00:01", text);
	if (!strcmp(normal, ZERO_MAC))
		return iov_fail(iov, -EINVAL, "mac '%s': the zero address; expected a unicast one "
				"like 02:00:00:00:00:01", text);
	*value = json_object_new_string(normal);
	return 0;
}

static int parse_number(struct iov *iov, const struct attribute *attribute, const char *text,
			struct json_object **value)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (!*text || *end || errno || strspn(text, "0123456789") != strlen(text) ||
	    number > attribute->max)
		return fail_value(iov, attribute, text);
	*value = json_object_new_int64(number);
	return 0;
}

static int parse_switch(struct iov *iov, const struct attribute *attribute, const char *text,
			struct json_object **value)
{
	bool on = !strcmp(text, "on");

	if (!on && strcmp(text, "off"))
		return fail_value(iov, attribute, text);
	*value = json_object_new_boolean(on);
	return 0;
}

static int parse_link_state(struct iov *iov, const struct attribute *attribute, const char *text,
			    struct json_object **value)
{
	if (strcmp(text, "auto") && strcmp(text, "enable") && strcmp(text, "disable"))
		return fail_value(iov, attribute, text);
	*value = json_object_new_string(text);
	return 0;
}

static const struct attribute attributes[] = {
	{ "mac", parse_mac, 0, "six hexadecimal bytes like 02:00:00:00:00:01" },
	{ "vlan", parse_number, 4094, "a VLAN ID from 1 to 4094, or 0 for no VLAN" },
	{ "qos", parse_number, 7, "a VLAN priority from 0 to 7" },
	{ "spoofchk", parse_switch, 0, "'on' or 'off'" },
	{ "trust", parse_switch, 0, "'on' or 'off'" },
	{ "max_rate", parse_number, UINT_MAX, "Mbit/s, or 0 for no limit" },
	{ "min_rate", parse_number, UINT_MAX, "Mbit/s, or 0 for no guarantee" },
	{ "link_state", parse_link_state, 0, "'auto', 'enable' or 'disable'" },
};

int iov_vf_attribute_parse(struct iov *iov, const char *name, const char *text,
			   struct json_object *values)
{
	struct json_object *value = NULL;

	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++) {
		int error;

		if (strcmp(attributes[i].name, name))
			continue;
		error = attributes[i].parse(iov, &attributes[i], text, &value);
		if (!error)
			json_object_object_add(values, name, value);
		return error;
	}
	return iov_fail(iov, -EINVAL, "%s: no such VF attribute", name);
}

int vf_attributes(struct iov *iov, const struct iov_pf *pf, struct json_object **vfs)
{
	*vfs = json_object_new_array();
	for (unsigned int i = 0; i < pf->count; i++)
		json_object_array_add(*vfs, json_object_new_object());
	if (!pf->count || !pf->device_class || !pf->device_class->get)
		return 0;
	return pf->device_class->get(iov, pf->bdf, *vfs);
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

struct json_object *vf_attr_op(struct iov_bdf pf, unsigned int index, struct json_object *values,
			       bool restore)
{
	struct json_object *op = json_object_new_object();

	json_object_object_add(op, "op", json_object_new_string(vf_attr_kind.name));
	json_object_object_add(op, "pf", json_object_new_string(IOV_BDF(pf)));
	json_object_object_add(op, "vf", json_object_new_int64(index));
	json_object_object_add(op, "values", json_object_get(values));
	json_object_object_add(op, "restore", json_object_new_boolean(restore));
	return op;
}

/* A value as a person writes it; NULL for none. */
static const char *value_text(struct json_object *value)
{
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value) ? "on" : "off";
	return json_object_get_string(value);
}

/* "mac 02:00:00:00:00:01, vlan 100" */
static void describe_values(struct json_object *values, char *text, size_t size)
{
	size_t length = 0;

	*text = '\0';
	json_object_object_foreach(values, name, value) {
		length += (size_t)snprintf(text + length, size - length, "%s%s %s",
					   length ? ", " : "", option_name(name).name,
					   value_text(value));
		if (length >= size)
			return;
	}
}

static void describe_vf_attr(struct json_object *op, char *text, size_t size)
{
	char values[256];

	describe_values(json_object_object_get(op, "values"), values, sizeof(values));
	snprintf(text, size, "set %s of VF %d", values,
		 json_object_get_int(json_object_object_get(op, "vf")));
}

/* One run of a vf-attr operation. */
struct setting {
	struct iov *iov;
	struct iov_pf pf;
	unsigned int index;
	struct json_object *values;
	bool restore;
};

static int open_setting(struct setting *setting, struct iov *iov, struct json_object *op)
{
	struct iov_bdf bdf;
	int error = iov_bdf_parse(iov, json_object_get_string(json_object_object_get(op, "pf")),
				  &bdf);

	if (!error)
		error = iov_pf_read(iov, bdf, &setting->pf);
	if (error)
		return error;
	setting->iov = iov;
	setting->index = (unsigned int)json_object_get_int(json_object_object_get(op, "vf"));
	setting->values = json_object_object_get(op, "values");
	setting->restore = json_object_get_boolean(json_object_object_get(op, "restore"));
	if (setting->index >= setting->pf.count || !setting->pf.device_class ||
	    !setting->pf.device_class->set)
		return iov_fail(iov, -ENODEV, "that VF is gone");
	return 0;
}

/* What the VF has now; the caller puts @vfs, which holds it. */
static int read_vf(const struct setting *setting, struct json_object **vfs, struct json_object **vf)
{
	int error = vf_attributes(setting->iov, &setting->pf, vfs);

	*vf = error ? NULL : json_object_array_get_idx(*vfs, setting->index);
	return error;
}

/*
 * Restored values were accepted once.  After VFs were created anew a driver may
 * refuse rates until its link is up, so it is asked again for a while.
 */
static int set_patiently(const struct setting *setting, const char *name,
			 struct json_object *target, char *answer, size_t size)
{
	const struct timespec pause = { .tv_nsec = RESTORE_PAUSE_MS * 1000000L };
	int tries = setting->restore ? RESTORE_TRIES : 1;
	int error;

	if (!strcmp(json_object_get_string(json_object_object_get(target, name)), ZERO_MAC))
		tries = 1;
	do {
		error = setting->pf.device_class->set(setting->iov, setting->pf.bdf, setting->index,
						      name, target, answer, size);
		if (error != -EINVAL || !--tries)
			return error;
	} while (!nanosleep(&pause, NULL));
	return error;
}

static int set_one(const struct setting *setting, const char *name, struct json_object *target)
{
	struct iov_path option = option_name(name);
	const char *driver = setting->pf.driver;
	const char *value = json_object_get_string(json_object_object_get(target, name));
	char answer[256] = "";
	int error = set_patiently(setting, name, target, answer, sizeof(answer));

	if (!error)
		return 0;
	if (setting->restore && !strcmp(value, ZERO_MAC)) {
		/* No MAC at all is what new VFs have; some drivers do not take it back. */
		iov_log(setting->iov, LOG_WARNING,
			"VF %u of %s keeps its MAC: %s does not clear it", setting->index,
			IOV_BDF(setting->pf.bdf), driver);
		return 0;
	}
	if (error == -EOPNOTSUPP)
		return iov_fail(setting->iov, error,
				"driver %s has no %s for VFs (%s%s%s); leave "
				"it out",
				driver, option.name, strerror(-error), *answer ? ": " : "", answer);
	return iov_fail(setting->iov, error, "driver %s refused %s %s: %s%s%s", driver,
			option.name, value, strerror(-error), *answer ? ": " : "", answer);
}

/* An attribute that the driver takes and does not report cannot be proved. */
static int verify(const struct setting *setting)
{
	_cleanup_json_ struct json_object *vfs = NULL;
	struct json_object *vf;
	int error = read_vf(setting, &vfs, &vf);

	if (error)
		return error;
	json_object_object_foreach(setting->values, name, value) {
		struct json_object *now = json_object_object_get(vf, name);
		const char *wanted = json_object_get_string(value);

		if (!now || json_object_equal(now, value))
			continue;
		if (setting->restore && !strcmp(wanted, ZERO_MAC))
			continue;
		return iov_fail(setting->iov, -EIO, "driver %s took %s %s, but it reads back as %s",
				setting->pf.driver, option_name(name).name, wanted,
				json_object_get_string(now));
	}
	return 0;
}

static int run_vf_attr(struct iov *iov, struct json_object *op)
{
	_cleanup_json_ struct json_object *vfs = NULL, *target = json_object_new_object();
	struct setting setting;
	struct json_object *vf;
	int error = open_setting(&setting, iov, op);

	if (!error)
		error = read_vf(&setting, &vfs, &vf);
	if (error)
		return error;
	json_object_object_foreach(vf, name, now)
		json_object_object_add(target, name, json_object_get(now));
	json_object_object_foreach(setting.values, wanted_name, wanted)
		json_object_object_add(target, wanted_name, json_object_get(wanted));
	json_object_object_foreach(setting.values, set_name, value) {
		if (json_object_equal(json_object_object_get(vf, set_name), value))
			continue;
		error = set_one(&setting, set_name, target);
		if (error)
			return error;
	}
	return verify(&setting);
}

const struct iov_op_kind vf_attr_kind = {
	.name = "vf-attr",
	.run = run_vf_attr,
	.describe = describe_vf_attr,
};

static bool class_has(const struct iov_sriov_class *device_class, const char *name)
{
	for (size_t i = 0; device_class && device_class->attributes && device_class->attributes[i];
	     i++) {
		if (!strcmp(device_class->attributes[i], name))
			return true;
	}
	return false;
}

static int check_values(struct iov *iov, const struct iov_pf *pf, unsigned int index,
			struct json_object *values)
{
	if (!pf->count)
		return iov_fail(iov, -ENODEV, "%s has no VFs; create some with 'iov vf create %s "
				"--count N'", IOV_BDF(pf->bdf), IOV_BDF(pf->bdf));
	if (index >= pf->count)
		return iov_fail(iov, -ENODEV, "%s has no VF %u; expected an index from 0 to %u, "
				"'iov vf list %s' shows them", IOV_BDF(pf->bdf), index,
				pf->count - 1, IOV_BDF(pf->bdf));
	json_object_object_foreach(values, name, value) {
		(void)value;
		if (!class_has(pf->device_class, name))
			return iov_fail(iov, -EOPNOTSUPP, "VFs of %s (driver %s) have no %s; it is "
					"an attribute of network functions", IOV_BDF(pf->bdf),
					*pf->driver ? pf->driver : "none", option_name(name).name);
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

/* What changes and what was there before; a VLAN that goes takes its priority along. */
static void compare(struct json_object *vf, struct json_object *values,
		    struct json_object *changes, struct json_object *before)
{
	struct json_object *qos = json_object_object_get(vf, "qos");

	json_object_object_foreach(values, name, value) {
		struct json_object *now = json_object_object_get(vf, name);

		if (json_object_equal(now, value))
			continue;
		json_object_object_add(changes, name, json_object_get(value));
		if (now)
			json_object_object_add(before, name, json_object_get(now));
		if (!strcmp(name, "vlan") && !json_object_get_int64(value) &&
		    json_object_get_int64(qos) && !json_object_object_get(values, "qos")) {
			json_object_object_add(changes, "qos", json_object_new_int64(0));
			json_object_object_add(before, "qos", json_object_get(qos));
		}
	}
}

/* "vf 3 mac" */
static void note_changes(struct iov_step *step, unsigned int index, struct json_object *changes,
			 struct json_object *before)
{
	json_object_object_foreach(changes, name, value)
		iov_step_change(step, iov_path("vf %u %s", index, option_name(name).name).name,
				value_text(json_object_object_get(before, name)),
				value_text(value));
}

int iov_vf_set_plan(struct iov_plan *plan, struct iov_bdf bdf, unsigned int index,
		    struct json_object *values)
{
	_cleanup_json_ struct json_object *vfs = NULL, *changes = json_object_new_object();
	_cleanup_json_ struct json_object *before = json_object_new_object();
	struct iov *iov = iov_plan_context(plan);
	struct iov_step *step;
	struct json_object *vf;
	struct iov_pf pf;
	int error = iov_pf_read(iov, bdf, &pf);

	if (!error)
		error = check_values(iov, &pf, index, values);
	if (!error)
		error = vf_attributes(iov, &pf, &vfs);
	if (error)
		return error;
	vf = json_object_array_get_idx(vfs, index);
	error = check_rates(iov, vf, values);
	compare(vf, values, changes, before);
	if (error || !json_object_object_length(changes))
		return error;
	step = iov_plan_step(plan, IOV_BDF(bdf), "change VF %u of %s", index, IOV_BDF(bdf));
	iov_step_touches(step, IOV_BDF(iov_vf_bdf(&pf, index)));
	note_changes(step, index, changes, before);
	iov_step_do(step, vf_attr_op(bdf, index, changes, false));
	iov_step_undo(step, vf_attr_op(bdf, index, before, true));
	return 0;
}
