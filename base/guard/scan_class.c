// SPDX-License-Identifier: GPL-2.0-or-later
/* The guard "class": holders that only the class of a device knows of. */
#include <string.h>

#include "base/cleanup.h"
#include "base/guard/holder.h"
#include "base/guard/scans.h"
#include "base/table.h"

static const struct guard device_class = {
	"class", "its device class knows of somebody who uses it",
};

int guard_add_source(struct iov *iov, const struct guard_source *source)
{
	return iov_table_add(iov, GUARD_SOURCES, source);
}

static void match(struct guard_scan *scan, int dir, const char *device)
{
	struct guard_chain chain = { .guard = &device_class };
	const struct guard_source *source;
	struct iov_bdf bdf;

	if (dir < 0 || iov_bdf_parse(scan->iov, device, &bdf))
		return;
	for (size_t i = 0; (source = iov_table_entry(scan->iov, GUARD_SOURCES, i)); i++) {
		_cleanup_json_ struct json_object *holders = json_object_new_array();
		int error = source->find(scan->iov, bdf, holders);

		if (error && !scan->error)
			scan->error = iov_told(scan->iov, error, "cannot tell who uses %s: %s", device,
					       iov_error_message(scan->iov));
		for (size_t n = 0; n < json_object_array_length(holders); n++) {
			chain.holder = json_object_get_string(json_object_array_get_idx(holders, n));
			guard_found(scan, &chain, device);
		}
	}
}

const struct guard_kind scan_class = {
	.guards = (const struct guard *const[]){ &device_class, NULL },
	.match = match,
};
