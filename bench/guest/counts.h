/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest costs its host: ways out of it, interrupts, instructions, processor time. */
#ifndef IOV_BENCH_GUEST_COUNTS_H
#define IOV_BENCH_GUEST_COUNTS_H

#include <json-c/json.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/iov.h"
#include "bench/guest/machine.h"

#define COUNTS_PROCESSES 4
#define COUNTS_THREADS 128

/* What KVM counts of the virtual processors of a guest. */
enum counts_kvm {
	COUNTS_EXITS,
	COUNTS_INJECTED,	/* interrupts that KVM put into the guest */
	COUNTS_IO,		/* of the exits: at ports */
	COUNTS_MMIO,		/* of the exits: at registers */
	COUNTS_HALT,		/* of the exits: the guest had nothing to do */
	COUNTS_KVM,
};

/**
 * struct counts - at one moment
 * @kvm: of KVM; which of them are there @has says, a bit each
 * @has: bits by enum counts_kvm
 * @cpu_us: processor time of the processes, microseconds
 */
struct counts {
	uint64_t kvm[COUNTS_KVM];
	unsigned int has;
	uint64_t cpu_us;
};

/**
 * struct counted - whose
 * @machine: a machine
 * @pids: processes beside its own, as those of its back ends
 * @count: length of @pids
 */
struct counted {
	struct machine *machine;
	pid_t pids[COUNTS_PROCESSES];
	size_t count;
};

/* Look now. */
void counts_read(struct counts *counts, struct iov *iov, const struct counted *counted);

/* The name of a member of enum counts_kvm in results. */
const char *counts_name(enum counts_kvm which);

/*
 * Add up what "query-stats" gave for virtual processors: an array of objects with "stats", arrays of
 * "name" and "value".
 */
void counts_add_up(struct counts *counts, struct json_object *processors);

/**
 * struct instructions - counters of what the threads of a process carry out, the guest's included
 * @fds: of threads
 * @count: length of @fds; 0 where nobody counts
 */
struct instructions {
	int fds[COUNTS_THREADS];
	size_t count;
};

/* Begin to count, for all of these processes. */
void instructions_begin(struct instructions *instructions, const struct counted *counted);

/* How many there were; 0 where nobody counts. */
uint64_t instructions_end(struct instructions *instructions);

#endif
