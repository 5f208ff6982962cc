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
static bool find_holder(struct guard_scan *scan, const char *device, const char *place, char *text,
			size_t size)
{
	_cleanup_json_ struct json_object *findings = json_object_new_array();

	if (!place)
		return false;
	guard_scan_find(scan, device, place, findings);
	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		struct json_object *finding = json_object_array_get_idx(findings, i);

		if (!is_vfio(finding))
			continue;
		snprintf(text, size, "%s is held by %s", device, json_text(finding, "holder"));
		return true;
	}
	return false;
}

static const char *text_at(struct json_object *array, size_t index)
{
	return json_object_get_string(json_object_array_get_idx(array, index));
}

bool find_vfio_holder(struct iov *iov, char *const *devices, size_t count, char *text, size_t size)
{
	_cleanup_json_ struct json_object *known = json_object_new_array();
	_cleanup_json_ struct json_object *places = NULL;
	struct said said = iov->said;
	struct guard_scan scan;
	bool found = false;

	for (size_t i = 0; i < count; i++) {
		if (guard_knows(devices[i]))
			json_object_array_add(known, json_object_new_string(devices[i]));
	}
	if (!json_object_array_length(known))
		return false;
	places = guard_places(iov, known);
	if (guard_scan_run(&scan, iov, (const struct guard_kind *const[]){ &scan_open }, 1, places)) {
		snprintf(text, size, "nobody knows who holds %s (%s)", devices[0],
			 iov_error_message(iov));
		found = true;
	} else {
		for (size_t i = 0; !found && i < json_object_array_length(known); i++)
			found = find_holder(&scan, text_at(known, i), text_at(places, i), text, size);
		guard_scan_close(&scan);
	}
	iov->said = said;
	return found;
}
