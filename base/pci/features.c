// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Features of PCI Express that matter to who gives a function away. Each is a row: the capability
 * that it is told by, and a function that reads its registers. Chapters are of PCIe Base 6.0.
 */
#include "base/pci/features.h"

#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/pci/topology.h"
#include "base/sysroot/paths.h"

/* Later than the headers of some kernels that this is built with. */
#define CAP_VF_REBAR 0x24
#define CAP_IDE 0x30
#define DEVCAP_TEE_IO (1u << 30)
#define SRIOV_CTRL_ARI 0x10
#define TPH_CTRL 8
#define TPH_CTRL_ENABLE 0x300
#define IDE_LINK 1u
#define IDE_SELECTIVE 2u
#define IDE_STREAMS(register) (((register) >> 16 & 0xff) + 1)

/* The smallest size of a resizable BAR, 1 MiB, is bit 4. */
#define REBAR_FIRST_BIT 4
#define REBAR_FIRST_SHIFT 20
#define REBAR_ENTRY 8

enum state { STATE_NONE = -1, STATE_OFF, STATE_ON };

/**
 * struct feature - what is found out of one
 * @at: its capability; 0: the function has none
 * @enabled: whether it is on
 * @value: in words
 * @guest: what that means; constant
 */
struct feature {
	struct iov *iov;
	struct iov_bdf bdf;
	const struct iov_config *config;
	unsigned int at;
	enum state enabled;
	char value[256];
	const char *guest;
};

static uint16_t get16(const struct feature *feature, unsigned int offset)
{
	return iov_config_u16(feature->config, feature->at + offset);
}

static uint32_t get32(const struct feature *feature, unsigned int offset)
{
	return iov_config_u32(feature->config, feature->at + offset);
}

static bool turned_on(struct feature *feature, bool on)
{
	feature->enabled = on ? STATE_ON : STATE_OFF;
	return on;
}

/* "16 KiB" */
static void say_size(char *text, size_t size, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;

	while (unit < 4 && bytes >= 1024 && !(bytes & 1023)) {
		bytes >>= 10;
		unit++;
	}
	snprintf(text, size, "%llu %s", (unsigned long long)bytes, units[unit]);
}

static void append(struct feature *feature, const char *text)
{
	size_t length = strlen(feature->value);

	snprintf(feature->value + length, sizeof(feature->value) - length, "%s%s", length ? ", " : "",
		 text);
}

/* Section 10.5.1 */
static void read_ats(struct feature *feature)
{
	unsigned int depth = PCI_ATS_CAP_QDEP(get16(feature, PCI_ATS_CAP));

	snprintf(feature->value, sizeof(feature->value), "%u invalidations at a time",
		 depth ? depth : PCI_ATS_MAX_QDEP);
	feature->guest = turned_on(feature, get16(feature, PCI_ATS_CTRL) & PCI_ATS_CTRL_ENABLE) ?
		"it keeps translations itself, and the IOMMU lets through what it says is translated: its "
		"firmware has to be trusted" :
		"the IOMMU translates each of its accesses";
}

/* Section 10.5.2 */
static void read_pri(struct feature *feature)
{
	snprintf(feature->value, sizeof(feature->value), "%u requests at a time",
		 get32(feature, PCI_PRI_MAX_REQ));
	feature->guest = turned_on(feature, get16(feature, PCI_PRI_CTRL) & PCI_PRI_CTRL_ENABLE) ?
		"it asks for pages that are missing, so not all it reaches has to be there" :
		"memory that it reaches is pinned as long as the guest has it";
}

/* Section 7.8.9 */
static void read_pasid(struct feature *feature)
{
	uint16_t capability = get16(feature, PCI_PASID_CAP);

	snprintf(feature->value, sizeof(feature->value), "%u bits%s%s", capability >> 8 & 0x1f,
		 capability & PCI_PASID_CAP_EXEC ? ", execute" : "",
		 capability & PCI_PASID_CAP_PRIV ? ", privileged" : "");
	feature->guest = turned_on(feature, get16(feature, PCI_PASID_CTRL) & PCI_PASID_CTRL_ENABLE) ?
		"it works in several address spaces at once, as of processes" :
		"it works in one address space; a guest shares it with processes where its VMM has an "
		"IOMMU for them";
}

/* Whether the port above forwards to functions beyond number 7 (section 7.5.3.16); -1 when there is none. */
static int port_forwards(const struct feature *feature)
{
	struct iov_bdf ancestors[IOV_ANCESTORS_MAX];
	size_t count = iov_pci_ancestors(feature->iov, feature->bdf, ancestors);
	struct iov_config port;
	unsigned int at;

	if (!count || iov_config_read(feature->iov, ancestors[count - 1], &port, IOV_CONFIG_CONVENTIONAL))
		return -1;
	at = iov_config_find(&port, PCI_CAP_ID_EXP, false);
	return at ? !!(iov_config_u16(&port, at + PCI_EXP_DEVCTL2) & PCI_EXP_DEVCTL2_ARI) : -1;
}

/* Section 7.8.8 */
static void read_ari(struct feature *feature)
{
	unsigned int sriov = iov_config_find(feature->config, PCI_EXT_CAP_ID_SRIOV, true);
	int forwards = port_forwards(feature);
	bool on = forwards > 0;

	/* The lowest PF decides how its VFs are numbered. */
	if (sriov)
		on = on && iov_config_u16(feature->config, sriov + PCI_SRIOV_CTRL) & SRIOV_CTRL_ARI;
	if (forwards >= 0)
		append(feature, forwards ? "the port above forwards" : "the port above does not forward");
	feature->guest = turned_on(feature, on) ?
		"VFs beyond function 7 are on the PF's own bus; a guest sees each as a device of its own" :
		"VFs beyond function 7 need bus numbers of their own";
}

/* Section 7.7.11 */
static void read_acs(struct feature *feature)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} services[] = {
		{ PCI_ACS_SV, "source validation" }, { PCI_ACS_TB, "translation blocking" },
		{ PCI_ACS_RR, "request redirect" },  { PCI_ACS_CR, "completion redirect" },
		{ PCI_ACS_UF, "upstream forwarding" }, { PCI_ACS_EC, "egress control" },
		{ PCI_ACS_DT, "direct translated" },
	};
	uint16_t control = get16(feature, PCI_ACS_CTRL);
	struct iov_node node;

	iov_node_read(feature->iov, feature->bdf, &node);
	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++) {
		if (control & services[i].bit)
			append(feature, services[i].name);
	}
	feature->guest = turned_on(feature, node.acs == IOV_ACS_ON) ?
		"what it sends to its neighbors goes by the IOMMU, so they may be of different guests" :
		"it may reach its neighbors past the IOMMU, so all go to one guest; 'iov group show' tells";
}

/* "BAR 0 16 KiB": lines 7 to 12 of "resource" are for all VFs that the hardware can have. */
static void add_vf_bar(struct feature *feature, unsigned int bar, const char *line, unsigned int vfs)
{
	unsigned long long start, end, flags;
	char text[64], size[32];

	if (sscanf(line, "%llx %llx %llx", &start, &end, &flags) != 3 || !end || !vfs)
		return;
	say_size(size, sizeof(size), (end - start + 1) / vfs);
	snprintf(text, sizeof(text), "BAR %u %s", bar, size);
	append(feature, text);
}

/* Section 9.3.3.14 */
static void read_vf_bars(struct feature *feature)
{
	char text[2048] = "", *rest = text, *line;
	unsigned int vfs = get16(feature, PCI_SRIOV_TOTAL_VF);

	iov_sys_read(feature->iov, iov_pci_path(feature->bdf, "resource").name, text, sizeof(text));
	for (unsigned int i = 0; i < 13 && (line = strsep(&rest, "\n")); i++) {
		if (i >= 7)
			add_vf_bar(feature, i - 7, line, vfs);
	}
	feature->guest = feature->value[0] ?
		"each VF takes so much of the host's addresses, and of the guest's" :
		"its VFs have no memory, or firmware left no room for it";
}

/* Section 7.8.7: pairs of registers, the first of which knows how many there are. */
static void read_vf_rebar(struct feature *feature)
{
	unsigned int count = (get32(feature, PCI_REBAR_CTRL) & PCI_REBAR_CTRL_NBAR_MASK) >>
			     PCI_REBAR_CTRL_NBAR_SHIFT;

	for (unsigned int i = 0; i < count && i < 6; i++) {
		uint32_t sizes = get32(feature, PCI_REBAR_CAP + i * REBAR_ENTRY) >> REBAR_FIRST_BIT;
		uint32_t control = get32(feature, PCI_REBAR_CTRL + i * REBAR_ENTRY);
		char text[128], now[32], most[32];

		say_size(now, sizeof(now), UINT64_C(1) << (REBAR_FIRST_SHIFT + (control >> 8 & 0x1f)));
		say_size(most, sizeof(most),
			 sizes ? UINT64_C(1) << (REBAR_FIRST_SHIFT + 31 - __builtin_clz(sizes)) : 0);
		snprintf(text, sizeof(text), "BAR %u %s, at most %s",
			 control & PCI_REBAR_CTRL_BAR_IDX, now, most);
		append(feature, text);
	}
	feature->guest = "how much memory each VF has can be chosen before they exist; the more it is the "
			 "fewer VFs find room";
}

/* Section 7.9.13 */
static void read_tph(struct feature *feature)
{
	feature->guest = turned_on(feature, get32(feature, TPH_CTRL) & TPH_CTRL_ENABLE) ?
		"it puts what it writes into caches of CPUs that it names, be they the guest's or others'" :
		"what it writes goes to memory or caches as the host's hardware has it";
}

/* Section 7.9.15 */
static void read_ptm(struct feature *feature)
{
	uint32_t capability = get32(feature, PCI_PTM_CAP);

	if (capability & PCI_PTM_CAP_REQ)
		append(feature, "requester");
	if (capability & PCI_PTM_CAP_ROOT)
		append(feature, "root");
	feature->guest = turned_on(feature, get32(feature, PCI_PTM_CTRL) & PCI_PTM_CTRL_ENABLE) ?
		"its clock is compared with the host's in hardware, also for a guest" :
		"a guest compares its clock with the host's no better than an interrupt lets it";
}

/* Section 7.9.26 */
static void read_ide(struct feature *feature)
{
	uint32_t capability = get32(feature, 4);
	char text[32];

	if (capability & IDE_LINK)
		append(feature, "link");
	if (capability & IDE_SELECTIVE) {
		snprintf(text, sizeof(text), "%u selective streams", IDE_STREAMS(capability));
		append(feature, text);
	}
	feature->guest = "who listens between it and the root port reads nothing, where the platform has keys "
			 "for it";
}

/* Section 7.5.3.3: a bit of the PCI Express capability */
static void read_tee_io(struct feature *feature)
{
	if (!(get32(feature, PCI_EXP_DEVCAP) & DEVCAP_TEE_IO))
		feature->at = 0;
	feature->guest = "a confidential guest can have it attested and give it private memory (TDISP), where "
			 "kernel and firmware do that";
}

static void read_mr_iov(struct feature *feature)
{
	feature->guest = "it was made to be shared by several hosts; Linux uses it as one host's own";
}

static const struct {
	const char *name;
	unsigned int capability;
	bool conventional;
	void (*read)(struct feature *feature);
	const char *absent;	/* what a guest does not have then */
} features[] = {
	{ "ATS", PCI_EXT_CAP_ID_ATS, false, read_ats, "the IOMMU translates each of its accesses" },
	{ "PRI", PCI_EXT_CAP_ID_PRI, false, read_pri,
	  "memory that it reaches is pinned as long as the guest has it" },
	{ "PASID", PCI_EXT_CAP_ID_PASID, false, read_pasid, "it works in one address space" },
	{ "ARI", PCI_EXT_CAP_ID_ARI, false, read_ari, "its device has at most 8 functions" },
	{ "ACS", PCI_EXT_CAP_ID_ACS, false, read_acs,
	  "other functions of its device may be reached past the IOMMU; 'iov group show' tells" },
	{ "VF BARs", PCI_EXT_CAP_ID_SRIOV, false, read_vf_bars, "it gives no VFs" },
	{ "VF resizable BAR", CAP_VF_REBAR, false, read_vf_rebar, "memory of VFs is as large as it is" },
	{ "TPH", PCI_EXT_CAP_ID_TPH, false, read_tph,
	  "what it writes goes to memory or caches as the host's hardware has it" },
	{ "PTM", PCI_EXT_CAP_ID_PTM, false, read_ptm,
	  "a guest compares its clock with the host's no better than an interrupt lets it" },
	{ "IDE", CAP_IDE, false, read_ide, "what it sends can be read between it and the root port" },
	{ "TEE-IO", PCI_CAP_ID_EXP, true, read_tee_io, "a confidential guest reaches it by shared memory alone" },
	{ "MR-IOV", PCI_EXT_CAP_ID_MRIOV, false, read_mr_iov, "it is of one host" },
};

static struct json_object *feature_json(const struct feature *feature, const char *name)
{
	struct json_object *json = json_object_new_object();
	bool known = feature->at && feature->enabled != STATE_NONE;

	json_add_text(json, "feature", name);
	json_object_object_add(json, "supported", json_object_new_boolean(feature->at != 0));
	json_object_object_add(json, "enabled",
			       known ? json_object_new_boolean(feature->enabled == STATE_ON) : NULL);
	json_add_text(json, "value", feature->at && feature->value[0] ? feature->value : NULL);
	json_add_text(json, "guest", feature->guest);
	return json;
}

struct json_object *function_features(struct iov *iov, struct iov_bdf bdf,
				      const struct iov_config *config)
{
	bool express = iov_config_find(config, PCI_CAP_ID_EXP, false) != 0;
	struct json_object *list;

	if (config->length <= IOV_CONFIG_HEADER || (express && config->length <= IOV_CONFIG_CONVENTIONAL))
		return NULL;
	list = json_object_new_array();
	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++) {
		struct feature feature = {
			.iov = iov, .bdf = bdf, .config = config, .enabled = STATE_NONE,
			.at = iov_config_find(config, features[i].capability, !features[i].conventional),
		};

		if (feature.at)
			features[i].read(&feature);
		if (!feature.at)
			feature.guest = features[i].absent;
		json_object_array_add(list, feature_json(&feature, features[i].name));
	}
	return list;
}
