// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  Queues are rings in memory that the controller reads and writes.  A
 * command that we have put in is announced by a doorbell, once for a batch; what ended has a
 * phase bit that changes with each round of the ring, so nobody has to be asked.
 *
 * Commands have a slot each, with a page for the list of their pages.  A slot is free again when
 * its command ended, and the queue has one entry more than there are slots, so it is never full.
 */
#include "plugins/drivers/nvme_driver.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/clock.h"
#include "vfio/device/interrupt.h"

#define PAGE UINT64_C(4096)
#define CLASS_NVME 0x010802

/* Registers, PCIe Transport 1.0 section 3.1 */
#define CAP 0x00
#define CC 0x14
#define CSTS 0x1c
#define AQA 0x24
#define ASQ 0x28
#define ACQ 0x30
#define DOORBELLS 0x1000
#define REGISTERS 0x2000

#define CC_ENABLE 1u
#define CC_ENTRIES (6u << 16 | 4u << 20) /* 64 and 16 bytes */
#define CSTS_READY 1u
#define CSTS_FATAL 2u

#define ADMIN_ENTRIES 32
#define ADMIN_MS 10000

enum { ADMIN_CREATE_SQ = 0x01, ADMIN_CREATE_CQ = 0x05, ADMIN_IDENTIFY = 0x06 };
enum { NVM_WRITE = 0x01, NVM_READ = 0x02 };

struct command {
	uint8_t opcode;
	uint8_t flags;
	uint16_t id;
	uint32_t namespace;
	uint64_t reserved;
	uint64_t metadata;
	uint64_t prp[2];
	uint32_t words[6];
};

struct completion {
	uint32_t result;
	uint32_t reserved;
	uint16_t head;
	uint16_t queue;
	uint16_t id;
	uint16_t status; /* its lowest bit is the phase */
};

static_assert(sizeof(struct command) == 64 && sizeof(struct completion) == 16, "as CC says");

/**
 * struct queue - a pair of queues
 * @entries: of each
 * @commands: what we submit
 * @completions: what ended
 * @bytes: of both, in one piece
 * @iova: where that is
 * @tail: where the next command goes
 * @head: where the next completion comes
 * @phase: what it has then
 * @submit: doorbell
 * @complete: doorbell
 */
struct queue {
	uint16_t entries;
	struct command *commands;
	volatile struct completion *completions;
	uint64_t bytes;
	uint64_t iova;
	uint16_t tail;
	uint16_t head;
	uint16_t phase;
	volatile uint32_t *submit;
	volatile uint32_t *complete;
};

struct iov_nvme {
	struct iov *iov;
	struct iov_device *device;
	struct iov_domain *domain;
	struct iov_bdf bdf;
	uint8_t *registers;
	uint64_t cap;
	bool interrupts;
	struct queue admin;
	struct queue io;
	struct iov_nvme_info info;
	uint64_t *lists; /* a page for each slot */
	uint64_t lists_iova;
	uint64_t tags[IOV_NVME_DEPTH_MAX];
	bool busy[IOV_NVME_DEPTH_MAX];
	uint16_t free[IOV_NVME_DEPTH_MAX];
	unsigned int free_count;
};

bool iov_nvme_is(struct iov *iov, struct iov_bdf bdf)
{
	int64_t class;

	return !iov_pci_number(iov, bdf, "class", &class) && class == CLASS_NVME;
}

const struct iov_nvme_info *iov_nvme_info(const struct iov_nvme *nvme)
{
	return &nvme->info;
}

static volatile uint32_t *reg32(const struct iov_nvme *nvme, unsigned int offset)
{
	return (volatile uint32_t *)(nvme->registers + offset);
}

static volatile uint64_t *reg64(const struct iov_nvme *nvme, unsigned int offset)
{
	return (volatile uint64_t *)(nvme->registers + offset);
}

static void pause_a_moment(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

/* CAP.TO is in halves of a second. */
static int wait_ready(struct iov_nvme *nvme, bool ready)
{
	uint64_t end = monotonic_ms() + 500 * ((nvme->cap >> 24 & 0xff) + 1);

	for (;;) {
		uint32_t status = *reg32(nvme, CSTS);

		if (status == UINT32_MAX || (ready && status & CSTS_FATAL))
			return iov_fail(nvme->iov, -EIO, "%s: the controller failed (CSTS 0x%x); 'iov reset "
					"%s' may help; a VF has to be online", IOV_BDF(nvme->bdf), status,
					IOV_BDF(nvme->bdf));
		if (!(status & CSTS_READY) == !ready)
			return 0;
		if (monotonic_ms() > end)
			return iov_fail(nvme->iov, -ETIMEDOUT, "%s: the controller does not get %s",
					IOV_BDF(nvme->bdf), ready ? "ready" : "to rest");
		pause_a_moment();
	}
}

static int make_queue(struct iov_nvme *nvme, struct queue *queue, unsigned int number,
		      uint16_t entries)
{
	uint64_t commands = (entries * sizeof(struct command) + PAGE - 1) & ~(PAGE - 1);
	uint64_t stride = UINT64_C(4) << (nvme->cap >> 32 & 0xf);
	void *memory;
	int error;

	queue->bytes = commands + entries * sizeof(struct completion);
	error = iov_domain_alloc(nvme->domain, queue->bytes, &memory, &queue->iova);
	if (error)
		return error;
	queue->entries = entries;
	queue->commands = memory;
	queue->completions = (void *)((char *)memory + commands);
	queue->phase = 1;
	queue->submit = reg32(nvme, (unsigned int)(DOORBELLS + 2 * number * stride));
	queue->complete = reg32(nvme, (unsigned int)(DOORBELLS + (2 * number + 1) * stride));
	return 0;
}

static uint64_t completions_iova(const struct queue *queue)
{
	return queue->iova + (uint64_t)((const char *)queue->completions -
					(const char *)queue->commands);
}

/* Base 2.0 section 3.5.1 */
static int enable(struct iov_nvme *nvme)
{
	int error;

	nvme->cap = *reg64(nvme, CAP);
	*reg32(nvme, CC) = 0;
	error = wait_ready(nvme, false);
	if (!error)
		error = make_queue(nvme, &nvme->admin, 0, ADMIN_ENTRIES);
	if (error)
		return error;
	*reg32(nvme, AQA) = (ADMIN_ENTRIES - 1) << 16 | (ADMIN_ENTRIES - 1);
	*reg64(nvme, ASQ) = nvme->admin.iova;
	*reg64(nvme, ACQ) = completions_iova(&nvme->admin);
	*reg32(nvme, CC) = CC_ENTRIES | CC_ENABLE;
	return wait_ready(nvme, true);
}

/* The entry behind one; a division would take longer than all else. */
static uint16_t following(const struct queue *queue, uint16_t index)
{
	return ++index == queue->entries ? 0 : index;
}

static struct command *next_command(struct queue *queue)
{
	struct command *command = &queue->commands[queue->tail];

	queue->tail = following(queue, queue->tail);
	return command;
}

static void ring(struct queue *queue)
{
	/* The controller that sees the doorbell must see the commands. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*queue->submit = queue->tail;
}

static bool take_completion(struct queue *queue, struct completion *done)
{
	volatile struct completion *next = &queue->completions[queue->head];
	uint16_t status = next->status;

	if ((status & 1) != queue->phase)
		return false;
	/* The phase is written last: the rest is there with it. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	*done = (struct completion){ .id = next->id, .status = (uint16_t)(status >> 1 & 0x7ff) };
	queue->head = following(queue, queue->head);
	queue->phase ^= !queue->head;
	return true;
}

/* One command of the admin queue, and its end. */
static int admin(struct iov_nvme *nvme, const struct command *wanted, const char *what)
{
	uint64_t end = monotonic_ms() + ADMIN_MS;
	struct completion done;

	*next_command(&nvme->admin) = *wanted;
	ring(&nvme->admin);
	while (!take_completion(&nvme->admin, &done)) {
		if (monotonic_ms() > end)
			return iov_fail(nvme->iov, -ETIMEDOUT, "%s: %s: no answer", IOV_BDF(nvme->bdf), what);
		pause_a_moment();
	}
	*nvme->admin.complete = nvme->admin.head;
	if (done.status)
		return iov_fail(nvme->iov, -EIO, "%s: %s: refused with status 0x%x", IOV_BDF(nvme->bdf), what,
				done.status);
	return 0;
}

static void copy_text(char *to, const char *from, size_t size)
{
	memcpy(to, from, size);
	while (size && to[size - 1] == ' ')
		size--;
	to[size] = '\0';
}

/* Base 2.0 section 5.17: the controller, then namespace 1 (NVM Command Set 1.0 section 4.1.5.1). */
static int identify(struct iov_nvme *nvme)
{
	struct command command = { .opcode = ADMIN_IDENTIFY };
	uint64_t iova;
	uint8_t *page;
	void *memory;
	uint32_t format;
	int error = iov_domain_alloc(nvme->domain, PAGE, &memory, &iova);

	if (error)
		return error;
	page = memory;
	command.prp[0] = iova;
	command.words[0] = 1;
	error = admin(nvme, &command, "identify the controller");
	if (!error) {
		copy_text(nvme->info.serial, (char *)page + 4, 20);
		copy_text(nvme->info.model, (char *)page + 24, 40);
		/* A list of pages fits into a page. */
		nvme->info.transfer_max = (uint32_t)(page[77] && page[77] < 9 ? PAGE << page[77]
									  : PAGE * (PAGE / 8));
		command.words[0] = 0;
		command.namespace = 1;
		error = admin(nvme, &command, "identify its first namespace");
	}
	if (!error) {
		memcpy(&nvme->info.blocks, page, sizeof(nvme->info.blocks));
		memcpy(&format, page + 128 + 4 * (page[26] & 0xf), sizeof(format));
		nvme->info.block_size = 1u << (format >> 16 & 0xff);
		if (!nvme->info.blocks || nvme->info.block_size < 512)
			error = iov_fail(nvme->iov, -ENODEV, "%s: has no first namespace",
					 IOV_BDF(nvme->bdf));
	}
	iov_domain_free(nvme->domain, memory, PAGE, iova);
	return error;
}

/* Base 2.0 sections 5.4 and 5.5 */
static int create_io(struct iov_nvme *nvme, unsigned int depth)
{
	uint16_t most = (uint16_t)(nvme->cap & 0xffff), entries;
	struct command complete = { .opcode = ADMIN_CREATE_CQ }, submit = { .opcode = ADMIN_CREATE_SQ };
	int error;

	nvme->info.depth = depth < most ? depth : most;
	entries = (uint16_t)(nvme->info.depth + 1);
	error = make_queue(nvme, &nvme->io, 1, entries);
	if (error)
		return error;
	complete.prp[0] = completions_iova(&nvme->io);
	complete.words[0] = submit.words[0] = (uint32_t)(entries - 1) << 16 | 1;
	complete.words[1] = nvme->interrupts ? 3 : 1; /* vector 0; contiguous */
	submit.prp[0] = nvme->io.iova;
	submit.words[1] = 1 << 16 | 1;
	error = admin(nvme, &complete, "create a completion queue");
	return error ? error : admin(nvme, &submit, "create a submission queue");
}

static int make_slots(struct iov_nvme *nvme)
{
	void *memory;
	int error = iov_domain_alloc(nvme->domain, nvme->info.depth * PAGE, &memory, &nvme->lists_iova);

	if (error)
		return error;
	nvme->lists = memory;
	for (unsigned int i = 0; i < nvme->info.depth; i++)
		nvme->free[nvme->free_count++] = (uint16_t)i;
	return 0;
}

static int start(struct iov_nvme *nvme, unsigned int depth, int event)
{
	void *registers;
	int error = iov_device_bus_master(nvme->device, true);

	if (!error)
		error = iov_device_map(nvme->device, 0, 0, REGISTERS, &registers);
	if (error)
		return error;
	nvme->registers = registers;
	nvme->interrupts = event >= 0;
	if (nvme->interrupts)
		error = iov_interrupt_enable(nvme->device, IOV_MSIX, 0, 1, &event);
	if (!error)
		error = enable(nvme);
	if (!error)
		error = identify(nvme);
	if (!error)
		error = create_io(nvme, depth);
	return error ? error : make_slots(nvme);
}

int iov_nvme_open(struct iov_nvme **out, struct iov *iov, struct iov_device *device,
		  unsigned int depth, int event)
{
	struct iov_nvme *nvme;
	int error;

	if (!depth || depth > IOV_NVME_DEPTH_MAX)
		return iov_fail(iov, -EINVAL, "%s: %u commands at once: expected 1 to %d",
				IOV_BDF(iov_device_bdf(device)), depth, IOV_NVME_DEPTH_MAX);
	nvme = calloc(1, sizeof(*nvme));
	if (!nvme)
		return -ENOMEM;
	nvme->iov = iov;
	nvme->device = device;
	nvme->domain = iov_device_domain(device);
	nvme->bdf = iov_device_bdf(device);
	error = start(nvme, depth, event);
	if (error) {
		iov_nvme_close(nvme);
		return error;
	}
	*out = nvme;
	return 0;
}

static void free_queue(struct iov_nvme *nvme, struct queue *queue)
{
	iov_domain_free(nvme->domain, queue->commands, queue->bytes, queue->iova);
}

/* The controller rests before memory that it has is taken away. */
void iov_nvme_close(struct iov_nvme *nvme)
{
	if (!nvme)
		return;
	if (nvme->registers) {
		*reg32(nvme, CC) = 0;
		for (uint64_t end = monotonic_ms() + 1000; *reg32(nvme, CSTS) & CSTS_READY && monotonic_ms() < end;)
			pause_a_moment();
		munmap(nvme->registers, REGISTERS);
	}
	if (nvme->interrupts)
		iov_interrupt_disable(nvme->device, IOV_MSIX);
	free_queue(nvme, &nvme->admin);
	free_queue(nvme, &nvme->io);
	iov_domain_free(nvme->domain, nvme->lists, nvme->info.depth * PAGE, nvme->lists_iova);
	free(nvme);
}

/* Base 2.0 section 4.1.1: two pages at most are named in the command, more in a list. */
static void set_pages(struct iov_nvme *nvme, struct command *command, unsigned int slot, uint64_t iova,
		      uint64_t bytes)
{
	uint64_t first = PAGE - iova % PAGE, next = iova + first, left = bytes > first ? bytes - first : 0;
	uint64_t *list = nvme->lists + slot * (PAGE / sizeof(*list));

	command->prp[0] = iova;
	command->prp[1] = left ? next : 0;
	if (left <= PAGE)
		return;
	command->prp[1] = nvme->lists_iova + slot * PAGE;
	for (unsigned int i = 0; i * PAGE < left; i++)
		list[i] = next + i * PAGE;
}

static bool is_right(const struct iov_nvme *nvme, const struct iov_nvme_io *io)
{
	return io->count && (uint64_t)io->count * nvme->info.block_size <= nvme->info.transfer_max &&
	       !(io->iova % 4) && io->block < nvme->info.blocks &&
	       io->count <= nvme->info.blocks - io->block;
}

static void put(struct iov_nvme *nvme, const struct iov_nvme_io *io)
{
	uint16_t slot = nvme->free[--nvme->free_count];
	struct command *command = next_command(&nvme->io);

	nvme->tags[slot] = io->tag;
	nvme->busy[slot] = true;
	*command = (struct command){
		.opcode = io->write ? NVM_WRITE : NVM_READ,
		.id = slot,
		.namespace = 1,
		.words = { (uint32_t)io->block, (uint32_t)(io->block >> 32), io->count - 1 },
	};
	set_pages(nvme, command, slot, io->iova, (uint64_t)io->count * nvme->info.block_size);
}

int iov_nvme_submit(struct iov_nvme *nvme, const struct iov_nvme_io *list, unsigned int count)
{
	unsigned int done = 0;

	for (; done < count && nvme->free_count && is_right(nvme, &list[done]); done++)
		put(nvme, &list[done]);
	if (done)
		ring(&nvme->io);
	if (done || !count || !nvme->free_count)
		return (int)done;
	return iov_fail(nvme->iov, -EINVAL, "%s: %" PRIu32 " blocks at %" PRIu64 ", IOVA 0x%" PRIx64
			": it has %" PRIu64 " blocks of %" PRIu32 " bytes, takes up to %" PRIu32
			" bytes at once, from addresses that are multiples of 4", IOV_BDF(nvme->bdf),
			list[0].count, list[0].block, list[0].iova, nvme->info.blocks,
			nvme->info.block_size, nvme->info.transfer_max);
}

unsigned int iov_nvme_poll(struct iov_nvme *nvme, struct iov_nvme_done *list, unsigned int max)
{
	struct completion completion;
	unsigned int count = 0;

	while (count < max && take_completion(&nvme->io, &completion)) {
		/* A controller that is broken names slots that there are not. */
		if (completion.id >= nvme->info.depth || !nvme->busy[completion.id])
			continue;
		nvme->busy[completion.id] = false;
		list[count++] = (struct iov_nvme_done){ nvme->tags[completion.id], completion.status };
		nvme->free[nvme->free_count++] = completion.id;
	}
	if (count)
		*nvme->io.complete = nvme->io.head;
	return count;
}
