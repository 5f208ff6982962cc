/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The NVMe driver: what its files share. */
#ifndef IOV_PLUGINS_DRIVERS_NVME_INTERNAL_H
#define IOV_PLUGINS_DRIVERS_NVME_INTERNAL_H

#include "plugins/drivers/nvme_abi.h"
#include "plugins/drivers/nvme_driver.h"

/**
 * struct doorbell - where an index is told
 * @at: register
 * @shadow: memory that the controller looks at; NULL for none
 * @event: it wants to be told when the shadow goes beyond this
 */
struct doorbell {
	volatile uint32_t *at;
	uint32_t *shadow;
	const volatile uint32_t *event;
};

/**
 * struct queue_pair - a submission queue and its completion queue
 * @number: of both
 * @entries: of each
 * @commands: what we submit
 * @completions: what ended
 * @bytes: of both, and what comes behind them, in one piece
 * @iova: where that is
 * @tail: where the next command goes
 * @head: where the next completion comes
 * @phase: what it has then
 * @submit: doorbell
 * @complete: doorbell
 */
struct queue_pair {
	unsigned int number;
	uint16_t entries;
	struct nvme_command *commands;
	volatile struct nvme_completion *completions;
	uint64_t bytes;
	uint64_t iova;
	uint16_t tail;
	uint16_t head;
	uint16_t phase;
	struct doorbell submit;
	struct doorbell complete;
};

/**
 * struct iov_nvme - see nvme_driver.h
 * @cap: register
 * @admin: queues
 * @page: for what identify tells
 * @shadows: two pages: doorbells, and when to ring them; NULL for none
 * @is_silent: it reaches no memory
 * @failed: does not answer; atomic
 * @ticks: atomic
 * @notices: events that it knows
 * @is_event_asked: it has the command that ends with an event
 * @has_event: and that ended
 * @event: with this
 * @heard: what is to be looked at without an event
 * @warnings: atomic
 * @queues: by their number
 */
struct iov_nvme {
	struct iov *iov;
	struct iov_nvme_bus *bus;
	uint64_t cap;
	struct queue_pair admin;
	void *page;
	uint64_t page_iova;
	void *shadows;
	uint64_t shadows_iova;
	bool is_silent;
	bool failed;
	unsigned int ticks;
	uint32_t notices;
	bool is_event_asked;
	bool has_event;
	uint32_t event;
	unsigned int heard;
	uint8_t warnings;
	struct iov_nvme_info info;
	struct iov_nvme_queue *queues[IOV_NVME_QUEUES_MAX + 1];
};

/* Make the memory of a pair, with @more bytes behind it on a page of their own. */
int pair_alloc(struct iov_nvme *nvme, struct queue_pair *pair, unsigned int number,
		    uint16_t entries, uint64_t more);
void pair_free(struct iov_nvme *nvme, struct queue_pair *pair);

/* It is empty, for a controller that begins. */
void pair_reset(struct iov_nvme *nvme, struct queue_pair *pair);

/* Put a command behind the others; there is room. */
void pair_put(struct queue_pair *pair, const struct nvme_command *command);

/* Tell the controller what was put, and what was taken. */
void pair_ring(struct queue_pair *pair);
void pair_ack(struct queue_pair *pair);

/* The next completion; false when there is none. */
bool pair_take(struct queue_pair *pair, struct nvme_completion *done);

uint64_t pair_completions_iova(const struct queue_pair *pair);

/*
 * One command of the admin queue, and its end; @result: NULL for no matter.  -EIO, -ETIMEDOUT,
 * with a message.
 */
int controller_admin(struct iov_nvme *nvme, const struct nvme_command *command, const char *what,
	       uint32_t *result);

/* Read a page of identify into @nvme->page. */
int controller_identify(struct iov_nvme *nvme, unsigned int what, uint32_t nsid, const char *words);

/* The number of the command that ends with an event; others have 0. */
#define NVME_EVENT_ID 0xae

/* Have a controller that begins tell of events, and note that it did. */
void events_begin(struct iov_nvme *nvme);
void events_note(struct iov_nvme *nvme, const struct nvme_completion *done);

/* It reaches no memory any more, until it is reset. */
void controller_silence(struct iov_nvme *nvme);

/* Have the controller know a queue again, and what was under way; or end all of that. */
int queue_resume(struct iov_nvme_queue *queue);
void queue_lose(struct iov_nvme_queue *queue);

#endif
