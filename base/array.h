/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays that grow by one element at a time. */
#ifndef IOV_BASE_ARRAY_H
#define IOV_BASE_ARRAY_H

#include <stdlib.h>

/*
 * Room for one more than @count elements of @size bytes: the array at @array, or where it
 * went; NULL without memory, and @array is as it was.  It doubles at each power of two.
 */
static inline void *array_grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? count * 2 : 1, size);
}

#endif
