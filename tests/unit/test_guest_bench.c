// SPDX-License-Identifier: GPL-2.0-or-later
// What is made of a probe's answers and of KVM's statistics, and the programs that are started for it.
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "bench/guest/child.h"
#include "bench/guest/counts.h"
#include "bench/guest/guest_bench.h"
#include "bench/guest/initramfs.h"
#include "bench/guest/machine.h"
#include "tests/unit/test.h"

static struct iov *iov;

static int open_iov(void **state)
{
	(void)state;
	return iov_open(&iov, NULL);
}

static int close_iov(void **state)
{
	(void)state;
	iov_close(iov);
	return 0;
}

static void an_answer_is_words(void **state)
{
	struct json_object *answer =
		machine_parse("ok ns=1000000000 name=eth0 p50=18446744073709551615 odd big=99999999999999999999\r");

	(void)state;
	assert_non_null(answer);
	assert_int_equal(json_object_get_uint64(json_object_object_get(answer, "ns")), 1000000000);
	assert_string_equal(json_text(answer, "name"), "eth0");
	assert_true(json_object_get_uint64(json_object_object_get(answer, "p50")) == UINT64_MAX);
	assert_string_equal(json_text(answer, "big"), "99999999999999999999");
	assert_null(json_object_object_get(answer, "odd"));
	json_object_put(answer);
	assert_null(machine_parse("failed no NIC: No such device"));
	assert_null(machine_parse("[    1.0] clocksource: tsc"));
	assert_null(machine_parse(""));
}

static void statistics_of_processors_add_up(void **state)
{
	static const char text[] =
		"[{\"provider\":\"kvm\",\"qom-path\":\"/machine/unattached/device[0]\",\"stats\":["
		"{\"name\":\"exits\",\"value\":100},{\"name\":\"irq_injections\",\"value\":7},"
		"{\"name\":\"halt_poll_success_hist\",\"value\":[1,2,3]},{\"name\":\"guest_mode\",\"value\":false},"
		"{\"name\":\"io_exits\",\"value\":40}]},"
		"{\"provider\":\"kvm\",\"stats\":[{\"name\":\"exits\",\"value\":11}]},"
		"{\"provider\":\"kvm\",\"stats\":null},{},7]";
	struct json_object *processors = json_tokener_parse(text);
	struct counts counts = {0};

	(void)state;
	assert_non_null(processors);
	counts_add_up(&counts, processors);
	json_object_put(processors);
	assert_int_equal(counts.kvm[COUNTS_EXITS], 111);
	assert_int_equal(counts.kvm[COUNTS_INJECTED], 7);
	assert_int_equal(counts.kvm[COUNTS_IO], 40);
	assert_int_equal(counts.has, 1u << COUNTS_EXITS | 1u << COUNTS_INJECTED | 1u << COUNTS_IO);
}

/* A side of networks whose loads all make @rate, with @exits a packet; less than 0 for none. */
static void add_network(struct json_object *results, const char *way, const char *device, double rate,
			double exits)
{
	static const char *const loads[] = {"out", "in", "packets", "round_trips"};
	struct json_object *side = json_object_new_object();

	json_object_object_add(side, "side", json_object_new_string(device ? device : way));
	json_object_object_add(side, "way", json_object_new_string(way));
	json_add_text(side, "device", device);
	for (size_t i = 0; i < 4; i++) {
		struct json_object *load = json_object_new_object(), *spread = json_object_new_object();

		json_object_object_add(spread, "median", json_object_new_double(rate));
		json_object_object_add(load, "rate", spread);
		json_object_object_add(load, "units", json_object_new_int(1000));
		if (exits >= 0)
			json_object_object_add(load, "exits_per_unit", json_object_new_double(exits));
		json_object_object_add(side, loads[i], load);
	}
	json_object_array_add(json_object_object_get(results, "networks"), side);
}

static struct json_object *results_new(const char *counts)
{
	struct json_object *results = json_object_new_object();

	json_object_object_add(results, "counts", json_object_new_string(counts));
	json_object_object_add(results, "load", json_object_new_object());
	json_object_object_add(results, "networks", json_object_new_array());
	json_object_object_add(results, "disks", json_object_new_array());
	json_object_object_add(results, "gaps", json_object_new_array());
	return results;
}

static void assert_advice(struct json_object *results, const char *wanted)
{
	struct json_object *advice;

	guest_bench_advise(results);
	advice = json_object_object_get(results, "advice");
	assert_int_equal(json_object_array_length(advice), 1);
	assert_string_equal(json_object_get_string(json_object_array_get_idx(advice, 0)), wanted);
}

static void advice_goes_by_time(void **state)
{
	struct json_object *results = results_new("time");

	(void)state;
	add_network(results, "native", NULL, 400, -1);
	add_network(results, "virtio", NULL, 100, 1);
	add_network(results, "vfio", "vfio A", 190, 0.1);
	assert_advice(results, "For networks choose vfio A: 48 % of what the host itself makes, 1.90 times virtio, "
		      "the next.");
	/* By the same device the host is nearer. */
	add_network(results, "native", "vfio A", 200, -1);
	assert_advice(results, "For networks choose vfio A: 95 % of what the host itself makes, 1.90 times virtio, "
		      "the next.");
	json_object_put(results);
}

static void a_lost_baseline_is_said(void **state)
{
	struct json_object *results = results_new("nothing");

	(void)state;
	add_network(results, "virtio", NULL, 100, -1);
	assert_advice(results, "For networks choose virtio; what the host itself makes is not known; guests were "
		      "emulated, without KVM, so that it says nothing of guests by KVM.");
	json_object_put(results);
	results = results_new("time");
	add_network(results, "native", NULL, 100, -1);
	assert_advice(results, "For networks nothing can be advised: no way into a guest was measured as a whole.");
	json_object_put(results);
}

static void advice_goes_by_exits_on_an_emulated_host(void **state)
{
	struct json_object *results = results_new("exits");

	(void)state;
	add_network(results, "native", NULL, 400, -1);
	add_network(results, "virtio", NULL, 900, 1.5);
	add_network(results, "vfio", "vfio A", 1, 0.25);
	assert_advice(results, "For networks choose vfio A: 0.25 exits a packet of all loads, where virtio, the next, has 1.50; "
		      "this host is emulated itself, so that exits count and time does not.");
	json_object_put(results);
	results = results_new("exits");
	add_network(results, "virtio", NULL, 900, -1);
	assert_advice(results, "For networks nothing can be advised: time is the emulator's here, and KVM told no "
		      "exits.");
	json_object_put(results);
}

/* A load that failed has no rate; a side without it is no choice. */
static void a_side_that_failed_is_not_chosen(void **state)
{
	struct json_object *results = results_new("time"), *side;

	(void)state;
	add_network(results, "virtio", NULL, 100, 1);
	add_network(results, "vhost-net", NULL, 900, 1);
	side = json_object_array_get_idx(json_object_object_get(results, "networks"), 1);
	json_object_object_del(side, "in");
	assert_advice(results, "For networks choose virtio; what the host itself makes is not known.");
	json_object_put(results);
	results = results_new("exits");
	add_network(results, "virtio", NULL, 100, 3);
	add_network(results, "emulated", NULL, 100, 1);
	side = json_object_array_get_idx(json_object_object_get(results, "networks"), 1);
	json_object_object_del(side, "in");
	assert_advice(results, "For networks virtio alone was measured as a whole, with 3.00 exits a packet of all loads; this host is emulated "
		      "itself, so that exits count and time does not.");
	json_object_put(results);
}

static void a_page_has_it_all(void **state)
{
	char path[] = "/tmp/iovkit-guest-page.XXXXXX", *text = NULL;
	struct json_object *results = results_new("exits"), *gap = json_object_new_object();
	size_t length = 0;
	struct page page;
	FILE *file;

	(void)state;
	close(mkstemp(path));
	add_network(results, "virtio", NULL, 100, 1.5);
	json_object_object_add(gap, "side", json_object_new_string("vdpa"));
	json_object_object_add(gap, "what", json_object_new_string("device"));
	json_object_object_add(gap, "why", json_object_new_string("</p><script>alert(1)</script>"));
	json_object_array_add(json_object_object_get(results, "gaps"), gap);
	guest_bench_advise(results);
	assert_int_equal(page_open(&page, iov, path), 0);
	guest_bench_html(&page, results);
	assert_int_equal(page_close(&page, iov), 0);
	json_object_put(results);

	file = fopen(path, "r");
	assert_true(getdelim(&text, &length, '\0', file) > 0);
	fclose(file);
	unlink(path);
	assert_non_null(strstr(text, "<b>For networks virtio alone was measured as a whole, with 1.50 exits a packet"));
	assert_non_null(strstr(text, "VM exits) a packet</h2>"));
	assert_non_null(strstr(text, "vdpa, device: &lt;/p&gt;&lt;script&gt;"));
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "http"));
	free(text);
}

/* A file that "gzip" made of a text. */
static void write_compressed(const char *path, const char *data)
{
	struct archive *writer = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	archive_write_set_format_raw(writer);
	archive_write_add_filter_gzip(writer);
	assert_int_equal(archive_write_open_filename(writer, path), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_write_header(writer, entry);
	archive_write_data(writer, data, strlen(data));
	archive_entry_free(entry);
	archive_write_close(writer);
	archive_write_free(writer);
}

static void an_initramfs_has_files_as_they_are_unpacked(void **state)
{
	static const char data[] = "a module, say";
	char path[] = "/tmp/iovkit-guest-file.XXXXXX", got[64] = "";
	struct initramfs_options options = {.probe = "/proc/self/exe", .shell = path};
	struct archive *reader = archive_read_new();
	struct archive_entry *entry;
	bool has_init = false;
	int fd;

	(void)state;
	close(mkstemp(path));
	write_compressed(path, data);
	assert_int_equal(initramfs_make(&fd, iov, &options), 0);
	unlink(path);
	lseek(fd, 0, SEEK_SET);
	archive_read_support_format_cpio(reader);
	assert_int_equal(archive_read_open_fd(reader, fd, 4096), ARCHIVE_OK);
	while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
		has_init |= !strcmp(archive_entry_pathname(entry), "init") &&
			    archive_entry_perm(entry) == 0755 && archive_entry_size(entry) > 1000;
		if (!strcmp(archive_entry_pathname(entry), INITRAMFS_SHELL))
			assert_int_equal(archive_read_data(reader, got, sizeof(got)), strlen(data));
	}
	assert_true(has_init);
	assert_string_equal(got, data);
	archive_read_free(reader);
	close(fd);
}

static void a_file_that_is_missing_is_named(void **state)
{
	struct initramfs_options options = {.probe = "/nonexistent/probe"};
	int fd;

	(void)state;
	assert_true(initramfs_make(&fd, iov, &options) < 0);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(iov_error_message(iov), "/nonexistent/probe"));
}

static const struct child_options plain = {.in = -1, .out = -1, .network = -1};

static void a_program_that_is_missing_is_named(void **state)
{
	const char *const argv[] = {"iovkit-no-such-program", NULL};
	struct child child;

	(void)state;
	assert_int_equal(child_start(&child, iov, argv, &plain), -ENOENT);
	assert_non_null(strstr(iov_error_message(iov), "iovkit-no-such-program: No such file"));
	assert_false(child_runs(&child));
	child_end(&child);
}

static void what_a_program_said_is_kept(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo one >&2; echo two; exit 3", NULL};
	struct child child;
	char said[64];

	(void)state;
	assert_int_equal(child_start(&child, iov, argv, &plain), 0);
	for (unsigned int i = 0; i < 500 && child_runs(&child); i++)
		usleep(10000);
	child_said(&child, said, sizeof(said));
	child_end(&child);
	assert_string_equal(said, "one two");
}

static void a_program_is_told_no_password(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo \"${IOV_ETCD_PASSWORD-none} $HOME\"", NULL};
	struct child child;
	char said[64];

	(void)state;
	setenv("IOV_ETCD_PASSWORD", "secret", 1);
	setenv("HOME", "/home", 1);
	assert_int_equal(child_start(&child, iov, argv, &plain), 0);
	for (unsigned int i = 0; i < 500 && child_runs(&child); i++)
		usleep(10000);
	child_said(&child, said, sizeof(said));
	child_end(&child);
	assert_string_equal(said, "none /home");
	assert_string_equal(getenv("IOV_ETCD_PASSWORD"), "secret");
	unsetenv("IOV_ETCD_PASSWORD");
}

static void one_that_is_stopped_or_deaf_ends_all_the_same(void **state)
{
	const char *const argv[] = {"sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done", NULL};
	struct child child;
	char said[64];
	pid_t pid;

	(void)state;
	assert_int_equal(child_start(&child, iov, argv, &plain), 0);
	pid = child.pid;
	do
		child_said(&child, said, sizeof(said));
	while (!*said);
	kill(pid, SIGSTOP);
	child_end(&child);
	assert_int_equal(kill(pid, 0), -1);
}

static void a_probe_that_fails_says_why(void **state)
{
	struct json_object *answer;
	struct machine machine;
	int error;

	(void)state;
	assert_int_equal(machine_start_host(&machine, iov, PROBE, -1, NULL, 0, NULL), 0);
	assert_int_equal(machine_ask(&machine, 5000, &answer, "disk /nonexistent/disk"), -EIO);
	assert_non_null(strstr(iov_error_message(iov), "/nonexistent/disk: No such file"));
	assert_int_equal(machine_ask(&machine, 5000, &answer, "read 1 10"), -EIO);
	assert_int_equal(machine_ask(&machine, 5000, &answer, "nonsense"), -EIO);
	assert_non_null(strstr(iov_error_message(iov), "nonsense: no such command"));
	kill(machine.child.pid, SIGSTOP);
	assert_int_equal(machine_ask(&machine, 300, &answer, "idle 0"), -ETIMEDOUT);
	kill(machine.child.pid, SIGKILL);
	error = machine_ask(&machine, 5000, &answer, "idle 0");
	assert_int_equal(error, -EIO);
	assert_non_null(strstr(iov_error_message(iov), "it ended"));
	machine_end(&machine);
}

static void a_probe_reads_a_disk(void **state)
{
	char path[] = "/var/tmp/iovkit-guest-disk.XXXXXX";
	struct json_object *answer;
	struct machine machine;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	close(fd);
	assert_int_equal(machine_start_host(&machine, iov, PROBE, -1, NULL, 0, NULL), 0);
	assert_int_equal(machine_ask(&machine, 5000, &answer, "disk %s", path), 0);
	assert_int_equal(json_object_get_int(json_object_object_get(answer, "bytes")), 1 << 20);
	json_object_put(answer);
	assert_int_equal(machine_ask(&machine, 20000, &answer, "read 8 100"), 0);
	assert_true(json_object_get_int(json_object_object_get(answer, "requests")) > 0);
	assert_int_equal(json_object_get_int(json_object_object_get(answer, "errors")), 0);
	assert_true(json_object_get_uint64(json_object_object_get(answer, "p50")) <=
		    json_object_get_uint64(json_object_object_get(answer, "max")));
	json_object_put(answer);
	machine_end(&machine);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_words),
		cmocka_unit_test(statistics_of_processors_add_up),
		cmocka_unit_test(advice_goes_by_time),
		cmocka_unit_test(a_lost_baseline_is_said),
		cmocka_unit_test(advice_goes_by_exits_on_an_emulated_host),
		cmocka_unit_test(a_side_that_failed_is_not_chosen),
		cmocka_unit_test(a_page_has_it_all),
		cmocka_unit_test(an_initramfs_has_files_as_they_are_unpacked),
		cmocka_unit_test(a_file_that_is_missing_is_named),
		cmocka_unit_test(a_program_that_is_missing_is_named),
		cmocka_unit_test(what_a_program_said_is_kept),
		cmocka_unit_test(a_program_is_told_no_password),
		cmocka_unit_test(one_that_is_stopped_or_deaf_ends_all_the_same),
		cmocka_unit_test(a_probe_that_fails_says_why),
		cmocka_unit_test(a_probe_reads_a_disk),
	};

	return cmocka_run_group_tests(tests, open_iov, close_iov);
}
