// SPDX-License-Identifier: GPL-2.0-or-later
/* Which process drives a function through VFIO, for the error of a step that hangs. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/guard/ask.h"
#include "base/guard/scans.h"
#include "base/json.h"

/* A DPDK process has a function by VFIO as well, and is called so. */
static bool is_vfio(struct json_object *finding)
{
	const char *guard = json_text(finding, "guard");

	return !strcmp(guard, "vfio-open") || !strcmp(guard, "dpdk");
}

/* The first process that drives @device; the message of an earlier error survives. */
static bool find_holder(struct guard_scan *scan, const char *device, char *text, size_t size)
{
	_cleanup_json_ struct json_object *findings = json_object_new_array();
	struct iov_bdf bdf;

	if (iov_bdf_parse(scan->iov, device, &bdf))
		return false;
	guard_scan_find(scan, IOV_BDF(bdf), findings);
	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		struct json_object *finding = json_object_array_get_idx(findings, i);

		if (!is_vfio(finding))
			continue;
		snprintf(text, size, "%s is held by %s", device, json_text(finding, "holder"));
		return true;
	}
	return false;
}

bool find_vfio_holder(struct iov *iov, char *const *devices, size_t count, char *text, size_t size)
{
	struct guard_scan scan;
	struct said said = iov->said;
	bool found = false;

	if (!count)
		return false;
	if (guard_scan_run(&scan, iov, (const struct guard_kind *const[]){ &scan_open }, 1)) {
		snprintf(text, size, "nobody knows who holds %s (%s)", devices[0],
			 iov_error_message(iov));
		found = true;
	} else {
		for (size_t i = 0; !found && i < count; i++)
			found = find_holder(&scan, devices[i], text, size);
		guard_scan_close(&scan);
	}
	iov->said = said;
	return found;
}
