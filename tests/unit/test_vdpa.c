// SPDX-License-Identifier: GPL-2.0-or-later
/* vDPA devices: messages as the kernel takes and gives them, and plans on a modelled bus. */
#include "tests/unit/test.h"

#include <errno.h>
#include <linux/vdpa.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "plugins/vdpa/vdpa_internal.h"
#include "tests/unit/said.h"
#include "tests/unit/tree.h"

#define BUS "sys/bus/vdpa/"
#define DEVICE "sys/devices/pci0000:00/0000:00:04.0/vdpa0"

static struct {
	char *tree;
	struct iov *iov;
	char log[4096];		/* "attribute=value " of each write, "make NAME " and "delete NAME " */
	bool stuck;		/* no driver takes the device */
} model;

static void bind_to(const char *driver)
{
	tree_unlink(model.tree, DEVICE "/driver");
	tree_unlink(model.tree, DEVICE "/vhost-vdpa-0/subsystem");
	tree_unlink(model.tree, DEVICE "/vhost-vdpa-0/uevent");
	tree_unlink(model.tree, DEVICE "/vhost-vdpa-0");
	if (!*driver)
		return;
	tree_link(model.tree, DEVICE "/driver", iov_path("../../../../bus/vdpa/drivers/%s", driver).name);
	if (!strcmp(driver, "vhost_vdpa"))
		tree_file(model.tree, DEVICE "/vhost-vdpa-0/uevent", "DEVNAME=vhost-vdpa-0\n");
}

static int on_write(void *arg, struct iov *iov, const char *path, const char *text)
{
	const char *attribute = strrchr(path, '/') + 1;
	size_t length = strlen(model.log);
	char override[64] = "";

	(void)arg;
	snprintf(model.log + length, sizeof(model.log) - length, "%s=%s ", attribute,
		 *text == '\n' ? "" : text);
	if (!strcmp(attribute, "driver_override")) {
		tree_file(model.tree, DEVICE "/driver_override", *text == '\n' ? "(null)\n" : text);
	} else if (!strcmp(attribute, "unbind")) {
		if (!iov_sys_exists(iov, BUS "devices/vdpa0/driver"))
			return -ENOENT;
		bind_to("");
	} else if (!strcmp(attribute, "drivers_probe")) {
		iov_sys_read(iov, DEVICE "/driver_override", override, sizeof(override));
		if (!model.stuck || strcmp(override, "vhost_vdpa"))
			bind_to(!strcmp(override, "(null)") ? "virtio_vdpa" : override);
	}
	return 0;
}

static int run_op(struct iov *iov, const struct iov_op *op)
{
	size_t length = strlen(model.log);

	(void)iov;
	snprintf(model.log + length, sizeof(model.log) - length, "%s %s ",
		 op->vdpa.mgmtdev ? "make" : "delete", op->vdpa.name);
	if (op->vdpa.mgmtdev)
		tree_link(model.tree, BUS "devices/vdpa0", "../../../devices/pci0000:00/0000:00:04.0/vdpa0");
	else
		tree_unlink(model.tree, BUS "devices/vdpa0");
	return 0;
}

static const struct iov_op_runner runner = { IOV_OP_VDPA, run_op };

static int setup(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	model.tree = tree_new();
	model.iov = tree_open(model.tree);
	iov_sys_on_write(model.iov, on_write, NULL);
	assert_int_equal(iov_op_register(model.iov, &runner), 0);
	tree_file(model.tree, "proc/sys/kernel/random/boot_id", "this-boot\n");
	tree_file(model.tree, BUS "drivers_probe", "");
	tree_file(model.tree, BUS "drivers/vhost_vdpa/unbind", "");
	tree_file(model.tree, BUS "drivers/virtio_vdpa/unbind", "");
	tree_file(model.tree, DEVICE "/driver_override", "(null)\n");
	tree_link(model.tree, BUS "devices/vdpa0", "../../../devices/pci0000:00/0000:00:04.0/vdpa0");
	bind_to("virtio_vdpa");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov_close(model.iov);
	tree_remove(model.tree);
	return 0;
}

#define assert_message(part) assert_said(model.iov, part)

static int run(struct iov_plan *plan, int error)
{
	model.log[0] = '\0';
	if (!error)
		error = iov_plan_run(plan, &(struct iov_plan_options){ .verify_timeout = 20 });
	iov_plan_free(plan);
	return error;
}

static int give(const char *driver)
{
	struct iov_plan *plan;

	assert_int_equal(iov_plan_new(&plan, model.iov, "test"), 0);
	return run(plan, iov_vdpa_bind_plan(plan, "vdpa0", driver));
}

static void a_driver_is_given_by_its_name_alone(void **state)
{
	(void)state;
	assert_int_equal(give("vhost_vdpa"), 0);
	assert_string_equal(model.log, "driver_override=vhost_vdpa unbind=vdpa0 drivers_probe=vdpa0 ");
	assert_int_equal(give("vhost_vdpa"), 0);
	assert_string_equal(model.log, "");
	assert_int_equal(give("vfio-pci"), -EINVAL);
	assert_message("vfio-pci: expected vhost_vdpa, for guests, or virtio_vdpa");
}

static void a_driver_that_refuses_gives_the_one_before_back(void **state)
{
	(void)state;
	model.stuck = true;
	assert_int_equal(give("vhost_vdpa"), -ETIME);
	assert_string_equal(model.log, "driver_override=vhost_vdpa unbind=vdpa0 drivers_probe=vdpa0 "
				       "drivers_probe=vdpa0 drivers_probe=vdpa0 "
				       "driver_override= unbind=vdpa0 drivers_probe=vdpa0 ");
	assert_true(iov_sys_exists(model.iov, DEVICE "/driver"));
}

static void hold_node(void)
{
	tree_link(model.tree, "sys/dev/char/511:0", "../../devices/pci0000:00/0000:00:04.0/vdpa0/vhost-vdpa-0");
	tree_link(model.tree, DEVICE "/vhost-vdpa-0/subsystem", "../../../../../class/vhost-vdpa");
	tree_file(model.tree, "proc/71/comm", "qemu\n");
	tree_file(model.tree, "proc/71/maps", "");
	tree_link(model.tree, "proc/71/fd/9", "/dev/vhost-vdpa-0");
}

static void who_has_its_node_open_keeps_it(void **state)
{
	_cleanup_json_ struct json_object *list = NULL;
	struct iov_plan *plan;

	(void)state;
	bind_to("vhost_vdpa");
	hold_node();
	assert_int_equal(give("virtio_vdpa"), -ECANCELED);
	assert_message("vdpa/vdpa0 (named) is in use by pid 71 (qemu) [guard device-open]");
	assert_int_equal(iov_plan_new(&plan, model.iov, "test"), 0);
	assert_int_equal(run(plan, iov_vdpa_delete_plan(plan, "vdpa0")), -ECANCELED);
	assert_string_equal(model.log, "");
	assert_int_equal(iov_vdpa_list(model.iov, &list), 0);
	assert_string_equal(json_text(json_object_array_get_idx(list, 0), "node"), "/dev/vhost-vdpa-0");
	assert_string_equal(json_text(json_object_array_get_idx(list, 0), "used_by"), "[ \"pid 71 (qemu)\" ]");
}

/* Another device whose name is part of its path, or begins alike, is another. */
static void names_that_look_alike_are_no_holders(void **state)
{
	(void)state;
	bind_to("vhost_vdpa");
	hold_node();
	tree_unlink(model.tree, "sys/dev/char/511:0");
	tree_link(model.tree, "sys/dev/char/511:0", "../../devices/vduse/vdpa0/vhost-vdpa-0");
	assert_int_equal(give("virtio_vdpa"), 0);
}

static void what_is_deleted_is_gone(void **state)
{
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(iov_plan_new(&plan, model.iov, "test"), 0);
	assert_int_equal(run(plan, iov_vdpa_delete_plan(plan, "vdpa0")), 0);
	assert_string_equal(model.log, "delete vdpa0 ");
	assert_int_equal(iov_plan_new(&plan, model.iov, "test"), 0);
	assert_int_equal(run(plan, iov_vdpa_delete_plan(plan, "vdpa0")), -ENOENT);
	assert_message("vdpa0: no such vDPA device");
}

static void values_have_their_ranges(void **state)
{
	static const char *const wrong[][2] = {
		{ "mtu", "67" }, { "mtu", "65536" }, { "mtu", "" }, { "mtu", "1500x" }, { "mtu", "-1" },
		{ "max_vqp", "0" }, { "max_vqp", "32769" }, { "mac", "01:00:00:00:00:01" }, { "mac", "02" },
		{ "features", "" }, { "features", "x" }, { "features", "0x10000000000000000" }, { "speed", "1" },
	};
	_cleanup_json_ struct json_object *values = json_object_new_object();

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(iov_vdpa_value_parse(model.iov, wrong[i][0], wrong[i][1], values), -EINVAL);
	assert_int_equal(json_object_object_length(values), 0);
	assert_int_equal(iov_vdpa_name_check(model.iov, "../vdpa0"), -EINVAL);
	assert_int_equal(iov_vdpa_name_check(model.iov, ""), -EINVAL);
	assert_int_equal(iov_vdpa_name_check(model.iov, "vdpa-0.net_1"), 0);
}

static struct nlattr *find(struct nl_msg *message, int type)
{
	return nlmsg_find_attr(nlmsg_hdr(message), GENL_HDRLEN, type);
}

static void a_device_is_asked_for_with_its_values(void **state)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	struct nl_msg *message;

	(void)state;
	assert_int_equal(iov_vdpa_value_parse(model.iov, "mac", "02:00:00:00:00:0A", values), 0);
	assert_int_equal(iov_vdpa_value_parse(model.iov, "mtu", "9000", values), 0);
	assert_int_equal(iov_vdpa_value_parse(model.iov, "max_vqp", "4", values), 0);
	assert_int_equal(iov_vdpa_value_parse(model.iov, "features", "0x300020020", values), 0);
	message = vdpa_new_message(21, "vdpa0", "pci/0000:01:00.2", values);
	assert_non_null(message);
	assert_int_equal(genlmsg_hdr(nlmsg_hdr(message))->cmd, VDPA_CMD_DEV_NEW);
	assert_string_equal(nla_get_string(find(message, VDPA_ATTR_DEV_NAME)), "vdpa0");
	assert_string_equal(nla_get_string(find(message, VDPA_ATTR_MGMTDEV_BUS_NAME)), "pci");
	assert_string_equal(nla_get_string(find(message, VDPA_ATTR_MGMTDEV_DEV_NAME)), "0000:01:00.2");
	assert_memory_equal(nla_data(find(message, VDPA_ATTR_DEV_NET_CFG_MACADDR)), "\x02\0\0\0\0\x0a", 6);
	assert_int_equal(nla_get_u16(find(message, VDPA_ATTR_DEV_NET_CFG_MTU)), 9000);
	assert_int_equal(nla_get_u16(find(message, VDPA_ATTR_DEV_NET_CFG_MAX_VQP)), 4);
	assert_int_equal(nla_get_u64(find(message, VDPA_ATTR_DEV_FEATURES)), 0x300020020);
	nlmsg_free(message);
	message = vdpa_new_message(21, "disk0", "vduse", NULL);
	assert_null(find(message, VDPA_ATTR_MGMTDEV_BUS_NAME));
	nlmsg_free(message);
}

static void what_the_kernel_tells_is_read(void **state)
{
	_cleanup_json_ struct json_object *mgmt = NULL, *device = NULL;
	struct nl_msg *message = vdpa_message(21, VDPA_CMD_MGMTDEV_NEW, 0, NULL);

	(void)state;
	nla_put_string(message, VDPA_ATTR_MGMTDEV_BUS_NAME, "pci");
	nla_put_string(message, VDPA_ATTR_MGMTDEV_DEV_NAME, "0000:01:00.2");
	nla_put_u64(message, VDPA_ATTR_MGMTDEV_SUPPORTED_CLASSES, 1 << 1);
	nla_put_u32(message, VDPA_ATTR_DEV_MGMTDEV_MAX_VQS, 33);
	nla_put_u64(message, VDPA_ATTR_DEV_SUPPORTED_FEATURES, 1ull << 32 | 1 << 5 | 1ull << 50);
	mgmt = vdpa_mgmt_json(nlmsg_hdr(message));
	nlmsg_free(message);
	assert_string_equal(json_object_to_json_string_ext(mgmt, JSON_C_TO_STRING_PLAIN),
		"{\"name\":\"pci\\/0000:01:00.2\",\"classes\":[\"net\"],\"max_vqs\":33,"
		"\"features\":\"0x4000100000020\",\"feature_names\":[\"mac\",\"version-1\",\"bit-50\"]}");

	message = vdpa_message(21, VDPA_CMD_DEV_NEW, 0, "vdpa0");
	nla_put_string(message, VDPA_ATTR_MGMTDEV_DEV_NAME, "vduse");
	nla_put_u32(message, VDPA_ATTR_DEV_ID, 1);
	nla_put_u32(message, VDPA_ATTR_DEV_MAX_VQS, 3);
	nla_put_u16(message, VDPA_ATTR_DEV_MAX_VQ_SIZE, 256);
	device = vdpa_device_json(nlmsg_hdr(message));
	nlmsg_free(message);
	message = vdpa_message(21, VDPA_CMD_DEV_CONFIG_GET, 0, "vdpa0");
	nla_put(message, VDPA_ATTR_DEV_NET_CFG_MACADDR, 6, "\x02\0\0\0\0\x0a");
	nla_put_u16(message, VDPA_ATTR_DEV_NET_CFG_MTU, 1500);
	nla_put_u16(message, VDPA_ATTR_DEV_NET_STATUS, 1);
	vdpa_add_config(nlmsg_hdr(message), device);
	nlmsg_free(message);
	assert_string_equal(json_object_to_json_string_ext(device, JSON_C_TO_STRING_PLAIN),
		"{\"name\":\"vdpa0\",\"mgmtdev\":\"vduse\",\"class\":\"net\",\"max_vqs\":3,\"max_vq_size\":256,"
		"\"mac\":\"02:00:00:00:00:0a\",\"mtu\":1500,\"max_vqp\":null,\"link\":\"up\","
		"\"features\":null,\"feature_names\":[]}");
}

/* A driver out of the tree may send anything. */
static void what_is_too_short_is_not_read(void **state)
{
	struct nl_msg *message = vdpa_message(21, VDPA_CMD_DEV_NEW, 0, NULL);
	struct json_object *device;

	(void)state;
	nla_put(message, VDPA_ATTR_DEV_NAME, 3, "abc");
	assert_null(vdpa_device_json(nlmsg_hdr(message)));
	nlmsg_free(message);
	message = vdpa_message(21, VDPA_CMD_DEV_NEW, 0, "vdpa0");
	nla_put(message, VDPA_ATTR_DEV_ID, 1, "x");
	nla_put(message, VDPA_ATTR_DEV_NET_CFG_MACADDR, 2, "xx");
	device = vdpa_device_json(nlmsg_hdr(message));
	vdpa_add_config(nlmsg_hdr(message), device);
	assert_null(json_object_object_get(device, "class"));
	assert_null(json_object_object_get(device, "mac"));
	json_object_put(device);
	nlmsg_free(message);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_driver_is_given_by_its_name_alone),
		TEST(a_driver_that_refuses_gives_the_one_before_back),
		TEST(who_has_its_node_open_keeps_it),
		TEST(names_that_look_alike_are_no_holders),
		TEST(what_is_deleted_is_gone),
		TEST(values_have_their_ranges),
		TEST(a_device_is_asked_for_with_its_values),
		TEST(what_the_kernel_tells_is_read),
		TEST(what_is_too_short_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
