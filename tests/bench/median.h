/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of many measurements the one in the middle, which others on the machine disturb the least. */
#ifndef IOV_TESTS_BENCH_MEDIAN_H
#define IOV_TESTS_BENCH_MEDIAN_H

#include <stdint.h>
#include <stdlib.h>

static inline int median_compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Sorts them. */
static inline uint64_t median_of(uint64_t *values, size_t count)
{
	qsort(values, count, sizeof(*values), median_compare);
	return values[count / 2];
}

#endif
