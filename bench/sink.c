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

struct side {
	struct guest_region region;
	struct guest_memory memory;
	struct virtq rings[FRONT_END_RINGS];
};

struct sink {
	pthread_t thread;
	bool stop;
	unsigned int count;
	struct virtq_batch from;
	struct virtq_batch to;
	struct side sides[];
};

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

static void *run(void *arg)
{
	struct sink *sink = arg;

	while (!__atomic_load_n(&sink->stop, __ATOMIC_RELAXED))
		for (unsigned int i = 0; i < sink->count; i++)
			pass(sink, &sink->sides[i].rings[TX],
			     &sink->sides[sink->count == 1 ? i : i ^ 1].rings[RX]);
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
