// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of scans, and the guards by name. */
#include "base/guard/guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/guard/ask.h"
#include "base/guard/scans.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

/* In the order in which holders are named. */
static const struct guard_kind *const kinds[] = {
	&scan_route, &scan_session, &scan_address, &scan_upper, &scan_packet, &scan_program,
	&scan_bpf, &scan_mount, &scan_volume, &scan_zfs, &scan_export, &scan_claim, &scan_netns,
	&scan_open, &scan_memory, &scan_vsock, &scan_kernel, &scan_console, &scan_display,
	&scan_xen, &scan_class, &scan_fleet,
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static const struct guard *guard_at(size_t index)
{
	for (size_t i = 0; i < KINDS; i++) {
		for (size_t n = 0; kinds[i]->guards[n]; n++) {
			if (!index--)
				return kinds[i]->guards[n];
		}
	}
	return NULL;
}

const char *iov_guard_name(size_t index)
{
	const struct guard *guard = guard_at(index);

	return guard ? guard->name : NULL;
}

const char *iov_guard_meaning(const char *name)
{
	const struct guard *guard;

	for (size_t i = 0; (guard = guard_at(i)); i++) {
		if (!strcmp(guard->name, name))
			return guard->meaning;
	}
	return NULL;
}

bool iov_guard_is_network(const char *name)
{
	for (size_t i = 0; i < KINDS; i++) {
		for (size_t n = 0; kinds[i]->network && kinds[i]->guards[n]; n++) {
			if (!strcmp(kinds[i]->guards[n]->name, name))
				return true;
		}
	}
	return false;
}

int iov_guard_set_session(struct iov *iov, const char *ssh_connection)
{
	iov->session_client[0] = '\0';
	iov->session_local[0] = '\0';
	context_changed(iov);
	if (ssh_connection && sscanf(ssh_connection, "%63s %*s %63s", iov->session_client,
				     iov->session_local) != 2)
		return iov_fail(iov, -EINVAL,
				"SSH_CONNECTION is '%s'; expected 'client port server port'",
				ssh_connection);
	return 0;
}

/*
 * A driver that leaves a supplier takes the drivers of its consumers along, by links that the kernel
 * keeps track of: "pci:0000:00:0d.2--pci:0000:00:07.0", without the bus before Linux 5.11.
 */
static void visit_supply(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			 const char *name)
{
	char supplier[64], consumer[64], status[32];
	struct json_object *consumers;

	(void)chain;
	if ((sscanf(name, "pci:%63[^-]--pci:%63s", supplier, consumer) != 2 &&
	     sscanf(name, "%63[^-]--%63s", supplier, consumer) != 2) ||
	    iov_sys_read(scan->iov, iov_path("%s/%s/status", directory, name).name, status,
			 sizeof(status)) || strcmp(status, "active"))
		return;
	consumers = json_object_object_get(scan->supplies, supplier);
	if (!consumers) {
		consumers = json_object_new_array();
		json_object_object_add(scan->supplies, supplier, consumers);
	}
	json_array_add_new(consumers, consumer);
}

/* Who uses a consumer, or what is below it, uses the supplier. */
static void match_consumers(struct guard_scan *scan, const char *device,
			    struct json_object *findings)
{
	struct json_object *consumers;

	if (!scan->supplies) {
		scan->supplies = json_object_new_object();
		guard_for_each_name(scan, NULL, IOV_PATH_DEVICE_LINKS, visit_supply);
	}
	consumers = json_object_object_get(scan->supplies, device);
	for (size_t i = 0; consumers && i < json_object_array_length(consumers); i++)
		guard_scan_find(scan, device, json_object_get_string(
					json_object_array_get_idx(consumers, i)), findings);
}

static bool asks_for(struct json_object *question, const char *what)
{
	return json_object_get_boolean(json_object_object_get(question, what));
}

static void match(struct guard_scan *scan, struct json_object *question, const char *place,
		  struct json_object *findings)
{
	const char *device = json_text(question, "device");
	_cleanup_fd_ int dir = iov_dir_open(scan->iov, guard_device_path(scan->iov, device).name);

	for (size_t i = 0; i < KINDS; i++) {
		if (kinds[i]->match && asks_for(question, kinds[i] == &scan_fleet ? "claims" : "users"))
			kinds[i]->match(scan, dir, place);
	}
	guard_scan_find(scan, device, place, findings);
	if (asks_for(question, "users"))
		match_consumers(scan, device, findings);
}

/* Where those are whose users are asked for; null in the place of others.  NULL for none. */
static struct json_object *places_of_users(struct json_object *questions, struct json_object *places)
{
	struct json_object *array = json_object_new_array();
	bool any = false;

	for (size_t i = 0; i < json_object_array_length(questions); i++) {
		bool asked = asks_for(json_object_array_get_idx(questions, i), "users");

		any |= asked;
		json_object_array_add(array, asked ? json_object_get(json_object_array_get_idx(places, i)) : NULL);
	}
	if (any)
		return array;
	json_object_put(array);
	return NULL;
}

static struct json_object *names_of(struct json_object *questions)
{
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(questions); i++)
		json_object_array_add(names, json_object_get(json_object_object_get(
				json_object_array_get_idx(questions, i), "device")));
	return names;
}

/* Of objects "device", "users" and "claims" answers an array with the findings of each. */
static int tell_findings(struct iov *iov, const char *text, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *all = json_object_new_array();
	_cleanup_json_ struct json_object *questions = json_tokener_parse(text);
	_cleanup_json_ struct json_object *names = names_of(questions);
	_cleanup_json_ struct json_object *places = guard_places(iov, names);
	_cleanup_json_ struct json_object *of_users = places_of_users(questions, places);
	struct guard_scan scan;
	int error = guard_scan_run(&scan, iov, kinds, of_users ? KINDS : 0, of_users);

	(void)length;
	if (error)
		return error;
	for (size_t i = 0; i < json_object_array_length(questions); i++) {
		struct json_object *findings = json_object_new_array();
		const char *place = json_object_get_string(json_object_array_get_idx(places, i));

		if (place)
			match(&scan, json_object_array_get_idx(questions, i), place, findings);
		json_object_array_add(all, findings);
	}
	error = scan.error;
	guard_scan_close(&scan);
	fputs(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN), answer);
	return error;
}

/* Nothing is taken before that is known. */
static int say_unknown(struct iov *iov, int error)
{
	return iov_told(iov, error, "cannot tell who uses what: %s", iov_error_message(iov));
}

static struct json_object *question_json(const struct guard_question *question)
{
	struct json_object *json = json_object_new_object();

	json_add_text(json, "device", question->device);
	json_object_object_add(json, "users", json_object_new_boolean(question->users));
	json_object_object_add(json, "claims", json_object_new_boolean(question->claims));
	return json;
}

int guard_ask(struct iov *iov, const struct guard_question *questions, size_t count,
	      struct json_object **findings)
{
	_cleanup_json_ struct json_object *asked = json_object_new_array();
	_cleanup_free_ char *answer = NULL;
	const char *text;
	int error;

	*findings = NULL;
	for (size_t i = 0; i < count; i++)
		json_object_array_add(asked, question_json(&questions[i]));
	text = json_object_to_json_string_ext(asked, JSON_C_TO_STRING_PLAIN);
	error = iov_sys_call(iov, tell_findings, text, strlen(text), &answer);
	if (error == -ETIMEDOUT)
		return say_unknown(iov, error);
	if (error)
		return error;
	*findings = json_tokener_parse(answer);
	return *findings ? 0 : iov_fail(iov, -ENOMEM, "out of memory");
}

int iov_guard_function(struct iov *iov, struct iov_bdf bdf, struct json_object *findings)
{
	_cleanup_json_ struct json_object *all = NULL;
	struct iov_bdf_text device = iov_bdf_format(bdf);
	const struct guard_question question = { device.text, true, true };
	int error = guard_ask(iov, &question, 1, &all);
	struct json_object *found;

	if (error)
		return error;
	found = json_object_array_get_idx(all, 0);
	for (size_t i = 0; i < json_object_array_length(found); i++)
		json_object_array_add(findings,
				      json_object_get(json_object_array_get_idx(found, i)));
	return 0;
}
