// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "fleet": functions that somebody else has claimed.  All claims of this host are asked for
 * once.  Where that cannot be told, each function may be somebody's, which an operator can overrule as
 * any holder; what others may use of the host is not unknown for it.  Who has a function has what stands
 * on it: the disks of a controller and volumes on them, an interface and the bonds that it is in.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/guard/holder.h"
#include "base/guard/scans.h"
#include "base/guard/walk_device.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "base/sysroot/sysroot.h"
#include "base/table.h"

#define FLEETS "guard-fleet"
#define VIRTUAL "virtual/"

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

/* A mediated device is in the place of its function; what is virtual is in none. */
static int ways_of(struct iov *iov, const char *place, struct json_object *ways)
{
	struct guard_chain chain = { .guard = &fleet, .holder = "" };
	struct iov_path target = iov_path("/%s", place);
	struct guard_scan below;
	int error;

	json_array_add_new(ways, place);
	if (strncmp(place, VIRTUAL, strlen(VIRTUAL)))
		return 0;
	error = guard_scan_run(&below, iov, NULL, 0, NULL);
	if (error)
		return error;
	guard_walk_device(&below, &chain, target.name);
	for (size_t i = 0; i < json_object_array_length(below.holders); i++) {
		struct json_object *found = json_object_array_get_idx(below.holders, i);

		json_object_array_add(ways, json_object_get(json_object_object_get(found, "device")));
	}
	error = below.error;
	guard_scan_close(&below);
	return error;
}

/* Of a device answers an array of its ways. */
static int tell_ways(struct iov *iov, const char *device, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *devices = json_object_new_array(), *ways = json_object_new_array();
	_cleanup_json_ struct json_object *places = NULL;
	const char *place;
	int error = 0;

	(void)length;
	json_array_add_new(devices, device);
	places = guard_places(iov, devices);
	place = json_object_get_string(json_object_array_get_idx(places, 0));
	if (place)
		error = ways_of(iov, place, ways);
	fputs(json_object_to_json_string_ext(ways, JSON_C_TO_STRING_PLAIN), answer);
	return error;
}

int guard_ways(struct iov *iov, const char *device, struct json_object **ways)
{
	_cleanup_free_ char *answer = NULL;
	int error = iov_sys_call(iov, tell_ways, device, strlen(device), &answer);

	*ways = error ? NULL : json_tokener_parse(answer);
	return error || *ways ? error : iov_fail(iov, -ENOMEM, "out of memory");
}

/* With NULL whether there is any function. */
static bool leads_over(struct json_object *ways, const char *function)
{
	for (size_t i = 0; i < json_object_array_length(ways); i++) {
		const char *way = json_object_get_string(json_object_array_get_idx(ways, i));

		if (function ? guard_has_component(way, function) : strchr(way, ':') != NULL)
			return true;
	}
	return false;
}

static void match(struct guard_scan *scan, int dir, const char *device)
{
	_cleanup_json_ struct json_object *ways = json_object_new_array();
	int error = 0;

	(void)dir;
	if (!scan->claims)
		ask(scan);
	if (json_object_array_length(scan->claims))
		error = ways_of(scan->iov, device, ways);
	if (!scan->error)
		scan->error = error;
	for (size_t i = 0; i < json_object_array_length(scan->claims); i++) {
		struct json_object *claim = json_object_array_get_idx(scan->claims, i);
		struct guard_chain chain = { .guard = &fleet, .holder = json_text(claim, "holder") };

		if (leads_over(ways, json_text_or_null(claim, "device")))
			guard_found(scan, &chain, device);
	}
}

const struct guard_kind scan_fleet = {
	.guards = (const struct guard *const[]){ &fleet, NULL },
	.match = match,
};
