/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that people write, replaced as a whole. */
#ifndef IOV_BASE_SYSROOT_REPLACE_H
#define IOV_BASE_SYSROOT_REPLACE_H

#include <stdbool.h>

#include "base/iov.h"

/*
 * Give a file another text.  Whoever reads it, and whatever happens, finds the one text or
 * the other.  Mode and owner stay; a symbolic link stays, and what it leads to is replaced.  A new
 * file is readable by all, and its folders are made.
 *
 * @path: relative to the sysroot
 * @text: NULL: there is no such file then
 * @keep: the text before is kept beside it as FILE~
 *
 * 0 or -errno, without a message.
 */
int sys_replace(struct iov *iov, const char *path, const char *text, bool keep);

/* Make the folders of a file that are not there yet, relative to the sysroot, as far as that can be done. */
void sys_make_folders(struct iov *iov, const char *path);

#endif
