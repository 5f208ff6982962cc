// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/interface.h"
#include "base/sysroot/paths.h"
#include "sriov/internal.h"

static struct json_object *text_or_null(const char *text)
{
	return *text ? json_object_new_string(text) : NULL;
}

static struct json_object *group_of(struct iov *iov, struct iov_bdf bdf)
{
	char name[32];

	if (iov_sys_link_name(iov, iov_pci_path(bdf, "iommu_group").name, name, sizeof(name)))
		return NULL;
	return json_object_new_int64(strtol(name, NULL, 10));
}

static struct json_object *netdev_of(struct iov *iov, struct iov_bdf bdf)
{
	char name[IOV_INTERFACE_SIZE];

	return iov_interface_of(iov, bdf, -1, name) ? NULL : json_object_new_string(name);
}

/* Where a VF is; one that the kernel is about to remove has lost its link. */
static struct iov_bdf address_of(struct iov *iov, const struct iov_pf *pf, unsigned int index)
{
	struct iov_bdf bdf = iov_vf_bdf(pf, index);

	iov_pci_link(iov, pf->bdf, iov_path("virtfn%u", index).name, &bdf);
	return bdf;
}

/* All findings about the VFs of some PFs, looked for once. */
static int find_holders(struct iov *iov, const struct iov_pf *pfs, size_t count,
			struct json_object **findings)
{
	struct iov_plan *query;
	int error = iov_plan_new(&query, iov, "look for holders of VFs");

	if (error)
		return error;
	for (size_t n = 0; n < count; n++) {
		for (unsigned int i = 0; i < pfs[n].count; i++)
			iov_plan_take(query, address_of(iov, &pfs[n], i), "");
	}
	error = iov_plan_guard(query, NULL, findings);
	iov_plan_free(query);
	return error == -ECANCELED ? 0 : error;
}

static struct json_object *holders_of(struct iov_bdf bdf, struct json_object *findings)
{
	struct json_object *holders = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		struct json_object *finding = json_object_array_get_idx(findings, i);

		if (!strcmp(json_text(finding, "device"), IOV_BDF(bdf)))
			json_array_add_new(holders, json_text(finding, "holder"));
	}
	return holders;
}

static struct json_object *describe_vf(struct iov *iov, const struct iov_pf *pf,
				       unsigned int index, struct json_object *attributes,
				       struct json_object *findings)
{
	struct json_object *vf = json_object_new_object();
	struct iov_bdf bdf = address_of(iov, pf, index);
	char driver[64] = "";

	iov_pci_driver(iov, bdf, driver, sizeof(driver));
	json_object_object_add(vf, "index", json_object_new_int64(index));
	json_object_object_add(vf, "device", json_object_new_string(IOV_BDF(bdf)));
	json_object_object_add(vf, "driver", text_or_null(driver));
	json_object_object_add(vf, "iommu_group", group_of(iov, bdf));
	json_object_object_add(vf, "netdev", netdev_of(iov, bdf));
	json_object_object_foreach(attributes, name, value)
		json_object_object_add(vf, name, json_object_get(value));
	json_object_object_add(vf, "used_by", holders_of(bdf, findings));
	return vf;
}

static struct json_object *describe_pf(const struct iov_pf *pf)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "pf", json_object_new_string(IOV_BDF(pf->bdf)));
	json_object_object_add(object, "driver", text_or_null(pf->driver));
	json_object_object_add(object, "class",
		pf->device_class ? json_object_new_string(pf->device_class->name) : NULL);
	json_object_object_add(object, "total", json_object_new_int64(pf->total));
	json_object_object_add(object, "count", json_object_new_int64(pf->count));
	json_object_object_add(object, "autoprobe",
		pf->autoprobe < 0 ? NULL : json_object_new_boolean(pf->autoprobe));
	return object;
}

static struct json_object *describe(struct iov *iov, const struct iov_pf *pf,
				    struct json_object *findings)
{
	_cleanup_json_ struct json_object *attributes = NULL;
	struct json_object *object = describe_pf(pf), *vfs = json_object_new_array();

	/* The list is worth having without them, as on a recorded tree. */
	if (vf_attributes(iov, pf, &attributes))
		iov_log(iov, LOG_NOTICE, "attributes are left out: %s", iov_error_message(iov));
	json_object_object_add(object, "vfs", vfs);
	for (unsigned int i = 0; i < pf->count; i++)
		json_object_array_add(vfs, describe_vf(iov, pf, i,
			json_object_array_get_idx(attributes, i), findings));
	return object;
}

int iov_vf_list(struct iov *iov, struct iov_bdf bdf, int port, struct json_object **out)
{
	_cleanup_json_ struct json_object *findings = NULL;
	struct iov_pf pf;
	int error = iov_pf_read(iov, bdf, &pf);

	pf.port = port;
	if (!error)
		error = find_holders(iov, &pf, 1, &findings);
	if (!error)
		*out = describe(iov, &pf, findings);
	return error;
}

/* The PFs of a host; what is no PF, or went meanwhile, is none. */
static int read_pfs(struct iov *iov, struct iov_pf **pfs, size_t *count)
{
	_cleanup_free_ struct iov_bdf *functions = NULL;
	size_t functions_count;
	int error = iov_pci_list(iov, &functions, &functions_count);

	*count = 0;
	*pfs = error ? NULL : calloc(functions_count + 1, sizeof(**pfs));
	if (!error && !*pfs)
		return -ENOMEM;
	for (size_t i = 0; !error && i < functions_count; i++) {
		if (iov_sys_exists(iov, iov_pci_path(functions[i], "sriov_totalvfs").name) &&
		    !iov_pf_read(iov, functions[i], &(*pfs)[*count]))
			++*count;
	}
	return error;
}

int iov_vf_list_all(struct iov *iov, struct json_object **out)
{
	_cleanup_json_ struct json_object *findings = NULL;
	_cleanup_free_ struct iov_pf *pfs = NULL;
	size_t count;
	int error = read_pfs(iov, &pfs, &count);

	if (!error)
		error = find_holders(iov, pfs, count, &findings);
	if (error)
		return error;
	*out = json_object_new_array();
	for (size_t i = 0; i < count; i++)
		json_object_array_add(*out, describe(iov, &pfs[i], findings));
	return 0;
}
