/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes as people write them: "4096", "512M", "10G"; a unit is 1024 of the one before it. */
#ifndef IOV_BASE_SIZE_H
#define IOV_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IOV_SIZE_UNITS "KMGT"

/* "18446744073709551615" and its NUL */
#define IOV_SIZE_TEXT 21

/* The bytes that a text begins with a size of, and what is behind it; NULL when it does not. */
static inline const char *size_scan(const char *text, uint64_t *bytes)
{
	size_t digits = strspn(text, "0123456789");
	const char *unit = text[digits] ? strchr(IOV_SIZE_UNITS, text[digits]) : NULL;
	unsigned int shift = unit ? 10 * (unsigned int)(unit - IOV_SIZE_UNITS + 1) : 0;
	uint64_t number = strtoull(text, NULL, 10);

	/* What is too long for a number has more digits than any that fits. */
	if (!digits || digits > 19 || number > UINT64_MAX >> shift)
		return NULL;
	*bytes = number << shift;
	return text + digits + (unit ? 1 : 0);
}

/* Whether a text is a size. */
static inline bool size_parse(const char *text, uint64_t *bytes)
{
	const char *rest = size_scan(text, bytes);

	return rest && !*rest;
}

/* Whether a text is a size that says its unit. */
static inline bool size_parse_unit(const char *text, uint64_t *bytes)
{
	return size_parse(text, bytes) && strchr(IOV_SIZE_UNITS, text[strlen(text) - 1]);
}

/* The shortest text that is exactly so many bytes. */
static inline void size_text(uint64_t bytes, char text[IOV_SIZE_TEXT])
{
	static const char units[] = " " IOV_SIZE_UNITS;
	unsigned int unit = 0;

	for (; bytes && bytes % 1024 == 0 && units[unit + 1]; unit++)
		bytes /= 1024;
	snprintf(text, IOV_SIZE_TEXT, unit ? "%llu%c" : "%llu", (unsigned long long)bytes,
		 units[unit]);
}

#endif
