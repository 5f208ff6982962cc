/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small guest of QEMU, and the probe in it or on the host. */
#ifndef IOV_BENCH_GUEST_MACHINE_H
#define IOV_BENCH_GUEST_MACHINE_H

#include <json-c/json.h>
#include <signal.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/rpc/qmp.h"
#include "bench/guest/child.h"

/**
 * struct machine_options - what all guests have in common
 * @kernel: image of the guest's kernel
 * @initramfs: file in memory
 * @kvm: by KVM; without it the guest is emulated
 * @memory: MiB
 * @cpus: virtual processors
 * @boot_ms: how long it may take to come up
 * @stop: set by whoever wants an end
 */
struct machine_options {
	const char *kernel;
	int initramfs;
	bool kvm;
	unsigned int memory;
	unsigned int cpus;
	unsigned int boot_ms;
	const volatile sig_atomic_t *stop;
};

/**
 * struct machine - the probe, and what it runs in
 * @iov: context for messages
 * @child: QEMU, or the probe itself on the host
 * @port: connection to the probe
 * @qmp: QEMU's monitor; NULL for none
 * @is_guest: it is a guest
 * @stop: as in the options
 *
 * Messages of a machine that fails are in the context, as those of others are.
 */
struct machine {
	struct iov *iov;
	struct child child;
	int port;
	struct iov_qmp *qmp;
	bool is_guest;
	const volatile sig_atomic_t *stop;

	/* private */
	char line[4096];
	size_t got;
};

/* QEMU for guests of this machine's own architecture. */
extern const char machine_program[];

/**
 * machine_arguments - what every guest is started with
 * @options: what they have in common
 * @console: -append for a console for a person, or for commands at a port
 *
 * Return: an array of words, for the caller to put.
 */
struct json_object *machine_arguments(const struct machine_options *options, bool console);

/* Add an option of QEMU and its value to an array of words. */
void machine_option(struct json_object *words, const char *option, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * machine_argv - words for child_start()
 * @first: an array of words
 * @second: more of them behind these; NULL for none
 *
 * Return: the words, borrowed, in what the caller frees; NULL without memory.
 */
const char **machine_argv(struct json_object *first, struct json_object *second);

/**
 * machine_start - boot a guest, and wait for its probe
 * @machine: overwritten; ended with machine_end() unless this fails
 * @iov: context for messages, outlives it
 * @options: what all guests have in common
 * @devices: array of more words for QEMU
 * @fds: what QEMU inherits for these
 * @fd_count: length of @fds
 *
 * Return: 0; -EINTR when it was told to stop; -ETIMEDOUT when it did not come up; -EIO when QEMU
 * ended, with what it said; or as child_start().
 */
int machine_start(struct machine *machine, struct iov *iov, const struct machine_options *options,
		  struct json_object *devices, const int *fds, size_t fd_count);

/**
 * machine_start_host - start the probe on the host
 * @machine: overwritten; ended with machine_end() unless this fails
 * @iov: context for messages, outlives it
 * @probe: its path
 * @netns: network namespace that it starts in; -1: ours
 * @fds: what it inherits
 * @fd_count: length of @fds
 * @stop: as in struct machine_options
 *
 * Return: as machine_start().
 */
int machine_start_host(struct machine *machine, struct iov *iov, const char *probe, int netns,
		       const int *fds, size_t fd_count, const volatile sig_atomic_t *stop);

/**
 * machine_ask - have the probe carry out a command
 * @machine: a machine that runs
 * @timeout_ms: how long it may take
 * @answer: receives an object with its words, for the caller to put
 * @format: the command
 *
 * Return: 0; -EIO with a message when it failed; else as machine_start().
 */
int machine_ask(struct machine *machine, unsigned int timeout_ms, struct json_object **answer,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Let it run, or stop it while others are measured. */
void machine_let(const struct machine *machine, bool running);

/* End it. */
void machine_end(struct machine *machine);

/* The words of an answer: "ok KEY=NUMBER KEY=TEXT"; NULL when it is none.  For the caller to put. */
struct json_object *machine_parse(const char *line);

#endif
