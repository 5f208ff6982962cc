/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A load on a disk, for the files that make and that run it. */
#ifndef IOV_BENCH_BLK_LOAD_INTERNAL_H
#define IOV_BENCH_BLK_LOAD_INTERNAL_H

#include <linux/virtio_blk.h>

#include "bench/blk_ledger.h"
#include "bench/blk_load.h"
#include "bench/sink.h"

/* Header and status of a request, which cross between cores together. */
#define BLK_CELL 64
#define BLK_STATUS sizeof(struct virtio_blk_outhdr)

struct blk_request {
	uint64_t start;
	uint64_t slot;
	uint8_t kind;
	uint8_t described; /* the kind that its descriptors are for */
};

struct blk_queue {
	struct driver_ring *ring;
	int kick;
	struct blk_request *requests;
	uint8_t *cells;
	uint64_t cells_gpa;
	uint8_t *data;
	uint64_t data_gpa;
	unsigned int writes; /* since the last flush */
};

/* What requests are made. */
struct blk_job {
	unsigned int read_percent;
	bool is_random;
	unsigned int flush_every;
	uint64_t left; /* requests that are to be posted */
};

struct blk_load {
	struct iov *iov;
	struct blk_load_options options;
	struct blk_disk disk;
	struct blk_shape shape;
	struct front_end front_end;
	struct blk_queue queues[FRONT_END_RINGS_MAX];
	uint32_t stride; /* from the data of a request to that of the next one */
	struct sink *sink;
	struct blk_ledger ledger;
	struct blk_job job;
	uint64_t seed;
	uint64_t next; /* place, when one comes behind the other */
	uint64_t now;
	uint64_t came; /* when something last came back */
	unsigned int idle;
	struct blk_load_counts counts;
	struct histogram latency[BLK_KINDS];
};

#endif
