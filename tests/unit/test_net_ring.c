// SPDX-License-Identifier: GPL-2.0-or-later
// The generator's half of a ring, against a device that gives buffers back as it likes.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/net_ring.h"
#include "tests/unit/test.h"

#define SIZE 8
#define LENGTH 100

struct device {
	struct net_ring ring;
	struct net_buffer buffers[SIZE];
	uint16_t used;
};

static struct device *make_device(bool packed, uint16_t count)
{
	struct device *device = calloc(1, sizeof(*device));
	struct net_ring *ring = &device->ring;
	void *desc = calloc(SIZE, 16), *to_device = calloc(1, 64), *from_device = calloc(1, 128);

	assert_true(device && desc && to_device && from_device);
	*ring = (struct net_ring){
		.size = SIZE, .is_packed = packed, .buffers = device->buffers, .count = count,
	};
	for (unsigned int i = 0; i < count; i++)
		device->buffers[i] = (struct net_buffer){ .gpa = 4096 * i, .length = LENGTH + i };
	if (packed) {
		ring->packed.desc = desc;
		ring->packed.driver = to_device;
		ring->packed.device = from_device;
	} else {
		ring->split.desc = desc;
		ring->split.driver = to_device;
		ring->split.device = from_device;
	}
	net_ring_describe(ring);
	return device;
}

static void free_device(struct device *device)
{
	struct net_ring *ring = &device->ring;

	free(ring->is_packed ? (void *)ring->packed.desc : ring->split.desc);
	free(ring->is_packed ? (void *)ring->packed.driver : ring->split.driver);
	free(ring->is_packed ? (void *)ring->packed.device : ring->split.device);
	free(device);
}

/* What is posted at a position: its id, after a look at all else. */
static uint32_t posted(struct device *device, uint16_t position)
{
	struct net_ring *ring = &device->ring;
	unsigned int at = position % SIZE, id;

	if (ring->is_packed) {
		const struct vring_packed_desc *entry = &ring->packed.desc[at];
		bool wrap = !(position / SIZE % 2);

		id = entry->id;
		assert_int_equal(entry->flags, wrap ? 1 << VRING_PACKED_DESC_F_AVAIL
						    : 1 << VRING_PACKED_DESC_F_USED);
		assert_int_equal(entry->addr, 4096 * id);
		assert_int_equal(entry->len, LENGTH + id);
		return id;
	}
	id = ring->split.driver->ring[at];
	assert_true((uint16_t)(ring->split.driver->idx - position) - 1 < SIZE);
	assert_int_equal(ring->split.desc[id].addr, 4096 * id);
	assert_int_equal(ring->split.desc[id].len, LENGTH + id);
	return id;
}

static void give_back(struct device *device, uint32_t id, uint32_t length)
{
	struct net_ring *ring = &device->ring;
	unsigned int at = device->used % SIZE;
	bool wrap = !(device->used++ / SIZE % 2);

	if (ring->is_packed) {
		ring->packed.desc[at].id = (uint16_t)id;
		ring->packed.desc[at].len = length;
		ring->packed.desc[at].flags = wrap ? 1 << VRING_PACKED_DESC_F_AVAIL |
							     1 << VRING_PACKED_DESC_F_USED : 0;
	} else {
		ring->split.device->ring[at] = (struct vring_used_elem){ id, length };
		ring->split.device->idx = device->used;
	}
}

static void assert_taken(struct device *device, unsigned int count, const uint32_t *ids)
{
	struct net_used used[SIZE];

	assert_int_equal(net_ring_take(&device->ring, used, SIZE), count);
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(used[i].id, ids[i]);
		assert_int_equal(used[i].length, ids[i] + 1);
	}
}

static void in_turn(bool packed, uint16_t count)
{
	struct device *device = make_device(packed, count);
	uint16_t position = 0;

	/* As often as takes the positions round. */
	for (unsigned int round = 0; round < 70000 / 3; round++) {
		uint32_t ids[3];

		net_ring_post(&device->ring, 3);
		for (unsigned int i = 0; i < 3; i++, position++) {
			ids[i] = posted(device, position);
			assert_int_equal(ids[i], position % count);
			give_back(device, ids[i], ids[i] + 1);
		}
		assert_taken(device, 3, ids);
		assert_int_equal(device->ring.owned, count);
		assert_int_equal(net_ring_next(&device->ring, 1), (position + 1) % count);
		/* Where 65536 is no multiple of it, the sequence is that of the list. */
		if (position > 60000 && count != SIZE)
			break;
	}
	free_device(device);
}

static void buffers_go_round_in_turn(void **state)
{
	(void)state;
	in_turn(false, SIZE);
	in_turn(true, SIZE);
}

static void fewer_buffers_than_entries_go_round_as_well(void **state)
{
	(void)state;
	in_turn(false, 5);
	in_turn(true, 5);
}

static void out_of_turn(bool packed)
{
	static const uint32_t ids[] = { 3, 0, 2, 1 }, next[] = { 6, 7, 3, 0, 2, 1 };
	static const uint32_t last[] = { 0, 4, 7, 5, 6, 3 };
	struct device *device = make_device(packed, SIZE);
	struct net_used used[SIZE];

	net_ring_post(&device->ring, 6);
	for (unsigned int i = 0; i < 4; i++)
		give_back(device, ids[i], ids[i] + 1);
	assert_taken(device, 4, ids);
	assert_int_equal(device->ring.owned, 6);
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(net_ring_next(&device->ring, i), next[i]);
	net_ring_post(&device->ring, 6);
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(posted(device, (uint16_t)(6 + i)), next[i]);
	for (unsigned int i = 0; i < 6; i++)
		give_back(device, last[i], last[i] + 1);
	assert_taken(device, 6, last);
	assert_int_equal(net_ring_take(&device->ring, used, SIZE), 0);
	assert_int_equal(device->ring.owned, 6);
	free_device(device);
}

static void buffers_may_come_back_out_of_turn(void **state)
{
	(void)state;
	out_of_turn(false);
	out_of_turn(true);
}

/* What a device gives back of buffers 0 to 3, which it has, and the last of it is wrong. */
static void refused(bool packed, unsigned int count, const uint32_t *ids)
{
	struct device *device = make_device(packed, SIZE);
	struct net_used used[SIZE];

	net_ring_post(&device->ring, 4);
	for (unsigned int i = 0; i < count; i++)
		give_back(device, ids[i], 1);
	assert_int_equal(net_ring_take(&device->ring, used, SIZE), -EPROTO);
	free_device(device);
}

static void what_was_not_given_is_refused(void **state)
{
	static const uint32_t twice[] = { 0, 0 }, twice_later[] = { 1, 0, 1 }, never[] = { 0, 4 };
	static const uint32_t beyond[] = { SIZE }, many[] = { 0, 1, 2, 3, 4 };

	(void)state;
	for (int packed = 0; packed <= 1; packed++) {
		refused(packed, 2, twice);
		refused(packed, 3, twice_later);
		refused(packed, 2, never);
		refused(packed, 1, beyond);
	}
	/* A packed ring has nothing there that the driver looks at. */
	refused(false, 5, many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_go_round_in_turn),
		cmocka_unit_test(fewer_buffers_than_entries_go_round_as_well),
		cmocka_unit_test(buffers_may_come_back_out_of_turn),
		cmocka_unit_test(what_was_not_given_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
