/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugins that come with iovkit, and those of others. */
#ifndef IOV_PLUGINS_PLUGINS_H
#define IOV_PLUGINS_PLUGINS_H

#include <json-c/json.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_plugins_register - make the built-in plugins known to a context
 * @iov: context
 *
 * Device classes: "net" (attributes by rtnetlink) and "nvme" (VFs are
 * given queues and interrupts and set online).  Operations: all of base/plan/op.h that are
 * not of base/ and sriov/.
 *
 * Return: 0 or -ENOMEM.
 */
int iov_plugins_register(struct iov *iov);

/**
 * iov_plugins_load - load the plugins of others
 * @iov: context that iov_plugins_register() was called for
 * @directory: where they are, as files *.so; NULL for iovkit/plugins below the library's directory,
 *	which need not be there
 *
 * One that has no symbol, that of another version, no device class or a wrong one, or that somebody
 * else than root or the caller could write to, be it the file or any directory on its way, is not
 * loaded, which is logged with the reason; the others are. None is ever unloaded.
 *
 * Return: 0, or -errno with a message for a directory that cannot be listed.
 */
int iov_plugins_load(struct iov *iov, const char *directory);

/**
 * iov_plugins_list - the plugins that there are
 * @iov: context for which they were loaded
 * @directory: as for iov_plugins_load()
 * @out: receives an array, which the caller puts, of objects "name", "version", "file", "state"
 *	("built-in", "loaded" or "refused"), "reason" and "classes", an array of what iov_class_json()
 *	gives; what does not apply is null
 *
 * Return: as iov_plugins_load().
 */
int iov_plugins_list(struct iov *iov, const char *directory, struct json_object **out);

#ifdef __cplusplus
}
#endif

#endif
