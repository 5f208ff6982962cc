// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/sink.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/ring/virtq.h"

#define RX 0
#define TX 1
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
	struct virtq rings[FRONT_END_RINGS];
	const struct net_ring *plain[FRONT_END_RINGS];
	uint16_t next[FRONT_END_RINGS]; /* entries that were taken since ever */
};

struct sink {
	pthread_t thread;
	bool stop;
	bool is_plain;
	bool is_packed;
	unsigned int count;
	struct virtq_batch from;
	struct virtq_batch to;
	struct side sides[];
};

/* Whether any frame fits into any buffer of the receivers. */
static bool is_plain(struct front_end *const *front_ends, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct net_ring *from = &front_ends[i]->rings[TX];

		for (unsigned int j = 0; j < from->count; j++)
			if (from->buffers[j].length > front_ends[i]->rings[RX].buffers[0].length)
				return false;
	}
	return true;
}

static void start_ring(struct side *side, const struct front_end *front_end, unsigned int index)
{
	const struct net_ring *ring = &front_end->rings[index];
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

static unsigned int available_split(const struct net_ring *ring, uint16_t next)
{
	/* Entries are read after the index. */
	return (uint16_t)(__atomic_load_n(&ring->split.driver->idx, __ATOMIC_ACQUIRE) - next);
}

static void pass_split(const struct net_ring *from, uint16_t *from_next, const struct net_ring *to,
		       uint16_t *to_next)
{
	const unsigned int mask = from->size - 1u;
	const unsigned int count = smaller(smaller(available_split(from, *from_next), BURST),
					   available_split(to, *to_next));

	if (!count)
		return;
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
}

/* The second word of an entry, with its length, id and flags. */
static uint64_t *word_of(const struct net_ring *ring, uint16_t position)
{
	return (uint64_t *)(void *)&ring->packed.desc[position & (ring->size - 1)].len;
}

#define AVAIL (UINT64_C(1) << (48 + VRING_PACKED_DESC_F_AVAIL))
#define USED (UINT64_C(1) << (48 + VRING_PACKED_DESC_F_USED))

/* What the flags of an entry are when its buffer is used: the counter is 1 in the first round. */
static uint64_t used_flags(const struct net_ring *ring, uint16_t position)
{
	return position & ring->size ? 0 : AVAIL | USED;
}

static bool is_available(const struct net_ring *ring, uint16_t position, uint64_t word)
{
	return (word & (AVAIL | USED)) == (used_flags(ring, position) ^ USED);
}

static void pass_packed(const struct net_ring *from, uint16_t *from_next,
			const struct net_ring *to, uint16_t *to_next)
{
	const uint64_t id = UINT64_C(0xffff) << 32, length = UINT32_MAX;
	uint64_t first[2] = {0};
	unsigned int count;

	for (count = 0; count < BURST; count++) {
		uint16_t at = (uint16_t)(*from_next + count), room = (uint16_t)(*to_next + count);
		uint64_t sent = __atomic_load_n(word_of(from, at), __ATOMIC_ACQUIRE);
		uint64_t taken = __atomic_load_n(word_of(to, room), __ATOMIC_ACQUIRE);

		if (!is_available(from, at, sent) || !is_available(to, room, taken))
			break;
		taken = (taken & id) | (sent & length) | used_flags(to, room) |
			(uint64_t)VRING_DESC_F_WRITE << 48;
		sent = (sent & id) | used_flags(from, at);
		if (count) {
			*word_of(to, room) = taken;
			*word_of(from, at) = sent;
		} else {
			first[0] = taken;
			first[1] = sent;
		}
	}
	if (!count)
		return;
	/* The first, which the driver looks at first, shows the others. */
	__atomic_store_n(word_of(to, *to_next), first[0], __ATOMIC_RELEASE);
	__atomic_store_n(word_of(from, *from_next), first[1], __ATOMIC_RELEASE);
	*from_next = (uint16_t)(*from_next + count);
	*to_next = (uint16_t)(*to_next + count);
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

static void pass(struct sink *sink, struct virtq *from, struct virtq *to)
{
	virtq_batch_reset(&sink->from);
	virtq_batch_reset(&sink->to);
	if (!virtq_take(from, &sink->from, BURST))
		return;
	for (unsigned int i = 0; i < sink->from.chain_count; i++) {
		uint32_t length = sink->from.chains[i].readable_length;
		unsigned int count = virtq_take_space(to, &sink->to, length, BURST);

		if (!count)
			break;
		push_frame(to, &sink->to, count, length);
	}
	virtq_return(from, &sink->from);
	virtq_publish(to);
	virtq_publish(from);
}

static void pass_side(struct sink *sink, struct side *from, struct side *to)
{
	if (!sink->is_plain)
		pass(sink, &from->rings[TX], &to->rings[RX]);
	else if (sink->is_packed)
		pass_packed(from->plain[TX], &from->next[TX], to->plain[RX], &to->next[RX]);
	else
		pass_split(from->plain[TX], &from->next[TX], to->plain[RX], &to->next[RX]);
}

static void *run(void *arg)
{
	struct sink *sink = arg;

	while (!__atomic_load_n(&sink->stop, __ATOMIC_RELAXED))
		for (unsigned int i = 0; i < sink->count; i++)
			pass_side(sink, &sink->sides[i],
				  &sink->sides[sink->count == 1 ? i : i ^ 1]);
	return NULL;
}

int sink_start(struct sink **out, struct iov *iov, struct front_end *const *front_ends,
	       unsigned int count, int cpu)
{
	struct sink *sink =
		aligned_alloc(VIRTQ_CACHE_LINE,
			      (sizeof(*sink) + count * sizeof(struct side) + VIRTQ_CACHE_LINE - 1) &
				      ~(size_t)(VIRTQ_CACHE_LINE - 1));
	cpu_set_t cpus;
	int error;

	*out = NULL;
	if (!sink)
		return iov_fail(iov, -ENOMEM, "no memory for the sink");
	memset(sink, 0, sizeof(*sink));
	sink->count = count;
	sink->is_plain = is_plain(front_ends, count);
	sink->is_packed = front_ends[0]->rings[TX].is_packed;
	for (unsigned int i = 0; i < count; i++) {
		struct side *side = &sink->sides[i];

		side->region = (struct guest_region){
			.gpa = front_ends[i]->base,
			.size = front_ends[i]->mapping_size,
			.host = front_ends[i]->mapping,
		};
		side->memory = (struct guest_memory){.count = 1, .regions = &side->region};
		start_ring(side, front_ends[i], RX);
		start_ring(side, front_ends[i], TX);
	}
	error = pthread_create(&sink->thread, NULL, run, sink);
	if (error) {
		free(sink);
		return iov_told(iov, -error, "no thread for the sink: %s", strerror(error));
	}
	*out = sink;
	if (cpu < 0)
		return 0;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	error = pthread_setaffinity_np(sink->thread, sizeof(cpus), &cpus);
	return error ? iov_told(iov, -error, "CPU %d: %s; expected one that this process may use",
				cpu, strerror(error))
		     : 0;
}

void sink_stop(struct sink *sink)
{
	if (!sink)
		return;
	__atomic_store_n(&sink->stop, true, __ATOMIC_RELAXED);
	pthread_join(sink->thread, NULL);
	free(sink);
}
