// SPDX-License-Identifier: GPL-2.0-or-later
/* The mediated devices of a snapshot.  What somebody wrote to their attributes nobody tells. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "host/file/snapshot.h"
#include "plugins/mdev/mdev.h"

static int add_mdev(struct snapshot *snapshot, struct json_object *row)
{
	struct iov_host_mdev *mdev = snapshot_append(&snapshot->host->mdevs,
						     &snapshot->host->mdev_count, sizeof(*mdev));

	if (!mdev)
		return -ENOMEM;
	mdev->uuid = strdup(json_text(row, "uuid"));
	mdev->parent = strdup(json_text(row, "parent"));
	mdev->type = strdup(json_text(row, "type"));
	return mdev->uuid && mdev->parent && mdev->type ? 0 : -ENOMEM;
}

int snapshot_mdevs(struct snapshot *snapshot)
{
	_cleanup_json_ struct json_object *mdevs = NULL;
	int error = iov_mdev_list(snapshot->iov, &mdevs);

	for (size_t i = 0; !error && i < json_object_array_length(mdevs); i++) {
		struct json_object *row = json_object_array_get_idx(mdevs, i);

		if (!strcmp(json_text(row, "state"), "active"))
			error = add_mdev(snapshot, row);
	}
	return error;
}
