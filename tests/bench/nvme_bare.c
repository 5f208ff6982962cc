// SPDX-License-Identifier: GPL-2.0-or-later
/* NVM Express Base Specification 2.0, sections 3.1.3 (registers), 3.3 (queues) and 5.4, 5.5. */
#include "tests/bench/nvme_bare.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096u
#define ENTRIES 64u

/* Two pairs of queues, each queue on a page; what is read goes behind them. */
#define QUEUES (4 * PAGE)

struct command {
	uint32_t words[16];
};

struct completion {
	uint32_t result;
	uint32_t reserved;
	uint16_t head;
	uint16_t queue;
	uint16_t id;
	uint16_t status;
};

struct queue {
	struct command *commands;
	volatile struct completion *completions;
	volatile uint32_t *tail_doorbell;
	volatile uint32_t *head_doorbell;
	uint16_t tail;
	uint16_t head;
	uint16_t phase;
};

static struct queue make_queue(volatile uint8_t *registers, unsigned int number, unsigned int stride,
			       uint8_t *memory)
{
	volatile uint8_t *doorbells = registers + 0x1000 + (size_t)2 * number * stride;

	return (struct queue){
		.commands = (struct command *)memory,
		.completions = (volatile struct completion *)(memory + PAGE),
		.tail_doorbell = (volatile uint32_t *)doorbells,
		.head_doorbell = (volatile uint32_t *)(doorbells + stride),
		.phase = 1,
	};
}

static void push(struct queue *queue, const struct command *command)
{
	queue->commands[queue->tail] = *command;
	queue->tail = (uint16_t)((queue->tail + 1) % ENTRIES);
}

static void ring(struct queue *queue)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*queue->tail_doorbell = queue->tail;
}

/* Identifiers of commands that ended. */
static unsigned int pull(struct queue *queue, uint16_t *ids)
{
	unsigned int count = 0;

	while ((queue->completions[queue->head].status & 1) == queue->phase) {
		ids[count++] = queue->completions[queue->head].id;
		queue->head = (uint16_t)((queue->head + 1) % ENTRIES);
		queue->phase ^= !queue->head;
	}
	if (count)
		*queue->head_doorbell = queue->head;
	return count;
}

static void admin(struct queue *queue, uint32_t opcode, uint64_t address, uint32_t word10, uint32_t word11)
{
	struct command command = {
		.words = { opcode, 0, 0, 0, 0, 0, (uint32_t)address, (uint32_t)(address >> 32), 0, 0,
			   word10, word11 },
	};
	uint16_t ids[ENTRIES];

	push(queue, &command);
	ring(queue);
	while (!pull(queue, ids))
		;
}

static bool is_ready(volatile uint8_t *registers, uint32_t wanted)
{
	const uint64_t end = monotonic_ns() + UINT64_C(5000000000);

	while ((*(volatile uint32_t *)(registers + 0x1c) & 1) != wanted)
		if (monotonic_ns() > end)
			return false;
	return true;
}

/* Controller and one pair of queues of @memory, which is at @iova for it. */
static bool begin(volatile uint8_t *registers, uint8_t *memory, uint64_t iova, struct queue *queue)
{
	const unsigned int stride = 4u << (*(volatile uint32_t *)(registers + 4) & 0xf);
	struct queue first = make_queue(registers, 0, stride, memory);

	*(volatile uint32_t *)(registers + 0x14) = 0;
	if (!is_ready(registers, 0))
		return false;
	*(volatile uint32_t *)(registers + 0x24) = (ENTRIES - 1) << 16 | (ENTRIES - 1);
	*(volatile uint64_t *)(registers + 0x28) = iova;
	*(volatile uint64_t *)(registers + 0x30) = iova + PAGE;
	*(volatile uint32_t *)(registers + 0x14) = 4 << 20 | 6 << 16 | 1;
	if (!is_ready(registers, 1))
		return false;
	*queue = make_queue(registers, 1, stride, memory + 2 * PAGE);
	admin(&first, 5, iova + 3 * PAGE, (ENTRIES - 1) << 16 | 1, 1);
	admin(&first, 1, iova + 2 * PAGE, (ENTRIES - 1) << 16 | 1, 1 << 16 | 1);
	return true;
}

static void read_somewhere(struct queue *queue, uint64_t data, uint32_t id, unsigned int *seed)
{
	uint64_t block = (uint64_t)rand_r(seed) % NVME_BARE_BLOCKS * 8, at = data + (uint64_t)id * PAGE;
	struct command command = {
		.words = { 2 | id << 16, 1, 0, 0, 0, 0, (uint32_t)at, (uint32_t)(at >> 32), 0, 0,
			   (uint32_t)block, (uint32_t)(block >> 32), 7 },
	};

	push(queue, &command);
}

static double run(struct queue *queue, uint64_t data, unsigned int depth, uint64_t end)
{
	uint16_t ids[ENTRIES];
	unsigned int seed = 1, count;
	double sum = 0;

	for (uint32_t id = 0; id < depth; id++)
		read_somewhere(queue, data, id, &seed);
	ring(queue);
	while (monotonic_ns() < end) {
		count = pull(queue, ids);
		for (unsigned int i = 0; i < count; i++)
			read_somewhere(queue, data, ids[i], &seed);
		if (count)
			ring(queue);
		sum += count;
	}
	return sum;
}

double nvme_bare_read(struct iov_device *device, unsigned int depth, uint64_t nanoseconds)
{
	struct iov_domain *domain = iov_device_domain(device);
	const uint64_t size = QUEUES + (uint64_t)depth * PAGE;
	struct queue queue;
	double sum = -1;
	uint64_t iova;
	void *memory, *registers;

	if (iov_device_bus_master(device, true) || iov_device_map(device, 0, 0, 2 * PAGE, &registers))
		return sum;
	if (!iov_domain_alloc(domain, size, &memory, &iova)) {
		if (begin(registers, memory, iova, &queue))
			sum = run(&queue, iova + QUEUES, depth, monotonic_ns() + nanoseconds);
		*(volatile uint32_t *)((uint8_t *)registers + 0x14) = 0;
		is_ready(registers, 0);
		iov_domain_free(domain, memory, size, iova);
	}
	munmap(registers, 2 * PAGE);
	return sum;
}
