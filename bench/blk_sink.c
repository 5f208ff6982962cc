// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/blk_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/device_ring.h"

#define BURST 64

struct line {
	struct blk_sink_ring of;
	uint16_t next; /* entries that were taken since ever */
};

struct lines {
	unsigned int count;
	struct line lines[];
};

static void finish(const struct line *line, uint32_t id)
{
	line->of.statuses[(size_t)id * line->of.stride] = 0;
}

static bool pass_split(struct line *line)
{
	const struct driver_ring *ring = line->of.ring;
	const unsigned int mask = ring->size - 1u;
	unsigned int count = device_ring_available(ring, line->next);

	if (!count)
		return false;
	count = count < BURST ? count : BURST;
	for (unsigned int i = 0; i < count; i++) {
		const unsigned int at = (line->next + i) & mask;
		const uint16_t id = ring->split.driver->ring[at];

		finish(line, id);
		ring->split.device->ring[at] = (struct vring_used_elem){id, 1};
	}
	line->next = (uint16_t)(line->next + count);
	/* Who sees the index sees the elements and statuses. */
	__atomic_store_n(&ring->split.device->idx, line->next, __ATOMIC_RELEASE);
	return true;
}

static bool pass_packed(struct line *line)
{
	const struct driver_ring *ring = line->of.ring;

	for (unsigned int i = 0; i < BURST; i++) {
		uint64_t *word = device_ring_word(ring, line->next);
		uint64_t entry = __atomic_load_n(word, __ATOMIC_ACQUIRE);
		const uint32_t id = (uint32_t)((entry & DEVICE_RING_ID) >> 32);

		if (!device_ring_is_available(ring, line->next, entry))
			return i;
		finish(line, id);
		entry = (entry & DEVICE_RING_ID) | 1 | device_ring_used(ring, line->next) |
			(uint64_t)VRING_DESC_F_WRITE << 48;
		line->next = (uint16_t)(line->next + ring->buffers[id].parts);
		/* Who sees the entry sees the status. */
		__atomic_store_n(word, entry, __ATOMIC_RELEASE);
	}
	return true;
}

static bool pass_all(void *arg)
{
	struct lines *lines = arg;
	bool any = false;

	for (unsigned int i = 0; i < lines->count; i++) {
		struct line *line = &lines->lines[i];

		any |= line->of.ring->is_packed ? pass_packed(line) : pass_split(line);
	}
	return any;
}

int blk_sink_start(struct sink **out, struct iov *iov, const struct blk_sink_ring *rings,
		   unsigned int count, int cpu)
{
	struct lines *lines = calloc(1, sizeof(*lines) + count * sizeof(*lines->lines));

	*out = NULL;
	if (!lines)
		return iov_fail(iov, -ENOMEM, "no memory for the sink");
	lines->count = count;
	for (unsigned int i = 0; i < count; i++)
		lines->lines[i].of = rings[i];
	return sink_start(out, iov, pass_all, lines, cpu);
}
