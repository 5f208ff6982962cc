// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  What is asked waits in a list.  The first one is cut into commands until
 * the queue is full: as long as the controller takes them, and as its memory allows.  What begins and
 * ends with pages, but at both ends of all, goes where it is; so does anything where the controller
 * takes lists of parts.  What does not, or is memory that the controller does not reach, is copied.
 *
 * @moved of an I/O is how much of it was put into commands; @private how many of these have not
 * ended, and what the first one that failed said.
 *
 * Completions are looked for.  The interrupt of the queue writes to the eventfd that the worker
 * sleeps on anyway, and is masked while the worker stays awake: for one that sleeps after each
 * completion that would cost more than it saves.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/blk/uring.h"
#include "vhost-user/compiler.h"
#include "vhost-user/nvme/keeper.h"

/* Completions that one look takes. */
#define BURST 64

/* Looks that found some since the worker slept, after which it is taken to stay awake. */
#define AWAKE 4

/**
 * struct tally - @private of an I/O
 * @under_way: commands that have not ended
 * @error: what became of one of them
 */
struct tally {
	uint32_t under_way;
	int32_t error;
};

static_assert(sizeof(struct tally) == sizeof(void *), "it is kept in a pointer");

static struct nvme_channel *channel_of(struct blk_channel *base)
{
	return (struct nvme_channel *)base;
}

static struct tally *tally_of(struct blk_io *io)
{
	return (struct tally *)(void *)&io->private;
}

static uint64_t left(const struct blk_io *io)
{
	return io->length - io->moved;
}

/* Not all of a discard that has to be stable is over with its commands. */
static bool must_flush(const struct nvme_channel *channel, const struct blk_io *io)
{
	return io->op == BLK_DISCARD && io->is_stable && io->moved == io->length &&
	       iov_nvme_info(channel->disk->keeper->nvme)->has_cache;
}

static void drop_first(struct nvme_channel *channel)
{
	channel->first = channel->first->next;
	if (!channel->first)
		channel->last = &channel->first;
	channel->index = 0;
	channel->skip = 0;
}

static void append(struct nvme_channel *channel, struct blk_io *io)
{
	io->next = NULL;
	*channel->last = io;
	channel->last = &io->next;
}

/* The vector goes on behind so many bytes. */
static void move_on(struct nvme_channel *channel, struct blk_io *io, uint64_t bytes)
{
	io->moved += bytes;
	while (bytes) {
		const size_t rest = io->vector[channel->index].iov_len - channel->skip;

		if (bytes < rest) {
			channel->skip += bytes;
			return;
		}
		bytes -= rest;
		channel->index++;
		channel->skip = 0;
	}
}

/* Parts of the rest that the controller reaches, up to the first that it does not. */
static unsigned int find_parts(struct nvme_channel *channel, const struct blk_io *io,
			       struct iov_nvme_part parts[IOV_NVME_PARTS_MAX], uint64_t *bytes)
{
	const uint64_t most = iov_nvme_info(channel->disk->keeper->nvme)->transfer_max;
	unsigned int count = 0;
	size_t skip = channel->skip;

	*bytes = 0;
	for (unsigned int i = channel->index;
	     i < io->count && count < IOV_NVME_PARTS_MAX && *bytes < most; i++) {
		const size_t length = io->vector[i].iov_len - skip;
		const uint8_t *memory = (const uint8_t *)io->vector[i].iov_base + skip;

		skip = 0;
		if (!length)
			continue;
		parts[count] = (struct iov_nvme_part){
			nvme_reach_find(&channel->disk->reach, &channel->hint, memory, length), length,
		};
		if (unlikely(parts[count].iova == NVME_UNREACHED))
			break;
		*bytes += length;
		count++;
	}
	return count;
}

static int64_t submit(struct nvme_channel *channel, struct blk_io *io, struct iov_nvme_io *command)
{
	const uint32_t block = channel->disk->space.block_size;
	int64_t blocks;

	command->on = &channel->disk->space;
	command->block = (io->offset + io->moved) / block;
	blocks = iov_nvme_submit(channel->queue, command);
	if (blocks > 0)
		tally_of(io)->under_way++;
	return blocks;
}

/* Copies between an I/O's memory and that of a bounce. */
static void copy(const struct nvme_bounce *bounce, uint8_t *at)
{
	const struct blk_io *io = bounce->io;
	unsigned int index = bounce->index;
	size_t skip = bounce->skip, bytes = bounce->bytes;

	while (bytes) {
		uint8_t *memory = (uint8_t *)io->vector[index].iov_base + skip;
		size_t length = io->vector[index].iov_len - skip;

		length = length < bytes ? length : bytes;
		if (io->op == BLK_WRITE)
			memcpy(at, memory, length);
		else
			memcpy(memory, at, length);
		at += length;
		bytes -= length;
		index++;
		skip = 0;
	}
}

static uint8_t *bounce_at(const struct nvme_channel *channel, const struct nvme_bounce *bounce)
{
	return (uint8_t *)channel->bounces + (size_t)(bounce - channel->bounced) * NVME_BOUNCE_BYTES;
}

static struct nvme_bounce *free_bounce(struct nvme_channel *channel)
{
	for (unsigned int i = 0; i < NVME_BOUNCES; i++)
		if (!channel->bounced[i].io)
			return &channel->bounced[i];
	return NULL;
}

/* By a copy.  Returns bytes of it; 0 when it has to wait. */
static int64_t transfer_copied(struct nvme_channel *channel, struct blk_io *io,
			       struct iov_nvme_io *command)
{
	const uint32_t block = channel->disk->space.block_size;
	struct nvme_bounce *bounce = free_bounce(channel);
	struct iov_nvme_part part;
	int64_t blocks;

	if (!bounce)
		return 0;
	part.bytes = left(io) < NVME_BOUNCE_BYTES ? left(io) : NVME_BOUNCE_BYTES;
	part.iova = channel->bounces_iova +
		    (uint64_t)(bounce - channel->bounced) * NVME_BOUNCE_BYTES;
	*bounce = (struct nvme_bounce){ io, channel->index, channel->skip, part.bytes };
	if (io->op == BLK_WRITE)
		copy(bounce, bounce_at(channel, bounce));
	command->parts = &part;
	command->part_count = 1;
	command->count = part.bytes / block;
	/* An I/O is where addresses are even, so this is not one. */
	command->tag = (uintptr_t)bounce | 1;
	blocks = submit(channel, io, command);
	if (blocks <= 0)
		bounce->io = NULL;
	else
		bounce->bytes = (size_t)blocks * block;
	return blocks * (blocks > 0 ? block : 1);
}

/* The next command of a transfer.  Returns bytes of it, 0 when it has to wait, or -errno. */
static int64_t transfer(struct nvme_channel *channel, struct blk_io *io)
{
	const uint32_t block = channel->disk->space.block_size;
	struct iov_nvme_part parts[IOV_NVME_PARTS_MAX];
	struct iov_nvme_io command = {
		.op = io->op == BLK_READ ? IOV_NVME_READ : IOV_NVME_WRITE,
		.stable = io->is_stable,
		.parts = parts,
		.tag = (uintptr_t)io,
	};
	uint64_t bytes;
	int64_t blocks = -EFAULT;

	command.part_count = find_parts(channel, io, parts, &bytes);
	command.count = (bytes < left(io) ? bytes : left(io)) / block;
	if (likely(command.count))
		blocks = submit(channel, io, &command);
	return unlikely(blocks == -EFAULT) ? transfer_copied(channel, io, &command) :
	       blocks > 0		   ? blocks * block :
					     blocks;
}

/* The next command of a range. */
static int64_t clear(struct nvme_channel *channel, struct blk_io *io)
{
	const uint32_t block = channel->disk->space.block_size;
	struct iov_nvme_io command = {
		.op = io->op == BLK_DISCARD ? IOV_NVME_DISCARD : IOV_NVME_ZEROES,
		.stable = io->is_stable,
		.unmap = io->may_unmap && channel->disk->space.zeroes_unmap,
		.count = left(io) / block,
		.tag = (uintptr_t)io,
	};
	int64_t blocks = submit(channel, io, &command);

	return blocks > 0 ? blocks * block : blocks;
}

static int64_t flush(struct nvme_channel *channel, struct blk_io *io)
{
	struct iov_nvme_io command = { .op = IOV_NVME_FLUSH, .tag = (uintptr_t)io };

	return submit(channel, io, &command);
}

static bool is_flush(const struct blk_io *io)
{
	return io->op == BLK_FLUSH || io->moved > io->length;
}

/* What is left of it goes into commands; returns false when it has to wait. */
static bool put_all(struct nvme_channel *channel, struct blk_io *io)
{
	struct tally *tally = tally_of(io);

	if (is_flush(io))
		return flush(channel, io) > 0;
	while (!tally->error && left(io)) {
		const bool moves = io->op == BLK_READ || io->op == BLK_WRITE;
		int64_t bytes = moves ? transfer(channel, io) : clear(channel, io);

		if (!bytes)
			return false;
		if (bytes < 0)
			tally->error = (int32_t)bytes;
		else if (moves)
			move_on(channel, io, (uint64_t)bytes);
		else
			io->moved += (uint64_t)bytes;
	}
	return true;
}

static void finish(struct blk_io *io, int error)
{
	io->done(io, error);
}

/* Returns how many ended at once. */
static unsigned int start_waiting(struct nvme_channel *channel)
{
	unsigned int ended = 0;
	bool has_some = channel->first;

	while (channel->first) {
		struct blk_io *io = channel->first;

		if (!put_all(channel, io))
			break;
		drop_first(channel);
		if (!tally_of(io)->under_way) {
			finish(io, tally_of(io)->error);
			ended++;
		}
	}
	if (has_some)
		iov_nvme_ring(channel->queue);
	return ended;
}

static void on_done(struct nvme_channel *channel, const struct iov_nvme_done *done)
{
	struct nvme_bounce *bounce = done->tag & 1 ? (void *)(uintptr_t)(done->tag - 1) : NULL;
	struct blk_io *io = bounce ? bounce->io : (void *)(uintptr_t)done->tag;
	struct tally *tally = tally_of(io);

	if (unlikely(done->status) && !tally->error)
		tally->error = iov_nvme_error(done->status);
	if (unlikely(bounce)) {
		if (io->op == BLK_READ && !done->status)
			copy(bounce, bounce_at(channel, bounce));
		bounce->io = NULL;
	}
	/* Those that are put yet, all but of the first one that waits, are what it has. */
	if (--tally->under_way || io == channel->first)
		return;
	if (unlikely(must_flush(channel, io)) && !tally->error) {
		io->moved = io->length + 1;
		append(channel, io);
		return;
	}
	finish(io, tally->error);
}

/* Whether there will be a queue: one that has failed makes none, as it ends what others have. */
static int why_no_queue(const struct nvme_channel *channel)
{
	return !channel->error && keeper_state(channel->disk->keeper) == KEEPER_FAILED ? -ENODEV :
											  channel->error;
}

/* Those that wait for a queue that there is not. */
static unsigned int refuse_all(struct nvme_channel *channel, int error)
{
	unsigned int count = 0;

	for (; channel->first; count++) {
		struct blk_io *io = channel->first;

		drop_first(channel);
		finish(io, error);
	}
	return count;
}

/* While the worker has its use. */
static unsigned int look(struct nvme_channel *channel)
{
	struct iov_nvme_done done[BURST];
	unsigned int count;

	if (unlikely(!channel->queue)) {
		const int error = why_no_queue(channel);

		return error ? refuse_all(channel, error) : 0;
	}
	count = iov_nvme_poll(channel->queue, done, BURST);
	if (count && channel->awake++ == AWAKE)
		iov_nvme_queue_arm(channel->queue, false);
	for (unsigned int i = 0; i < count; i++)
		on_done(channel, &done[i]);
	return count + start_waiting(channel);
}

unsigned int nvme_channel_poll(struct blk_channel *base)
{
	struct nvme_channel *channel = channel_of(base);
	unsigned int count;

	/* The keeper has it, and wakes us afterwards. */
	if (unlikely(!spin_try(&channel->use)))
		return 0;
	count = look(channel);
	spin_unlock(&channel->use);
	return count;
}

/* It goes to the controller with all others of the pass. */
void nvme_channel_submit(struct blk_channel *base, struct blk_io *io)
{
	struct nvme_channel *channel = channel_of(base);
	const bool has_cache = iov_nvme_info(channel->disk->keeper->nvme)->has_cache;

	io->moved = 0;
	*tally_of(io) = (struct tally){ 0 };
	if (io->op == BLK_SECURE_ERASE)
		finish(io, -EOPNOTSUPP);
	else if (io->op == BLK_FLUSH ? !has_cache : !io->length)
		finish(io, 0);
	else
		append(channel, io);
}

/* The worker is about to sleep; where nothing wakes it it has to look. */
bool nvme_channel_arm(struct blk_channel *base)
{
	struct nvme_channel *channel = channel_of(base);
	bool is_woken = true;

	/* The keeper has it, and wakes us afterwards. */
	if (unlikely(!spin_try(&channel->use)))
		return true;
	if (channel->queue) {
		channel->awake = 0;
		iov_nvme_queue_arm(channel->queue, true);
		is_woken = iov_nvme_queue_interrupts(channel->queue);
	}
	spin_unlock(&channel->use);
	return is_woken;
}

int nvme_channel_open(struct blk_channel **out, struct blk_backend *backend,
		      struct blk_uring *uring)
{
	struct nvme_channel *channel = calloc(1, sizeof(*channel));

	if (!channel)
		return -ENOMEM;
	channel->channel.backend = backend;
	channel->disk = (struct nvme_disk *)backend;
	channel->event = uring ? blk_uring_fd(uring) : -1;
	channel->last = &channel->first;
	*out = &channel->channel;
	keeper_arrive(channel);
	return 0;
}

void nvme_channel_close(struct blk_channel *base)
{
	keeper_leave(channel_of(base));
}
