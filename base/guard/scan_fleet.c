// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "fleet": functions that somebody else has claimed.  All claims of this host are asked for
 * once.  Where that cannot be told, each function may be somebody's, which an operator can overrule as
 * any holder; what others may use of the host is not unknown for it.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/guard/holder.h"
#include "base/guard/scans.h"
#include "base/json.h"
#include "base/sysroot/sysroot.h"
#include "base/table.h"

#define FLEETS "guard-fleet"

static const struct guard fleet = {
	GUARD_FLEET, "somebody else has claimed it, or nobody can tell who has",
};

int guard_add_fleet(struct iov *iov, const struct guard_fleet *source)
{
	return iov_table_add(iov, FLEETS, source);
}

static void ask(struct guard_scan *scan)
{
	const struct guard_fleet *source;

	scan->claims = json_object_new_array();
	for (size_t i = 0; (source = iov_table_entry(scan->iov, FLEETS, i)); i++) {
		struct json_object *unknown;
		int error = source->list(scan->iov, scan->claims);

		/* Who is not root takes nothing, and may not read everything. */
		if (!error || ((error == -EACCES || error == -EPERM) && geteuid()))
			continue;
		unknown = json_object_new_object();
		json_add_text(unknown, "holder", iov_path("somebody or nobody: %s",
							  iov_error_message(scan->iov)).name);
		json_object_array_add(scan->claims, unknown);
	}
}

/* A mediated device is in the place of its function. */
static void match(struct guard_scan *scan, int dir, const char *device)
{
	(void)dir;
	if (!scan->claims)
		ask(scan);
	for (size_t i = 0; i < json_object_array_length(scan->claims); i++) {
		struct json_object *claim = json_object_array_get_idx(scan->claims, i);
		const char *function = json_text_or_null(claim, "device");
		struct guard_chain chain = { .guard = &fleet, .holder = json_text(claim, "holder") };

		if (!function || guard_has_component(device, function))
			guard_found(scan, &chain, device);
	}
}

const struct guard_kind scan_fleet = {
	.guards = (const struct guard *const[]){ &fleet, NULL },
	.match = match,
};
