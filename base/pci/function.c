// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A list may cover a thousand functions, so it reads little of each, from its
 * directory that is held open: "modalias" has class and IDs in one file.  "uevent" has the
 * driver as well, but some kernels take the function's lock to read it, which a driver may hold
 * for ever.
 */
#include "base/pci/function.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/function_json.h"
#include "base/pci/identity_names.h"
#include "base/pci/kind.h"
#include "base/sysroot/sysdir.h"

static void add(struct json_object *json, const char *key, struct json_object *value)
{
	json_object_object_add_ex(json, key, value, JSON_C_OBJECT_ADD_CONSTANT_KEY);
}

void add_text(struct json_object *json, const char *key, const char *text)
{
	add(json, key, text ? json_object_new_string(text) : NULL);
}

void add_number(struct json_object *json, const char *key, int64_t number)
{
	add(json, key, json_object_new_int64(number));
}

/* The value of "KEY=value", or "". */
static void uevent_value(const char *uevent, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);

	*value = '\0';
	for (const char *line = uevent; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length) && line[length] == '=')
			snprintf(value, size, "%.*s", (int)strcspn(line + length + 1, "\n"),
				 line + length + 1);
	}
}

/* Of a host that was recorded without "modalias". */
static int read_uevent(int dir, struct function_facts *facts)
{
	char uevent[1024], value[64];
	int error = iov_dir_read(dir, "uevent", uevent, sizeof(uevent));

	if (error)
		return error;
	uevent_value(uevent, "MODALIAS", facts->modalias, sizeof(facts->modalias));
	uevent_value(uevent, "DRIVER", facts->driver, sizeof(facts->driver));
	uevent_value(uevent, "PCI_ID", value, sizeof(value));
	sscanf(value, "%x:%x", &facts->vendor, &facts->device);
	uevent_value(uevent, "PCI_SUBSYS_ID", value, sizeof(value));
	sscanf(value, "%x:%x", &facts->subvendor, &facts->subdevice);
	uevent_value(uevent, "PCI_CLASS", value, sizeof(value));
	sscanf(value, "%x", &facts->class_code);
	return 0;
}

int function_facts(int dir, struct function_facts *facts)
{
	unsigned int base, sub, interface;

	*facts = (struct function_facts){ 0 };
	if (iov_dir_read(dir, "modalias", facts->modalias, sizeof(facts->modalias)) ||
	    sscanf(facts->modalias, "pci:v%8xd%8xsv%8xsd%8xbc%2xsc%2xi%2x", &facts->vendor,
		   &facts->device, &facts->subvendor, &facts->subdevice, &base, &sub,
		   &interface) != 7)
		return read_uevent(dir, facts);
	facts->class_code = base << 16 | sub << 8 | interface;
	if (iov_dir_link_name(dir, "driver", facts->driver, sizeof(facts->driver)))
		*facts->driver = '\0';
	return 0;
}

static void add_kind(struct json_object *json, struct iov_ids *ids,
		     const struct function_facts *facts)
{
	char value[64], name[IOV_NAME_SIZE];

	snprintf(value, sizeof(value), "0x%06x", facts->class_code);
	add_text(json, "class_code", value);
	iov_ids_class(ids, facts->class_code >> 8, name, sizeof(name));
	add_text(json, "class", name);
	snprintf(value, sizeof(value), "%04x", facts->vendor);
	add_text(json, "vendor_id", value);
	snprintf(value, sizeof(value), "%04x", facts->device);
	add_text(json, "device_id", value);
	iov_ids_device(ids, facts->vendor, facts->device, name, sizeof(name));
	add_text(json, "name", name);
	add_text(json, "driver", *facts->driver ? facts->driver : NULL);
}

static void add_attribute(struct json_object *json, const char *key, int dir,
			  const char *attribute)
{
	int64_t number;

	if (iov_dir_read_number(dir, attribute, &number) || number < 0)
		add_text(json, key, NULL);
	else
		add_number(json, key, number);
}

static void add_group(struct json_object *json, int dir)
{
	char number[32];

	if (iov_dir_link_name(dir, "iommu_group", number, sizeof(number)))
		add_text(json, "iommu_group", NULL);
	else
		add_number(json, "iommu_group", strtol(number, NULL, 10));
}

static void add_relation(struct json_object *json, const struct iov_identity_entry *entry, int dir)
{
	if (entry->is_vf) {
		add_text(json, "pf", IOV_BDF(entry->pf));
		add_number(json, "vf_index", entry->vf_index);
		add_text(json, "vfs", NULL);
		add_text(json, "vfs_total", NULL);
		return;
	}
	add_text(json, "pf", NULL);
	add_text(json, "vf_index", NULL);
	add_attribute(json, "vfs_total", dir, "sriov_totalvfs");
	if (json_object_object_get(json, "vfs_total"))
		add_number(json, "vfs", entry->vfs);
	else
		add_text(json, "vfs", NULL);
}

static void add_msix(struct json_object *json, const struct config_facts *config)
{
	if (config->msix)
		add_number(json, "msix", config->msix);
	else
		add_text(json, "msix", NULL);
}

/* "flr bus": in the order in which the kernel tries them. */
static void add_reset_methods(struct json_object *json, int dir)
{
	struct json_object *methods = json_object_new_array_ext(4);
	char text[256] = "", *rest = text, *method;

	iov_dir_read(dir, "reset_method", text, sizeof(text));
	while ((method = strsep(&rest, " \n"))) {
		if (*method)
			json_object_array_add(methods, json_object_new_string(method));
	}
	add(json, "reset_methods", methods);
}

struct json_object *function_summary(struct iov_ids *ids, const struct iov_identity_entry *entry,
				     int dir, const struct function_facts *facts,
				     const struct config_facts *config)
{
	struct json_object *json = json_object_new_object();

	add_text(json, "device", IOV_BDF(entry->bdf));
	add_kind(json, ids, facts);
	add_group(json, dir);
	add_attribute(json, "numa_node", dir, "numa_node");
	add_relation(json, entry, dir);
	if (config) {
		add_msix(json, config);
		add_reset_methods(json, dir);
	}
	return json;
}

void function_entry(struct iov *iov, struct iov_bdf bdf, struct iov_identity_entry *entry)
{
	*entry = (struct iov_identity_entry){ .bdf = bdf };
	entry->is_vf = !iov_pci_link(iov, bdf, "physfn", &entry->pf);
	if (entry->is_vf)
		iov_pci_vf_index(iov, entry->pf, bdf, &entry->vf_index);
	else
		entry->vfs = iov_pci_vf_count(iov, bdf);
}

struct json_object *iov_function_summary(struct iov *iov, struct iov_ids *ids, struct iov_bdf bdf)
{
	_cleanup_fd_ int dir = iov_dir_open(iov, iov_pci_path(bdf, "").name);
	const struct config_facts config = config_facts(iov, bdf);
	struct iov_identity_entry entry;
	struct function_facts facts;

	function_entry(iov, bdf, &entry);
	function_facts(dir, &facts);
	return function_summary(ids, &entry, dir, &facts, &config);
}

/**
 * struct listing - a list that is made
 * @index: names
 * @flags: of enum iov_function_flags
 * @facts: what configuration space tells of VFs; of none in a brief list
 * @told: length of @facts
 */
struct listing {
	struct iov *iov;
	struct iov_ids *ids;
	struct iov_identity_index *index;
	unsigned int flags;
	struct config_facts *facts;
	size_t told;
	struct json_object *rows;
};

/* The names were found by what it tells of functions that are no VFs. */
static struct config_facts facts_of(const struct listing *listing, const struct iov_identity_entry *entry,
				    enum iov_pci_kind kind)
{
	if (kind == IOV_PCI_BRIDGE)
		return config_facts(listing->iov, entry->bdf);
	return entry->is_vf ? config_facts_of(listing->facts, listing->told, entry->bdf) :
			      identity_index_facts(listing->index, entry->bdf);
}

/* One function; nothing for one that is left out, or was removed meanwhile. */
static void add_row(const struct listing *listing, const struct iov_identity_entry *entry)
{
	_cleanup_fd_ int dir = iov_dir_open(listing->iov, iov_pci_path(entry->bdf, "").name);
	const bool brief = listing->flags & IOV_FUNCTION_BRIEF;
	struct config_facts config = { 0 };
	enum iov_pci_kind kind = IOV_PCI_ENDPOINT;
	char identity[IOV_IDENTITY_SIZE];
	struct function_facts facts;
	struct json_object *row;

	if (dir < 0 || function_facts(dir, &facts))
		return;
	if (!entry->is_vf)
		kind = iov_pci_kind_of(listing->iov, entry->bdf, dir, facts.class_code);
	if (kind != IOV_PCI_ENDPOINT && !(listing->flags & IOV_FUNCTION_BRIDGES))
		return;
	if (!brief)
		config = facts_of(listing, entry, kind);
	row = function_summary(listing->ids, entry, dir, &facts, brief ? NULL : &config);
	if (iov_identity_best(listing->index, entry->bdf, identity, sizeof(identity)))
		add_text(row, "identity", NULL);
	else
		add_text(row, "identity", identity);
	json_object_array_add(listing->rows, row);
}

int iov_function_list(struct iov *iov, struct iov_ids *ids, unsigned int flags,
		      struct json_object **rows)
{
	struct listing listing = { .iov = iov, .ids = ids, .flags = flags };
	const struct iov_identity_entry *entry;
	int error = iov_identity_index_open(&listing.index, iov);

	if (error)
		return error;
	if (!(flags & IOV_FUNCTION_BRIEF))
		error = identity_index_survey(listing.index, true, &listing.facts, &listing.told);
	*rows = listing.rows = error ? NULL : json_object_new_array();
	for (size_t i = 0; !error && (entry = iov_identity_entry(listing.index, i)); i++)
		add_row(&listing, entry);
	free(listing.facts);
	iov_identity_index_close(listing.index);
	return error;
}
