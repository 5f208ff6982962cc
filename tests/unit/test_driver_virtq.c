// SPDX-License-Identifier: GPL-2.0-or-later
// The generator's half of a ring and iovd's half of it, as each understands the other.
#include <errno.h>
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <string.h>

#include "bench/front_end.h"
#include "tests/unit/test.h"
#include "vhost-user/protocol/message.h"
#include "vhost-user/ring/virtq.h"

#define SIZE 32
#define DEPTH 7
#define PARTS 4
#define ROUNDS 50000
#define CELL 64

struct pair {
	struct front_end front_end;
	struct guest_region region;
	struct guest_memory memory;
	struct virtq device;
	struct virtq_batch batch;
	struct driver_ring *driver;
	unsigned int parts[DEPTH];
	uint32_t sent[DEPTH]; /* what is in the first part of a request that the device has */
};

static struct pair *make_pair(struct iov *iov, bool packed, bool indirect)
{
	struct pair *pair = aligned_alloc(VIRTQ_CACHE_LINE, (sizeof(*pair) + VIRTQ_CACHE_LINE - 1) &
								  ~(size_t)(VIRTQ_CACHE_LINE - 1));
	const struct front_end_options options = {
		.features = VU_BIT(VIRTIO_F_VERSION_1) | VU_BIT(VIRTIO_RING_F_EVENT_IDX) |
			    VU_BIT(VIRTIO_RING_F_INDIRECT_DESC) |
			    (packed ? VU_BIT(VIRTIO_F_RING_PACKED) : 0),
		.rings = 1, .ring_size = SIZE, .no_huge = true,
		.memory = DEPTH * (CELL * PARTS + PARTS * sizeof(struct vring_desc)),
	};
	struct front_end *front_end = &pair->front_end;
	struct driver_ring *ring = &front_end->rings[0];
	struct virtq_setup setup = { .size = SIZE, .features = options.features };

	assert_non_null(pair);
	memset(pair, 0, sizeof(*pair));
	assert_int_equal(front_end_pretend(front_end, iov, &options), 0);
	ring->count = DEPTH;
	ring->parts_max = PARTS;
	ring->buffers = calloc(SIZE, sizeof(*ring->buffers));
	ring->parts = calloc(DEPTH * PARTS, sizeof(*ring->parts));
	assert_true(ring->buffers && ring->parts);
	if (indirect) {
		ring->tables = (void *)(front_end->memory + DEPTH * CELL * PARTS);
		ring->tables_gpa = front_end->gpa + DEPTH * CELL * PARTS;
	}
	driver_ring_describe(ring);
	pair->driver = ring;
	pair->region = (struct guest_region){
		.gpa = front_end->base, .size = front_end->mapping_size, .host = front_end->mapping,
	};
	pair->memory = (struct guest_memory){ .count = 1, .regions = &pair->region };
	setup.memory = &pair->memory;
	setup.desc = packed ? (void *)ring->packed.desc : ring->split.desc;
	setup.driver = packed ? (void *)ring->packed.driver : ring->split.driver;
	setup.device = packed ? (void *)ring->packed.device : ring->split.device;
	setup.base = packed ? 0x80008000u : 0;
	virtq_start(&pair->device, &setup);
	return pair;
}

static void free_pair(struct pair *pair)
{
	free(pair->driver->buffers);
	free(pair->driver->parts);
	front_end_close(&pair->front_end);
	free(pair);
}

/* A request of @parts parts: the first is read, the others are written. */
static void post(struct pair *pair, uint32_t id, unsigned int parts, uint32_t number)
{
	uint8_t *cell = pair->front_end.memory + (size_t)id * CELL * PARTS;
	const uint64_t gpa = pair->front_end.gpa + (uint64_t)id * CELL * PARTS;
	struct driver_part made[PARTS];

	memcpy(cell, &number, sizeof(number));
	for (unsigned int i = 0; i < parts; i++)
		made[i] = (struct driver_part){ gpa + i * CELL, sizeof(number) + i,
						i ? VRING_DESC_F_WRITE : 0 };
	driver_ring_chain(pair->driver, id, made, parts);
	pair->parts[id] = parts;
	pair->sent[id] = number;
}

/* What the device sees is what was posted. */
static void look(struct pair *pair, const struct virtq_chain *chain)
{
	struct virtq_cursor cursor = virtq_readable(&pair->batch, chain);
	const uint32_t id = chain->id;
	uint32_t number = 0, room = 0;

	assert_true(id < DEPTH);
	assert_int_equal(chain->readable, 1);
	assert_int_equal(chain->writable, pair->parts[id] - 1);
	assert_int_equal(virtq_cursor_read(&cursor, &number, sizeof(number)), sizeof(number));
	assert_int_equal(number, pair->sent[id]);
	for (unsigned int i = 1; i < pair->parts[id]; i++)
		room += (uint32_t)sizeof(number) + i;
	assert_int_equal(chain->writable_length, room);
}

/* Some requests there and back, the last first, between a device that sleeps and one that wakes. */
static void go_round(struct pair *pair, unsigned int round)
{
	const unsigned int count = 1 + round % DEPTH;
	struct driver_used used[DEPTH];
	unsigned int taken;

	assert_false(virtq_kick_enable(&pair->device));
	for (unsigned int i = 0; i < count; i++)
		post(pair, driver_ring_next(pair->driver, i), 2 + (round + i) % (PARTS - 1),
		     round * DEPTH + i);
	driver_ring_post(pair->driver, count);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	assert_true(driver_ring_wants_kick(pair->driver));
	virtq_kick_disable(&pair->device);
	virtq_batch_reset(&pair->batch);
	taken = virtq_take(&pair->device, &pair->batch, DEPTH);
	assert_int_equal(pair->device.error, VIRTQ_OK);
	assert_int_equal(taken, count);
	for (unsigned int i = 0; i < count; i++) {
		look(pair, &pair->batch.chains[i]);
		virtq_push(&pair->device, &pair->batch.chains[count - 1 - i], i + 1);
	}
	/* The driver polls. */
	assert_false(virtq_publish(&pair->device));
	assert_int_equal(driver_ring_take(pair->driver, used, DEPTH), count);
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(used[i].id, pair->batch.chains[count - 1 - i].id);
		assert_int_equal(used[i].length, i + 1);
	}
}

static void both_halves_understand_each_other(void **state)
{
	struct iov *iov;

	(void)state;
	assert_int_equal(iov_open(&iov, NULL), 0);
	for (unsigned int kind = 0; kind < 4; kind++) {
		struct pair *pair = make_pair(iov, kind & 1, kind & 2);

		for (unsigned int round = 0; round < ROUNDS; round++)
			go_round(pair, round);
		free_pair(pair);
	}
	iov_close(iov);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_halves_understand_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
