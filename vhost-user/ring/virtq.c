// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/virtio_config.h>
#include <string.h>

#include "vhost-user/ring/virtq_chain.h"

#define FEATURE(n) (UINT64_C(1) << (n))

static const char *const error_names[VIRTQ_ERRORS] = {
	[VIRTQ_OK] = "ok",
	[VIRTQ_ERROR_AVAIL_JUMP] = "avail-jump",
	[VIRTQ_ERROR_HEAD] = "head",
	[VIRTQ_ERROR_NEXT] = "next",
	[VIRTQ_ERROR_LOOP] = "loop",
	[VIRTQ_ERROR_SEGMENTS] = "segments",
	[VIRTQ_ERROR_BYTES] = "bytes",
	[VIRTQ_ERROR_ORDER] = "order",
	[VIRTQ_ERROR_ADDRESS] = "address",
	[VIRTQ_ERROR_INDIRECT_FEATURE] = "indirect-feature",
	[VIRTQ_ERROR_INDIRECT_SIZE] = "indirect-size",
	[VIRTQ_ERROR_INDIRECT_FLAGS] = "indirect-flags",
	[VIRTQ_ERROR_INDIRECT_ADDRESS] = "indirect-address",
	[VIRTQ_ERROR_RX_READABLE] = "rx-readable",
	[VIRTQ_ERROR_RX_EMPTY] = "rx-empty",
	[VIRTQ_ERROR_IN_FLIGHT] = "in-flight",
	[VIRTQ_ERROR_TRANSLATION] = "translation",
};

const char *virtq_error_name(enum virtq_error error)
{
	return error < VIRTQ_ERRORS ? error_names[error] : "unknown";
}

/* Contiguous bytes at the cursor, 0 at the end. */
static size_t cursor_run(struct virtq_cursor *cursor)
{
	while (cursor->segment != cursor->end && cursor->offset == cursor->segment->length) {
		cursor->segment++;
		cursor->offset = 0;
	}
	return cursor->segment == cursor->end ? 0 : cursor->segment->length - cursor->offset;
}

static uint8_t *cursor_data(const struct virtq_cursor *cursor)
{
	return cursor->segment->data + cursor->offset;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t virtq_cursor_read(struct virtq_cursor *cursor, void *to, size_t length)
{
	size_t done = 0, part;

	while (done < length && (part = smaller(cursor_run(cursor), length - done))) {
		memcpy((uint8_t *)to + done, cursor_data(cursor), part);
		cursor->offset += part;
		done += part;
	}
	return done;
}

size_t virtq_cursor_write(struct virtq_cursor *cursor, const void *from, size_t length)
{
	size_t done = 0, part;

	while (done < length && (part = smaller(cursor_run(cursor), length - done))) {
		memcpy(cursor_data(cursor), (const uint8_t *)from + done, part);
		cursor->offset += part;
		done += part;
	}
	return done;
}

/* Parts that are copied line by line, and how far ahead their lines are asked for. */
#define LONG 512
#define AHEAD 1024

/* A hostile front end may map the same memory for both ends. */
FOR_EACH_PROCESSOR static void copy_part(uint8_t *to, const uint8_t *from, size_t length)
{
	if (length >= LONG)
		copy_ahead(to, from, length, to + AHEAD, from + AHEAD);
	else
		memmove(to, from, length);
}

size_t virtq_cursor_copy(struct virtq_cursor *to, struct virtq_cursor *from, size_t length)
{
	size_t done = 0, part;

	while (done < length) {
		part = smaller(smaller(cursor_run(to), cursor_run(from)), length - done);
		if (!part)
			break;
		copy_part(cursor_data(to), cursor_data(from), part);
		to->offset += part;
		from->offset += part;
		done += part;
	}
	return done;
}

size_t virtq_cursor_skip(struct virtq_cursor *cursor, size_t length)
{
	size_t done = 0, part;

	while (done < length && (part = smaller(cursor_run(cursor), length - done))) {
		cursor->offset += part;
		done += part;
	}
	return done;
}

void virtq_log_written(struct virtq *vq, const struct virtq_batch *batch,
		       const struct virtq_chain *chain, uint32_t length)
{
	const struct virtq_segment *segment = &batch->segments[chain->first + chain->readable];

	for (; length; segment++) {
		uint32_t part = length < segment->length ? length : segment->length;

		dirty_log_mark(vq->log, vq->memory, segment->data, part);
		length -= part;
	}
}

struct virtq_layout virtq_layout(unsigned int size, uint64_t features)
{
	const size_t event = sizeof(struct vring_packed_desc_event);

	if (features & FEATURE(VIRTIO_F_RING_PACKED))
		return (struct virtq_layout){ { (size_t)16 * size, 16 }, { event, 4 }, { event, 4 } };
	return (struct virtq_layout){
		.desc = { (size_t)16 * size, 16 },
		.driver = { 6 + (size_t)2 * size, 2 },
		.device = { 6 + (size_t)8 * size, 4 },
	};
}

void virtq_start(struct virtq *vq, const struct virtq_setup *setup)
{
	*vq = (struct virtq){
		.memory = setup->memory,
		.log = setup->log,
		.log_device = setup->log_device,
		.size = setup->size,
		.event_idx = setup->features & FEATURE(VIRTIO_RING_F_EVENT_IDX),
		.indirect = setup->features & FEATURE(VIRTIO_RING_F_INDIRECT_DESC),
		.map = { setup->memory, setup->memory },
		.hint = { setup->memory->regions, setup->memory->regions },
	};
	if (setup->features & FEATURE(VIRTIO_F_RING_PACKED))
		virtq_packed_start(vq, setup);
	else
		virtq_split_start(vq, setup);
	if (setup->iotlb)
		virtq_translate(vq, setup->iotlb);
	virtq_kick_disable(vq);
}
