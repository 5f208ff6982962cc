// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  An I/O is a series of steps, one request to the ring each: a transfer
 * goes on behind what the last one moved, and a range is cleared piece by piece, by the best
 * way that the file has.  A change that has to be stable ends with fdatasync, or has it within.
 *
 * Nothing fails for lack of room.  An I/O takes one of the channel's requests, or waits for
 * one; where its memory is not aligned as O_DIRECT wants it, it is carried through one of
 * the channel's buffers, or waits for that.  Who has both comes to an end without others.
 */
#include "vhost-user/blk/file_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vhost-user/blk/file_memory.h"
#include "vhost-user/blk/uring_request.h"
#include "vhost-user/compiler.h"

/* I/Os of a channel that are carried out at the same time. */
#define REQUESTS 256

/* Asks a block device to discard; from later kernels than some headers. */
#define FILE_CMD_DISCARD _IO(0x12, 0)

/* Buffers of a channel for memory that is not aligned. */
#define BUFFERS 16
#define BUFFER_BYTES (64U << 10)

/* How often one step is asked for again; what goes on after that is an error. */
#define TRIES 1000

/* Most bytes of one step. */
#define TRANSFER_MAX (1U << 30)
#define RANGE_MAX (UINT64_C(64) << 20)

/* Zeroes that are written at once. */
#define ZEROES_BYTES (64U << 10)
#define ZEROES_PARTS 16

/**
 * struct place - a place in the vector of an I/O
 * @index: element
 * @skip: bytes of it that are before
 */
struct place {
	unsigned int index;
	size_t skip;
};

struct file_channel;

/**
 * struct file_request - an I/O that is carried out
 * @uring: the step that is under way
 * @next: of those that are free, or that wait for a buffer
 * @channel: channel
 * @io: the I/O
 * @place: where in its vector it goes on
 * @buffer: what its memory is carried through; NULL when that is aligned
 * @clearing: how the range of this step is cleared
 * @asked: bytes of it
 * @tries: how often something passing was in the way
 * @is_syncing: this step is the fdatasync behind a change
 */
struct file_request {
	struct uring_request uring;
	struct file_request *next;
	struct file_channel *channel;
	struct blk_io *io;
	struct place place;
	uint8_t *buffer;
	enum clearing clearing;
	uint64_t asked;
	unsigned int tries;
	bool is_syncing;
};

/**
 * struct file_channel - a worker's way to the file
 * @uring: ring of the worker
 * @slot: the file there
 * @is_polled: its device is polled for reads and writes that are done
 * @memory: guest memory that is registered; NULL when none is
 * @lacks: ways to clear that the file turned out not to have
 * @first: I/Os that wait for a request
 * @last: where the next one goes
 * @buffers: memory of all buffers
 * @free_buffers: those that nobody has
 * @free_count: length of that
 * @unaligned: requests that wait for a buffer
 * @unaligned_last: where the next one goes
 * @free: requests that nobody has
 */
struct file_channel {
	struct blk_channel channel;
	struct blk_uring *uring;
	int slot;
	bool is_polled;
	struct file_pieces *memory;
	bool lacks[CLEAR_WAYS];
	struct blk_io *first;
	struct blk_io **last;
	uint8_t *buffers;
	uint8_t *free_buffers[BUFFERS];
	unsigned int free_count;
	struct file_request *unaligned;
	struct file_request **unaligned_last;
	struct file_request *free;
	struct file_request requests[REQUESTS];
};

/* Zeroes to write, many times the same. */
static _Alignas(4096) uint8_t zeroes[ZEROES_BYTES];

static struct file_channel *channel_of(struct blk_channel *channel)
{
	return (struct file_channel *)channel;
}

static struct file_backend *file_at(const struct file_channel *channel)
{
	return file_of(channel->channel.backend);
}

static uint64_t left(const struct file_request *request)
{
	return request->io->length - request->io->moved;
}

/* The next bytes at a place of a vector, at most @most, behind which the place is then. */
static struct iovec next_part(const struct blk_io *io, struct place *place, size_t most)
{
	const struct iovec *element = io->vector + place->index;
	struct iovec part = {
		.iov_base = (uint8_t *)element->iov_base + place->skip,
		.iov_len = element->iov_len - place->skip,
	};

	if (part.iov_len > most) {
		part.iov_len = most;
		place->skip += most;
	} else {
		place->index++;
		place->skip = 0;
	}
	return part;
}

/* What a write has at its place, into its buffer. */
static void gather(const struct file_request *request, size_t length)
{
	struct place place = request->place;
	uint8_t *to = request->buffer;

	while (length) {
		struct iovec part = next_part(request->io, &place, length);

		memcpy(to, part.iov_base, part.iov_len);
		to += part.iov_len;
		length -= part.iov_len;
	}
}

/* Go on behind what was moved, which a read through a buffer has to get out of it. */
static void move_on(struct file_request *request, size_t length)
{
	const bool is_read = request->io->op == BLK_READ;
	const uint8_t *from = request->buffer;

	request->io->moved += length;
	while (length) {
		struct iovec part = next_part(request->io, &request->place, length);

		length -= part.iov_len;
		if (!from || !is_read)
			continue;
		memcpy(part.iov_base, from, part.iov_len);
		from += part.iov_len;
	}
}

static void ask(struct file_request *request)
{
	uring_ask(request->channel->uring, &request->uring);
}

/* An entry without what the one before said: later liburings clear only what they give out themselves. */
static struct io_uring_sqe *begin_entry(struct file_request *request)
{
	request->uring.sqe = (struct io_uring_sqe){ 0 };
	request->uring.is_polled = false;
	return &request->uring.sqe;
}

static void ask_sync(struct file_request *request)
{
	request->is_syncing = true;
	begin_entry(request);
	io_uring_prep_fsync(&request->uring.sqe, request->channel->slot, IORING_FSYNC_DATASYNC);
	ask(request);
}

static bool goes_polled(const struct file_request *request)
{
	const struct blk_io *io = request->io;

	/* What ends with a flush no device is polled for. */
	return request->channel->is_polled && !(io->op == BLK_WRITE && io->is_stable);
}

/* Where it lies in memory that is registered; -1 otherwise. */
static int piece_of(const struct file_request *request, const struct iovec *part)
{
	const struct file_pieces *memory = request->channel->memory;

	if (likely(!memory) || request->buffer)
		return -1;
	return file_pieces_find(request->channel->memory, goes_polled(request), part);
}

/* The rest of an element goes alone, so that no vector but the guest's is needed. */
static void prepare_transfer(struct file_request *request)
{
	const struct blk_io *io = request->io;
	const bool is_read = io->op == BLK_READ;
	const int slot = request->channel->slot;
	struct io_uring_sqe *sqe = begin_entry(request);
	uint64_t offset = io->offset + io->moved;
	struct place place = request->place;
	unsigned int count = io->count - place.index;
	struct iovec part;
	int piece;

	if (request->buffer) {
		part.iov_base = request->buffer;
		part.iov_len = left(request) < BUFFER_BYTES ? left(request) : BUFFER_BYTES;
		if (!is_read)
			gather(request, part.iov_len);
	} else if (!place.skip && count > 1) {
		count = count < IOV_MAX ? count : IOV_MAX;
		io_uring_prep_rw(is_read ? IORING_OP_READV : IORING_OP_WRITEV, sqe, slot,
				 io->vector + place.index, count, offset);
		return;
	} else {
		part = next_part(io, &place, TRANSFER_MAX);
	}
	io_uring_prep_rw(is_read ? IORING_OP_READ : IORING_OP_WRITE, sqe, slot, part.iov_base,
			 (unsigned int)part.iov_len, offset);
	piece = piece_of(request, &part);
	if (piece < 0)
		return;
	sqe->opcode = is_read ? IORING_OP_READ_FIXED : IORING_OP_WRITE_FIXED;
	sqe->buf_index = (uint16_t)piece;
}

static void ask_transfer(struct file_request *request)
{
	const struct blk_io *io = request->io;

	/* An element without bytes would look like the end of the file. */
	while (request->place.skip == io->vector[request->place.index].iov_len)
		request->place = (struct place){request->place.index + 1, 0};
	prepare_transfer(request);
	request->uring.is_polled = goes_polled(request);
	if (io->op == BLK_WRITE && io->is_stable)
		request->uring.sqe.rw_flags = RWF_DSYNC;
	ask(request);
}

static enum clearing best_clearing(const struct file_request *request)
{
	const bool *lacks = request->channel->lacks;
	const bool is_discard = request->io->op == BLK_DISCARD;

	if (is_discard && !lacks[CLEAR_DISCARD])
		return CLEAR_DISCARD;
	if ((is_discard || request->io->may_unmap) && !lacks[CLEAR_PUNCH])
		return CLEAR_PUNCH;
	if (is_discard)
		return CLEAR_WAYS;
	return lacks[CLEAR_ZERO] ? CLEAR_WRITE : CLEAR_ZERO;
}

static void prepare_clearing(struct file_request *request, uint64_t offset)
{
	static const int modes[] = {
		[CLEAR_PUNCH] = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		[CLEAR_ZERO] = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
	};
	struct io_uring_sqe *sqe = begin_entry(request);

	request->asked = left(request) < RANGE_MAX ? left(request) : RANGE_MAX;
	if (request->clearing == CLEAR_DISCARD) {
		io_uring_prep_rw(IORING_OP_URING_CMD, sqe, request->channel->slot,
				 (const void *)(uintptr_t)offset, 0, 0);
		sqe->cmd_op = FILE_CMD_DISCARD;
		sqe->addr3 = request->asked;
	} else {
		io_uring_prep_fallocate(sqe, request->channel->slot, modes[request->clearing],
					(off_t)offset, (off_t)request->asked);
	}
}

static void prepare_zeroes(struct file_request *request, uint64_t offset)
{
	static const struct iovec parts[ZEROES_PARTS] = {
		[0 ... ZEROES_PARTS - 1] = { zeroes, ZEROES_BYTES },
	};
	const int slot = request->channel->slot;

	begin_entry(request);
	if (left(request) < sizeof(zeroes) * ZEROES_PARTS)
		io_uring_prep_write(&request->uring.sqe, slot, zeroes,
				    left(request) < ZEROES_BYTES ? (unsigned int)left(request)
								 : ZEROES_BYTES, offset);
	else
		io_uring_prep_writev(&request->uring.sqe, slot, parts, ZEROES_PARTS, offset);
}

static void release(struct file_request *request)
{
	struct file_channel *channel = request->channel;

	if (request->buffer)
		channel->free_buffers[channel->free_count++] = request->buffer;
	request->next = channel->free;
	channel->free = request;
}

static void finish(struct file_request *request, int error)
{
	struct blk_io *io = request->io;

	release(request);
	io->done(io, error);
}

/*
 * What the kernel could not do at the moment is done by a thread of it that may wait.  A device
 * is busy while somebody writes to a page of which another part is cleared.
 */
static bool is_passing(int result)
{
	return result == -EAGAIN || result == -EINTR || result == -ENOMEM || result == -EBUSY;
}

static bool is_fixed(const struct file_request *request)
{
	const uint8_t opcode = request->uring.sqe.opcode;

	return opcode == IORING_OP_READ_FIXED || opcode == IORING_OP_WRITE_FIXED;
}

static void again(struct file_request *request)
{
	struct io_uring_sqe *sqe = &request->uring.sqe;

	/* The other ring has not that memory, and pieces of its own. */
	if (request->uring.is_polled && is_fixed(request)) {
		sqe->opcode = sqe->opcode == IORING_OP_READ_FIXED ? IORING_OP_READ : IORING_OP_WRITE;
		sqe->buf_index = 0;
	}
	request->uring.is_polled = false;
	request->uring.sqe.flags |= IOSQE_ASYNC;
	ask(request);
}

/* Of a block that is not there as a whole nothing was read, and O_DIRECT cannot go on within. */
static size_t whole_blocks(const struct file_channel *channel, int result)
{
	const struct file_backend *file = file_at(channel);

	return (size_t)result & ~(size_t)(file->is_direct ? file->block - 1 : 0);
}

static void on_transferred(struct file_request *request, int result)
{
	size_t length;

	if (result < 0) {
		finish(request, result);
		return;
	}
	length = whole_blocks(request->channel, result);
	if (!length) {
		/* The file is shorter than the disk: somebody has cut it. */
		finish(request, -EIO);
		return;
	}
	move_on(request, length);
	if (left(request))
		ask_transfer(request);
	else
		finish(request, 0);
}

/* The next step of clearing a range. */
static void clear_on(struct file_request *request)
{
	uint64_t offset = request->io->offset + request->io->moved;

	if (!left(request)) {
		if (request->io->is_stable)
			ask_sync(request);
		else
			finish(request, 0);
		return;
	}
	request->clearing = best_clearing(request);
	if (request->clearing == CLEAR_WAYS) {
		finish(request, -EOPNOTSUPP);
		return;
	}
	if (request->clearing == CLEAR_WRITE)
		prepare_zeroes(request, offset);
	else
		prepare_clearing(request, offset);
	ask(request);
}

static bool is_unsupported(int result)
{
	return result == -EOPNOTSUPP || result == -ENOSYS;
}

static void on_cleared(struct file_request *request, int result)
{
	struct blk_io *io = request->io;

	if (is_unsupported(result) && request->clearing != CLEAR_WRITE) {
		request->channel->lacks[request->clearing] = true;
	} else if (result < 0) {
		finish(request, result);
		return;
	} else if (request->clearing == CLEAR_WRITE) {
		if (!whole_blocks(request->channel, result)) {
			finish(request, -EIO);
			return;
		}
		io->moved += whole_blocks(request->channel, result);
	} else {
		io->moved += request->asked;
	}
	clear_on(request);
}

static void start_waiting(struct file_channel *channel);

/* Its device can, and what is between, a file system or a volume, cannot. */
static void do_not_poll(struct file_request *request)
{
	request->channel->is_polled = false;
	ask_transfer(request);
}

static void on_done(struct uring_request *uring, int result)
{
	struct file_request *request = (struct file_request *)uring;
	struct file_channel *channel = request->channel;
	enum blk_op op = request->io->op;

	if (unlikely(is_passing(result)) && request->tries++ < TRIES)
		again(request);
	else if (unlikely(result == -EOPNOTSUPP && request->uring.is_polled))
		do_not_poll(request);
	else if (op == BLK_READ || op == BLK_WRITE)
		on_transferred(request, result);
	else if (request->is_syncing)
		finish(request, result);
	else
		on_cleared(request, result);
	start_waiting(channel);
}

static bool is_aligned(const struct file_channel *channel, const struct blk_io *io)
{
	const struct file_backend *file = file_at(channel);
	uintptr_t bits = 0;

	if (!file->is_direct)
		return true;
	for (unsigned int i = 0; i < io->count; i++)
		bits |= ((uintptr_t)io->vector[i].iov_base & file->memory_mask) |
			(io->vector[i].iov_len & (file->block - 1));
	return !bits;
}

static void queue_for_buffer(struct file_channel *channel, struct file_request *request)
{
	request->next = NULL;
	*channel->unaligned_last = request;
	channel->unaligned_last = &request->next;
}

static void start_buffered(struct file_channel *channel)
{
	while (channel->unaligned && channel->free_count) {
		struct file_request *request = channel->unaligned;

		channel->unaligned = request->next;
		if (!channel->unaligned)
			channel->unaligned_last = &channel->unaligned;
		request->buffer = channel->free_buffers[--channel->free_count];
		ask_transfer(request);
	}
}

/* There is a request for it. */
static void start(struct file_channel *channel, struct blk_io *io)
{
	struct file_request *request = channel->free;

	channel->free = request->next;
	request->io = io;
	request->place = (struct place){0};
	request->buffer = NULL;
	request->is_syncing = false;
	request->tries = 0;
	if (io->op == BLK_FLUSH)
		ask_sync(request);
	else if (io->op == BLK_DISCARD || io->op == BLK_WRITE_ZEROES)
		clear_on(request);
	else if (is_aligned(channel, io))
		ask_transfer(request);
	else
		queue_for_buffer(channel, request);
}

static void start_waiting(struct file_channel *channel)
{
	while (channel->first && channel->free) {
		struct blk_io *io = channel->first;

		channel->first = io->next;
		if (!channel->first)
			channel->last = &channel->first;
		start(channel, io);
	}
	start_buffered(channel);
}

/* What needs no ring, or must wait after all: -EAGAIN. */
static int try_at_once(const struct file_backend *file, struct blk_io *io)
{
	int error;

	if (io->op == BLK_SECURE_ERASE)
		return -EOPNOTSUPP;
	if (!io->length && io->op != BLK_FLUSH)
		return 0;
	if (!file->is_in_memory || io->op == BLK_DISCARD || io->op == BLK_WRITE_ZEROES)
		return -EAGAIN;
	if (io->op == BLK_FLUSH)
		return 0;
	error = file_transfer_at_once(file, io);
	return is_passing(error) ? -EAGAIN : error;
}

void file_submit(struct blk_channel *base, struct blk_io *io)
{
	struct file_channel *channel = channel_of(base);
	int error;

	io->moved = 0;
	if (unlikely(channel->memory))
		file_pieces_go_on(channel->memory);
	error = try_at_once(file_at(channel), io);
	if (error != -EAGAIN) {
		io->done(io, error);
		return;
	}
	io->moved = 0;
	io->next = NULL;
	*channel->last = io;
	channel->last = &io->next;
	start_waiting(channel);
}

static int make_buffers(struct file_channel *channel)
{
	if (!file_at(channel)->is_direct)
		return 0;
	/* It takes memory when it is used, which with most guests is never. */
	channel->buffers = mmap(NULL, BUFFERS * BUFFER_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (channel->buffers == MAP_FAILED)
		return -errno;
	madvise(channel->buffers, BUFFERS * BUFFER_BYTES, MADV_DONTDUMP);
	for (unsigned int i = 0; i < BUFFERS; i++)
		channel->free_buffers[channel->free_count++] =
			channel->buffers + (size_t)i * BUFFER_BYTES;
	return 0;
}

int file_channel_open(struct blk_channel **out, struct blk_backend *backend,
		      struct blk_uring *uring)
{
	struct file_channel *channel = uring ? calloc(1, sizeof(*channel)) : NULL;
	int error;

	if (!channel)
		return uring ? -ENOMEM : -ENODEV;
	channel->channel.backend = backend;
	channel->uring = uring;
	channel->last = &channel->first;
	channel->unaligned_last = &channel->unaligned;
	channel->is_polled = file_of(backend)->is_polled && uring_can_poll(uring);
	memcpy(channel->lacks, file_of(backend)->lacks, sizeof(channel->lacks));
	for (unsigned int i = 0; i < REQUESTS; i++) {
		channel->requests[i].channel = channel;
		channel->requests[i].uring.done = on_done;
		release(channel->requests + i);
	}
	error = make_buffers(channel);
	if (error)
		goto free_channel;
	channel->slot = uring_add_file(uring, file_of(backend)->fd);
	if (channel->slot < 0) {
		error = channel->slot;
		goto free_buffers;
	}
	if (file_of(backend)->memory)
		channel->memory = file_pieces_open(file_of(backend), uring, channel->is_polled);
	*out = &channel->channel;
	return 0;

free_buffers:
	if (channel->buffers)
		munmap(channel->buffers, BUFFERS * BUFFER_BYTES);
free_channel:
	free(channel);
	return error;
}

void file_channel_close(struct blk_channel *base)
{
	struct file_channel *channel = channel_of(base);

	file_pieces_close(channel->memory);
	uring_remove_file(channel->uring, channel->slot);
	if (channel->buffers)
		munmap(channel->buffers, BUFFERS * BUFFER_BYTES);
	free(channel);
}
