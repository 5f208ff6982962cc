// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/topology.h"
#include "iommu/group.h"
#include "iommu/posted.h"
#include "tests/unit/tree.h"

#define DEVICES "sys/bus/pci/devices/"

static char *tree;
static struct iov *iov;

static void use_host(const char *host)
{
	tree = tree_of_host(host);
	iov = tree_open(tree);
}

static int teardown(void **state)
{
	(void)state;
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

static int with_default(void **state)
{
	(void)state;
	use_host("default");
	return 0;
}

static int with_noacs(void **state)
{
	(void)state;
	use_host("noacs");
	return 0;
}

static int with_noiommu(void **state)
{
	(void)state;
	use_host("noiommu");
	return 0;
}

static struct iov_bdf bdf_of(const char *text)
{
	struct iov_bdf bdf;

	assert_int_equal(iov_bdf_parse(iov, text, &bdf), 0);
	return bdf;
}

static struct iov_group *group_of(const char *text)
{
	struct iov_group *group;

	assert_int_equal(iov_group_of(&group, iov, bdf_of(text)), 0);
	return group;
}

static struct json_object *reasons_of(const char *text)
{
	struct iov_group *group = group_of(text);
	struct json_object *reasons;

	assert_int_equal(iov_group_reasons(iov, group, &reasons), 0);
	iov_group_close(group);
	return reasons;
}

/* One reason: its kind, where, and how many members it joins. */
static void assert_reason(const char *device, const char *kind, const char *at, size_t members)
{
	_cleanup_json_ struct json_object *reasons = reasons_of(device);
	struct json_object *reason = json_object_array_get_idx(reasons, 0);

	assert_int_equal(json_object_array_length(reasons), 1);
	assert_string_equal(json_object_get_string(json_object_object_get(reason, "kind")), kind);
	assert_string_equal(json_object_get_string(json_object_object_get(reason, "at")), at);
	assert_int_equal(json_object_array_length(json_object_object_get(reason, "members")),
			 members);
}

static void a_group_has_its_members_in_order(void **state)
{
	struct iov_group *group = group_of("0000:04:02.0");

	(void)state;
	assert_int_equal(group->number, 12);
	assert_int_equal(group->count, 3);
	assert_string_equal(IOV_BDF(group->members[0].bdf), "0000:03:00.0");
	assert_true(group->members[0].bridge);
	assert_false(group->members[0].blocks);
	assert_string_equal(IOV_BDF(group->members[1].bdf), "0000:04:01.0");
	assert_string_equal(group->members[1].driver, "e1000");
	assert_true(group->members[1].blocks);
	assert_false(group->noiommu);
	iov_group_close(group);
}

static void drivers_decide_on_viability(void **state)
{
	static const struct {
		const char *driver;
		bool viable;
	} expected[] = {
		{ "e1000", false },	   { "vfio-pci", true }, { "mlx5_vfio_pci", true },
		{ "pci-stub", true },	   { "uio_pci_generic", false },
	};
	struct iov_group *group;

	(void)state;
	tree_unlink(tree, DEVICES "0000:04:02.0/driver");
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		tree_link(tree, DEVICES "0000:04:01.0/driver", expected[i].driver);
		group = group_of("0000:04:01.0");
		assert_int_equal(iov_group_viable(group), expected[i].viable);
		iov_group_close(group);
	}
}

static void a_bridge_with_its_driver_does_not_block(void **state)
{
	struct iov_group *group = group_of("0000:02:00.0");

	(void)state;
	assert_string_equal(group->members[0].driver, "pcieport");
	assert_false(group->members[0].blocks);
	assert_true(group->members[1].blocks);
	iov_group_close(group);
}

static void a_bridge_to_conventional_pci_joins_what_is_behind_it(void **state)
{
	(void)state;
	assert_reason("0000:04:01.0", "pci-bridge", "0000:03:00.0", 3);
}

static void a_multifunction_device_joins_its_functions(void **state)
{
	(void)state;
	assert_reason("0000:00:1f.3", "multifunction", "0000:00:1f", 3);
}

static void only_its_function_0_has_to_say_multifunction(void **state)
{
	struct iov_node node;

	(void)state;
	iov_node_read(iov, bdf_of("0000:00:1f.3"), &node);
	assert_true(node.multifunction);
	iov_node_read(iov, bdf_of("0000:01:00.0"), &node);
	assert_false(node.multifunction);
	iov_node_read(iov, bdf_of("0000:01:10.2"), &node);
	assert_false(node.multifunction);
}

static void a_port_without_acs_joins_what_is_below_it(void **state)
{
	(void)state;
	assert_reason("0000:02:00.0", "no-acs", "0000:00:08.1", 2);
}

static void acs_that_is_off_is_told_from_acs_that_is_absent(void **state)
{
	struct iov_node node;

	(void)state;
	iov_node_read(iov, bdf_of("0000:00:08.0"), &node);
	assert_int_equal(node.acs, IOV_ACS_ON);
	assert_true(node.port && node.multifunction);
	iov_node_read(iov, bdf_of("0000:00:08.1"), &node);
	assert_int_equal(node.acs, IOV_ACS_ABSENT);
	iov_node_read(iov, bdf_of("0000:01:00.0"), &node);
	assert_int_equal(node.acs, IOV_ACS_ON);
	assert_false(node.port);
}

static void a_group_of_one_needs_no_reason(void **state)
{
	_cleanup_json_ struct json_object *reasons = reasons_of("0000:01:10.0");

	(void)state;
	assert_int_equal(json_object_array_length(reasons), 0);
}

static void without_privilege_the_reason_says_so(void **state)
{
	char header[64] = "\x86\x80";

	(void)state;
	for (int i = 1; i <= 2; i++) {
		struct iov_path path = iov_path(DEVICES "0000:04:0%d.0/config", i);

		tree_file(tree, path.name, header);
	}
	tree_file(tree, DEVICES "0000:03:00.0/config", header);
	tree_file(tree, DEVICES "0000:00:04.0/config", header);
	assert_reason("0000:04:01.0", "hidden", "", 3);
}

static void ancestors_are_the_bridges_on_the_way(void **state)
{
	struct iov_bdf ancestors[IOV_ANCESTORS_MAX];

	(void)state;
	assert_int_equal(iov_pci_ancestors(iov, bdf_of("0000:04:01.0"), ancestors), 2);
	assert_string_equal(IOV_BDF(ancestors[0]), "0000:00:04.0");
	assert_string_equal(IOV_BDF(ancestors[1]), "0000:03:00.0");
	assert_int_equal(iov_pci_ancestors(iov, bdf_of("0000:00:01.0"), ancestors), 0);
}

static void all_groups_are_listed(void **state)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	size_t count;

	(void)state;
	assert_int_equal(iov_group_numbers(iov, &numbers, &count), 0);
	assert_int_equal(count, 18);
	assert_int_equal(numbers[17], 17);
}

/* What is on other buses is a member, too, and keeps the group when its driver does DMA. */
static void members_that_are_no_functions_are_shown(void **state)
{
	static const char *const texts[] = {
		"{\"device\":\"00000000-0000-4000-8000-000000000076\",\"driver\":\"vfio_mdev\","
		"\"role\":\"mdev\",\"blocks\":false}",
		"{\"device\":\"fd4a0000.ethernet\",\"driver\":\"xgbe\",\"role\":\"platform\","
		"\"blocks\":true}",
	};
	struct json_object *json, *members;
	struct iov_group *group;

	(void)state;
	tree_link(tree, "sys/kernel/iommu_groups/40/devices/00000000-0000-4000-8000-000000000076/"
		  "driver", "../drivers/vfio_mdev");
	tree_link(tree, "sys/kernel/iommu_groups/40/devices/00000000-0000-4000-8000-000000000076/"
		  "subsystem", "../../bus/mdev");
	assert_int_equal(iov_group_open(&group, iov, 40), 0);
	assert_int_equal(group->count, 0);
	assert_true(iov_group_viable(group));
	iov_group_close(group);
	tree_link(tree, "sys/kernel/iommu_groups/40/devices/fd4a0000.ethernet/driver",
		  "../../bus/platform/drivers/xgbe");
	tree_link(tree, "sys/kernel/iommu_groups/40/devices/fd4a0000.ethernet/subsystem",
		  "../../bus/platform");
	assert_int_equal(iov_group_open(&group, iov, 40), 0);
	assert_false(iov_group_viable(group));
	assert_int_equal(iov_group_json(iov, group, &json), 0);
	members = json_object_object_get(json, "members");
	assert_int_equal(json_object_array_length(members), 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(json_object_to_json_string_ext(
					json_object_array_get_idx(members, i),
					JSON_C_TO_STRING_PLAIN), texts[i]);
	assert_string_equal(json_object_to_json_string_ext(json_object_object_get(json,
				"blocked_by"), JSON_C_TO_STRING_PLAIN), "[\"fd4a0000.ethernet\"]");
	json_object_put(json);
	iov_group_close(group);
}

static void what_is_not_there_is_named(void **state)
{
	struct iov_group *group;

	(void)state;
	assert_int_equal(iov_group_open(&group, iov, 99), -ENOENT);
	assert_non_null(strstr(iov_error_message(iov), "99: no such IOMMU group"));
	assert_int_equal(iov_group_of(&group, iov, bdf_of("0000:09:00.0")), -ENODEV);
	tree_unlink(tree, DEVICES "0000:05:00.0/iommu_group");
	assert_int_equal(iov_group_of(&group, iov, bdf_of("0000:05:00.0")), -ENOENT);
	assert_non_null(strstr(iov_error_message(iov), "0000:05:00.0: in no IOMMU group"));
}

static void an_iommu_that_is_off_is_said_with_what_turns_it_on(void **state)
{
	struct iov_group *group;

	(void)state;
	assert_int_equal(iov_group_of(&group, iov, bdf_of("0000:01:00.0")), -ENOTSUP);
	assert_non_null(strstr(iov_error_message(iov), "turn the IOMMU (AMD-Vi) on in the "
				"firmware"));
	/* What would turn it on is there already. */
	tree_file(tree, "sys/firmware/acpi/tables/IVRS", "");
	tree_file(tree, "proc/cmdline", "quiet iommu=pt\n");
	assert_int_equal(iov_iommu_require(iov), -ENOTSUP);
	assert_non_null(strstr(iov_error_message(iov), "'dmesg | grep AMD-Vi' tells why"));
	tree_file(tree, "proc/cmdline", "quiet iommu=pt amd_iommu=fullflush,off\n");
	assert_int_equal(iov_iommu_require(iov), -ENOTSUP);
	assert_non_null(strstr(iov_error_message(iov), "without amd_iommu=off"));
	tree_unlink(tree, "sys/firmware/acpi/tables/IVRS");
	tree_unlink(tree, "proc/cmdline");
	tree_file(tree, "proc/cpuinfo", "vendor_id       : IBM/S390\n");
	assert_int_equal(iov_iommu_require(iov), -ENOTSUP);
	assert_null(strstr(iov_error_message(iov), "SMMU"));
	tree_file(tree, "proc/cpuinfo", "vendor_id\t: GenuineIntel\n");
	assert_int_equal(iov_iommu_require(iov), -ENOTSUP);
	assert_non_null(strstr(iov_error_message(iov), "VT-d"));
	tree_file(tree, "sys/firmware/acpi/tables/DMAR", "");
	assert_int_equal(iov_iommu_require(iov), -ENOTSUP);
	assert_non_null(strstr(iov_error_message(iov), "boot the kernel with intel_iommu=on"));
	tree_file(tree, "proc/cmdline", "quiet intel_iommu=on,sm_on\n");
	assert_int_equal(iov_iommu_require(iov), -ENOTSUP);
	assert_non_null(strstr(iov_error_message(iov), "though intel_iommu=on is there"));
}

#define NIC DEVICES "0000:01:00.0/iommu"
#define TABLE "sys/kernel/debug/iommu/intel/ir_translation_struct"
#define REMAPPED "Remapped Interrupt supported on IOMMU: dmar0\n IR table address:100300000\n" \
	" Entry SrcID   DstID    Vct IRTE_high\t\tIRTE_low\n"
#define POSTED "****\n\nPosted Interrupt supported on IOMMU: dmar0\n IR table address:100300000\n" \
	" Entry SrcID   PDA_high PDA_low  Vct IRTE_high\t\tIRTE_low\n"
#define REMAPPED_NIC " 12    01:00.0 00000001 21  0000000000040100\t0000000100210009\n"
#define REMAPPED_OTHER " 13    01:00.1 00000001 21  0000000000040101\t0000000100210009\n"
#define POSTED_NIC " 14    01:00.0 00000001 0d6c1000 26  0000000100040100\t0d6c100000268001\n"

static void interrupts_are_posted_as_vtd_says(void **state)
{
	const struct iov_bdf nic = bdf_of("0000:01:00.0");

	(void)state;
	tree_file(tree, NIC "/intel-iommu/cap", "d2008c40660462\n");
	assert_int_equal(iov_posted(iov, nic), IOV_POSTED_NONE);
	tree_file(tree, NIC "/intel-iommu/cap", "8d2008c40660462\n");
	assert_int_equal(iov_posted(iov, nic), IOV_POSTED_UNKNOWN);
	tree_file(tree, TABLE, REMAPPED REMAPPED_NIC POSTED);
	assert_int_equal(iov_posted(iov, nic), IOV_POSTED_NONE);
	tree_file(tree, TABLE, REMAPPED REMAPPED_NIC POSTED POSTED_NIC);
	assert_int_equal(iov_posted(iov, nic), IOV_POSTED_SOME);
	tree_file(tree, TABLE, REMAPPED REMAPPED_OTHER POSTED POSTED_NIC);
	assert_int_equal(iov_posted(iov, nic), IOV_POSTED_ALL);
}

static void interrupts_are_posted_as_far_as_amd_says(void **state)
{
	const struct iov_bdf nic = bdf_of("0000:01:00.0");

	(void)state;
	assert_int_equal(iov_posted(iov, nic), IOV_POSTED_NONE);
	tree_file(tree, NIC "/amd-iommu/features", "29d3\n");
	assert_int_equal(iov_posted(iov, nic), IOV_POSTED_UNKNOWN);
	tree_file(tree, NIC "/amd-iommu/features", "2953\n");
	assert_int_equal(iov_posted(iov, nic), IOV_POSTED_NONE);
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_group_has_its_members_in_order, with_default),
		TEST(drivers_decide_on_viability, with_default),
		TEST(a_bridge_with_its_driver_does_not_block, with_noacs),
		TEST(a_bridge_to_conventional_pci_joins_what_is_behind_it, with_default),
		TEST(a_multifunction_device_joins_its_functions, with_default),
		TEST(only_its_function_0_has_to_say_multifunction, with_default),
		TEST(a_port_without_acs_joins_what_is_below_it, with_noacs),
		TEST(acs_that_is_off_is_told_from_acs_that_is_absent, with_noacs),
		TEST(a_group_of_one_needs_no_reason, with_default),
		TEST(without_privilege_the_reason_says_so, with_default),
		TEST(ancestors_are_the_bridges_on_the_way, with_default),
		TEST(all_groups_are_listed, with_default),
		TEST(interrupts_are_posted_as_vtd_says, with_noiommu),
		TEST(interrupts_are_posted_as_far_as_amd_says, with_noiommu),
		TEST(members_that_are_no_functions_are_shown, with_default),
		TEST(what_is_not_there_is_named, with_default),
		TEST(an_iommu_that_is_off_is_said_with_what_turns_it_on, with_noiommu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
