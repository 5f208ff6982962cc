// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guards look from the holder's side: they start at the few routes, mounts and
 * open files of a host, walk down through whatever is stacked below them, and
 * end at a sysfs path of hardware.  A function is held when its address is a
 * component of that path, so controllers between it and the disk or interface
 * (NVMe, virtio, SCSI, USB) need no knowledge of theirs.  The cost does not
 * grow with the number of functions: one scan answers for all.
 */
#include "base/guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/context.h"
#include "base/guard_scan.h"
#include "base/paths.h"

static const char *const guard_names[] = {
	"default-route", "session", "mount", "swap", "stacked", "vfio-open",
};

const char *iov_guard_name(size_t index)
{
	return index < sizeof(guard_names) / sizeof(*guard_names) ? guard_names[index] : NULL;
}

int iov_guard_set_session(struct iov *iov, const char *ssh_connection)
{
	iov->session_client[0] = '\0';
	iov->session_local[0] = '\0';
	if (ssh_connection && sscanf(ssh_connection, "%63s %*s %63s", iov->session_client,
				     iov->session_local) != 2)
		return iov_fail(iov, -EINVAL,
				"SSH_CONNECTION is '%s'; expected 'client port server port'",
				ssh_connection);
	return 0;
}

static struct json_object *chain_path(const struct guard_chain *chain)
{
	struct json_object *path = json_object_new_array();

	for (size_t i = chain->count; i--;)
		json_object_array_add(path, json_object_new_string(chain->names[i]));
	return path;
}

static bool is_known(const struct guard_scan *scan, struct json_object *path)
{
	for (size_t i = 0; i < json_object_array_length(scan->holders); i++) {
		struct json_object *holder = json_object_array_get_idx(scan->holders, i);

		if (json_object_equal(path, json_object_object_get(holder, "path")))
			return true;
	}
	return false;
}

void guard_found(struct guard_scan *scan, const struct guard_chain *chain, const char *key,
		 const char *value)
{
	struct json_object *path = chain_path(chain), *holder;

	if (chain->weak && is_known(scan, path)) {
		json_object_put(path);
		return;
	}
	holder = json_object_new_object();
	json_object_object_add(holder, "guard", json_object_new_string(chain->guard));
	json_object_object_add(holder, "holder", json_object_new_string(chain->holder));
	json_object_object_add(holder, "path", path);
	json_object_object_add(holder, key, json_object_new_string(value));
	json_object_array_add(scan->holders, holder);
}

int guard_scan_open(struct guard_scan *scan, struct iov *iov)
{
	int error;

	*scan = (struct guard_scan){ .iov = iov, .holders = json_object_new_array() };
	error = guard_scan_net(scan);
	if (!error)
		error = guard_scan_block(scan);
	if (!error)
		error = guard_scan_vfio(scan);
	if (error)
		guard_scan_close(scan);
	return error;
}

void guard_scan_close(struct guard_scan *scan)
{
	json_object_put(scan->holders);
	scan->holders = NULL;
}

static const char *get_text(struct json_object *object, const char *key)
{
	return json_object_get_string(json_object_object_get(object, key));
}

/* Whether @name is a component of @path. */
static bool has_component(const char *path, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = path; (at = strstr(at, name)); at += length) {
		if ((at == path || at[-1] == '/') && (!at[length] || at[length] == '/'))
			return true;
	}
	return false;
}

/* The nodes that user space opens to drive a function through VFIO. */
struct nodes {
	char group[64];
	char noiommu[64];
	char **devices;
	size_t count;
};

static void nodes_of(struct iov *iov, struct iov_bdf bdf, struct nodes *nodes)
{
	char number[32];

	*nodes = (struct nodes){ 0 };
	if (!iov_sys_link_name(iov, iov_pci_path(bdf, "iommu_group").name, number,
			       sizeof(number))) {
		snprintf(nodes->group, sizeof(nodes->group), "%s", number);
		snprintf(nodes->noiommu, sizeof(nodes->noiommu), "noiommu-%s", number);
	}
	if (iov_sys_list(iov, iov_pci_path(bdf, "vfio-dev").name, &nodes->devices, &nodes->count))
		nodes->count = 0;
}

static bool nodes_have(const struct nodes *nodes, const char *node)
{
	if (!strcmp(node, nodes->group) || !strcmp(node, nodes->noiommu))
		return true;
	for (size_t i = 0; i < nodes->count; i++) {
		if (!strncmp(node, "devices/", 8) && !strcmp(node + 8, nodes->devices[i]))
			return true;
	}
	return false;
}

static void add_finding(struct json_object *findings, const char *device,
			struct json_object *holder)
{
	struct json_object *finding = json_object_new_object();
	struct json_object *names = json_object_object_get(holder, "path");
	struct json_object *path = json_object_new_array();

	json_object_array_add(path, json_object_new_string(device));
	for (size_t i = 0; i < json_object_array_length(names); i++)
		json_object_array_add(path, json_object_get(json_object_array_get_idx(names, i)));
	json_object_object_add(finding, "guard",
			       json_object_get(json_object_object_get(holder, "guard")));
	json_object_object_add(finding, "device", json_object_new_string(device));
	json_object_object_add(finding, "holder",
			       json_object_get(json_object_object_get(holder, "holder")));
	json_object_object_add(finding, "path", path);
	json_object_array_add(findings, finding);
}

int guard_scan_match(struct guard_scan *scan, struct iov_bdf bdf, struct json_object *findings)
{
	struct iov_bdf_text device = iov_bdf_format(bdf);
	struct nodes nodes;

	nodes_of(scan->iov, bdf, &nodes);
	for (size_t i = 0; i < json_object_array_length(scan->holders); i++) {
		struct json_object *holder = json_object_array_get_idx(scan->holders, i);
		const char *path = get_text(holder, "device");

		if (path ? has_component(path, device.text) :
			   nodes_have(&nodes, get_text(holder, "node")))
			add_finding(findings, device.text, holder);
	}
	if (nodes.count)
		iov_names_free(nodes.devices, nodes.count);
	return 0;
}

int iov_guard_function(struct iov *iov, struct iov_bdf bdf, struct json_object *findings)
{
	struct guard_scan scan;
	int error = guard_scan_open(&scan, iov);

	if (error)
		return error;
	error = guard_scan_match(&scan, bdf, findings);
	guard_scan_close(&scan);
	return error;
}
