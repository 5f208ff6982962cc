/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root of a small guest: the probe as its first process, and the modules that it inserts. */
#ifndef IOV_BENCH_GUEST_INITRAMFS_H
#define IOV_BENCH_GUEST_INITRAMFS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"

/* Where things are in it. */
#define INITRAMFS_MODULES "modules"
#define INITRAMFS_SHELL "bin/busybox"

/**
 * struct initramfs_options - what goes in
 * @probe: path of the probe
 * @modules: directory with the modules of the guest's kernel; NULL for that of the running one
 * @drivers: names or modaliases of what the guest has
 * @count: length of @drivers
 * @shell: path of a static busybox; NULL for none
 */
struct initramfs_options {
	const char *probe;
	const char *modules;
	const char *const *drivers;
	size_t count;
	const char *shell;
};

/**
 * initramfs_make - write an archive of the format "newc"
 * @fd: receives a file in memory, for the caller to close
 * @iov: context for messages
 * @options: what goes in
 *
 * A driver that the kernel has built in, or does not have at all, adds nothing.  Modules that are
 * compressed are unpacked, as not every kernel does so.
 *
 * Return: 0; -ENOENT without probe or modules, or -errno; with a message.
 */
int initramfs_make(int *fd, struct iov *iov, const struct initramfs_options *options);

#endif
