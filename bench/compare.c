// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/compare.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "bench/figures.h"
#include "bench/ranks.h"

#define WORDS 512

/* A difference that nobody minds: without one that is larger, two are the same. */
#define SAME 0.05

/* What differs between any two runs, and is told beside the figures. */
static const char *const fleeting[] = { "load_average" };

struct series {
	double *values;
	size_t count;
};

struct comparison {
	struct iov *iov;
	struct json_object *figures;
	const char *side;
};

/* What is compared: its values are those of two turns each */
struct figure {
	const char *name;
	const char *unit;
	bool less_is_better;
};

static bool take_series(struct series *series, struct json_object *array)
{
	series->count = json_object_array_length(array);
	series->values = calloc(series->count + 1, sizeof(*series->values));
	for (size_t i = 0; series->values && i < series->count; i++)
		series->values[i] = json_object_get_double(json_object_array_get_idx(array, i));
	return series->values;
}

static double median(const struct series *series)
{
	const size_t count = series->count;

	return (series->values[count / 2] + series->values[(count - 1) / 2]) / 2;
}

static void add_bound(struct json_object *object, const char *key, bool is_known, double value)
{
	json_object_object_add(object, key, is_known && isfinite(value) ?
			       json_object_new_double(value) : NULL);
}

/* "same" and "unclear": no difference shows, and none, or any, is in the interval */
static const char *judge(const struct ranks *ranks, bool less_is_better)
{
	if (!ranks->is_sure)
		return "unknown";
	if (ranks->low > 1)
		return less_is_better ? "worse" : "better";
	if (ranks->high < 1)
		return less_is_better ? "better" : "worse";
	return ranks->low >= 1 - SAME && ranks->high <= 1 + SAME ? "same" : "unclear";
}

/* "+4.2 %" */
static const char *percent(double ratio, char text[24])
{
	if (!isfinite(ratio))
		return "any number of %";
	snprintf(text, 24, "%+.1f %%", (ratio - 1) * 100);
	return text;
}

static void put_words(char *words, const struct figure *figure, const struct ranks *ranks,
		      const size_t counts[2])
{
	char ratio[24], low[24], high[24];
	const char *verdict = judge(ranks, figure->less_is_better);

	percent(ranks->ratio, ratio);
	if (!strcmp(verdict, "unknown"))
		snprintf(words, WORDS, "nothing can be said of so few turns (%zu and %zu): take at least "
			 "4 each, better 15", counts[0], counts[1]);
	else if (!strcmp(verdict, "same"))
		snprintf(words, WORDS, "no difference shows; if there is one, it is between %s and %s",
			 percent(ranks->low, low), percent(ranks->high, high));
	else if (!strcmp(verdict, "unclear"))
		snprintf(words, WORDS, "these turns differ too much among themselves to tell: anything "
			 "between %s and %s; take more", percent(ranks->low, low),
			 percent(ranks->high, high));
	else
		snprintf(words, WORDS, "the second is %s: %s, and 95 %% sure between %s and %s",
			 verdict, percent(ranks->ratio, ratio), percent(ranks->low, low),
			 percent(ranks->high, high));
}

static int add_figure(struct comparison *comparison, const struct figure *figure,
		      struct series series[2])
{
	const size_t counts[2] = { series[0].count, series[1].count };
	struct json_object *object;
	struct ranks ranks;
	char words[WORDS];

	if (!counts[0] || !counts[1])
		return 0;
	if (!ranks_compare(series[0].values, counts[0], series[1].values, counts[1], &ranks))
		return iov_fail(comparison->iov, -ENOMEM, "no memory for a comparison");
	object = json_object_new_object();
	json_add_text(object, "side", comparison->side);
	json_add_text(object, "figure", figure->name);
	json_add_text(object, "unit", figure->unit);
	json_add_text(object, "better", figure->less_is_better ? "less" : "more");
	figures_count(object, "first_turns", counts[0]);
	figures_count(object, "second_turns", counts[1]);
	figures_add(object, "first", median(&series[0]));
	figures_add(object, "second", median(&series[1]));
	add_bound(object, "ratio", true, ranks.ratio);
	add_bound(object, "low", ranks.is_sure, ranks.low);
	add_bound(object, "high", ranks.is_sure, ranks.high);
	json_add_text(object, "verdict", judge(&ranks, figure->less_is_better));
	put_words(words, figure, &ranks, counts);
	json_add_text(object, "words", words);
	json_object_array_add(comparison->figures, object);
	return 0;
}

static int compare_series(struct comparison *comparison, const struct figure *figure,
			  struct json_object *first, struct json_object *second)
{
	struct series series[2] = { 0 };
	int error = 0;

	if (!take_series(&series[0], first) || !take_series(&series[1], second))
		error = iov_fail(comparison->iov, -ENOMEM, "no memory for a comparison");
	else
		error = add_figure(comparison, figure, series);
	free(series[0].values);
	free(series[1].values);
	return error;
}

static int compare_sides(struct comparison *comparison, struct json_object *const results[2],
			 struct json_object *first, struct json_object *second)
{
	const char *unit = json_text_or_null(first, "unit");
	struct figure rate = { json_text(results[0], "figure"), unit ? unit : json_text(results[0], "unit"), false };
	struct json_object *times = json_object_object_get(first, "turn_latency_us");
	struct json_object *others = json_object_object_get(second, "turn_latency_us");
	int error = compare_series(comparison, &rate, json_object_object_get(first, "turns"),
				   json_object_object_get(second, "turns"));

	if (!times || !others)
		return error;
	json_object_object_foreach(times, name, values)
	{
		struct json_object *other = json_object_object_get(others, name);
		struct figure latency = { name, "microseconds", true };

		if (!error && other)
			error = compare_series(comparison, &latency, values, other);
	}
	return error;
}

static struct json_object *side_of(struct json_object *result, size_t index)
{
	return json_object_array_get_idx(json_object_object_get(result, "sides"), index);
}

static size_t sides_of(struct json_object *result)
{
	return json_object_array_length(json_object_object_get(result, "sides"));
}

static struct json_object *find_side(struct json_object *result, const char *name)
{
	for (size_t i = 0; i < sides_of(result); i++)
		if (!strcmp(json_text(side_of(result, i), "side"), name))
			return side_of(result, i);
	return NULL;
}

static void add_unmatched(struct json_object *unmatched, struct json_object *const results[2])
{
	for (unsigned int file = 0; file < 2; file++)
		for (size_t i = 0; i < sides_of(results[file]); i++) {
			const char *name = json_text(side_of(results[file], i), "side");

			if (!find_side(results[!file], name))
				json_array_add_new(unmatched, name);
		}
}

/* Sides of one name; where each file has one side, they are meant, whatever they are called. */
static int compare_all(struct comparison *comparison, struct json_object *const results[2],
		       struct json_object *unmatched)
{
	char pair[WORDS];
	int error = 0;

	if (sides_of(results[0]) == 1 && sides_of(results[1]) == 1) {
		const char *first = json_text(side_of(results[0], 0), "side");
		const char *second = json_text(side_of(results[1], 0), "side");

		snprintf(pair, sizeof(pair), "%s, %s", first, second);
		comparison->side = strcmp(first, second) ? pair : first;
		return compare_sides(comparison, results, side_of(results[0], 0), side_of(results[1], 0));
	}
	for (size_t i = 0; !error && i < sides_of(results[0]); i++) {
		struct json_object *first = side_of(results[0], i), *second;

		comparison->side = json_text(first, "side");
		second = find_side(results[1], comparison->side);
		if (second && find_side(results[0], comparison->side) == first)
			error = compare_sides(comparison, results, first, second);
	}
	add_unmatched(unmatched, results);
	return error;
}

static bool is_fleeting(const char *member)
{
	for (size_t i = 0; i < sizeof(fleeting) / sizeof(*fleeting); i++)
		if (!strcmp(fleeting[i], member))
			return true;
	return false;
}

/* Who writes JSON anew may make 0 of 0.0. */
static bool are_equal(struct json_object *first, struct json_object *second)
{
	if (json_object_is_type(first, json_type_double) || json_object_is_type(second, json_type_double))
		return json_object_get_double(first) == json_object_get_double(second);
	return json_object_equal(first, second);
}

static void add_difference(struct json_object *list, const char *where, const char *member,
			   struct json_object *first, struct json_object *second)
{
	struct json_object *object;

	if (are_equal(first, second) || is_fleeting(member))
		return;
	object = json_object_new_object();
	json_add_text(object, "where", where);
	json_add_text(object, "member", member);
	json_add_text(object, "first", json_object_get_string(first));
	json_add_text(object, "second", json_object_get_string(second));
	json_object_array_add(list, object);
}

static void add_differences(struct json_object *list, const char *where,
			    struct json_object *const results[2])
{
	struct json_object *first = json_object_object_get(results[0], where);
	struct json_object *second = json_object_object_get(results[1], where);

	json_object_object_foreach(first, member, value)
		add_difference(list, where, member, value, json_object_object_get(second, member));
	json_object_object_foreach(second, name, other)
	{
		if (!json_object_object_get_ex(first, name, NULL))
			add_difference(list, where, name, NULL, other);
	}
}

static struct json_object *describe(const char *path, struct json_object *result)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "file", path);
	json_object_object_add(object, "complete",
			       json_object_get(json_object_object_get(result, "complete")));
	json_add_text(object, "time", json_text_or_null(result, "time"));
	return object;
}

int bench_compare(struct json_object **out, struct iov *iov, const char *const paths[2],
		  struct json_object *const results[2])
{
	_cleanup_json_ struct json_object *object = json_object_new_object();
	struct json_object *differences = json_object_new_array(), *unmatched = json_object_new_array();
	struct comparison comparison = { iov, json_object_new_array(), NULL };
	const char *kinds[2] = { json_text(results[0], "kind"), json_text(results[1], "kind") };
	int error;

	*out = NULL;
	json_add_text(object, "kind", kinds[0]);
	json_object_object_add(object, "first", describe(paths[0], results[0]));
	json_object_object_add(object, "second", describe(paths[1], results[1]));
	json_object_object_add(object, "differences", differences);
	json_object_object_add(object, "figures", comparison.figures);
	json_object_object_add(object, "unmatched", unmatched);
	if (strcmp(kinds[0], kinds[1]) ||
	    strcmp(json_text(results[0], "figure"), json_text(results[1], "figure")))
		return iov_fail_as(iov, IOV_FAILURE_INPUT, -EINVAL,
				   "%s is of 'iov bench %s', %s of 'iov bench %s'; expected two of one "
				   "kind", paths[0], kinds[0], paths[1], kinds[1]);
	add_differences(differences, "load", results);
	add_differences(differences, "environment", results);
	error = compare_all(&comparison, results, unmatched);
	if (!error && !json_object_array_length(comparison.figures))
		error = iov_fail_as(iov, IOV_FAILURE_INPUT, -EINVAL,
				    "%s, %s: no back end of one name has turns in both; name them alike, "
				    "as in 'iov bench net NAME=SOCKET'", paths[0], paths[1]);
	if (!error)
		*out = json_object_get(object);
	return error;
}
