// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk in memory: what nobody wrote to takes none, and what is given back reads as zeroes.
 *
 * What takes long goes step by step, one in each pass of its worker: to give the memory of a gigabyte
 * back takes a tenth of a second.  Nobody writes meanwhile to the zone that is reset: it counts as
 * full until it is empty.
 *
 * Workers share nothing but the bytes.  Who reads what somebody writes meanwhile gets what
 * was there before or what is there after of each byte, as from any disk.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "vhost-user/blk/zones.h"
#include "vhost-user/compiler.h"

/* Bytes that may be given back at once: about a millisecond of the worker. */
#define RANGE_MAX (UINT64_C(4) << 20)

/* Zones that are looked at in one step. */
#define ZONES_STEP 1024

/* Bytes of a zone, how many there may be, and how many of them open or active at once. */
#define ZONE_MIN (64u << 10)
#define ZONE_MAX (UINT64_C(1) << 40)
#define ZONES_MAX (1u << 20)
#define ZONES_ACTIVE 128

/* The first zones are written in any order, which some file systems need for what they rewrite. */
#define ZONES_CONVENTIONAL 2

/**
 * struct memory_backend - the disk
 * @bytes: its data
 * @size: bytes of it
 * @page: bytes of a page
 * @can_erase: nothing of it can have gone elsewhere
 * @is_zoned: it has zones
 * @conventional: how many of the first ones are written in any order
 * @zones: they
 */
struct memory_backend {
	struct blk_backend backend;
	uint8_t *bytes;
	uint64_t size;
	uint64_t page;
	bool read_only;
	bool can_erase;
	bool is_zoned;
	uint32_t conventional;
	struct blk_zone_set zones;
};

/**
 * struct memory_channel - a worker's way to it
 * @first: what goes step by step; NULL for none
 * @last: where the next one goes
 */
struct memory_channel {
	struct blk_channel channel;
	struct blk_io *first;
	struct blk_io **last;
};

static struct memory_channel *channel_of(struct blk_channel *channel)
{
	return (struct memory_channel *)channel;
}

static struct memory_backend *of(struct blk_backend *backend)
{
	return (struct memory_backend *)backend;
}

/* A host without swap keeps no copies; one line is the heading. */
static bool has_swap(struct iov *iov)
{
	char text[256];

	return iov_sys_read(iov, IOV_PATH_SWAPS, text, sizeof(text)) || strchr(text, '\n');
}

static void memory_close(struct blk_backend *backend)
{
	struct memory_backend *memory = of(backend);

	blk_zone_set_close(&memory->zones);
	munmap(memory->bytes, memory->size);
	free(memory);
}

/* A power of two, as drivers have it, of which there are not too many. */
static int check_zones(struct iov *iov, const struct blk_source *source)
{
	const uint64_t zone = source->zone_bytes;

	if (zone >= ZONE_MIN && zone <= ZONE_MAX && !(zone & (zone - 1)) &&
	    source->bytes / zone > ZONES_CONVENTIONAL && source->bytes / zone < ZONES_MAX)
		return 0;
	return iov_fail(iov, -EINVAL, "zones of %" PRIu64 " bytes in a disk of %" PRIu64 ": expected a "
			"power of two from %u KiB to 1 TiB, and from %u to %u zones", zone,
			source->bytes, ZONE_MIN >> 10, ZONES_CONVENTIONAL + 1, ZONES_MAX);
}

static int make_zones(struct memory_backend *memory, const struct blk_source *source)
{
	memory->is_zoned = source->zone_bytes;
	if (!memory->is_zoned)
		return 0;
	memory->zones.zoned.zone_bytes = source->zone_bytes;
	memory->zones.zoned.granule = BLK_BLOCK_MIN;
	memory->zones.zoned.open_max = memory->zones.zoned.active_max = ZONES_ACTIVE;
	memory->conventional = ZONES_CONVENTIONAL;
	return blk_zone_set_open(&memory->zones, source->bytes, ZONES_CONVENTIONAL);
}

static int memory_open(struct blk_backend **out, struct iov *iov, const struct blk_source *source)
{
	struct memory_backend *memory;
	int error = blk_source_check_bytes(iov, &blk_backend_memory, source->bytes);

	if (!error && source->zone_bytes)
		error = check_zones(iov, source);
	if (error)
		return error;
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return iov_told(iov, -ENOMEM, "no memory for a disk");
	memory->bytes = mmap(NULL, source->bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory->bytes == MAP_FAILED) {
		error = iov_told(iov, -errno, "no address space for a disk of %" PRIu64
				 " bytes in memory: %s", source->bytes, strerror(errno));
		free(memory);
		return error;
	}
	/* Guests' secrets have no place in a core file. */
	madvise(memory->bytes, source->bytes, MADV_DONTDUMP);
	memory->backend.ops = &blk_backend_memory;
	memory->size = source->bytes;
	memory->page = (uint64_t)sysconf(_SC_PAGESIZE);
	memory->read_only = source->read_only;
	memory->can_erase = !has_swap(iov);
	if (make_zones(memory, source)) {
		memory_close(&memory->backend);
		return iov_told(iov, -ENOMEM, "no memory for the zones of a disk");
	}
	*out = &memory->backend;
	return 0;
}

static int memory_describe(struct blk_backend *backend, struct blk_geometry *geometry)
{
	const struct memory_backend *memory = of(backend);
	uint64_t range_max = memory->read_only || memory->is_zoned ? 0 : RANGE_MAX;

	*geometry = (struct blk_geometry){
		.bytes = memory->size,
		.block = BLK_BLOCK_MIN,
		.physical_block = BLK_BLOCK_MIN,
		.read_only = memory->read_only,
		.discard_max = range_max,
		.discard_block = (uint32_t)memory->page,
		.zeroes_max = range_max,
		.zeroes_may_unmap = true,
		.erase_max = memory->can_erase ? range_max : 0,
		.zoned = memory->is_zoned ? &memory->zones.zoned : NULL,
	};
	return 0;
}

static void copy(const struct blk_io *io, uint8_t *bytes)
{
	for (unsigned int i = 0; i < io->count; i++) {
		const struct iovec *part = io->vector + i;

		if (io->op == BLK_READ)
			memcpy(part->iov_base, bytes, part->iov_len);
		else
			memcpy(bytes, part->iov_base, part->iov_len);
		bytes += part->iov_len;
	}
}

/* Whole pages are given back, and are zeroes when they are touched again. */
static int clear(const struct memory_backend *memory, uint64_t offset, uint64_t length)
{
	uint64_t end = offset + length, first = (offset + memory->page - 1) & ~(memory->page - 1);
	uint64_t last = end & ~(memory->page - 1);

	if (first >= last) {
		memset(memory->bytes + offset, 0, length);
		return 0;
	}
	memset(memory->bytes + offset, 0, first - offset);
	memset(memory->bytes + last, 0, end - last);
	return madvise(memory->bytes + first, last - first, MADV_DONTNEED) ? -errno : 0;
}

static bool is_same(const struct blk_io *io, const uint8_t *bytes)
{
	bool is_same = true;

	for (unsigned int i = 0; is_same && i < io->count; i++) {
		is_same = !memcmp(io->vector[i].iov_base, bytes, io->vector[i].iov_len);
		bytes += io->vector[i].iov_len;
	}
	return is_same;
}

/* It was carried out before a front end that went away heard of it. */
static bool is_there(struct memory_backend *memory, const struct blk_io *io)
{
	return io->is_again && blk_zone_set_has(&memory->zones, io->offset, io->length) &&
	       is_same(io, memory->bytes + io->offset);
}

/* One that was begun was done, or the memory went with who began it. */
static int append(struct memory_backend *memory, struct blk_io *io)
{
	int error = blk_zone_set_write(&memory->zones, io, &io->appended);

	if (error)
		return error;
	io->place(io);
	copy(io, memory->bytes + io->appended);
	return 0;
}

static bool is_in_order(const struct memory_backend *memory, const struct blk_io *io)
{
	const struct blk_zoned *zoned = &memory->zones.zoned;

	return memory->is_zoned &&
	       blk_zone_is_written_in_order(zoned, blk_zone_of(zoned, io->offset));
}

static int write_at(struct memory_backend *memory, const struct blk_io *io)
{
	int error = 0;
	uint64_t at;

	if (is_in_order(memory, io) && !is_there(memory, io))
		error = blk_zone_set_write(&memory->zones, io, &at);
	if (!error)
		copy(io, memory->bytes + io->offset);
	return error;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The next step of a zone, from @at on; where it ends, or -errno. */
static int64_t reset_step(struct memory_backend *memory, uint64_t at)
{
	const struct blk_zoned *zoned = &memory->zones.zoned;
	const uint32_t zone = blk_zone_of(zoned, at);
	const uint64_t end = smaller((zone + UINT64_C(1)) * zoned->zone_bytes, memory->size);
	const uint64_t until = smaller(at + RANGE_MAX, end);
	int error;

	if (!(at % zoned->zone_bytes) && !blk_zone_set_fence(&memory->zones, zone))
		return (int64_t)end;
	error = clear(memory, at, until - at);
	if (error)
		return error;
	if (until == end)
		blk_zone_set_reset(&memory->zones, zone);
	return (int64_t)until;
}

/* As far as a step goes; empty zones cost next to nothing. */
static int reset(struct memory_backend *memory, struct blk_io *io)
{
	const uint64_t zone = memory->zones.zoned.zone_bytes;
	const bool is_one = io->op == BLK_ZONE_RESET;
	const uint64_t first = is_one ? io->offset : memory->conventional * zone;
	const uint64_t end = is_one ? smaller(first + zone, memory->size) : memory->size;
	const uint64_t enough = io->moved + RANGE_MAX;

	for (unsigned int i = 0; i < ZONES_STEP && first + io->moved < end && io->moved < enough; i++) {
		int64_t at = reset_step(memory, first + io->moved);

		if (at < 0)
			return (int)at;
		io->moved = (uint64_t)at - first;
	}
	return first + io->moved < end ? -EAGAIN : 0;
}

static int carry_out(struct memory_backend *memory, struct blk_io *io)
{
	switch (io->op) {
	case BLK_READ:
		copy(io, memory->bytes + io->offset);
		return 0;
	case BLK_WRITE:
		return write_at(memory, io);
	case BLK_FLUSH:
		return 0;
	case BLK_SECURE_ERASE:
		/* A page that is given back keeps what it has until somebody gets it. */
		memset(memory->bytes + io->offset, 0, io->length);
		return clear(memory, io->offset, io->length);
	case BLK_WRITE_ZEROES:
		if (!io->may_unmap) {
			memset(memory->bytes + io->offset, 0, io->length);
			return 0;
		}
		return clear(memory, io->offset, io->length);
	case BLK_DISCARD:
		return clear(memory, io->offset, io->length);
	case BLK_ZONE_APPEND:
		return append(memory, io);
	case BLK_ZONE_REPORT:
		return blk_zone_set_report(&memory->zones, io) ? 0 : -EAGAIN;
	case BLK_ZONE_OPEN:
	case BLK_ZONE_CLOSE:
	case BLK_ZONE_FINISH:
		return blk_zone_set_change(&memory->zones, io);
	case BLK_ZONE_RESET:
	case BLK_ZONE_RESET_ALL:
		return reset(memory, io);
	case BLK_OPS:
		break;
	}
	return -EOPNOTSUPP;
}

/* What goes on in the next pass, behind what does already. */
static void put_off(struct memory_channel *channel, struct blk_io *io)
{
	io->next = NULL;
	*channel->last = io;
	channel->last = &io->next;
}

static void go_on(struct memory_channel *channel, struct blk_io *io)
{
	int error = carry_out(of(channel->channel.backend), io);

	if (error == -EAGAIN)
		put_off(channel, io);
	else
		io->done(io, error);
}

static bool takes_steps(enum blk_op op)
{
	return op == BLK_ZONE_REPORT || op == BLK_ZONE_RESET || op == BLK_ZONE_RESET_ALL;
}

static void memory_submit(struct blk_channel *base, struct blk_io *io)
{
	struct memory_channel *channel = channel_of(base);

	if (unlikely(channel->first) && takes_steps(io->op))
		put_off(channel, io);
	else
		go_on(channel, io);
}

/* One step; the worker does not sleep while there are more. */
static unsigned int memory_poll(struct blk_channel *base)
{
	struct memory_channel *channel = channel_of(base);
	struct blk_io *io = channel->first;

	if (likely(!io))
		return 0;
	channel->first = io->next;
	if (!channel->first)
		channel->last = &channel->first;
	go_on(channel, io);
	return 1;
}

static int memory_channel_open(struct blk_channel **out, struct blk_backend *backend,
			       struct blk_uring *uring)
{
	struct memory_channel *channel = calloc(1, sizeof(*channel));

	(void)uring;
	if (!channel)
		return -ENOMEM;
	channel->channel.backend = backend;
	channel->last = &channel->first;
	*out = &channel->channel;
	return 0;
}

static void memory_channel_close(struct blk_channel *channel)
{
	free(channel_of(channel));
}

const struct blk_backend_ops blk_backend_memory = {
	.name = "memory",
	.open = memory_open,
	.describe = memory_describe,
	.close = memory_close,
	.channel_open = memory_channel_open,
	.channel_close = memory_channel_close,
	.submit = memory_submit,
	.poll = memory_poll,
};
