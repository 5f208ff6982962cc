/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * By how many times the values of one sample are those of another one, and how sure that is.
 *
 * The estimate of Hodges and Lehmann, the median of all quotients of a value of the one and a value
 * of the other, and the interval that the distribution of Mann and Whitney's statistic gives it: no
 * shape of the distributions is assumed, and a turn that was disturbed counts for little.
 */
#ifndef IOV_BENCH_RANKS_H
#define IOV_BENCH_RANKS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct ranks - an estimate
 * @ratio: second to first; INFINITY when half of the first is nothing
 * @low: where the interval begins
 * @high: where it ends; INFINITY for nowhere
 * @is_sure: there is an interval: the samples are large enough for one of 95 %
 */
struct ranks {
	double ratio;
	double low;
	double high;
	bool is_sure;
};

/**
 * ranks_compare - compare two samples
 * @first: values that are not negative; they are sorted
 * @first_count: how many, not 0
 * @second: values of the other sample; they are sorted
 * @second_count: how many, not 0
 * @ranks: receives the estimate
 *
 * Return: false without memory.
 */
bool ranks_compare(double *first, size_t first_count, double *second, size_t second_count,
		   struct ranks *ranks);

#endif
