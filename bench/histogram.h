/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts of times, so exact that a percentile is right to one part in 64. */
#ifndef IOV_BENCH_HISTOGRAM_H
#define IOV_BENCH_HISTOGRAM_H

#include <stdint.h>

#include "base/magnitude.h"

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

/**
 * struct histogram - times, in nanoseconds
 * @total: how many
 * @max: the longest
 * @buckets: by magnitude, each cut in 64 parts
 */
struct histogram {
	uint64_t total;
	uint64_t max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/**
 * histogram_add - count a time
 * @histogram: zeroed at first
 * @value: nanoseconds
 */
static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram->buckets[magnitude_bucket(value, HISTOGRAM_SUB_BITS)]++;
	histogram->total++;
	if (value > histogram->max)
		histogram->max = value;
}

/**
 * histogram_merge - count all times of another one, too
 * @histogram: histogram
 * @other: what is added
 */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

/**
 * histogram_percentile - a time that a share of all does not exceed
 * @histogram: histogram
 * @percent: 0 to 100
 *
 * Return: nanoseconds, never less than the true value; 0 when nothing was counted.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

#endif
