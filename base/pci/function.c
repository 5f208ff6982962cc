// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A list may cover a thousand functions, so it reads little of each, from its
 * directory that is held open: "uevent" has class, IDs and driver in one file.
 */
#include "base/pci/function.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/function_json.h"
#include "base/pci/kind.h"
#include "base/pci/pci_config.h"
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

bool uevent_value(const char *uevent, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);

	for (const char *line = uevent; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length) && line[length] == '=') {
			line += length + 1;
			snprintf(value, size, "%.*s", (int)strcspn(line, "\n"), line);
			return true;
		}
	}
	return false;
}

static unsigned int class_of(const char *uevent)
{
	char value[64];

	return uevent_value(uevent, "PCI_CLASS", value, sizeof(value)) ?
		       (unsigned int)strtoul(value, NULL, 16) : 0;
}

static void add_kind(struct json_object *json, struct iov_ids *ids, const char *uevent)
{
	unsigned int class_code = class_of(uevent), vendor = 0, device = 0;
	char value[64], name[IOV_NAME_SIZE];

	if (uevent_value(uevent, "PCI_ID", value, sizeof(value)))
		sscanf(value, "%x:%x", &vendor, &device);
	snprintf(value, sizeof(value), "0x%06x", class_code);
	add_text(json, "class_code", value);
	iov_ids_class(ids, class_code >> 8, name, sizeof(name));
	add_text(json, "class", name);
	snprintf(value, sizeof(value), "%04x", vendor);
	add_text(json, "vendor_id", value);
	snprintf(value, sizeof(value), "%04x", device);
	add_text(json, "device_id", value);
	iov_ids_device(ids, vendor, device, name, sizeof(name));
	add_text(json, "name", name);
	add_text(json, "driver", uevent_value(uevent, "DRIVER", value, sizeof(value)) ? value :
											NULL);
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

static void add_msix(struct json_object *json, int dir)
{
	_cleanup_fd_ int config = iov_config_open(dir);
	uint32_t header;

	if (config >= 0 && iov_config_seek(config, PCI_CAP_ID_MSIX, false, &header))
		add_number(json, "msix",
			   (header >> (8 * PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1);
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
				     int dir, const char *uevent)
{
	struct json_object *json = json_object_new_object();

	add_text(json, "device", IOV_BDF(entry->bdf));
	add_kind(json, ids, uevent);
	add_group(json, dir);
	add_attribute(json, "numa_node", dir, "numa_node");
	add_relation(json, entry, dir);
	add_msix(json, dir);
	add_reset_methods(json, dir);
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
	struct iov_identity_entry entry;
	char uevent[1024] = "";

	function_entry(iov, bdf, &entry);
	iov_dir_read(dir, "uevent", uevent, sizeof(uevent));
	return function_summary(ids, &entry, dir, uevent);
}

/* One function of a list; nothing for one that is left out, or was removed meanwhile. */
static void add_row(struct iov *iov, struct iov_ids *ids, const struct iov_identity_index *index,
		    const struct iov_identity_entry *entry, bool bridges, struct json_object *rows)
{
	_cleanup_fd_ int dir = iov_dir_open(iov, iov_pci_path(entry->bdf, "").name);
	char uevent[1024], identity[IOV_IDENTITY_SIZE];
	struct json_object *row;

	if (dir < 0 || iov_dir_read(dir, "uevent", uevent, sizeof(uevent)) ||
	    (!bridges && iov_pci_kind_at(dir) != IOV_PCI_ENDPOINT))
		return;
	row = function_summary(ids, entry, dir, uevent);
	if (iov_identity_best(index, entry->bdf, identity, sizeof(identity)))
		add_text(row, "identity", NULL);
	else
		add_text(row, "identity", identity);
	json_object_array_add(rows, row);
}

int iov_function_list(struct iov *iov, struct iov_ids *ids, bool bridges,
		      struct json_object **rows)
{
	const struct iov_identity_entry *entry;
	struct iov_identity_index *index;
	int error = iov_identity_index_open(&index, iov);

	if (error)
		return error;
	*rows = json_object_new_array();
	for (size_t i = 0; (entry = iov_identity_entry(index, i)); i++)
		add_row(iov, ids, index, entry, bridges, *rows);
	iov_identity_index_close(index);
	return 0;
}
