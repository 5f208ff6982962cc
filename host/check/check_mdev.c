// SPDX-License-Identifier: GPL-2.0-or-later
/* Mediated devices: whether what is defined can start. */
#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"
#include "plugins/mdev/mdev.h"

/* Parents of definitions that are not there. */
static struct json_object *absent_parents(struct checks *checks, struct json_object *mdevs)
{
	struct json_object *absent = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(mdevs); i++) {
		const char *parent = json_text(json_object_array_get_idx(mdevs, i), "parent");

		if (!iov_sys_exists(checks->iov, iov_path(IOV_PATH_MDEV_PARENTS "/%s", parent).name))
			json_array_add_new(absent, parent);
	}
	return absent;
}

/* A host that has nothing to do with them is not bothered. */
void check_mdevs(struct checks *checks)
{
	_cleanup_json_ struct json_object *mdevs = NULL, *types = NULL, *absent = NULL;

	if (iov_mdev_list(checks->iov, &mdevs) || iov_mdev_types(checks->iov, NULL, &types) ||
	    (!json_object_array_length(mdevs) && !json_object_array_length(types)))
		return;
	absent = absent_parents(checks, mdevs);
	if (json_object_array_length(absent)) {
		check_line(checks, "mdev", CHECK_WARN, "mediated devices are defined of %s, which gives none",
			   check_names(absent).text);
		check_remedy(checks, "load the module whose driver gives them, with the parameter that it wants "
			     "for that (i915: enable_gvt=1), or 'iov mdev undefine' them");
	} else {
		check_line(checks, "mdev", CHECK_OK, "%zu types of mediated devices, %zu devices there or defined",
			   json_object_array_length(types), json_object_array_length(mdevs));
	}
	check_evidence(checks, IOV_PATH_MDEV_PARENTS, "%zu types", json_object_array_length(types));
	check_evidence(checks, IOV_PATH_MDEVCTL, "%s", iov_sys_exists(checks->iov, IOV_PATH_MDEVCTL) ?
		       "present" : "absent");
}
