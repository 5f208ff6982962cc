// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plans that make vDPA devices, delete them and give them drivers.  A driver is given as on the PCI
 * bus: driver_override first, so that nobody else's probe takes the device meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mac.h"
#include "base/near.h"
#include "base/plan/module.h"
#include "base/sysroot/paths.h"
#include "plugins/vdpa/vdpa_internal.h"

#define NAME_MAX_LENGTH 63
#define LIST_SIZE 1024
#define PROBED_MS 500

int iov_vdpa_name_check(struct iov *iov, const char *name)
{
	static const char characters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	if (*name && *name != '.' && strlen(name) <= NAME_MAX_LENGTH &&
	    strspn(name, characters) == strlen(name))
		return 0;
	return iov_fail(iov, -EINVAL, "%s: expected a name: 1 to %d letters, digits, dots, underscores and "
			"dashes, no dot in front", name, NAME_MAX_LENGTH);
}

static int parse_number(struct iov *iov, const char *name, const char *text, unsigned long least,
			unsigned long most, struct json_object *values)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || number < least || number > most)
		return iov_fail(iov, -EINVAL, "%s %s: expected a number from %lu to %lu", name, text, least,
				most);
	json_object_object_add(values, name, json_object_new_int64((int64_t)number));
	return 0;
}

static int parse_features(struct iov *iov, const char *text, struct json_object *values)
{
	char *end, number[24];
	unsigned long long features;

	errno = 0;
	features = strtoull(text, &end, 0);
	if (*text < '0' || *text > '9' || *end || errno)
		return iov_fail(iov, -EINVAL, "features %s: expected the number that virtio's feature bits make, "
				"like 0x300020000", text);
	snprintf(number, sizeof(number), "0x%llx", features);
	json_add_text(values, "features", number);
	return 0;
}

int iov_vdpa_value_parse(struct iov *iov, const char *name, const char *text,
			 struct json_object *values)
{
	char shown[IOV_MAC_TEXT];
	uint8_t mac[6];

	if (!strcmp(name, "mtu"))
		return parse_number(iov, name, text, 68, 65535, values);
	if (!strcmp(name, "max_vqp"))
		return parse_number(iov, name, text, 1, 32768, values);
	if (!strcmp(name, "features"))
		return parse_features(iov, text, values);
	if (strcmp(name, "mac"))
		return iov_fail(iov, -EINVAL, "%s: expected one of mac, mtu, max_vqp, features", name);
	if (!iov_mac_parse_station(text, mac))
		return iov_fail(iov, -EINVAL, "mac %s: expected the address of a station, like 02:00:00:00:00:01",
				text);
	iov_mac_format(mac, shown);
	json_add_text(values, name, shown);
	return 0;
}

/* Drivers. */

static struct iov_op *override_op(const char *name, const char *driver)
{
	return iov_op_write(vdpa_path(name, "driver_override").name, *driver ? driver : "\n");
}

static struct iov_op *unbind_op(const char *name)
{
	return iov_op_absent_ok(iov_op_write(vdpa_path(name, "driver/unbind").name, name));
}

static struct iov_op *probe_op(const char *name)
{
	return iov_op_write(IOV_PATH_VDPA "/drivers_probe", name);
}

static struct iov_condition *if_driver(const char *name, const char *driver)
{
	return iov_if_within(iov_if_link(vdpa_path(name, "driver").name, *driver ? driver : NULL),
			     PROBED_MS);
}

/* Its driver and override now, "" for none. */
static void read_driver(struct iov *iov, const char *name, char driver[64], char override[64])
{
	if (iov_sys_link_name(iov, vdpa_path(name, "driver").name, driver, 64))
		*driver = '\0';
	if (iov_sys_read(iov, vdpa_path(name, "driver_override").name, override, 64) ||
	    !strcmp(override, "(null)"))
		*override = '\0';
}

/* Append what gives a device a driver, "" for none, by @append. */
static void give_driver(struct iov_step *step, void (*append)(struct iov_step *, struct iov_op *),
			const char *name, const char *driver, const char *override)
{
	struct iov_op *unbind = unbind_op(name);

	append(step, override_op(name, override));
	if (*driver)
		unbind = iov_op_unless(unbind, iov_if_link(vdpa_path(name, "driver").name, driver));
	append(step, unbind);
	if (*driver)
		append(step, iov_op_until(probe_op(name), iov_if_link(vdpa_path(name, "driver").name, driver)));
}

static int plan_module(struct iov_plan *plan, const char *driver)
{
	struct iov *iov = iov_plan_context(plan);
	struct iov_path proof = iov_path(IOV_PATH_VDPA "/drivers/%s", driver);
	char **names;
	size_t count = 0;

	if (iov_sys_exists(iov, proof.name))
		return 0;
	if (!iov_module_find(iov, driver, &names, &count)) {
		iov_names_free(names, count);
		if (!count)
			return iov_fail(iov, -ENOENT, "%s: no such module for the running kernel; install the "
					"package that has it", driver);
	}
	iov_module_plan(plan, driver, proof.name, "the driver of vDPA devices");
	return 0;
}

/* The driver on the vDPA bus, and for this host that of what it makes of a device of one of @classes. */
static int plan_drivers(struct iov_plan *plan, const char *driver, struct json_object *classes)
{
	bool driven = !json_object_array_length(classes);
	int error = plan_module(plan, driver);

	if (error || strcmp(driver, IOV_DRIVER_VIRTIO_VDPA))
		return error;
	for (size_t i = 0; i < json_object_array_length(classes); i++) {
		error = vdpa_host_driver_plan(plan, json_object_get_string(
						json_object_array_get_idx(classes, i)));
		driven |= !error;
	}
	return driven ? 0 : error;
}

static int check_driver(struct iov *iov, const char *driver)
{
	if (!strcmp(driver, IOV_DRIVER_VHOST_VDPA) || !strcmp(driver, IOV_DRIVER_VIRTIO_VDPA))
		return 0;
	return iov_fail(iov, -EINVAL, "%s: expected " IOV_DRIVER_VHOST_VDPA ", for guests, or "
			IOV_DRIVER_VIRTIO_VDPA ", for this host", driver);
}

/* @made: the plan makes the device, so that nobody uses it yet. */
static void add_bind(struct iov_plan *plan, const char *name, const char *driver, bool made)
{
	char now[64] = "", override[64] = "";
	struct iov_path device = vdpa_device(name);
	struct iov_step *step;

	if (!made)
		read_driver(iov_plan_context(plan), name, now, override);
	step = iov_plan_step(plan, device.name, "bind vDPA device %s to %s%s%s%s", name, driver,
			     made ? "" : " (now ", made ? "" : *now ? now : "none", made ? "" : ")");
	if (made)
		iov_step_spares(step, "a new device is nobody's yet");
	else
		iov_plan_take_device(plan, device.name, "named");
	iov_step_unheld_device(step, device.name);
	iov_step_change(step, "driver", *now ? now : NULL, driver);
	give_driver(step, iov_step_do, name, driver, driver);
	iov_step_verify(step, if_driver(name, driver));
	if (made)
		return;
	give_driver(step, iov_step_undo, name, now, override);
	iov_step_undone(step, if_driver(name, now));
}

int iov_vdpa_bind_plan(struct iov_plan *plan, const char *name, const char *driver)
{
	_cleanup_json_ struct json_object *device = NULL, *classes = json_object_new_array();
	struct iov *iov = iov_plan_context(plan);
	int error = check_driver(iov, driver);

	if (!error)
		error = vdpa_find(iov, name, &device);
	if (error || !strcmp(json_text(device, "driver"), driver))
		return iov_plan_built(plan, error);
	if (*json_text(device, "class"))
		json_object_array_add(classes, json_object_new_string(json_text(device, "class")));
	error = plan_drivers(plan, driver, classes);
	if (!error)
		add_bind(plan, name, driver, false);
	return iov_plan_built(plan, error);
}

/* Making and deleting. */

static int fail_mgmt(struct iov *iov, const char *name, struct json_object *list)
{
	struct iov_near near = { .text = name };
	char names[LIST_SIZE] = "";
	size_t length = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *other = json_text(json_object_array_get_idx(list, i), "name");

		iov_near_look(&near, other);
		if (length < sizeof(names))
			length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
						   i ? ", " : "", other);
	}
	return iov_fail(iov, -ENODEV, "%s: no such vDPA management device; %s%s%s%s%s", name,
			near.word ? "did you mean '" : "", near.word ? near.word : "",
			near.word ? "'? " : "", *names ? "there are: " :
			"there is none; load the module of a driver that makes vDPA devices", names);
}

static int find_mgmt(struct iov *iov, const char *name, struct json_object **mgmt)
{
	_cleanup_json_ struct json_object *list = NULL;
	int error = iov_vdpa_mgmt(iov, &list);

	*mgmt = NULL;
	if (error)
		return error;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *row = json_object_array_get_idx(list, i);

		if (!strcmp(json_text(row, "name"), name))
			*mgmt = json_object_get(row);
	}
	return *mgmt ? 0 : fail_mgmt(iov, name, list);
}

int iov_vdpa_mgmt_find(struct iov *iov, const char *name)
{
	_cleanup_json_ struct json_object *mgmt = NULL;

	return find_mgmt(iov, name, &mgmt);
}

/* What the management device says it cannot. */
static int check_values(struct iov *iov, const struct iov_vdpa *vdpa, struct json_object *mgmt)
{
	struct json_object *pairs = NULL, *most = json_object_object_get(mgmt, "max_vqs");
	int64_t limit = most ? json_object_get_int64(most) / 2 : 0;

	json_object_object_foreach(vdpa->values, name, value) {
		(void)value;
		if (strcmp(name, "features") && !json_array_has(json_object_object_get(mgmt, "classes"), "net"))
			return iov_fail(iov, -EINVAL, "%s: %s makes no network devices, and only these have a %s; "
					"leave it out", name, vdpa->mgmtdev, name);
	}
	json_object_object_get_ex(vdpa->values, "max_vqp", &pairs);
	if (pairs && limit && json_object_get_int64(pairs) > limit)
		return iov_fail(iov, -EINVAL, "max_vqp %lld: %s gives at most %lld pairs; ask for 1 to %lld",
				(long long)json_object_get_int64(pairs), vdpa->mgmtdev, (long long)limit,
				(long long)limit);
	return 0;
}

static bool is_vduse(const char *mgmtdev)
{
	return !strcmp(mgmtdev, IOV_MGMTDEV_VDUSE);
}

/* A device of VDUSE is one that a program offers, under a name that it chooses. */
static int check_offered(struct iov *iov, const struct iov_vdpa *vdpa)
{
	struct iov_path node = iov_path(IOV_PATH_DEV_VDUSE "/%s", vdpa->name);

	if (!is_vduse(vdpa->mgmtdev) || iov_sys_exists(iov, node.name))
		return 0;
	return iov_fail(iov, -ENODEV, "%s: no program offers a device of this name to VDUSE, as /%s is not there; "
			"start one first, as 'qemu-storage-daemon --export vduse-blk,name=%s,...'", vdpa->name,
			node.name, vdpa->name);
}

static struct iov_op *new_op(const char *name, const char *mgmtdev, struct json_object *values)
{
	struct iov_op *op = iov_op_vdpa(name, mgmtdev, values);

	op = iov_op_explain(op, ENOSPC, "it makes no more devices; 'iov vdpa mgmt' shows those that it made");
	op = iov_op_explain(op, ENODEV, "the management device is gone");
	if (is_vduse(mgmtdev))
		op = iov_op_explain(op, EINVAL, "the program that offers it has not set it up, or another one has "
				    "this name; look at what it logs");
	return op;
}

static void change_values(struct iov_step *step, struct json_object *values)
{
	json_object_object_foreach(values, name, value)
		iov_step_change(step, name, NULL, json_object_get_string(value));
}

static struct iov_op *autoprobe_op(const char *value)
{
	return iov_op_absent_ok(iov_op_write(IOV_PATH_VDPA "/drivers_autoprobe", value));
}

/*
 * The first driver that is loaded would take a new device, and might make an interface of the host's
 * of what is meant for a guest; so nobody is probed until it gets its own.
 */
static void make(struct iov *iov, struct iov_step *step, const struct iov_vdpa *vdpa)
{
	int64_t probes = 0;

	if (vdpa->driver)
		iov_sys_read_number(iov, IOV_PATH_VDPA "/drivers_autoprobe", &probes);
	if (probes) {
		iov_step_do(step, autoprobe_op("0"));
		iov_step_undo(step, autoprobe_op("1"));
	}
	iov_step_do(step, new_op(vdpa->name, vdpa->mgmtdev, vdpa->values));
	if (probes)
		iov_step_do(step, autoprobe_op("1"));
	iov_step_undo(step, iov_op_vdpa(vdpa->name, NULL, NULL));
}

static void add_create(struct iov_plan *plan, const struct iov_vdpa *vdpa)
{
	struct iov_path there = vdpa_path(vdpa->name, ""), device = vdpa_device(vdpa->name);
	struct iov_step *step = iov_plan_step(plan, device.name, "create vDPA device %s of %s", vdpa->name,
					      vdpa->mgmtdev);
	const char *parent = strchr(vdpa->mgmtdev, '/');
	struct iov_bdf function;

	if (parent)
		iov_step_touches(step, parent + 1);
	if (parent)
		iov_plan_take_unused(plan, iov_bdf_scan(parent + 1, &function) ? parent + 1 : vdpa->mgmtdev,
				     iov_path("parent of %s", vdpa->name).name);
	iov_step_spares(step, "a new device is nobody's yet");
	iov_step_unheld_device(step, device.name);
	iov_step_change(step, "vdpa", NULL, vdpa->mgmtdev);
	change_values(step, vdpa->values);
	iov_step_check(step, iov_if_exists(there.name, false));
	make(iov_plan_context(plan), step, vdpa);
	iov_step_verify(step, iov_if_exists(there.name, true));
	iov_step_undone(step, iov_if_exists(there.name, false));
}

/* What a device that is there has otherwise than it is asked for; NULL for nothing. */
static const char *find_difference(const struct iov_vdpa *vdpa, struct json_object *device)
{
	if (strcmp(json_text(device, "mgmtdev"), vdpa->mgmtdev))
		return "mgmtdev";
	return vdpa_difference(vdpa->values, device);
}

static int keep(struct iov_plan *plan, const struct iov_vdpa *vdpa, struct json_object *device)
{
	const char *key = find_difference(vdpa, device);

	if (key)
		return iov_fail(iov_plan_context(plan), -EEXIST, "%s: is there already, with another %s: %s; take "
				"another name, or 'iov vdpa delete' it first", vdpa->name, key,
				json_text(device, key));
	return vdpa->driver ? iov_vdpa_bind_plan(plan, vdpa->name, vdpa->driver) : 0;
}

static int create(struct iov_plan *plan, const struct iov_vdpa *vdpa)
{
	_cleanup_json_ struct json_object *mgmt = NULL;
	struct iov *iov = iov_plan_context(plan);
	int error = find_mgmt(iov, vdpa->mgmtdev, &mgmt);

	if (!error)
		error = check_values(iov, vdpa, mgmt);
	if (!error)
		error = check_offered(iov, vdpa);
	if (!error && vdpa->driver)
		error = plan_drivers(plan, vdpa->driver, json_object_object_get(mgmt, "classes"));
	if (error)
		return error;
	add_create(plan, vdpa);
	if (vdpa->driver)
		add_bind(plan, vdpa->name, vdpa->driver, true);
	return 0;
}

int iov_vdpa_create_plan(struct iov_plan *plan, const struct iov_vdpa *vdpa)
{
	_cleanup_json_ struct json_object *device = NULL, *none = json_object_new_object();
	struct iov_vdpa wanted = *vdpa;
	struct iov *iov = iov_plan_context(plan);
	int error = iov_vdpa_name_check(iov, vdpa->name);

	wanted.values = vdpa->values ? vdpa->values : none;
	if (!error && vdpa->driver)
		error = check_driver(iov, vdpa->driver);
	if (error)
		return iov_plan_built(plan, error);
	if (!iov_sys_exists(iov, vdpa_path(vdpa->name, "").name))
		return iov_plan_built(plan, create(plan, &wanted));
	error = vdpa_find(iov, vdpa->name, &device);
	return iov_plan_built(plan, error ? error : keep(plan, &wanted, device));
}

/* What it is made with, so that it can be made anew: what is not set reads as its default. */
static struct json_object *values_of(struct json_object *device)
{
	static const char *const keys[] = { "mac", "mtu", "max_vqp" };
	struct json_object *values = json_object_new_object();

	for (size_t i = 0; !strcmp(json_text(device, "class"), "net") && i < 3; i++) {
		struct json_object *value = json_object_object_get(device, keys[i]);

		if (value && strcmp(json_object_get_string(value), "00:00:00:00:00:00") &&
		    strcmp(json_object_get_string(value), "0"))
			json_object_object_add(values, keys[i], json_object_get(value));
	}
	return values;
}

static void undo_delete(struct iov *iov, struct iov_step *step, struct json_object *device)
{
	_cleanup_json_ struct json_object *values = values_of(device);
	const char *name = json_text(device, "name");
	char driver[64], override[64];

	read_driver(iov, name, driver, override);
	iov_step_undo(step, new_op(name, json_text(device, "mgmtdev"), values));
	give_driver(step, iov_step_undo, name, driver, override);
	iov_step_undone(step, if_driver(name, driver));
}

int iov_vdpa_delete_plan(struct iov_plan *plan, const char *name)
{
	struct iov_path there = vdpa_path(name, ""), named = vdpa_device(name);
	_cleanup_json_ struct json_object *device = NULL;
	struct iov *iov = iov_plan_context(plan);
	int error = vdpa_find(iov, name, &device);
	struct iov_step *step;
	const char *mgmtdev;

	if (error)
		return iov_plan_built(plan, error);
	/* Who made it is told by netlink, and by no record. */
	mgmtdev = json_text_or_null(device, "mgmtdev");
	step = iov_plan_step(plan, named.name, "delete vDPA device %s%s%s", name, mgmtdev ? " of " : "",
			     mgmtdev ? mgmtdev : "");
	iov_plan_take_device(plan, named.name, "named");
	iov_step_change(step, "vdpa", mgmtdev ? mgmtdev : "there", NULL);
	iov_step_do(step, iov_op_vdpa(name, NULL, NULL));
	iov_step_verify(step, iov_if_exists(there.name, false));
	undo_delete(iov, step, device);
	return iov_plan_built(plan, 0);
}
