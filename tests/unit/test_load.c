// SPDX-License-Identifier: GPL-2.0-or-later
// The load generator, against the back end that does nothing and memory that is not read.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/net_bench.h"
#include "tests/unit/test.h"

static const bool never;

static void percentiles_are_right_to_a_sixty_fourth(void **state)
{
	static struct histogram histogram;

	(void)state;
	assert_int_equal(histogram_percentile(&histogram, 50), 0);
	for (uint64_t i = 1; i <= 100000; i++)
		histogram_add(&histogram, i * 10);
	assert_in_range(histogram_percentile(&histogram, 50), 500000, 500000 + 500000 / 64);
	assert_in_range(histogram_percentile(&histogram, 99.9), 999000, 999000 + 999000 / 64);
	assert_int_equal(histogram_percentile(&histogram, 100), 1000000);
	assert_in_range(histogram_percentile(&histogram, 0), 10, 10);
	histogram_add(&histogram, UINT64_MAX);
	assert_true(histogram_percentile(&histogram, 100) == UINT64_MAX);
}

static void histograms_add_up(void **state)
{
	static struct histogram one, other;

	(void)state;
	histogram_add(&one, 5);
	histogram_add(&other, 70);
	histogram_merge(&one, &other);
	assert_int_equal(one.total, 2);
	assert_int_equal(histogram_percentile(&one, 50), 5);
	assert_int_equal(histogram_percentile(&one, 100), 70);
}

/* Ones' complement sum of 16-bit words. */
static uint16_t internet_sum(const uint8_t *at, size_t count)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < count; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void frames_are_of_their_stations_and_have_a_right_header(void **state)
{
	const struct frames_plan plan = { .size = 64, .stations = 3, .flows = 2 };
	uint8_t there[FRAMES_HEADER + 64], back[FRAMES_HEADER + 64];

	(void)state;
	frames_build(&plan, 0, 4, false, there);
	frames_build(&plan, 1, 4, false, back);
	assert_memory_equal(there + FRAMES_HEADER, back + FRAMES_HEADER + 6, 6);
	assert_memory_equal(there + FRAMES_HEADER + 6, back + FRAMES_HEADER, 6);
	assert_int_equal(internet_sum(there + FRAMES_HEADER + 14, 20), 0xffff);
	frames_build(&plan, 0, 5, false, back);
	assert_memory_not_equal(there + FRAMES_HEADER, back + FRAMES_HEADER, 6);
	frames_build(&plan, 0, 4, true, back);
	assert_memory_not_equal(there + FRAMES_HEADER, back + FRAMES_HEADER, 6);
}

static void mix_has_frames_of_three_lengths(void **state)
{
	const struct frames_plan plan = { .stations = 1, .flows = 1 };
	unsigned int small = 0, middle = 0, large = 0;

	(void)state;
	for (unsigned int i = 0; i < 12; i++) {
		small += frames_size(&plan, i) == 64;
		middle += frames_size(&plan, i) == 594;
		large += frames_size(&plan, i) == 1514;
	}
	assert_int_equal(small, 7);
	assert_int_equal(middle, 4);
	assert_int_equal(large, 1);
}

static struct net_load_options load_of(uint32_t size, bool packed)
{
	return (struct net_load_options){
		.frames = { .size = size, .stations = 4, .flows = 1, .large = size > FRAMES_MTU },
		.ring_size = 256,
		.burst = 16,
		.packed = packed,
	};
}

static void run_against_sink(uint32_t size, bool packed)
{
	const struct net_load_options options = load_of(size, packed);
	struct net_load_counts counts;
	struct net_load *load;
	struct iov *iov;

	assert_int_equal(iov_open(&iov, NULL), 0);
	assert_int_equal(net_load_open_sink(&load, iov, 2, &options, -1), 0);
	assert_int_equal(net_load_run(load, 0.05, 0, &never, &counts), 0);
	assert_true(counts.sent > 0);
	assert_int_equal(counts.sent, counts.received + counts.late + counts.lost);
	assert_true(counts.bytes >= counts.received * size);
	net_load_close(load);
	iov_close(iov);
}

static void sink_takes_all_of_split_rings(void **state)
{
	(void)state;
	run_against_sink(64, false);
}

static void sink_takes_all_of_packed_rings(void **state)
{
	(void)state;
	run_against_sink(64, true);
}

static void sink_takes_frames_of_many_buffers(void **state)
{
	(void)state;
	run_against_sink(65000, false);
	run_against_sink(65000, true);
}

static void rate_is_kept(void **state)
{
	const struct net_load_options options = load_of(64, false);
	struct net_load_counts counts;
	struct net_load *load;
	struct iov *iov;

	(void)state;
	assert_int_equal(iov_open(&iov, NULL), 0);
	assert_int_equal(net_load_open_sink(&load, iov, 2, &options, -1), 0);
	assert_int_equal(net_load_run(load, 0.2, 10000, &never, &counts), 0);
	/* Never more; less only on a machine that gave us no time at the end. */
	assert_in_range(counts.sent, 1, (uint64_t)(counts.seconds * 10000) + 2);
	net_load_close(load);
	iov_close(iov);
}

static void rate_above_the_generator_is_refused(void **state)
{
	const struct bench_side side = { .name = "x", .paths = { "/nowhere", "/nowhere" }, .count = 2 };
	const struct net_bench_options options = {
		.load = load_of(64, false), .rate = 1e10,
		.turns = { .turns = 1, .slice = 0.1, .cpu = -1, .sink_cpu = -1, .stop = &never },
	};
	struct json_object *results;
	struct iov *iov;

	(void)state;
	assert_int_equal(iov_open(&iov, NULL), 0);
	assert_int_equal(net_bench_run(&results, iov, &side, 1, &options), -ERANGE);
	assert_non_null(strstr(iov_error_message(iov), "this generator makes"));
	assert_null(results);
	iov_close(iov);
}

static void nobody_at_a_socket_is_an_error(void **state)
{
	const char *const paths[] = { "/nonexistent/socket" };
	const struct net_load_options options = load_of(64, false);
	struct net_load *load;
	struct iov *iov;

	(void)state;
	assert_int_equal(iov_open(&iov, NULL), 0);
	assert_int_equal(net_load_open(&load, iov, paths, 1, &options), -ENOENT);
	assert_non_null(strstr(iov_error_message(iov), "/nonexistent/socket"));
	assert_null(load);
	iov_close(iov);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_are_right_to_a_sixty_fourth),
		cmocka_unit_test(histograms_add_up),
		cmocka_unit_test(frames_are_of_their_stations_and_have_a_right_header),
		cmocka_unit_test(mix_has_frames_of_three_lengths),
		cmocka_unit_test(sink_takes_all_of_split_rings),
		cmocka_unit_test(sink_takes_all_of_packed_rings),
		cmocka_unit_test(sink_takes_frames_of_many_buffers),
		cmocka_unit_test(rate_is_kept),
		cmocka_unit_test(rate_above_the_generator_is_refused),
		cmocka_unit_test(nobody_at_a_socket_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
