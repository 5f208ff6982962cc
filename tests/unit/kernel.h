/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's driver core on a tree: what binding and unbinding write takes
 * effect as it would on a host.
 */
#ifndef IOV_TESTS_KERNEL_H
#define IOV_TESTS_KERNEL_H

#include <stdbool.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/sysroot/sysroot.h"

#define KERNEL_LOG_MAX 64

/**
 * struct kernel - a model
 * @tree: the tree that stands for the host
 * @iov: a context that looks at it, writes answered by the model
 * @writes: writes so far
 * @log: each as "PATH=TEXT", without the newline
 * @fail_at: number of the write that fails with EIO, -1 for none
 * @kill_at: number of the write after which the process dies, -1 for none
 * @refuses: driver whose probe fails, NULL for none
 * @passed_over: so many probes do nothing, as another driver is being tried
 * @no_module: loading a module fails with ENOENT
 */
struct kernel {
	char *tree;
	struct iov *iov;
	int writes;
	char *log[KERNEL_LOG_MAX];
	int fail_at;
	int kill_at;
	const char *refuses;
	int passed_over;
	bool no_module;
};

/* A model of a recorded host, by the name of its folder in tests/hosts. */
void kernel_open(struct kernel *kernel, const char *host);
void kernel_close(struct kernel *kernel);

/* "igb", "" for none; and the override, "(null)" for none. By value in a static buffer. */
const char *kernel_driver(struct kernel *kernel, const char *device);
const char *kernel_override(struct kernel *kernel, const char *device);

#endif
