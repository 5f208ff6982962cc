// SPDX-License-Identifier: GPL-2.0-or-later
/* What others have claimed of this host, for the guard "fleet". */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "claims/claims_internal.h"

static void add(struct json_object *found, const char *device, struct json_object *claim)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "device", device);
	json_add_text(object, "holder", iov_path("%s (act for that holder with --holder, or 'iov release')",
						 claims_who(claim).name).name);
	json_object_array_add(found, object);
}

/* The function that a claim is of has its name still, or else its address. */
static void add_claim(struct iov *iov, const struct iov_identity_index *index, struct json_object *claims,
		      struct json_object *claim, struct json_object *found)
{
	const struct iov_identity_entry *entry;

	for (size_t i = 0; (entry = iov_identity_entry(index, i)); i++) {
		if (claims_of(iov, index, claims, entry->bdf) == claim)
			add(found, IOV_BDF(entry->bdf), claim);
	}
}

static int list(struct iov *iov, struct json_object *found)
{
	_cleanup_json_ struct json_object *claims = NULL;
	struct iov_identity_index *index = NULL;
	struct claims_config config;
	int error = claims_config_load(iov, &config);

	if (!error)
		error = iov_claims_list(iov, false, &claims);
	if (!error && json_object_array_length(claims))
		error = iov_identity_index_open(&index, iov);
	if (error || !index)
		return error;
	for (size_t i = 0; i < json_object_array_length(claims); i++) {
		struct json_object *claim = json_object_array_get_idx(claims, i);

		if (!claims_is_holders(claim, config.holder))
			add_claim(iov, index, claims, claim, found);
	}
	iov_identity_index_close(index);
	return 0;
}

const struct guard_fleet claims_fleet = { list };
