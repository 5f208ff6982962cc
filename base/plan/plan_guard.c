// SPDX-License-Identifier: GPL-2.0-or-later
/* Asking the guards about everything that a plan takes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/guard/ask.h"
#include "base/json.h"
#include "base/plan/plan.h"
#include "base/plan/plan_engine.h"

/* The option for each guard that found something: " --force=mount --force=lvm" */
static void list_options(struct json_object *findings, char *text, size_t size)
{
	_cleanup_json_ struct json_object *seen = json_object_new_object();
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		const char *guard = json_text(json_object_array_get_idx(findings, i), "guard");

		if (json_object_object_get_ex(seen, guard, NULL) || length >= size)
			continue;
		json_object_object_add(seen, guard, NULL);
		length += (size_t)snprintf(text + length, size - length, " --force=%s", guard);
	}
}

/* Name the first holder, and why its function is taken at all. */
static int refuse(struct iov *iov, struct json_object *findings)
{
	struct json_object *finding = json_object_array_get_idx(findings, 0);
	size_t more = json_object_array_length(findings) - 1;
	char others[48] = "", options[512];

	if (more)
		snprintf(others, sizeof(others), " and %zu more", more);
	list_options(findings, options, sizeof(options));
	return iov_fail(iov, -ECANCELED,
			"refused, nothing changed: %s (%s) is in use by %s [guard %s]%s; "
			"release it first, or lift the guard with%s",
			json_text(finding, "device"), json_text(finding, "why"),
			json_text(finding, "holder"), json_text(finding, "guard"), others,
			options);
}

static bool is_lifted(const char *const *lifted, const char *guard)
{
	while (lifted && *lifted && strcmp(*lifted, guard))
		lifted++;
	return lifted && *lifted;
}

/* Findings on one function, each with why it is taken. */
static int guard_take(struct guard_scan *scan, const struct iov_take *take,
		      const char *const *lifted, struct json_object *found)
{
	_cleanup_json_ struct json_object *all = json_object_new_array();
	int error = guard_scan_match(scan, take->bdf, all);

	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *finding = json_object_array_get_idx(all, i);

		if (is_lifted(lifted, json_text(finding, "guard")))
			continue;
		json_object_object_add(finding, "why", json_object_new_string(take->why));
		json_object_array_add(found, json_object_get(finding));
	}
	return error;
}

int iov_plan_guard(struct iov_plan *plan, const char *const *lifted,
		   struct json_object **findings)
{
	struct json_object *found = json_object_new_array();
	struct iov *iov = iov_plan_context(plan);
	struct guard_scan scan;
	int error = plan_is_incomplete(plan) ? iov_fail(iov, -ENOMEM, "out of memory") :
					       guard_scan_open(&scan, iov);

	if (!error) {
		for (size_t i = 0; !error && i < plan->take_count; i++)
			error = guard_take(&scan, &plan->takes[i], lifted, found);
		guard_scan_close(&scan);
	}
	if (!error && json_object_array_length(found))
		error = refuse(iov, found);
	if (findings)
		*findings = found;
	else
		json_object_put(found);
	return error;
}
