// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints a line for each reason that the programs may give: its kind, its name, when it is given. */
#include <stdio.h>

#include "base/guard/guard.h"
#include "vfio/bind/verdict.h"
#include "vhost-user/port/reasons.h"

int main(void)
{
	const char *name;

	for (size_t i = 0; (name = iov_guard_name(i)); i++)
		printf("guard\t%s\t%s\n", name, iov_guard_meaning(name));
	for (size_t i = 0; (name = iov_verdict_kind(i)); i++)
		printf("verdict\t%s\t%s\n", name, iov_verdict_meaning(name));
	for (unsigned int kind = 0; kind < REASON_KINDS; kind++) {
		const struct reason_table *table = &reason_tables[kind];

		for (unsigned int i = table->first; i < table->count; i++)
			printf("%s\t%s\t\n", table->key, table->name(i));
	}
	return 0;
}
