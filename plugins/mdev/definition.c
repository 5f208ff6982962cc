// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Definitions, in the files of mdevctl(8): /etc/mdevctl.d/PARENT/UUID has
 *
 *	{"mdev_type": "mtty-2", "start": "auto", "attrs": [{"NAME": "VALUE"}]}
 *
 * What mdevctl would not take we do not take either, so that both know the same devices.
 */
#include "plugins/mdev/mdev_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"

#define SCRIPTS "scripts.d"
#define FILE_MAX (1 << 20)

struct iov_path mdev_definition_path(const char *parent, const char *uuid)
{
	return iov_path(IOV_PATH_MDEVCTL "/%s/%s", parent, uuid);
}

static bool is_attribute(struct json_object *attribute)
{
	if (!json_object_is_type(attribute, json_type_object) ||
	    json_object_object_length(attribute) != 1)
		return false;
	json_object_object_foreach(attribute, name, value)
		return mdev_is_attribute(name) && json_object_is_type(value, json_type_string);
	return false;
}

/* What is wrong with what a file says; NULL for nothing. */
static const char *find_mistake(struct json_object *said)
{
	struct json_object *type, *start, *attributes;

	if (!json_object_is_type(said, json_type_object))
		return "expected a JSON object";
	if (!json_object_object_get_ex(said, "mdev_type", &type) ||
	    !json_object_is_type(type, json_type_string) || !*json_object_get_string(type) ||
	    strchr(json_object_get_string(type), '/'))
		return "'mdev_type': expected the name of a type";
	if (!json_object_object_get_ex(said, "start", &start) ||
	    !json_object_is_type(start, json_type_string) ||
	    (strcmp(json_object_get_string(start), "auto") &&
	     strcmp(json_object_get_string(start), "manual")))
		return "'start': expected \"auto\" or \"manual\"";
	if (!json_object_object_get_ex(said, "attrs", &attributes))
		return NULL;
	if (!json_object_is_type(attributes, json_type_array))
		return "'attrs': expected an array";
	for (size_t i = 0; i < json_object_array_length(attributes); i++) {
		if (!is_attribute(json_object_array_get_idx(attributes, i)))
			return "'attrs': expected objects of one attribute and its value, a text";
	}
	return NULL;
}

/* What is no file, as a FIFO or /dev/zero by a link, has no end. */
static int check_file(struct iov *iov, const char *path)
{
	_cleanup_fd_ int fd = iov_sys_open(iov, path, O_RDONLY | O_NONBLOCK);
	struct stat stat;

	if (fd < 0)
		return fd;
	if (fstat(fd, &stat))
		return -errno;
	if (S_ISDIR(stat.st_mode))
		return -EISDIR;
	return S_ISREG(stat.st_mode) && stat.st_size <= FILE_MAX ? 0 : -EFBIG;
}

int mdev_definition_read(struct iov *iov, const char *parent, const char *uuid,
			 struct json_object **definition)
{
	struct iov_path path = mdev_definition_path(parent, uuid);
	_cleanup_json_ struct json_object *said = NULL;
	_cleanup_free_ char *text = NULL;
	struct json_object *attributes;
	const char *mistake;
	int error = check_file(iov, path.name);

	*definition = NULL;
	if (!error)
		error = iov_sys_read_all(iov, path.name, &text, NULL);
	if (error == -ENOENT)
		return error;
	if (error)
		return iov_told(iov, error, "cannot read /%s: %s", path.name, strerror(-error));
	said = json_parse_strictly(text);
	mistake = find_mistake(said);
	if (mistake)
		return iov_fail(iov, -EINVAL, "/%s: %s; correct or remove the file", path.name, mistake);
	attributes = json_copy(json_object_object_get(said, "attrs"));
	*definition = json_object_new_object();
	json_add_text(*definition, "uuid", uuid);
	json_add_text(*definition, "parent", parent);
	json_add_text(*definition, "type", json_text(said, "mdev_type"));
	json_add_text(*definition, "start", json_text(said, "start"));
	json_object_object_add(*definition, "attributes",
			       attributes ? attributes : json_object_new_array());
	json_object_object_add(*definition, "file", json_object_get(said));
	json_add_text(*definition, "text", text);
	return 0;
}

static int add_definition(struct iov *iov, const char *parent, const char *name, const char *uuid,
			  struct json_object *definitions)
{
	char parsed[IOV_MDEV_UUID];
	struct json_object *definition;
	int error;

	if ((uuid && strcmp(uuid, name)) || iov_mdev_uuid_parse(iov, name, parsed) ||
	    strcmp(parsed, name))
		return 0;
	error = mdev_definition_read(iov, parent, name, &definition);
	if (!error)
		json_object_array_add(definitions, definition);
	else if (error != -ENOENT && error != -ENOMEM && !uuid)
		iov_log(iov, LOG_WARNING, "left out: %s", iov_error_message(iov));
	else if (error != -ENOENT)
		return error;
	return 0;
}

static int add_parent(struct iov *iov, const char *parent, const char *uuid,
		      struct json_object *definitions)
{
	char **names;
	size_t count;
	int error = iov_sys_list(iov, iov_path(IOV_PATH_MDEVCTL "/%s", parent).name, &names, &count);

	if (error)
		return 0;
	for (size_t i = 0; !error && i < count; i++)
		error = add_definition(iov, parent, names[i], uuid, definitions);
	iov_names_free(names, count);
	return error;
}

int mdev_definitions(struct iov *iov, const char *parent, const char *uuid,
		     struct json_object **definitions)
{
	char **names = NULL;
	size_t count = 0;
	int error = 0;

	*definitions = json_object_new_array();
	iov_sys_list(iov, IOV_PATH_MDEVCTL, &names, &count);
	for (size_t i = 0; !error && i < count; i++) {
		if (strcmp(names[i], SCRIPTS) && (!parent || !strcmp(parent, names[i])))
			error = add_parent(iov, names[i], uuid, *definitions);
	}
	iov_names_free(names, count);
	if (error) {
		json_object_put(*definitions);
		*definitions = NULL;
	}
	return error;
}

static bool has_files(struct iov *iov, const char *path)
{
	char **names;
	size_t count;

	if (iov_sys_list(iov, path, &names, &count))
		return false;
	iov_names_free(names, count);
	return count > 0;
}

void mdev_warn_of_scripts(const struct iov_plan *plan)
{
	struct iov *iov = iov_plan_context(plan);
	static const char *const places[] = {
		IOV_PATH_MDEVCTL "/" SCRIPTS "/callouts", IOV_PATH_MDEVCTL "/" SCRIPTS "/notifiers",
		IOV_PATH_MDEVCTL_SCRIPTS "/callouts", IOV_PATH_MDEVCTL_SCRIPTS "/notifiers",
	};

	for (size_t i = 0; iov_plan_is_empty(plan) && i < sizeof(places) / sizeof(*places); i++) {
		if (has_files(iov, places[i]))
			iov_log(iov, LOG_WARNING, "scripts in /%s are not run; devices that need them are "
				"for mdevctl(8)", places[i]);
	}
}
