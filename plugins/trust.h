/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether code of others may be run; for the files of plugins/ alone. */
#ifndef IOV_PLUGINS_TRUST_H
#define IOV_PLUGINS_TRUST_H

#include <limits.h>

#include "base/iov.h"

/*
 * Whether nobody but root, or who runs this, could have written a file, or put another in its place:
 * neither it nor any directory on its way is writable by others. @real receives its path without
 * links. 0; -EPERM with a message that names what is wrong and the remedy; or -errno.
 */
int plugin_trust(struct iov *iov, const char *path, char real[PATH_MAX]);

#endif
