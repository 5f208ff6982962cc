// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/table.h"

#include <errno.h>
#include <string.h>

#include "base/context.h"

int iov_table_add(struct iov *iov, const char *table, const void *entry)
{
	if (iov->table_entries == IOV_TABLE_MAX)
		return -ENOMEM;
	iov->tables[iov->table_entries].table = table;
	iov->tables[iov->table_entries++].entry = entry;
	context_changed(iov);
	return 0;
}

const void *iov_table_entry(const struct iov *iov, const char *table, size_t index)
{
	for (size_t i = 0; i < iov->table_entries; i++) {
		if (!strcmp(iov->tables[i].table, table) && !index--)
			return iov->tables[i].entry;
	}
	return NULL;
}
