// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a function can be assigned: every command gives the answer of one function, on
 * small hosts of which each has one thing that speaks against it.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/pci/function.h"
#include "base/pci/pci_config.h"
#include "base/plan/plan.h"
#include "tests/unit/tree.h"
#include "vfio/bind/assign.h"
#include "vfio/bind/bind.h"
#include "vfio/bind/verdict.h"

#define GROUPS "sys/kernel/iommu_groups/"

static char *tree;
static struct iov *iov;

static int setup(void **state)
{
	(void)state;
	tree = tree_new();
	tree_file(tree, "sys/bus/pci/drivers_probe", "");
	tree_file(tree, "sys/bus/pci/drivers/vfio-pci/bind", "");
	tree_file(tree, "dev/vfio/vfio", "");
	iov = tree_open(tree);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

static struct iov_bdf bdf_of(const char *text)
{
	struct iov_bdf bdf;

	assert_true(iov_bdf_scan(text, &bdf));
	return bdf;
}

/* "0000:01:00.0" of "pci0000:00/0000:00:01.0/0000:01:00.0" */
static const char *last(const char *way)
{
	return strrchr(way, '/') + 1;
}

static void attribute(const char *way, const char *name, const char *text)
{
	tree_file(tree, iov_path("sys/devices/%s/%s", way, name).name, text);
}

/* Sixty-four bytes: a header of a type, or with @lost nothing but ones. */
static void write_config(const char *way, int type, bool lost)
{
	_cleanup_free_ char *path = NULL;
	FILE *file;

	attribute(way, "config", "");
	assert_true(asprintf(&path, "%s/sys/devices/%s/config", tree, way) > 0);
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 64; i++)
		fputc(lost ? 0xff : i == 14 ? type : 0x10, file);
	assert_int_equal(fclose(file), 0);
}

static void function(const char *way, const char *class_code, const char *driver, int group)
{
	attribute(way, "class", class_code);
	attribute(way, "vendor", "0x8086\n");
	attribute(way, "device", "0x1572\n");
	attribute(way, "driver_override", "(null)\n");
	attribute(way, "reset_method", "flr bus\n");
	attribute(way, "power_state", "D0\n");
	write_config(way, strstr(class_code, "0x0604") ? 1 : 0, false);
	tree_link(tree, iov_path("sys/bus/pci/devices/%s", last(way)).name,
		  iov_path("../../../devices/%s", way).name);
	tree_link(tree, iov_path("sys/devices/%s/iommu_group", way).name,
		  iov_path("/" GROUPS "%d", group).name);
	tree_link(tree, iov_path(GROUPS "%d/devices/%s", group, last(way)).name,
		  iov_path("/sys/devices/%s", way).name);
	tree_file(tree, iov_path(GROUPS "%d/reserved_regions", group).name,
		  "0x00000000fee00000 0x00000000feefffff msi\n");
	if (driver)
		tree_link(tree, iov_path("sys/devices/%s/driver", way).name,
			  iov_path("/sys/bus/pci/drivers/%s", driver).name);
}

#define PORT "pci0000:00/0000:00:01.0"
#define NIC PORT "/0000:01:00.0"

/* A NIC below a port, with nothing against it. */
static void nic(const char *driver)
{
	function(PORT, "0x060400\n", "pcieport", 1);
	function(NIC, "0x020000\n", driver, 10);
}

static const struct iov_reason *reason_of(const char *device, const char *kind)
{
	static struct iov_verdict verdict;

	iov_verdict(iov, bdf_of(device), &verdict);
	return iov_verdict_find(&verdict, kind);
}

static int plan_bind(const char *device, const char *driver, unsigned int flags,
		     struct json_object **json)
{
	struct iov_bdf bdf = bdf_of(device);
	struct iov_plan *plan;
	int error;

	assert_int_equal(iov_plan_new(&plan, iov, "test"), 0);
	error = iov_bind_plan(plan, &bdf, 1, driver, flags);
	if (json)
		*json = iov_plan_json(plan);
	iov_plan_free(plan);
	return error;
}

static int attach(const char *device)
{
	struct iov_attachable how;

	return iov_attach_check(iov, bdf_of(device), IOV_DRIVER_VFIO, &how);
}

static bool is_assignable(const char *device)
{
	_cleanup_json_ struct json_object *answer = NULL;

	assert_int_equal(iov_assign_check(iov, bdf_of(device), &answer), 0);
	return json_object_get_boolean(json_object_object_get(answer, "assignable"));
}

/* That bind, attach and show give one answer, and for which reason. */
static void assert_blocked(const char *device, const char *kind, const char *words)
{
	const struct iov_reason *reason = reason_of(device, NULL);

	assert_non_null(reason);
	assert_string_equal(reason->kind, kind);
	assert_int_equal(plan_bind(device, "vfio-pci", IOV_BIND_GROUP, NULL), reason->error);
	assert_non_null(strstr(iov_error_message(iov), words));
	assert_int_equal(attach(device), reason->error);
	assert_non_null(strstr(iov_error_message(iov), words));
	assert_false(is_assignable(device));
}

static void nothing_speaks_against_an_ordinary_function(void **state)
{
	(void)state;
	nic("i40e");
	assert_null(reason_of("0000:01:00.0", NULL));
	assert_true(is_assignable("0000:01:00.0"));
	assert_int_equal(plan_bind("0000:01:00.0", "vfio-pci", 0, NULL), 0);
}

/* Without it the kernel attaches no device: what check says so do all others. */
static void interrupts_that_are_not_remapped_block(void **state)
{
	(void)state;
	nic("i40e");
	tree_file(tree, "sys/kernel/irq/1/chip_name", "IO-APIC\n");
	tree_file(tree, "sys/kernel/irq/24/chip_name", "PCI-MSI\n");
	assert_blocked("0000:01:00.0", "interrupts", "interrupt remapping is off");
	tree_file(tree, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	assert_int_equal(reason_of("0000:01:00.0", "interrupts")->severity, IOV_REASON_WARNS);
	assert_true(is_assignable("0000:01:00.0"));
}

static void interrupts_that_are_remapped_do_not(void **state)
{
	(void)state;
	nic("i40e");
	tree_file(tree, "sys/kernel/irq/1/chip_name", "IO-APIC\n");
	tree_file(tree, "sys/kernel/irq/24/chip_name", "IR-PCI-MSIX-0000:01:00.0\n");
	assert_null(reason_of("0000:01:00.0", "interrupts"));
	/* Of Arm check tells. */
	tree_file(tree, "sys/kernel/irq/1/chip_name", "GICv3\n");
	tree_unlink(tree, "sys/kernel/irq/24/chip_name");
	assert_null(reason_of("0000:01:00.0", "interrupts"));
}

/* As group show has it: what is no PCI function counts. */
static void a_member_of_another_bus_blocks_while_its_driver_has_it(void **state)
{
	(void)state;
	nic("i40e");
	tree_file(tree, "sys/devices/platform/fsl-mc/uevent", "");
	tree_link(tree, "sys/devices/platform/fsl-mc/subsystem", "/sys/bus/platform");
	tree_link(tree, GROUPS "10/devices/fsl-mc", "/sys/devices/platform/fsl-mc");
	assert_null(reason_of("0000:01:00.0", NULL));
	tree_link(tree, "sys/devices/platform/fsl-mc/driver", "/sys/bus/platform/drivers/mc");
	assert_blocked("0000:01:00.0", "group", "group 10: fsl-mc is in it, no PCI function, and its driver mc");
	assert_non_null(strstr(reason_of("0000:01:00.0", "group")->remedy,
			       "'fsl-mc' to /sys/bus/platform/drivers/mc/unbind"));
	tree_unlink(tree, "sys/devices/platform/fsl-mc/driver");
	tree_link(tree, "sys/devices/platform/fsl-mc/driver", "/sys/bus/platform/drivers/vfio-platform");
	assert_null(reason_of("0000:01:00.0", NULL));
}

static void memory_that_firmware_keeps_blocks(void **state)
{
	(void)state;
	nic("tg3");
	tree_file(tree, GROUPS "10/reserved_regions",
		  "0x00000000bdf6e000 0x00000000bdf84fff direct\n"
		  "0x00000000fee00000 0x00000000feefffff msi\n");
	assert_blocked("0000:01:00.0", "reserved-memory", "firmware keeps memory");
	/* A driver of the host may have it all the same. */
	tree_file(tree, "sys/bus/pci/drivers/uio_pci_generic/bind", "");
	assert_int_equal(plan_bind("0000:01:00.0", "uio_pci_generic", 0, NULL), 0);
}

static void memory_that_may_be_relaxed_does_not_block(void **state)
{
	(void)state;
	nic("i915");
	tree_file(tree, GROUPS "10/reserved_regions",
		  "0x00000000bdf6e000 0x00000000bdf84fff direct-relaxable\n");
	assert_null(reason_of("0000:01:00.0", NULL));
}

static void a_function_that_is_lost_blocks_and_has_no_capabilities(void **state)
{
	_cleanup_json_ struct json_object *detail = NULL;
	struct json_object *value;
	struct iov_ids *ids;

	(void)state;
	nic("vfio-pci");
	write_config(NIC, 0, true);
	assert_non_null(reason_of("0000:01:00.0", "lost"));
	assert_false(is_assignable("0000:01:00.0"));
	assert_int_equal(iov_ids_open(&ids), 0);
	detail = iov_function_detail(iov, ids, bdf_of("0000:01:00.0"));
	iov_ids_close(ids);
	assert_true(json_object_object_get_ex(detail, "capabilities", &value));
	assert_null(value);
}

/* A reset that hangs, of it or of what is below it. */
static void a_function_that_the_kernel_lets_nobody_read_is_stuck(void **state)
{
	(void)state;
	nic("vfio-pci");
	tree_fifo(tree, "sys/devices/" NIC "/config");
	iov_sys_set_timeout(iov, 500);
	assert_non_null(reason_of("0000:01:00.0", "stuck"));
	assert_null(reason_of("0000:01:00.0", "lost"));
	assert_false(is_assignable("0000:01:00.0"));
}

/* What emulates the IDs alone does not make a bridge of type 127 of it. */
static void a_function_of_which_the_ids_alone_answer_is_lost(void **state)
{
	(void)state;
	nic("vfio-pci");
	write_config(NIC, 0xff, false);
	assert_non_null(reason_of("0000:01:00.0", "lost"));
	assert_null(reason_of("0000:01:00.0", "bridge"));
	write_config(NIC, 0x80, false);
	assert_null(reason_of("0000:01:00.0", "lost"));
}

static void a_bound_function_that_is_lost_is_left_where_a_file_says_it(void **state)
{
	_cleanup_json_ struct json_object *plan = NULL;

	(void)state;
	nic("vfio-pci");
	attribute(NIC, "driver_override", "vfio-pci\n");
	write_config(NIC, 0, true);
	assert_int_equal(plan_bind("0000:01:00.0", "vfio-pci", IOV_BIND_LEAVE, &plan), 0);
	assert_non_null(strstr(json_object_to_json_string(plan), "does not answer"));
	assert_int_equal(json_object_array_length(json_object_object_get(plan, "steps")), 0);
	/* Who names it is told what is so, with the override or without. */
	assert_int_equal(plan_bind("0000:01:00.0", "vfio-pci", 0, NULL), -EIO);
	assert_non_null(strstr(iov_error_message(iov), "does not answer"));
	attribute(NIC, "driver_override", "(null)\n");
	assert_int_equal(plan_bind("0000:01:00.0", "vfio-pci", 0, NULL), -EIO);
	assert_false(is_assignable("0000:01:00.0"));
}

static void header_and_not_class_makes_a_bridge(void **state)
{
	(void)state;
	nic("i40e");
	attribute(NIC, "class", "0x068000\n");
	assert_null(reason_of("0000:01:00.0", NULL));
	write_config(NIC, 1, false);
	assert_blocked("0000:01:00.0", "bridge", "is a bridge");
	write_config(NIC, 0, false);
	attribute(NIC, "class", "0x060000\n");
	assert_null(reason_of("0000:01:00.0", NULL));
	attribute(PORT, "class", "0x060000\n");
	assert_blocked("0000:00:01.0", "chipset", "chipset");
}

static void a_sleeping_function_is_not_read(void **state)
{
	struct iov_config config;

	(void)state;
	nic("i40e");
	attribute(NIC, "power_state", "D3cold\n");
	write_config(NIC, 0, true);
	assert_int_equal(iov_config_read(iov, bdf_of("0000:01:00.0"), &config, 64), -EHOSTDOWN);
	assert_null(reason_of("0000:01:00.0", NULL));
	assert_non_null(reason_of("0000:01:00.0", "power"));
	assert_true(is_assignable("0000:01:00.0"));
}

static void a_function_below_a_sleeping_port_is_not_read(void **state)
{
	struct iov_config config;

	(void)state;
	nic("i40e");
	attribute(PORT, "power/runtime_status", "suspended\n");
	attribute(NIC, "power_state", "D3hot\n");
	assert_int_equal(iov_config_read(iov, bdf_of("0000:01:00.0"), &config, 64), -EHOSTDOWN);
	/* The port itself can be read in D3hot. */
	attribute(PORT, "power_state", "D3hot\n");
	assert_int_equal(iov_config_read(iov, bdf_of("0000:00:01.0"), &config, 64), 0);
}

#define VMD "pci0000:97/0000:97:00.5"
#define VMD_PORT VMD "/pci10000:80/10000:80:01.0"
#define VMD_DISK VMD_PORT "/10000:81:00.0"

static void vmd(const char *driver, const char *disk_driver)
{
	function(VMD, "0x010400\n", driver, 40);
	function(VMD_PORT, "0x060400\n", "pcieport", 40);
	function(VMD_DISK, "0x010802\n", disk_driver, 40);
}

static void what_is_behind_a_controller_goes_with_it(void **state)
{
	(void)state;
	vmd("vmd", "nvme");
	assert_blocked("10000:81:00.0", "controller", "behind VMD 0000:97:00.5");
	assert_null(strstr(iov_error_message(iov), "--group"));
}

static void a_controller_goes_alone_and_takes_what_is_behind_it(void **state)
{
	_cleanup_json_ struct json_object *plan = NULL;

	(void)state;
	vmd("vmd", "nvme");
	for (unsigned int flags = 0; flags <= IOV_BIND_GROUP; flags += IOV_BIND_GROUP) {
		json_object_put(plan);
		assert_int_equal(plan_bind("0000:97:00.5", "vfio-pci", flags, &plan), 0);
		assert_int_equal(json_object_array_length(json_object_object_get(plan, "steps")), 1);
		assert_non_null(strstr(json_object_to_json_string(
				json_object_object_get(plan, "takes")), "10000:81:00.0"));
	}
}

static void what_is_behind_a_controller_is_attached_like_any_other(void **state)
{
	(void)state;
	vmd("vfio-pci", "vfio-pci");
	assert_int_equal(attach("10000:81:00.0"), 0);
	assert_int_equal(attach("0000:97:00.5"), 0);
}

static void what_moves_along_and_a_missing_reset_only_warn(void **state)
{
	const struct iov_reason *reason;

	(void)state;
	nic("i40e");
	function(PORT "/0000:01:00.1", "0x020000\n", "i40e", 10);
	attribute(NIC, "reset_method", "\n");
	assert_null(reason_of("0000:01:00.0", NULL));
	reason = reason_of("0000:01:00.0", "group");
	assert_non_null(reason);
	assert_non_null(strstr(reason->sentence, "0000:01:00.1"));
	reason = reason_of("0000:01:00.0", "reset");
	assert_non_null(reason);
	assert_non_null(strstr(reason->sentence, "takes 0000:01:00.1 along"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_speaks_against_an_ordinary_function),
		TEST(interrupts_that_are_not_remapped_block),
		TEST(interrupts_that_are_remapped_do_not),
		TEST(a_member_of_another_bus_blocks_while_its_driver_has_it),
		TEST(memory_that_firmware_keeps_blocks),
		TEST(memory_that_may_be_relaxed_does_not_block),
		TEST(a_function_that_is_lost_blocks_and_has_no_capabilities),
		TEST(a_function_that_the_kernel_lets_nobody_read_is_stuck),
		TEST(a_function_of_which_the_ids_alone_answer_is_lost),
		TEST(a_bound_function_that_is_lost_is_left_where_a_file_says_it),
		TEST(header_and_not_class_makes_a_bridge),
		TEST(a_sleeping_function_is_not_read),
		TEST(a_function_below_a_sleeping_port_is_not_read),
		TEST(what_is_behind_a_controller_goes_with_it),
		TEST(a_controller_goes_alone_and_takes_what_is_behind_it),
		TEST(what_is_behind_a_controller_is_attached_like_any_other),
		TEST(what_moves_along_and_a_missing_reset_only_warn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
