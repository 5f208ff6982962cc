// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Binding against a model of the driver core: the order of the writes, an error
 * and a death at each of them, groups, and every refusal by its message.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/plan/plan.h"
#include "tests/unit/kernel.h"
#include "tests/unit/tree.h"
#include "vfio/bind/assign.h"
#include "vfio/bind/bind.h"

#define VF "0000:01:10.0"	  /* igbvf, alone in its group */
#define PF "0000:01:00.0"	  /* igb, default route, with two VFs */
#define OTHER_PF "0000:81:00.0"	  /* igb, without VFs */
#define BOUND_VF "0000:01:10.2"	  /* vfio-pci */
#define LEGACY1 "0000:04:01.0"	  /* e1000, in a group with */
#define LEGACY2 "0000:04:02.0"	  /* another and their bridge */
#define NVME "0000:02:00.0"	  /* holds a mounted file system */
#define EDU "0000:05:00.0"	  /* resets with its bus only, no driver */
#define DEVICE(bdf) "sys/bus/pci/devices/" bdf

static struct kernel kernel;

static int setup(void **state)
{
	(void)state;
	kernel_open(&kernel, "default");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kernel_close(&kernel);
	return 0;
}

static struct iov_bdf bdf_of(const char *text)
{
	struct iov_bdf bdf;

	assert_int_equal(iov_bdf_parse(kernel.iov, text, &bdf), 0);
	return bdf;
}

/* A plan for up to two functions; @driver NULL gives them back. */
static int plan_for(struct iov_plan **plan, const char *first, const char *second,
		    const char *driver, unsigned int flags)
{
	struct iov_bdf bdfs[2] = { bdf_of(first) };
	size_t count = second ? 2 : 1;

	if (second)
		bdfs[1] = bdf_of(second);
	assert_int_equal(iov_plan_new(plan, kernel.iov, "test"), 0);
	return driver ? iov_bind_plan(*plan, bdfs, count, driver, flags) :
			iov_unbind_plan(*plan, bdfs, count, flags);
}

static int run(struct iov_plan *plan)
{
	struct iov_plan_options options = { .verify_timeout = 20 };
	int error = iov_plan_run(plan, &options);

	iov_plan_free(plan);
	return error;
}

static int bind(const char *device, const char *driver)
{
	struct iov_plan *plan;

	assert_int_equal(plan_for(&plan, device, NULL, driver, 0), 0);
	return run(plan);
}

static void assert_refused(const char *first, const char *second, const char *driver,
			   int error, const char *message)
{
	struct iov_plan *plan;

	assert_int_equal(plan_for(&plan, first, second, driver, 0), error);
	assert_non_null(strstr(iov_error_message(kernel.iov), message));
	iov_plan_free(plan);
	assert_int_equal(kernel.writes, 0);
}

static void assert_state(const char *device, const char *driver, const char *override)
{
	assert_string_equal(kernel_driver(&kernel, device), driver);
	assert_string_equal(kernel_override(&kernel, device), override);
}

static void the_override_is_written_before_the_driver_is_left(void **state)
{
	static const char *const expected[] = {
		DEVICE(VF) "/driver_override=vfio-pci",
		DEVICE(VF) "/driver/unbind=" VF,
		("sys/bus/pci/drivers_probe=" VF),
	};

	(void)state;
	assert_int_equal(bind(VF, "vfio-pci"), 0);
	assert_int_equal(kernel.writes, 3);
	for (int i = 0; i < 3; i++)
		assert_string_equal(kernel.log[i], expected[i]);
	assert_state(VF, "vfio-pci", "vfio-pci");
}

static void a_probe_that_was_passed_over_is_repeated(void **state)
{
	(void)state;
	kernel.passed_over = 2;
	assert_int_equal(bind(VF, "vfio-pci"), 0);
	assert_int_equal(kernel.writes, 5);
	for (int i = 2; i < 5; i++)
		assert_string_equal(kernel.log[i], "sys/bus/pci/drivers_probe=" VF);
	assert_state(VF, "vfio-pci", "vfio-pci");
	kernel.passed_over = 2;
	assert_int_equal(bind(VF, NULL), 0);
	assert_state(VF, "igbvf", "(null)");
}

static void an_undo_repeats_a_probe_as_well(void **state)
{
	(void)state;
	/* All three of the change, and two of its undo. */
	kernel.passed_over = 5;
	assert_int_equal(bind(VF, "vfio-pci"), -ETIME);
	assert_int_equal(kernel.passed_over, 0);
	assert_state(VF, "igbvf", "(null)");
}

static void what_is_bound_already_is_not_written_again(void **state)
{
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(plan_for(&plan, BOUND_VF, NULL, "vfio-pci", 0), 0);
	assert_true(iov_plan_is_empty(plan));
	iov_plan_free(plan);
}

static void an_override_alone_is_set_without_a_rebind(void **state)
{
	(void)state;
	tree_file(kernel.tree, DEVICE(BOUND_VF) "/driver_override", "(null)\n");
	assert_int_equal(bind(BOUND_VF, "vfio-pci"), 0);
	assert_int_equal(kernel.writes, 1);
	assert_state(BOUND_VF, "vfio-pci", "vfio-pci");
}

static void unbinding_returns_to_the_native_driver(void **state)
{
	(void)state;
	assert_int_equal(bind(BOUND_VF, NULL), 0);
	assert_state(BOUND_VF, "igbvf", "(null)");
	assert_int_equal(bind(BOUND_VF, NULL), 0);
	assert_int_equal(kernel.writes, 3);
}

static void a_left_over_override_is_cleared_without_a_rebind(void **state)
{
	(void)state;
	tree_file(kernel.tree, DEVICE(VF) "/driver_override", "igbvf\n");
	assert_int_equal(bind(VF, NULL), 0);
	assert_int_equal(kernel.writes, 1);
	assert_state(VF, "igbvf", "(null)");
}

static void an_error_at_any_write_restores_driver_and_override(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		kernel.writes = 0;
		kernel.fail_at = i;
		assert_int_equal(bind(VF, "vfio-pci"), -EIO);
		assert_state(VF, "igbvf", "(null)");
		kernel.writes = 0;
		assert_int_equal(bind(BOUND_VF, NULL), -EIO);
		assert_state(BOUND_VF, "vfio-pci", "vfio-pci");
	}
}

static void a_driver_that_refuses_gives_the_previous_one_back(void **state)
{
	(void)state;
	kernel.refuses = "vfio-pci";
	assert_int_equal(bind(VF, "vfio-pci"), -ETIME);
	assert_state(VF, "igbvf", "(null)");
	assert_non_null(strstr(iov_error_message(kernel.iov), VF));
}

/* Dies after a number of writes; true when it was not killed any more. */
static bool bind_and_die(int writes)
{
	pid_t child = fork();
	int status;

	if (!child) {
		kernel.writes = 0;
		kernel.kill_at = writes;
		_exit(bind(VF, "vfio-pci") ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status);
}

static void a_death_at_any_write_is_undone_or_finished(void **state)
{
	int deaths = 0;

	(void)state;
	for (; !bind_and_die(deaths); deaths++) {
		assert_int_equal(iov_plan_recover(kernel.iov, false, NULL), 0);
		assert_state(VF, "igbvf", "(null)");
		assert_false(bind_and_die(deaths));
		assert_int_equal(iov_plan_recover(kernel.iov, true, NULL), 0);
		assert_state(VF, "vfio-pci", "vfio-pci");
		assert_int_equal(bind(VF, NULL), 0);
	}
	assert_int_equal(deaths, 3);
}

static void the_undo_restores_an_override_that_did_not_match(void **state)
{
	(void)state;
	tree_file(kernel.tree, DEVICE(VF) "/driver_override", "uio_pci_generic\n");
	kernel.refuses = "vfio-pci";
	assert_int_equal(bind(VF, "vfio-pci"), -ETIME);
	assert_state(VF, "igbvf", "uio_pci_generic");
}

static void a_group_is_refused_naming_who_must_come_along(void **state)
{
	(void)state;
	assert_refused(LEGACY1, NULL, "vfio-pci", -EBUSY, LEGACY2 " (e1000)");
	assert_non_null(strstr(iov_error_message(kernel.iov), "--group"));
}

static void a_group_moves_when_asked_and_its_bridge_stays(void **state)
{
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(plan_for(&plan, LEGACY1, NULL, "vfio-pci", IOV_BIND_GROUP), 0);
	assert_int_equal(run(plan), 0);
	assert_state(LEGACY1, "vfio-pci", "vfio-pci");
	assert_state(LEGACY2, "vfio-pci", "vfio-pci");
	assert_state("0000:03:00.0", "", "(null)");
	assert_int_equal(plan_for(&plan, LEGACY2, NULL, NULL, IOV_BIND_GROUP), 0);
	assert_int_equal(run(plan), 0);
	assert_state(LEGACY1, "e1000", "(null)");
	assert_state(LEGACY2, "e1000", "(null)");
}

static void a_group_whose_members_are_all_named_needs_no_option(void **state)
{
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(plan_for(&plan, LEGACY1, LEGACY2, "vfio-pci", 0), 0);
	assert_int_equal(run(plan), 0);
	assert_state(LEGACY2, "vfio-pci", "vfio-pci");
}

static void a_group_with_a_bridge_of_the_chipset_is_refused(void **state)
{
	struct iov_plan *plan;

	(void)state;
	tree_link(kernel.tree, DEVICE("0000:00:1f.0") "/driver",
		  "../../../bus/pci/drivers/lpc_ich");
	assert_int_equal(plan_for(&plan, "0000:00:1f.2", NULL, "vfio-pci", IOV_BIND_GROUP), -EBUSY);
	assert_non_null(strstr(iov_error_message(kernel.iov), "0000:00:1f.0 (lpc_ich)"));
	iov_plan_free(plan);
}

static void a_driver_outside_vfio_takes_a_member_alone(void **state)
{
	(void)state;
	tree_file(kernel.tree, "sys/bus/pci/drivers/uio_pci_generic/bind", "");
	assert_int_equal(bind(LEGACY1, "uio_pci_generic"), 0);
	assert_state(LEGACY1, "uio_pci_generic", "uio_pci_generic");
	assert_state(LEGACY2, "e1000", "(null)");
}

static void a_driver_that_is_yet_to_be_loaded_may_take_the_function_by_itself(void **state)
{
	_cleanup_json_ struct json_object *json = NULL;
	struct json_object *steps;
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(plan_for(&plan, EDU, NULL, "edu_native", 0), 0);
	json = iov_plan_json(plan);
	iov_plan_free(plan);
	steps = json_object_object_get(json, "steps");
	assert_int_equal(json_object_array_length(steps), 2);
	assert_int_equal(json_object_array_length(json_object_object_get(
			 json_object_array_get_idx(steps, 1), "check")), 0);
}

static void a_pf_with_vfs_is_refused(void **state)
{
	(void)state;
	assert_refused(PF, NULL, "vfio-pci", -EBUSY, "iov vf remove " PF);
}

static void what_a_guard_holds_is_refused(void **state)
{
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(plan_for(&plan, NVME, NULL, "vfio-pci", 0), 0);
	assert_int_equal(run(plan), -ECANCELED);
	assert_non_null(strstr(iov_error_message(kernel.iov), "/mnt (ext4)"));
	assert_int_equal(kernel.writes, 0);
}

static void a_guard_sees_the_members_that_come_along(void **state)
{
	struct iov_plan *plan;

	(void)state;
	tree_file(kernel.tree, "proc/net/route",
		  "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
		  "enp4s2\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\n");
	assert_int_equal(plan_for(&plan, LEGACY1, NULL, "vfio-pci", IOV_BIND_GROUP), 0);
	assert_int_equal(run(plan), -ECANCELED);
	assert_non_null(strstr(iov_error_message(kernel.iov),
			       LEGACY2 " (member of IOMMU group 12)"));
}

#define EDU2 "0000:05:00.1" /* in the same slot */

static void a_slot_that_resets_as_a_whole_comes_along(void **state)
{
	struct iov_plan *plan;

	(void)state;
	tree_file(kernel.tree, "sys/devices/pci0000:00/0000:00:05.0/" EDU2 "/boot_vga", "1\n");
	tree_link(kernel.tree, "sys/bus/pci/devices/" EDU2,
		  "../../../devices/pci0000:00/0000:00:05.0/" EDU2);
	assert_int_equal(plan_for(&plan, EDU, NULL, "vfio-pci", 0), 0);
	assert_int_equal(run(plan), -ECANCELED);
	assert_non_null(strstr(iov_error_message(kernel.iov),
			       EDU2 " (same slot as " EDU ", which only resets as a whole) is in "
			       "use by the boot display"));
	assert_int_equal(kernel.writes, 0);
	tree_file(kernel.tree, DEVICE(EDU) "/reset_method", "flr bus\n");
	assert_int_equal(plan_for(&plan, EDU, NULL, "vfio-pci", 0), 0);
	assert_int_equal(run(plan), 0);
}

static void the_holder_of_a_vf_is_named_before_the_vfs_of_a_pf(void **state)
{
	struct json_object *findings, *last;
	struct iov_plan *plan;

	(void)state;
	tree_file(kernel.tree, "proc/71/comm", "qemu\n");
	tree_link(kernel.tree, "proc/71/fd/4", "/dev/vfio/17");
	assert_int_equal(plan_for(&plan, PF, NULL, "vfio-pci", 0), -EBUSY);
	assert_int_equal(iov_plan_guard(plan, NULL, &findings), -ECANCELED);
	last = json_object_array_get_idx(findings, json_object_array_length(findings) - 1);
	assert_string_equal(json_object_get_string(json_object_object_get(last, "device")),
			    BOUND_VF);
	assert_string_equal(json_object_get_string(json_object_object_get(last, "holder")),
			    "pid 71 (qemu)");
	assert_string_equal(json_object_get_string(json_object_object_get(last, "why")),
			    "VF 1 of " PF);
	json_object_put(findings);
	iov_plan_free(plan);
}

static void a_vf_that_does_not_exist_yet_can_be_planned(void **state)
{
	struct iov_bdf bdf = bdf_of("0000:01:10.4");
	struct json_object *json, *steps;
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "test"), 0);
	assert_int_equal(iov_bind_plan(plan, &bdf, 1, "vfio-pci", IOV_BIND_PLANNED), 0);
	json = iov_plan_json(plan);
	steps = json_object_object_get(json, "steps");
	assert_int_equal(json_object_array_length(steps), 1);
	assert_int_equal(json_object_array_length(json_object_object_get(
				 json_object_array_get_idx(steps, 0), "do")), 2);
	json_object_put(json);
	iov_plan_free(plan);
}

static void an_absent_driver_is_loaded_first(void **state)
{
	(void)state;
	tree_unlink(kernel.tree, "sys/bus/pci/drivers/vfio-pci/bind");
	tree_unlink(kernel.tree, "sys/bus/pci/drivers/vfio-pci/unbind");
	tree_unlink(kernel.tree, "sys/bus/pci/drivers/vfio-pci/module");
	tree_unlink(kernel.tree, "sys/bus/pci/drivers/vfio-pci");
	kernel.no_module = true;
	assert_int_equal(bind(VF, "vfio-pci"), -ENOENT);
	assert_state(VF, "igbvf", "(null)");
	kernel.no_module = false;
	kernel.writes = 0;
	assert_int_equal(bind(VF, "vfio-pci"), 0);
	assert_string_equal(kernel.log[0], "sys/module=vfio-pci");
	assert_state(VF, "vfio-pci", "vfio-pci");
}

static void bad_input_is_named(void **state)
{
	(void)state;
	assert_refused("0000:09:00.0", NULL, "vfio-pci", -ENODEV, 
		       "0000:09:00.0: no such PCI function");
	assert_refused("0000:09:00.0", NULL, NULL, -ENODEV, "iov list --all");
	assert_refused("0000:00:01.0", NULL, "vfio-pci", -EINVAL, "0000:00:01.0: is a bridge");
	assert_refused("0000:00:01.0", NULL, NULL, -EINVAL, "0000:00:01.0: is a bridge");
	assert_refused(VF, VF, "vfio-pci", -EINVAL, VF ": named twice");
	assert_refused(VF, NULL, "../../etc", -EINVAL, "../../etc: not a driver's name");
	assert_refused(VF, NULL, "", -EINVAL, "not a driver's name");
}

static void without_an_iommu_nothing_is_bound_to_vfio(void **state)
{
	(void)state;
	kernel_close(&kernel);
	kernel_open(&kernel, "noiommu");
	assert_refused(PF, NULL, "vfio-pci", -ENOTSUP, "the IOMMU is off");
	assert_non_null(strstr(iov_error_message(kernel.iov), "turn the IOMMU (AMD-Vi) on in the firmware"));
	tree_file(kernel.tree, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	assert_int_equal(bind(PF, "vfio-pci"), 0);
	assert_state(PF, "vfio-pci", "vfio-pci");
}

static struct json_object *member(struct json_object *object, const char *key)
{
	return json_object_object_get(object, key);
}

static void the_advice_is_what_binding_says(void **state)
{
	static const struct {
		const char *device;
		bool assignable;
		bool ready;
		const char *advice;
	} expected[] = {
		{ VF, true, false, "'iov bind " VF " --driver vfio-pci'" },
		{ BOUND_VF, true, true, "'iov attach " BOUND_VF " --vmm qemu'" },
		{ LEGACY1, true, false, "--group', which takes " LEGACY1 ", " LEGACY2 },
		{ PF, false, false, "has 2 VFs" },
		{ NVME, false, false, "in use by /mnt (ext4)" },
		{ "0000:00:01.0", false, false, "is a bridge" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		struct json_object *check;

		assert_int_equal(iov_assign_check(kernel.iov, bdf_of(expected[i].device), &check),
				 0);
		assert_int_equal(json_object_get_boolean(member(check, "assignable")),
				 expected[i].assignable);
		assert_int_equal(json_object_get_boolean(member(check, "ready")),
				 expected[i].ready);
		assert_non_null(strstr(json_object_get_string(member(check, "advice")),
				       expected[i].advice));
		json_object_put(check);
	}
	assert_int_equal(kernel.writes, 0);
}

static int attach(const char *device, struct iov_attachable *how)
{
	return iov_attach_check(kernel.iov, bdf_of(device), IOV_DRIVER_VFIO, how);
}

static void a_guest_gets_what_is_bound_and_nothing_else(void **state)
{
	struct iov_attachable how;

	(void)state;
	assert_int_equal(attach(BOUND_VF, &how), 0);
	assert_string_equal(how.driver, "vfio-pci");
	assert_false(how.by_iommufd);
	assert_int_equal(attach(VF, &how), -EBUSY);
	assert_non_null(strstr(iov_error_message(kernel.iov), "iov bind " VF));
	assert_int_equal(attach("0000:09:00.0", &how), -ENODEV);
	tree_link(kernel.tree, DEVICE(LEGACY1) "/driver", "../../../../bus/pci/drivers/vfio-pci");
	assert_int_equal(attach(LEGACY1, &how), -EBUSY);
	assert_non_null(strstr(iov_error_message(kernel.iov), LEGACY2 " is bound to e1000"));
}

static void a_kernel_without_groups_for_user_space_has_iommufd(void **state)
{
	struct iov_attachable how;

	(void)state;
	tree_unlink(kernel.tree, "dev/vfio/vfio");
	tree_file(kernel.tree, "dev/iommu", "");
	assert_int_equal(attach(BOUND_VF, &how), 0);
	assert_true(how.by_iommufd);
}

/* There every function is given by pciback, whatever group VFIO would have seen. */
static void dom0_gives_by_pciback(void **state)
{
	struct iov_attachable how;
	struct json_object *check;

	(void)state;
	assert_int_equal(iov_attach_check(kernel.iov, bdf_of(BOUND_VF), IOV_DRIVER_PCIBACK, &how),
			 -ENOTSUP);
	assert_non_null(strstr(iov_error_message(kernel.iov), "no dom0"));
	tree_file(kernel.tree, "proc/xen/capabilities", "control_d\n");
	assert_int_equal(attach(BOUND_VF, &how), -ENOTSUP);
	assert_non_null(strstr(iov_error_message(kernel.iov), "--vmm xen"));
	assert_int_equal(iov_attach_check(kernel.iov, bdf_of(BOUND_VF), IOV_DRIVER_PCIBACK, &how),
			 -EBUSY);
	assert_non_null(strstr(iov_error_message(kernel.iov), "--driver pciback"));
	tree_unlink(kernel.tree, DEVICE(BOUND_VF) "/driver");
	tree_link(kernel.tree, DEVICE(BOUND_VF) "/driver", "../../../../bus/pci/drivers/pciback");
	assert_int_equal(iov_attach_check(kernel.iov, bdf_of(BOUND_VF), IOV_DRIVER_PCIBACK, &how), 0);
	assert_int_equal(iov_assign_check(kernel.iov, bdf_of(VF), &check), 0);
	assert_non_null(strstr(json_object_get_string(member(check, "advice")), "--driver pciback'"));
	json_object_put(check);
}

/* It would take the function again at any later probe. */
static void pciback_forgets_what_leaves_it(void **state)
{
	const char *const kept = "sys/bus/pci/drivers/pciback/kept-" VF;

	(void)state;
	tree_file(kernel.tree, "proc/xen/capabilities", "control_d\n");
	tree_file(kernel.tree, "sys/bus/pci/drivers/pciback/bind", "");
	assert_int_equal(bind(VF, "pciback"), 0);
	assert_state(VF, "pciback", "pciback");
	assert_true(iov_sys_exists(kernel.iov, kept));
	assert_int_equal(bind(VF, NULL), 0);
	assert_state(VF, "igbvf", "(null)");
	assert_false(iov_sys_exists(kernel.iov, kept));
	assert_int_equal(bind(VF, "pciback"), 0);
	assert_int_equal(bind(VF, "igbvf"), 0);
	assert_state(VF, "igbvf", "igbvf");
	assert_false(iov_sys_exists(kernel.iov, kept));
	/* A change that fails behind the probe, as its proof is not what it was. */
	kernel.writes = 0;
	kernel.fail_at = 2;
	assert_int_equal(bind(VF, "pciback"), -EIO);
	kernel.fail_at = -1;
	assert_state(VF, "igbvf", "igbvf");
	assert_false(iov_sys_exists(kernel.iov, kept));
}

static void give_bar(void)
{
	tree_file(kernel.tree, DEVICE(VF) "/resource", "0x00000000c0000000 0x00000000cfffffff 0x000000000014220c\n");
	tree_file(kernel.tree, DEVICE(VF) "/resource0_resize", "0000000000000f00\n");
}

static int bind_sized(const char *text)
{
	struct iov_bar_size size;
	struct iov_plan *plan;
	struct iov_bdf vf;
	int error;

	assert_int_equal(iov_bdf_parse(kernel.iov, VF, &vf), 0);
	assert_int_equal(iov_bar_size_parse(kernel.iov, vf, text, &size), 0);
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "test"), 0);
	error = iov_bind_sized_plan(plan, &vf, 1, "vfio-pci", 0, &size, 1);
	if (!error)
		return run(plan);
	iov_plan_free(plan);
	return error;
}

static void assert_bar(const char *end)
{
	char text[128];

	assert_int_equal(iov_sys_read(kernel.iov, DEVICE(VF) "/resource", text, sizeof(text)), 0);
	assert_non_null(strstr(text, end));
}

static void a_bar_is_resized_while_no_driver_has_the_function(void **state)
{
	(void)state;
	give_bar();
	assert_int_equal(bind_sized("0=1G"), 0);
	assert_state(VF, "vfio-pci", "vfio-pci");
	assert_bar(" 0x00000000ffffffff ");
	assert_string_equal(kernel.log[2], DEVICE(VF) "/resource0_resize=10");
	kernel.writes = 0;
	assert_int_equal(bind_sized("0=1G"), 0);
	assert_int_equal(kernel.writes, 0);
	/* What has the driver already loses it for a moment. */
	assert_int_equal(bind_sized("0=512M"), 0);
	assert_state(VF, "vfio-pci", "vfio-pci");
	assert_bar(" 0x00000000dfffffff ");
}

static void an_error_at_any_write_restores_the_bar(void **state)
{
	(void)state;
	give_bar();
	for (int i = 0; i < 4; i++) {
		kernel.writes = 0;
		kernel.fail_at = i;
		assert_int_equal(bind_sized("0=1G"), -EIO);
		assert_state(VF, "igbvf", "(null)");
		assert_bar(" 0x00000000cfffffff ");
	}
}

static void a_bar_that_has_no_such_size_is_refused(void **state)
{
	(void)state;
	assert_int_equal(bind_sized("0=1G"), -EOPNOTSUPP);
	give_bar();
	assert_int_equal(bind_sized("0=64M"), -EINVAL);
	assert_non_null(strstr(iov_error_message(kernel.iov), "BAR 0 cannot have 64M; expected one of: 256M, 512M, 1G, 2G"));
	assert_int_equal(bind_sized("1=1G"), -EINVAL);
	assert_non_null(strstr(iov_error_message(kernel.iov), "has no BAR 1"));
	assert_int_equal(kernel.writes, 0);
}

/* As if edu had a second function. */
static void a_whole_device_goes_with_all_of_its_slot(void **state)
{
	struct iov_plan *plan;
	struct iov_bdf edu;
	size_t count;

	(void)state;
	tree_file(kernel.tree, DEVICE("0000:05:00.1") "/class", "0x040300\n");
	tree_file(kernel.tree, DEVICE("0000:05:00.1") "/driver_override", "(null)\n");
	tree_file(kernel.tree, DEVICE("0000:05:00.1") "/vendor", "0x1234\n");
	assert_int_equal(iov_bdf_parse(kernel.iov, EDU, &edu), 0);
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "test"), 0);
	iov_bind_plan(plan, &edu, 1, "vfio-pci", IOV_BIND_SLOT);
	iov_plan_takes(plan, &count);
	assert_int_equal(count, 2);
	assert_string_equal(iov_plan_takes(plan, &count)[1].device, "0000:05:00.1");
	assert_string_equal(iov_plan_takes(plan, &count)[1].why, "in the slot of " EDU);
	iov_plan_free(plan);
}

static void legacy_vga_is_switched_off_where_modules_are_configured(void **state)
{
	struct iov_plan *plan;
	char *text;

	(void)state;
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "test"), 0);
	tree_file(kernel.tree, "sys/module/vfio_pci/parameters/disable_vga", "N\n");
	assert_int_equal(iov_disable_vga_plan(plan), -EBUSY);
	assert_non_null(strstr(iov_error_message(kernel.iov), "modprobe -r vfio-pci"));
	iov_plan_free(plan);
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "test"), 0);
	tree_file(kernel.tree, "sys/module/vfio_pci/parameters/disable_vga", "Y\n");
	assert_int_equal(iov_disable_vga_plan(plan), 0);
	assert_true(iov_plan_is_empty(plan));
	tree_unlink(kernel.tree, "sys/module/vfio_pci/parameters/disable_vga");
	assert_int_equal(iov_disable_vga_plan(plan), 0);
	assert_int_equal(run(plan), 0);
	assert_int_equal(iov_sys_read_all(kernel.iov, "etc/modprobe.d/iovkit-vfio.conf", &text, NULL), 0);
	assert_non_null(strstr(text, "options vfio-pci disable_vga=1\n"));
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_override_is_written_before_the_driver_is_left),
		TEST(a_probe_that_was_passed_over_is_repeated),
		TEST(an_undo_repeats_a_probe_as_well),
		TEST(what_is_bound_already_is_not_written_again),
		TEST(an_override_alone_is_set_without_a_rebind),
		TEST(unbinding_returns_to_the_native_driver),
		TEST(a_left_over_override_is_cleared_without_a_rebind),
		TEST(an_error_at_any_write_restores_driver_and_override),
		TEST(a_bar_is_resized_while_no_driver_has_the_function),
		TEST(an_error_at_any_write_restores_the_bar),
		TEST(a_bar_that_has_no_such_size_is_refused),
		TEST(a_whole_device_goes_with_all_of_its_slot),
		TEST(legacy_vga_is_switched_off_where_modules_are_configured),
		TEST(a_driver_that_refuses_gives_the_previous_one_back),
		TEST(a_death_at_any_write_is_undone_or_finished),
		TEST(the_undo_restores_an_override_that_did_not_match),
		TEST(a_group_is_refused_naming_who_must_come_along),
		TEST(a_group_moves_when_asked_and_its_bridge_stays),
		TEST(a_group_whose_members_are_all_named_needs_no_option),
		TEST(a_group_with_a_bridge_of_the_chipset_is_refused),
		TEST(a_driver_outside_vfio_takes_a_member_alone),
		TEST(a_driver_that_is_yet_to_be_loaded_may_take_the_function_by_itself),
		TEST(a_pf_with_vfs_is_refused),
		TEST(what_a_guard_holds_is_refused),
		TEST(a_guard_sees_the_members_that_come_along),
		TEST(a_slot_that_resets_as_a_whole_comes_along),
		TEST(the_holder_of_a_vf_is_named_before_the_vfs_of_a_pf),
		TEST(a_vf_that_does_not_exist_yet_can_be_planned),
		TEST(an_absent_driver_is_loaded_first),
		TEST(bad_input_is_named),
		TEST(without_an_iommu_nothing_is_bound_to_vfio),
		TEST(the_advice_is_what_binding_says),
		TEST(a_guest_gets_what_is_bound_and_nothing_else),
		TEST(a_kernel_without_groups_for_user_space_has_iommufd),
		TEST(dom0_gives_by_pciback),
		TEST(pciback_forgets_what_leaves_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
