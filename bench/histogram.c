// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/histogram.h"

/* The largest value that falls into a bucket. */
static uint64_t upper_bound(unsigned int bucket)
{
	unsigned int shift = bucket >> HISTOGRAM_SUB_BITS;
	uint64_t part = bucket & ((1u << HISTOGRAM_SUB_BITS) - 1);

	if (!shift)
		return part;
	return (((part | 1u << HISTOGRAM_SUB_BITS) + 1) << (shift - 1)) - 1;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		histogram->buckets[i] += other->buckets[i];
	histogram->total += other->total;
	if (other->max > histogram->max)
		histogram->max = other->max;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
	double wanted = (double)histogram->total * percent / 100;
	uint64_t seen = 0;

	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t bound = upper_bound(i);

		seen += histogram->buckets[i];
		if (seen && (double)seen >= wanted)
			return bound < histogram->max ? bound : histogram->max;
	}
	return histogram->max;
}
