// SPDX-License-Identifier: GPL-2.0-or-later
/* Mediated devices, each of a parent that is there before. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/file/build.h"
#include "plugins/mdev/mdev.h"

/* A parent may be named as one of the file's devices is. */
static struct iov_path parent_of(const struct host_build *build, const struct iov_host_mdev *mdev)
{
	const struct host_target *target = host_find_target(build, mdev->parent, strlen(mdev->parent));

	return iov_path("%s", target && target->present ? IOV_BDF(target->bdf) : mdev->parent);
}

static int fail(const struct host_build *build, int error, unsigned int index, const char *key)
{
	return host_fail_at(build, error, host_place("mdevs[%u].%s", index, key));
}

static int build_mdev(struct host_build *build, unsigned int index)
{
	_cleanup_json_ struct json_object *attributes = json_object_new_array();
	const struct iov_host_mdev *said = &build->host->mdevs[index];
	struct iov_path name = parent_of(build, said);
	char uuid[IOV_MDEV_UUID], parent[IOV_MDEV_NAME];
	const struct iov_mdev mdev = { uuid, parent, said->type, attributes };
	int error = iov_mdev_parent_find(build->iov, name.name, parent);

	if (build->options.only_device && (error || strcmp(parent, IOV_BDF(*build->options.only_device))))
		return 0;
	if (error == -ENODEV && (said->absent == IOV_HOST_ABSENT_SKIP || build->options.skip_absent)) {
		iov_plan_note(build->plan, "mdevs[%u] (%s): parent %s is absent, skipped", index, said->uuid,
			      said->parent);
		return 0;
	}
	if (error)
		return fail(build, error, index, "parent");
	error = iov_mdev_uuid_parse(build->iov, said->uuid, uuid);
	for (unsigned int i = 0; !error && i < said->attribute_count; i++)
		error = iov_mdev_attribute_parse(build->iov, said->attributes[i], attributes);
	if (!error)
		error = iov_mdev_create_plan(build->plan, &mdev);
	return error ? fail(build, error, index, error == -ENOENT ? "type" : "uuid") : 0;
}

int host_build_mdevs(struct host_build *build)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < build->host->mdev_count; i++)
		error = build_mdev(build, i);
	return error;
}
