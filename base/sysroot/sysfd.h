/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sysroot.c and sysdir.c do alike with a file once it is open; for these two. */
#ifndef IOV_BASE_SYSROOT_SYSFD_H
#define IOV_BASE_SYSROOT_SYSFD_H

#include <stddef.h>
#include <stdint.h>

/* Each takes @fd over and gives it back as it is when that is an error. */
int fd_read_text(int fd, char *text, size_t size);
int fd_list(int fd, char ***names, size_t *count);

/* readlinkat(2) with a NUL, 0 or -errno. */
int link_at(int dir, const char *name, char *target, size_t size);

/* Of what was read. */
int text_number(const char *text, int64_t *number);

/* Last component of a link's target. */
int target_name(const char *target, char *name, size_t size);

#endif
