/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A load of requests on a disk.
 *
 * One thread plays the guest: it keeps as many requests under way in each ring as the load's
 * depth, polls all rings by turns, and posts another one for each that came back.
 */
#ifndef IOV_BENCH_BLK_LOAD_H
#define IOV_BENCH_BLK_LOAD_H

#include "base/iov.h"
#include "bench/blk_disk.h"
#include "bench/blk_pattern.h"
#include "bench/histogram.h"

/**
 * struct blk_load_counts - what happened, all rings together
 * @requests: that came back, by kind
 * @errors: those whose status is not 0, by kind
 * @status: of the first of these
 * @bytes: of reads and writes without error
 * @kicks: times that the back end was woken
 * @verdicts: sectors that were compared, by what they were
 * @wrong: the first that was not what was written
 * @lost: requests that never came back
 * @seconds: how long
 */
struct blk_load_counts {
	uint64_t requests[BLK_KINDS];
	uint64_t errors[BLK_KINDS];
	uint8_t status;
	uint64_t bytes;
	uint64_t kicks;
	uint64_t verdicts[BLK_VERDICTS];
	struct blk_wrong wrong;
	uint64_t lost;
	double seconds;
};

struct blk_load;

/**
 * blk_load_open - attach to a disk
 * @out: receives the load; closed with blk_load_close()
 * @iov: context for messages, outlives it
 * @path: socket, outlives it
 * @options: copied
 *
 * Return: 0, or as front_end_meet(), blk_disk_read(), blk_shape_fit(), front_end_agree() and
 * front_end_start().
 */
int blk_load_open(struct blk_load **out, struct iov *iov, const char *path,
		  const struct blk_load_options *options);

/**
 * blk_load_open_sink - attach to a disk that does nothing, in a thread of this process
 * @out: receives the load
 * @iov: context for messages, outlives it
 * @options: copied
 * @cpu: where the thread runs; -1 for anywhere
 *
 * It says that each request is done, and moves no data.  What is reached with it is the most
 * that this generator can.
 *
 * Return: 0 or -errno with a message.
 */
int blk_load_open_sink(struct blk_load **out, struct iov *iov,
		       const struct blk_load_options *options, int cpu);

/**
 * blk_load_fill - write to all of the disk that is used, so that what is read is known
 * @load: load that verifies
 * @stop: ends it when another thread or a signal sets it
 * @counts: receives what happened, also after a failure
 *
 * Return: as blk_load_run().
 */
int blk_load_fill(struct blk_load *load, const volatile bool *stop, struct blk_load_counts *counts);

/**
 * blk_load_run - ask for a while
 * @load: load; one that verifies was filled
 * @seconds: how long
 * @requests: end after so many; 0 for any number
 * @stop: ends it when another thread or a signal sets it
 * @counts: receives what happened, also after a failure
 *
 * Afterwards no request is under way.
 *
 * Return: 0; -EINTR when it was stopped; with a message -ECONNRESET when the back end is gone,
 * -EPROTO when it gave back what it was not given, -ETIMEDOUT when it does not give back what it
 * has.
 */
int blk_load_run(struct blk_load *load, double seconds, uint64_t requests,
		 const volatile bool *stop, struct blk_load_counts *counts);

/**
 * blk_load_read_back - compare all of the disk that is used
 * @load: load that verifies, and was filled
 * @stop: ends it when another thread or a signal sets it
 * @counts: receives what happened, also after a failure
 *
 * Return: as blk_load_run().
 */
int blk_load_read_back(struct blk_load *load, const volatile bool *stop,
		       struct blk_load_counts *counts);

/**
 * blk_load_latency - how long requests were under way
 * @load: load
 * @kind: of which kind
 *
 * Return: times since the last call of those above began.
 */
const struct histogram *blk_load_latency(const struct blk_load *load, enum blk_kind kind);

/* The disk; of the one that does nothing, what fits the load. */
const struct blk_disk *blk_load_disk(const struct blk_load *load);

/* How the load is done. */
const struct blk_shape *blk_load_shape(const struct blk_load *load);

/* Features that were negotiated. */
uint64_t blk_load_features(const struct blk_load *load);

/* Whether all memory is in huge pages. */
bool blk_load_is_huge(const struct blk_load *load);

/**
 * blk_load_close - detach
 * @load: NULL is allowed
 */
void blk_load_close(struct blk_load *load);

#endif
