/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways by which a guest reaches a network and a disk, side by side, and the host without any. */
#ifndef IOV_BENCH_GUEST_BENCH_H
#define IOV_BENCH_GUEST_BENCH_H

#include <json-c/json.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"
#include "bench/page.h"

#define GUEST_DEVICES 4
#define GUEST_WAYS 8

/* What the probe measures a device as. */
enum guest_class {
	GUEST_NETWORK,
	GUEST_DISK,
	GUEST_CLASSES,
};

/**
 * struct guest_device - a device of this host that a guest is given whole
 * @name: its address, or the path of its node
 * @way: "vfio" or "vdpa"
 * @class: what it is
 * @words: what QEMU is told, an array; borrowed
 * @uplink: index of the host's interface through which its network is reached; 0 for none
 */
struct guest_device {
	const char *name;
	const char *way;
	enum guest_class class;
	struct json_object *words;
	unsigned int uplink;
};

/**
 * struct guest_bench_options - what is measured, and how
 * @kernel: image of the guest's kernel
 * @modules: directory of its modules; NULL for those of the running one
 * @probe: path of the probe
 * @iovd: program
 * @directory: where the image of the disk is for the while, without a name
 * @drivers: names or modaliases of drivers for @devices
 * @driver_count: length of @drivers
 * @devices: devices
 * @device_count: length of @devices
 * @ways: names of ways, those that are measured
 * @way_count: length of @ways; 0 for all
 * @kvm: by KVM; otherwise guests are emulated
 * @emulated: this host is emulated itself
 * @hypervisor: under which it runs; "" for none
 * @memory: MiB of a guest
 * @cpus: processors of a guest
 * @seconds: of each load in a turn
 * @turns: of each side
 * @limit: seconds after which no turn begins
 * @only: bits of enum guest_class, what is measured
 * @stop: set by whoever wants an end; what was measured is told
 * @progress: told of each step, with the seconds that are left; NULL for nobody
 * @progress_arg: passed to @progress
 * @keep: takes the results so far, after each turn of all sides; NULL for nobody
 * @keep_arg: passed to @keep
 * @native: when no guest has the devices any more: gives one back to the host's own driver, for
 *	that to be measured, and tells its interface or node; 0, -ENOENT when there is nothing to
 *	give back, or -errno with a message; NULL for none
 * @native_arg: passed to @native
 */
struct guest_bench_options {
	const char *kernel;
	const char *modules;
	const char *probe;
	const char *iovd;
	const char *directory;
	const char *const *drivers;
	size_t driver_count;
	struct guest_device devices[GUEST_DEVICES];
	size_t device_count;
	const char *ways[GUEST_WAYS];
	size_t way_count;
	bool kvm;
	bool emulated;
	const char *hypervisor;
	unsigned int memory;
	unsigned int cpus;
	double seconds;
	unsigned int turns;
	unsigned int limit;
	unsigned int only;
	const volatile sig_atomic_t *stop;
	void (*progress)(void *arg, const char *text);
	void *progress_arg;
	void (*keep)(void *arg, struct json_object *results);
	void *keep_arg;
	int (*native)(void *arg, size_t device, char *name, size_t size);
	void *native_arg;
};

/**
 * guest_bench_run - boot the guests, let them take turns, end them
 * @out: receives the results (docs/schema/bench-guest.json), also after a failure in which something
 *	was measured, for the caller to put; else NULL
 * @iov: context for messages
 * @options: how
 *
 * What this host or kernel does not have is in the results as a gap, and no failure.
 *
 * Return: 0; -EINTR when it was told to stop; or -errno with a message.
 */
int guest_bench_run(struct json_object **out, struct iov *iov,
		    const struct guest_bench_options *options);

/* What of a side bench_compare() is about, and what that counts where a side does not say it. */
#define GUEST_BENCH_FIGURE "rate"
#define GUEST_BENCH_UNIT "a second"

/* The ways that there are, from 0 on; NULL behind the last. */
const char *guest_bench_way(size_t index);

/**
 * guest_bench_advise - which way to choose
 * @results: with "host", "networks" and "disks"; "advice", an array of sentences, is added
 */
void guest_bench_advise(struct json_object *results);

/**
 * guest_bench_html - write a page
 * @page: opened
 * @results: of guest_bench_run()
 */
void guest_bench_html(const struct page *page, struct json_object *results);

#endif
