// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/figures.h"

#include <stdio.h>
#include <stdlib.h>

void figures_add(struct json_object *object, const char *key, double value)
{
	json_object_object_add(object, key, json_object_new_double(value));
}

void figures_count(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static int compare_doubles(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

void figures_sort(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
}

double figures_median(double *values, unsigned int count)
{
	figures_sort(values, count);
	return values[count / 2];
}

struct json_object *figures_spread(const double *values, unsigned int count, double unit)
{
	double *sorted = calloc(count, sizeof(*sorted));
	struct json_object *object;

	if (!sorted)
		return NULL;
	for (unsigned int i = 0; i < count; i++)
		sorted[i] = values[i] / unit;
	object = json_object_new_object();
	figures_add(object, "median", figures_median(sorted, count));
	figures_add(object, "q1", sorted[count / 4]);
	figures_add(object, "q3", sorted[count * 3 / 4]);
	free(sorted);
	return object;
}

struct json_object *figures_latency(const struct histogram *latency)
{
	static const double percents[] = {0, 25, 50, 75, 90, 99, 99.9, 99.99, 100};
	struct json_object *object = json_object_new_object();
	char name[16];

	for (unsigned int i = 0; i < sizeof(percents) / sizeof(*percents); i++) {
		snprintf(name, sizeof(name), "p%g", percents[i]);
		figures_add(object, name,
			    (double)histogram_percentile(latency, percents[i]) / 1000);
	}
	return object;
}
