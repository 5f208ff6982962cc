// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pair of queues for commands.
 *
 * Commands have a slot each, with a page for the list of their memory.  A slot is free again when
 * its command ended, and the queue has one entry more than there are slots, so it is never full.
 *
 * What the controller says is not believed: a completion counts when it is of a command that it has,
 * of this queue, and once; and a look at the queue ends after one round.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/drivers/nvme_internal.h"

/* How often a command is tried again. */
#define TRIES 5

/* Bytes of an entry of the MSI-X table, and where its mask is. */
#define MSIX_ENTRY 16
#define MSIX_CONTROL 12

/**
 * struct slot - a command
 * @command: it
 * @tag: whose
 * @began: ticks that there were; atomic
 * @is_busy: the controller has it; atomic
 * @is_aborted: that was asked for; atomic
 * @is_lost: no completion will come
 * @tries: how often it was tried again
 */
struct slot {
	struct nvme_command command;
	uint64_t tag;
	unsigned int began;
	bool is_busy;
	bool is_aborted;
	bool is_lost;
	uint8_t tries;
};

/**
 * struct iov_nvme_queue - see nvme_driver.h
 * @pair: the queues
 * @lists: a page for each slot
 * @lists_iova: where they are
 * @interrupts: completions write to an eventfd
 * @is_masked: they do not at the moment
 * @has_lost: some slots are lost
 * @is_dead: so is all that comes
 * @lies: atomic
 * @slots: length @depth
 * @free: those that are
 */
struct iov_nvme_queue {
	struct iov_nvme *nvme;
	struct queue_pair pair;
	unsigned int depth;
	uint8_t *lists;
	uint64_t lists_iova;
	bool interrupts;
	bool is_masked;
	bool has_lost;
	bool is_dead;
	uint64_t lies;
	struct slot *slots;
	uint16_t *free;
	unsigned int free_count;
};

unsigned int iov_nvme_queue_depth(const struct iov_nvme_queue *queue)
{
	return queue->depth;
}

bool iov_nvme_queue_interrupts(const struct iov_nvme_queue *queue)
{
	return queue->interrupts;
}

/*
 * The admin queue is looked at, so the first of the others may have its vector; VFs have as few as
 * one.
 */
static unsigned int vector_of(const struct iov_nvme_queue *queue)
{
	return queue->pair.number - 1u;
}

/* A vector that is unmasked fires when it would have while it was not. */
void iov_nvme_queue_arm(struct iov_nvme_queue *queue, bool on)
{
	char *table = queue->nvme->bus->table;

	if (queue->is_masked == !on || !table || !queue->interrupts)
		return;
	queue->is_masked = !on;
	*(volatile uint32_t *)(table + vector_of(queue) * MSIX_ENTRY + MSIX_CONTROL) = !on;
}

uint64_t iov_nvme_lies(const struct iov_nvme_queue *queue)
{
	return __atomic_load_n(&queue->lies, __ATOMIC_RELAXED);
}

/* Base 2.0 sections 5.4 and 5.5 */
static int create(struct iov_nvme_queue *queue)
{
	const struct queue_pair *pair = &queue->pair;
	const uint32_t size = (uint32_t)(pair->entries - 1) << 16 | pair->number;
	const struct nvme_command complete = {
		.opcode = NVME_ADMIN_CREATE_CQ,
		.data = { pair_completions_iova(pair) },
		.words = { size, NVME_QUEUE_CONTIGUOUS |
				 (queue->interrupts ? NVME_QUEUE_INTERRUPTS | vector_of(queue) << 16 : 0) },
	};
	const struct nvme_command submit = {
		.opcode = NVME_ADMIN_CREATE_SQ,
		.data = { pair->iova },
		.words = { size, NVME_QUEUE_CONTIGUOUS | pair->number << 16 },
	};
	int error = controller_admin(queue->nvme, &complete, "create a completion queue", NULL);

	return error ? error : controller_admin(queue->nvme, &submit, "create a submission queue", NULL);
}

/* Base 2.0 sections 5.6 and 5.7 */
static void delete(struct iov_nvme_queue *queue)
{
	struct nvme_command command = { .opcode = NVME_ADMIN_DELETE_SQ,
					.words = { queue->pair.number } };
	int error = controller_admin(queue->nvme, &command, "delete a submission queue", NULL);

	command.opcode = NVME_ADMIN_DELETE_CQ;
	if (!error)
		error = controller_admin(queue->nvme, &command, "delete a completion queue", NULL);
	/* One that may still write into what is freed now must not. */
	if (error)
		controller_silence(queue->nvme);
}

static int make_slots(struct iov_nvme_queue *queue)
{
	queue->slots = calloc(queue->depth, sizeof(*queue->slots));
	queue->free = calloc(queue->depth, sizeof(*queue->free));
	if (!queue->slots || !queue->free)
		return iov_told(queue->nvme->iov, -ENOMEM, "no memory for a queue");
	for (unsigned int i = queue->depth; i--;)
		queue->free[queue->free_count++] = (uint16_t)i;
	return 0;
}

static void have_interrupts(struct iov_nvme_queue *queue, int event)
{
	const struct iov_nvme_bus *bus = queue->nvme->bus;

	/* Without one it is polled. */
	queue->interrupts = event >= 0 && vector_of(queue) < bus->vectors &&
			    !bus->ops->interrupt(queue->nvme->bus, vector_of(queue), event);
}

static void free_queue(struct iov_nvme_queue *queue)
{
	const struct iov_nvme_bus *bus = queue->nvme->bus;

	if (queue->interrupts)
		bus->ops->interrupt(queue->nvme->bus, vector_of(queue), -1);
	if (queue->pair.commands)
		pair_free(queue->nvme, &queue->pair);
	free(queue->slots);
	free(queue->free);
	free(queue);
}

static unsigned int free_number(const struct iov_nvme *nvme)
{
	for (unsigned int i = 1; i <= nvme->info.queues_max; i++)
		if (!nvme->queues[i])
			return i;
	return 0;
}

static int fill(struct iov_nvme_queue *queue, unsigned int number, int event)
{
	const uint64_t lists = queue->depth * NVME_PAGE;
	int error = make_slots(queue);

	if (!error)
		error = pair_alloc(queue->nvme, &queue->pair, number,
					(uint16_t)(queue->depth + 1), lists);
	if (error)
		return error;
	queue->lists = (uint8_t *)queue->pair.commands + queue->pair.bytes - lists;
	queue->lists_iova = queue->pair.iova + queue->pair.bytes - lists;
	have_interrupts(queue, event);
	return create(queue);
}

int iov_nvme_queue_open(struct iov_nvme_queue **out, struct iov_nvme *nvme, unsigned int depth,
			int event)
{
	const unsigned int number = free_number(nvme);
	struct iov_nvme_queue *queue;
	int error;

	if (!depth || depth > IOV_NVME_DEPTH_MAX)
		return iov_fail(nvme->iov, -EINVAL, "%s: %u commands at once: expected 1 to %d",
				nvme->bus->name, depth, IOV_NVME_DEPTH_MAX);
	if (!number)
		return iov_fail_as(nvme->iov, IOV_FAILURE_OTHER, -ENOSPC, "%s: all of its %u queues are "
				   "in use", nvme->bus->name, nvme->info.queues_max);
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return iov_told(nvme->iov, -ENOMEM, "no memory for a queue");
	queue->nvme = nvme;
	queue->depth = depth < nvme->info.depth_max ? depth : nvme->info.depth_max;
	error = fill(queue, number, event);
	if (error) {
		/* What it made of it in spite of its answer goes with a restart. */
		free_queue(queue);
		return error;
	}
	nvme->queues[number] = queue;
	*out = queue;
	return 0;
}

void iov_nvme_queue_close(struct iov_nvme_queue *queue)
{
	if (!queue)
		return;
	if (!queue->is_dead)
		delete(queue);
	queue->nvme->queues[queue->pair.number] = NULL;
	free_queue(queue);
}

/*
 * Base 2.0 section 4.1.1: only the first page may begin within, and only the last one end there;
 * two are named in the command, more in a list.  Returns bytes of @wanted that are covered.
 */
static uint64_t list_pages(struct nvme_command *command, uint64_t *list,
			   const struct iov_nvme_io *io, uint64_t wanted)
{
	uint64_t covered = 0, end = 0;
	unsigned int count = 0;

	for (unsigned int i = 0; i < io->part_count && covered < wanted; i++) {
		const struct iov_nvme_part *part = &io->parts[i];
		uint64_t at = part->iova, last = part->iova + part->bytes;

		if (part->bytes && (i ? (at | end) % NVME_PAGE : at % 4))
			break;
		while (at < last && covered < wanted && count <= NVME_PAGE / sizeof(*list)) {
			uint64_t next = (at & ~(NVME_PAGE - 1)) + NVME_PAGE;

			if (!count)
				command->data[0] = at;
			else
				list[count - 1] = at;
			count++;
			next = next < last ? next : last;
			covered += next - at;
			at = next;
		}
		if (at < last)
			break;
		end = last;
	}
	return covered < wanted ? covered : wanted;
}

static void set_list(struct nvme_command *command, const uint64_t *list, uint64_t list_iova,
		     uint64_t bytes)
{
	const uint64_t first = NVME_PAGE - command->data[0] % NVME_PAGE;

	if (bytes <= first)
		command->data[1] = 0;
	else
		command->data[1] = bytes - first <= NVME_PAGE ? list[0] : list_iova;
}

/* Base 2.0 section 4.1.2; any address that is a multiple of 4. */
static uint64_t list_parts(struct nvme_command *command, struct nvme_sgl *list, uint64_t list_iova,
			   const struct iov_nvme_io *io, uint64_t wanted)
{
	uint64_t covered = 0;
	unsigned int count = 0;

	for (; count < io->part_count && count < IOV_NVME_PARTS_MAX && covered < wanted; count++) {
		const struct iov_nvme_part *part = &io->parts[count];
		uint64_t bytes = wanted - covered < part->bytes ? wanted - covered : part->bytes;

		if ((part->iova | bytes) % 4 || bytes > UINT32_MAX)
			break;
		list[count] = (struct nvme_sgl){ part->iova, NVME_SGL_DATA | bytes };
		covered += bytes;
	}
	command->flags = NVME_FLAG_SGL;
	command->data[0] = list_iova;
	command->data[1] = NVME_SGL_LAST | count * sizeof(*list);
	return covered;
}

/* Returns blocks that the command is for. */
static uint64_t set_memory(struct iov_nvme_queue *queue, struct nvme_command *command,
			   unsigned int slot, const struct iov_nvme_io *io, uint64_t blocks)
{
	const uint64_t list_iova = queue->lists_iova + slot * NVME_PAGE;
	const uint32_t block = io->on->block_size;
	void *list = queue->lists + slot * NVME_PAGE;
	const uint64_t wanted = blocks * block;
	uint64_t bytes = list_pages(command, list, io, wanted) & ~(uint64_t)(block - 1);

	if (bytes == wanted || !queue->nvme->info.scatters) {
		set_list(command, list, list_iova, bytes);
		return bytes / block;
	}
	/* What is short of a block at the end is not there for this command. */
	bytes = list_parts(command, list, list_iova, io, wanted) & ~(uint64_t)(block - 1);
	if (bytes && bytes < wanted)
		list_parts(command, list, list_iova, io, bytes);
	return bytes / block;
}

/* Blocks that a command is for, before its memory is looked at. */
static uint64_t most_blocks(const struct iov_nvme_queue *queue, const struct iov_nvme_io *io)
{
	uint64_t most = queue->nvme->info.transfer_max / io->on->block_size;

	if (io->op == IOV_NVME_DISCARD)
		most = UINT32_MAX;
	else if (most > 65536)
		most = 65536;
	return io->count < most ? io->count : most;
}

/* Base 2.0 section 7.1, NVM Command Set 1.0 section 3.2.  Returns blocks that it is for. */
static uint64_t prepare(struct iov_nvme_queue *queue, struct nvme_command *command, unsigned int slot,
			const struct iov_nvme_io *io)
{
	static const uint8_t opcodes[] = {
		[IOV_NVME_READ] = NVME_READ,	   [IOV_NVME_WRITE] = NVME_WRITE,
		[IOV_NVME_FLUSH] = NVME_FLUSH,	   [IOV_NVME_DISCARD] = NVME_DSM,
		[IOV_NVME_ZEROES] = NVME_ZEROES,
	};
	uint64_t blocks = io->op == IOV_NVME_FLUSH ? 1 : most_blocks(queue, io);

	*command = (struct nvme_command){
		.opcode = opcodes[io->op], .id = (uint16_t)slot, .nsid = io->on->id,
	};
	if (io->op == IOV_NVME_FLUSH)
		return blocks;
	if (io->op == IOV_NVME_DISCARD) {
		*(struct nvme_range *)(void *)(queue->lists + slot * NVME_PAGE) =
			(struct nvme_range){ .blocks = (uint32_t)blocks, .first = io->block };
		command->data[0] = queue->lists_iova + slot * NVME_PAGE;
		command->words[1] = NVME_DSM_DEALLOCATE;
		return blocks;
	}
	if (io->op != IOV_NVME_ZEROES)
		blocks = set_memory(queue, command, slot, io, blocks);
	command->words[0] = (uint32_t)io->block;
	command->words[1] = (uint32_t)(io->block >> 32);
	command->words[2] = (uint32_t)(blocks - 1) |
			    (io->op != IOV_NVME_READ && io->stable ? NVME_FUA : 0) |
			    (io->op == IOV_NVME_ZEROES && io->unmap ? NVME_DEALLOCATE : 0);
	return blocks;
}

/* Those that look for what is overdue see it begin now before they see it. */
static void begin(struct iov_nvme_queue *queue, struct slot *slot)
{
	__atomic_store_n(&slot->began, __atomic_load_n(&queue->nvme->ticks, __ATOMIC_RELAXED),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&slot->is_aborted, false, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->is_busy, true, __ATOMIC_RELEASE);
	pair_put(&queue->pair, &slot->command);
}

static bool is_within(const struct iov_nvme_io *io)
{
	return io->op == IOV_NVME_FLUSH || (io->count && io->block < io->on->blocks &&
					    io->count <= io->on->blocks - io->block);
}

int64_t iov_nvme_submit(struct iov_nvme_queue *queue, const struct iov_nvme_io *io)
{
	struct slot *slot;
	uint64_t blocks;
	uint16_t index;

	if (!is_within(io))
		return -EINVAL;
	if (!queue->free_count)
		return 0;
	index = queue->free[queue->free_count - 1];
	slot = &queue->slots[index];
	blocks = prepare(queue, &slot->command, index, io);
	if (!blocks)
		return -EFAULT;
	queue->free_count--;
	slot->tag = io->tag;
	slot->tries = 0;
	slot->is_lost = queue->is_dead;
	queue->has_lost |= queue->is_dead;
	begin(queue, slot);
	return (int64_t)blocks;
}

void iov_nvme_ring(struct iov_nvme_queue *queue)
{
	if (!queue->is_dead)
		pair_ring(&queue->pair);
}

static struct iov_nvme_done end(struct iov_nvme_queue *queue, uint16_t index, uint16_t status)
{
	__atomic_store_n(&queue->slots[index].is_busy, false, __ATOMIC_RELEASE);
	queue->free[queue->free_count++] = index;
	return (struct iov_nvme_done){ queue->slots[index].tag, status };
}

static unsigned int take_lost(struct iov_nvme_queue *queue, struct iov_nvme_done *list,
			      unsigned int max)
{
	unsigned int count = 0;

	queue->has_lost = false;
	for (unsigned int i = 0; i < queue->depth; i++) {
		if (!queue->slots[i].is_busy || !queue->slots[i].is_lost)
			continue;
		if (count < max)
			list[count++] = end(queue, (uint16_t)i, IOV_NVME_LOST);
		else
			queue->has_lost = true;
	}
	return count;
}

/* Base 2.0 section 3.3.3.2.1.2: what may go well the next time. */
static bool is_passing(const struct slot *slot, uint16_t status)
{
	return status & NVME_STATUS_MASK && !(status & NVME_STATUS_FINAL) && slot->tries < TRIES;
}

/* Returns whether it is one that the controller has. */
static bool is_true(const struct iov_nvme_queue *queue, const struct nvme_completion *done)
{
	return done->queue == queue->pair.number && done->id < queue->depth &&
	       queue->slots[done->id].is_busy && !queue->slots[done->id].is_lost;
}

unsigned int iov_nvme_poll(struct iov_nvme_queue *queue, struct iov_nvme_done *list,
			   unsigned int max)
{
	unsigned int count = 0, seen = 0;
	struct nvme_completion done;
	bool again = false;

	if (__builtin_expect(queue->has_lost, 0))
		return take_lost(queue, list, max);
	while (count < max && seen < queue->pair.entries && pair_take(&queue->pair, &done)) {
		struct slot *slot;

		seen++;
		if (__builtin_expect(!is_true(queue, &done), 0)) {
			__atomic_fetch_add(&queue->lies, 1, __ATOMIC_RELAXED);
			continue;
		}
		slot = &queue->slots[done.id];
		if (__builtin_expect(is_passing(slot, done.status), 0)) {
			slot->tries++;
			begin(queue, slot);
			again = true;
			continue;
		}
		list[count++] = end(queue, done.id, done.status & NVME_STATUS_MASK);
	}
	if (seen && !queue->is_dead)
		pair_ack(&queue->pair);
	if (again)
		iov_nvme_ring(queue);
	return count;
}

/* Base 2.0 section 3.3.3.2.1.1 and 2, NVM Command Set 1.0 section 2.3 */
int iov_nvme_error(uint16_t status)
{
	switch (status) {
	case 0:
		return 0;
	case IOV_NVME_LOST:
		return -ENODEV;
	case 0x001:	/* no such command */
	case 0x002:	/* no such field */
		return -EOPNOTSUPP;
	case 0x020:	/* write protected */
	case 0x182:	/* read-only range */
		return -EROFS;
	case 0x081:	/* more than its medium has */
		return -ENOSPC;
	default:
		return -EIO;
	}
}

static bool is_overdue(const struct slot *slot, unsigned int now, unsigned int ticks)
{
	return __atomic_load_n(&slot->is_busy, __ATOMIC_ACQUIRE) &&
	       now - __atomic_load_n(&slot->began, __ATOMIC_RELAXED) >= ticks;
}

unsigned int iov_nvme_overdue(const struct iov_nvme_queue *queue, unsigned int ticks)
{
	const unsigned int now = __atomic_load_n(&queue->nvme->ticks, __ATOMIC_RELAXED);
	unsigned int count = 0;

	for (unsigned int i = 0; i < queue->depth; i++)
		count += is_overdue(&queue->slots[i], now, ticks);
	return count;
}

/* Base 2.0 section 5.1; it may be one that ended meanwhile, or the next one in its slot. */
static int abort_one(struct iov_nvme_queue *queue, unsigned int index)
{
	const struct nvme_command command = {
		.opcode = NVME_ADMIN_ABORT,
		.words = { index << 16 | queue->pair.number },
	};

	return controller_admin(queue->nvme, &command, "abort a command", NULL);
}

int iov_nvme_abort(struct iov_nvme_queue *queue, unsigned int ticks)
{
	const unsigned int now = __atomic_load_n(&queue->nvme->ticks, __ATOMIC_RELAXED);

	for (unsigned int i = 0; i < queue->depth; i++) {
		struct slot *slot = &queue->slots[i];

		if (!is_overdue(slot, now, ticks) ||
		    __atomic_exchange_n(&slot->is_aborted, true, __ATOMIC_RELAXED))
			continue;
		/* One that refuses has no more of them at the moment, and is reset later. */
		if (abort_one(queue, i) == -ETIMEDOUT)
			return -ETIMEDOUT;
	}
	return 0;
}

void queue_lose(struct iov_nvme_queue *queue)
{
	queue->is_dead = true;
	for (unsigned int i = 0; i < queue->depth; i++)
		queue->slots[i].is_lost = queue->slots[i].is_busy;
	queue->has_lost = true;
}

int queue_resume(struct iov_nvme_queue *queue)
{
	int error;

	pair_reset(queue->nvme, &queue->pair);
	error = create(queue);
	if (error)
		return error;
	queue->is_dead = false;
	for (unsigned int i = 0; i < queue->depth; i++) {
		struct slot *slot = &queue->slots[i];

		if (!slot->is_busy || slot->is_lost)
			continue;
		/* Some command may be what it fails of. */
		slot->is_lost = slot->tries++ >= TRIES;
		queue->has_lost |= slot->is_lost;
		if (!slot->is_lost)
			begin(queue, slot);
	}
	pair_ring(&queue->pair);
	return 0;
}
