// SPDX-License-Identifier: GPL-2.0-or-later
/* The vDPA devices of a snapshot, with what they were made with as far as they tell. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "host/file/snapshot.h"
#include "plugins/vdpa/vdpa.h"

/* NULL for none, and for what a network device has when it was not told. */
static char *copy_value(struct json_object *row, const char *key)
{
	const char *text = json_text_or_null(row, key);

	return text && strcmp(text, "0") && strcmp(text, "00:00:00:00:00:00") ? strdup(text) : NULL;
}

static int add_vdpa(struct snapshot *snapshot, struct json_object *row)
{
	struct iov_host_vdpa *vdpa = snapshot_append(&snapshot->host->vdpas,
						     &snapshot->host->vdpa_count, sizeof(*vdpa));

	if (!vdpa)
		return -ENOMEM;
	vdpa->name = strdup(json_text(row, "name"));
	vdpa->mgmtdev = strdup(json_text(row, "mgmtdev"));
	vdpa->driver = copy_value(row, "driver");
	if (!strcmp(json_text(row, "class"), "net")) {
		vdpa->mac = copy_value(row, "mac");
		vdpa->mtu = copy_value(row, "mtu");
		vdpa->max_vqp = copy_value(row, "max_vqp");
	}
	return vdpa->name && vdpa->mgmtdev ? 0 : -ENOMEM;
}

/* A recorded tree does not tell who makes one, so it says nothing. */
int snapshot_vdpas(struct snapshot *snapshot)
{
	_cleanup_json_ struct json_object *list = NULL;
	int error = iov_vdpa_list(snapshot->iov, &list);

	for (size_t i = 0; !error && i < json_object_array_length(list); i++) {
		struct json_object *row = json_object_array_get_idx(list, i);

		if (json_text_or_null(row, "mgmtdev"))
			error = add_vdpa(snapshot, row);
	}
	return error;
}
