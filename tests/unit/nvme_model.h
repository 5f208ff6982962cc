/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NVMe controller that is played in memory: it goes on when it is waited for, and by
 * nvme_model_run(), in whichever thread that is called.  It reaches what was mapped for it and nothing
 * else, which fails the test otherwise, and ends commands in any order.
 */
#ifndef IOV_TESTS_NVME_MODEL_H
#define IOV_TESTS_NVME_MODEL_H

#include <pthread.h>

#include "plugins/drivers/nvme_abi.h"
#include "plugins/drivers/nvme_driver.h"
#include "tests/unit/random.h"
#include "tests/unit/test.h"

#define MODEL_SPACES 2
#define MODEL_BYTES (UINT64_C(4) << 20)
#define MODEL_QUEUES 8
#define MODEL_MAPPED 64
#define MODEL_PENDING 2048

/* A queue pair as the controller has it. */
struct model_queue {
	bool exists;
	uint64_t commands;
	uint64_t completions;
	uint16_t entries;
	uint16_t head;
	uint16_t tail;
	uint16_t phase;
	uint16_t vector;
	bool interrupts;
};

/* A namespace */
struct model_space {
	uint8_t *medium;
	uint64_t bytes;		/* none: it is not there */
	uint64_t told;		/* blocks, most that was ever said of it */
	bool is_other;		/* somebody has formatted it, so what it is asked for is of one before */
};

struct nvme_model {
	struct iov_nvme_bus bus;
	pthread_mutex_t lock;	/* of all but registers and table */
	struct random random;
	int bar;			/* memory file: registers, then the MSI-X table */
	uint8_t *registers;
	uint32_t *table;
	int events_of[MODEL_QUEUES + 1];	/* of vectors; -1 for none */
	bool is_due[MODEL_QUEUES + 1];		/* masked when it was to fire */
	struct { uint64_t at, bytes, iova; void *own; } mapped[MODEL_MAPPED];
	unsigned int mapped_count;
	uint64_t next_iova;
	unsigned int map_fails;		/* times that mapping guest memory fails */
	struct model_queue queues[MODEL_QUEUES + 1];
	struct { struct nvme_command command; unsigned int queue; } pending[MODEL_PENDING];
	unsigned int pending_count;
	uint64_t shadows, events;
	bool has_event_request;		/* a command that ends with an event */
	uint16_t event_id;
	uint32_t told_events;		/* kinds that it was told to tell of */
	struct model_space space[MODEL_SPACES];

	/* What it is like; set before it starts */
	uint8_t mdts;
	bool has_cache, scatters, shares_doorbells, protects, has_metadata;
	unsigned int queue_count;

	/* What it does; may be set at any time */
	unsigned int spaces, block_bits;
	bool is_stuck, is_fatal, is_gone, has_no_reset, lies_of_itself;
	bool is_mute;		/* to what it is asked about itself */
	bool is_late;		/* it was, or had failed: memory that it was told of then may be gone */
	bool refuses;		/* that with @status as well */
	bool is_confused;	/* reads lists that are of other commands by now; an IOMMU stops it */
	uint16_t status;		/* of commands, so many */
	uint8_t warnings;		/* of its SMART log */
	unsigned int status_count;

	/* What it saw */
	unsigned int reads, writes, stable_writes, flushes, discards, zeroes, aborts, resets, interrupts,
		doorbells, lists, logs;
};

/* Bytes of the file. */
#define MODEL_BAR (IOV_NVME_REGISTERS + NVME_PAGE)

/* A controller with one namespace of 512-byte blocks, a cache, and all commands. */
void nvme_model_open(struct nvme_model *model, uint64_t seed);

/* Nothing may be mapped any more. */
void nvme_model_close(struct nvme_model *model);

/* It goes on with what it has. */
void nvme_model_run(struct nvme_model *model);

/* Something happened; false when nobody asked to be told. */
bool nvme_model_tell(struct nvme_model *model, uint32_t event);

/* Say something that need not be true of a queue. */
void nvme_model_say(struct nvme_model *model, unsigned int queue, uint16_t of, uint16_t id,
		    uint16_t status);

#endif
