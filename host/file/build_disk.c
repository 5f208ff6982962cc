// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disks of iovd.  What becomes of errors, the limits, and the size of one without data, are changed
 * under a guest that goes on; with anything else the disk is replaced.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/file/build.h"
#include "host/file/disk.h"
#include "plugins/system/iovd.h"

static bool is_node(const char *path)
{
	return path && !strncmp(path, "/" IOV_PATH_DEV "/", strlen("/" IOV_PATH_DEV "/"));
}

/* Any step before may be what brings a block device. */
static void wait_for_all(const struct host_build *build, struct iov_step *step)
{
	_cleanup_json_ struct json_object *seen = json_object_new_object();
	size_t count;
	const struct iov_step *const *steps = iov_plan_steps(build->plan, &count);

	json_object_object_add(seen, HOST_IOVD, NULL);
	for (size_t i = 0; i + 1 < count; i++) {
		if (!steps[i]->device || json_object_object_get_ex(seen, steps[i]->device, NULL))
			continue;
		json_object_object_add(seen, steps[i]->device, NULL);
		iov_step_touches(step, steps[i]->device);
	}
}

/* One that is not there yet is waited for, when there is something that may bring it. */
static void await_node(struct host_build *build, const char *path)
{
	struct iov_step *step;

	if (iov_plan_is_empty(build->plan) || iov_sys_exists(build->iov, path + 1))
		return;
	step = iov_plan_step(build->plan, HOST_IOVD, "wait for %s", path);
	wait_for_all(build, step);
	iov_step_verify(step, iov_if_exists(path + 1, true));
}

static struct iov_op *op_change(const char *method, const char *disk, const char *key,
				struct json_object *value)
{
	struct json_object *params = json_object_new_object();

	json_add_text(params, "name", disk);
	json_object_object_add(params, key, json_object_get(value));
	return iov_op_iovd(method, params);
}

/* What a value is; "none" when iovd lists none. */
static struct json_object *former(struct json_object *now, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(now, key, &value) ? json_object_get(value) :
							      json_object_new_string("none");
}

/* One value of a disk, while it is used. */
static void set(struct host_build *build, struct json_object *now, struct json_object *wanted,
		const char *method, const char *key)
{
	_cleanup_json_ struct json_object *from = former(now, key);
	struct json_object *to = json_object_object_get(wanted, key);
	const char *disk = json_text(now, "name");
	struct iov_step *step;

	if (!to || !strcmp(json_object_get_string(from), json_object_get_string(to)))
		return;
	step = iov_plan_step(build->plan, HOST_IOVD, "set %s of disk %s of iovd", key, disk);
	iov_step_do(step, op_change(method, disk, key, to));
	iov_step_undo(step, op_change(method, disk, key, from));
	iov_step_change(step, host_place("disk %s %s", disk, key), json_object_get_string(from),
			json_object_get_string(to));
}

/* Whether it would have other data, which a guest must not find where its own was. */
static bool loses_data(struct json_object *now, struct json_object *params)
{
	static const char *const keys[] = { "backend", "path", "uri", "bytes", "zone_bytes" };

	for (size_t i = 0; strcmp(json_text(now, "backend"), "null") && i < sizeof(keys) / sizeof(*keys); i++) {
		struct json_object *wanted = json_object_object_get(params, keys[i]);
		struct json_object *is = json_object_object_get(now, keys[i]);

		if (wanted && (!is || strcmp(json_object_get_string(wanted), json_object_get_string(is)) != 0))
			return true;
	}
	return false;
}

static int refuse_used(const struct host_build *build, struct json_object *now)
{
	const int queues = json_object_get_int(json_object_object_get(now, "queues"));

	if (!queues)
		return 0;
	return iov_fail_as(build->iov, IOV_FAILURE_OTHER, -EBUSY, "disk %s: a guest uses it, %d queue%s run, and "
			   "would find other data there; detach it there first, or remove the disk by 'iov disk "
			   "remove %s --in-use'", json_text(now, "name"), queues, queues > 1 ? "s" : "",
			   json_text(now, "name"));
}

/* Whether all is so that cannot be changed while it is used. */
static bool stays(struct json_object *now, struct json_object *params)
{
	_cleanup_json_ struct json_object *fixed = json_copy(params);

	json_object_object_del(fixed, "on_error");
	json_object_object_del(fixed, "qos");
	if (!strcmp(json_text(now, "backend"), "null") &&
	    !json_object_get_boolean(json_object_object_get(now, "read_only")))
		json_object_object_del(fixed, "bytes");
	return iov_iovd_match(now, fixed);
}

/*
 * The namespace as iovd has it, and the function in whose steps it comes; @absent: that is skipped.
 */
static int find_namespace(const struct host_build *build, const char *nvme,
			  struct json_object *params, struct iov_path *device, bool *absent)
{
	const char *number = iov_pci_namespace_at(nvme);
	const struct iov_path name = iov_path("%.*s", (int)(number - nvme), nvme);
	bool function;
	int error = host_find_device(build, name.name, device, &function, absent);

	json_add_text(params, "path", iov_path("%s%s", device->name, number).name);
	return error;
}

static void add(struct host_build *build, const char *name, struct json_object *now,
		struct json_object *params)
{
	const struct host_change change = { "disk", name, now, params, now && loses_data(now, params) };
	const char *path = json_text_or_null(params, "path");
	struct iov_step *step;

	/* What is not said is as iovd has it. */
	if (now && !json_object_object_get(params, "on_error"))
		json_add_text(params, "on_error", json_text(now, "on_error"));
	if (json_text_or_null(now, "qos") && !json_object_object_get(params, "qos"))
		json_add_text(params, "qos", json_text(now, "qos"));
	if (is_node(path))
		await_node(build, path);
	step = host_iovd_step(build, &change);
	if (is_node(path))
		wait_for_all(build, step);
	if (now && !strcmp(json_text(now, "backend"), "memory"))
		iov_plan_note(build->plan, "disk %s is replaced, and what is in its memory is lost",
			      name);
}

int host_build_disk(struct host_build *build, unsigned int index, struct json_object *disks)
{
	const struct iov_host_disk *disk = &build->host->iovd->disks[index];
	struct json_object *now = host_iovd_there(disks, disk->name);
	_cleanup_json_ struct json_object *params = host_disk_params(disk);
	struct iov_path device;
	bool absent = false;
	int error = 0;

	if (disk->nvme)
		error = find_namespace(build, disk->nvme, params, &device, &absent);
	if (error)
		return host_fail_at(build, error, host_place("iovd.disks[%u].nvme", index));
	if (absent) {
		iov_plan_note(build->plan, "iovd.disks[%u] (%s) is skipped, as its device is", index,
			      disk->name);
		return 0;
	}
	error = host_iovd_access(build->iov, disk->socket_mode, disk->socket_owner, params);
	if (!error && now && loses_data(now, params) && !stays(now, params))
		error = refuse_used(build, now);
	if (error)
		return host_fail_at(build, error, host_place("iovd.disks[%u]", index));
	if (!now || !stays(now, params)) {
		add(build, disk->name, now, params);
		return 0;
	}
	set(build, now, params, "disk.set", "on_error");
	set(build, now, params, "disk.set", "qos");
	set(build, now, params, "disk.resize", "bytes");
	return 0;
}
