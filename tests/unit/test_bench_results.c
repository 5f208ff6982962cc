// SPDX-License-Identifier: GPL-2.0-or-later
// Files of results: what is read, what is refused and why, and what a comparison says.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "bench/compare.h"
#include "bench/ranks.h"
#include "bench/result.h"
#include "tests/unit/random.h"
#include "tests/unit/test.h"

#define TURNS 10

static struct iov *iov;
static char path[] = "/tmp/iovkit-results.XXXXXX";

static int set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0 || close(fd))
		return -1;
	return iov_open(&iov, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	iov_close(iov);
	return unlink(path);
}

static void write_file(const char *text, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static int read_text(struct json_object **result, const char *text)
{
	write_file(text, strlen(text));
	return bench_result_read(result, iov, path);
}

#define HEAD "{\"format\":\"iov-bench\",\"version\":1,\"kind\":\"net\",\"figure\":\"mpps\",\"unit\":\"u\","
#define REST "\"complete\":true,\"load\":{},\"environment\":{},"
#define SIDES(turns) "\"sides\":[{\"side\":\"a\",\"mpps\":1,\"turns\":" turns "}]}"

static void what_is_no_result_is_refused_by_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *says;
	} files[] = {
		{ "", "is empty" },
		{ "{", "ends too early" },
		{ HEAD REST, "ends too early" },
		{ "nonsense", "is no JSON" },
		{ "[]", "no object" },
		{ "null", "no object" },
		{ "{}", "JSON of something else" },
		{ "{\"format\":\"fio\",\"version\":1}", "JSON of something else" },
		{ "{\"format\":1,\"version\":1}", "JSON of something else" },
		{ "{\"format\":\"iov-bench\"}", "of version null" },
		{ "{\"format\":\"iov-bench\",\"version\":2}", "this iov reads version 1" },
		{ "{\"format\":\"iov-bench\",\"version\":\"1\"}", "of version \"1\"" },
		{ "{\"format\":\"iov-bench\",\"version\":1}", "'kind', 'figure' or 'unit'" },
		{ HEAD SIDES("[1]"), "'load' or 'environment'" },
		{ HEAD "\"load\":{},\"environment\":{}," SIDES("[1]"), "'complete'" },
		{ HEAD REST "\"sides\":{}}", "'sides' is no array" },
		{ HEAD REST "\"sides\":[]}", "nothing was measured" },
		{ HEAD REST "\"sides\":[null]}", "figures that are no numbers" },
		{ HEAD REST "\"sides\":[{\"side\":\"a\",\"mpps\":1}]}", "figures that are no numbers" },
		{ HEAD REST SIDES("[1,null]"), "figures that are no numbers" },
		{ HEAD REST SIDES("[1,\"2\"]"), "figures that are no numbers" },
		{ HEAD REST SIDES("[1,-2]"), "figures that are no numbers" },
		{ HEAD REST SIDES("[1,NaN]"), "figures that are no numbers" },
		{ HEAD REST SIDES("[1,1e999]"), "figures that are no numbers" },
		{ HEAD REST "\"sides\":[{\"side\":\"a\",\"mpps\":1,\"turns\":[1],\"unit\":1}]}",
		  "figures that are no numbers" },
		{ HEAD REST SIDES("[1]") "x", "something behind its JSON" },
		{ HEAD REST SIDES("[1]") "{}", "something behind its JSON" },
	};
	struct json_object *result;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (read_text(&result, files[i].text) != -EINVAL)
			fail_msg("'%s' is taken", files[i].text);
		assert_null(result);
		if (!strstr(iov_error_message(iov), files[i].says) ||
		    strncmp(iov_error_message(iov), path, strlen(path)) != 0)
			fail_msg("'%s': %s", files[i].text, iov_error_message(iov));
		assert_int_equal(iov_failure(iov, -EINVAL), IOV_FAILURE_INPUT);
	}
	write_file("{}\0{}", 5);
	assert_int_equal(bench_result_read(&result, iov, path), -EINVAL);
	assert_int_equal(bench_result_read(&result, iov, "/nonexistent"), -ENOENT);
	assert_int_equal(bench_result_read(&result, iov, "/"), -EISDIR);
	assert_int_equal(read_text(&result, HEAD REST SIDES("[1, 2]") "\n \n"), 0);
	json_object_put(result);
}

static void huge_file_is_refused(void **state)
{
	struct json_object *result;

	(void)state;
	write_file("{}", 2);
	assert_int_equal(truncate(path, 40 << 20), 0);
	assert_int_equal(bench_result_read(&result, iov, path), -EINVAL);
	assert_non_null(strstr(iov_error_message(iov), "more than 32 MiB"));
}

static double uniform(struct random *random)
{
	return 1 + (double)random_below(random, 1000000) / 1e6;
}

/* Of samples of one distribution the interval has 1 in it, 95 times of 100. */
static void intervals_hold_what_they_promise(void **state)
{
	static const size_t sizes[][2] = { { 4, 4 }, { 5, 15 }, { 15, 15 }, { 20, 30 }, { 26, 25 }, { 40, 60 } };
	struct random random = { .state = 205 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const unsigned int samples = 3000;
		unsigned int right = 0;

		for (unsigned int j = 0; j < samples; j++) {
			double first[64], second[64];
			struct ranks ranks;

			for (size_t k = 0; k < sizes[i][0]; k++)
				first[k] = uniform(&random);
			for (size_t k = 0; k < sizes[i][1]; k++)
				second[k] = uniform(&random) * 3;
			assert_true(ranks_compare(first, sizes[i][0], second, sizes[i][1], &ranks));
			assert_true(ranks.is_sure);
			assert_true(ranks.low <= ranks.ratio && ranks.ratio <= ranks.high);
			right += ranks.low <= 3 && ranks.high >= 3;
		}
		if (right < samples * 94 / 100 || right > samples * 985 / 1000)
			fail_msg("%zu and %zu values: right %u times of %u", sizes[i][0], sizes[i][1],
				 right, samples);
	}
}

/* Critical values of Mann and Whitney's U, from any table of them */
static void intervals_are_those_of_the_tables(void **state)
{
	static const struct {
		size_t count, critical;
	} table[] = { { 4, 0 }, { 5, 2 }, { 8, 13 }, { 10, 23 }, { 15, 64 }, { 20, 127 } };

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const size_t count = table[i].count;
		double first[32], second[32], wanted = 0;
		struct ranks ranks;

		/* The quotients are count * count different numbers from 1 on. */
		for (size_t j = 0; j < count; j++) {
			first[j] = 1 / (1 + (double)j * 1e-3);
			second[j] = 1 + (double)j;
		}
		wanted = second[table[i].critical / count] *
			 (1 + (double)(table[i].critical % count) * 1e-3);
		assert_true(ranks_compare(first, count, second, count, &ranks));
		assert_true(fabs(ranks.low / wanted - 1) < 1e-9);
	}
}

static void few_or_no_values_promise_nothing(void **state)
{
	double first[] = { 1, 2, 3 }, second[] = { 10, 20, 30 }, nothing[] = { 0, 0, 0, 0, 0 };
	double some[] = { 1, 1, 1, 1, 1 };
	struct ranks ranks;

	(void)state;
	assert_true(ranks_compare(first, 3, second, 3, &ranks));
	assert_false(ranks.is_sure);
	assert_true(fabs(ranks.ratio - 10) < 1e-9);
	assert_true(ranks_compare(nothing, 5, some, 5, &ranks));
	assert_true(isinf(ranks.ratio) && isinf(ranks.high));
	assert_true(ranks_compare(some, 5, nothing, 5, &ranks));
	assert_true(ranks.ratio < 1e-300 && ranks.high < 1e-300);
	assert_true(ranks_compare(nothing, 5, nothing, 5, &ranks));
	assert_false(isnan(ranks.ratio));
}

static struct json_object *result_of(const char *kind, const char *side, double rate, double latency)
{
	struct json_object *result, *turns, *times, *object;

	assert_int_equal(read_text(&result, HEAD REST SIDES("[1]")), 0);
	json_add_text(result, "kind", kind);
	object = json_object_array_get_idx(json_object_object_get(result, "sides"), 0);
	json_add_text(object, "side", side);
	turns = json_object_new_array();
	times = json_object_new_array();
	for (int i = 0; i < TURNS; i++) {
		json_object_array_add(turns, json_object_new_double(rate * (1 + 0.001 * i)));
		json_object_array_add(times, json_object_new_double(latency * (1 + 0.001 * i)));
	}
	json_object_object_add(object, "turns", turns);
	object = (json_object_object_add(object, "turn_latency_us", json_object_new_object()),
		  json_object_object_get(object, "turn_latency_us"));
	json_object_object_add(object, "p99", times);
	return result;
}

static const char *const names[2] = { "before.json", "after.json" };

/* Of rates more is better, of times less */
static void verdicts_are_about_the_second(void **state)
{
	static const struct {
		double rate, latency;
		const char *verdicts[2];
	} cases[] = {
		{ 1.5, 1.5, { "better", "worse" } },
		{ 0.5, 0.5, { "worse", "better" } },
		{ 1.001, 0.999, { "same", "same" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_cleanup_json_ struct json_object *first = result_of("net", "a", 1, 1), *comparison = NULL;
		_cleanup_json_ struct json_object *second = result_of("net", "b", cases[i].rate,
								      cases[i].latency);

		assert_int_equal(bench_compare(&comparison, iov, names,
					       (struct json_object *[]){ first, second }), 0);
		for (size_t j = 0; j < 2; j++) {
			struct json_object *figure = json_object_array_get_idx(
				json_object_object_get(comparison, "figures"), j);

			assert_string_equal(json_text(figure, "verdict"), cases[i].verdicts[j]);
			assert_non_null(strstr(json_text(figure, "words"),
					       strcmp(cases[i].verdicts[j], "same") ?
					       cases[i].verdicts[j] : "no difference shows"));
		}
	}
}

static void results_of_two_kinds_are_refused(void **state)
{
	_cleanup_json_ struct json_object *first = result_of("net", "a", 1, 1), *comparison = NULL;
	_cleanup_json_ struct json_object *second = result_of("blk", "a", 1, 1);

	(void)state;
	assert_int_equal(bench_compare(&comparison, iov, names,
				       (struct json_object *[]){ first, second }), -EINVAL);
	assert_non_null(strstr(iov_error_message(iov), "after.json of 'iov bench blk'"));
}

static void differences_and_the_unmatched_are_told(void **state)
{
	_cleanup_json_ struct json_object *first = result_of("net", "a", 1, 1), *comparison = NULL;
	_cleanup_json_ struct json_object *second = result_of("net", "a", 1, 1);
	struct json_object *other = json_copy(json_object_array_get_idx(
		json_object_object_get(second, "sides"), 0)), *list;

	(void)state;
	json_add_text(other, "side", "c");
	json_object_array_add(json_object_object_get(second, "sides"), other);
	json_add_text(json_object_object_get(first, "load"), "size", "64");
	json_add_text(json_object_object_get(second, "environment"), "kernel", "6.1");
	json_add_text(json_object_object_get(second, "environment"), "load_average", "9");
	assert_int_equal(bench_compare(&comparison, iov, names,
				       (struct json_object *[]){ first, second }), 0);
	list = json_object_object_get(comparison, "differences");
	assert_int_equal(json_object_array_length(list), 2);
	assert_string_equal(json_text(json_object_array_get_idx(list, 0), "member"), "size");
	assert_string_equal(json_text(json_object_array_get_idx(list, 1), "member"), "kernel");
	assert_true(json_array_has(json_object_object_get(comparison, "unmatched"), "c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_result_is_refused_by_what_is_wrong),
		cmocka_unit_test(huge_file_is_refused),
		cmocka_unit_test(intervals_hold_what_they_promise),
		cmocka_unit_test(intervals_are_those_of_the_tables),
		cmocka_unit_test(few_or_no_values_promise_nothing),
		cmocka_unit_test(verdicts_are_about_the_second),
		cmocka_unit_test(results_of_two_kinds_are_refused),
		cmocka_unit_test(differences_and_the_unmatched_are_told),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
