/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of drivers: which functions a module says that it is for.  For base/ alone. */
#ifndef IOV_BASE_PCI_DRIVER_TABLE_H
#define IOV_BASE_PCI_DRIVER_TABLE_H

#include "base/iov.h"

/*
 * One line of a table: the module, with underscores, and "pci:v00001022d0000790Bsv*sd*bc*sc*i*", for
 * fnmatch().
 */
typedef void driver_table_fn(const char *module, const char *alias, void *argument);

/*
 * Hand each line of the table of @module, loadable or built in, or with NULL those of all modules, to
 * a function; a host that has recorded no tables has none.  0, or -errno of a file that could not be read.
 */
int driver_table_each(struct iov *iov, const char *module, driver_table_fn *visit, void *argument);

#endif
