// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever is counted under a reason has a name of its own, which the man page explains.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/unit/test.h"
#include "vhost-user/port/reasons.h"

static const char *page_path;

/* Whether a line that begins at the margin is a list of terms with this one. */
static bool explains(const char *line, const char *name)
{
	char terms[512], *rest = terms, *term;

	if (*line < 'a' || *line > 'z' || snprintf(terms, sizeof(terms), "%s", line) >= 512)
		return false;
	while ((term = strsep(&rest, ",\n")))
		if (!strcmp(term + strspn(term, " "), name))
			return true;
	return false;
}

static bool is_in_page(const char *name)
{
	_cleanup_file_ FILE *page = fopen(page_path, "r");
	char line[512];

	assert_non_null(page);
	while (fgets(line, sizeof(line), page))
		if (explains(line, name))
			return true;
	return false;
}

static void every_reason_has_a_name_that_is_explained(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < REASON_KINDS; kind++) {
		const struct reason_table *table = &reason_tables[kind];

		assert_true(table->first < table->count);
		for (unsigned int i = table->first; i < table->count; i++) {
			const char *name = table->name(i);

			if (!name || !strcmp(name, "unknown"))
				fail_msg("reason %u of %s has no name", i, table->key);
			for (unsigned int j = table->first; j < i; j++)
				assert_string_not_equal(table->name(j), name);
			if (!is_in_page(name))
				fail_msg("%s: '%s' of %s is not explained", page_path, name,
					 table->key);
		}
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_name_that_is_explained),
	};

	page_path = argc > 1 ? argv[1] : "docs/man/iov-port.1.rst";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
