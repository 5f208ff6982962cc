/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU with a guest at a vhost-user port, for tests: told what to do by QMP, and the guest
 * (tests/lab/lib/guest-init) by its agent.  Kernel and initramfs are in $GUEST_KERNEL and
 * $GUEST_INITRD.  The guest is emulated unless $GUEST_ACCEL says kvm.
 */
#ifndef IOV_TESTS_VMM_H
#define IOV_TESTS_VMM_H

#include <json-c/json.h>
#include <stdbool.h>
#include <sys/types.h>

/* Memory of the guest, in MiB, and its address. */
#define VMM_MEMORY 128
#define VMM_MAC "02:00:00:00:00:02"

struct vmm {
	char directory[128];
	pid_t pid;
	int qmp;
	int agent;
	unsigned int sequence;
};

/*
 * Start QEMU in a new directory NAME below @directory; @options, words that a NULL ends,
 * are added.  It waits for a guest when it is to receive one.
 */
void vmm_start(struct vmm *vmm, const char *directory, const char *name, const char *port,
	       bool receives, const char *const *options);

/* End it at once. */
void vmm_end(struct vmm *vmm);

/* Say what it and its guest said last: its directory goes away with a test that failed. */
void vmm_tell(const struct vmm *vmm);

/* The guest has booted. */
void vmm_wait_for_guest(struct vmm *vmm);

/* Run a command in the guest, which must end with status 0; what it printed, until the next one. */
const char *vmm_run(struct vmm *vmm, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A QMP command that must succeed, with arguments as JSON; what it returned, for the caller to put. */
struct json_object *vmm_ask(struct vmm *vmm, const char *command, const char *arguments, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for its effect alone. */
void vmm_do(struct vmm *vmm, const char *command, const char *arguments, ...)
	__attribute__((format(printf, 3, 4)));

#endif
