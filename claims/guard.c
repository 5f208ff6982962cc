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
static int list(struct iov *iov, struct json_object *found)
{
	_cleanup_json_ struct json_object *claims = NULL;
	struct iov_identity_index *index = NULL;
	const struct iov_identity_entry *entry;
	struct claims_config config;
	int error = claims_config_load(iov, &config);

	if (!error)
		error = claims_resolve(iov, &claims, &index);
	if (error || !index)
		return error;
	for (size_t i = 0; (entry = iov_identity_entry(index, i)); i++) {
		struct json_object *claim = claims_of(iov, index, claims, entry->bdf);

		if (claim && !claims_is_holders(claim, config.holder))
			add(found, IOV_BDF(entry->bdf), claim);
	}
	iov_identity_index_close(index);
	return 0;
}

const struct guard_fleet claims_fleet = { list };
