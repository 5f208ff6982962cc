// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/cpu_list.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* As large as the kernel can be configured for. */
#define CPUS_MAX 8192

/* Read "4" or "4-7" and the comma behind it; false at the end or at nonsense. */
static bool next_range(const char **list, long *first, long *last)
{
	char *end;

	if (!isdigit((unsigned char)**list))
		return false;
	*first = *last = strtol(*list, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		*last = strtol(end + 1, &end, 10);
	if (*last < *first || *last >= CPUS_MAX || (*end && *end != ','))
		return false;
	*list = *end ? end + 1 : end;
	return true;
}

bool iov_cpu_list_valid(const char *list)
{
	long first, last;

	if (!*list)
		return false;
	while (*list) {
		if (!next_range(&list, &first, &last))
			return false;
		if (!*list && list[-1] == ',')
			return false;
	}
	return true;
}

int iov_cpu_list_next(const char *list, int cpu)
{
	long first, last, next = -1;

	while (next_range(&list, &first, &last)) {
		long candidate = first > cpu ? first : cpu + 1L;

		if (candidate <= last && (next < 0 || candidate < next))
			next = candidate;
	}
	return (int)next;
}

bool iov_cpu_list_equal(const char *a, const char *b)
{
	int in_a = -1, in_b = -1;

	do {
		in_a = iov_cpu_list_next(a, in_a);
		in_b = iov_cpu_list_next(b, in_b);
	} while (in_a == in_b && in_a >= 0);
	return in_a == in_b;
}

bool iov_cpu_list_within(const char *list, const char *others)
{
	for (int cpu = -1; (cpu = iov_cpu_list_next(list, cpu)) >= 0;) {
		if (iov_cpu_list_next(others, cpu - 1) != cpu)
			return false;
	}
	return true;
}

void iov_cpu_list_without(const char *list, const char *others, char *rest, size_t size)
{
	size_t length = 0;
	int first, last;

	*rest = '\0';
	for (int cpu = -1; (cpu = iov_cpu_list_next(list, cpu)) >= 0 && length < size;) {
		if (iov_cpu_list_next(others, cpu - 1) == cpu)
			continue;
		first = last = cpu;
		while (iov_cpu_list_next(list, last) == last + 1 &&
		       iov_cpu_list_next(others, last) != last + 1)
			last++;
		length += (size_t)snprintf(rest + length, size - length, first == last ?
					   "%s%d" : "%s%d-%d", length ? "," : "", first, last);
		cpu = last;
	}
}
