// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Giving a VF, or a function itself, a set of values.
 *
 * It sets what differs and proves it by reading back, so running it again is
 * harmless.  It stops at the first attribute that is refused; the undo of its
 * step is another vf-attr with the values from before.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "sriov/internal.h"

#define TRIES 50
#define PAUSE_MS 100

/* One run of a vf-attr operation. */
struct setting {
	struct iov *iov;
	struct iov_pf pf;
	unsigned int index;
	struct json_object *values;
	enum iov_vf_mode mode;
};

static int open_setting(struct setting *setting, struct iov *iov, const struct iov_op *op)
{
	bool own = op->vf_attr.index == IOV_VF_OWN;
	int error = own ? pf_read_own(iov, op->vf_attr.pf, &setting->pf) :
			  iov_pf_read(iov, op->vf_attr.pf, &setting->pf);

	if (error)
		return error;
	setting->iov = iov;
	setting->pf.port = op->vf_attr.port;
	setting->index = op->vf_attr.index;
	setting->values = op->vf_attr.values;
	setting->mode = op->vf_attr.mode;
	if (!own && setting->index >= setting->pf.count)
		return iov_fail(iov, -ENODEV, "that VF is gone");
	if (!setting->pf.device_class || !setting->pf.device_class->set)
		return iov_fail(iov, -EOPNOTSUPP, "no device class sets attributes of %s; is a plugin "
				"missing that was there before? See 'iov plugin list'",
				IOV_BDF(op->vf_attr.pf));
	return 0;
}

/* What the function has now; the caller puts @vfs, which holds it. */
static int read_vf(const struct setting *setting, struct json_object **vfs, struct json_object **vf)
{
	int error;

	if (setting->index == IOV_VF_OWN) {
		error = iov_class_describe(setting->iov, setting->pf.bdf, vfs);
		*vf = *vfs;
		return error;
	}
	error = vf_attributes(setting->iov, &setting->pf, vfs);
	*vf = error ? NULL : json_object_array_get_idx(*vfs, setting->index);
	return error;
}

static bool is_rate(const struct setting *setting, const char *name)
{
	const struct iov_attribute *attribute = iov_class_attribute(setting->pf.device_class, name);

	return attribute && attribute->flags & IOV_ATTRIBUTE_RATE;
}

/*
 * After VFs were created a driver may refuse rates until its link is up, so it is
 * asked again for a while; likewise with all that was accepted once.
 */
static bool is_worth_repeating(const struct setting *setting, const char *name, const char *value)
{
	if (vf_is_zero_address(value))
		return false;
	return setting->mode == IOV_VF_RESTORE ||
	       (setting->mode == IOV_VF_NEW && is_rate(setting, name));
}

static int set_patiently(const struct setting *setting, const char *name,
			 struct json_object *target, char *answer, size_t size)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	const char *value = json_text_or_null(target, name);
	int tries = is_worth_repeating(setting, name, value) ? TRIES : 1;
	int error;

	do {
		error = setting->pf.device_class->set(setting->iov, &setting->pf, setting->index,
						      name, target, answer, size);
		if (error != -EINVAL || !--tries)
			return error;
	} while (!nanosleep(&pause, NULL));
	return error;
}

/* Some drivers know how fast they can send while the link is up alone. */
static const char *advise(const struct setting *setting, const char *name)
{
	const struct iov_class *device_class = setting->pf.device_class;

	if (!is_rate(setting, name))
		return "";
	if (device_class->speed && device_class->speed(setting->iov, &setting->pf))
		return "; leave it out if the driver does not have it";
	return "; some drivers want the PF's link to be up first";
}

static int set_one(const struct setting *setting, const char *name, struct json_object *target)
{
	struct iov_path option = vf_option_name(name);
	const char *driver = setting->pf.driver;
	const char *value = json_text_or_null(target, name);
	char answer[256] = "";
	int error = set_patiently(setting, name, target, answer, sizeof(answer));

	if (!error)
		return 0;
	if (setting->mode == IOV_VF_RESTORE && vf_is_zero_address(value)) {
		iov_log(setting->iov, LOG_WARNING,
			"VF %u of %s keeps its %s: %s does not clear it", setting->index,
			IOV_BDF(setting->pf.bdf), option.name, driver);
		return 0;
	}
	if (error == -EOPNOTSUPP)
		return iov_told(setting->iov, error,
				"driver %s has no %s%s (%s%s%s); leave it out", driver, option.name,
				setting->index == IOV_VF_OWN ? "" : " for VFs", strerror(-error),
				*answer ? ": " : "", answer);
	return iov_told(setting->iov, error, "driver %s refused %s %s: %s%s%s%s", driver,
			option.name, value, strerror(-error), *answer ? ": " : "", answer,
			*answer ? "" : advise(setting, name));
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
		if (setting->mode == IOV_VF_RESTORE && vf_is_zero_address(wanted))
			continue;
		return iov_fail(setting->iov, -EIO, "driver %s took %s %s, but it reads back as %s",
				setting->pf.driver, vf_option_name(name).name, wanted,
				json_object_get_string(now));
	}
	return 0;
}

static int run_vf_attr(struct iov *iov, const struct iov_op *op)
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

const struct iov_op_runner vf_attr_runner = { IOV_OP_VF_ATTR, run_vf_attr };
