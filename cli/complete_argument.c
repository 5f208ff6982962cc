// SPDX-License-Identifier: GPL-2.0-or-later
/* What may stand for an argument, by the name that it has in usage lines. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/guard/guard.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "base/pci/interface.h"
#include "base/pci/kind.h"
#include "base/rpc/rpc.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "bench/guest/guest_bench.h"
#include "claims/claims.h"
#include "cli/argument.h"
#include "cli/complete.h"
#include "cli/export/export.h"
#include "cli/list.h"
#include "cli/vmm/vmm.h"
#include "iommu/group.h"
#include "plugins/plugins.h"
#include "plugins/vdpa/vdpa.h"
#include "sriov/vf.h"

typedef void offer_fn(const struct complete *complete);

/* Whether a word that is being written may become this one, before anything is read for it. */
static bool fits(const struct complete *complete, const char *word)
{
	return !strncmp(word, complete->word, strlen(complete->word));
}

static void offer_names(const struct complete *complete, const char *directory)
{
	char **names;
	size_t count;

	if (iov_sys_list(complete->iov, directory, &names, &count))
		return;
	for (size_t i = 0; i < count; i++)
		complete_offer(complete, names[i], "");
	iov_names_free(names, count);
}

static bool is_device(struct iov *iov, struct iov_bdf bdf)
{
	return iov_pci_kind(iov, bdf) == IOV_PCI_ENDPOINT;
}

static bool is_pf(struct iov *iov, struct iov_bdf bdf)
{
	return iov_sys_exists(iov, iov_pci_path(bdf, "sriov_totalvfs").name);
}

static bool is_vf(struct iov *iov, struct iov_bdf bdf)
{
	return iov_sys_exists(iov, iov_pci_path(bdf, "physfn").name);
}

static void offer_functions(const struct complete *complete,
			    bool (*is_wanted)(struct iov *iov, struct iov_bdf bdf))
{
	_cleanup_free_ struct iov_bdf *list = NULL;
	size_t count;

	if (iov_pci_list(complete->iov, &list, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (fits(complete, IOV_BDF(list[i])) && is_wanted(complete->iov, list[i]))
			complete_offer(complete, IOV_BDF(list[i]), "");
	}
}

static void offer_interfaces(const struct complete *complete,
			     bool (*is_wanted)(struct iov *iov, struct iov_bdf bdf))
{
	char **names;
	size_t count;

	if (iov_sys_list(complete->iov, IOV_PATH_CLASS_NET, &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		struct iov_bdf bdf;

		if (fits(complete, names[i]) &&
		    !iov_interface_function(complete->iov, names[i], &bdf) &&
		    is_wanted(complete->iov, bdf))
			complete_offer(complete, names[i], IOV_BDF(bdf));
	}
	iov_names_free(names, count);
}

/* "serial=": all names are read only when somebody began to write one. */
static void offer_identities(const struct complete *complete,
			     bool (*is_wanted)(struct iov *iov, struct iov_bdf bdf))
{
	const struct iov_identity_entry *entry;
	struct iov_identity_index *index;

	if (!strchr(complete->word, '=') || iov_identity_index_open(&index, complete->iov))
		return;
	for (size_t i = 0; (entry = iov_identity_entry(index, i)); i++) {
		struct json_object *names = NULL;

		if (entry->is_vf || !is_wanted(complete->iov, entry->bdf) ||
		    iov_identity_all(index, entry->bdf, &names))
			continue;
		for (size_t n = 0; n < json_object_array_length(names); n++)
			complete_offer(complete, json_object_get_string(
					       json_object_array_get_idx(names, n)),
				       IOV_BDF(entry->bdf));
		json_object_put(names);
	}
	iov_identity_index_close(index);
}

/* "eth0/": the VFs of that PF. */
static void offer_vfs_of(const struct complete *complete)
{
	const char *slash = strrchr(complete->word, '/');
	_cleanup_free_ char *pf = slash ? strndup(complete->word, (size_t)(slash - complete->word)) :
					  NULL;
	struct iov_bdf bdf;
	unsigned int count;

	if (!pf || iov_device_parse(complete->iov, pf, &bdf))
		return;
	count = iov_pci_vf_count(complete->iov, bdf);
	for (unsigned int i = 0; i < count; i++)
		complete_offer(complete, iov_path("%s/vf%u", pf, i).name, "");
	if (count)
		complete_offer(complete, iov_path("%s/all", pf).name, "all its VFs");
}

static void offer_device(const struct complete *complete)
{
	offer_functions(complete, is_device);
	offer_interfaces(complete, is_device);
	offer_identities(complete, is_device);
	offer_vfs_of(complete);
}

static void offer_pf(const struct complete *complete)
{
	offer_functions(complete, is_pf);
	offer_interfaces(complete, is_pf);
	offer_identities(complete, is_pf);
}

static void offer_vf(const struct complete *complete)
{
	offer_functions(complete, is_vf);
	offer_vfs_of(complete);
}

static void offer_group(const struct complete *complete)
{
	offer_names(complete, IOV_PATH_IOMMU_GROUPS);
}

static void offer_type(const struct complete *complete)
{
	const char *name;

	for (size_t i = 0; (name = iov_group_type_name(i)); i++)
		complete_offer(complete, name, "");
}

static void offer_driver(const struct complete *complete)
{
	static const char vfio[] = "vfio-pci";

	offer_names(complete, IOV_PATH_PCI_DRIVERS);
	complete_offer(complete, "none", "");
	/* Whose module is not loaded yet. */
	if (!iov_sys_exists(complete->iov, iov_path(IOV_PATH_PCI_DRIVERS "/%s", vfio).name))
		complete_offer(complete, vfio, "");
}

static void add_methods(struct iov *iov, struct iov_bdf bdf, struct json_object *methods)
{
	char text[256], *rest = text, *name;

	if (iov_sys_read(iov, iov_pci_path(bdf, "reset_method").name, text, sizeof(text)))
		return;
	while ((name = strsep(&rest, " "))) {
		if (*name)
			json_object_object_add(methods, name, NULL);
	}
}

/* Those that the named functions have, or any, before one is named. */
static void offer_method(const struct complete *complete)
{
	_cleanup_json_ struct json_object *methods = json_object_new_object();
	_cleanup_free_ struct iov_bdf *list = NULL;
	const char *device = complete->first;
	size_t count;

	if (device ? iov_devices_parse(complete->iov, device, &list, &count) :
		     iov_pci_list(complete->iov, &list, &count))
		return;
	for (size_t i = 0; i < count; i++)
		add_methods(complete->iov, list[i], methods);
	json_object_object_foreach(methods, name, value) {
		(void)value;
		complete_offer(complete, name, "");
	}
}

static void offer_guard(const struct complete *complete)
{
	const char *name;

	for (size_t i = 0; (name = iov_guard_name(i)); i++)
		complete_offer(complete, name, iov_guard_meaning(name));
	complete_offer(complete, CLI_LIFT_DRIVER, "a driver that does not list the device");
}

static void offer_class(const struct complete *complete)
{
	char names[512], *rest = names, *name;

	if (iov_sriov_register(complete->iov) || iov_plugins_register(complete->iov))
		return;
	list_class_names(complete->iov, names, sizeof(names));
	while ((name = strsep(&rest, ", "))) {
		if (*name)
			complete_offer(complete, name, "");
	}
}

/* Those that this host knows: who asks etcd may wait. */
static void offer_holder(const struct complete *complete)
{
	_cleanup_json_ struct json_object *holders = iov_claims_holders(complete->iov);

	for (size_t i = 0; i < json_object_array_length(holders); i++)
		complete_offer(complete, json_object_get_string(json_object_array_get_idx(holders, i)), "");
}

/* Of this host itself: who asks a directory of users may wait. */
static void offer_user(const struct complete *complete)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;

	if (iov_sys_read_all(complete->iov, IOV_PATH_PASSWD, &text, NULL))
		return;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		line[strcspn(line, ":")] = '\0';
		if (*line && *line != '#')
			complete_offer(complete, line, "");
	}
}

static void offer_column(const struct complete *complete)
{
	const char *name;

	for (size_t i = 0; (name = list_column_name(i)); i++)
		complete_offer(complete, name, "");
}

static void offer_way(const struct complete *complete)
{
	const char *name;

	for (size_t i = 0; (name = guest_bench_way(i)); i++)
		complete_offer(complete, name, "");
}

/* Behind the last comma another one begins. */
static void offer_list(const struct complete *complete, offer_fn *offer)
{
	const char *comma = strrchr(complete->word, ',');
	const char *last = comma ? comma + 1 : complete->word;
	_cleanup_free_ char *lead = NULL;

	if (asprintf(&lead, "%s%.*s", complete->lead, (int)(last - complete->word),
		     complete->word) < 0)
		return;
	offer(&(struct complete){ .iov = complete->iov, .word = last, .lead = lead });
}

static void offer_columns(const struct complete *complete)
{
	offer_list(complete, offer_column);
}

static void offer_ways(const struct complete *complete)
{
	offer_list(complete, offer_way);
}

static void offer_listed(const struct complete *complete, const char *method)
{
	struct json_object *rows = NULL;

	if (iov_rpc_call(complete->iov, method, NULL, &rows))
		return;
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		complete_offer(complete, json_text(json_object_array_get_idx(rows, i), "name"), "");
	json_object_put(rows);
}

static void offer_port(const struct complete *complete)
{
	offer_listed(complete, "port.list");
}

static void offer_disk(const struct complete *complete)
{
	offer_listed(complete, "disk.list");
}

/* By name; whatever has a slash is a path. */
static void offer_block(const struct complete *complete)
{
	char **names;
	size_t count;

	if (iov_sys_list(complete->iov, IOV_PATH_CLASS_BLOCK, &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (fits(complete, names[i]) && cli_is_block(complete->iov, names[i]))
			complete_offer(complete, names[i], "");
	}
	iov_names_free(names, count);
}

static void offer_bridge(const struct complete *complete)
{
	offer_listed(complete, "bridge.list");
}

static void offer_qos(const struct complete *complete)
{
	offer_listed(complete, "qos.list");
}

static void offer_file(const struct complete *complete)
{
	_cleanup_free_ char *pattern = NULL;
	glob_t found;

	if (asprintf(&pattern, "%s*", complete->word) < 0)
		return;
	if (!glob(pattern, GLOB_MARK | GLOB_NOESCAPE, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			complete_offer(complete, found.gl_pathv[i], "");
	}
	globfree(&found);
}

static void offer_vmm(const struct complete *complete)
{
	const struct vmm *vmm;

	for (size_t i = 0; (vmm = vmm_at(i)); i++)
		complete_offer(complete, vmm->name, vmm->title);
}

static void offer_format(const struct complete *complete)
{
	const struct export_format *format;

	for (size_t i = 0; (format = export_format_at(i)); i++)
		complete_offer(complete, format->name, format->what);
}

static void offer_mdev(const struct complete *complete)
{
	offer_names(complete, IOV_PATH_MDEV_DEVICES);
}

static void offer_vdpa(const struct complete *complete)
{
	offer_names(complete, IOV_PATH_VDPA "/devices");
}

static void offer_mgmtdev(const struct complete *complete)
{
	_cleanup_json_ struct json_object *list = NULL;

	if (iov_vdpa_mgmt(complete->iov, &list))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		complete_offer(complete, json_text(json_object_array_get_idx(list, i), "name"), "");
}

static void offer_parent(const struct complete *complete)
{
	offer_names(complete, IOV_PATH_MDEV_PARENTS);
}

/* By the name of an argument; where that is NAME, by its option, or the noun of its command. */
static const struct {
	const char *name;
	const char *context;
	offer_fn *offer;
} arguments[] = {
	{ "DEVICE", NULL, offer_device },   { "BDF", NULL, offer_device },
	{ "PF", NULL, offer_pf },	    { "VF", NULL, offer_vf },
	{ "GROUP", NULL, offer_group },	    { "PORT", NULL, offer_port },
	{ "DRIVER", NULL, offer_driver },   { "GUARD", NULL, offer_guard },
	{ "CLASS", NULL, offer_class },	    { "FILE", NULL, offer_file },
	{ "PATH", NULL, offer_file },	    { "DIR", NULL, offer_file },
	{ "SOCKET", NULL, offer_file },	    { "NAME", "driver", offer_driver },
	{ "COLUMN", NULL, offer_column },   { "LIST", "columns", offer_columns },
	{ "LIST", "ways", offer_ways },	    { "LIST", "give", offer_vf },
	{ "NAME", "device", offer_device }, { "NAME", "vmm", offer_vmm },
	{ "NAME", "bridge", offer_bridge }, { "NAME", "port", offer_port },
	{ "NAME", "disk", offer_disk },	    { "DISK", NULL, offer_disk },
	{ "BLOCK", NULL, offer_block },	    { "TYPE", "group", offer_type },
	{ "NAME", "qos", offer_qos },	    { "QOS", NULL, offer_qos },
	{ "METHOD", NULL, offer_method },   { "FORMAT", "export", offer_format },
	{ "UUID", NULL, offer_mdev },
	{ "PARENT", NULL, offer_parent },   { "NAME", "vdpa", offer_vdpa },
	{ "MGMTDEV", NULL, offer_mgmtdev }, { "NAME", "holder", offer_holder },
	{ "USER", NULL, offer_user },	    { "USER:GROUP", NULL, offer_user },
};

static void offer_named(const struct complete *complete, const char *name, const char *context)
{
	for (size_t i = 0; i < sizeof(arguments) / sizeof(*arguments); i++) {
		size_t length = arguments[i].context ? strlen(arguments[i].context) : 0;

		if (strcmp(arguments[i].name, name) ||
		    strncmp(arguments[i].context ? arguments[i].context : "", context, length))
			continue;
		if (complete->iov)
			arguments[i].offer(complete);
		return;
	}
	if (*name && (*name < 'A' || *name > 'Z') && !strpbrk(name, "[=,"))
		complete_offer(complete, name, "");
}

void complete_argument(const struct complete *complete, const char *name, const char *context)
{
	_cleanup_free_ char *names = strdup(name);
	char *rest = names, *one;

	while (names && (one = strsep(&rest, "|")))
		offer_named(complete, one, context);
}
