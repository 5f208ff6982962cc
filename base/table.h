/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of a context: what folders above base/ make known to it at run time,
 * kinds of operations and device classes for example.
 */
#ifndef IOV_BASE_TABLE_H
#define IOV_BASE_TABLE_H

#include <stddef.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_table_add - append an entry to a table
 * @iov: context
 * @table: name of the table, which comes into being with its first entry
 * @entry: stays the caller's and outlives the context, as does @table
 *
 * Return: 0 or -ENOMEM.
 */
int iov_table_add(struct iov *iov, const char *table, const void *entry);

/**
 * iov_table_entry - an entry of a table
 * @iov: context
 * @table: name of the table
 * @index: 0 for the entry that was added first
 *
 * Return: the entry, or NULL past the last.
 */
const void *iov_table_entry(const struct iov *iov, const char *table, size_t index);

#ifdef __cplusplus
}
#endif

#endif
