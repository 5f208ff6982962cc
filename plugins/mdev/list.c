// SPDX-License-Identifier: GPL-2.0-or-later
/* Mediated devices that are there, those that are defined, and who holds them. */
#include "plugins/mdev/mdev_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"

int mdev_find_holders(struct iov *iov, char *const *uuids, size_t count,
		      struct json_object **findings)
{
	struct iov_plan *query;
	int error = iov_plan_new(&query, iov, "look for holders of mediated devices");

	*findings = NULL;
	if (error)
		return error;
	for (size_t i = 0; i < count; i++)
		iov_plan_take_device(query, mdev_device(uuids[i]).name, "");
	error = iov_plan_guard(query, NULL, findings);
	iov_plan_free(query);
	return error == -ECANCELED ? 0 : error;
}

struct json_object *mdev_holders_of(const char *uuid, struct json_object *findings)
{
	struct json_object *holders = json_object_new_array();
	struct iov_path device = mdev_device(uuid);

	for (size_t i = 0; findings && i < json_object_array_length(findings); i++) {
		struct json_object *finding = json_object_array_get_idx(findings, i);

		if (!strcmp(json_text(finding, "device"), device.name))
			json_array_add_new(holders, json_text(finding, "holder"));
	}
	return holders;
}

static void add_file(struct iov *iov, struct json_object *row, const char *uuid, const char *key,
		     const char *file)
{
	char text[256];
	bool told = !iov_sys_read(iov, mdev_path(uuid, file).name, text, sizeof(text));

	json_add_text(row, key, told && *text ? text : NULL);
}

static void add_link(struct iov *iov, struct json_object *row, const char *uuid, const char *key,
		     const char *file)
{
	char name[IOV_MDEV_NAME];
	bool told = !iov_sys_link_name(iov, mdev_path(uuid, file).name, name, sizeof(name));

	json_add_text(row, key, told ? name : NULL);
}

static void add_group(struct iov *iov, struct json_object *row, const char *uuid)
{
	char name[32];
	bool told = !iov_sys_link_name(iov, mdev_path(uuid, "iommu_group").name, name, sizeof(name));

	json_object_object_add(row, "iommu_group",
			       told ? json_object_new_int64(strtol(name, NULL, 10)) : NULL);
}

/* The node of its own that it has where the kernel has such: "vfio0" */
static void add_node(struct iov *iov, struct json_object *row, const char *uuid)
{
	char **names = NULL;
	size_t count = 0;

	iov_sys_list(iov, mdev_path(uuid, "vfio-dev").name, &names, &count);
	json_add_text(row, "node", count ? names[0] : NULL);
	iov_names_free(names, count);
}

static struct json_object *new_row(const char *uuid, const char *parent, const char *type)
{
	struct json_object *row = json_object_new_object();

	json_add_text(row, "uuid", uuid);
	json_add_text(row, "parent", parent);
	json_add_text(row, "type", type);
	return row;
}

static struct json_object *active_json(struct iov *iov, const char *uuid, const char *parent,
				       const char *type)
{
	struct json_object *row = new_row(uuid, parent, type);

	iov_sys_asking(iov, "the mediated device %s", uuid);
	add_file(iov, row, uuid, "type_name", "mdev_type/name");
	add_file(iov, row, uuid, "device_api", "mdev_type/device_api");
	add_link(iov, row, uuid, "driver", "driver");
	add_group(iov, row, uuid);
	add_node(iov, row, uuid);
	json_add_text(row, "state", "active");
	return row;
}

/* Answers those that are there. */
static int tell_active(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *rows = json_object_new_array();
	char parent[IOV_MDEV_NAME], type[IOV_MDEV_NAME], **names = NULL;
	size_t count = 0;
	int error = iov_sys_list(iov, IOV_PATH_MDEV_DEVICES, &names, &count);

	(void)question;
	(void)length;
	for (size_t i = 0; !error && i < count; i++) {
		if (!mdev_read(iov, names[i], parent, type))
			json_object_array_add(rows, active_json(iov, names[i], parent, type));
	}
	iov_names_free(names, count);
	fputs(json_object_to_json_string_ext(rows, JSON_C_TO_STRING_PLAIN), answer);
	return error == -ENOENT ? 0 : error;
}

static int list_active(struct iov *iov, struct json_object **rows)
{
	_cleanup_free_ char *answer = NULL;
	int error = iov_sys_call(iov, tell_active, "", 0, &answer);

	*rows = NULL;
	if (error)
		return error == -ETIMEDOUT ? error :
		       iov_told(iov, error, "cannot list mediated devices: %s", strerror(-error));
	*rows = json_tokener_parse(answer);
	return *rows ? 0 : iov_fail(iov, -ENOMEM, "out of memory");
}

static int add_holders(struct iov *iov, struct json_object *rows)
{
	size_t count = json_object_array_length(rows);
	_cleanup_free_ char **uuids = calloc(count + 1, sizeof(*uuids));
	_cleanup_json_ struct json_object *findings = NULL;
	int error;

	if (!uuids)
		return iov_fail(iov, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		uuids[i] = (char *)json_text(json_object_array_get_idx(rows, i), "uuid");
	error = count ? mdev_find_holders(iov, uuids, count, &findings) : 0;
	for (size_t i = 0; !error && i < count; i++)
		json_object_object_add(json_object_array_get_idx(rows, i), "used_by",
				       mdev_holders_of(uuids[i], findings));
	return error;
}

/* What is there under a definition's UUID and parent, or a row for what is not. */
static struct json_object *row_of(struct json_object *rows, struct json_object *definition)
{
	const char *uuid = json_text(definition, "uuid"), *parent = json_text(definition, "parent");
	struct json_object *row;

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		row = json_object_array_get_idx(rows, i);
		if (!strcmp(json_text(row, "uuid"), uuid) && !strcmp(json_text(row, "parent"), parent))
			return row;
	}
	row = new_row(uuid, parent, json_text(definition, "type"));
	for (size_t i = 0; i < 3; i++)
		json_object_object_add(row, ((const char *[]){ "type_name", "device_api", "driver" })[i],
				       NULL);
	json_object_object_add(row, "iommu_group", NULL);
	json_object_object_add(row, "node", NULL);
	json_add_text(row, "state", "defined");
	json_object_object_add(row, "used_by", json_object_new_array());
	json_object_array_add(rows, row);
	return row;
}

static void add_definitions(struct json_object *rows, struct json_object *definitions)
{
	for (size_t i = 0; i < json_object_array_length(definitions); i++) {
		struct json_object *definition = json_object_array_get_idx(definitions, i);
		struct json_object *row = row_of(rows, definition);

		json_add_text(row, "start", json_text(definition, "start"));
		json_object_object_add(row, "attributes",
			json_copy(json_object_object_get(definition, "attributes")));
	}
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (json_object_object_get_ex(row, "start", NULL))
			continue;
		json_object_object_add(row, "start", NULL);
		json_object_object_add(row, "attributes", json_object_new_array());
	}
}

int iov_mdev_list(struct iov *iov, struct json_object **mdevs)
{
	_cleanup_json_ struct json_object *rows = NULL, *definitions = NULL;
	int error = list_active(iov, &rows);

	*mdevs = NULL;
	if (!error)
		error = add_holders(iov, rows);
	if (!error)
		error = mdev_definitions(iov, NULL, NULL, &definitions);
	if (error)
		return error;
	add_definitions(rows, definitions);
	*mdevs = json_object_get(rows);
	return 0;
}

/* The attributes of its driver, with what they read, null where they cannot be. */
static void add_values(struct iov *iov, const char *uuid, const char *folder,
		       struct json_object *values)
{
	char text[256], **names;
	size_t count;

	if (iov_sys_list(iov, mdev_path(uuid, folder).name, &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		struct iov_path name = iov_path("%s%s%s", folder, *folder ? "/" : "", names[i]);
		struct iov_path path = mdev_path(uuid, name.name);
		struct json_object *value;

		if (!mdev_is_attribute(name.name) || !iov_sys_link(iov, path.name, text, sizeof(text)))
			continue;
		iov_sys_asking(iov, "%s of %s", name.name, uuid);
		switch (iov_sys_read(iov, path.name, text, sizeof(text))) {
		case -EISDIR:
			if (!*folder)
				add_values(iov, uuid, names[i], values);
			continue;
		case 0:
			value = json_object_new_object();
			json_add_text(value, name.name, text);
			break;
		default:
			value = json_object_new_object();
			json_object_object_add(value, name.name, NULL);
		}
		json_object_array_add(values, value);
	}
	iov_names_free(names, count);
}

/* Of a UUID answers its attributes. */
static int tell_values(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *values = json_object_new_array();

	(void)length;
	add_values(iov, question, "", values);
	fputs(json_object_to_json_string_ext(values, JSON_C_TO_STRING_PLAIN), answer);
	return 0;
}

int iov_mdev_show(struct iov *iov, const char *uuid, struct json_object **mdevs)
{
	_cleanup_json_ struct json_object *all = NULL;
	_cleanup_free_ char *values = NULL;
	struct json_object *found;
	int error = iov_mdev_list(iov, &all);

	*mdevs = NULL;
	if (!error)
		error = iov_sys_call(iov, tell_values, uuid, strlen(uuid), &values);
	if (error)
		return error;
	found = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *row = json_object_array_get_idx(all, i);
		bool active = !strcmp(json_text(row, "state"), "active");

		if (strcmp(json_text(row, "uuid"), uuid))
			continue;
		json_object_object_add(row, "values", active ? json_tokener_parse(values) :
						      json_object_new_array());
		json_object_array_add(found, json_object_get(row));
	}
	if (json_object_array_length(found)) {
		*mdevs = found;
		return 0;
	}
	json_object_put(found);
	return iov_fail(iov, -ENOENT, "%s: no such mediated device, and none is defined; 'iov mdev list' "
			"shows those that there are", uuid);
}
