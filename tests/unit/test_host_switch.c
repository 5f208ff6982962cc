// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Switch mode and VFs by one host file, for each driver with an order of its own: all that is written, as one
 * text.  The modelled drivers refuse what theirs refuse; none of it was tried on hardware.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "host/file/host.h"
#include "plugins/net/eswitch.h"
#include "plugins/net/nic_internal.h"
#include "plugins/plugins.h"
#include "tests/unit/pf_model.h"
#include "tests/unit/said.h"
#include "tests/unit/tree.h"

#define RELEASE "proc/sys/kernel/osrelease"
#define MADE "sriov_drivers_autoprobe=0 sriov_numvfs=2 sriov_drivers_autoprobe=1 " \
	     "drivers_probe=0000:01:10.0 drivers_probe=0000:01:10.2 "
#define REMOVED "sriov_numvfs=0 "

static const char *mode;	/* of the switch */
static bool refused;		/* to become another than legacy */
static bool wants_vfs;		/* bnxt_en of an older kernel */

int __wrap_iov_eswitch_read(struct iov *iov, struct iov_bdf bdf, const char **now);
int __wrap_nic_ports(struct iov *iov, const struct devlink_device *device, struct json_object **ports,
		     struct json_object **groups);
int __wrap_iov_plugins_register(struct iov *iov);
int __real_iov_plugins_register(struct iov *iov);

int __wrap_iov_eswitch_read(struct iov *iov, struct iov_bdf bdf, const char **now)
{
	(void)iov;
	assert_int_equal(iov_bdf_compare(bdf, model.pf), 0);
	*now = mode;
	return 0;
}

/* No subfunctions, and no groups of rates. */
int __wrap_nic_ports(struct iov *iov, const struct devlink_device *device, struct json_object **ports,
		     struct json_object **groups)
{
	(void)iov;
	(void)device;
	*ports = json_object_new_array();
	*groups = json_object_new_array();
	return 0;
}

static unsigned int count_bound(unsigned int count)
{
	unsigned int bound = 0;

	for (unsigned int i = 0; i < count; i++)
		bound += iov_sys_exists(model.iov, iov_pci_path(pf_model_vf(i), "driver").name);
	return bound;
}

/* What the driver answers now. */
static int judge(struct iov *iov, const char *wanted)
{
	unsigned int count = iov_pci_vf_count(iov, model.pf);
	char driver[64];

	if (refused && strcmp(wanted, "legacy") != 0)
		return -EOPNOTSUPP;
	iov_pci_driver(iov, model.pf, driver, sizeof(driver));
	if (!strcmp(driver, "ice"))
		return count ? -EOPNOTSUPP : 0;
	if (!strcmp(driver, "mlx5_core"))
		return count_bound(count) ? -EBUSY : 0;
	return count || !wants_vfs || !strcmp(wanted, "legacy") ? 0 : -EPERM;
}

static int run_mode(struct iov *iov, const struct iov_op *op)
{
	size_t length = strlen(model.log);
	int error = judge(iov, op->eswitch.mode);

	snprintf(model.log + length, sizeof(model.log) - length, "%s%s ", op->eswitch.mode, error ? "!" : "");
	if (!error)
		mode = !strcmp(op->eswitch.mode, "legacy") ? "legacy" : "switchdev";
	return error;
}

static const struct iov_op_runner runner = { IOV_OP_ESWITCH, run_mode };

/* The first that is registered runs. */
int __wrap_iov_plugins_register(struct iov *iov)
{
	assert_int_equal(iov_op_register(iov, &runner), 0);
	return __real_iov_plugins_register(iov);
}

static int setup(void **state)
{
	mode = "legacy";
	refused = false;
	return pf_model_setup(state);
}

/* A PF of @driver with @vfs VFs, and its interface, which is up. */
static void use(const char *driver, const char *release, unsigned int vfs)
{
	pf_model_create(0);
	tree_unlink(model.tree, PF_PATH "/driver");
	tree_link(model.tree, PF_PATH "/driver", iov_path("../../../bus/pci/drivers/%s", driver).name);
	tree_file(model.tree, RELEASE, release);
	tree_file(model.tree, PF_PATH "/net/eth0/flags", "0x1003\n");
	tree_link(model.tree, "sys/class/net/eth0", "../../bus/pci/devices/" PF_BDF "/net/eth0");
	pf_model_create(vfs);
	wants_vfs = !strncmp(release, "6.3", 3);
	mode = "legacy";
}

static int apply(const char *wanted)
{
	struct iov_plan_options run = { .verify_timeout = 20, .jobs = 1 };
	struct iov_host_options options = { 0 };
	struct iov_host_file *file;
	struct iov_plan *plan;
	char text[256];
	int error;

	snprintf(text, sizeof(text), "devices:\n  - device: \"" PF_BDF "\"\n    eswitch: %s\n    vfs: {count: 2}\n",
		 wanted);
	tree_file(model.tree, "etc/iovkit/host.yaml", text);
	model.log[0] = '\0';
	assert_int_equal(iov_host_load(&file, model.iov, NULL), 0);
	assert_int_equal(iov_plan_new(&plan, model.iov, "apply"), 0);
	error = iov_host_plan(plan, file, &options);
	if (!error)
		error = iov_plan_run(plan, &run);
	iov_plan_free(plan);
	iov_host_free(file);
	return error;
}

static void assert_applied(const char *wanted, const char *log)
{
	int error = apply(wanted);

	if (error)
		fail_msg("%s: %s (%s)", wanted, iov_error_message(model.iov), model.log);
	assert_string_equal(model.log, log);
	assert_string_equal(mode, wanted);
	assert_int_equal(iov_pci_vf_count(model.iov, model.pf), 2);
	/* Nothing is left to do. */
	assert_int_equal(apply(wanted), 0);
	assert_string_equal(model.log, "");
}

static void ice_changes_it_without_vfs(void **state)
{
	(void)state;
	use("ice", "6.1.0\n", 0);
	assert_applied("switchdev", "switchdev " MADE);
	assert_applied("legacy", REMOVED "legacy " MADE);
	use("ice", "6.1.0\n", 2);
	assert_applied("switchdev", REMOVED "switchdev " MADE);
}

static void bnxt_has_vfs_first_before_6_4(void **state)
{
	(void)state;
	use("bnxt_en", "6.3.9\n", 0);
	assert_applied("switchdev", MADE "switchdev ");
	assert_applied("legacy", "legacy ");
	use("bnxt_en", "6.3.9\n", 2);
	assert_applied("switchdev", "switchdev ");
	use("bnxt_en", "6.4.0\n", 0);
	assert_applied("switchdev", "switchdev " MADE);
}

static void bnxt_wants_its_interface_up(void **state)
{
	(void)state;
	use("bnxt_en", "6.3.9\n", 0);
	tree_file(model.tree, PF_PATH "/net/eth0/flags", "0x1002\n");
	assert_int_equal(apply("switchdev"), -ENETDOWN);
	assert_said(model.iov, "'ip link set eth0 up' first");
	assert_string_equal(model.log, "");
}

static void mlx5_changes_it_while_no_vf_is_bound(void **state)
{
	(void)state;
	use("mlx5_core", "6.1.0\n", 0);
	assert_applied("switchdev", "switchdev " MADE);
	use("mlx5_core", "6.1.0\n", 2);
	assert_applied("switchdev", REMOVED "switchdev " MADE);
	use("mlx5_core", "6.1.0\n", 2);
	for (unsigned int i = 0; i < 2; i++)
		tree_unlink(model.tree, iov_pci_path(pf_model_vf(i), "driver").name);
	assert_applied("switchdev", "switchdev ");
}

static void what_fails_is_taken_back_as_the_driver_wants_it(void **state)
{
	(void)state;
	/* The VFs are refused in the other mode. */
	use("ice", "6.1.0\n", 2);
	model.error = -ENOSPC;
	model.fail_at = 2;
	assert_int_equal(apply("switchdev"), -ENOSPC);
	assert_string_equal(model.log, REMOVED "switchdev sriov_drivers_autoprobe=0 sriov_numvfs=2 "
			    "sriov_drivers_autoprobe=1 legacy sriov_drivers_autoprobe=0 sriov_numvfs=2 "
			    "sriov_drivers_autoprobe=1 driver_override=igbvf drivers_probe=0000:01:10.0 driver_override= "
			    "driver_override=igbvf drivers_probe=0000:01:10.2 driver_override= ");
	assert_string_equal(mode, "legacy");
	assert_int_equal(iov_pci_vf_count(model.iov, model.pf), 2);
	/* The mode is refused, and the VFs go. */
	model.fail_at = -1;
	use("bnxt_en", "6.3.9\n", 0);
	refused = true;
	assert_int_equal(apply("switchdev"), -EOPNOTSUPP);
	assert_string_equal(model.log, MADE "switchdev! legacy driver_override= unbind=0000:01:10.2 driver_override= "
			    "unbind=0000:01:10.0 " REMOVED "sriov_drivers_autoprobe=1 ");
	assert_int_equal(iov_pci_vf_count(model.iov, model.pf), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, pf_model_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ice_changes_it_without_vfs),
		TEST(bnxt_has_vfs_first_before_6_4),
		TEST(bnxt_wants_its_interface_up),
		TEST(mlx5_changes_it_while_no_vf_is_bound),
		TEST(what_fails_is_taken_back_as_the_driver_wants_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
