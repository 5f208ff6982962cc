// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations of plugins/: what is said to devlink, and lists of CPUs. */
#include "tests/unit/test.h"

#include <errno.h>
#include <linux/devlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/cpu_list.h"
#include "base/plan/plan.h"
#include "plugins/net/devlink.h"
#include "plugins/net/eswitch.h"
#include "plugins/plugins.h"
#include "plugins/system/irq.h"
#include "tests/unit/tree.h"

static const struct iov_bdf pf = { .bus = 1 };
static char *tree;
static struct iov *iov;

static int setup(void **state)
{
	(void)state;
	tree = tree_new();
	iov = tree_open(tree);
	return iov_plugins_register(iov);
}

static int teardown(void **state)
{
	(void)state;
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

static const char *text_of(struct nl_msg *message, int attribute)
{
	struct nlattr *found = nlmsg_find_attr(nlmsg_hdr(message), GENL_HDRLEN, attribute);

	return found ? nla_get_string(found) : "";
}

static struct nl_msg *eswitch_message(const struct devlink_device *device, const char *mode)
{
	const struct devlink_request request = devlink_eswitch_request(device, mode);

	return devlink_message(21, &request);
}

static void a_switch_mode_is_asked_for(void **state)
{
	const struct devlink_device device = devlink_pci(pf);
	struct nl_msg *message = eswitch_message(&device, NULL);
	struct genlmsghdr *header = genlmsg_hdr(nlmsg_hdr(message));

	(void)state;
	assert_int_equal(nlmsg_hdr(message)->nlmsg_type, 21);
	assert_int_equal(header->cmd, DEVLINK_CMD_ESWITCH_GET);
	assert_int_equal(header->version, DEVLINK_GENL_VERSION);
	assert_string_equal(text_of(message, DEVLINK_ATTR_BUS_NAME), "pci");
	assert_string_equal(text_of(message, DEVLINK_ATTR_DEV_NAME), "0000:01:00.0");
	assert_null(devlink_eswitch_mode(nlmsg_hdr(message)));
	nlmsg_free(message);
}

static void a_switch_mode_is_set_and_read(void **state)
{
	static const char *const modes[] = { "legacy", "switchdev" };
	const struct devlink_device device = devlink_pci(pf);

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct nl_msg *message = eswitch_message(&device, modes[i]);
		struct nlattr *mode = nlmsg_find_attr(nlmsg_hdr(message), GENL_HDRLEN,
						      DEVLINK_ATTR_ESWITCH_MODE);

		assert_int_equal(genlmsg_hdr(nlmsg_hdr(message))->cmd, DEVLINK_CMD_ESWITCH_SET);
		assert_int_equal(nlmsg_hdr(message)->nlmsg_flags & NLM_F_ACK, NLM_F_ACK);
		assert_int_equal(nla_get_u16(mode), i);
		assert_string_equal(devlink_eswitch_mode(nlmsg_hdr(message)), modes[i]);
		nlmsg_free(message);
	}
	assert_null(eswitch_message(&device, "bridge"));
}

static void a_mode_that_is_unknown_is_none(void **state)
{
	struct nl_msg *message = nlmsg_alloc();

	(void)state;
	genlmsg_put(message, 0, 0, 21, 0, 0, DEVLINK_CMD_ESWITCH_GET, 1);
	nla_put_u16(message, DEVLINK_ATTR_ESWITCH_MODE, 7);
	assert_null(devlink_eswitch_mode(nlmsg_hdr(message)));
	nlmsg_free(message);
}

static void devices_of_other_buses_have_names_for_devlink(void **state)
{
	static const char *const bad[] = { "/", "bus/", "/name", "nothing",
		"a-bus-whose-name-is-longer-than-any-of-the-kernel/name" };
	struct devlink_device device;

	(void)state;
	assert_int_equal(devlink_device_parse(iov, "netdevsim/netdevsim10", &device), 0);
	assert_string_equal(device.bus, "netdevsim");
	assert_string_equal(device.name, "netdevsim10");
	assert_int_equal(devlink_device_parse(iov, "0000:01:00.0", &device), 0);
	assert_string_equal(device.bus, "pci");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(devlink_device_parse(iov, bad[i], &device), -EINVAL);
}

static void a_recorded_host_has_no_devlink(void **state)
{
	const char *mode;

	(void)state;
	assert_int_equal(iov_eswitch_read(iov, pf, &mode), -EOPNOTSUPP);
	assert_non_null(strstr(iov_error_message(iov), "recorded host"));
}

static void cpus_are_taken_out_of_a_list(void **state)
{
	static const char *const cases[][3] = {
		{ "0-15", "4-15", "0-3" }, { "0-7", "2,5", "0-1,3-4,6-7" }, { "1,3", "0-3", "" },
		{ "0-3", "", "0-3" },
	};
	char rest[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		iov_cpu_list_without(cases[i][0], cases[i][1], rest, sizeof(rest));
		assert_string_equal(rest, cases[i][2]);
	}
}

static void assert_cpus(const char *policy, const char *expected)
{
	struct iov_bdf bdf = { .bus = 4 };
	_cleanup_json_ struct json_object *cpus = NULL;

	assert_int_equal(iov_irq_cpus(iov, bdf, policy, &cpus), 0);
	assert_string_equal(json_object_to_json_string_ext(cpus, JSON_C_TO_STRING_PLAIN), expected);
}

static void cpus_without_work_of_the_kernel_are_left_alone_unless_named(void **state)
{
	(void)state;
	tree_file(tree, "sys/devices/system/cpu/online", "0-7\n");
	tree_file(tree, "sys/devices/system/cpu/isolated", "2-5\n");
	tree_file(tree, "sys/devices/system/cpu/nohz_full", "6-7\n");
	tree_file(tree, "sys/bus/pci/devices/0000:04:00.0/local_cpulist", "0-3\n");
	assert_cpus("local", "[\"0-1\"]");
	assert_cpus("spread", "[\"0\",\"1\"]");
	assert_cpus("2-3", "[\"2-3\"]");
	/* None of its own node is left. */
	tree_file(tree, "sys/bus/pci/devices/0000:04:00.0/local_cpulist", "4-7\n");
	assert_cpus("local", "[\"0-1\"]");
}

/* Every other one of a thousand CPUs; one that is cut off would be another number. */
static void a_long_list_of_cpus_is_whole_or_refused(void **state)
{
	struct iov_bdf bdf = { .bus = 4 };
	struct json_object *cpus = NULL;
	char list[16384] = "0", expected[16400];

	(void)state;
	for (int i = 2; i < 1024; i += 2)
		sprintf(list + strlen(list), ",%d", i);
	snprintf(expected, sizeof(expected), "[\"%s\"]", list);
	assert_cpus(list, expected);
	while (strlen(list) < 12000)
		strcat(list, ",1022");
	assert_int_equal(iov_irq_cpus(iov, bdf, list, &cpus), -EINVAL);
	assert_null(cpus);
	assert_non_null(strstr(iov_error_message(iov), "write ranges such as 0-3"));
}

static void a_line_is_an_interrupt_like_vectors(void **state)
{
	struct iov_bdf bdf = { .bus = 4 };
	_cleanup_json_ struct json_object *now = NULL, *none = NULL;

	(void)state;
	tree_file(tree, "sys/bus/pci/devices/0000:04:00.0/irq", "21\n");
	tree_file(tree, "proc/irq/21/smp_affinity_list", "0-3\n");
	tree_file(tree, "sys/kernel/irq/21/actions", "e1000\n");
	now = iov_irq_read(iov, bdf);
	assert_string_equal(json_object_to_json_string_ext(now, JSON_C_TO_STRING_PLAIN), "[\"0-3\"]");
	tree_file(tree, "sys/kernel/irq/21/actions", "\n");
	none = iov_irq_read(iov, bdf);
	assert_int_equal(json_object_array_length(none), 0);
}

static void operations_say_what_they_do(void **state)
{
	static const char wanted[] = "iovd: port.remove {\"name\":\"up\"}";
	struct json_object *params = json_object_new_object();
	struct iov_op *call, *mtu = iov_op_mtu(pf, -1, 9000);
	struct iov_op *mode = iov_op_eswitch("netdevsim/netdevsim10", "switchdev");
	char text[256];

	(void)state;
	json_object_object_add(params, "name", json_object_new_string("up"));
	call = iov_op_iovd("port.remove", params);
	iov_op_describe(call, text, sizeof(text));
	assert_string_equal(text, wanted);
	iov_op_describe(mtu, text, sizeof(text));
	assert_string_equal(text, "write '9000' to mtu of the interface of 0000:01:00.0");
	iov_op_describe(mode, text, sizeof(text));
	assert_string_equal(text, "set the switch mode of netdevsim/netdevsim10 to switchdev by devlink");
	iov_op_free(call);
	iov_op_free(mtu);
	iov_op_free(mode);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_switch_mode_is_asked_for),
		TEST(a_switch_mode_is_set_and_read),
		TEST(a_mode_that_is_unknown_is_none),
		TEST(devices_of_other_buses_have_names_for_devlink),
		TEST(a_recorded_host_has_no_devlink),
		TEST(cpus_are_taken_out_of_a_list),
		TEST(cpus_without_work_of_the_kernel_are_left_alone_unless_named),
		TEST(a_long_list_of_cpus_is_whole_or_refused),
		TEST(a_line_is_an_interrupt_like_vectors),
		TEST(operations_say_what_they_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
