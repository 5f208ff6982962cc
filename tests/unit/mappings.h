/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this process has mapped. */
#ifndef IOV_TESTS_MAPPINGS_H
#define IOV_TESTS_MAPPINGS_H

#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

/* Mappings of files with @name in their names: "memfd:guest" */
static inline unsigned int count_mappings(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned int count = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, name) != NULL;
	fclose(maps);
	return count;
}

#endif
