// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest's requests for zones, from the ring to what has them: a disk in memory, or a device.
 *
 * IOV_ZONED=DEVICE: that device, whose data is lost.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/disk.h"
#include "tests/unit/ring.h"
#include "vhost-user/blk/disk.h"
#include "vhost-user/blk/queue.h"
#include "vhost-user/blk/zones.h"
#include "vhost-user/compiler.h"
#include "vhost-user/ring/virtq_inflight.h"

#define ENTRIES 64
#define BYTES (UINT64_C(4) << 20)
#define ZONE_BYTES (256u << 10)

/* A disk that takes long, and what is given back of it at once. */
#define LARGE (UINT64_C(4) << 30)
#define STEP (UINT64_C(4) << 20)
#define PIECE 4096u
#define UNTOUCHED 0x77
#define FEATURES                                                                                   \
	(EVENT_IDX | INDIRECT | BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_CONFIG_WCE) |           \
	 BIT(VIRTIO_BLK_F_ZONED))

#define OK VIRTIO_BLK_S_OK
#define IOERR VIRTIO_BLK_S_IOERR
#define UNSUPP VIRTIO_BLK_S_UNSUPP
#define INVALID VIRTIO_BLK_S_ZONE_INVALID_CMD
#define UNALIGNED VIRTIO_BLK_S_ZONE_UNALIGNED_WP

/* One ring, one worker, one guest; the disk is that of all. */
struct test {
	struct fixture ring;
	struct disk *back_end;
	struct disk own;
	struct blk_channel *channel;	/* of a second worker */
	struct blk_disk disk;
	struct vu_queue vu;
	struct blk_queue *queue;
	struct blk_counters *counters;
	struct virtq_inflight *inflight;
	uint8_t region[4096] __attribute__((aligned(64)));
	const struct blk_zoned *zoned;
	uint64_t now;
};

struct ask {
	uint64_t out;
	uint32_t out_length;
	uint64_t in;
	uint32_t in_length;
};

/* In what is in flight when @is_tracked; the region is that of before. */
static void open_queue(struct test *test, bool is_tracked)
{
	uint64_t features = test->vu.features;
	struct virtq_setup setup = ring_setup_of(&test->ring, features);

	blk_queue_close(test->queue);
	virtq_inflight_close(test->inflight);
	test->queue = NULL;
	test->inflight = NULL;
	assert_true(virtq_inflight_bytes(ENTRIES, features) <= sizeof(test->region));
	if (is_tracked)
		assert_int_equal(virtq_inflight_open(&test->inflight, test->ring.iov, test->region,
						     ENTRIES, &setup), 0);
	test->vu = (struct vu_queue){ .enabled = true, .kick_fd = -1, .call_fd = -1,
				      .features = features, .inflight = test->inflight };
	virtq_start(&test->vu.ring, &setup);
	assert_int_equal(blk_queue_open(&test->queue, &test->disk, &test->vu, test->counters), 0);
}

static void open_features(struct test *test, uint64_t features)
{
	features |= test->ring.packed ? BIT(VIRTIO_F_RING_PACKED) : 0;
	open_ring(&test->ring, ENTRIES, features);
	memset(test->region, 0, sizeof(test->region));
	test->vu.features = features;
	open_queue(test, true);
}

/* A guest's side, of the back end of another one or of its own. */
static struct test *make_guest(struct disk *back_end, bool packed)
{
	struct test *test = aligned_alloc(_Alignof(struct test), sizeof(*test));
	const char *device = getenv("IOV_ZONED");
	const struct blk_source source = {
		.path = device, .bytes = device ? 0 : BYTES, .zone_bytes = device ? 0 : ZONE_BYTES };

	assert_non_null(test);
	memset(test, 0, sizeof(*test));
	test->back_end = back_end ? back_end : &test->own;
	if (!back_end) {
		disk_start(&test->own, device ? "file" : "memory", &source);
		if (device)
			assert_int_equal(test->own.backend->ops->lock(test->own.backend), 0);
		test->channel = test->own.channel;
	}
	test->disk = (struct blk_disk){
		.backend = test->back_end->backend, .geometry = test->back_end->geometry,
		.sectors = test->back_end->geometry.bytes / BLK_SECTOR, .is_locked = true,
		.has_cache = true, .retry_cycles = 1000 };
	test->zoned = test->disk.geometry.zoned;
	assert_non_null(test->zoned);
	test->counters = calloc(BLK_KINDS, sizeof(*test->counters));
	fixture_open(&test->ring);
	test->ring.packed = packed;
	open_features(test, FEATURES);
	return test;
}

static void free_guest(struct test *test)
{
	blk_queue_close(test->queue);
	virtq_inflight_close(test->inflight);
	free(test->counters);
	fixture_close(&test->ring);
	if (test->back_end == &test->own)
		disk_close(&test->own);
	free(test);
}

static struct ask make(struct test *test, uint32_t type, uint64_t sector, uint32_t out, uint32_t in)
{
	struct virtio_blk_outhdr header = { htole32(type), 0, htole64(sector) };
	struct ask ask = {
		.out = guest_alloc(&test->ring.guest, sizeof(header) + out + 1, PIECE),
		.out_length = (uint32_t)sizeof(header) + out,
		.in = guest_alloc(&test->ring.guest, in + 1, 16),
		.in_length = in + 1,
	};

	memcpy(guest_at(&test->ring.guest, ask.out), &header, sizeof(header));
	memset(guest_at(&test->ring.guest, ask.in), UNTOUCHED, in + 1);
	return ask;
}

static uint8_t *payload(struct test *test, const struct ask *ask)
{
	return (uint8_t *)guest_at(&test->ring.guest, ask->out) + sizeof(struct virtio_blk_outhdr);
}

static uint8_t *answer(struct test *test, const struct ask *ask)
{
	return guest_at(&test->ring.guest, ask->in);
}

static uint8_t status(struct test *test, const struct ask *ask)
{
	return answer(test, ask)[ask->in_length - 1];
}

static unsigned int cut(struct driver_buffer *to, uint64_t gpa, uint32_t length, uint32_t part,
			bool writable)
{
	unsigned int count = 0;

	for (; length; gpa += part, count++) {
		part = part < length ? part : length;
		to[count] = (struct driver_buffer){ gpa, part, writable };
		length -= part;
	}
	return count;
}

static void add_cut(struct test *test, const struct ask *ask, uint32_t out_part, uint32_t in_part)
{
	struct driver_buffer buffers[ENTRIES];
	unsigned int count = cut(buffers, ask->out, ask->out_length, out_part, false);

	count += cut(buffers + count, ask->in, ask->in_length, in_part, true);
	assert_true(driver_add(&test->ring.driver, buffers, count) >= 0);
	driver_publish(&test->ring.driver);
}

static void add(struct test *test, const struct ask *ask)
{
	add_cut(test, ask, UINT32_MAX, UINT32_MAX);
}

static void take_all(struct test *test)
{
	test->now += 10;
	blk_queue_take(test->queue, test->channel, &test->ring.batch, test->now);
	if (test->back_end->uring)
		blk_uring_poll(test->back_end->uring);
	if (test->back_end->backend->ops->poll)
		test->back_end->backend->ops->poll(test->channel);
}

static void pass(struct test *test)
{
	take_all(test);
	blk_queue_give_back(test->queue, test->now);
}

/* Let it run until there is an answer. */
static uint8_t finish(struct test *test, const struct ask *ask)
{
	struct vring_used_elem element;

	do
		pass(test);
	while (!driver_used(&test->ring.driver, &element));
	assert_int_equal(element.len, ask->in_length);
	return status(test, ask);
}

static uint8_t run(struct test *test, const struct ask *ask)
{
	add(test, ask);
	return finish(test, ask);
}

static uint8_t do_it(struct test *test, uint32_t type, uint64_t sector, uint32_t out, uint32_t in)
{
	const uint64_t before = test->ring.guest.allocated;
	struct ask ask = make(test, type, sector, out, in);
	uint8_t became;

	memset(payload(test, &ask), (int)sector, out);
	became = run(test, &ask);
	test->ring.guest.allocated = before;
	return became;
}

/* First sector of the zone of a number, of those that are written in order. */
static uint64_t zone(const struct test *test, uint32_t number)
{
	uint32_t index = 0;

	for (; !blk_zone_is_written_in_order(test->zoned, index); index++)
		;
	assert_true(index + number < test->zoned->count);
	return (index + number) * test->zoned->zone_bytes / BLK_SECTOR;
}

static struct blk_report_zone report(struct test *test, uint64_t sector)
{
	const uint64_t before = test->ring.guest.allocated;
	struct ask ask = make(test, VIRTIO_BLK_T_ZONE_REPORT, sector, 0, 128);
	struct blk_report_zone entry;

	assert_int_equal(run(test, &ask), OK);
	assert_int_equal(le64toh(*(uint64_t *)(void *)answer(test, &ask)), 1);
	memcpy(&entry, answer(test, &ask) + 64, sizeof(entry));
	test->ring.guest.allocated = before;
	return entry;
}

static uint8_t state(struct test *test, uint64_t sector)
{
	return report(test, sector).z_state;
}

static uint64_t goes_on(struct test *test, uint64_t sector)
{
	return le64toh(report(test, sector).z_wp);
}

static uint64_t capacity(struct test *test, uint64_t sector)
{
	return le64toh(report(test, sector).z_cap);
}

static uint64_t appended(struct test *test, const struct ask *ask)
{
	uint64_t sector;

	memcpy(&sector, answer(test, ask), 8);
	return le64toh(sector);
}

/* A piece with bytes of its own. */
static struct ask make_append(struct test *test, uint64_t sector, uint8_t byte)
{
	struct ask ask = make(test, VIRTIO_BLK_T_ZONE_APPEND, sector, PIECE, 8);

	memset(payload(test, &ask), byte, PIECE);
	return ask;
}

static void expect_there(struct test *test, uint64_t sector, uint8_t byte)
{
	struct ask ask = make(test, VIRTIO_BLK_T_IN, sector, 0, PIECE);
	uint8_t expected[PIECE];

	memset(expected, byte, sizeof(expected));
	assert_int_equal(run(test, &ask), OK);
	assert_memory_equal(answer(test, &ask), expected, PIECE);
}

static int begin(void **at, bool packed)
{
	struct test *test = make_guest(NULL, packed);

	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_RESET_ALL, 0, 0, 0), OK);
	*at = test;
	return 0;
}

static int setup(void **at)
{
	return begin(at, false);
}

static int packed_setup(void **at)
{
	return begin(at, true);
}

static int teardown(void **at)
{
	free_guest(*at);
	return 0;
}

static void who_does_not_know_zones_reads(void **at)
{
	struct test *test = *at;
	const uint64_t first = zone(test, 0);
	static const uint32_t types[] = {
		VIRTIO_BLK_T_ZONE_APPEND, VIRTIO_BLK_T_ZONE_REPORT, VIRTIO_BLK_T_ZONE_OPEN,
		VIRTIO_BLK_T_ZONE_CLOSE, VIRTIO_BLK_T_ZONE_FINISH, VIRTIO_BLK_T_ZONE_RESET,
		VIRTIO_BLK_T_ZONE_RESET_ALL };

	assert_true(blk_features(&test->disk, 1) & BIT(VIRTIO_BLK_F_ZONED));
	assert_false(blk_features(&test->disk, 1) & BIT(VIRTIO_BLK_F_DISCARD));
	open_features(test, FEATURES & ~BIT(VIRTIO_BLK_F_ZONED));
	for (unsigned int i = 0; i < sizeof(types) / sizeof(*types); i++)
		assert_int_equal(do_it(test, types[i], first, PIECE, 128), UNSUPP);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, first, PIECE, 0), IOERR);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_IN, first, 0, PIECE), OK);
}

static uint32_t config_word(const uint8_t *space, unsigned int offset)
{
	uint32_t word;

	memcpy(&word, space + offset, sizeof(word));
	return le32toh(word);
}

/* Section 5.2.4. */
static void configuration_says_what_they_are(void **at)
{
	struct test *test = *at;
	uint8_t space[VU_CONFIG_SPACE] = { 0 };

	blk_config_fill(&test->disk, 1, space);
	assert_int_equal(config_word(space, 72), test->zoned->zone_bytes / BLK_SECTOR);
	assert_int_equal(config_word(space, 76), test->zoned->open_max);
	assert_int_equal(config_word(space, 80), test->zoned->active_max);
	assert_int_equal(config_word(space, 84), test->zoned->append_max / BLK_SECTOR);
	assert_int_equal(config_word(space, 88), test->zoned->granule);
	assert_int_equal(space[92], VIRTIO_BLK_Z_HM);
}

static void reports_say_as_much_as_there_is_room_for(void **at)
{
	static const struct {
		uint32_t room;
		uint64_t zones;
		uint8_t status;
	} asks[] = {
		{ 0, 0, IOERR }, { 63, 0, IOERR }, { 64, 0, OK }, { 127, 0, OK }, { 128, 1, OK },
		{ 64 + 5 * 64 + 63, 5, OK },
	};
	struct test *test = *at;
	const uint64_t zone_sectors = test->zoned->zone_bytes / BLK_SECTOR;
	struct ask all = make(test, VIRTIO_BLK_T_ZONE_REPORT, 0, 0, 64 + 64 * (test->zoned->count + 2));
	const struct blk_report_zone *zones;

	for (unsigned int i = 0; i < sizeof(asks) / sizeof(*asks); i++) {
		struct ask ask = make(test, VIRTIO_BLK_T_ZONE_REPORT, 0, 0, asks[i].room);

		add_cut(test, &ask, 5, 17);
		assert_int_equal(finish(test, &ask), asks[i].status);
		if (asks[i].status == OK)
			assert_int_equal(le64toh(*(uint64_t *)(void *)answer(test, &ask)),
					 asks[i].zones);
		for (uint32_t j = 64 + 64 * (uint32_t)asks[i].zones; j < asks[i].room; j++)
			assert_int_equal(answer(test, &ask)[j], UNTOUCHED);
	}
	assert_int_equal(run(test, &all), OK);
	assert_int_equal(le64toh(*(uint64_t *)(void *)answer(test, &all)), test->zoned->count);
	zones = (const void *)(answer(test, &all) + 64);
	for (uint32_t i = 0; i < test->zoned->count; i++) {
		assert_int_equal(le64toh(zones[i].z_start), i * zone_sectors);
		assert_int_equal(zones[i].z_type, test->zoned->types[i]);
		assert_int_equal(zones[i].z_state, test->zoned->types[i] == VIRTIO_BLK_ZT_CONV ?
					 VIRTIO_BLK_ZS_NOT_WP : VIRTIO_BLK_ZS_EMPTY);
	}
	/* The zone that a sector is in, and none behind the last. */
	assert_int_equal(le64toh(report(test, zone_sectors + 1).z_start), zone_sectors);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_REPORT, test->disk.sectors, 0, 128), IOERR);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_REPORT, UINT64_MAX, 0, 128), IOERR);
}

static void zones_are_written_in_order(void **at)
{
	struct test *test = *at;
	const uint64_t first = zone(test, 0), second = zone(test, 1);
	const uint64_t room = capacity(test, first);

	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, first, PIECE, 0), OK);
	assert_int_equal(state(test, first), VIRTIO_BLK_ZS_IOPEN);
	assert_int_equal(goes_on(test, first), first + 8);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, first, PIECE, 0), UNALIGNED);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, first + 16, PIECE, 0), UNALIGNED);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, first + 8, PIECE, 0), OK);
	assert_int_equal(goes_on(test, first), first + 16);
	/* Over the end of the zone, or of what of it is written. */
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, second - 8, 2 * PIECE, 0), INVALID);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_IN, second - 8, 0, 2 * PIECE), INVALID);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_IN, second - 8, 0, PIECE), OK);
	for (uint64_t sector = first + 16; sector < first + room; sector += 8)
		assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, sector, PIECE, 0), OK);
	assert_int_equal(state(test, first), VIRTIO_BLK_ZS_FULL);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, first, PIECE, 0), INVALID);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, test->disk.sectors, PIECE, 0), IOERR);
	expect_there(test, first + 16, (uint8_t)(first + 16));
	/* The first ones are as any disk. */
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, 64, PIECE, 0), OK);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, 64, PIECE, 0), OK);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, 8, PIECE, 0), OK);
	expect_there(test, 64, 64);
}

static void appends_say_where_they_went(void **at)
{
	struct test *test = *at;
	const uint64_t first = zone(test, 0);
	struct ask padded;

	for (unsigned int i = 0; i < 12; i++) {
		struct ask ask = make_append(test, first, (uint8_t)(i + 1));

		/* However the driver cuts it. */
		add_cut(test, &ask, 1000, i ? i : 9);
		assert_int_equal(finish(test, &ask), OK);
		assert_int_equal(appended(test, &ask), first + 8 * i);
	}
	for (unsigned int i = 0; i < 12; i++)
		expect_there(test, first + 8 * i, (uint8_t)(i + 1));
	/* As Linux's driver asks, which leaves seven bytes before the status. */
	padded = make(test, VIRTIO_BLK_T_ZONE_APPEND, first, PIECE, 15);
	memset(payload(test, &padded), 13, PIECE);
	assert_int_equal(run(test, &padded), OK);
	assert_int_equal(appended(test, &padded), first + 8 * 12);
	expect_there(test, first + 8 * 12, 13);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, first + 8, PIECE, 8), INVALID);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, 0, PIECE, 8), INVALID);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, first, 0, 8), INVALID);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, test->disk.sectors, PIECE, 8), IOERR);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, UINT64_MAX, PIECE, 8), IOERR);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, first, PIECE, 7), IOERR);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, first, 100, 8), IOERR);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, first,
			       test->zoned->append_max + PIECE, 8), INVALID);
	assert_int_equal(goes_on(test, first), first + 8 * 13);
	/* One more than fits, and one that fits. */
	while (goes_on(test, first) < first + capacity(test, first) - 8)
		assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, goes_on(test, first), PIECE, 0), OK);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, first, 2 * PIECE, 8), INVALID);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, first, PIECE, 8), OK);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, first, PIECE, 8), INVALID);
}

static void zones_change_their_state(void **at)
{
	static const uint32_t types[] = { VIRTIO_BLK_T_ZONE_OPEN, VIRTIO_BLK_T_ZONE_CLOSE,
					  VIRTIO_BLK_T_ZONE_FINISH, VIRTIO_BLK_T_ZONE_RESET };
	struct test *test = *at;
	const uint64_t a = zone(test, 0), b = zone(test, 1);

	for (unsigned int i = 0; i < sizeof(types) / sizeof(*types); i++) {
		assert_int_equal(do_it(test, types[i], 0, 0, 0), INVALID);
		assert_int_equal(do_it(test, types[i], a + 8, 0, 0), INVALID);
		assert_int_equal(do_it(test, types[i], test->disk.sectors, 0, 0), INVALID);
		assert_int_equal(do_it(test, types[i], UINT64_MAX, 0, 0), INVALID);
		assert_int_equal(do_it(test, types[i], UINT64_MAX / 512 + 1, 0, 0), INVALID);
	}
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_OPEN, a, 0, 0), OK);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_OPEN, a, 0, 0), OK);
	assert_int_equal(state(test, a), VIRTIO_BLK_ZS_EOPEN);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_CLOSE, a, 0, 0), OK);
	assert_int_equal(state(test, a), VIRTIO_BLK_ZS_EMPTY);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, a, PIECE, 0), OK);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_CLOSE, a, 0, 0), OK);
	assert_int_equal(state(test, a), VIRTIO_BLK_ZS_CLOSED);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, a + 8, PIECE, 0), OK);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_FINISH, a, 0, 0), OK);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_FINISH, a, 0, 0), OK);
	assert_int_equal(state(test, a), VIRTIO_BLK_ZS_FULL);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_OPEN, a, 0, 0), INVALID);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_CLOSE, a, 0, 0), INVALID);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, a, PIECE, 8), INVALID);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_RESET, a, 0, 0), OK);
	assert_int_equal(state(test, a), VIRTIO_BLK_ZS_EMPTY);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, a, PIECE, 0), OK);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_OPEN, b, 0, 0), OK);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, 8, PIECE, 0), OK);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_RESET_ALL, 7, 0, 0), OK);
	assert_int_equal(state(test, a), VIRTIO_BLK_ZS_EMPTY);
	assert_int_equal(state(test, b), VIRTIO_BLK_ZS_EMPTY);
	expect_there(test, 8, 8);
}

/* Whoever has as few zones as are told, gets the status of what is missing. */
static void what_is_open_is_limited(void **at)
{
	struct test *test = *at;
	struct blk_zoned *zoned = (struct blk_zoned *)(uintptr_t)test->zoned;
	uint32_t i;

	if (!getenv("IOV_ZONED")) {
		zoned->open_max = 2;
		zoned->active_max = 3;
	}
	assert_true(zoned->open_max && zoned->open_max < zoned->active_max);
	for (i = 0; i < zoned->open_max; i++)
		assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_OPEN, zone(test, i), 0, 0), OK);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, zone(test, i), PIECE, 0),
			 VIRTIO_BLK_S_ZONE_OPEN_RESOURCE);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, zone(test, i), PIECE, 8),
			 VIRTIO_BLK_S_ZONE_OPEN_RESOURCE);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_OPEN, zone(test, i), 0, 0),
			 VIRTIO_BLK_S_ZONE_OPEN_RESOURCE);
	/* Closed ones with something in them are active, and one may be open. */
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_RESET_ALL, 0, 0, 0), OK);
	for (i = 0; i < zoned->active_max; i++) {
		assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, zone(test, i), PIECE, 0), OK);
		assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_CLOSE, zone(test, i), 0, 0), OK);
	}
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, zone(test, i), PIECE, 0),
			 VIRTIO_BLK_S_ZONE_ACTIVE_RESOURCE);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_OPEN, zone(test, i), 0, 0),
			 VIRTIO_BLK_S_ZONE_ACTIVE_RESOURCE);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_APPEND, zone(test, 0), PIECE, 8), OK);
	assert_int_equal(test->disk.last_error, 0);
}

/* Two guests' worth of rings, of two workers, on one zone. */
/* A disk that a worker does not do in one pass, of zones of @zone_bytes. */
static struct test *make_large(struct disk *disk, uint64_t zone_bytes)
{
	struct test *test;

	disk_start(disk, "memory", &(struct blk_source){ .bytes = LARGE, .zone_bytes = zone_bytes });
	test = make_guest(disk, false);
	test->channel = disk->channel;
	return test;
}

static bool is_back(struct test *test)
{
	struct vring_used_elem element;

	return driver_used(&test->ring.driver, &element);
}

/* A tenth of a second for a gigabyte is for nobody else to wait for. */
static void resets_of_large_zones_let_others_go_on(void **at)
{
	struct test *test;
	struct disk disk;
	struct ask reset, read;
	unsigned int passes = 0;
	uint64_t first;

	(void)at;
	test = make_large(&disk, LARGE / 4);
	first = zone(test, 0);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, first, PIECE, 0), OK);
	for (unsigned int all = 0; all < 2; all++, passes = 0) {
		const uint32_t type = all ? VIRTIO_BLK_T_ZONE_RESET_ALL : VIRTIO_BLK_T_ZONE_RESET;

		reset = make(test, type, all ? 0 : first, 0, 0);
		add(test, &reset);
		for (pass(test); !is_back(test); pass(test), passes++) {
			const uint64_t before = test->ring.guest.allocated;

			if (passes % 8)
				continue;
			read = make(test, VIRTIO_BLK_T_IN, 8, 0, PIECE);
			add(test, &read);
			pass(test);
			assert_true(is_back(test));
			assert_int_equal(status(test, &read), OK);
			/* It is told while that goes on, and nothing is written there. */
			if (!passes) {
				assert_int_equal(state(test, first), VIRTIO_BLK_ZS_FULL);
				assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, first + 8, PIECE, 0),
						 VIRTIO_BLK_S_ZONE_INVALID_CMD);
			}
			test->ring.guest.allocated = before;
		}
		assert_int_equal(status(test, &reset), OK);
		assert_in_range(passes, LARGE / 4 / STEP / 2, LARGE / 4 / STEP);
		assert_int_equal(state(test, first), VIRTIO_BLK_ZS_EMPTY);
		expect_there(test, first, 0);
		assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, first, PIECE, 0), OK);
	}
	free_guest(test);
	disk_close(&disk);
}

static void reports_of_many_zones_let_others_go_on(void **at)
{
	struct test *test;
	struct disk disk;
	struct ask ask;
	unsigned int passes = 0;
	uint32_t count;

	(void)at;
	test = make_large(&disk, 64u << 10);
	count = test->zoned->count;
	ask = make(test, VIRTIO_BLK_T_ZONE_REPORT, 0, 0, 64 * (count + 1));
	add(test, &ask);
	for (pass(test); !is_back(test); pass(test))
		passes++;
	assert_int_equal(status(test, &ask), OK);
	assert_in_range(passes, count / 1024, count);
	assert_int_equal(le64toh(*(uint64_t *)(void *)answer(test, &ask)), count);
	for (uint32_t i = 0; i < count; i++) {
		struct blk_report_zone entry;

		memcpy(&entry, answer(test, &ask) + 64 * (i + 1), sizeof(entry));
		assert_int_equal(le64toh(entry.z_start), (uint64_t)i * (64u << 10) / BLK_SECTOR);
	}
	free_guest(test);
	disk_close(&disk);
}

static void rings_share_a_zone(void **at)
{
	struct test *a = *at, *b = make_guest(a->back_end, false);
	const uint64_t first = zone(a, 0);
	struct ask asks[2][8];
	bool taken[16] = { 0 };

	b->channel = NULL;
	assert_int_equal(a->back_end->backend->ops->channel_open(
				 &b->channel, a->back_end->backend, a->back_end->uring), 0);
	for (unsigned int i = 0; i < 8; i++) {
		asks[0][i] = make_append(a, first, (uint8_t)(1 + i));
		asks[1][i] = make_append(b, first, (uint8_t)(101 + i));
		add(a, &asks[0][i]);
		add(b, &asks[1][i]);
	}
	for (unsigned int left = 16; left;) {
		struct vring_used_elem element;

		pass(a);
		pass(b);
		while (driver_used(&a->ring.driver, &element))
			left--;
		while (driver_used(&b->ring.driver, &element))
			left--;
	}
	for (unsigned int i = 0; i < 16; i++) {
		struct test *test = i < 8 ? a : b;
		const struct ask *ask = &asks[i / 8][i % 8];
		uint64_t where = (appended(test, ask) - first) / 8;

		assert_int_equal(status(test, ask), OK);
		assert_true(where < 16 && !taken[where]);
		taken[where] = true;
		expect_there(a, first + 8 * where, (uint8_t)(i < 8 ? 1 + i : 101 + i - 8));
	}
	assert_int_equal(goes_on(a, first), first + 16 * 8);
	a->back_end->backend->ops->channel_close(b->channel);
	free_guest(b);
}

/* The back end has nothing of it any more, and nothing was given back. */
static void kill_now(struct test *test)
{
	do
		take_all(test);
	while (!blk_queue_is_at_rest(test->queue));
	open_queue(test, true);
}

static void what_was_appended_is_not_sent_again(void **at)
{
	struct test *test = *at;
	const uint64_t first = zone(test, 0);
	struct ask ask[3];

	for (unsigned int i = 0; i < 3; i++) {
		ask[i] = make_append(test, first, (uint8_t)(i + 1));
		add(test, &ask[i]);
	}
	kill_now(test);
	kill_now(test);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(finish(test, &ask[i]), OK);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(status(test, &ask[i]), OK);
		expect_there(test, appended(test, &ask[i]), (uint8_t)(i + 1));
	}
	assert_int_equal(goes_on(test, first), first + 3 * 8);
	/* And what comes afterwards goes on behind it. */
	ask[0] = make_append(test, first, 9);
	assert_int_equal(run(test, &ask[0]), OK);
	assert_int_equal(appended(test, &ask[0]), first + 3 * 8);
}

static void what_was_written_is_not_refused_again(void **at)
{
	struct test *test = *at;
	const uint64_t first = zone(test, 0);
	struct ask ask = make(test, VIRTIO_BLK_T_OUT, first, PIECE, 0);

	memset(payload(test, &ask), 5, PIECE);
	add(test, &ask);
	kill_now(test);
	assert_int_equal(finish(test, &ask), OK);
	assert_int_equal(goes_on(test, first), first + 8);
	expect_there(test, first, 5);
}

/* A zone is as it was asked to be already, and who asked was not told. */
static void what_was_changed_is_not_refused_again(void **at)
{
	static const uint32_t types[] = { VIRTIO_BLK_T_ZONE_OPEN, VIRTIO_BLK_T_ZONE_CLOSE, VIRTIO_BLK_T_ZONE_OPEN,
					  VIRTIO_BLK_T_ZONE_FINISH, VIRTIO_BLK_T_ZONE_RESET };
	static const uint8_t states[] = { VIRTIO_BLK_ZS_EOPEN, VIRTIO_BLK_ZS_EMPTY, VIRTIO_BLK_ZS_EOPEN,
					  VIRTIO_BLK_ZS_FULL, VIRTIO_BLK_ZS_EMPTY };
	struct test *test = *at;
	const uint64_t first = zone(test, 0);

	for (unsigned int i = 0; i < sizeof(types) / sizeof(*types); i++) {
		const struct ask ask = make(test, types[i], first, 0, 0);

		add(test, &ask);
		kill_now(test);
		assert_int_equal(finish(test, &ask), OK);
		assert_int_equal(state(test, first), states[i]);
	}
	/* One that is asked for anew is judged as before. */
	assert_int_equal(do_it(test, VIRTIO_BLK_T_ZONE_CLOSE, first, 0, 0), INVALID);
}

/* A process took it, told the guest where it goes, and was killed then. */
static void begin_only(struct test *test, struct ask *ask, uint64_t sector, bool is_marked)
{
	uint64_t told = htole64(sector);

	add(test, ask);
	virtq_batch_reset(&test->ring.batch);
	assert_int_equal(virtq_inflight_take(test->inflight, &test->vu.ring, &test->ring.batch, 1),
			 1);
	memcpy(answer(test, ask) + ask->in_length - 9, &told, sizeof(told));
	if (is_marked)
		virtq_inflight_mark(test->inflight, &test->ring.batch.chains[0],
				    VIRTQ_INFLIGHT_BEGUN);
}

/* The kernel's report is what counts, which it made when the disk was had. */
static void learn(struct test *test)
{
	if (test->back_end->backend->ops->lock)
		assert_int_equal(test->back_end->backend->ops->lock(test->back_end->backend), 0);
}

static void what_was_only_begun_is_appended_once(void **at)
{
	struct test *test = *at;
	const uint64_t first = zone(test, 0);
	const uint64_t told[] = { first, first + 8, first + 80, first + 1, 0, zone(test, 1),
				  UINT64_MAX, UINT64_MAX / 512, test->disk.sectors };
	uint64_t next = first;

	for (unsigned int i = 0; i < 2 * sizeof(told) / sizeof(*told); i++) {
		struct ask ask = make_append(test, first, (uint8_t)(i + 1));

		begin_only(test, &ask, told[i / 2], i % 2);
		learn(test);
		open_queue(test, true);
		assert_int_equal(finish(test, &ask), OK);
		assert_int_equal(appended(test, &ask), next);
		expect_there(test, next, (uint8_t)(i + 1));
		next += 8;
		assert_int_equal(goes_on(test, first), next);
	}
}

/* Who takes the entry next may be a back end that leaves alone what it does not know. */
static void what_is_over_has_no_mark(void **at)
{
	struct test *test = *at;
	const size_t entry = test->ring.packed ? 32 : 16;
	struct ask ask = make_append(test, zone(test, 0), 1);

	assert_int_equal(run(test, &ask), OK);
	for (unsigned int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ENTRIES; i++) {
			uint8_t *state = test->region + entry + i * entry;

			assert_int_equal(state[0], 0);
			assert_int_equal(state[1], 0);
			state[1] = VIRTQ_INFLIGHT_DONE;
		}
		/* Nor has it one that another left. */
		open_queue(test, true);
	}
}

/* Somebody else's data is where it was to go. */
static void what_went_elsewhere_is_no_answer(void **at)
{
	struct test *test = *at;
	const uint64_t first = zone(test, 0);
	struct ask ask = make_append(test, first, 1);

	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, first, PIECE, 0), OK);
	begin_only(test, &ask, first, true);
	learn(test);
	open_queue(test, true);
	assert_int_equal(finish(test, &ask), OK);
	assert_int_equal(appended(test, &ask), first + 8);
	expect_there(test, first + 8, 1);
}

/* Nobody wrote down that it was done, but the device has it. */
static void what_the_device_has_is_done(void **at)
{
	struct test *test = *at;
	const uint64_t first = zone(test, 0);
	struct ask write = make(test, VIRTIO_BLK_T_OUT, first, PIECE, 0), ask;

	if (!getenv("IOV_ZONED"))
		skip();
	memset(payload(test, &write), 3, PIECE);
	assert_int_equal(run(test, &write), OK);
	/* The same once more, at the same time, is another one. */
	for (unsigned int i = 0; i < 2; i++) {
		ask = make_append(test, first, 3);
		begin_only(test, &ask, first + 8 * i, true);
		if (!i)
			learn(test);
		else
			assert_int_equal(disk_write(test->back_end, (first + 8) * BLK_SECTOR,
						    payload(test, &ask), PIECE), 0);
		open_queue(test, true);
		assert_int_equal(finish(test, &ask), OK);
		assert_int_equal(appended(test, &ask), first + 16 * i);
		assert_int_equal(goes_on(test, first), first + 8 + 16 * i);
	}
}

/* A part of it is there, which only a device does. */
static void what_is_missing_is_written_behind(void **at)
{
	struct test *test = *at;
	const uint64_t first = zone(test, 0);
	struct ask part = make(test, VIRTIO_BLK_T_OUT, first, PIECE, 0);
	struct ask ask = make(test, VIRTIO_BLK_T_ZONE_APPEND, first, 4 * PIECE, 8);

	if (!getenv("IOV_ZONED"))
		skip();
	for (unsigned int i = 0; i < 4; i++)
		memset(payload(test, &ask) + i * PIECE, (int)i + 1, PIECE);
	memset(payload(test, &part), 1, PIECE);
	assert_int_equal(run(test, &part), OK);
	begin_only(test, &ask, first, true);
	learn(test);
	open_queue(test, true);
	assert_int_equal(finish(test, &ask), OK);
	assert_int_equal(appended(test, &ask), first);
	assert_int_equal(goes_on(test, first), first + 4 * 8);
	for (unsigned int i = 0; i < 4; i++)
		expect_there(test, first + 8 * i, (uint8_t)(i + 1));
}

/* Nobody knows then whether they were begun. */
static void without_a_record_appends_in_flight_fail(void **at)
{
	struct test *test = *at;
	const uint64_t first = zone(test, 0);
	struct ask before, after;

	open_ring(&test->ring, ENTRIES, test->vu.features);
	before = make_append(test, first, 1);
	after = make_append(test, first, 2);
	add(test, &before);
	open_queue(test, false);
	assert_int_equal(finish(test, &before), IOERR);
	assert_int_equal(goes_on(test, first), first);
	pass(test);
	assert_int_equal(run(test, &after), OK);
	assert_int_equal(appended(test, &after), first);
}

#define BOTH(name) cmocka_unit_test_setup_teardown(name, setup, teardown), \
		   { #name "_packed", name, packed_setup, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(who_does_not_know_zones_reads),
		BOTH(configuration_says_what_they_are),
		BOTH(reports_say_as_much_as_there_is_room_for),
		BOTH(zones_are_written_in_order),
		BOTH(appends_say_where_they_went),
		BOTH(zones_change_their_state),
		BOTH(what_is_open_is_limited),
		BOTH(rings_share_a_zone),
		cmocka_unit_test_setup_teardown(resets_of_large_zones_let_others_go_on, setup, teardown),
		cmocka_unit_test_setup_teardown(reports_of_many_zones_let_others_go_on, setup, teardown),
		BOTH(what_was_appended_is_not_sent_again),
		BOTH(what_was_written_is_not_refused_again),
		BOTH(what_was_changed_is_not_refused_again),
		BOTH(what_was_only_begun_is_appended_once),
		BOTH(what_is_over_has_no_mark),
		BOTH(what_went_elsewhere_is_no_answer),
		BOTH(what_the_device_has_is_done),
		BOTH(what_is_missing_is_written_behind),
		BOTH(without_a_record_appends_in_flight_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
