/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel modules that could be loaded. */
#ifndef IOV_BASE_MODULE_H
#define IOV_BASE_MODULE_H

#include <stddef.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_module_find - the modules that a name or an alias stands for
 * @iov: context
 * @alias: "vfio-pci", or a modalias "pci:v00008086d000010CA..."
 * @names: receives an array, which the caller frees with iov_names_free();
 *	built-in modules count, those on the blacklist do not
 * @count: receives its length, 0 when there is none
 *
 * Return: 0, -EOPNOTSUPP on a recorded tree, -ENOMEM or -errno; the message is
 * not touched.
 */
int iov_module_find(struct iov *iov, const char *alias, char ***names, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
