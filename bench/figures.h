/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How figures are told in JSON. */
#ifndef IOV_BENCH_FIGURES_H
#define IOV_BENCH_FIGURES_H

#include <json-c/json.h>

#include "bench/histogram.h"

/* Add a number to an object. */
void figures_add(struct json_object *object, const char *key, double value);

/* Add a count to an object. */
void figures_count(struct json_object *object, const char *key, uint64_t value);

/* Sort values. */
void figures_sort(double *values, size_t count);

/**
 * figures_median - the value in the middle
 * @values: values, which are sorted
 * @count: length of @values, not 0
 *
 * Return: the median.
 */
double figures_median(double *values, unsigned int count);

/**
 * figures_spread - median and quartiles
 * @values: values, which stay in their order
 * @count: length of @values, not 0
 * @unit: what they are divided by
 *
 * Return: an object for the caller to put; NULL without memory.
 */
struct json_object *figures_spread(const double *values, unsigned int count, double unit);

/**
 * figures_latency - percentiles
 * @latency: times
 *
 * Return: an object of microseconds by "p50" and so on, for the caller to put.
 */
struct json_object *figures_latency(const struct histogram *latency);

#endif
