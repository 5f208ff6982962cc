// SPDX-License-Identifier: GPL-2.0-or-later
/* What 'iov show' says of ATS and the like, by registers in a configuration space. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/function.h"
#include "tests/unit/test.h"
#include "tests/unit/tree.h"

#define DEVICES "sys/bus/pci/devices"
#define BDF_TEXT "0000:01:00.0"
#define PORT_TEXT "0000:00:01.0"
#define EXPRESS 0x40

static char *tree;
static struct iov *iov;
static uint8_t config[4096];
static unsigned int last, next;

static void put(unsigned int at, unsigned int size, uint32_t value)
{
	for (unsigned int i = 0; i < size; i++)
		config[at + i] = (uint8_t)(value >> 8 * i);
}

/* Append an extended capability; where it is. */
static unsigned int add(unsigned int id, unsigned int size)
{
	unsigned int at = next;

	if (last)
		put(last, 4, (uint32_t)(config[last] | config[last + 1] << 8) | 1u << 16 | at << 20);
	put(at, 4, id | 1u << 16);
	last = at;
	next = (at + size + 3) & ~3u;
	return at;
}

static void make_express(uint8_t *space)
{
	memset(space, 0, 4096);
	space[PCI_VENDOR_ID] = 0x86;
	space[PCI_VENDOR_ID + 1] = 0x80;
	space[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	space[PCI_CAPABILITY_LIST] = EXPRESS;
	space[EXPRESS] = PCI_CAP_ID_EXP;
	space[EXPRESS + PCI_EXP_FLAGS] = 2;
}

static int setup(void **state)
{
	(void)state;
	tree = tree_new();
	iov = tree_open(tree);
	last = 0;
	next = 0x100;
	make_express(config);
	tree_file(tree, "sys/devices/pci0000:00/" PORT_TEXT "/" BDF_TEXT "/uevent", "");
	tree_link(tree, DEVICES "/" BDF_TEXT, "../../../devices/pci0000:00/" PORT_TEXT "/" BDF_TEXT);
	tree_link(tree, DEVICES "/" PORT_TEXT, "../../../devices/pci0000:00/" PORT_TEXT);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

static struct json_object *show(size_t length)
{
	struct iov_bdf bdf = { .bus = 1 };
	struct json_object *function;
	struct iov_ids *ids;

	tree_bytes(tree, "sys/devices/pci0000:00/" PORT_TEXT "/" BDF_TEXT "/config", config, length);
	assert_int_equal(iov_ids_open(&ids), 0);
	function = iov_function_detail(iov, ids, bdf);
	iov_ids_close(ids);
	return function;
}

/* "yes on 16 invalidations at a time", or "no" */
static void assert_feature(const char *name, const char *wanted, const char *guest)
{
	_cleanup_json_ struct json_object *function = show(sizeof(config));
	struct json_object *features = json_object_object_get(function, "features"), *enabled;
	char text[512] = "absent";

	for (size_t i = 0; i < json_object_array_length(features); i++) {
		struct json_object *feature = json_object_array_get_idx(features, i);

		if (strcmp(json_text(feature, "feature"), name))
			continue;
		enabled = json_object_object_get(feature, "enabled");
		snprintf(text, sizeof(text), "%s%s%s%s",
			 json_object_get_boolean(json_object_object_get(feature, "supported")) ? "yes" : "no",
			 !enabled ? "" : json_object_get_boolean(enabled) ? " on" : " off",
			 json_text_or_null(feature, "value") ? " " : "", json_text(feature, "value"));
		if (!strstr(json_text(feature, "guest"), guest))
			fail_msg("%s: '%s' has no '%s'", name, json_text(feature, "guest"), guest);
	}
	assert_string_equal(text, wanted);
}

static void translations_are_trusted_while_they_are_on(void **state)
{
	unsigned int ats = add(PCI_EXT_CAP_ID_ATS, 8);

	(void)state;
	assert_feature("ATS", "yes off 32 invalidations at a time", "IOMMU translates each");
	put(ats + PCI_ATS_CAP, 2, 16);
	put(ats + PCI_ATS_CTRL, 2, PCI_ATS_CTRL_ENABLE);
	assert_feature("ATS", "yes on 16 invalidations at a time", "firmware has to be trusted");
	assert_feature("PRI", "no", "pinned");
}

static void missing_pages_are_asked_for(void **state)
{
	unsigned int pri = add(PCI_EXT_CAP_ID_PRI, 16);

	(void)state;
	put(pri + PCI_PRI_MAX_REQ, 4, 512);
	assert_feature("PRI", "yes off 512 requests at a time", "pinned");
	put(pri + PCI_PRI_CTRL, 2, PCI_PRI_CTRL_ENABLE);
	assert_feature("PRI", "yes on 512 requests at a time", "asks for pages that are missing");
}

static void address_spaces_have_bits(void **state)
{
	unsigned int pasid = add(PCI_EXT_CAP_ID_PASID, 8);

	(void)state;
	put(pasid + PCI_PASID_CAP, 2, 20 << 8 | PCI_PASID_CAP_EXEC);
	assert_feature("PASID", "yes off 20 bits, execute", "one address space");
	put(pasid + PCI_PASID_CTRL, 2, PCI_PASID_CTRL_ENABLE);
	assert_feature("PASID", "yes on 20 bits, execute", "several address spaces");
}

static void write_port(uint16_t control)
{
	uint8_t port[256];
	uint8_t space[4096];

	make_express(space);
	memcpy(port, space, sizeof(port));
	port[EXPRESS + PCI_EXP_DEVCTL2] = (uint8_t)control;
	tree_bytes(tree, "sys/devices/pci0000:00/" PORT_TEXT "/config", port, sizeof(port));
}

static void many_functions_need_the_port(void **state)
{
	unsigned int sriov;

	(void)state;
	add(PCI_EXT_CAP_ID_ARI, 8);
	write_port(0);
	assert_feature("ARI", "yes off the port above does not forward", "bus numbers of their own");
	write_port(PCI_EXP_DEVCTL2_ARI);
	assert_feature("ARI", "yes on the port above forwards", "PF's own bus");
	sriov = add(PCI_EXT_CAP_ID_SRIOV, 64);
	assert_feature("ARI", "yes off the port above forwards", "bus numbers of their own");
	put(sriov + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_ARI);
	assert_feature("ARI", "yes on the port above forwards", "PF's own bus");
}

static void services_are_named(void **state)
{
	unsigned int acs = add(PCI_EXT_CAP_ID_ACS, 8);

	(void)state;
	/* Neighbors are functions of the same device. */
	config[PCI_HEADER_TYPE] = 0x80;
	put(acs + PCI_ACS_CAP, 2, PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF);
	put(acs + PCI_ACS_CTRL, 2, PCI_ACS_SV);
	assert_feature("ACS", "yes off source validation", "past the IOMMU");
	put(acs + PCI_ACS_CTRL, 2, PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF);
	assert_feature("ACS",
		       "yes on source validation, request redirect, completion redirect, upstream forwarding",
		       "goes by the IOMMU");
}

static void memory_of_vfs_has_a_size_each(void **state)
{
	unsigned int sriov = add(PCI_EXT_CAP_ID_SRIOV, 64);

	(void)state;
	put(sriov + PCI_SRIOV_TOTAL_VF, 2, 8);
	assert_feature("VF BARs", "yes", "left no room");
	tree_file(tree, "sys/devices/pci0000:00/" PORT_TEXT "/" BDF_TEXT "/resource",
		  "0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n"
		  "0x100000000 0x1ffffffff 0x14220c\n0 0 0\n0 0 0\n"
		  "0xfe820000 0xfe83ffff 0x14220c\n0 0 0\n0 0 0\n");
	assert_feature("VF BARs", "yes BAR 0 512 MiB, BAR 3 16 KiB", "each VF takes");
}

static void memory_of_vfs_can_be_chosen(void **state)
{
	unsigned int rebar = add(0x24, 20);

	(void)state;
	/* Two: BAR 0 of 256 MiB out of 256 MiB to 8 GiB, BAR 2 of 1 MiB that has no choice */
	put(rebar + 4, 4, 0x3f00u << 4);
	put(rebar + 8, 4, 0 | 2 << 5 | 8 << 8);
	put(rebar + 12, 4, 1u << 4);
	put(rebar + 16, 4, 2);
	assert_feature("VF resizable BAR",
		       "yes BAR 0 256 MiB, at most 8 GiB, BAR 2 1 MiB, at most 1 MiB", "before they exist");
}

static void hints_and_clocks_are_on_or_off(void **state)
{
	unsigned int tph = add(PCI_EXT_CAP_ID_TPH, 12), ptm = add(PCI_EXT_CAP_ID_PTM, 12);

	(void)state;
	put(ptm + PCI_PTM_CAP, 4, PCI_PTM_CAP_REQ);
	assert_feature("TPH", "yes off", "memory or caches");
	assert_feature("PTM", "yes off requester", "no better than an interrupt");
	put(tph + 8, 4, 1 << 8);
	put(ptm + PCI_PTM_CTRL, 4, PCI_PTM_CTRL_ENABLE);
	assert_feature("TPH", "yes on", "caches of CPUs that it names");
	assert_feature("PTM", "yes on requester", "in hardware");
}

static void what_confidential_guests_need_is_told(void **state)
{
	unsigned int ide;

	(void)state;
	assert_feature("TEE-IO", "no", "shared memory");
	assert_feature("IDE", "no", "can be read");
	ide = add(0x30, 16);
	put(ide + 4, 4, 1 | 2 | 3u << 16);
	put(EXPRESS + PCI_EXP_DEVCAP, 4, 1u << 30);
	assert_feature("IDE", "yes link, 4 selective streams", "reads nothing");
	assert_feature("TEE-IO", "yes", "attested");
}

static void several_hosts_are_told(void **state)
{
	(void)state;
	assert_feature("MR-IOV", "no", "one host");
	add(PCI_EXT_CAP_ID_MRIOV, 64);
	assert_feature("MR-IOV", "yes", "several hosts");
}

/* Without privilege the kernel gives 64 bytes, and without ECAM 256. */
static void what_cannot_be_read_is_unknown(void **state)
{
	static const size_t lengths[] = { 64, 256 };

	(void)state;
	add(PCI_EXT_CAP_ID_ATS, 8);
	for (size_t i = 0; i < 2; i++) {
		_cleanup_json_ struct json_object *function = show(lengths[i]);

		assert_true(json_object_object_get_ex(function, "features", NULL));
		assert_null(json_object_object_get(function, "features"));
	}
}

/* A capability that ends with what was read has registers of zero, and counts no further. */
static void half_a_capability_is_read_as_zeros(void **state)
{
	(void)state;
	next = 4092;
	put(0x100, 4, 0);
	last = 0x100;
	put(0x100, 4, PCI_EXT_CAP_ID_ERR | 1u << 16);
	add(0x24, 4);
	assert_feature("VF resizable BAR", "yes", "before they exist");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(translations_are_trusted_while_they_are_on),
		TEST(missing_pages_are_asked_for),
		TEST(address_spaces_have_bits),
		TEST(many_functions_need_the_port),
		TEST(services_are_named),
		TEST(memory_of_vfs_has_a_size_each),
		TEST(memory_of_vfs_can_be_chosen),
		TEST(hints_and_clocks_are_on_or_off),
		TEST(what_confidential_guests_need_is_told),
		TEST(several_hosts_are_told),
		TEST(what_cannot_be_read_is_unknown),
		TEST(half_a_capability_is_read_as_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
