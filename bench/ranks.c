// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/ranks.h"

#include <math.h>
#include <stdlib.h>

#include "bench/figures.h"

/* Of 95 %, on each side */
#define TAIL 0.025
#define TAIL_DEVIATIONS 1.959964

/* Below this the numbers of arrangements are whole numbers that a double has exactly. */
#define EXACT 50

/* So often halved, an interval of doubles is empty. */
#define HALVINGS 1100

/*
 * In how many arrangements of the two samples a value of the second is behind one of the first
 * @u times, for each @u: the coefficients of Gauss's binomial, factor by factor.
 */
static double *arrangements(size_t first, size_t second)
{
	const size_t most = first * second;
	double *counts = calloc(most + 1, sizeof(*counts));

	if (!counts)
		return NULL;
	counts[0] = 1;
	for (size_t i = 1; i <= second; i++) {
		for (size_t u = most; u >= first + i; u--)
			counts[u] -= counts[u - first - i];
		for (size_t u = i; u <= most; u++)
			counts[u] += counts[u - i];
	}
	return counts;
}

/* Quotients that the interval leaves out at each end; 0 when there is no such interval. */
static bool left_out(size_t first, size_t second, double *out)
{
	const double pairs = (double)first * (double)second;
	double *counts, all = 0, sum = 0;
	size_t u = 0;

	if (first + second > EXACT) {
		*out = floor(pairs / 2 - TAIL_DEVIATIONS *
			     sqrt(pairs * (double)(first + second + 1) / 12));
		*out = *out > 0 ? *out : 0;
		return true;
	}
	counts = arrangements(first, second);
	if (!counts)
		return false;
	for (size_t i = 0; i <= first * second; i++)
		all += counts[i];
	while (sum + counts[u] <= all * TAIL)
		sum += counts[u++];
	free(counts);
	*out = (double)u;
	return true;
}

/* How many quotients are no more than @ratio. */
static double count_to(const double *first, size_t first_count, const double *second,
		       size_t second_count, double ratio)
{
	double count = 0;
	size_t at = 0;

	for (size_t i = 0; i < first_count; i++) {
		while (at < second_count && second[at] <= ratio * first[i])
			at++;
		count += (double)at;
	}
	return count;
}

/* The quotient at a rank, which begins at 1, without making all of them. */
static double quotient_at(const double *first, size_t first_count, const double *second,
			  size_t second_count, double rank)
{
	double low = 0, high = 1;

	while (count_to(first, first_count, second, second_count, high) < rank) {
		low = high;
		high *= 2;
		if (isinf(high))
			return INFINITY;
	}
	for (int i = 0; i < HALVINGS; i++) {
		double middle = low + (high - low) / 2;

		if (middle <= low || middle >= high)
			break;
		if (count_to(first, first_count, second, second_count, middle) < rank)
			low = middle;
		else
			high = middle;
	}
	return high;
}

bool ranks_compare(double *first, size_t first_count, double *second, size_t second_count,
		   struct ranks *ranks)
{
	const double pairs = (double)first_count * (double)second_count;
	double out;

	if (!left_out(first_count, second_count, &out))
		return false;
	figures_sort(first, first_count);
	figures_sort(second, second_count);
	*ranks = (struct ranks){ .is_sure = out >= 1 };
	ranks->ratio = quotient_at(first, first_count, second, second_count, floor((pairs + 1) / 2));
	ranks->ratio += quotient_at(first, first_count, second, second_count, floor(pairs / 2) + 1);
	ranks->ratio /= 2;
	if (!ranks->is_sure)
		return true;
	ranks->low = quotient_at(first, first_count, second, second_count, out);
	ranks->high = quotient_at(first, first_count, second, second_count, pairs - out + 1);
	return true;
}
