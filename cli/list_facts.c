// SPDX-License-Identifier: GPL-2.0-or-later
/* What a list of functions tells when somebody asks for it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/interface.h"
#include "base/plan/plan.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "cli/list.h"
#include "plugins/net/nic.h"
#include "vfio/bind/verdict.h"

static struct iov_bdf address_of(struct json_object *row)
{
	struct iov_bdf bdf = { 0 };

	iov_bdf_scan(json_text(row, "device"), &bdf);
	return bdf;
}

static int compare_address(const void *a, const void *b)
{
	return iov_bdf_compare(address_of(*(struct json_object *const *)a),
			       address_of(*(struct json_object *const *)b));
}

/* NULL for a function that is not listed. */
static struct json_object *find_row(struct json_object *rows, const char *device)
{
	_cleanup_json_ struct json_object *key = json_object_new_object();

	json_add_text(key, "device", device);
	return json_object_array_bsearch(key, rows, compare_address);
}

static void add_array(struct json_object *rows, const char *key)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		json_object_object_add(json_object_array_get_idx(rows, i), key,
				       json_object_new_array());
}

/* "vf3" stands for the function that the PF links to as its VF 3. */
static void add_representor(struct iov *iov, struct json_object *rows, struct iov_bdf pf,
			    struct json_object *representor)
{
	struct json_object *row;
	unsigned int index;
	struct iov_bdf vf;

	if (sscanf(json_text(representor, "of"), "vf%u", &index) != 1 ||
	    iov_pci_link(iov, pf, iov_path("virtfn%u", index).name, &vf))
		return;
	row = find_row(rows, IOV_BDF(vf));
	if (row)
		json_add_text(row, "representor", json_text(representor, "interface"));
}

/* What stands for VFs in the switch of a PF, which @looked notes. */
static void add_representors(struct iov *iov, struct json_object *rows, struct iov_bdf pf,
			     struct json_object *looked)
{
	_cleanup_json_ struct json_object *representors = NULL;

	if (json_object_object_get_ex(looked, IOV_BDF(pf), NULL))
		return;
	json_object_object_add(looked, IOV_BDF(pf), NULL);
	iov_sys_left_out(iov, iov_representors(iov, pf, &representors));
	for (size_t i = 0; representors && i < json_object_array_length(representors); i++)
		add_representor(iov, rows, pf, json_object_array_get_idx(representors, i));
}

void list_add_interfaces(struct iov *iov, struct json_object *rows)
{
	_cleanup_json_ struct json_object *looked = json_object_new_object();
	char **names;
	size_t count;

	add_array(rows, "net");
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		json_object_object_add(json_object_array_get_idx(rows, i), "representor", NULL);
	if (iov_sys_list(iov, IOV_PATH_CLASS_NET, &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		struct json_object *row = NULL;
		struct iov_bdf bdf;
		int error = iov_interface_function(iov, names[i], &bdf);

		if (!error)
			row = find_row(rows, IOV_BDF(bdf));
		/* It is below a function and not its own: it may stand for another. */
		if (error == -EXDEV)
			add_representors(iov, rows, bdf, looked);
		if (row)
			json_object_array_add(json_object_object_get(row, "net"),
					      json_object_new_string(names[i]));
	}
	iov_names_free(names, count);
}

void list_add_verdicts(struct iov *iov, struct json_object *rows)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		struct iov_reason reason;
		bool blocked = iov_verdict_blocks(iov, address_of(row), &reason);

		json_object_object_add(row, "assignable", json_object_new_boolean(!blocked));
		json_add_text(row, "blocked_by", blocked ? reason.sentence : NULL);
	}
}

static void add_findings(struct json_object *rows, struct json_object *findings)
{
	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		struct json_object *finding = json_object_array_get_idx(findings, i);
		struct json_object *row = find_row(rows, json_text(finding, "device"));

		json_array_add_new(json_object_object_get(row, "used_by"), json_text(finding, "holder"));
		json_array_add_new(json_object_object_get(row, "guards"), json_text(finding, "guard"));
	}
}

/* Functions of a group move together; one without a group moves alone. */
static void add_groups(struct json_object *rows)
{
	_cleanup_json_ struct json_object *used = json_object_new_object();

	for (size_t pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < json_object_array_length(rows); i++) {
			struct json_object *row = json_object_array_get_idx(rows, i);
			const char *group = json_text_or_null(row, "iommu_group");
			bool own = json_object_array_length(json_object_object_get(row, "used_by"));

			if (pass)
				json_object_object_add(row, "group_in_use", json_object_new_boolean(
					own || (group && json_object_object_get_ex(used, group, NULL))));
			else if (own && group)
				json_object_object_add(used, group, NULL);
		}
	}
}

/* The guards look at the host once, and are asked for each function then. */
int list_find_holders(struct iov *iov, struct json_object *rows, struct json_object **findings)
{
	struct iov_plan *query;
	int error = iov_plan_new(&query, iov, "look for who uses functions");

	if (error)
		return error;
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		iov_plan_take(query, address_of(json_object_array_get_idx(rows, i)), "");
	error = iov_plan_guard(query, NULL, findings);
	iov_plan_free(query);
	return error == -ECANCELED ? 0 : error;
}

int list_add_holders(struct iov *iov, struct json_object *rows)
{
	_cleanup_json_ struct json_object *findings = NULL;
	int error = list_find_holders(iov, rows, &findings);

	if (error)
		return error;
	add_array(rows, "used_by");
	add_array(rows, "guards");
	add_findings(rows, findings);
	add_groups(rows);
	return 0;
}
