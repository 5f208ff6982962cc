// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Claims in a file of this host, as etcd would have them: a lease that nobody renews is over, and no
 * revision is given twice, also over a boot.  A boot ends them all, as it ends whoever used the devices.
 *
 *	{"boot": "...", "revision": 12, "claims": [{"name", "value", "revision", "until", "ttl"}]}
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/replace.h"
#include "base/sysroot/sysroot.h"
#include "claims/claims_internal.h"
#include "claims/record.h"

#define STORE IOV_PATH_STATE "/claims.json"
#define LOCK IOV_PATH_STATE "/claims.lock"
/* Each write goes to a disk. */
#define LOCK_MS 20000

static struct json_object *claims_in(struct json_object *state)
{
	return json_object_object_get(state, "claims");
}

static struct json_object *at(struct json_object *state, size_t index)
{
	return json_object_array_get_idx(claims_in(state), index);
}

/* What is over is no claim. */
static void drop_ended(struct claims *claims, struct json_object *state)
{
	char boot[CLAIMS_NAME_SIZE];
	bool is_old;

	claims_boot(claims->iov, boot);
	is_old = strcmp(json_text(state, "boot"), boot) != 0;
	for (size_t i = json_object_array_length(claims_in(state)); i--;) {
		if (is_old || claims_number(at(state, i), "until") <= boot_ms())
			json_object_array_del_idx(claims_in(state), i, 1);
	}
	json_add_text(state, "boot", boot);
}

static int read_state(struct claims *claims, struct json_object **state)
{
	_cleanup_free_ char *text = NULL;
	int error = iov_sys_read_all(claims->iov, STORE, &text, NULL);

	*state = NULL;
	if (error && error != -ENOENT)
		return claims_fail_file(claims->iov, STORE, error);
	*state = json_tokener_parse(text ? text : "{\"boot\": \"\", \"revision\": 0, \"claims\": []}");
	if (json_object_is_type(*state, json_type_object) && json_object_is_type(claims_in(*state), json_type_array) &&
	    json_object_is_type(json_object_object_get(*state, "revision"), json_type_int)) {
		drop_ended(claims, *state);
		return 0;
	}
	json_object_put(*state);
	*state = NULL;
	return iov_fail(claims->iov, -EPROTO, "/" STORE ": is no file of claims; move it away, and claim again what is in "
			"use");
}

static int write_state(struct claims *claims, struct json_object *state)
{
	int error = sys_replace(claims->iov, STORE, json_object_to_json_string_ext(state, JSON_C_TO_STRING_PLAIN),
				false);

	return error ? claims_fail_file(claims->iov, STORE, error) : 0;
}

static int open_state(struct claims *claims, struct json_object **state, int *lock)
{
	int64_t left = claims->give_up ? claims->give_up - boot_ms() : LOCK_MS;

	*state = NULL;
	*lock = claims_lock(claims->iov, LOCK, left);
	return *lock < 0 ? claims_fail_file(claims->iov, LOCK, *lock) :
			   read_state(claims, state);
}

static int list(struct claims *claims, const char *host, struct json_object *found)
{
	_cleanup_json_ struct json_object *state = NULL;
	int error = read_state(claims, &state);
	size_t length = host ? strlen(host) : 0;

	for (size_t i = 0; !error && i < json_object_array_length(claims_in(state)); i++) {
		struct json_object *claim = at(state, i);
		const char *name = json_text(claim, "name");

		if (!host || (!strncmp(name, host, length) && name[length] == '/'))
			json_object_array_add(found, claims_read_value(name, json_text(claim, "value"),
								       claims_number(claim, "revision"), 0));
	}
	return error;
}

static int take(struct claims *claims, const char *name, const char *value, unsigned int ttl, int64_t replaces,
		struct claims_lease *lease)
{
	_cleanup_json_ struct json_object *state = NULL;
	_cleanup_fd_ int lock = -1;
	int error = open_state(claims, &state, &lock);
	struct json_object *claim;
	size_t index;

	if (error)
		return error;
	index = claims_find_name(claims_in(state), name);
	if (claims_number(at(state, index), "revision") != replaces)
		return -EEXIST;
	*lease = (struct claims_lease){ 0, claims_number(state, "revision") + 1, ttl, boot_ms() + (int64_t)ttl * 1000 };
	claim = json_object_new_object();
	json_add_text(claim, "name", name);
	json_add_text(claim, "value", value);
	json_object_object_add(claim, "revision", json_object_new_int64(lease->revision));
	json_object_object_add(claim, "until", json_object_new_int64(lease->until));
	json_object_array_put_idx(claims_in(state), index, claim);
	json_object_object_add(state, "revision", json_object_new_int64(lease->revision));
	return write_state(claims, state);
}

static int drop(struct claims *claims, const char *name, int64_t revision, int64_t lease)
{
	_cleanup_json_ struct json_object *state = NULL;
	_cleanup_fd_ int lock = -1;
	int error = open_state(claims, &state, &lock);
	size_t index;

	(void)lease;
	if (error)
		return error;
	index = claims_find_name(claims_in(state), name);
	if (claims_number(at(state, index), "revision") != revision)
		return 0;
	json_object_array_del_idx(claims_in(state), index, 1);
	return write_state(claims, state);
}

static int renew(struct claims *claims, const char *name, struct claims_lease *lease)
{
	_cleanup_json_ struct json_object *state = NULL;
	_cleanup_fd_ int lock = -1;
	int error = open_state(claims, &state, &lock);
	struct json_object *claim;
	int64_t until;

	if (error)
		return error;
	claim = at(state, claims_find_name(claims_in(state), name));
	if (claims_number(claim, "revision") != lease->revision)
		return iov_fail(claims->iov, -ESTALE, "the claim of %s is %s", name, claim ? "somebody else's" : "over");
	until = boot_ms() + (int64_t)lease->ttl * 1000;
	json_object_object_add(claim, "until", json_object_new_int64(until));
	error = write_state(claims, state);
	if (!error)
		lease->until = until;
	return error;
}

const struct claims_store file_store = { "file", list, take, drop, renew };
