// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices for containers on a recorded host: what is described, kept current, and kept as it is. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/sysroot.h"
#include "host/cdi/cdi.h"
#include "tests/unit/tree.h"

#define VF "0000:01:10.2"
#define VF_PATH "sys/devices/pci0000:00/0000:00:01.0/" VF
#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define MDEV "sys/bus/mdev/devices/" UUID
#define SETTINGS "run/iovkit/cdi.json"

static struct {
	char *tree;
	struct iov *iov;
	char log[4096];
} host;

static void on_log(void *arg, int level, const char *message)
{
	size_t length = strlen(host.log);

	(void)arg;
	if (level <= LOG_NOTICE)
		snprintf(host.log + length, sizeof(host.log) - length, "%s\n", message);
}

static void look_again(void)
{
	struct iov_options options = { .root = host.tree, .log = on_log };

	iov_close(host.iov);
	host.log[0] = '\0';
	assert_int_equal(iov_open(&host.iov, &options), 0);
	iov_sys_set_timeout(host.iov, 500);
}

static int setup(void **state)
{
	(void)state;
	host.tree = tree_of_host("default");
	host.iov = NULL;
	look_again();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov_close(host.iov);
	tree_remove(host.tree);
	return 0;
}

/* The file as JSON, NULL without one. */
static struct json_object *written(void)
{
	_cleanup_free_ char *text = NULL;

	return iov_sys_read_all(host.iov, IOV_CDI_FILE, &text, NULL) ? NULL : json_tokener_parse(text);
}

static struct json_object *device_of(struct json_object *document, const char *name)
{
	struct json_object *devices = json_object_object_get(document, "devices");

	for (size_t i = 0; devices && i < json_object_array_length(devices); i++) {
		if (!strcmp(json_text(json_object_array_get_idx(devices, i), "name"), name))
			return json_object_array_get_idx(devices, i);
	}
	return NULL;
}

static size_t devices_written(void)
{
	_cleanup_json_ struct json_object *document = written();

	return document ? json_object_array_length(json_object_object_get(document, "devices")) : 0;
}

static void keep_file(void)
{
	tree_file(host.tree, SETTINGS, "{\"mode\":\"0660\",\"owner\":\"64055:108\"}");
	assert_int_equal(iov_cdi_refresh(host.iov), 0);
	assert_int_equal(devices_written(), 1);
	look_again();
}

static void add_mdev(void)
{
	tree_link(host.tree, MDEV "/iommu_group", "../../../../kernel/iommu_groups/99");
	tree_file(host.tree, MDEV "/vfio-dev/vfio7/dev", "510:7\n");
}

/* Refreshing fails so, and nothing of the file is another. */
static void stays(int wanted, const char *why)
{
	_cleanup_json_ struct json_object *before = written(), *after = NULL;

	assert_non_null(before);
	assert_int_equal(iov_cdi_refresh(host.iov), wanted);
	assert_non_null(strstr(iov_error_message(host.iov), "stays as it was"));
	assert_non_null(strstr(iov_error_message(host.iov), why));
	after = written();
	assert_true(json_object_equal(before, after));
}

static void a_function_is_described_by_its_group(void **state)
{
	_cleanup_json_ struct json_object *document = NULL;
	const char *text;

	(void)state;
	keep_file();
	document = written();
	assert_string_equal(json_text(document, "cdiVersion"), "0.5.0");
	assert_string_equal(json_text(document, "kind"), "iovkit.org/vfio");
	text = json_object_to_json_string_ext(device_of(document, VF),
					      JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	assert_string_equal(text,
		"{\"name\":\"" VF "\",\"containerEdits\":{\"env\":[\"IOVKIT_VFIO_0000_01_10_2=/dev/vfio/17\"],"
		"\"deviceNodes\":["
		"{\"path\":\"/dev/vfio/vfio\",\"type\":\"c\",\"permissions\":\"rw\",\"fileMode\":432,"
		"\"uid\":64055,\"gid\":108},"
		"{\"path\":\"/dev/vfio/17\",\"type\":\"c\",\"permissions\":\"rw\",\"fileMode\":432,"
		"\"uid\":64055,\"gid\":108}]}}");
}

static void with_iommufd_each_has_a_node_of_its_own_as_well(void **state)
{
	_cleanup_json_ struct json_object *document = NULL;
	const char *text;

	(void)state;
	tree_file(host.tree, "dev/iommu", "");
	add_mdev();
	tree_file(host.tree, SETTINGS, "{}");
	assert_int_equal(iov_cdi_refresh(host.iov), 0);
	document = written();
	assert_non_null(device_of(document, VF));
	assert_non_null(device_of(document, UUID));
	text = json_object_to_json_string_ext(device_of(document, UUID "-cdev"),
					      JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	assert_non_null(strstr(text, "=/dev/vfio/devices/vfio7"));
	assert_non_null(strstr(text, "\"/dev/iommu\""));
	assert_null(strstr(text, "fileMode"));
	assert_null(strstr(text, "uid"));
	text = json_object_to_json_string_ext(device_of(document, VF "-cdev"), JSON_C_TO_STRING_NOSLASHESCAPE);
	assert_non_null(strstr(text, "/dev/vfio/devices/vfio0"));
}

static void the_file_follows_what_vfio_has(void **state)
{
	(void)state;
	assert_int_equal(iov_cdi_refresh(host.iov), 0);
	assert_int_equal(devices_written(), 0);
	keep_file();
	add_mdev();
	assert_int_equal(iov_cdi_refresh(host.iov), 0);
	assert_int_equal(devices_written(), 2);
	tree_unlink(host.tree, MDEV "/iommu_group");
	look_again();
	assert_int_equal(iov_cdi_refresh(host.iov), 0);
	assert_int_equal(devices_written(), 1);
	/* Without a device there is no file, and none either on a host that keeps none. */
	tree_unlink(host.tree, VF_PATH "/driver");
	look_again();
	assert_int_equal(iov_cdi_refresh(host.iov), 0);
	assert_false(iov_sys_exists(host.iov, IOV_CDI_FILE));
}

static void a_host_that_keeps_none_any_more_has_none(void **state)
{
	(void)state;
	keep_file();
	tree_unlink(host.tree, SETTINGS);
	look_again();
	assert_int_equal(iov_cdi_kept(host.iov, NULL), 0);
	assert_int_equal(iov_cdi_refresh(host.iov), 0);
	assert_false(iov_sys_exists(host.iov, IOV_CDI_FILE));
}

/* Not even what is new is written: what hangs may be healthy afterwards. */
static void while_a_function_does_not_answer_the_file_stays(void **state)
{
	(void)state;
	keep_file();
	tree_fifo(host.tree, VF_PATH "/config");
	add_mdev();
	look_again();
	stays(-ETIMEDOUT, VF);
	assert_null(strstr(host.log, "leaves out"));
}

static void settings_that_cannot_be_read_are_no_word_to_remove_it(void **state)
{
	(void)state;
	keep_file();
	tree_loop(host.tree, SETTINGS);
	look_again();
	stays(-ELOOP, SETTINGS);
}

static void what_is_left_out_is_logged_when_the_file_is_written(void **state)
{
	(void)state;
	keep_file();
	add_mdev();
	/* Its group is another's as well, whose driver is none of VFIO. */
	tree_link(host.tree, "sys/kernel/iommu_groups/17/devices/0000:01:00.0", "../../../../devices/pci0000:00/"
		  "0000:00:01.0/0000:01:00.0");
	look_again();
	assert_int_equal(iov_cdi_refresh(host.iov), 0);
	assert_int_equal(devices_written(), 1);
	assert_non_null(strstr(host.log, "leaves out: " VF ": its IOMMU group 17 is not viable"));
	look_again();
	assert_int_equal(iov_cdi_refresh(host.iov), 0);
	assert_string_equal(host.log, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_function_is_described_by_its_group),
		TEST(with_iommufd_each_has_a_node_of_its_own_as_well),
		TEST(the_file_follows_what_vfio_has),
		TEST(a_host_that_keeps_none_any_more_has_none),
		TEST(while_a_function_does_not_answer_the_file_stays),
		TEST(settings_that_cannot_be_read_are_no_word_to_remove_it),
		TEST(what_is_left_out_is_logged_when_the_file_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
