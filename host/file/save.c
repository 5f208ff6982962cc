// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a change does is put into the host file, by a step of the same plan: it is shown by a
 * dry run, undone with the rest, and recovered with it.
 *
 * The file is changed value by value (edit.h), so that whatever else is in it stays.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "host/file/edit.h"
#include "host/file/file.h"
#include "host/file/save.h"

/* Of a file that did not exist. */
#define FIRST_LINE "# host.yaml(5) explains the keys.\n"

#define place(...) (iov_path(__VA_ARGS__).name)

static bool is_word(struct json_object *value, const char *const words[3])
{
	for (size_t i = 0; i < 3; i++) {
		if (!strcmp(json_object_get_string(value), words[i]))
			return true;
	}
	return false;
}

/* Whether the file says so already; a switch has several words. */
static bool says(struct json_object *old, struct json_object *value)
{
	static const char *const on[] = { "on", "true", "yes" }, *const off[] = { "off", "false", "no" };
	_cleanup_free_ char *one = NULL, *other = NULL;

	if (!old || !value)
		return old == value;
	if (json_object_is_type(value, json_type_boolean))
		return is_word(old, json_object_get_boolean(value) ? on : off);
	one = host_edit_words(old);
	other = host_edit_words(value);
	return one && other && !strcmp(one, other);
}

static void add_words(struct json_object *change, const char *key, struct json_object *value)
{
	_cleanup_free_ char *words = value ? host_edit_words(value) : NULL;

	json_add_text(change, key, words);
}

void host_save_put(struct save *save, const char *where, struct json_object *value)
{
	_cleanup_json_ struct json_object *old = host_edit_read(save->text, where);
	struct json_object *change;

	if (save->error || says(old, value))
		return;
	save->error = host_edit(&save->text, where, value);
	if (save->error) {
		iov_told(save->iov, save->error, "/" IOV_HOST_FILE ": %s: cannot be put into the "
			 "file (%s); edit it by hand", where, strerror(-save->error));
		return;
	}
	change = json_object_new_object();
	json_add_text(change, "place", where);
	add_words(change, "from", old);
	add_words(change, "to", value);
	json_object_array_add(save->changes, change);
}

static void put_text(struct save *save, const char *where, const char *text)
{
	_cleanup_json_ struct json_object *value = json_object_new_string(text);

	host_save_put(save, where, value);
}

static void put_number(struct save *save, const char *where, int64_t number)
{
	_cleanup_json_ struct json_object *value = json_object_new_int64(number);

	host_save_put(save, where, value);
}

static void put_all(struct save *save, const char *where, struct json_object *values)
{
	json_object_object_foreach(values, key, value)
		host_save_put(save, place("%s.%s", where, key), value);
}

static int64_t number_at(const struct save *save, const char *where)
{
	_cleanup_json_ struct json_object *value = host_edit_read(save->text, where);

	return value ? json_object_get_int64(value) : -1;
}

size_t host_save_length(const struct save *save, const char *list)
{
	_cleanup_json_ struct json_object *entries = host_edit_read(save->text, list);

	return json_object_is_type(entries, json_type_array) ? json_object_array_length(entries) : 0;
}

static bool is_device(const struct save *save, const char *where, struct iov_bdf wanted)
{
	_cleanup_json_ struct json_object *name = host_edit_read(save->text, where);
	struct iov_bdf bdf;

	return name && !iov_device_parse(save->iov, json_object_get_string(name), &bdf) &&
	       !iov_bdf_compare(bdf, wanted);
}

/* The entry of a device, one past the last when the file does not name it. */
static size_t find_device(const struct save *save, struct iov_bdf bdf)
{
	size_t count = host_save_length(save, "devices"), i = 0;

	while (i < count && !is_device(save, place("devices[%zu].device", i), bdf))
		i++;
	return i;
}

static size_t have_device(struct save *save, struct iov_bdf bdf)
{
	size_t index = find_device(save, bdf);
	char identity[IOV_IDENTITY_SIZE];

	if (save->error || index < host_save_length(save, "devices"))
		return index;
	save->error = iov_device_identity(save->iov, bdf, identity, sizeof(identity));
	if (!save->error)
		put_text(save, place("devices[%zu].device", index), identity);
	return index;
}

/* The entry of a VF with values of its own, one past the last when it has none. */
static size_t find_vf(const struct save *save, const char *each, int64_t vf)
{
	size_t count = host_save_length(save, each), i = 0;

	while (i < count && number_at(save, place("%s[%zu].index", each, i)) != vf)
		i++;
	return i;
}

/* Entries of VFs that there are none of then. */
static void drop_uncounted(struct save *save, const char *each, int64_t count)
{
	for (size_t i = host_save_length(save, each); i-- && !save->error;) {
		if (number_at(save, place("%s[%zu].index", each, i)) >= count)
			host_save_put(save, place("%s[%zu]", each, i), NULL);
	}
}

/* What all VFs have is said of none; an entry of nothing but its index says nothing. */
static void drop_drivers(struct save *save, const char *each)
{
	for (size_t i = host_save_length(save, each); i-- && !save->error;) {
		struct iov_path entry = iov_path("%s[%zu]", each, i);
		_cleanup_json_ struct json_object *said = host_edit_read(save->text, entry.name);

		if (!json_object_object_get_ex(said, "driver", NULL))
			continue;
		if (json_object_object_length(said) == 2)
			host_save_put(save, entry.name, NULL);
		else
			host_save_put(save, place("%s.driver", entry.name), NULL);
	}
}

static void save_vfs(struct save *save, const char *where, struct json_object *vfs)
{
	struct iov_path each = iov_path("%s.each", where);
	struct json_object *count;

	if (json_object_object_get_ex(vfs, "count", &count))
		drop_uncounted(save, each.name, json_object_get_int64(count));
	put_all(save, where, vfs);
	if (json_object_object_get_ex(vfs, "driver", NULL))
		drop_drivers(save, each.name);
}

/* A VF exists because of the number of VFs, and has what all have unless it is said. */
static void save_vf(struct save *save, struct iov_bdf pf, unsigned int vf,
		    struct json_object *values)
{
	struct iov_path vfs = iov_path("devices[%zu].vfs", have_device(save, pf));
	struct iov_path each = iov_path("%s.each", vfs.name), entry;
	size_t index = find_vf(save, each.name, vf);
	bool is_new = index == host_save_length(save, each.name);

	if (number_at(save, place("%s.count", vfs.name)) <= vf) {
		unsigned int count = iov_pci_vf_count(save->iov, pf);

		put_number(save, place("%s.count", vfs.name), count > vf ? count : vf + 1);
	}
	entry = iov_path("%s[%zu]", each.name, index);
	json_object_object_foreach(values, key, value) {
		_cleanup_json_ struct json_object *shared =
			host_edit_read(save->text, place("%s.%s", vfs.name, key));

		if (is_new && says(shared, value))
			continue;
		if (is_new)
			put_number(save, place("%s.index", entry.name), vf);
		is_new = false;
		host_save_put(save, place("%s.%s", entry.name, key), value);
	}
}

static void save_device(struct save *save, struct iov_bdf bdf, struct json_object *values)
{
	bool is_named = find_device(save, bdf) < host_save_length(save, "devices");
	struct iov_path where;
	unsigned int vf;
	struct iov_bdf pf;

	if (!is_named && !iov_pci_link(save->iov, bdf, "physfn", &pf) &&
	    !iov_pci_vf_index(save->iov, pf, bdf, &vf)) {
		save_vf(save, pf, vf, values);
		return;
	}
	where = iov_path("devices[%zu]", have_device(save, bdf));
	json_object_object_foreach(values, key, value) {
		if (!strcmp(key, "vfs"))
			save_vfs(save, place("%s.vfs", where.name), value);
		else
			host_save_put(save, place("%s.%s", where.name, key), value);
	}
}

static int save_all(struct save *save, struct json_object *wanted)
{
	struct json_object *devices = json_object_object_get(wanted, "devices");
	struct json_object *iovd = json_object_object_get(wanted, "iovd");
	struct iov_bdf bdf;

	if (iovd)
		host_save_iovd(save, iovd);
	if (!devices)
		return save->error;
	json_object_object_foreach(devices, address, values) {
		if (!save->error)
			save->error = iov_bdf_parse(save->iov, address, &bdf);
		if (!save->error)
			save_device(save, bdf, values);
	}
	return save->error;
}

/* What was there has to be right, so that what is there then is. */
static int load_before(struct save *save)
{
	struct iov_host_file *file;
	int error = iov_host_load(&file, save->iov, NULL);

	if (error && error != -ENOENT)
		return error;
	if (!error)
		save->before = strndup(file->text, file->length);
	if (!error)
		iov_host_free(file);
	save->text = strdup(save->before ? save->before : FIRST_LINE);
	return save->text && (error || save->before) ? 0 : -ENOMEM;
}

static int check_after(const struct save *save)
{
	char *copy = strdup(save->text);
	struct iov_host_file *file;
	int error = copy ? host_load_text(&file, save->iov, "/" IOV_HOST_FILE, copy, strlen(copy)) :
			   -ENOMEM;

	if (!error)
		iov_host_free(file);
	if (error != -EINVAL)
		return error;
	return iov_fail(save->iov, -EINVAL, "a host file cannot say this, nothing changed: %s; leave "
			"out --save, or edit the file by hand", iov_error_message(save->iov));
}

/* After all that there is. */
static void wait_for_all(const struct iov_plan *plan, struct iov_step *step)
{
	size_t count;
	const struct iov_step *const *steps = iov_plan_steps(plan, &count);

	for (size_t i = 0; i + 1 < count; i++) {
		if (steps[i]->device)
			iov_step_touches(step, steps[i]->device);
	}
}

static void add_step(struct iov_plan *plan, const struct save *save)
{
	struct iov_step *step = iov_plan_step(plan, "/" IOV_HOST_FILE, "save that in /" IOV_HOST_FILE);

	wait_for_all(plan, step);
	for (size_t i = 0; i < json_object_array_length(save->changes); i++) {
		struct json_object *change = json_object_array_get_idx(save->changes, i);

		iov_step_change(step, json_text(change, "place"), json_text_or_null(change, "from"),
				json_text_or_null(change, "to"));
	}
	iov_step_do(step, iov_op_file(IOV_HOST_FILE, save->text, save->before));
	iov_step_undo(step, iov_op_restore_file(IOV_HOST_FILE, save->before, save->text));
	if (!host_was_applied(save->iov, save->before))
		return;
	iov_step_do(step, iov_op_file(HOST_APPLIED, save->text, save->before));
	iov_step_undo(step, iov_op_restore_file(HOST_APPLIED, save->before, save->text));
}

int iov_host_save_plan(struct iov_plan *plan, struct json_object *wanted)
{
	struct save save = { .iov = iov_plan_context(plan), .changes = json_object_new_array() };
	int error = load_before(&save);

	if (!error)
		error = save_all(&save, wanted);
	if (!error && json_object_array_length(save.changes))
		error = check_after(&save);
	if (!error && json_object_array_length(save.changes))
		add_step(plan, &save);
	json_object_put(save.changes);
	free(save.before);
	free(save.text);
	return iov_plan_built(plan, error);
}
