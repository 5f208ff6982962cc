// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/features.h"
#include "base/pci/function_json.h"
#include "base/pci/link.h"
#include "base/pci/pci_config.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

#define RESOURCE_IO 0x100
#define RESOURCE_PREFETCH 0x2000
#define RESOURCE_MEM_64 0x100000
#define RESOURCE_ROM 6

/* PCI Code and ID Assignment 1.16, sections 2 and 3; "" for reserved IDs. */
static const char *const conventional_names[] = {
	"", "power management", "AGP", "VPD", "slot ID", "MSI", "CompactPCI hot swap", "PCI-X",
	"HyperTransport", "vendor specific", "debug port", "CompactPCI central", "hot plug",
	"bridge subsystem ID", "AGP 8x", "secure device", "PCI Express", "MSI-X", "SATA",
	"advanced features", "enhanced allocation", "flattening portal bridge",
};

static const char *const extended_names[] = {
	"", "AER", "virtual channel", "serial number", "power budgeting",
	"root complex link declaration", "root complex link control",
	"root complex event collector", "multifunction virtual channel", "virtual channel",
	"root complex register block", "vendor specific", "configuration access", "ACS", "ARI",
	"ATS", "SR-IOV", "MR-IOV", "multicast", "PRI", "", "resizable BAR",
	"dynamic power allocation", "TPH", "latency tolerance", "secondary PCI Express",
	"protocol multiplexing", "PASID", "LN requester", "DPC", "L1 substates",
	"precision time", "PCIe over M-PHY", "FRS queueing", "readiness time",
	"designated vendor specific", "VF resizable BAR", "data link feature",
	"physical layer 16 GT/s", "lane margining", "hierarchy ID", "native enclosure",
	"physical layer 32 GT/s", "alternate protocol", "system firmware intermediary",
	"shadow functions", "data object exchange", "device 3", "IDE",
};

static const char *capability_name(const struct iov_capability *capability)
{
	size_t count = sizeof(conventional_names) / sizeof(*conventional_names);
	const char *const *names = conventional_names;

	if (capability->extended) {
		count = sizeof(extended_names) / sizeof(*extended_names);
		names = extended_names;
	}
	return capability->id < count ? names[capability->id] : "";
}

static void add_capabilities(struct json_object *json, const struct iov_config *config)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < config->count; i++) {
		const struct iov_capability *capability = &config->capabilities[i];
		const char *name = capability_name(capability);
		char unknown[32];

		snprintf(unknown, sizeof(unknown), "%s 0x%x",
			 capability->extended ? "extended" : "conventional", capability->id);
		json_object_array_add(list, json_object_new_string(*name ? name : unknown));
		if (!capability->extended && capability->id == PCI_CAP_ID_MSI)
			add_number(json, "msi", 1 << ((iov_config_u16(config, capability->offset +
						PCI_MSI_FLAGS) & PCI_MSI_FLAGS_QMASK) >> 1));
	}
	json_object_object_add(json, "capabilities", list);
}

static void add_optional(struct json_object *json, const char *key, struct iov *iov,
			 struct iov_bdf bdf, const char *attribute)
{
	char text[256];

	if (!iov_sys_read(iov, iov_pci_path(bdf, attribute).name, text, sizeof(text)))
		add_text(json, key, text);
}

static void add_driver(struct json_object *json, struct iov *iov, struct iov_bdf bdf)
{
	char text[256];

	if (!iov_pci_override(iov, bdf, text, sizeof(text)))
		add_text(json, "driver_override", *text ? text : NULL);
	if (!iov_sys_link_name(iov, iov_pci_path(bdf, "driver/module").name, text, sizeof(text)))
		add_text(json, "module", text);
}

static void add_subsystem(struct json_object *json, struct iov_ids *ids,
			  const struct function_facts *facts)
{
	char name[IOV_NAME_SIZE];

	if (*facts->modalias)
		add_text(json, "modalias", facts->modalias);
	if (!facts->subvendor)
		return;
	iov_ids_subsystem(ids, facts->vendor, facts->device, facts->subvendor, facts->subdevice,
			  name, sizeof(name));
	add_text(json, "subsystem", name);
}

static void add_link(struct json_object *json, struct iov *iov, struct iov_bdf bdf)
{
	struct iov_link link;

	iov_link_read(iov, bdf, &link);
	if (link.now[0])
		add_text(json, "link", link.now);
	if (link.most[0])
		add_text(json, "link_max", link.most);
}

static struct json_object *bar_json(unsigned int index, unsigned long long start,
				    unsigned long long end, unsigned long long flags)
{
	struct json_object *bar = json_object_new_object();
	const char *type = flags & RESOURCE_IO ? "I/O" :
			   flags & RESOURCE_MEM_64 ? "64-bit memory" : "memory";
	char text[64];

	if (index == RESOURCE_ROM)
		add_text(bar, "bar", "ROM");
	else
		add_number(bar, "bar", index);
	snprintf(text, sizeof(text), "0x%llx", start);
	add_text(bar, "start", text);
	add_number(bar, "size", (int64_t)(end - start + 1));
	snprintf(text, sizeof(text), "%s%s", type, flags & RESOURCE_PREFETCH ? ", prefetchable" :
									       "");
	add_text(bar, "type", text);
	return bar;
}

/* Lines "start end flags": six BARs, the expansion ROM, then those of VFs and bridges. */
static void add_bars(struct json_object *json, struct iov *iov, struct iov_bdf bdf)
{
	struct json_object *bars = json_object_new_array();
	unsigned long long start, end, flags;
	char text[2048] = "", *rest = text, *line;

	iov_sys_read(iov, iov_pci_path(bdf, "resource").name, text, sizeof(text));
	for (unsigned int i = 0; i <= RESOURCE_ROM && (line = strsep(&rest, "\n")); i++) {
		if (sscanf(line, "%llx %llx %llx", &start, &end, &flags) == 3 && end)
			json_object_array_add(bars, bar_json(i, start, end, flags));
	}
	json_object_object_add(json, "bars", bars);
}

static void add_sriov(struct json_object *json, struct iov *iov, struct iov_bdf bdf)
{
	static const char *const members[][2] = {
		{ "offset", "sriov_offset" },
		{ "stride", "sriov_stride" },
		{ "autoprobe", "sriov_drivers_autoprobe" },
	};
	struct json_object *sriov;
	int64_t number;

	if (iov_pci_number(iov, bdf, "sriov_totalvfs", &number))
		return;
	sriov = json_object_new_object();
	json_object_object_add(json, "sriov", sriov);
	add_number(sriov, "total", number);
	add_number(sriov, "current", iov_pci_vf_count(iov, bdf));
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (!iov_pci_number(iov, bdf, members[i][1], &number))
			add_number(sriov, members[i][0], number);
	}
	add_optional(sriov, "vf_device", iov, bdf, "sriov_vf_device");
}

/* The devices of a class that hang below the function, however deep. */
static void add_names(struct json_object *json, const char *key, struct iov *iov,
		      struct iov_bdf bdf, const char *class_path)
{
	struct json_object *list = json_object_new_array();
	char component[IOV_BDF_SIZE + 2], target[IOV_PATH_MAX], **names;
	size_t count;

	snprintf(component, sizeof(component), "/%s/", IOV_BDF(bdf));
	if (iov_sys_list(iov, class_path, &names, &count))
		count = 0, names = NULL;
	for (size_t i = 0; i < count; i++) {
		if (!iov_sys_link(iov, iov_path("%s/%s", class_path, names[i]).name, target,
				  sizeof(target)) &&
		    strstr(target, component))
			json_object_array_add(list, json_object_new_string(names[i]));
	}
	iov_names_free(names, count);
	if (json_object_array_length(list))
		json_object_object_add(json, key, list);
	else
		json_object_put(list);
}

static void add_identities(struct json_object *json, struct iov *iov, struct iov_bdf bdf)
{
	struct json_object *names;

	if (iov_device_identities(iov, bdf, &names))
		return;
	json_object_object_add(json, "identity",
			       json_object_get(json_object_array_get_idx(names, 0)));
	json_object_object_add(json, "identities", names);
}

struct json_object *iov_function_detail(struct iov *iov, struct iov_ids *ids, struct iov_bdf bdf)
{
	_cleanup_fd_ int dir = iov_dir_open(iov, iov_pci_path(bdf, "").name);
	struct iov_identity_entry entry;
	struct config_facts told = config_facts(iov, bdf);
	struct function_facts facts;
	struct iov_config config;
	struct json_object *json;

	function_entry(iov, bdf, &entry);
	function_facts(dir, &facts);
	json = function_summary(ids, &entry, dir, &facts, &told);
	add_identities(json, iov, bdf);
	add_subsystem(json, ids, &facts);
	add_optional(json, "revision", iov, bdf, "revision");
	add_driver(json, iov, bdf);
	add_link(json, iov, bdf);
	add_bars(json, iov, bdf);
	add_sriov(json, iov, bdf);
	if (!iov_config_read(iov, bdf, &config, IOV_CONFIG_EXTENDED)) {
		add_capabilities(json, &config);
		json_object_object_add(json, "features", function_features(iov, bdf, &config));
	} else {
		add_text(json, "capabilities", NULL);
		add_text(json, "features", NULL);
	}
	add_optional(json, "power_state", iov, bdf, "power_state");
	add_optional(json, "d3cold_allowed", iov, bdf, "d3cold_allowed");
	add_names(json, "net", iov, bdf, IOV_PATH_CLASS_NET);
	add_names(json, "block", iov, bdf, IOV_PATH_CLASS_BLOCK);
	add_names(json, "nvme", iov, bdf, IOV_PATH_CLASS_NVME);
	add_names(json, "vfio", iov, bdf, IOV_PATH_CLASS_VFIO);
	return json;
}
