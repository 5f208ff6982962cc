/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who uses a function in a way that only its device class knows: the guard "class"; for libiov alone. */
#ifndef IOV_BASE_GUARD_HOLDER_H
#define IOV_BASE_GUARD_HOLDER_H

#include <json-c/json.h>

#include "base/iov.h"
#include "base/pci/pci.h"

/**
 * struct guard_source - somebody who knows of holders
 * @find: append a string to @holders for each that a function has; -errno with a message when that
 *	cannot be told. Runs within iov_sys_call().
 */
struct guard_source {
	int (*find)(struct iov *iov, struct iov_bdf bdf, struct json_object *holders);
};

/**
 * guard_add_source - have the guards ask somebody
 * @iov: context
 * @source: stays the caller's and outlives the context
 *
 * Return: 0 or -ENOMEM.
 */
int guard_add_source(struct iov *iov, const struct guard_source *source);

#endif
