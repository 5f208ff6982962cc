// SPDX-License-Identifier: GPL-2.0-or-later
// The generator's half of a ring, against a device that gives buffers back as it likes.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/driver_ring.h"
#include "tests/unit/test.h"

#define SIZE 8
#define LENGTH 100

struct device {
	struct driver_ring ring;
	struct driver_buffer buffers[SIZE];
	uint16_t used;
};

static struct device *make_device(bool packed, uint16_t count)
{
	struct device *device = calloc(1, sizeof(*device));
	struct driver_ring *ring = &device->ring;
	void *desc = calloc(SIZE, 16), *to_device = calloc(1, 64), *from_device = calloc(1, 128);

	assert_true(device && desc && to_device && from_device);
	*ring = (struct driver_ring){
		.size = SIZE, .is_packed = packed, .buffers = device->buffers, .count = count,
	};
	for (unsigned int i = 0; i < count; i++)
		device->buffers[i] = (struct driver_buffer){ .gpa = 4096 * i, .length = LENGTH + i };
	if (packed) {
		ring->packed.desc = desc;
		ring->packed.driver = to_device;
		ring->packed.device = from_device;
	} else {
		ring->split.desc = desc;
		ring->split.driver = to_device;
		ring->split.device = from_device;
	}
	driver_ring_describe(ring);
	return device;
}

static void free_device(struct device *device)
{
	struct driver_ring *ring = &device->ring;

	free(ring->is_packed ? (void *)ring->packed.desc : ring->split.desc);
	free(ring->is_packed ? (void *)ring->packed.driver : ring->split.driver);
	free(ring->is_packed ? (void *)ring->packed.device : ring->split.device);
	free(device);
}

/* What is posted at a position: its id, after a look at all else. */
static uint32_t posted(struct device *device, uint16_t position)
{
	struct driver_ring *ring = &device->ring;
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
	struct driver_ring *ring = &device->ring;
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
	struct driver_used used[SIZE];

	assert_int_equal(driver_ring_take(&device->ring, used, SIZE), count);
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

		driver_ring_post(&device->ring, 3);
		for (unsigned int i = 0; i < 3; i++, position++) {
			ids[i] = posted(device, position);
			assert_int_equal(ids[i], position % count);
			give_back(device, ids[i], ids[i] + 1);
		}
		assert_taken(device, 3, ids);
		assert_int_equal(device->ring.owned, count);
		assert_int_equal(driver_ring_next(&device->ring, 1), (position + 1) % count);
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
	struct driver_used used[SIZE];

	driver_ring_post(&device->ring, 6);
	for (unsigned int i = 0; i < 4; i++)
		give_back(device, ids[i], ids[i] + 1);
	assert_taken(device, 4, ids);
	assert_int_equal(device->ring.owned, 6);
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(driver_ring_next(&device->ring, i), next[i]);
	driver_ring_post(&device->ring, 6);
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(posted(device, (uint16_t)(6 + i)), next[i]);
	for (unsigned int i = 0; i < 6; i++)
		give_back(device, last[i], last[i] + 1);
	assert_taken(device, 6, last);
	assert_int_equal(driver_ring_take(&device->ring, used, SIZE), 0);
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
	struct driver_used used[SIZE];

	driver_ring_post(&device->ring, 4);
	for (unsigned int i = 0; i < count; i++)
		give_back(device, ids[i], 1);
	assert_int_equal(driver_ring_take(&device->ring, used, SIZE), -EPROTO);
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

#define PARTS 3

enum place { SPLIT, SPLIT_TABLE, PACKED, PACKED_TABLE, PLACES };

static bool is_packed(enum place place)
{
	return place == PACKED || place == PACKED_TABLE;
}

static bool has_table(enum place place)
{
	return place == SPLIT_TABLE || place == PACKED_TABLE;
}

/* Chain @id in its round @round: what is in a part tells both. */
static void make_parts(struct driver_part *parts, unsigned int count, uint32_t id, unsigned int round)
{
	for (unsigned int i = 0; i < count; i++)
		parts[i] = (struct driver_part){
			.gpa = id * 0x10000 + round,
			.length = i + 1,
			.flags = i ? VRING_DESC_F_WRITE : 0,
		};
}

struct seen {
	uint32_t id;
	unsigned int count;
	struct driver_part parts[PARTS];
};

#define TABLES_GPA 0x100000

static void see(struct seen *seen, uint64_t gpa, uint32_t length, uint16_t flags)
{
	assert_true(seen->count < PARTS);
	seen->parts[seen->count++] = (struct driver_part){ gpa, length, flags & VRING_DESC_F_WRITE };
}

static void see_table(struct device *device, struct seen *seen, uint64_t gpa, uint32_t length)
{
	const struct vring_desc *table = device->ring.tables + (gpa - TABLES_GPA) / sizeof(*table);

	for (unsigned int i = 0; i < length / sizeof(*table); i++) {
		const struct vring_packed_desc *packed = (const void *)&table[i];

		if (device->ring.is_packed) {
			assert_int_equal(packed->flags & VRING_DESC_F_NEXT, 0);
			see(seen, packed->addr, packed->len, packed->flags);
			continue;
		}
		see(seen, table[i].addr, table[i].len, table[i].flags);
		assert_int_equal(!(table[i].flags & VRING_DESC_F_NEXT), i + 1 == length / sizeof(*table));
		assert_true(!(table[i].flags & VRING_DESC_F_NEXT) || table[i].next == i + 1);
	}
}

/* The chain at a position of an available ring. */
static struct seen seen_split(struct device *device, uint16_t position)
{
	struct driver_ring *ring = &device->ring;
	struct seen seen = { .id = ring->split.driver->ring[position % SIZE] };
	const struct vring_desc *desc = &ring->split.desc[seen.id];

	assert_true((uint16_t)(ring->split.driver->idx - position) - 1 < SIZE);
	if (desc->flags & VRING_DESC_F_INDIRECT) {
		see_table(device, &seen, desc->addr, desc->len);
		return seen;
	}
	for (;; desc = &ring->split.desc[desc->next]) {
		see(&seen, desc->addr, desc->len, desc->flags);
		if (!(desc->flags & VRING_DESC_F_NEXT))
			return seen;
		assert_true(desc->next < SIZE);
	}
}

/* The chain at a position of a packed ring, which is advanced. */
static struct seen seen_packed(struct device *device, uint16_t *position)
{
	struct seen seen = { 0 };

	for (;;) {
		const uint16_t at = (*position)++;
		const struct vring_packed_desc *entry = &device->ring.packed.desc[at % SIZE];
		const bool wrap = !(at / SIZE % 2);

		assert_int_equal(!!(entry->flags & 1 << VRING_PACKED_DESC_F_AVAIL), wrap);
		assert_int_equal(!!(entry->flags & 1 << VRING_PACKED_DESC_F_USED), !wrap);
		seen.id = entry->id;
		if (entry->flags & VRING_DESC_F_INDIRECT)
			see_table(device, &seen, entry->addr, entry->len);
		else
			see(&seen, entry->addr, entry->len, entry->flags);
		if (!(entry->flags & VRING_DESC_F_NEXT))
			return seen;
	}
}

static struct device *make_chains(enum place place)
{
	struct device *device = make_device(is_packed(place), 2);
	struct driver_ring *ring = &device->ring;

	ring->parts_max = PARTS;
	ring->parts = calloc(SIZE * PARTS, sizeof(*ring->parts));
	ring->tables = has_table(place) ? calloc(SIZE * PARTS, sizeof(*ring->tables)) : NULL;
	ring->tables_gpa = TABLES_GPA;
	assert_true(ring->parts && (ring->tables || !has_table(place)));
	driver_ring_describe(ring);
	return device;
}

static void assert_same(const struct seen *seen, const struct driver_part *parts)
{
	for (unsigned int i = 0; i < seen->count; i++) {
		assert_int_equal(seen->parts[i].gpa, parts[i].gpa);
		assert_int_equal(seen->parts[i].length, parts[i].length);
		assert_int_equal(seen->parts[i].flags, parts[i].flags);
	}
}

/* Chains of lengths that change are what the device sees, and come back in another order. */
static void go_round(enum place place)
{
	struct device *device = make_chains(place);
	struct driver_ring *ring = &device->ring;
	uint16_t taken = 0;

	for (unsigned int round = 0; round < 40000; round++) {
		unsigned int lengths[2] = { 2 + round % 2, 2 + round / 2 % 2 };
		struct driver_part parts[2][PARTS];
		struct driver_used used[SIZE];

		for (uint32_t id = 0; id < 2; id++) {
			make_parts(parts[id], lengths[id], id, round);
			driver_ring_chain(ring, id, parts[id], lengths[id]);
		}
		driver_ring_post(ring, 2);
		for (unsigned int i = 0; i < 2; i++) {
			struct seen seen = is_packed(place) ? seen_packed(device, &taken)
							    : seen_split(device, taken++);

			assert_true(seen.id < 2 && seen.count == lengths[seen.id]);
			assert_same(&seen, parts[seen.id]);
		}
		for (unsigned int i = 0; i < 2; i++) {
			uint32_t id = (i + round / 3) % 2;

			give_back(device, id, id + 7);
			if (place == PACKED)
				device->used = (uint16_t)(device->used + lengths[id] - 1);
			assert_int_equal(driver_ring_take(ring, used, SIZE), 1);
			assert_int_equal(used[0].id, id);
			assert_int_equal(used[0].length, id + 7);
		}
		assert_int_equal(driver_ring_take(ring, used, SIZE), 0);
	}
	free(ring->parts);
	free(ring->tables);
	free_device(device);
}

static void chains_go_round(void **state)
{
	(void)state;
	for (enum place place = SPLIT; place < PLACES; place++)
		go_round(place);
}

static void chains_that_were_not_given_are_refused(void **state)
{
	(void)state;
	for (enum place place = SPLIT; place < PLACES; place++) {
		struct device *device = make_chains(place);
		struct driver_part parts[PARTS];
		struct driver_used used[SIZE];

		for (uint32_t id = 0; id < 2; id++) {
			make_parts(parts, PARTS, id, 0);
			driver_ring_chain(&device->ring, id, parts, PARTS);
		}
		driver_ring_post(&device->ring, 2);
		give_back(device, 2, 1);
		assert_int_equal(driver_ring_take(&device->ring, used, SIZE), -EPROTO);
		free(device->ring.parts);
		free(device->ring.tables);
		free_device(device);
	}
}

/* Say from which position on a kick is wanted. */
static void ask_for_kick(struct device *device, uint16_t position)
{
	struct driver_ring *ring = &device->ring;

	if (ring->is_packed) {
		ring->packed.device->flags = VRING_PACKED_EVENT_FLAG_DESC;
		ring->packed.device->off_wrap =
			(uint16_t)(position % SIZE | !(position / SIZE % 2) << 15);
	} else {
		memcpy(&ring->split.device->ring[SIZE], &position, sizeof(position));
	}
}

static void kicks_are_for_positions(void **state)
{
	(void)state;
	for (int packed = 0; packed <= 1; packed++) {
		struct device *device = make_device(packed, SIZE);
		uint16_t at = 0;

		device->ring.has_event_idx = true;
		for (unsigned int round = 0; round < 30000; round++, at += 3) {
			const unsigned int wanted = round % 5;
			struct driver_used used[SIZE];

			/* Of the next three positions, or the two behind them. */
			ask_for_kick(device, (uint16_t)(at + wanted));
			driver_ring_post(&device->ring, 3);
			assert_int_equal(driver_ring_wants_kick(&device->ring), wanted < 3);
			assert_false(driver_ring_wants_kick(&device->ring));
			for (uint16_t i = 0; i < 3; i++)
				give_back(device, (at + i) % SIZE, 1);
			assert_int_equal(driver_ring_take(&device->ring, used, SIZE), 3);
			/* What asks for calls is behind. */
			if (!packed)
				assert_int_equal(device->ring.split.driver->ring[SIZE],
						 (uint16_t)(at + 2));
		}
		free_device(device);
	}
}

static void kicks_can_be_wanted_always_or_never(void **state)
{
	struct device *device = make_device(true, SIZE);

	(void)state;
	device->ring.has_event_idx = true;
	driver_ring_post(&device->ring, 1);
	device->ring.packed.device->flags = VRING_PACKED_EVENT_FLAG_ENABLE;
	assert_true(driver_ring_wants_kick(&device->ring));
	device->ring.packed.device->flags = VRING_PACKED_EVENT_FLAG_DISABLE;
	driver_ring_post(&device->ring, 1);
	assert_false(driver_ring_wants_kick(&device->ring));
	free_device(device);
	device = make_device(false, SIZE);
	driver_ring_post(&device->ring, 1);
	assert_true(driver_ring_wants_kick(&device->ring));
	device->ring.split.device->flags = VRING_USED_F_NO_NOTIFY;
	assert_false(driver_ring_wants_kick(&device->ring));
	free_device(device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_go_round_in_turn),
		cmocka_unit_test(fewer_buffers_than_entries_go_round_as_well),
		cmocka_unit_test(buffers_may_come_back_out_of_turn),
		cmocka_unit_test(what_was_not_given_is_refused),
		cmocka_unit_test(chains_go_round),
		cmocka_unit_test(chains_that_were_not_given_are_refused),
		cmocka_unit_test(kicks_are_for_positions),
		cmocka_unit_test(kicks_can_be_wanted_always_or_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
