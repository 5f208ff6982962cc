/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs of the host that a vendor gives for what the kernel has no interface of. */
#ifndef IOV_BASE_SYSROOT_RUN_H
#define IOV_BASE_SYSROOT_RUN_H

#include <stddef.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_sys_run - run a program and wait for its end
 * @iov: context
 * @path: program, relative to the sysroot
 * @arguments: its arguments, ended by NULL
 * @said: receives the last line of its output and its errors, "" for none
 * @size: bytes at @said
 *
 * It has nothing to read, an environment of PATH alone, and no terminal.  Nothing of a recorded host is
 * ever run, as anybody may have written it; the function of iov_sys_on_write() gets its arguments, as
 * written to @path.  Within iov_sys_call(), whose deadline holds for the program as well.
 *
 * Return: its exit status, 128 and the signal that ended it, or -errno; the message is not touched.
 */
int iov_sys_run(struct iov *iov, const char *path, const char *const *arguments, char *said, size_t size);

#ifdef __cplusplus
}
#endif

#endif
