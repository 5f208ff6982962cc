// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/request.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/blk/zones.h"
#include "vhost-user/ring/ring_features.h"

const char *blk_kind_name(unsigned int kind)
{
	static const char *const names[BLK_KINDS] = {
		[BLK_KIND_READ] = "read",
		[BLK_KIND_WRITE] = "write",
		[BLK_KIND_FLUSH] = "flush",
		[BLK_KIND_DISCARD] = "discard",
		[BLK_KIND_WRITE_ZEROES] = "write-zeroes",
		[BLK_KIND_SECURE_ERASE] = "secure-erase",
		[BLK_KIND_ZONE_APPEND] = "zone-append",
		[BLK_KIND_ZONE_REPORT] = "zone-report",
		[BLK_KIND_ZONE_OPEN] = "zone-open",
		[BLK_KIND_ZONE_CLOSE] = "zone-close",
		[BLK_KIND_ZONE_FINISH] = "zone-finish",
		[BLK_KIND_ZONE_RESET] = "zone-reset",
		[BLK_KIND_ZONE_RESET_ALL] = "zone-reset-all",
		[BLK_KIND_GET_ID] = "get-id",
		[BLK_KIND_GET_LIFETIME] = "get-lifetime",
		[BLK_KIND_UNKNOWN] = "unknown",
	};

	return names[kind];
}

static bool has(const struct blk_limits *limits, unsigned int feature)
{
	return limits->features & VIRTIO_BIT(feature);
}

static enum blk_kind kind_of(uint32_t type)
{
	switch (type) {
	case VIRTIO_BLK_T_IN:
		return BLK_KIND_READ;
	case VIRTIO_BLK_T_OUT:
		return BLK_KIND_WRITE;
	case VIRTIO_BLK_T_FLUSH:
		return BLK_KIND_FLUSH;
	case VIRTIO_BLK_T_DISCARD:
		return BLK_KIND_DISCARD;
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return BLK_KIND_WRITE_ZEROES;
	case VIRTIO_BLK_T_SECURE_ERASE:
		return BLK_KIND_SECURE_ERASE;
	case VIRTIO_BLK_T_ZONE_APPEND:
		return BLK_KIND_ZONE_APPEND;
	case VIRTIO_BLK_T_ZONE_REPORT:
		return BLK_KIND_ZONE_REPORT;
	case VIRTIO_BLK_T_ZONE_OPEN:
		return BLK_KIND_ZONE_OPEN;
	case VIRTIO_BLK_T_ZONE_CLOSE:
		return BLK_KIND_ZONE_CLOSE;
	case VIRTIO_BLK_T_ZONE_FINISH:
		return BLK_KIND_ZONE_FINISH;
	case VIRTIO_BLK_T_ZONE_RESET:
		return BLK_KIND_ZONE_RESET;
	case VIRTIO_BLK_T_ZONE_RESET_ALL:
		return BLK_KIND_ZONE_RESET_ALL;
	case VIRTIO_BLK_T_GET_ID:
		return BLK_KIND_GET_ID;
	case VIRTIO_BLK_T_GET_LIFETIME:
		return BLK_KIND_GET_LIFETIME;
	default:
		return BLK_KIND_UNKNOWN;
	}
}

/* It is done, and this became of it. */
static bool end_with(struct blk_request *request, int error)
{
	request->error = error;
	request->is_done = true;
	return false;
}

/* Up to the end of a step, of which @done bytes are behind. */
static uint32_t until_step(uint32_t done, uint32_t length)
{
	const uint32_t left = BLK_STEP_BYTES - done % BLK_STEP_BYTES;

	return length < left ? length : left;
}

/* Mostly one piece of memory has all of it. */
static bool collect_one(struct blk_request *request, struct virtq_cursor *from, uint32_t length)
{
	const struct virtq_segment *segment = from->segment;
	uint32_t offset = from->offset;

	if (offset == segment->length) {
		segment++;
		offset = 0;
	}
	if (segment == from->end || length > segment->length - offset || length > BLK_STEP_BYTES)
		return false;
	request->segments[0] = (struct iovec){ segment->data + offset, length };
	request->segment_count = 1;
	*from = (struct virtq_cursor){ segment, from->end, offset + length };
	return true;
}

/* The next @length bytes, more than none, which are there, as segments that steps do not cut. */
static int collect_all(struct blk_request *request, struct virtq_cursor *from, uint32_t length)
{
	const size_t most = (size_t)(from->end - from->segment) + length / BLK_STEP_BYTES;
	uint32_t done = 0;

	if (most > BLK_SEGMENTS_FEW) {
		struct iovec *own = malloc(most * sizeof(*own));

		if (!own)
			return -ENOMEM;
		request->segments = own;
	}
	while (done < length) {
		uint32_t part = from->segment->length - from->offset;

		part = until_step(done, part < length - done ? part : length - done);
		if (part)
			request->segments[request->segment_count++] = (struct iovec){
				from->segment->data + from->offset, part };
		done += part;
		from->offset += part;
		if (from->offset == from->segment->length)
			*from = (struct virtq_cursor){ from->segment + 1, from->end, 0 };
	}
	return 0;
}

static int collect(struct blk_request *request, struct virtq_cursor *from, uint32_t length)
{
	return !length || likely(collect_one(request, from, length)) ? 0 :
								       collect_all(request, from, length);
}

/* The segments from @request->segment on, as far as a step goes. */
static void set_step(struct blk_request *request)
{
	struct blk_io *io = &request->io;

	io->vector = request->segments + request->segment;
	io->count = 0;
	io->length = 0;
	io->moved = 0;
	while (request->segment + io->count < request->segment_count && io->length < BLK_STEP_BYTES)
		io->length += io->vector[io->count++].iov_len;
}

/* Both are checked without a sum that could wrap. */
static bool is_within(const struct blk_limits *limits, uint64_t sector, uint64_t sectors)
{
	return sectors <= limits->sectors && sector <= limits->sectors - sectors &&
	       !((sector | sectors) & (limits->block_sectors - 1));
}

static bool begin_transfer(struct blk_request *request, const struct blk_limits *limits,
			   struct virtq_cursor *data, uint64_t sector, uint32_t length)
{
	const bool is_read = request->io.op == BLK_READ;
	int error = 0;

	if (!is_read && limits->read_only)
		return end_with(request, -EROFS);
	if (length % BLK_SECTOR || !is_within(limits, sector, length / BLK_SECTOR))
		return end_with(request, -EINVAL);
	if (!length)
		return end_with(request, request->io.op == BLK_ZONE_APPEND ? BLK_ZONE_INVALID : 0);
	if (unlikely(limits->zoned))
		error = blk_zones_judge(limits->zoned, request->io.op, sector * BLK_SECTOR, length);
	if (!error)
		error = collect(request, data, length);
	if (error)
		return end_with(request, error);
	request->bytes = length;
	request->io.offset = sector * BLK_SECTOR;
	set_step(request);
	request->io.is_stable |= !is_read && limits->is_stable;
	return true;
}

static void set_range(struct blk_request *request)
{
	const struct blk_range *range = &request->ranges[request->range];

	request->io.offset = range->sector * BLK_SECTOR;
	request->io.length = (uint64_t)range->sectors * BLK_SECTOR;
	request->io.moved = 0;
}

/*
 * Section 5.2.6.2: a flag that is not known is VIRTIO_BLK_S_UNSUPP, and so is unmap of anything
 * but write zeroes.
 */
static int add_range(struct blk_request *request, const struct blk_limits *limits,
		     const struct virtio_blk_discard_write_zeroes *from, uint32_t *flags)
{
	const struct blk_range range = { le64toh(from->sector), le32toh(from->num_sectors) };
	const uint32_t known = request->io.op == BLK_WRITE_ZEROES ?
				       VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;

	*flags = le32toh(from->flags);
	if (*flags & ~known)
		return -EOPNOTSUPP;
	if (range.sectors > limits->range_sectors[request->io.op] ||
	    !is_within(limits, range.sector, range.sectors))
		return -EINVAL;
	if (range.sectors)
		request->ranges[request->range_count++] = range;
	return 0;
}

static bool begin_ranges(struct blk_request *request, const struct blk_limits *limits,
			 struct virtq_cursor *data, uint32_t length)
{
	struct virtio_blk_discard_write_zeroes list[BLK_RANGES_MAX];
	const uint32_t count = length / sizeof(*list);
	uint32_t all_flags = VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;

	if (limits->read_only)
		return end_with(request, -EROFS);
	if (!limits->range_sectors[request->io.op])
		return end_with(request, -EOPNOTSUPP);
	if (!count || length % sizeof(*list) || count > BLK_RANGES_MAX)
		return end_with(request, -EINVAL);
	virtq_cursor_read(data, list, length);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t flags;
		int error = add_range(request, limits, &list[i], &flags);

		if (error)
			return end_with(request, error);
		all_flags &= flags;
	}
	if (!request->range_count)
		return end_with(request, 0);
	request->io.is_stable = limits->is_stable;
	/* What one of them must not give back, none does. */
	request->io.may_unmap = all_flags;
	set_range(request);
	return true;
}

/* What is told at once, as far as there is room. */
static bool tell(struct blk_request *request, const struct virtq_batch *batch, const void *bytes,
		 uint32_t length)
{
	struct virtq_cursor to = virtq_writable(batch, &request->chain, 1);
	int error = collect(request, &(struct virtq_cursor){ to.segment, to.end, to.offset }, length);

	if (!error)
		virtq_cursor_write(&to, bytes, length);
	return end_with(request, error);
}

static bool get_id(struct blk_request *request, const struct virtq_batch *batch,
		   const struct blk_limits *limits, uint32_t room)
{
	uint32_t length = room < sizeof(limits->serial) ? room : sizeof(limits->serial);

	return tell(request, batch, limits->serial, length);
}

static bool get_lifetime(struct blk_request *request, const struct virtq_batch *batch,
			 const struct blk_limits *limits, uint32_t room)
{
	uint64_t word;

	if (!limits->lifetime)
		return end_with(request, -EOPNOTSUPP);
	if (room < BLK_LIFETIME_BYTES)
		return end_with(request, -EINVAL);
	word = __atomic_load_n(limits->lifetime, __ATOMIC_RELAXED);
	return tell(request, batch, &word, BLK_LIFETIME_BYTES);
}

/*
 * Where the sector is told: the first bytes that the device writes, however they are cut.  Linux leaves some
 * between them and the status.
 */
static bool find_appended(struct blk_request *request, const struct virtq_batch *batch)
{
	const struct virtq_chain *chain = &request->chain;
	const struct virtq_segment *segment = &batch->segments[chain->first + chain->readable];
	uint32_t at = 0;

	if (chain->writable_length - 1 < BLK_APPENDED_BYTES)
		return false;
	for (unsigned int i = 0; i < BLK_APPENDED_BYTES; i++, at++) {
		while (at >= segment->length)
			at -= segment++->length;
		request->appended[i] = segment->data + at;
	}
	return true;
}

static bool begin_append(struct blk_request *request, const struct virtq_batch *batch,
			 const struct blk_limits *limits, struct virtq_cursor *data,
			 uint64_t sector, uint32_t length)
{
	if (!limits->zoned)
		return end_with(request, -EOPNOTSUPP);
	if (!find_appended(request, batch))
		return end_with(request, -EINVAL);
	request->io.appended = BLK_NOWHERE;
	return begin_transfer(request, limits, data, sector, length);
}

static bool begin_report(struct blk_request *request, const struct blk_limits *limits,
			 struct virtq_cursor *room, uint64_t sector, uint32_t length)
{
	int error;

	if (!limits->zoned)
		return end_with(request, -EOPNOTSUPP);
	if (sector >= limits->sectors || length < sizeof(struct blk_report_head))
		return end_with(request, -EINVAL);
	error = collect(request, room, length);
	if (error)
		return end_with(request, error);
	request->io.offset = sector * BLK_SECTOR;
	request->io.length = length;
	request->io.vector = request->segments;
	request->io.count = request->segment_count;
	return true;
}

static bool begin_change(struct blk_request *request, const struct blk_limits *limits,
			 uint64_t sector)
{
	const enum blk_op op = request->io.op;
	int error = 0;

	if (!limits->zoned)
		return end_with(request, -EOPNOTSUPP);
	if (limits->read_only)
		return end_with(request, -EROFS);
	if (op == BLK_ZONE_RESET_ALL)
		return true;
	error = sector >= limits->sectors ? BLK_ZONE_INVALID :
			blk_zones_judge(limits->zoned, op, sector * BLK_SECTOR, 0);
	if (error)
		return end_with(request, error);
	request->io.offset = sector * BLK_SECTOR;
	return true;
}

static int appended_shift(unsigned int index)
{
	return 8 * (int)index;
}

void blk_request_place(const struct blk_request *request)
{
	const uint64_t sector = request->io.appended / BLK_SECTOR;

	for (unsigned int i = 0; i < BLK_APPENDED_BYTES; i++)
		*(volatile uint8_t *)request->appended[i] = (uint8_t)(sector >> appended_shift(i));
}

uint64_t blk_request_placed(const struct blk_request *request)
{
	uint64_t sector = 0;

	for (unsigned int i = 0; i < BLK_APPENDED_BYTES; i++)
		sector |= (uint64_t)*(volatile uint8_t *)request->appended[i] << appended_shift(i);
	return sector > INT64_MAX / BLK_SECTOR ? BLK_NOWHERE : sector * BLK_SECTOR;
}

/* The last byte of what the device writes. */
static uint8_t *find_status(const struct virtq_batch *batch, const struct virtq_chain *chain)
{
	const struct virtq_segment *last;

	if (!chain->writable)
		return NULL;
	last = &batch->segments[chain->first + chain->readable + chain->writable - 1];
	return last->data + last->length - 1;
}

static bool begin_kind(struct blk_request *request, const struct virtq_batch *batch,
		       const struct blk_limits *limits, struct virtq_cursor *data, uint64_t sector)
{
	const uint32_t readable =
		request->chain.readable_length - (uint32_t)sizeof(struct virtio_blk_outhdr);
	const uint32_t writable = request->chain.writable_length - 1;
	struct virtq_cursor room = virtq_writable(batch, &request->chain, 1);

	if (likely(request->kind == BLK_KIND_READ))
		return begin_transfer(request, limits, &room, sector, writable);
	if (likely(request->kind == BLK_KIND_WRITE))
		return begin_transfer(request, limits, data, sector, readable);
	switch (request->kind) {
	case BLK_KIND_FLUSH:
		return has(limits, VIRTIO_BLK_F_FLUSH) ? true : end_with(request, -EOPNOTSUPP);
	case BLK_KIND_DISCARD:
	case BLK_KIND_WRITE_ZEROES:
	case BLK_KIND_SECURE_ERASE:
		return begin_ranges(request, limits, data, readable);
	case BLK_KIND_ZONE_APPEND:
		return begin_append(request, batch, limits, data, sector, readable);
	case BLK_KIND_ZONE_REPORT:
		return begin_report(request, limits, &room, sector, writable);
	case BLK_KIND_ZONE_OPEN:
	case BLK_KIND_ZONE_CLOSE:
	case BLK_KIND_ZONE_FINISH:
	case BLK_KIND_ZONE_RESET:
	case BLK_KIND_ZONE_RESET_ALL:
		return begin_change(request, limits, sector);
	case BLK_KIND_GET_ID:
		return get_id(request, batch, limits, writable);
	case BLK_KIND_GET_LIFETIME:
		return get_lifetime(request, batch, limits, writable);
	default:
		return end_with(request, -EOPNOTSUPP);
	}
}

/* Without them the driver may say a priority there, which we have no use for. */
static bool take_flags(struct blk_request *request, const struct blk_limits *limits, uint32_t flags)
{
	const uint32_t forced = 1u << VIRTIO_BLK_REQ_FLAG_OUT_FUA;
	const bool can_force = request->kind == BLK_KIND_WRITE &&
			       has(limits, VIRTIO_BLK_F_REQ_FLAGS_OUT_FUA);

	if (!has(limits, VIRTIO_BLK_F_REQ_FLAGS))
		return true;
	request->io.is_stable = flags & forced;
	return !(flags & ~(can_force ? forced : 0));
}

bool blk_request_begin(struct blk_request *request, const struct virtq_batch *batch,
		       const struct virtq_chain *chain, const struct blk_limits *limits)
{
	struct virtq_cursor data = virtq_readable(batch, chain);
	struct virtio_blk_outhdr header;

	request->next = NULL;
	request->chain = *chain;
	request->error = 0;
	request->is_done = false;
	request->range = request->range_count = 0;
	request->segments = request->few;
	request->segment_count = request->segment = 0;
	request->bytes = 0;
	request->status = find_status(batch, chain);
	request->kind = BLK_KIND_UNKNOWN;
	request->io.is_stable = request->io.may_unmap = false;
	request->io.offset = request->io.length = request->io.moved = 0;
	request->io.vector = NULL;
	request->io.count = 0;
	/* Nowhere to tell what became of it, or nothing that says what it is. */
	if (!request->status || !virtq_cursor_read_head(&data, &header, sizeof(header)))
		return end_with(request, -EINVAL);
	request->kind = kind_of(le32toh(header.type));
	request->io.op = (enum blk_op)request->kind;
	if (unlikely(header.ioprio) && !take_flags(request, limits, le32toh(header.ioprio)))
		return end_with(request, -EOPNOTSUPP);
	return begin_kind(request, batch, limits, &data, le64toh(header.sector));
}

/* Whether there is another step of a transfer. */
static bool go_on_transfer(struct blk_request *request)
{
	request->segment += request->io.count;
	if (request->segment == request->segment_count)
		return end_with(request, 0);
	request->io.offset += request->io.length;
	set_step(request);
	return true;
}

bool blk_request_go_on(struct blk_request *request, int error)
{
	if (!error && request->bytes)
		return go_on_transfer(request);
	if (error || ++request->range >= request->range_count)
		return end_with(request, error);
	set_range(request);
	return true;
}

/* Section 5.2.6: those that there are. */
static uint8_t status_of(int error)
{
	switch (error) {
	case 0:
		return VIRTIO_BLK_S_OK;
	case -EOPNOTSUPP:
		return VIRTIO_BLK_S_UNSUPP;
	case BLK_ZONE_INVALID:
		return VIRTIO_BLK_S_ZONE_INVALID_CMD;
	case BLK_ZONE_UNALIGNED:
		return VIRTIO_BLK_S_ZONE_UNALIGNED_WP;
	case BLK_ZONE_OPEN_LIMIT:
		return VIRTIO_BLK_S_ZONE_OPEN_RESOURCE;
	case BLK_ZONE_ACTIVE_LIMIT:
		return VIRTIO_BLK_S_ZONE_ACTIVE_RESOURCE;
	default:
		return VIRTIO_BLK_S_IOERR;
	}
}

/* After the write: see dirty_log_mark(). */
static void log_written(const struct blk_request *request, const struct virtq *vq)
{
	if (request->kind == BLK_KIND_READ || request->kind == BLK_KIND_GET_ID ||
	    request->kind == BLK_KIND_GET_LIFETIME || request->kind == BLK_KIND_ZONE_REPORT)
		for (unsigned int i = 0; i < request->segment_count; i++)
			dirty_log_mark(vq->log, vq->memory, request->segments[i].iov_base,
				       request->segments[i].iov_len);
	for (unsigned int i = 0; request->kind == BLK_KIND_ZONE_APPEND && request->bytes &&
				 i < BLK_APPENDED_BYTES; i++)
		dirty_log_mark(vq->log, vq->memory, request->appended[i], 1);
	if (request->status)
		dirty_log_mark(vq->log, vq->memory, request->status, 1);
}

static void drop_segments(struct blk_request *request)
{
	if (likely(request->segments == request->few))
		return;
	free(request->segments);
	request->segments = request->few;
}

void blk_request_free(struct blk_request *request)
{
	drop_segments(request);
}

uint32_t blk_request_end(struct blk_request *request, const struct virtq *vq)
{
	if (request->status)
		*(volatile uint8_t *)request->status = status_of(request->error);
	if (unlikely(vq->log))
		log_written(request, vq);
	drop_segments(request);
	return request->chain.writable_length;
}
