// SPDX-License-Identifier: GPL-2.0-or-later
/* Names: UUIDs, attributes, where a device and its type are in sysfs. */
#include "plugins/mdev/mdev_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/json.h"
#include "base/near.h"
#include "base/sysroot/paths.h"

#define ATTRIBUTE_CHARACTERS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/"

struct iov_path mdev_device(const char *uuid)
{
	return iov_path("mdev/%s", uuid);
}

struct iov_path mdev_path(const char *uuid, const char *file)
{
	return iov_path(IOV_PATH_MDEV_DEVICES "/%s%s%s", uuid, *file ? "/" : "", file);
}

struct iov_path mdev_type_path(const char *parent, const char *type, const char *file)
{
	return iov_path(IOV_PATH_MDEV_PARENTS "/%s/mdev_supported_types/%s%s%s", parent, type,
			*file ? "/" : "", file);
}

/* Eight, four, four, four and twelve hexadecimal digits. */
static bool is_uuid(const char *text)
{
	for (size_t i = 0; i < IOV_MDEV_UUID - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return !text[IOV_MDEV_UUID - 1];
}

int iov_mdev_uuid_parse(struct iov *iov, const char *text, char uuid[IOV_MDEV_UUID])
{
	if (!is_uuid(text))
		return iov_fail(iov, -EINVAL, "%s: expected a UUID, like "
				"83b8f4f2-509f-382f-3c1e-e6bfe0fa1001; 'iov mdev list' shows those that "
				"there are", text);
	for (size_t i = 0; i < IOV_MDEV_UUID; i++)
		uuid[i] = (char)tolower((unsigned char)text[i]);
	return 0;
}

/* RFC 4122, version 4 */
void iov_mdev_uuid_new(char uuid[IOV_MDEV_UUID])
{
	uint8_t bytes[16] = { 0 };
	size_t length = 0;

	while (getrandom(bytes, sizeof(bytes), 0) < 0 && errno == EINTR)
		;
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(bytes); i++)
		length += (size_t)snprintf(uuid + length, IOV_MDEV_UUID - length, "%s%02x",
					   i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
}

/* What the kernel itself has in the directory of each device is none. */
static bool is_of_kernel(const char *name)
{
	static const char *const own[] = {
		"remove", "uevent", "power", "driver", "subsystem", "mdev_type", "iommu_group",
		"iommu", "vfio-dev",
	};
	size_t length = strcspn(name, "/");

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		if (strlen(own[i]) == length && !strncmp(own[i], name, length))
			return true;
	}
	return false;
}

/* Each component is a name, so that no two texts are one file: "./remove", "power//control". */
static bool is_plain(const char *name)
{
	for (const char *at = name; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL) {
		if (!*at || *at == '/' || *at == '.')
			return false;
	}
	return strspn(name, ATTRIBUTE_CHARACTERS) == strlen(name);
}

bool mdev_is_attribute(const char *name)
{
	return is_plain(name) && !is_of_kernel(name);
}

int iov_mdev_attribute_parse(struct iov *iov, const char *text, struct json_object *attributes)
{
	const char *equals = strchr(text, '=');
	struct json_object *attribute;
	struct iov_path name = iov_path("%.*s", equals ? (int)(equals - text) : 0, text);

	if (!equals || !mdev_is_attribute(name.name) || strchr(equals, '\n'))
		return iov_fail(iov, -EINVAL, "%s: expected an attribute of the driver's and its value, "
				"NAME=VALUE, like assign_adapter=5", text);
	attribute = json_object_new_object();
	json_add_text(attribute, name.name, equals + 1);
	json_object_array_add(attributes, attribute);
	return 0;
}

void mdev_attribute(struct json_object *attributes, size_t index, const char **name,
		    const char **value)
{
	struct json_object *attribute = json_object_array_get_idx(attributes, index);

	json_object_object_foreach(attribute, key, text) {
		*name = key;
		*value = json_object_get_string(text);
	}
}

/* The device is below its parent: "../../../devices/virtual/mtty/mtty/UUID". */
int mdev_read(struct iov *iov, const char *uuid, char parent[IOV_MDEV_NAME],
	      char type[IOV_MDEV_NAME])
{
	char target[IOV_PATH_MAX], *last, *before;
	int error = iov_sys_link(iov, mdev_path(uuid, "").name, target, sizeof(target));

	if (error)
		return error;
	error = iov_sys_link_name(iov, mdev_path(uuid, "mdev_type").name, type, IOV_MDEV_NAME);
	last = strrchr(target, '/');
	if (error || !last)
		return -ENOENT;
	*last = '\0';
	before = strrchr(target, '/');
	snprintf(parent, IOV_MDEV_NAME, "%.*s", IOV_MDEV_NAME - 1, before ? before + 1 : target);
	return 0;
}

int mdev_require(struct iov *iov, const char *uuid, char parent[IOV_MDEV_NAME],
		 char type[IOV_MDEV_NAME])
{
	if (!mdev_read(iov, uuid, parent, type))
		return 0;
	return iov_fail(iov, -ENOENT, "%s: no such mediated device; 'iov mdev list' shows those that "
			"there are, 'iov mdev start' makes one that is defined", uuid);
}
