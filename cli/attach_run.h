/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that is there to be looked at, with what iov attach names. */
#ifndef IOV_CLI_ATTACH_RUN_H
#define IOV_CLI_ATTACH_RUN_H

#include "cli/cli.h"
#include "cli/vmm/vmm.h"

#define ATTACH_RUN_MEMORY 256

/**
 * struct attach_run - how it runs
 * @names: what it is given
 * @count: length of @names
 * @accel: "kvm" or "tcg"; NULL for KVM where that runs guests
 * @kernel: image of its kernel; NULL for that of this host
 * @modules: directory of its modules; NULL for those of the running kernel
 * @memory: of the guest, "512M"; NULL for ATTACH_RUN_MEMORY MiB
 */
struct attach_run {
	const char *const *names;
	size_t count;
	const char *accel;
	const char *kernel;
	const char *modules;
	const char *memory;
};

/**
 * attach_run - start QEMU with a minimal guest at the terminal, and wait for its end
 * @cli: the run
 * @run: how
 * @set: set for QEMU, which is empty yet
 * @fill: finds what is named, when functions are bound to vfio-pci
 * @arg: passed to @fill
 *
 * Functions that have another driver are bound to vfio-pci by a plan, and back in the end.
 *
 * Return: 0 when the guest ended in order; -EIO when QEMU failed; as lend_take(), @fill and
 * vmm_check(); with a message.
 */
int attach_run(struct cli *cli, const struct attach_run *run, struct vmm_set *set,
	       int (*fill)(struct cli *cli, void *arg, struct vmm_set *set), void *arg);

#endif
