// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/histogram.h"

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
		uint64_t bound = magnitude_end(i, HISTOGRAM_SUB_BITS) - 1;

		seen += histogram->buckets[i];
		if (seen && (double)seen >= wanted)
			return bound < histogram->max ? bound : histogram->max;
	}
	return histogram->max;
}
