// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Parents and their types.  What sysfs tells of a type the parent's driver answers, which may
 * take as long as its hardware, so the writer asks.
 */
#include "plugins/mdev/mdev_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/near.h"
#include "base/pci/identity.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"

#define LIST_SIZE 1024

static void add_file(struct iov *iov, struct json_object *row, const char *parent, const char *type,
		     const char *key)
{
	char text[1024];
	bool told = !iov_sys_read(iov, mdev_type_path(parent, type, key).name, text, sizeof(text));

	for (char *c = text; told && (c = strchr(c, '\n'));)
		*c = ' ';
	json_add_text(row, key, told && *text ? text : NULL);
}

static void add_instances(struct iov *iov, struct json_object *row, const char *parent,
			  const char *type)
{
	struct json_object *instances = json_object_new_array();
	char **names;
	size_t count;

	json_object_object_add(row, "instances", instances);
	if (iov_sys_list(iov, mdev_type_path(parent, type, "devices").name, &names, &count))
		return;
	for (size_t i = 0; i < count; i++)
		json_object_array_add(instances, json_object_new_string(names[i]));
	iov_names_free(names, count);
}

static struct json_object *type_json(struct iov *iov, const char *parent, const char *type)
{
	struct json_object *row = json_object_new_object();
	int64_t left;

	iov_sys_asking(iov, "the type %s of %s", type, parent);
	json_add_text(row, "parent", parent);
	json_add_text(row, "type", type);
	add_file(iov, row, parent, type, "name");
	add_file(iov, row, parent, type, "device_api");
	json_object_object_add(row, "available_instances",
		iov_sys_read_number(iov, mdev_type_path(parent, type, "available_instances").name,
				    &left) ? NULL : json_object_new_int64(left));
	add_file(iov, row, parent, type, "description");
	add_instances(iov, row, parent, type);
	return row;
}

static int add_types(struct iov *iov, const char *parent, struct json_object *types)
{
	struct iov_path path = mdev_type_path(parent, "", "");
	char **names;
	size_t count;
	int error = iov_sys_list(iov, path.name, &names, &count);

	/* A parent may go while we look. */
	if (error)
		return error == -ENOENT ? 0 : error;
	for (size_t i = 0; i < count; i++)
		json_object_array_add(types, type_json(iov, parent, names[i]));
	iov_names_free(names, count);
	return 0;
}

/* Of a parent, "" for all, answers its types. */
static int tell_types(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *types = json_object_new_array();
	char **names = NULL;
	size_t count = 0;
	int error = 0;

	(void)length;
	if (*question)
		error = add_types(iov, question, types);
	else
		error = iov_sys_list(iov, IOV_PATH_MDEV_PARENTS, &names, &count);
	for (size_t i = 0; !error && i < count; i++)
		error = add_types(iov, names[i], types);
	iov_names_free(names, count);
	fputs(json_object_to_json_string_ext(types, JSON_C_TO_STRING_PLAIN), answer);
	return error == -ENOENT ? 0 : error;
}

int iov_mdev_types(struct iov *iov, const char *parent, struct json_object **types)
{
	const char *question = parent ? parent : "";
	_cleanup_free_ char *answer = NULL;
	int error = iov_sys_call(iov, tell_types, question, strlen(question), &answer);

	*types = NULL;
	if (error)
		return error == -ETIMEDOUT ? error :
		       iov_told(iov, error, "cannot read the types of mediated devices: %s",
				strerror(-error));
	*types = json_tokener_parse(answer);
	return *types ? 0 : iov_fail(iov, -ENOMEM, "out of memory");
}

static bool is_parent(struct iov *iov, const char *name)
{
	return !strchr(name, '/') && *name && *name != '.' &&
	       iov_sys_exists(iov, iov_path(IOV_PATH_MDEV_PARENTS "/%s", name).name);
}

static int fail_parent(struct iov *iov, const char *name)
{
	struct iov_near near = { .text = name };
	char list[LIST_SIZE] = "", **names;
	size_t count = 0, length = 0;
	struct iov_bdf bdf;

	if (iov_bdf_scan(name, &bdf) && !iov_sys_exists(iov, iov_pci_path(bdf, "").name))
		return iov_fail(iov, -ENODEV, "%s: no such PCI function; 'iov list --all' shows those of this host",
				name);
	if (iov_sys_list(iov, IOV_PATH_MDEV_PARENTS, &names, &count) || !count)
		return iov_fail(iov, -ENODEV, "%s: no driver of this host gives mediated devices; load the "
				"module of one that does, with the parameter that it wants for that "
				"(i915: enable_gvt=1)", name);
	for (size_t i = 0; i < count; i++) {
		iov_near_look(&near, names[i]);
		if (length < sizeof(list))
			length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s",
						   i ? ", " : "", names[i]);
	}
	iov_fail(iov, -ENODEV, "%s: no parent of mediated devices; %s%s%sthere are: %s", name,
		 near.word ? "did you mean '" : "", near.word ? near.word : "",
		 near.word ? "'? " : "", list);
	iov_names_free(names, count);
	return -ENODEV;
}

int iov_mdev_parent_find(struct iov *iov, const char *name, char parent[IOV_MDEV_NAME])
{
	struct iov_bdf bdf;

	if (strlen(name) < IOV_MDEV_NAME && is_parent(iov, name)) {
		snprintf(parent, IOV_MDEV_NAME, "%s", name);
		return 0;
	}
	if (iov_device_parse(iov, name, &bdf) || !is_parent(iov, IOV_BDF(bdf)))
		return fail_parent(iov, name);
	snprintf(parent, IOV_MDEV_NAME, "%s", IOV_BDF(bdf));
	return 0;
}

static int fail_type(struct iov *iov, const char *parent, const char *type,
		     struct json_object *types)
{
	struct iov_near near = { .text = type };
	char list[LIST_SIZE] = "";
	size_t length = 0;

	for (size_t i = 0; i < json_object_array_length(types); i++) {
		const char *name = json_text(json_object_array_get_idx(types, i), "type");

		iov_near_look(&near, name);
		if (length < sizeof(list))
			length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s",
						   i ? ", " : "", name);
	}
	return iov_fail(iov, -ENOENT, "%s: %s has no such type; %s%s%sexpected one of: %s", type, parent,
			near.word ? "did you mean '" : "", near.word ? near.word : "",
			near.word ? "'? " : "", list);
}

/* Of "PARENT/TYPE" answers how many are left, nothing where the driver does not tell. */
static int tell_left(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	const char *type = strchr(question, '/') + 1;
	struct iov_path parent = iov_path("%.*s", (int)(type - question - 1), question);
	int64_t left;

	(void)length;
	iov_sys_asking(iov, "how many %s are left of %s", type, parent.name);
	if (!iov_sys_read_number(iov, mdev_type_path(parent.name, type, "available_instances").name,
				 &left))
		fprintf(answer, "%lld", (long long)left);
	return 0;
}

int mdev_type_left(struct iov *iov, const char *parent, const char *type, int64_t *left)
{
	struct iov_path question = iov_path("%s/%s", parent, type);
	_cleanup_free_ char *answer = NULL;
	int error = iov_sys_call(iov, tell_left, question.name, strlen(question.name), &answer);

	*left = !error && *answer ? strtoll(answer, NULL, 10) : -1;
	return error;
}

int mdev_type_require(struct iov *iov, const char *parent, const char *type)
{
	_cleanup_json_ struct json_object *types = NULL;
	int error;

	if (*type && *type != '.' && !strchr(type, '/') &&
	    iov_sys_exists(iov, mdev_type_path(parent, type, "").name))
		return 0;
	error = iov_mdev_types(iov, parent, &types);
	return error ? error : fail_type(iov, parent, type, types);
}
