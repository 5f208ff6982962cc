// SPDX-License-Identifier: GPL-2.0-or-later
/* Creating and removing VFs on a modelled PF. */
#include "tests/unit/test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pci/identity.h"
#include "base/plan/plan.h"
#include "sriov/vf.h"
#include "tests/unit/pf_model.h"
#include "tests/unit/said.h"
#include "tests/unit/tree.h"

static unsigned int wanted;

static int build_create(struct iov_plan *plan)
{
	int error = iov_vf_create_plan(plan, model.pf, wanted, 0);

	return error ? error : iov_vf_settle_plan(plan, model.pf, wanted, 0);
}

static int build_remove(struct iov_plan *plan)
{
	return iov_vf_remove_plan(plan, model.pf);
}

static int create(unsigned int count)
{
	wanted = count;
	return pf_model_run(build_create);
}

#define assert_message(part) assert_said(model.iov, part)

static void a_pf_is_described(void **state)
{
	struct iov_pf pf;

	(void)state;
	assert_int_equal(iov_pf_read(model.iov, model.pf, &pf), 0);
	assert_int_equal(pf.total, PF_TOTAL);
	assert_int_equal(pf.count, 0);
	assert_int_equal(pf.autoprobe, 1);
	assert_string_equal(pf.driver, "igb");
	assert_string_equal(pf.device_class->name, "fake");
	assert_string_equal(IOV_BDF(iov_vf_bdf(&pf, 0)), "0000:01:10.0");
	assert_string_equal(IOV_BDF(iov_vf_bdf(&pf, 4)), "0000:01:11.0");
}

static void a_pf_is_found_by_its_interface(void **state)
{
	struct iov_bdf bdf;

	(void)state;
	tree_link(model.tree, "sys/class/net/eth0/device", "../../../" PF_BDF);
	assert_int_equal(iov_device_parse(model.iov, "eth0", &bdf), 0);
	assert_int_equal(iov_bdf_compare(bdf, model.pf), 0);
	assert_int_equal(iov_device_parse(model.iov, PF_BDF, &bdf), 0);
	assert_int_equal(iov_device_parse(model.iov, "eth1", &bdf), -ENODEV);
	assert_message("eth1");
	assert_int_equal(iov_device_parse(model.iov, "../eth0", &bdf), -EINVAL);
}

static void what_is_no_pf_is_refused_by_name(void **state)
{
	struct iov_bdf other;
	struct iov_pf pf;

	(void)state;
	pf_model_create(3);
	assert_int_equal(iov_pf_read(model.iov, pf_model_vf(2), &pf), -EINVAL);
	assert_message("VF 2 of " PF_BDF);
	tree_file(model.tree, "sys/bus/pci/devices/0000:02:00.0/class", "0x010802\n");
	assert_int_equal(iov_bdf_parse(model.iov, "0000:02:00.0", &other), 0);
	assert_int_equal(iov_pf_read(model.iov, other, &pf), -EOPNOTSUPP);
	assert_message("0000:02:00.0 has no SR-IOV");
	other.bus = 9;
	assert_int_equal(iov_pf_read(model.iov, other, &pf), -ENODEV);
	assert_message("0000:09:00.0");
}

static void vfs_come_up_without_a_driver(void **state)
{
	char driver[64];

	(void)state;
	assert_int_equal(create(4), 0);
	assert_string_equal(model.log, "sriov_drivers_autoprobe=0 sriov_numvfs=4 "
				       "sriov_drivers_autoprobe=1 ");
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(iov_pci_driver(model.iov, pf_model_vf(i), driver, 64), 0);
		assert_string_equal(driver, "");
	}
}

static void a_switch_that_is_off_stays_off(void **state)
{
	(void)state;
	tree_file(model.tree, PF_PATH "/sriov_drivers_autoprobe", "0\n");
	assert_int_equal(create(2), 0);
	assert_string_equal(model.log, "sriov_numvfs=2 ");
}

static void a_kernel_without_the_switch_is_served(void **state)
{
	(void)state;
	tree_unlink(model.tree, PF_PATH "/sriov_drivers_autoprobe");
	assert_int_equal(create(2), 0);
	assert_string_equal(model.log, "sriov_numvfs=2 ");
}

static void as_many_as_there_are_is_an_empty_plan(void **state)
{
	struct iov_plan *plan;

	(void)state;
	pf_model_create(3);
	assert_int_equal(iov_plan_new(&plan, model.iov, "test"), 0);
	wanted = 3;
	assert_int_equal(build_create(plan), 0);
	assert_true(iov_plan_is_empty(plan));
	iov_plan_free(plan);
}

static void counts_out_of_range_are_refused(void **state)
{
	(void)state;
	assert_int_equal(create(PF_TOTAL + 1), -EINVAL);
	assert_message("at most 7 VFs");
	assert_int_equal(create(0), -EINVAL);
	assert_message("iov vf remove");
	tree_file(model.tree, PF_PATH "/sriov_totalvfs", "0\n");
	assert_int_equal(create(1), -EOPNOTSUPP);
	assert_message("firmware");
	assert_int_equal(model.writes, 0);
}

static void a_pf_without_driver_is_refused(void **state)
{
	(void)state;
	tree_unlink(model.tree, PF_PATH "/driver");
	assert_int_equal(create(1), -EOPNOTSUPP);
	assert_message("has no driver");
	assert_int_equal(model.writes, 0);
}

static void another_number_goes_through_zero(void **state)
{
	(void)state;
	pf_model_create(2);
	assert_int_equal(create(5), 0);
	assert_string_equal(model.log, "sriov_numvfs=0 sriov_drivers_autoprobe=0 sriov_numvfs=5 "
				       "sriov_drivers_autoprobe=1 ");
}

/* A process that has the group of VF @index open. */
static void hold_vf(unsigned int index)
{
	char target[32];

	snprintf(target, sizeof(target), "/dev/vfio/%u", 20 + index);
	tree_file(model.tree, iov_path("dev/vfio/%u", 20 + index).name, "");
	tree_file(model.tree, "proc/71/comm", "qemu\n");
	tree_link(model.tree, "proc/71/fd/9", target);
}

static void vfs_in_use_are_not_removed(void **state)
{
	(void)state;
	pf_model_create(3);
	hold_vf(1);
	assert_int_equal(create(5), -ECANCELED);
	assert_message("0000:01:10.2 (VF 1 of " PF_BDF ")");
	assert_message("qemu");
	assert_int_equal(pf_model_run(build_remove), -ECANCELED);
	assert_int_equal(model.writes, 0);
	assert_int_equal(create(3), 0);
}

static const char *json_of(struct json_object *plan, const char *key)
{
	return json_object_to_json_string_ext(json_object_object_get(plan, key), JSON_C_TO_STRING_PLAIN);
}

static void a_plan_says_which_vfs_are_destroyed(void **state)
{
	_cleanup_json_ struct json_object *json = NULL;
	struct iov_plan *plan;

	(void)state;
	pf_model_create(2);
	wanted = 3;
	assert_int_equal(iov_plan_new(&plan, model.iov, "replace"), 0);
	assert_int_equal(build_create(plan), 0);
	json = iov_plan_json(plan);
	iov_plan_free(plan);
	assert_non_null(strstr(json_of(json, "steps"), "\"what\":\"vf 1\",\"from\":\"0000:01:10.2, "));
	assert_non_null(strstr(json_of(json, "notes"), "the 2 VFs of " PF_BDF " must be replaced"));
}

static void removing_twice_does_nothing_the_second_time(void **state)
{
	(void)state;
	pf_model_create(3);
	assert_int_equal(pf_model_run(build_remove), 0);
	assert_string_equal(model.log, "sriov_numvfs=0 ");
	assert_int_equal(pf_model_run(build_remove), 0);
	assert_int_equal(model.writes, 1);
}

static void the_kernels_refusal_is_explained_and_undone(void **state)
{
	static const struct {
		int error;
		const char *text;
	} refusals[] = {
		{ -ENOMEM, "bus numbers" },	{ -EBUSY, "iov vf list" },
		{ -ERANGE, "sriov_totalvfs" },	{ -ENOENT, "does not create VFs" },
		{ -ETIMEDOUT, "--timeout" },	{ -EIO, "Input/output error" },
	};
	_cleanup_free_ char *before = pf_model_state();

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		_cleanup_free_ char *after = NULL;

		model.writes = 0;
		model.fail_at = 1;
		model.error = refusals[i].error;
		assert_int_equal(create(4), refusals[i].error);
		assert_message(refusals[i].text);
		assert_message("create 4 VFs on " PF_BDF);
		after = pf_model_state();
		assert_string_equal(before, after);
	}
}

static void vfs_at_other_addresses_are_taken_back(void **state)
{
	_cleanup_free_ char *before = pf_model_state(), *after = NULL;

	(void)state;
	model.misplace = true;
	assert_int_equal(create(2), -ETIME);
	assert_message("virtfn0 leads to 0000:01:10.0");
	after = pf_model_state();
	assert_string_equal(before, after);
}

/* Three VFs: one on vfio-pci, one on its native driver, one on none; some attributes. */
static void furnish(void)
{
	pf_model_create(3);
	tree_file(model.tree, iov_pci_path(pf_model_vf(0), "driver_override").name, "vfio-pci\n");
	tree_link(model.tree, iov_pci_path(pf_model_vf(0), "driver").name, "../drivers/vfio-pci");
	tree_unlink(model.tree, iov_pci_path(pf_model_vf(2), "driver").name);
	tree_file(model.tree, "class/0/mac", "02:00:00:00:00:01");
	tree_file(model.tree, "class/1/vlan", "100");
	tree_file(model.tree, "class/2/trust", "1");
}

static void an_error_anywhere_restores_the_vfs_before(void **state)
{
	_cleanup_free_ char *before = NULL;

	(void)state;
	furnish();
	before = pf_model_state();
	model.error = -ENOMEM;
	for (int at = 0; at < 4; at++) {
		_cleanup_free_ char *after = NULL;

		model.writes = 0;
		model.fail_at = at;
		assert_int_equal(create(5), -ENOMEM);
		assert_message("as it was before");
		after = pf_model_state();
		assert_string_equal(before, after);
	}
}

/* Address, VLAN and trust would go without a word. */
static void vfs_whose_attributes_are_not_told_are_not_replaced(void **state)
{
	_cleanup_free_ char *before = NULL, *after = NULL, *without = NULL;

	(void)state;
	furnish();
	before = pf_model_state();
	model.untold = -EMSGSIZE;
	assert_int_equal(create(5), -EMSGSIZE);
	assert_message("would lose their attributes");
	assert_message("the kernel told about 1 of 2 VFs");
	after = pf_model_state();
	assert_string_equal(before, after);
	assert_int_equal(pf_model_run(build_remove), 0);
	assert_int_equal(create(5), 0);
	assert_int_equal(pf_model_run(build_remove), 0);
	furnish();
	model.untold = -ENODEV;
	assert_int_equal(create(5), 0);
	without = pf_model_state();
	assert_null(strstr(without, "02:00:00:00:00:01"));
	tree_file(model.tree, PF_PATH "/net/.keep", "");
	assert_int_equal(create(4), -ENODEV);
}

/* Ask for @count VFs in a child that is killed right after its write @at. */
static void create_killed(unsigned int count, int at)
{
	int status;
	pid_t child = fork();

	if (!child) {
		model.writes = 0;
		model.kill_at = at;
		create(count);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void a_killed_creation_is_undone_or_finished(void **state)
{
	_cleanup_free_ char *before = NULL, *asked = NULL;

	(void)state;
	furnish();
	before = pf_model_state();
	assert_int_equal(create(5), 0);
	asked = pf_model_state();
	pf_model_create(0);
	furnish();
	for (int at = 0; at < 4; at++) {
		_cleanup_free_ char *undone = NULL, *finished = NULL;

		create_killed(5, at);
		assert_int_equal(iov_plan_recover(model.iov, false, NULL), 0);
		undone = pf_model_state();
		assert_string_equal(undone, before);
		create_killed(5, at);
		assert_int_equal(iov_plan_recover(model.iov, true, NULL), 0);
		finished = pf_model_state();
		assert_string_equal(finished, asked);
		pf_model_create(0);
		furnish();
	}
}

/* Every write of the plan, in the words of the model's log. */
static void log_plan(struct iov_plan *plan, char *log, size_t size)
{
	_cleanup_json_ struct json_object *json = iov_plan_json(plan);
	struct json_object *steps = json_object_object_get(json, "steps");
	size_t length = 0;

	for (size_t i = 0; i < json_object_array_length(steps); i++) {
		struct json_object *ops = json_object_object_get(
			json_object_array_get_idx(steps, i), "do");

		for (size_t n = 0; n < json_object_array_length(ops); n++) {
			struct json_object *op = json_object_array_get_idx(ops, n);
			const char *path = json_object_get_string(
				json_object_object_get(op, "path"));

			if (!path)
				continue;
			length += (size_t)snprintf(log + length, size - length, "%s=%s ",
				strrchr(path, '/') + 1,
				json_object_get_string(json_object_object_get(op, "value")));
		}
	}
}

static void the_plan_names_every_write_that_runs(void **state)
{
	struct iov_plan *plan;
	char log[1024] = "";

	(void)state;
	pf_model_create(2);
	assert_int_equal(iov_plan_new(&plan, model.iov, "test"), 0);
	wanted = 6;
	assert_int_equal(build_create(plan), 0);
	log_plan(plan, log, sizeof(log));
	assert_int_equal(model.writes, 0);
	assert_int_equal(iov_plan_run(plan, NULL), 0);
	assert_string_equal(log, model.log);
	iov_plan_free(plan);
}

static void the_list_names_drivers_groups_and_holders(void **state)
{
	_cleanup_json_ struct json_object *list = NULL;
	struct json_object *vfs, *vf;

	(void)state;
	pf_model_create(3);
	hold_vf(1);
	tree_file(model.tree, iov_pci_path(pf_model_vf(2), "net/eth5/ifindex").name, "5\n");
	assert_int_equal(iov_vf_list(model.iov, model.pf, -1, &list), 0);
	assert_int_equal(json_object_get_int(json_object_object_get(list, "total")), PF_TOTAL);
	vfs = json_object_object_get(list, "vfs");
	assert_int_equal(json_object_array_length(vfs), 3);
	vf = json_object_array_get_idx(vfs, 1);
	assert_string_equal(
		json_object_to_json_string_ext(vf, JSON_C_TO_STRING_PLAIN),
		"{\"index\":1,\"device\":\"0000:01:10.2\",\"driver\":\"igbvf\",\"iommu_group\":21,"
		"\"netdev\":null,\"mac\":\"00:00:00:00:00:00\",\"vlan\":0,\"qos\":0,"
		"\"trust\":false,\"max_rate\":0,\"min_rate\":0,"
		"\"used_by\":[\"pid 71 (qemu)\"]}");
	vf = json_object_array_get_idx(vfs, 2);
	assert_string_equal(json_object_get_string(json_object_object_get(vf, "netdev")), "eth5");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pf_model_setup, pf_model_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pf_is_described),
		TEST(a_pf_is_found_by_its_interface),
		TEST(what_is_no_pf_is_refused_by_name),
		TEST(vfs_come_up_without_a_driver),
		TEST(a_switch_that_is_off_stays_off),
		TEST(a_kernel_without_the_switch_is_served),
		TEST(as_many_as_there_are_is_an_empty_plan),
		TEST(counts_out_of_range_are_refused),
		TEST(a_pf_without_driver_is_refused),
		TEST(another_number_goes_through_zero),
		TEST(vfs_in_use_are_not_removed),
		TEST(a_plan_says_which_vfs_are_destroyed),
		TEST(removing_twice_does_nothing_the_second_time),
		TEST(the_kernels_refusal_is_explained_and_undone),
		TEST(vfs_at_other_addresses_are_taken_back),
		TEST(an_error_anywhere_restores_the_vfs_before),
		TEST(vfs_whose_attributes_are_not_told_are_not_replaced),
		TEST(a_killed_creation_is_undone_or_finished),
		TEST(the_plan_names_every_write_that_runs),
		TEST(the_list_names_drivers_groups_and_holders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
