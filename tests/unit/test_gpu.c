// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * GPUs that no machine of ours has, as their drivers show them: what is written, in which order, what is
 * undone, and what is refused.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "host/file/host.h"
#include "host/file/vfs.h"
#include "plugins/plugins.h"
#include "sriov/class.h"
#include "sriov/vf.h"
#include "tests/unit/said.h"
#include "tests/unit/tree.h"
#include "vfio/bind/assign.h"
#include "vfio/bind/bind.h"

#define PCI "sys/bus/pci/devices/"
#define XE "0000:03:00.0"
#define I915 "0000:00:02.0"
#define NVIDIA "0000:41:00.0"
#define AMD "0000:c1:00.0"
#define CARD "0000:81:00.0"
#define TOOL "usr/lib/nvidia/sriov-manage"
#define VFS 3

static struct {
	char *tree;
	struct iov *iov;
	char log[8192];		/* "FILE=value " of each write, from the function on */
	const char *refused;	/* part of a path whose next write fails with EINVAL */
	int left;		/* vGPUs of type 1430 that the GPU still has room for */
} model;

static void attribute(const char *device, const char *name, const char *text)
{
	tree_file(model.tree, iov_path(PCI "%s/%s", device, name).name, text);
}

static void driver(const char *device, const char *name)
{
	tree_link(model.tree, iov_path(PCI "%s/driver", device).name,
		  iov_path("../../../bus/pci/drivers/%s", name).name);
}

/* A function with a class, and where it is a PF with room for VFs. */
static void add_function(const char *device, const char *code, const char *of_driver, bool pf)
{
	attribute(device, "class", code);
	attribute(device, "vendor", "0x8086\n");
	attribute(device, "reset_method", "flr\n");
	tree_file(model.tree, iov_path("sys/bus/pci/drivers/%s/bind", of_driver).name, "");
	driver(device, of_driver);
	if (!pf)
		return;
	attribute(device, "sriov_totalvfs", "3\n");
	attribute(device, "sriov_numvfs", "0\n");
	attribute(device, "sriov_offset", "1\n");
	attribute(device, "sriov_stride", "1\n");
	attribute(device, "sriov_drivers_autoprobe", "1\n");
}

static void show_types(const char *pf)
{
	for (int i = 1; i <= VFS; i++) {
		struct iov_path vf = iov_path("%.11s%d", pf, i);

		if (!iov_sys_exists(model.iov, iov_path(PCI "%s/nvidia/current_vgpu_type", vf.name).name))
			continue;
		attribute(vf.name, "nvidia/creatable_vgpu_types", model.left ?
			  "ID : vGPU Name\n1430 : NVIDIA H200X-70C\n1431 : NVIDIA H200X-35C\n" : "ID : vGPU Name\n");
	}
}

static void write_vfs(const char *pf, int count, bool nvidia)
{
	for (int i = 1; i <= VFS; i++) {
		struct iov_path vf = iov_path("%.11s%d", pf, i);
		struct iov_path link = iov_path(PCI "%s/virtfn%d", pf, i - 1);

		if (i > count && iov_sys_exists(model.iov, link.name)) {
			tree_unlink(model.tree, link.name);
			continue;
		}
		if (i > count || iov_sys_exists(model.iov, link.name))
			continue;
		attribute(vf.name, "class", "0x030200\n");
		tree_link(model.tree, iov_path(PCI "%s/physfn", vf.name).name, iov_path("../%s", pf).name);
		tree_link(model.tree, link.name, iov_path("../%s", vf.name).name);
		if (nvidia) {
			attribute(vf.name, "nvidia/current_vgpu_type", "0\n");
			driver(vf.name, "nvidia");
		}
	}
	attribute(pf, "sriov_numvfs", iov_path("%d\n", count).name);
	if (nvidia)
		show_types(pf);
}

static int write_type(const char *path, const char *text)
{
	char now[16];

	if (iov_sys_read(model.iov, path, now, sizeof(now)))
		return -ENOENT;
	if (strcmp(text, "0") && (!model.left || strcmp(now, "0")))
		return -EINVAL;
	model.left += strcmp(text, "0") ? -1 : strcmp(now, "0") ? 1 : 0;
	tree_file(model.tree, path, iov_path("%s\n", text).name);
	show_types(NVIDIA);
	return 0;
}

static int on_write(void *arg, struct iov *iov, const char *path, const char *text)
{
	const char *file = strncmp(path, PCI, strlen(PCI)) ? path : path + strlen(PCI);
	size_t length = strlen(model.log);

	(void)arg;
	snprintf(model.log + length, sizeof(model.log) - length, "%s=%.*s ", file, (int)strcspn(text, "\n"), text);
	if (model.refused && strstr(path, model.refused)) {
		model.refused = NULL;
		return -EINVAL;
	}
	if (!strcmp(path, TOOL)) {
		write_vfs(text + 3, text[1] == 'e' ? VFS : 0, true);
		return 0;
	}
	if (strstr(path, "current_vgpu_type"))
		return write_type(path, text);
	if (strstr(path, "sriov_numvfs"))
		write_vfs(iov_path("%.12s", file).name, atoi(text), false);
	else if (strstr(path, "drivers_probe") || strstr(path, "/unbind") || strstr(path, "/reset"))
		return 0;
	else if (!iov_sys_exists(iov, path))
		return -ENOENT;
	else
		tree_file(model.tree, path, iov_path("%s\n", text).name);
	return 0;
}

static void add_xe(void)
{
	static const char *const files[][2] = {
		{ "exec_quantum_ms", "0\n" }, { "preempt_timeout_us", "0\n" },
		{ "sched_priority", "[low] normal high\n" }, { "vram_quota", "0\n" },
	};

	add_function(XE, "0x030000\n", "xe", true);
	for (int vf = 1; vf <= VFS; vf++) {
		for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
			attribute(XE, iov_path("sriov_admin/vf%d/profile/%s", vf, files[i][0]).name, files[i][1]);
	}
}

static void add_i915(const char *folder, const char *tile)
{
	add_function(I915, "0x030000\n", "i915", true);
	for (int vf = 1; vf <= VFS; vf++) {
		attribute(I915, iov_path("drm/card0/%s/vf%d/%s/ggtt_quota", folder, vf, tile).name, "0\n");
		attribute(I915, iov_path("drm/card0/%s/vf%d/%s/exec_quantum_ms", folder, vf, tile).name, "0\n");
	}
}

static int setup(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	model.left = 2;
	model.tree = tree_new();
	model.iov = tree_open(model.tree);
	iov_sys_on_write(model.iov, on_write, NULL);
	tree_file(model.tree, "proc/sys/kernel/random/boot_id", "this-boot\n");
	assert_int_equal(iov_sriov_register(model.iov), 0);
	assert_int_equal(iov_plugins_register(model.iov), 0);
	add_function(NVIDIA, "0x030200\n", "nvidia", true);
	tree_file(model.tree, TOOL, "");
	add_xe();
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

static struct iov_bdf bdf_of(const char *text)
{
	struct iov_bdf bdf;

	assert_int_equal(iov_bdf_parse(model.iov, text, &bdf), 0);
	return bdf;
}

static struct iov_plan *new_plan(void)
{
	struct iov_plan *plan;

	assert_int_equal(iov_plan_new(&plan, model.iov, "test"), 0);
	return plan;
}

static int run(struct iov_plan *plan, int error)
{
	model.log[0] = '\0';
	if (!error)
		error = iov_plan_run(plan, &(struct iov_plan_options){ .verify_timeout = 20 });
	iov_plan_free(plan);
	return error;
}

/* VFs with attributes like "vram_quota=8G" of all, up to NULL; no driver is asked for. */
static int create(const char *pf, unsigned int count, const char *const *attributes)
{
	char none[] = "none", native[] = "native";
	struct iov_host_vfs vfs = {
		.count = count, .all.driver = strcmp(pf, NVIDIA) ? none : native,
		.all.attributes = (char **)attributes,
	};
	struct iov_plan *plan = new_plan();

	while (attributes && attributes[vfs.all.attribute_count])
		vfs.all.attribute_count++;
	return run(plan, iov_host_vfs_plan(plan, bdf_of(pf), -1, &vfs, 0));
}

static int set(const char *pf, unsigned int index, const char *name, const char *value)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	struct iov_plan *plan = new_plan();
	int error = iov_vf_attribute_parse(model.iov, name, value, values);

	if (!error)
		error = iov_vf_set_plan(plan, bdf_of(pf), -1, index, values);
	return run(plan, error);
}

static const char *class_of(const char *device)
{
	const struct iov_class *device_class = iov_class_of(model.iov, bdf_of(device));

	return device_class ? device_class->name : "none";
}

static void a_gpu_is_known_by_what_the_kernel_says(void **state)
{
	(void)state;
	assert_string_equal(class_of(XE), "gpu");
	assert_string_equal(class_of(NVIDIA), "gpu");
	add_function("0000:05:00.0", "0x038000\n", "any", false);
	assert_string_equal(class_of("0000:05:00.0"), "gpu");
	add_function("0000:05:00.1", "0x040300\n", "snd_hda_intel", false);
	assert_string_equal(class_of("0000:05:00.1"), "none");
	add_function("0000:06:00.0", "0x120000\n", "any", false);
	assert_string_equal(class_of("0000:06:00.0"), "none");
	attribute("0000:06:00.0", "drm/card1/dev", "226:1\n");
	assert_string_equal(class_of("0000:06:00.0"), "gpu");
	add_function(AMD, "0x120000\n", "gim", true);
	assert_string_equal(class_of(AMD), "gpu");
}

static void memory_of_vfs_is_shared_out_before_they_are_made(void **state)
{
	(void)state;
	assert_int_equal(create(XE, 2, (const char *[]){ "vram_quota=8G", "exec_quantum=20",
							 "sched_priority=high", NULL }), 0);
	assert_string_equal(model.log,
		XE "/sriov_admin/vf1/profile/vram_quota=8589934592 "
		XE "/sriov_admin/vf2/profile/vram_quota=8589934592 "
		XE "/sriov_drivers_autoprobe=0 " XE "/sriov_numvfs=2 "
		XE "/sriov_admin/vf1/profile/exec_quantum_ms=20 "
		XE "/sriov_admin/vf1/profile/sched_priority=high "
		XE "/sriov_admin/vf2/profile/exec_quantum_ms=20 "
		XE "/sriov_admin/vf2/profile/sched_priority=high "
		XE "/sriov_drivers_autoprobe=1 ");
}

static void what_fails_gives_the_memory_back(void **state)
{
	char text[64];

	(void)state;
	model.refused = "sriov_numvfs";
	assert_int_equal(create(XE, 1, (const char *[]){ "vram_quota=8G", NULL }), -EINVAL);
	assert_message("as it was before");
	assert_int_equal(iov_sys_read(model.iov, PCI XE "/sriov_admin/vf1/profile/vram_quota", text,
				      sizeof(text)), 0);
	assert_string_equal(text, "0");
}

static void a_vf_without_memory_beside_those_that_have_some_is_refused(void **state)
{
	char *quota[] = { (char *)"vram_quota=8G" }, none[] = "none";
	struct iov_host_vf own = { .index = 1, .values = { .attributes = quota, .attribute_count = 1 } };
	struct iov_host_vfs vfs = { .count = 2, .all.driver = none, .each = &own, .each_count = 1 };
	struct iov_plan *plan = new_plan();

	(void)state;
	assert_int_equal(run(plan, iov_host_vfs_plan(plan, bdf_of(XE), -1, &vfs, 0)), -EINVAL);
	assert_message("vram-quota: VF 0 of " XE " has none");
	assert_string_equal(model.log, "");
}

static void shares_of_time_change_at_any_moment(void **state)
{
	(void)state;
	assert_int_equal(create(XE, 2, NULL), 0);
	assert_int_equal(set(XE, 1, "exec_quantum", "30"), 0);
	assert_string_equal(model.log, XE "/sriov_admin/vf2/profile/exec_quantum_ms=30 ");
	assert_int_equal(set(XE, 1, "exec_quantum", "30"), 0);
	assert_string_equal(model.log, "");
	assert_int_equal(set(XE, 1, "sched_priority", "low"), 0);
	assert_string_equal(model.log, "");
	model.refused = "preempt_timeout";
	assert_int_equal(set(XE, 0, "preempt_timeout", "9"), -EINVAL);
	assert_message("the driver takes no such value");
}

static void memory_of_vfs_that_exist_is_refused(void **state)
{
	(void)state;
	assert_int_equal(create(XE, 2, NULL), 0);
	assert_int_equal(set(XE, 1, "vram_quota", "1G"), -EBUSY);
	assert_message("VF 1 of " XE " exists");
	assert_message("iov vf create " XE " --count 2 --attribute vram_quota=1073741824");
	assert_int_equal(set(XE, 1, "vram_quota", "0"), 0);
	assert_int_equal(set(XE, 0, "vram_quota", "much"), -EINVAL);
	assert_message("as 512M or 8G");
}

static void vfs_that_stay_keep_their_share_of_time(void **state)
{
	(void)state;
	assert_int_equal(create(XE, 1, (const char *[]){ "exec_quantum=25", NULL }), 0);
	assert_int_equal(create(XE, 2, NULL), 0);
	assert_non_null(strstr(model.log, XE "/sriov_numvfs=0 "));
	assert_non_null(strstr(model.log, XE "/sriov_numvfs=2 " XE "/sriov_admin/vf1/profile/exec_quantum_ms=25"));
}

static void removed_vfs_come_back_with_their_memory(void **state)
{
	const char *memory, *number;
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(create(XE, 1, (const char *[]){ "vram_quota=8G", "exec_quantum=25", NULL }), 0);
	plan = new_plan();
	assert_int_equal(iov_vf_remove_plan(plan, bdf_of(XE)), 0);
	/* A step behind it that fails. */
	iov_step_do(iov_plan_step(plan, NULL, "fail"), iov_op_write("sys/absent", "1"));
	assert_int_equal(run(plan, 0), -ENOENT);
	memory = strstr(model.log, "vram_quota=8589934592");
	number = strstr(model.log, "sriov_numvfs=1");
	assert_non_null(memory);
	assert_non_null(number);
	assert_true(memory < number && number < strstr(number, "exec_quantum_ms=25"));
}

static void the_files_of_i915_have_several_names(void **state)
{
	(void)state;
	add_i915("prelim_iov", "gt0");
	assert_int_equal(create(I915, 1, (const char *[]){ "ggtt_quota=64M", "exec_quantum=5", NULL }), 0);
	assert_string_equal(model.log, I915 "/drm/card0/prelim_iov/vf1/gt0/ggtt_quota=67108864 "
		I915 "/sriov_drivers_autoprobe=0 " I915 "/sriov_numvfs=1 "
		I915 "/drm/card0/prelim_iov/vf1/gt0/exec_quantum_ms=5 " I915 "/sriov_drivers_autoprobe=1 ");
	assert_int_equal(set(I915, 0, "sched_priority", "high"), -EOPNOTSUPP);
	assert_message("i915 has no sched-priority for VFs");
}

static void the_older_names_of_i915_are_found_too(void **state)
{
	(void)state;
	add_i915("iov", "gt");
	assert_int_equal(create(I915, 1, (const char *[]){ "exec_quantum=5", NULL }), 0);
	assert_non_null(strstr(model.log, I915 "/drm/card0/iov/vf1/gt/exec_quantum_ms=5 "));
}

static void a_gpu_that_runs_without_sr_iov_says_what_turns_it_on(void **state)
{
	(void)state;
	attribute(XE, "sriov_totalvfs", "0\n");
	assert_int_equal(create(XE, 1, NULL), -EOPNOTSUPP);
	assert_message("xe.max_vfs");
}

static void vfs_of_amd_are_made_by_its_module(void **state)
{
	(void)state;
	add_function(AMD, "0x120000\n", "gim", true);
	tree_file(model.tree, "sys/module/gim/parameters/vf_num", "1\n");
	assert_int_equal(create(AMD, 2, NULL), -EOPNOTSUPP);
	assert_message("module parameter vf_num, now 1");
	assert_message("amd-smi");
	assert_string_equal(model.log, "");
}

static void vgpus_are_enabled_by_their_tool_and_made_by_number(void **state)
{
	(void)state;
	assert_int_equal(create(NVIDIA, 3, NULL), 0);
	assert_string_equal(model.log, TOOL "=-e " NVIDIA " ");
	assert_int_equal(create(NVIDIA, 3, NULL), 0);
	assert_string_equal(model.log, "");
	assert_int_equal(set(NVIDIA, 1, "vgpu_type", "1430"), 0);
	assert_string_equal(model.log, "0000:41:00.2/nvidia/current_vgpu_type=1430 ");
	assert_int_equal(set(NVIDIA, 1, "vgpu_type", "1430"), 0);
	assert_string_equal(model.log, "");
	assert_int_equal(set(NVIDIA, 1, "vgpu_type", "0"), 0);
	assert_string_equal(model.log, "0000:41:00.2/nvidia/current_vgpu_type=0 ");
}

static void vgpus_are_made_along_with_their_vfs(void **state)
{
	(void)state;
	model.left = 3;
	assert_int_equal(create(NVIDIA, 3, (const char *[]){ "vgpu_type=1430", NULL }), 0);
	assert_string_equal(model.log, TOOL "=-e " NVIDIA " "
			    "0000:41:00.1/nvidia/current_vgpu_type=1430 "
			    "0000:41:00.2/nvidia/current_vgpu_type=1430 "
			    "0000:41:00.3/nvidia/current_vgpu_type=1430 ");
}

static void a_vgpu_that_fails_takes_the_others_back(void **state)
{
	(void)state;
	assert_int_equal(create(NVIDIA, 3, (const char *[]){ "vgpu_type=1430", NULL }), -EINVAL);
	assert_message("the driver makes no vGPU of this type here");
	assert_message("as it was before");
	assert_non_null(strstr(model.log, TOOL "=-d " NVIDIA));
	assert_false(iov_sys_exists(model.iov, PCI NVIDIA "/virtfn0"));
}

static void another_type_goes_by_way_of_none(void **state)
{
	(void)state;
	assert_int_equal(create(NVIDIA, 3, NULL), 0);
	assert_int_equal(set(NVIDIA, 0, "vgpu_type", "1430"), 0);
	assert_int_equal(set(NVIDIA, 0, "vgpu_type", "1431"), 0);
	assert_string_equal(model.log, "0000:41:00.1/nvidia/current_vgpu_type=0 "
			    "0000:41:00.1/nvidia/current_vgpu_type=1431 ");
}

static void a_wrong_type_and_no_room_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(create(NVIDIA, 3, NULL), 0);
	assert_int_equal(set(NVIDIA, 0, "vgpu_type", "77"), -EINVAL);
	assert_message("VF 0 of " NVIDIA " cannot be one; expected one of: 1430 (NVIDIA H200X-70C), 1431");
	assert_int_equal(set(NVIDIA, 0, "vgpu_type", "1430"), 0);
	assert_int_equal(set(NVIDIA, 1, "vgpu_type", "1430"), 0);
	assert_int_equal(set(NVIDIA, 2, "vgpu_type", "1430"), -ENOSPC);
	assert_message("no instance is left on " NVIDIA ", of which have one: VF 0 (type 1430), VF 1 (type 1430)");
	assert_string_equal(model.log, "");
}

/* The guards are asked of the VF itself. */
static void a_vgpu_is_not_taken_from_who_has_it(void **state)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	const struct iov_take *takes;
	struct iov_plan *plan;
	size_t count;

	(void)state;
	assert_int_equal(create(NVIDIA, 3, NULL), 0);
	assert_int_equal(set(NVIDIA, 0, "vgpu_type", "1430"), 0);
	plan = new_plan();
	assert_int_equal(iov_vf_attribute_parse(model.iov, "vgpu_type", "0", values), 0);
	assert_int_equal(iov_vf_set_plan(plan, bdf_of(NVIDIA), -1, 0, values), 0);
	takes = iov_plan_takes(plan, &count);
	assert_int_equal(count, 1);
	assert_string_equal(takes[0].device, "0000:41:00.1");
	assert_string_equal(takes[0].why, "its vGPU goes");
	iov_plan_free(plan);
}

static void all_vfs_of_vgpus_or_none(void **state)
{
	(void)state;
	assert_int_equal(create(NVIDIA, 2, NULL), -EINVAL);
	assert_message("sriov-manage makes all 3 VFs of " NVIDIA " or none");
	tree_unlink(model.tree, TOOL);
	assert_int_equal(create(NVIDIA, 3, NULL), -EOPNOTSUPP);
	assert_message("sriov-manage, which is not there");
}

static void vfs_of_vgpus_stay_with_their_driver(void **state)
{
	const struct iov_bdf vf = { .bus = 0x41, .function = 1 };
	char vfio[] = "vfio-pci";
	struct iov_host_vfs vfs = { .count = 3, .all.driver = vfio };
	struct iov_plan *plan = new_plan();

	(void)state;
	assert_int_equal(run(plan, iov_host_vfs_plan(plan, bdf_of(NVIDIA), -1, &vfs, 0)), -EINVAL);
	assert_message("stay with nvidia");
	assert_int_equal(create(NVIDIA, 3, NULL), 0);
	tree_file(model.tree, "sys/bus/pci/drivers/vfio-pci/bind", "");
	plan = new_plan();
	assert_int_equal(run(plan, iov_bind_plan(plan, &vf, 1, "vfio-pci", 0)), -EINVAL);
	assert_message("its driver nvidia gives it to guests by itself");
	assert_true(iov_vfio_by_vendor(model.iov, vf));
}

static void a_vf_that_is_no_vgpu_yet_is_not_given(void **state)
{
	_cleanup_json_ struct json_object *properties = NULL;

	(void)state;
	assert_int_equal(create(NVIDIA, 3, NULL), 0);
	assert_int_equal(iov_class_take(model.iov, bdf_of("0000:41:00.1"), &properties), -EBUSY);
	assert_message("is no vGPU yet");
	json_object_put(properties);
	assert_int_equal(set(NVIDIA, 0, "vgpu_type", "1430"), 0);
	assert_int_equal(iov_class_take(model.iov, bdf_of("0000:41:00.1"), &properties), 0);
	assert_string_equal(json_object_to_json_string_ext(properties, JSON_C_TO_STRING_PLAIN), "{}");
}

/* A wrong list of the driver, and a VF that goes between plan and change. */
static void what_the_driver_says_wrong_does_no_harm(void **state)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	struct iov_plan *plan = new_plan();

	(void)state;
	assert_int_equal(create(NVIDIA, 3, NULL), 0);
	attribute("0000:41:00.1", "nvidia/creatable_vgpu_types",
		  "\n:\n1430\n : x\n-1 : y\n99999999999999999999 : z\n0 : none\n1432 :\n");
	assert_int_equal(set(NVIDIA, 0, "vgpu_type", "7"), -EINVAL);
	assert_message("expected one of: 1432 ()");
	attribute("0000:41:00.1", "nvidia/current_vgpu_type", "many\n");
	assert_int_equal(set(NVIDIA, 0, "vgpu_type", "1432"), -EOPNOTSUPP);
	assert_int_equal(iov_vf_attribute_parse(model.iov, "vgpu_type", "1430", values), 0);
	assert_int_equal(iov_vf_set_plan(plan, bdf_of(NVIDIA), -1, 2, values), 0);
	tree_unlink(model.tree, PCI "0000:41:00.3/nvidia/current_vgpu_type");
	assert_int_equal(run(plan, 0), -ENOENT);
	assert_message("the VF, or the vGPU driver of its GPU, is gone");
}

static void a_type_for_a_gpu_without_vgpus_is_refused(void **state)
{
	(void)state;
	assert_int_equal(create(XE, 1, NULL), 0);
	assert_int_equal(set(XE, 0, "vgpu_type", "1430"), -EOPNOTSUPP);
	assert_message("has no folder nvidia");
}

static void an_integrated_gpu_goes_with_its_opregion(void **state)
{
	_cleanup_json_ struct json_object *properties = NULL, *of_card = NULL;
	unsigned char config[256] = { 0x86, 0x80 };

	(void)state;
	add_function(I915, "0x030000\n", "vfio-pci", false);
	tree_bytes(model.tree, PCI I915 "/config", config, sizeof(config));
	assert_int_equal(iov_class_take(model.iov, bdf_of(I915), &of_card), 0);
	assert_string_equal(json_object_to_json_string_ext(of_card, JSON_C_TO_STRING_PLAIN), "{}");
	config[0xfc] = 0x18;
	config[0xfe] = 0x70;
	tree_bytes(model.tree, PCI I915 "/config", config, sizeof(config));
	assert_int_equal(iov_class_take(model.iov, bdf_of(I915), &properties), 0);
	assert_string_equal(json_object_to_json_string_ext(properties, JSON_C_TO_STRING_PLAIN),
			    "{\"x-igd-opregion\":true,\"addr\":\"0x2\"}");
}

static void add_card(void)
{
	tree_file(model.tree, "sys/bus/pci/drivers/vfio-pci/bind", "");
	add_function(CARD, "0x030000\n", "amdgpu", false);
	add_function("0000:81:00.1", "0x040300\n", "snd_hda_intel", false);
	add_function("0000:81:00.2", "0x0c0330\n", "xhci_hcd", false);
	add_function("0000:81:00.3", "0x0c8000\n", "ucsi", false);
	attribute(CARD, "resource", "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
				    "0x00000000c0000000 0x00000000cfffffff 0x000000000014220c\n"
				    "0 0 0\n0 0 0\n0 0 0\n0 0 0\n"
				    "0x00000000000c0000 0x00000000000dffff 0x0000000000000212\n");
	attribute(CARD, "resource1_resize", "0000000000003f00\n");
	attribute(CARD, "boot_vga", "0\n");
}

static void a_gpu_is_described(void **state)
{
	_cleanup_json_ struct json_object *object = NULL;

	(void)state;
	add_card();
	assert_int_equal(iov_class_describe(model.iov, bdf_of(CARD), &object), 0);
	json_object_object_del(object, "ways");
	assert_string_equal(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
		"{\"name\":\"gpu\",\"boot_vga\":false,\"slot\":[\"0000:81:00.1\",\"0000:81:00.2\",\"0000:81:00.3\"],"
		"\"rom\":\"shadowed\",\"resizable_bars\":[{\"bar\":1,\"size\":\"256M\",\"sizes\":[\"256M\",\"512M\","
		"\"1G\",\"2G\",\"4G\",\"8G\"]}]}");
}

static int size_bar(const char *text)
{
	const struct iov_bdf card = bdf_of(CARD);
	struct iov_plan *plan = new_plan();
	struct iov_bar_size size;
	int error = iov_bar_size_parse(model.iov, card, text, &size);

	if (!error)
		error = iov_bind_sized_plan(plan, &card, 1, "vfio-pci", IOV_BIND_ANY_DRIVER, &size, 1);
	iov_plan_free(plan);
	return error;
}

static void sizes_that_a_bar_cannot_have_are_refused(void **state)
{
	(void)state;
	add_card();
	assert_int_equal(size_bar("1"), -EINVAL);
	assert_int_equal(size_bar("6=1G"), -EINVAL);
	assert_int_equal(size_bar("1=3G"), -EINVAL);
	assert_message("like 1=16G");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_gpu_is_known_by_what_the_kernel_says),
		TEST(memory_of_vfs_is_shared_out_before_they_are_made),
		TEST(what_fails_gives_the_memory_back),
		TEST(a_vf_without_memory_beside_those_that_have_some_is_refused),
		TEST(shares_of_time_change_at_any_moment),
		TEST(memory_of_vfs_that_exist_is_refused),
		TEST(vfs_that_stay_keep_their_share_of_time),
		TEST(removed_vfs_come_back_with_their_memory),
		TEST(the_files_of_i915_have_several_names),
		TEST(the_older_names_of_i915_are_found_too),
		TEST(a_gpu_that_runs_without_sr_iov_says_what_turns_it_on),
		TEST(vfs_of_amd_are_made_by_its_module),
		TEST(vgpus_are_enabled_by_their_tool_and_made_by_number),
		TEST(vgpus_are_made_along_with_their_vfs),
		TEST(a_vgpu_that_fails_takes_the_others_back),
		TEST(another_type_goes_by_way_of_none),
		TEST(a_wrong_type_and_no_room_are_told_apart),
		TEST(a_vgpu_is_not_taken_from_who_has_it),
		TEST(all_vfs_of_vgpus_or_none),
		TEST(vfs_of_vgpus_stay_with_their_driver),
		TEST(a_vf_that_is_no_vgpu_yet_is_not_given),
		TEST(what_the_driver_says_wrong_does_no_harm),
		TEST(a_type_for_a_gpu_without_vgpus_is_refused),
		TEST(an_integrated_gpu_goes_with_its_opregion),
		TEST(a_gpu_is_described),
		TEST(sizes_that_a_bar_cannot_have_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
