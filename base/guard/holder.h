/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who uses a function in a way that only its device class knows: the guard "class". */
#ifndef IOV_BASE_GUARD_HOLDER_H
#define IOV_BASE_GUARD_HOLDER_H

#include <json-c/json.h>

#include "base/iov.h"
#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iov_guard_source - somebody who knows of holders
 * @find: append a string to @holders for each that a function has; -errno with a message when that
 *	cannot be told. Runs within iov_sys_call().
 */
struct iov_guard_source {
	int (*find)(struct iov *iov, struct iov_bdf bdf, struct json_object *holders);
};

/**
 * iov_guard_add_source - have the guards ask somebody
 * @iov: context
 * @source: stays the caller's and outlives the context
 *
 * Return: 0 or -ENOMEM.
 */
int iov_guard_add_source(struct iov *iov, const struct iov_guard_source *source);

#ifdef __cplusplus
}
#endif

#endif
