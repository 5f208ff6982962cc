// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  Queues are rings in memory that the controller reads and writes.  A command
 * that we have put in is announced by a doorbell, once for a batch; what ended has a phase bit that
 * changes with each round of the ring, so nobody has to be asked.
 *
 * A controller that looks at shadows of the doorbells is rung only when it says that it sleeps.
 */
#include <string.h>

#include "plugins/drivers/nvme_internal.h"

static uint64_t pages(uint64_t bytes)
{
	return (bytes + NVME_PAGE - 1) & ~(NVME_PAGE - 1);
}

static uint64_t stride(const struct iov_nvme *nvme)
{
	return UINT64_C(4) << (nvme->cap >> 32 & 0xf);
}

/* Base 2.0 section 5.8: shadows are as far apart as the registers; those of the admin queue are none. */
static struct doorbell doorbell(const struct iov_nvme *nvme, unsigned int index)
{
	const uint64_t offset = index * stride(nvme);
	struct doorbell bell = {
		.at = (volatile uint32_t *)((char *)nvme->bus->registers + NVME_DOORBELLS + offset),
	};

	if (nvme->shadows && index > 1 && offset + sizeof(uint32_t) <= NVME_PAGE) {
		bell.shadow = (uint32_t *)((char *)nvme->shadows + offset);
		bell.event = (uint32_t *)((char *)nvme->shadows + NVME_PAGE + offset);
	}
	return bell;
}

int pair_alloc(struct iov_nvme *nvme, struct queue_pair *pair, unsigned int number,
		    uint16_t entries, uint64_t more)
{
	const uint64_t commands = pages(entries * sizeof(struct nvme_command));
	const uint64_t completions = pages(entries * sizeof(struct nvme_completion));
	void *memory;
	int error;

	pair->bytes = commands + completions + more;
	error = nvme->bus->ops->alloc(nvme->bus, pair->bytes, &memory, &pair->iova);
	if (error)
		return error;
	pair->number = number;
	pair->entries = entries;
	pair->commands = memory;
	pair->completions = (void *)((char *)memory + commands);
	pair_reset(nvme, pair);
	return 0;
}

void pair_free(struct iov_nvme *nvme, struct queue_pair *pair)
{
	nvme->bus->ops->free(nvme->bus, pair->commands, pair->bytes, pair->iova);
	pair->commands = NULL;
}

void pair_reset(struct iov_nvme *nvme, struct queue_pair *pair)
{
	memset(pair->commands, 0, pair->entries * sizeof(*pair->commands));
	memset((void *)(uintptr_t)pair->completions, 0, pair->entries * sizeof(*pair->completions));
	pair->tail = 0;
	pair->head = 0;
	pair->phase = 1;
	pair->submit = doorbell(nvme, 2 * pair->number);
	pair->complete = doorbell(nvme, 2 * pair->number + 1);
}

uint64_t pair_completions_iova(const struct queue_pair *pair)
{
	return pair->iova +
	       (uint64_t)((const char *)pair->completions - (const char *)pair->commands);
}

/* The entry behind one; a division would take longer than all else. */
static uint16_t following(const struct queue_pair *pair, uint16_t index)
{
	return ++index == pair->entries ? 0 : index;
}

void pair_put(struct queue_pair *pair, const struct nvme_command *command)
{
	pair->commands[pair->tail] = *command;
	pair->tail = following(pair, pair->tail);
}

static void tell(const struct doorbell *bell, uint16_t value)
{
	uint16_t before, event;

	/* The controller that sees the doorbell must see the commands. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (!bell->shadow) {
		*bell->at = value;
		return;
	}
	before = (uint16_t)*bell->shadow;
	__atomic_store_n(bell->shadow, value, __ATOMIC_RELEASE);
	/* Either the controller sees the shadow before it sleeps, or we see that it does. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	event = (uint16_t)*bell->event;
	if ((uint16_t)(value - event - 1) < (uint16_t)(value - before))
		*bell->at = value;
}

void pair_ring(struct queue_pair *pair)
{
	tell(&pair->submit, pair->tail);
}

void pair_ack(struct queue_pair *pair)
{
	tell(&pair->complete, pair->head);
}

bool pair_take(struct queue_pair *pair, struct nvme_completion *done)
{
	const volatile struct nvme_completion *next = &pair->completions[pair->head];
	const uint16_t status = next->status;

	if ((status & 1) != pair->phase)
		return false;
	/* The phase is written last: the rest is there with it. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	*done = (struct nvme_completion){
		.result = next->result,
		.queue = next->queue,
		.id = next->id,
		.status = (uint16_t)(status >> 1),
	};
	pair->head = following(pair, pair->head);
	pair->phase ^= !pair->head;
	return true;
}
