// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Claims of functions.  A function may have been claimed under another of its names than the one
 * that is its best now, so the claims of the host are resolved, and not one looked up.
 */
#include "claims/claims.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "base/table.h"
#include "claims/claims_internal.h"
#include "claims/http.h"
#include "claims/record.h"

int iov_claims_register(struct iov *iov, const struct iov_claims_settings *settings)
{
	int error = settings ? iov_table_add(iov, CLAIMS_SETTINGS, settings) : 0;

	if (!error)
		error = iov_op_register(iov, &claims_runner);
	return error ? error : guard_add_fleet(iov, &claims_fleet);
}

int claims_open(struct claims *claims, struct iov *iov)
{
	int error;

	*claims = (struct claims){ .iov = iov };
	error = claims_config_load(iov, &claims->config);
	/* Nobody asks the network for a host that was recorded. */
	claims->store = !error && claims->config.endpoint_count && iov_sys_is_host(iov) ? &etcd_store : &file_store;
	return error;
}

void claims_close(struct claims *claims)
{
	claims_http_close(claims->http);
	claims->http = NULL;
}

struct json_object *claims_read_value(const char *name, const char *value, int64_t revision, int64_t lease)
{
	static const char *const texts[] = { "device", "holder", "boot", "since" };
	_cleanup_json_ struct json_object *stored = json_tokener_parse(value);
	struct json_object *claim = json_object_new_object();
	const char *slash = strchr(name, '/');
	bool whole = json_object_is_type(stored, json_type_object);
	int64_t ttl = whole ? claims_number(stored, "ttl") : 0;

	json_add_text(claim, "host", iov_path("%.*s", slash ? (int)(slash - name) : 0, name).name);
	json_add_text(claim, "identity", slash ? slash + 1 : name);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct json_object *text = whole ? json_object_object_get(stored, texts[i]) : NULL;

		whole = json_object_is_type(text, json_type_string) &&
			strlen(json_object_get_string(text)) == (size_t)json_object_get_string_len(text) &&
			strlen(json_object_get_string(text)) < CLAIMS_NAME_SIZE;
		json_add_text(claim, texts[i], whole ? json_object_get_string(text) : NULL);
	}
	if (!whole || !claims_is_name(json_text(claim, "holder")) || ttl < 1 || ttl > CLAIMS_TTL_MAX)
		json_add_text(claim, "holder", NULL);
	json_object_object_add(claim, "ttl", json_object_new_int64(ttl < 1 || ttl > CLAIMS_TTL_MAX ? 0 : ttl));
	json_object_object_add(claim, "revision", json_object_new_int64(revision));
	json_add_text(claim, "lease", lease ? iov_path("%lld", (long long)lease).name : NULL);
	return claim;
}

static int compare(const void *one, const void *other)
{
	struct json_object *a = *(struct json_object *const *)one, *b = *(struct json_object *const *)other;
	int order = strcmp(json_text(a, "host"), json_text(b, "host"));

	return order ? order : strverscmp(json_text(a, "identity"), json_text(b, "identity"));
}

/* The question is "all" or nothing. */
static int tell_claims(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *found = json_object_new_array();
	struct claims claims;
	int error = claims_open(&claims, iov);

	if (error)
		return error;
	error = claims.store->list(&claims, length ? NULL : claims.config.host, found);
	claims_close(&claims);
	(void)question;
	json_object_array_sort(found, compare);
	fputs(json_object_to_json_string_ext(found, JSON_C_TO_STRING_PLAIN), answer);
	return error;
}

int iov_claims_list(struct iov *iov, bool all, struct json_object **claims)
{
	_cleanup_free_ char *answer = NULL;
	int error = iov_sys_call(iov, tell_claims, "all", all ? 3 : 0, &answer);

	*claims = NULL;
	if (error)
		return error;
	*claims = json_tokener_parse(answer);
	return *claims ? 0 : iov_fail(iov, -ENOMEM, "out of memory");
}

/*
 * In this boot an address is as good as a name while the function was not removed, and a name that
 * only a driver tells may be missing.
 */
static bool is_of(struct iov *iov, const struct iov_identity_index *index, struct json_object *claim,
		  struct iov_bdf bdf)
{
	char boot[CLAIMS_NAME_SIZE] = "";
	struct iov_bdf named;

	if (!iov_identity_find(index, json_text(claim, "identity"), &named))
		return !iov_bdf_compare(named, bdf);
	claims_boot(iov, boot);
	return !strcmp(json_text(claim, "boot"), boot) && !strcmp(json_text(claim, "device"), IOV_BDF(bdf));
}

struct json_object *claims_of(struct iov *iov, const struct iov_identity_index *index,
			      struct json_object *claims, struct iov_bdf bdf)
{
	for (size_t i = 0; i < json_object_array_length(claims); i++) {
		struct json_object *claim = json_object_array_get_idx(claims, i);

		if (is_of(iov, index, claim, bdf))
			return claim;
	}
	return NULL;
}

int claims_resolve(struct iov *iov, struct json_object **claims, struct iov_identity_index **index)
{
	int error = iov_claims_list(iov, false, claims);

	*index = NULL;
	return error || !json_object_array_length(*claims) ? error : iov_identity_index_open(index, iov);
}

int iov_claims_find(struct iov *iov, struct iov_bdf bdf, struct json_object **claim)
{
	_cleanup_json_ struct json_object *claims = NULL;
	struct iov_identity_index *index;
	int error = claims_resolve(iov, &claims, &index);

	*claim = NULL;
	if (error || !index)
		return error;
	*claim = json_object_get(claims_of(iov, index, claims, bdf));
	iov_identity_index_close(index);
	return 0;
}

void claims_boot(struct iov *iov, char boot[CLAIMS_NAME_SIZE])
{
	if (iov_sys_read(iov, IOV_PATH_BOOT_ID, boot, CLAIMS_NAME_SIZE))
		snprintf(boot, CLAIMS_NAME_SIZE, "unknown");
}

/* "vm1, who claimed it at 2026-01-31T12:00:00Z" */
struct iov_path claims_who(struct json_object *claim)
{
	const char *holder = json_text_or_null(claim, "holder");

	if (!holder)
		return iov_path("somebody, by an entry of etcd or a file that is no claim of iovkit's (%s/%s)",
				json_text(claim, "host"), json_text(claim, "identity"));
	return iov_path("%s, who claimed it at %s", holder, json_text(claim, "since"));
}

bool claims_is_holders(struct json_object *claim, const char *holder)
{
	return *holder && !strcmp(json_text(claim, "holder"), holder);
}

/* Whether somebody has one of the functions on a way to a device; claims are asked for once, where there is one. */
static int find_on_way(struct iov *iov, const char *way, struct json_object **claims,
		       struct iov_identity_index **index, struct json_object **claim)
{
	struct iov_path copy = iov_path("%s", way);
	char *rest = copy.name, *name;
	int error = 0;

	while (!error && !*claim && (name = strsep(&rest, "/"))) {
		struct iov_bdf bdf;

		if (!iov_bdf_scan(name, &bdf))
			continue;
		if (!*claims)
			error = claims_resolve(iov, claims, index);
		if (*index)
			*claim = json_object_get(claims_of(iov, *index, *claims, bdf));
	}
	return error;
}

/* Who has one of the functions that a device is of, or stands on. */
static int find_holder(struct iov *iov, const char *device, struct json_object **claim)
{
	_cleanup_json_ struct json_object *claims = NULL, *ways = NULL;
	struct iov_identity_index *index = NULL;
	int error = guard_ways(iov, device, &ways);

	*claim = NULL;
	for (size_t i = 0; !error && !*claim && i < json_object_array_length(ways); i++)
		error = find_on_way(iov, json_object_get_string(json_object_array_get_idx(ways, i)), &claims,
				    &index, claim);
	iov_identity_index_close(index);
	return error;
}

int iov_claims_check(struct iov *iov, const char *device)
{
	_cleanup_json_ struct json_object *claim = NULL;
	struct claims_config config;
	int error = claims_config_load(iov, &config);

	if (!error)
		error = find_holder(iov, device, &claim);
	if (error)
		return iov_fail_as(iov, iov_failure(iov, error), error, "cannot tell who has claimed %s: %s; "
				   "--force=fleet does not ask", device, iov_error_message(iov));
	if (!claim || claims_is_holders(claim, config.holder))
		return 0;
	return iov_fail(iov, -ECANCELED, "refused: %s is of %s; act for that holder with --holder, have it let go by 'iov "
			"release', or lift the guard with --force=fleet", device, claims_who(claim).name);
}

static void add_holder(struct json_object *holders, const char *name)
{
	if (*name && !json_array_has(holders, name))
		json_object_array_add(holders, json_object_new_string(name));
}

struct json_object *iov_claims_holders(struct iov *iov)
{
	struct json_object *holders = json_object_new_array();
	_cleanup_json_ struct json_object *records = NULL;
	struct claims_config config;

	if (!claims_config_load(iov, &config))
		add_holder(holders, config.holder);
	if (claims_records(iov, &records))
		return holders;
	for (size_t i = 0; i < json_object_array_length(records); i++)
		add_holder(holders, json_text(json_object_array_get_idx(records, i), "holder"));
	return holders;
}
