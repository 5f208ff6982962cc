// SPDX-License-Identifier: GPL-2.0-or-later
/* vDPA: what makes devices, and whether guests can have those that there are. */
#include "base/cleanup.h"
#include "base/json.h"
#include "base/plan/module.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"
#include "plugins/vdpa/vdpa.h"

static struct json_object *names_of(struct json_object *list)
{
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(list); i++)
		json_array_add_new(names, json_text(json_object_array_get_idx(list, i), "name"));
	return names;
}

/* Whether the running kernel has the driver for guests, loaded or not; a recorded one may. */
static bool has_driver(struct checks *checks)
{
	size_t count;
	char **names;

	if (iov_sys_exists(checks->iov, IOV_PATH_VDPA "/drivers/" IOV_DRIVER_VHOST_VDPA) ||
	    iov_module_find(checks->iov, IOV_DRIVER_VHOST_VDPA, &names, &count))
		return true;
	iov_names_free(names, count);
	return count;
}

/* A host without the module has nothing to do with it. */
void check_vdpas(struct checks *checks)
{
	_cleanup_json_ struct json_object *mgmt = NULL, *devices = NULL, *names = NULL;

	if (!iov_sys_exists(checks->iov, IOV_PATH_VDPA) || iov_vdpa_list(checks->iov, &devices))
		return;
	if (iov_vdpa_mgmt(checks->iov, &mgmt))
		mgmt = json_object_new_array();
	names = names_of(mgmt);
	if (!has_driver(checks)) {
		check_line(checks, "vdpa", CHECK_WARN, "the kernel has no " IOV_DRIVER_VHOST_VDPA ", so no guest "
			   "can have a vDPA device");
		check_remedy(checks, "install the kernel's package with all of its modules");
	} else {
		check_line(checks, "vdpa", CHECK_OK, "%zu devices, made by %s",
			   json_object_array_length(devices), json_object_array_length(names) ?
			   check_names(names).text : "nothing that is loaded");
	}
	check_evidence(checks, IOV_PATH_VDPA "/drivers", "%s", has_driver(checks) ? IOV_DRIVER_VHOST_VDPA :
		       "without " IOV_DRIVER_VHOST_VDPA);
}
