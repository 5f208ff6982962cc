// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A list may cover a thousand functions, so it reads little of each: "uevent"
 * has class, IDs and driver in one file.
 */
#include "base/function.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/function_json.h"
#include "base/pci_config.h"

#define BASE_CLASS_BRIDGE 0x06

bool iov_class_is_assignable(unsigned int class_code)
{
	return class_code >> 16 != BASE_CLASS_BRIDGE;
}

void add_text(struct json_object *json, const char *key, const char *text)
{
	json_object_object_add(json, key, text ? json_object_new_string(text) : NULL);
}

void add_number(struct json_object *json, const char *key, int64_t number)
{
	json_object_object_add(json, key, json_object_new_int64(number));
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

static void add_identity(struct json_object *json, struct iov_ids *ids, const char *uevent)
{
	unsigned int class_code = 0, vendor = 0, device = 0;
	char value[64], name[IOV_NAME_SIZE];

	if (uevent_value(uevent, "PCI_CLASS", value, sizeof(value)))
		sscanf(value, "%x", &class_code);
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

static void add_attribute(struct json_object *json, const char *key, struct iov *iov,
			  struct iov_bdf bdf, const char *attribute)
{
	int64_t number;

	if (iov_pci_number(iov, bdf, attribute, &number) || number < 0)
		add_text(json, key, NULL);
	else
		add_number(json, key, number);
}

static void add_group(struct json_object *json, struct iov *iov, struct iov_bdf bdf)
{
	char number[32];

	if (iov_sys_link_name(iov, iov_pci_path(bdf, "iommu_group").name, number, sizeof(number)))
		add_text(json, "iommu_group", NULL);
	else
		add_number(json, "iommu_group", strtol(number, NULL, 10));
}

static void add_vf_index(struct json_object *json, struct iov *iov, struct iov_bdf pf,
			 struct iov_bdf vf)
{
	unsigned int index;

	if (iov_pci_vf_index(iov, pf, vf, &index))
		add_text(json, "vf_index", NULL);
	else
		add_number(json, "vf_index", index);
}

static void add_relation(struct json_object *json, struct iov *iov, struct iov_bdf bdf)
{
	struct iov_bdf pf;
	bool vf = !iov_pci_link(iov, bdf, "physfn", &pf);

	add_text(json, "pf", vf ? IOV_BDF(pf) : NULL);
	if (vf) {
		add_vf_index(json, iov, pf, bdf);
		add_text(json, "vfs", NULL);
		add_text(json, "vfs_total", NULL);
		return;
	}
	add_text(json, "vf_index", NULL);
	add_attribute(json, "vfs_total", iov, bdf, "sriov_totalvfs");
	if (json_object_object_get(json, "vfs_total"))
		add_number(json, "vfs", iov_pci_vf_count(iov, bdf));
	else
		add_text(json, "vfs", NULL);
}

static void add_msix(struct json_object *json, struct iov *iov, struct iov_bdf bdf)
{
	struct iov_config config;
	unsigned int at = 0;

	if (!iov_config_read(iov, bdf, &config, IOV_CONFIG_CONVENTIONAL))
		at = iov_config_find(&config, PCI_CAP_ID_MSIX, false);
	if (at)
		add_number(json, "msix", (iov_config_u16(&config, at + PCI_MSIX_FLAGS) &
					  PCI_MSIX_FLAGS_QSIZE) + 1);
	else
		add_text(json, "msix", NULL);
}

/* "flr bus": in the order in which the kernel tries them. */
static void add_reset_methods(struct json_object *json, struct iov *iov, struct iov_bdf bdf)
{
	struct json_object *methods = json_object_new_array();
	char text[256] = "", *rest = text, *method;

	iov_sys_read(iov, iov_pci_path(bdf, "reset_method").name, text, sizeof(text));
	while ((method = strsep(&rest, " \n"))) {
		if (*method)
			json_object_array_add(methods, json_object_new_string(method));
	}
	json_object_object_add(json, "reset_methods", methods);
}

struct json_object *function_summary(struct iov *iov, struct iov_ids *ids, struct iov_bdf bdf,
				     const char *uevent)
{
	struct json_object *json = json_object_new_object();

	add_text(json, "device", IOV_BDF(bdf));
	add_identity(json, ids, uevent);
	add_group(json, iov, bdf);
	add_attribute(json, "numa_node", iov, bdf, "numa_node");
	add_relation(json, iov, bdf);
	add_msix(json, iov, bdf);
	add_reset_methods(json, iov, bdf);
	return json;
}

struct json_object *iov_function_summary(struct iov *iov, struct iov_ids *ids, struct iov_bdf bdf)
{
	char uevent[1024] = "";

	iov_sys_read(iov, iov_pci_path(bdf, "uevent").name, uevent, sizeof(uevent));
	return function_summary(iov, ids, bdf, uevent);
}
