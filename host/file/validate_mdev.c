// SPDX-License-Identifier: GPL-2.0-or-later
/* What can be told to be wrong with mediated devices in a host file without a look at the host. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/file/validate.h"
#include "plugins/mdev/mdev.h"

/* One component of a path of sysfs. */
static int check_component(const struct check *check, const char *where, const char *value,
			   const char *expected)
{
	if (!strchr(value, '/') && *value != '.' && strlen(value) < IOV_MDEV_NAME)
		return 0;
	return fail_value(check, where, value, expected);
}

static int check_attributes(const struct check *check, const char *at,
			    const struct iov_host_mdev *mdev)
{
	_cleanup_json_ struct json_object *attributes = json_object_new_array();

	for (unsigned int i = 0; i < mdev->attribute_count; i++) {
		if (iov_mdev_attribute_parse(check->file->iov, mdev->attributes[i], attributes))
			return fail_value(check, PLACE("%s.attributes[%u]", at, i), mdev->attributes[i],
					  "an attribute of the driver's and its value, NAME=VALUE");
	}
	return 0;
}

int check_mdev(const struct check *check, const char *at, const struct iov_host_mdev *mdev)
{
	char uuid[IOV_MDEV_UUID];
	int error;

	if (iov_mdev_uuid_parse(check->file->iov, mdev->uuid, uuid))
		return fail_value(check, PLACE("%s.uuid", at), mdev->uuid,
				  "a UUID like 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	error = check_once(check, PLACE("%s.uuid", at), "UUID", uuid);
	if (!error)
		error = check_component(check, PLACE("%s.type", at), mdev->type,
					"the name of a type, as 'iov mdev types' shows them");
	return error ? error : check_attributes(check, at, mdev);
}
