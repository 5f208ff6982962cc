// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/net_sink.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

#include "bench/device_ring.h"
#include "vhost-user/ring/virtq.h"

#define RX 0
#define TX 1
#define RINGS 2
#define BURST 64

/*
 * Theory of operation.  Where each frame fits into one buffer, chains have one descriptor: then
 * a batch of used elements is made of what is available in both rings, by two loops that know
 * nothing else, as this is to be faster than any back end.  Frames of several buffers go by the
 * rings of the back end.
 */

struct side {
	struct guest_region region;
	struct guest_memory memory;
	struct virtq rings[RINGS];
	const struct driver_ring *plain[RINGS];
	uint16_t next[RINGS]; /* entries that were taken since ever */
};

struct rings {
	bool is_plain;
	bool is_packed;
	bool is_broadcast;
	unsigned int count;
	struct virtq_batch from;
	struct virtq_batch to;
	struct side sides[];
};

/* Whether any frame fits into any buffer of the receivers. */
static bool is_plain(struct front_end *const *front_ends, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct driver_ring *from = &front_ends[i]->rings[TX];

		for (unsigned int j = 0; j < from->count; j++)
			if (from->buffers[j].length > front_ends[i]->rings[RX].buffers[0].length)
				return false;
	}
	return true;
}

static void start_ring(struct side *side, const struct front_end *front_end, unsigned int index)
{
	const struct driver_ring *ring = &front_end->rings[index];
	const struct virtq_setup setup = {
		.memory = &side->memory,
		.desc = ring->is_packed ? (void *)ring->packed.desc : ring->split.desc,
		.driver = ring->is_packed ? (void *)ring->packed.driver : ring->split.driver,
		.device = ring->is_packed ? (void *)ring->packed.device : ring->split.device,
		.size = ring->size,
		.base = ring->is_packed ? 0x80008000u : 0,
		.features = front_end->features,
	};

	virtq_start(&side->rings[index], &setup);
	side->plain[index] = ring;
	side->next[index] = 0;
}

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static bool pass_split(const struct driver_ring *from, uint16_t *from_next,
		       const struct driver_ring *to, uint16_t *to_next)
{
	const unsigned int mask = from->size - 1u;
	const unsigned int count = smaller(smaller(device_ring_available(from, *from_next), BURST),
					   device_ring_available(to, *to_next));

	if (!count)
		return false;
	for (unsigned int i = 0; i < count; i++) {
		unsigned int at = (*from_next + i) & mask, room = (*to_next + i) & mask;
		uint16_t id = from->split.driver->ring[at];

		to->split.device->ring[room] = (struct vring_used_elem){
			to->split.driver->ring[room], from->split.desc[id].len};
		from->split.device->ring[at] = (struct vring_used_elem){id, 0};
	}
	*from_next = (uint16_t)(*from_next + count);
	*to_next = (uint16_t)(*to_next + count);
	/* Who sees an index sees the elements. */
	__atomic_store_n(&to->split.device->idx, *to_next, __ATOMIC_RELEASE);
	__atomic_store_n(&from->split.device->idx, *from_next, __ATOMIC_RELEASE);
	return true;
}

static bool pass_packed(const struct driver_ring *from, uint16_t *from_next,
			const struct driver_ring *to, uint16_t *to_next)
{
	const uint64_t id = DEVICE_RING_ID, length = UINT32_MAX;
	uint64_t first[2] = {0};
	unsigned int count;

	for (count = 0; count < BURST; count++) {
		uint16_t at = (uint16_t)(*from_next + count), room = (uint16_t)(*to_next + count);
		uint64_t sent = __atomic_load_n(device_ring_word(from, at), __ATOMIC_ACQUIRE);
		uint64_t taken = __atomic_load_n(device_ring_word(to, room), __ATOMIC_ACQUIRE);

		if (!device_ring_is_available(from, at, sent) ||
		    !device_ring_is_available(to, room, taken))
			break;
		taken = (taken & id) | (sent & length) | device_ring_used(to, room) |
			(uint64_t)VRING_DESC_F_WRITE << 48;
		sent = (sent & id) | device_ring_used(from, at);
		if (count) {
			*device_ring_word(to, room) = taken;
			*device_ring_word(from, at) = sent;
		} else {
			first[0] = taken;
			first[1] = sent;
		}
	}
	if (!count)
		return false;
	/* The first, which the driver looks at first, shows the others. */
	__atomic_store_n(device_ring_word(to, *to_next), first[0], __ATOMIC_RELEASE);
	__atomic_store_n(device_ring_word(from, *from_next), first[1], __ATOMIC_RELEASE);
	*from_next = (uint16_t)(*from_next + count);
	*to_next = (uint16_t)(*to_next + count);
	return true;
}

/* As if a frame had been written into @count chains, the last ones of a batch. */
static void push_frame(struct virtq *ring, const struct virtq_batch *batch, unsigned int count,
		       uint32_t length)
{
	const struct virtq_chain *chain = &batch->chains[batch->chain_count - count];
	uint16_t buffers = (uint16_t)count;

	if (count > 1)
		memcpy(batch->segments[chain->first].data +
			       offsetof(struct virtio_net_hdr_v1, num_buffers),
		       &buffers, sizeof(buffers));
	for (; count; count--, chain++) {
		uint32_t part = length < chain->writable_length ? length : chain->writable_length;

		virtq_push(ring, chain, part);
		length -= part;
	}
}

static void copy_batch(struct rings *rings, struct virtq *to)
{
	virtq_batch_reset(&rings->to);
	for (unsigned int i = 0; i < rings->from.chain_count; i++) {
		uint32_t length = rings->from.chains[i].readable_length;
		unsigned int count = virtq_take_space(to, &rings->to, length, BURST);

		if (!count)
			break;
		push_frame(to, &rings->to, count, length);
	}
	virtq_publish(to);
}

/* From one to some, which are beside each other. */
static bool pass(struct rings *rings, struct virtq *from, struct side *to, unsigned int count)
{
	virtq_batch_reset(&rings->from);
	if (!virtq_take(from, &rings->from, BURST))
		return false;
	for (unsigned int i = 0; i < count; i++)
		copy_batch(rings, &to[i].rings[RX]);
	virtq_return(from, &rings->from);
	virtq_publish(from);
	return true;
}

static bool pass_side(struct rings *rings, struct side *from, struct side *to)
{
	if (!rings->is_plain)
		return pass(rings, &from->rings[TX], to, 1);
	if (rings->is_packed)
		return pass_packed(from->plain[TX], &from->next[TX], to->plain[RX], &to->next[RX]);
	return pass_split(from->plain[TX], &from->next[TX], to->plain[RX], &to->next[RX]);
}

static bool pass_all(void *arg)
{
	struct rings *rings = arg;
	bool any = false;

	if (rings->is_broadcast)
		return pass(rings, &rings->sides[0].rings[TX], &rings->sides[1], rings->count - 1);
	for (unsigned int i = 0; i < rings->count; i++)
		any |= pass_side(rings, &rings->sides[i],
				 &rings->sides[rings->count == 1 ? i : i ^ 1]);
	return any;
}

int net_sink_start(struct sink **out, struct iov *iov, struct front_end *const *front_ends,
		   unsigned int count, bool is_broadcast, int cpu)
{
	const size_t size = sizeof(struct rings) + count * sizeof(struct side);
	struct rings *rings = aligned_alloc(
		VIRTQ_CACHE_LINE, (size + VIRTQ_CACHE_LINE - 1) & ~(size_t)(VIRTQ_CACHE_LINE - 1));

	*out = NULL;
	if (!rings)
		return iov_fail(iov, -ENOMEM, "no memory for the sink");
	memset(rings, 0, sizeof(*rings));
	rings->count = count;
	rings->is_broadcast = is_broadcast;
	rings->is_plain = is_plain(front_ends, count);
	rings->is_packed = front_ends[0]->rings[TX].is_packed;
	for (unsigned int i = 0; i < count; i++) {
		struct side *side = &rings->sides[i];

		side->region = (struct guest_region){
			.gpa = front_ends[i]->base,
			.size = front_ends[i]->mapping_size,
			.host = front_ends[i]->mapping,
		};
		side->memory = (struct guest_memory){.count = 1, .regions = &side->region};
		start_ring(side, front_ends[i], RX);
		start_ring(side, front_ends[i], TX);
	}
	return sink_start(out, iov, pass_all, rings, cpu);
}
