/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A side of the comparison: one guest that runs, or the host, and what was counted of it. */
#ifndef IOV_BENCH_GUEST_SIDE_H
#define IOV_BENCH_GUEST_SIDE_H

#include "bench/guest/counts.h"
#include "bench/guest/guest_bench.h"
#include "bench/guest/machine.h"
#include "bench/guest/peer.h"

#define SIDE_LOADS 8
#define SIDE_TIMES 5

/**
 * struct stage - what all sides have in common
 * @iov: context
 * @options: of the caller
 * @machines: of all guests
 * @image: file of the disk, without a name
 * @direct: it can be read past the page cache
 * @gaps: array of what cannot be measured, and why
 */
struct stage {
	struct iov *iov;
	const struct guest_bench_options *options;
	struct machine_options machines;
	int image;
	bool direct;
	struct json_object *gaps;
};

/**
 * struct tally - of one load, over its turns
 * @rates: of each turn
 * @times: percentiles of each turn, nanoseconds
 * @count: turns
 * @units: packets or requests, in all turns
 * @interrupts: of devices in the guest
 * @kvm: as in struct counts, less what asking takes
 * @has: as in struct counts
 * @cpu_us: processor time
 * @ns: time
 * @instructions: carried out; 0 where nobody counts
 * @errors: requests that failed, packets that were lost
 */
struct tally {
	double *rates;
	double *times[SIDE_TIMES];
	unsigned int count;
	double units;
	double interrupts;
	double kvm[COUNTS_KVM];
	unsigned int has;
	double cpu_us;
	double ns;
	double instructions;
	double errors;
};

/**
 * struct side - a side
 * @name: in results: "vhost-net", "vfio 0000:01:10.0"
 * @way: "vhost-net", "vfio"
 * @device: what was given whole; NULL for none
 * @has: bits of enum guest_class, what it has and answers by now
 * @failed: bits of loads that it failed at, which it is not asked for again
 * @machine: guest, or the probe on the host
 * @peer: the other side of its NIC
 * @helpers: its back ends, by class
 * @driver: of the NIC, in the guest
 * @tallies: by load
 * @asking: what KVM counts while nothing but a question is asked
 */
struct side {
	char name[96];
	const char *way;
	const struct guest_device *device;
	unsigned int has;
	unsigned int failed;
	struct machine machine;
	struct peer peer;
	struct child helpers[GUEST_CLASSES];
	char driver[64];
	struct tally tallies[SIDE_LOADS];
	struct counts asking;
};

/* Add a gap with the context's message for a reason. */
void stage_gap(const struct stage *stage, const char *side, const char *class);

/**
 * side_start - bring a side up
 * @side: overwritten; ended with side_end(), also after a failure
 * @stage: what all have in common
 * @way: index of a way, see side_way()
 * @device: a device that is given whole; NULL for a way without one
 *
 * Whatever of it there is not becomes a gap.
 *
 * Return: 0, also when it has nothing to be measured; -EINTR when it was told to stop.
 */
int side_start(struct side *side, const struct stage *stage, size_t way,
	       const struct guest_device *device);

/**
 * side_start_native - measure a device by the host's own driver
 * @side: overwritten; ended with side_end(), also after a failure
 * @stage: what all have in common
 * @device: it
 * @name: its interface or node
 *
 * Return: as side_start().
 */
int side_start_native(struct side *side, const struct stage *stage,
		      const struct guest_device *device, const char *name);

/* The ways without a device of one's own, from 0 on; NULL behind the last. */
const char *side_way(size_t index);

/* The way of devices. */
#define SIDE_DEVICE SIZE_MAX

/* End what runs of it; what was counted stays. */
void side_stop(struct side *side);

/* End it. */
void side_end(struct side *side);

#endif
