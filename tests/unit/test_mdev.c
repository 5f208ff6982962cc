// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mediated devices on a modelled parent: writes in their order, undone, refused by holders.
 * The parent is one that no machine of ours has, a channel subsystem's, whose attributes assign.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "plugins/mdev/mdev.h"
#include "tests/unit/said.h"
#include "tests/unit/tree.h"

#define PARENT "0000:00:02.0"
#define PARENT_PATH "sys/devices/pci0000:00/" PARENT
#define TYPE_PATH PARENT_PATH "/mdev_supported_types/gvt-4"
#define ONE "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define TWO "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"
#define DEVICE(uuid) "sys/bus/mdev/devices/" uuid
#define DEFINITION "etc/mdevctl.d/" PARENT "/" ONE

static struct {
	char *tree;
	struct iov *iov;
	char log[4096];		/* "attribute=value " of each write */
	const char *refused;	/* attribute that fails with EINVAL */
	const char *ignored;	/* attribute whose write the parent forgets */
	long left;
} model;

static void set_left(long left)
{
	char text[24];

	model.left = left;
	snprintf(text, sizeof(text), "%ld\n", left);
	tree_file(model.tree, TYPE_PATH "/available_instances", text);
}

static void make(const char *uuid)
{
	struct iov_path device = iov_path(PARENT_PATH "/%s", uuid);

	tree_file(model.tree, iov_path("%s/remove", device.name).name, "");
	tree_file(model.tree, iov_path("%s/weight", device.name).name, "1\n");
	tree_loop(model.tree, iov_path("%s/assign", device.name).name);
	tree_link(model.tree, iov_path("%s/mdev_type", device.name).name,
		  "../mdev_supported_types/gvt-4");
	tree_link(model.tree, iov_path("%s/iommu_group", device.name).name,
		  "../../../../kernel/iommu_groups/9");
	tree_link(model.tree, iov_path("sys/bus/mdev/devices/%s", uuid).name,
		  iov_path("../../../devices/pci0000:00/" PARENT "/%s", uuid).name);
	set_left(model.left - 1);
}

static void drop(const char *uuid)
{
	static const char *const files[] = { "remove", "weight", "assign", "mdev_type", "iommu_group" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		tree_unlink(model.tree, iov_path(PARENT_PATH "/%s/%s", uuid, files[i]).name);
	tree_unlink(model.tree, iov_path(PARENT_PATH "/%s", uuid).name);
	tree_unlink(model.tree, iov_path("sys/bus/mdev/devices/%s", uuid).name);
	set_left(model.left + 1);
}

static int on_write(void *arg, struct iov *iov, const char *path, const char *text)
{
	const char *attribute = strrchr(path, '/') + 1;
	size_t length = strlen(model.log);

	(void)arg;
	snprintf(model.log + length, sizeof(model.log) - length, "%s=%s ", attribute, text);
	if (model.refused && !strcmp(attribute, model.refused))
		return -EINVAL;
	if (model.ignored && !strcmp(attribute, model.ignored))
		return 0;
	if (!iov_sys_exists(iov, path))
		return -ENOENT;
	if (!strcmp(attribute, "create")) {
		if (!model.left)
			return -EUSERS;
		make(text);
	} else if (!strcmp(attribute, "remove")) {
		drop(iov_path("%.36s", path + strlen(DEVICE(""))).name);
	} else if (strcmp(attribute, "assign")) {
		tree_file(model.tree, iov_path("%s", path).name, iov_path("%s\n", text).name);
	}
	return 0;
}

static int setup(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	model.tree = tree_new();
	model.iov = tree_open(model.tree);
	iov_sys_on_write(model.iov, on_write, NULL);
	tree_file(model.tree, "proc/sys/kernel/random/boot_id", "this-boot\n");
	tree_file(model.tree, TYPE_PATH "/create", "");
	tree_file(model.tree, TYPE_PATH "/name", "GVT 4\n");
	tree_file(model.tree, TYPE_PATH "/device_api", "vfio-pci\n");
	tree_file(model.tree, TYPE_PATH "/description", "low_gm_size: 128MB\nfence: 4\n");
	tree_file(model.tree, PARENT_PATH "/mdev_supported_types/gvt-8/name", "GVT 8\n");
	tree_link(model.tree, "sys/class/mdev_bus/" PARENT, "../../devices/pci0000:00/" PARENT);
	tree_link(model.tree, "sys/bus/pci/devices/" PARENT, "../../../devices/pci0000:00/" PARENT);
	set_left(2);
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

/* Attributes as the command line has them, up to NULL. */
static struct json_object *attributes_of(const char *const *texts)
{
	struct json_object *attributes = json_object_new_array();

	for (; *texts; texts++)
		assert_int_equal(iov_mdev_attribute_parse(model.iov, *texts, attributes), 0);
	return attributes;
}

static int run(struct iov_plan *plan, int error)
{
	model.log[0] = '\0';
	if (!error)
		error = iov_plan_run(plan, &(struct iov_plan_options){ .verify_timeout = 20 });
	iov_plan_free(plan);
	return error;
}

static struct iov_plan *new_plan(void)
{
	struct iov_plan *plan;

	assert_int_equal(iov_plan_new(&plan, model.iov, "test"), 0);
	return plan;
}

static int create(const char *uuid, const char *type, const char *const *texts)
{
	_cleanup_json_ struct json_object *attributes = texts ? attributes_of(texts) : NULL;
	struct iov_plan *plan = new_plan();

	return run(plan, iov_mdev_create_plan(plan, &(struct iov_mdev){ uuid, PARENT, type, attributes }));
}

static int removal(const char *uuid)
{
	struct iov_plan *plan = new_plan();

	return run(plan, iov_mdev_remove_plan(plan, uuid));
}

static int set(const char *uuid, const char *const *texts)
{
	_cleanup_json_ struct json_object *attributes = attributes_of(texts);
	struct iov_plan *plan = new_plan();

	return run(plan, iov_mdev_set_plan(plan, uuid, attributes));
}

static int define(const char *uuid, const char *type, const char *const *texts, const char *start)
{
	_cleanup_json_ struct json_object *attributes = texts ? attributes_of(texts) : NULL;
	struct iov_plan *plan = new_plan();

	return run(plan, iov_mdev_define_plan(plan, &(struct iov_mdev){ uuid, type ? PARENT : NULL, type,
							attributes }, start));
}

static bool is_there(const char *uuid)
{
	return iov_sys_exists(model.iov, iov_path("sys/bus/mdev/devices/%s", uuid).name);
}

static void a_device_is_made_and_then_given_its_attributes(void **state)
{
	(void)state;
	assert_int_equal(create(ONE, "gvt-4", (const char *[]){ "assign=5", "assign=6", "weight=4", NULL }), 0);
	assert_string_equal(model.log, "create=" ONE " assign=5 assign=6 weight=4 ");
	assert_true(is_there(ONE));
	assert_int_equal(create(ONE, "gvt-4", (const char *[]){ "assign=5", "weight=4", NULL }), 0);
	assert_string_equal(model.log, "");
	assert_int_equal(create(ONE, "gvt-4", (const char *[]){ "weight=8", NULL }), 0);
	assert_string_equal(model.log, "weight=8 ");
	assert_int_equal(removal(ONE), 0);
	assert_string_equal(model.log, "remove=1 ");
	assert_false(is_there(ONE));
}

static void a_refused_attribute_takes_the_device_back(void **state)
{
	(void)state;
	model.refused = "weight";
	assert_int_equal(create(ONE, "gvt-4", (const char *[]){ "assign=5", "weight=99", NULL }), -EINVAL);
	assert_message("write '99' to /sys/bus/mdev/devices/" ONE "/weight");
	assert_string_equal(model.log, "create=" ONE " assign=5 weight=99 remove=1 ");
	assert_false(is_there(ONE));
}

static void a_set_attribute_comes_back_when_another_is_refused(void **state)
{
	(void)state;
	make(ONE);
	model.refused = "assign";
	assert_int_equal(set(ONE, (const char *[]){ "weight=4", "assign=5", NULL }), -EINVAL);
	assert_string_equal(model.log, "weight=4 assign=5 weight=1 ");
	assert_int_equal(set(ONE, (const char *[]){ "weight=1", NULL }), 0);
	assert_string_equal(model.log, "");
	assert_int_equal(set(ONE, (const char *[]){ "colour=1", NULL }), -ENOENT);
	assert_message(ONE ": has no attribute colour");
}

static void what_is_wrong_is_said_with_what_there_is(void **state)
{
	struct iov_plan *plan = new_plan();
	char uuid[IOV_MDEV_UUID];

	(void)state;
	assert_int_equal(create(ONE, "gvt-5", NULL), -ENOENT);
	assert_message("gvt-5: " PARENT " has no such type; did you mean 'gvt-4'? expected one of: gvt-4, gvt-8");
	assert_int_equal(create(ONE, "../gvt-4", NULL), -ENOENT);
	assert_int_equal(create(ONE, "gvt-4", NULL), 0);
	assert_int_equal(create(ONE, "gvt-8", NULL), -EEXIST);
	assert_message("is there already, a gvt-4 of " PARENT);
	assert_int_equal(create(TWO, "gvt-4", NULL), 0);
	assert_int_equal(create("83b8f4f2-509f-382f-3c1e-e6bfe0fa1003", "gvt-4", NULL), -ENOSPC);
	assert_message("gvt-4: no instance is left on " PARENT ", which has given: " ONE " (gvt-4), " TWO " (gvt-4)");
	assert_int_equal(removal("83b8f4f2-509f-382f-3c1e-e6bfe0fa1003"), -ENOENT);
	assert_int_equal(run(plan, iov_mdev_create_plan(plan, &(struct iov_mdev){ ONE, "0000:0f:00.0", "gvt-4", NULL })),
			 -ENODEV);
	assert_message("0000:0f:00.0: no such PCI function; 'iov list --all'");
	assert_int_equal(iov_mdev_uuid_parse(model.iov, ONE "0", uuid), -EINVAL);
	assert_int_equal(iov_mdev_uuid_parse(model.iov, "83b8f4f2-509f-382f-3c1e-e6bfe0fa100", uuid), -EINVAL);
	assert_int_equal(iov_mdev_uuid_parse(model.iov, "83B8F4F2-509F-382F-3C1E-E6BFE0FA1001", uuid), 0);
	assert_string_equal(uuid, ONE);
}

static void attributes_lead_nowhere_else(void **state)
{
	static const char *const wrong[] = {
		"weight", "=4", "../weight=4", "remove=1", "driver/unbind=1", "/weight=1", "power/control=on",
		"iommu_group/type=identity", "weight=4\n5", "./remove=1", "./driver/unbind=1",
		".//power/control=on", "vendor//weight=4", "vendor/./weight=4", "vendor/=4",
	};
	_cleanup_json_ struct json_object *attributes = json_object_new_array();

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(iov_mdev_attribute_parse(model.iov, wrong[i], attributes), -EINVAL);
	assert_int_equal(iov_mdev_attribute_parse(model.iov, "vendor/weight=", attributes), 0);
	assert_int_equal(json_object_array_length(attributes), 1);
}

static void a_parent_that_forgets_is_found_out(void **state)
{
	(void)state;
	model.ignored = "create";
	assert_int_equal(create(ONE, "gvt-4", NULL), -ETIME);
	assert_string_equal(model.log, "create=" ONE " ");
}

static void a_parent_that_goes_is_named(void **state)
{
	struct iov_plan *plan = new_plan();
	int error = iov_mdev_create_plan(plan, &(struct iov_mdev){ ONE, PARENT, "gvt-4", NULL });

	(void)state;
	assert_int_equal(error, 0);
	tree_unlink(model.tree, TYPE_PATH "/create");
	assert_int_equal(run(plan, 0), -ENOENT);
	assert_message("the parent, or its type, is gone");
	tree_unlink(model.tree, "sys/class/mdev_bus/" PARENT);
	assert_int_equal(create(ONE, "gvt-4", NULL), -ENODEV);
	assert_message("no driver of this host gives mediated devices");
}

/* By the node of its group, as type1 has it, and by its own, as iommufd has it. */
static void who_has_it_open_keeps_it(void **state)
{
	_cleanup_json_ struct json_object *mdevs = NULL;

	(void)state;
	make(ONE);
	make(TWO);
	tree_link(model.tree, "sys/kernel/iommu_groups/9/devices/" ONE, "../../../../devices/pci0000:00/" PARENT "/" ONE);
	tree_file(model.tree, "proc/71/comm", "qemu\n");
	tree_file(model.tree, "proc/71/maps", "");
	tree_link(model.tree, "proc/71/fd/9", "/dev/vfio/9");
	assert_int_equal(removal(ONE), -ECANCELED);
	assert_message("mdev/" ONE " (named) is in use by pid 71 (qemu) [guard vfio-open]");
	assert_true(is_there(ONE));
	assert_int_equal(iov_mdev_list(model.iov, &mdevs), 0);
	assert_string_equal(json_object_to_json_string_ext(json_object_object_get(
				json_object_array_get_idx(mdevs, 0), "used_by"), 0), "[\"pid 71 (qemu)\"]");
	assert_int_equal(removal(TWO), 0);
	tree_unlink(model.tree, "proc/71/fd/9");
	assert_int_equal(removal(ONE), 0);
}

/* A virtual parent's devices are below no hardware, and held all the same. */
static void who_has_one_of_a_virtual_parent_open_keeps_it(void **state)
{
	(void)state;
	tree_file(model.tree, "sys/devices/virtual/mtty/mtty/" ONE "/remove", "");
	tree_file(model.tree, "sys/devices/virtual/mtty/mtty/" ONE "/vfio-dev/vfio3/uevent",
		  "DEVNAME=vfio/devices/vfio3\n");
	tree_link(model.tree, "sys/devices/virtual/mtty/mtty/" ONE "/mdev_type", "../mdev_supported_types/mtty-2");
	tree_link(model.tree, "sys/devices/virtual/mtty/mtty/" ONE "/vfio-dev/vfio3/subsystem", "../../../../../../../class/vfio-dev");
	tree_link(model.tree, DEVICE(ONE), "../../../devices/virtual/mtty/mtty/" ONE);
	tree_link(model.tree, "sys/dev/char/511:3", "../../devices/virtual/mtty/mtty/" ONE "/vfio-dev/vfio3");
	tree_file(model.tree, "proc/71/comm", "qemu\n");
	tree_file(model.tree, "proc/71/maps", "");
	tree_link(model.tree, "proc/71/fd/9", "/dev/vfio/devices/vfio3");
	assert_int_equal(removal(ONE), -ECANCELED);
	assert_message("mdev/" ONE " (named) is in use by pid 71 (qemu) [guard vfio-open]");
}

static void assert_file(const char *path, const char *wanted)
{
	_cleanup_free_ char *text = NULL;

	if (!wanted) {
		assert_false(iov_sys_exists(model.iov, path));
		return;
	}
	assert_int_equal(iov_sys_read_all(model.iov, path, &text, NULL), 0);
	assert_string_equal(text, wanted);
}

static void definitions_are_written_as_mdevctl_writes_them(void **state)
{
	static const char first[] = "{\n  \"mdev_type\": \"gvt-4\",\n  \"start\": \"auto\",\n  \"attrs\": [\n"
		"    {\n      \"assign\": \"5\"\n    },\n    {\n      \"assign\": \"6\"\n    }\n  ]\n}";
	_cleanup_free_ char *text = NULL;
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(define(ONE, "gvt-4", (const char *[]){ "assign=5", "assign=6", NULL }, "auto"), 0);
	assert_file(DEFINITION, first);
	assert_file(DEFINITION "~", NULL);
	assert_int_equal(define(ONE, NULL, NULL, NULL), 0);
	assert_file(DEFINITION, first);
	/* What others wrote beside it stays. */
	tree_file(model.tree, DEFINITION, "{\"mdev_type\":\"gvt-8\",\"start\":\"auto\",\"attrs\":[],\"note\":\"ours\"}");
	assert_int_equal(define(ONE, "gvt-4", NULL, NULL), 0);
	/* json-c writes an empty list as mdevctl does from 0.18 on. */
	assert_int_equal(iov_sys_read_all(model.iov, DEFINITION, &text, NULL), 0);
	assert_file(DEFINITION, strstr(text, "[]") ?
		    "{\n  \"mdev_type\": \"gvt-4\",\n  \"start\": \"auto\",\n  \"attrs\": [],\n  \"note\": \"ours\"\n}" :
		    "{\n  \"mdev_type\": \"gvt-4\",\n  \"start\": \"auto\",\n  \"attrs\": [\n  ],\n  \"note\": \"ours\"\n}");
	assert_int_equal(define(TWO, NULL, NULL, NULL), -ENOENT);
	assert_message("say its parent and its type");
	assert_int_equal(define(ONE, "gvt-9", NULL, NULL), -ENOENT);
	plan = new_plan();
	assert_int_equal(run(plan, iov_mdev_undefine_plan(plan, ONE, NULL)), 0);
	assert_file(DEFINITION, NULL);
	assert_file(DEFINITION "~", NULL);
}

static void what_mdevctl_would_not_take_is_not_taken(void **state)
{
	static const char *const wrong[] = {
		"{\"mdev_type\":\"gvt-4\",\"start\":\"later\"}", "[]", "{\"start\":\"auto\"}", "",
		"{\"mdev_type\":\"../x\",\"start\":\"auto\"}",
		"{\"mdev_type\":\"gvt-4\",\"start\":\"auto\",\"attrs\":[{\"a\":\"1\",\"b\":\"2\"}]}",
		"{\"mdev_type\":\"gvt-4\",\"start\":\"auto\",\"attrs\":[{\"../remove\":\"1\"}]}",
		"{\"mdev_type\":\"gvt-4\",\"start\":\"auto\",\"attrs\":[{\"./remove\":\"1\"}]}",
		"{\"mdev_type\":\"gvt-4\",\"start\":\"auto\",\"attrs\":[{\"a//power/control\":\"1\"}]}",
		"{\"mdev_type\":\"gvt-4\",\"start\":\"auto\",\"attrs\":[{\"remove\":\"1\"}]}",
		"{\"mdev_type\":\"gvt-4\",\"start\":\"auto\"} {\"mdev_type\":",
		"{\"mdev_type\":\"gvt-4\",\"start\":\"auto\",}",
		"{\"mdev_type\":\"gvt-4\",\"start\":\"auto\",\"attrs\":[{\"a\":\"\xff\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct iov_plan *plan = new_plan();

		tree_file(model.tree, DEFINITION, wrong[i]);
		assert_int_equal(run(plan, iov_mdev_start_plan(plan, ONE, NULL)), -EINVAL);
		assert_message("/" DEFINITION);
		assert_false(is_there(ONE));
	}
}

static void what_starts_by_itself_is_started_once(void **state)
{
	(void)state;
	tree_file(model.tree, DEFINITION,
		  "{\"mdev_type\":\"gvt-4\",\"start\":\"auto\",\"attrs\":[{\"assign\":\"5\"}]}");
	tree_file(model.tree, "etc/mdevctl.d/" PARENT "/" TWO, "{\"mdev_type\":\"gvt-4\",\"start\":\"manual\"}");
	tree_file(model.tree, "etc/mdevctl.d/0000:7f:00.0/" TWO, "{\"mdev_type\":\"gvt-4\",\"start\":\"auto\"}");
	for (int i = 0; i < 2; i++) {
		struct iov_plan *plan = new_plan();

		assert_int_equal(run(plan, iov_mdev_start_plan(plan, NULL, NULL)), 0);
		assert_string_equal(model.log, i ? "" : "create=" ONE " assign=5 ");
	}
	assert_true(is_there(ONE));
	assert_false(is_there(TWO));
}

static void one_that_cannot_start_keeps_no_other_waiting(void **state)
{
	static const char folder[] = "etc/mdevctl.d/" PARENT "/83b8f4f2-509f-382f-3c1e-e6bfe0fa1000";
	struct iov_plan *plan = new_plan();

	(void)state;
	tree_file(model.tree, iov_path("%s/file", folder).name, "");
	tree_link(model.tree, "etc/mdevctl.d/" PARENT "/83b8f4f2-509f-382f-3c1e-e6bfe0fa0fff", "/dev/zero");
	tree_file(model.tree, DEFINITION, "{\"mdev_type\":\"gone\",\"start\":\"auto\"}");
	tree_file(model.tree, "etc/mdevctl.d/" PARENT "/" TWO, "{\"mdev_type\":\"gvt-4\",\"start\":\"auto\"}");
	assert_int_equal(run(plan, iov_mdev_start_plan(plan, NULL, NULL)), 0);
	assert_true(is_there(TWO));
	assert_false(is_there(ONE));
	plan = new_plan();
	assert_int_equal(run(plan, iov_mdev_start_plan(plan, ONE, NULL)), -ENOENT);
}

static void one_without_attributes_is_undefined(void **state)
{
	struct iov_plan *plan = new_plan();

	(void)state;
	tree_file(model.tree, DEFINITION, "{\"mdev_type\":\"gvt-4\",\"start\":\"auto\"}");
	assert_int_equal(run(plan, iov_mdev_undefine_plan(plan, ONE, NULL)), 0);
	assert_file(DEFINITION, NULL);
}

static void types_are_told(void **state)
{
	_cleanup_json_ struct json_object *types = NULL;

	(void)state;
	assert_int_equal(iov_mdev_types(model.iov, NULL, &types), 0);
	assert_string_equal(json_object_to_json_string_ext(types, JSON_C_TO_STRING_PLAIN),
		"[{\"parent\":\"" PARENT "\",\"type\":\"gvt-4\",\"name\":\"GVT 4\",\"device_api\":\"vfio-pci\","
		"\"available_instances\":2,\"description\":\"low_gm_size: 128MB fence: 4\",\"instances\":[]},"
		"{\"parent\":\"" PARENT "\",\"type\":\"gvt-8\",\"name\":\"GVT 8\",\"device_api\":null,"
		"\"available_instances\":null,\"description\":null,\"instances\":[]}]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_is_made_and_then_given_its_attributes),
		TEST(a_refused_attribute_takes_the_device_back),
		TEST(a_set_attribute_comes_back_when_another_is_refused),
		TEST(what_is_wrong_is_said_with_what_there_is),
		TEST(attributes_lead_nowhere_else),
		TEST(a_parent_that_forgets_is_found_out),
		TEST(a_parent_that_goes_is_named),
		TEST(who_has_it_open_keeps_it),
		TEST(who_has_one_of_a_virtual_parent_open_keeps_it),
		TEST(definitions_are_written_as_mdevctl_writes_them),
		TEST(what_mdevctl_would_not_take_is_not_taken),
		TEST(what_starts_by_itself_is_started_once),
		TEST(one_that_cannot_start_keeps_no_other_waiting),
		TEST(one_without_attributes_is_undefined),
		TEST(types_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
