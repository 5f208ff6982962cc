// SPDX-License-Identifier: GPL-2.0-or-later
// Requests of a guest against a back end that does what the test says, when it says so.
#include <endian.h>
#include <errno.h>
#include <linux/virtio_blk.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/ring.h"
#include "vhost-user/blk/blk_bits.h"
#include "vhost-user/blk/disk.h"
#include "vhost-user/blk/queue.h"
#include "vhost-user/ring/virtq_inflight.h"

#define SECTORS 16384
#define F_FLUSH BIT(VIRTIO_BLK_F_FLUSH)
#define F_ALL (EVENT_IDX | INDIRECT | F_FLUSH | BIT(VIRTIO_BLK_F_CONFIG_WCE) |                     \
	       BIT(VIRTIO_BLK_F_DISCARD) | BIT(VIRTIO_BLK_F_WRITE_ZEROES))
#define UNTOUCHED 0x77

struct held {
	struct blk_io *io;
	bool is_stable;
};

/* A back end of memory; what it holds waits for the test. */
static struct {
	struct blk_backend backend;
	struct blk_channel channel;
	uint8_t bytes[SECTORS * BLK_SECTOR];
	bool holds;
	struct held held[64];
	unsigned int held_count;
	unsigned int submitted;
	bool was_stable;
	bool may_unmap;
	int error;
} medium;

static void carry_out(struct blk_io *io)
{
	uint8_t *at = medium.bytes + io->offset;

	assert_true(io->offset + io->length <= sizeof(medium.bytes));
	for (unsigned int i = 0; i < io->count; i++) {
		if (io->op == BLK_READ)
			memcpy(io->vector[i].iov_base, at, io->vector[i].iov_len);
		else
			memcpy(at, io->vector[i].iov_base, io->vector[i].iov_len);
		at += io->vector[i].iov_len;
	}
	if (io->op == BLK_DISCARD || io->op == BLK_WRITE_ZEROES)
		memset(at, 0, io->length);
}

static void submit(struct blk_channel *channel, struct blk_io *io)
{
	assert_ptr_equal(channel, &medium.channel);
	medium.submitted++;
	medium.was_stable = io->is_stable;
	medium.may_unmap = io->may_unmap;
	if (medium.holds) {
		medium.held[medium.held_count++].io = io;
		return;
	}
	if (!medium.error)
		carry_out(io);
	io->done(io, medium.error);
}

static const struct blk_backend_ops medium_ops = { .name = "medium", .submit = submit };

struct test {
	struct fixture ring;
	struct blk_disk disk;
	struct vu_queue vu;
	struct blk_queue *queue;
	struct blk_counters *counters;
	struct virtq_inflight *inflight;
	uint8_t region[4096] __attribute__((aligned(64)));
	uint64_t now;
};

static void open_queue(struct test *test, uint64_t features)
{
	if (test->ring.packed)
		features |= BIT(VIRTIO_F_RING_PACKED);
	open_ring(&test->ring, 64, features);
	test->vu = (struct vu_queue){
		.ring = test->ring.vq, .enabled = true, .kick_fd = -1, .call_fd = -1,
		.features = features,
	};
	blk_queue_close(test->queue);
	test->queue = NULL;
	assert_int_equal(blk_queue_open(&test->queue, &test->disk, &test->vu, test->counters), 0);
}

/* With a front end that keeps what is in flight. */
static void open_tracked(struct test *test)
{
	struct virtq_setup setup;

	open_queue(test, F_ALL);
	setup = ring_setup_of(&test->ring, test->vu.features);
	blk_queue_close(test->queue);
	assert_true(virtq_inflight_bytes(64, setup.features) <= sizeof(test->region));
	assert_int_equal(virtq_inflight_open(&test->inflight, test->ring.iov, test->region, 64,
					     &setup), 0);
	virtq_start(&test->vu.ring, &setup);
	test->vu.inflight = test->inflight;
	assert_int_equal(blk_queue_open(&test->queue, &test->disk, &test->vu, test->counters), 0);
}

static int begin(void **state, bool packed)
{
	struct test *test = aligned_alloc(_Alignof(struct test), sizeof(*test));

	assert_non_null(test);
	memset(test, 0, sizeof(*test));
	memset(&medium, 0, sizeof(medium));
	medium.backend.ops = &medium_ops;
	medium.channel.backend = &medium.backend;
	test->disk = (struct blk_disk){
		.backend = &medium.backend,
		.geometry = { .bytes = sizeof(medium.bytes), .block = 512, .physical_block = 4096,
			      .has_cache = true, .discard_max = UINT64_C(1) << 40,
			      .zeroes_max = 64 * BLK_SECTOR, .zeroes_may_unmap = true },
		.sectors = SECTORS, .is_locked = true, .has_cache = true, .retry_cycles = 1000,
		.serial = "disk-1",
	};
	test->counters = calloc(BLK_KINDS, sizeof(*test->counters));
	fixture_open(&test->ring);
	test->ring.packed = packed;
	open_queue(test, F_ALL);
	*state = test;
	return 0;
}

static int setup(void **state)
{
	return begin(state, false);
}

static int packed_setup(void **state)
{
	return begin(state, true);
}

static int teardown(void **state)
{
	struct test *test = *state;

	blk_queue_close(test->queue);
	virtq_inflight_close(test->inflight);
	free(test->counters);
	fixture_close(&test->ring);
	free(test);
	return 0;
}

/* Bytes of the guest, as buffers of at most @part bytes. */
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

/* A request in memory of the guest. */
struct ask {
	uint64_t out;		/* header and what is written */
	uint32_t out_length;
	uint64_t in;		/* what is read, and the status */
	uint32_t in_length;
};

static struct ask make(struct test *test, uint32_t type, uint64_t sector, uint32_t out,
		       uint32_t in)
{
	struct virtio_blk_outhdr header = { htole32(type), 0, htole64(sector) };
	struct ask ask = {
		.out = guest_alloc(&test->ring.guest, sizeof(header) + out + 1, 16),
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

static int add_cut(struct test *test, const struct ask *ask, uint32_t out_part, uint32_t in_part)
{
	struct driver_buffer buffers[64];
	unsigned int count = cut(buffers, ask->out, ask->out_length, out_part, false);
	int head;

	count += cut(buffers + count, ask->in, ask->in_length, in_part, true);
	head = driver_add(&test->ring.driver, buffers, count);
	assert_true(head >= 0);
	driver_publish(&test->ring.driver);
	return head;
}

static int add(struct test *test, const struct ask *ask)
{
	return add_cut(test, ask, UINT32_MAX, UINT32_MAX);
}

static unsigned int pass(struct test *test)
{
	unsigned int count;

	test->now += 10;
	count = blk_queue_take(test->queue, &medium.channel, &test->ring.batch, test->now);
	return count + blk_queue_give_back(test->queue, test->now);
}

/* Let it run until there is an answer. */
static uint8_t run(struct test *test, const struct ask *ask)
{
	struct vring_used_elem element;

	pass(test);
	assert_true(driver_used(&test->ring.driver, &element));
	assert_int_equal(element.len, ask->in_length);
	return status(test, ask);
}

static uint8_t do_it(struct test *test, uint32_t type, uint64_t sector, uint32_t out, uint32_t in)
{
	struct ask ask = make(test, type, sector, out, in);

	add(test, &ask);
	return run(test, &ask);
}

static uint8_t do_range(struct test *test, uint32_t type, uint64_t sector, uint32_t sectors,
			uint32_t flags)
{
	const struct virtio_blk_discard_write_zeroes range = {
		htole64(sector), htole32(sectors), htole32(flags) };
	struct ask ask = make(test, type, 0, sizeof(range), 0);

	memcpy(payload(test, &ask), &range, sizeof(range));
	add(test, &ask);
	return run(test, &ask);
}

/* Section 2.7.4: how a driver cuts its buffers says nothing. */
static void framing_does_not_matter(void **state)
{
	static const uint32_t parts[] = { 1, 3, 15, 16, 17, 64, 511, 512, 4096 };
	struct test *test = *state;

	for (unsigned int i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		struct ask out = make(test, VIRTIO_BLK_T_OUT, i, 512, 0);
		struct ask in = make(test, VIRTIO_BLK_T_IN, i, 0, 512);
		const uint32_t part = parts[i] < 16 ? 16 + parts[i] : parts[i];

		memset(payload(test, &out), (int)i + 1, 512);
		add_cut(test, &out, part, 1);
		assert_int_equal(run(test, &out), VIRTIO_BLK_S_OK);
		add_cut(test, &in, parts[i] < 16 ? parts[i] : 5, part);
		assert_int_equal(run(test, &in), VIRTIO_BLK_S_OK);
		assert_memory_equal(answer(test, &in), payload(test, &out), 512);
	}
	assert_int_equal(test->counters[BLK_KIND_READ].count, 9);
	assert_int_equal(test->counters[BLK_KIND_WRITE].bytes, 9 * 512);
}

static void what_lies_outside_is_refused(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t bytes;
		uint8_t status;
	} asks[] = {
		{ SECTORS - 1, 512, VIRTIO_BLK_S_OK },	{ SECTORS, 512, VIRTIO_BLK_S_IOERR },
		{ SECTORS - 1, 1024, VIRTIO_BLK_S_IOERR }, { UINT64_MAX, 512, VIRTIO_BLK_S_IOERR },
		{ UINT64_MAX / 512, 512, VIRTIO_BLK_S_IOERR },
		{ UINT64_MAX / 512 + 1, 512, VIRTIO_BLK_S_IOERR },
		{ UINT64_C(1) << 55, 512, VIRTIO_BLK_S_IOERR },
		{ 0, 511, VIRTIO_BLK_S_IOERR },		{ 0, 513, VIRTIO_BLK_S_IOERR },
		{ 0, 0, VIRTIO_BLK_S_OK },		{ SECTORS, 0, VIRTIO_BLK_S_OK },
		{ SECTORS + 1, 0, VIRTIO_BLK_S_IOERR },
	};
	struct test *test = *state;

	for (unsigned int i = 0; i < sizeof(asks) / sizeof(*asks); i++) {
		assert_int_equal(do_it(test, VIRTIO_BLK_T_IN, asks[i].sector, 0, asks[i].bytes),
				 asks[i].status);
		assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, asks[i].sector, asks[i].bytes, 0),
				 asks[i].status);
	}
	assert_int_equal(medium.submitted, 2);
	/* A disk that shrank. */
	__atomic_store_n(&test->disk.sectors, 8, __ATOMIC_RELAXED);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_IN, 8, 0, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_IN, 7, 0, 512), VIRTIO_BLK_S_OK);
}

static void blocks_are_whole(void **state)
{
	struct test *test = *state;

	test->disk.geometry.block = 4096;
	open_queue(test, F_ALL);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_IN, 8, 0, 4096), VIRTIO_BLK_S_OK);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_IN, 8, 0, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_IN, 1, 0, 4096), VIRTIO_BLK_S_IOERR);
	assert_int_equal(do_range(test, VIRTIO_BLK_T_DISCARD, 4, 8, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(do_range(test, VIRTIO_BLK_T_DISCARD, 8, 8, 0), VIRTIO_BLK_S_OK);
}

static void ranges_are_judged(void **state)
{
	static const struct {
		uint32_t type;
		uint64_t sector;
		uint32_t sectors;
		uint32_t flags;
		uint8_t status;
	} asks[] = {
		{ VIRTIO_BLK_T_DISCARD, 0, SECTORS, 0, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_DISCARD, 1, SECTORS, 0, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, UINT64_MAX, 1, 0, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, 0, 1u << 23, 0, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, 0, UINT32_MAX, 0, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, 0, 8, 1, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_DISCARD, 0, 8, 2, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_DISCARD, 0, 0, 0, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 0, 64, 0, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 0, 64, 1, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 0, 65, 0, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0x80000000, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_SECURE_ERASE, 0, 8, 0, VIRTIO_BLK_S_UNSUPP },
	};
	struct test *test = *state;
	struct ask ask;

	for (unsigned int i = 0; i < sizeof(asks) / sizeof(*asks); i++)
		assert_int_equal(do_range(test, asks[i].type, asks[i].sector, asks[i].sectors,
					  asks[i].flags), asks[i].status);
	assert_int_equal(medium.submitted, 3);
	/* Not a list, too long a one, none. */
	assert_int_equal(do_it(test, VIRTIO_BLK_T_DISCARD, 0, 17, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_DISCARD, 0, 0, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_DISCARD, 0, 16 * (BLK_RANGES_MAX + 1), 0),
			 VIRTIO_BLK_S_IOERR);
	/* Several, of which one must not be given back. */
	ask = make(test, VIRTIO_BLK_T_WRITE_ZEROES, 0, 3 * 16, 0);
	for (unsigned int i = 0; i < 3; i++)
		((struct virtio_blk_discard_write_zeroes *)payload(test, &ask))[i] =
			(struct virtio_blk_discard_write_zeroes){ htole64(100 * i), htole32(4),
								  htole32(i != 1) };
	memset(medium.bytes, 1, sizeof(medium.bytes));
	add(test, &ask);
	assert_int_equal(run(test, &ask), VIRTIO_BLK_S_OK);
	assert_false(medium.may_unmap);
	for (unsigned int i = 0; i < SECTORS; i++)
		assert_int_equal(medium.bytes[i * BLK_SECTOR],
				 !(i % 100 < 4 && i < 300 - 96));
}

/* Nothing is written to what the driver lets us read, nor the other way round. */
static void directions_are_kept(void **state)
{
	struct test *test = *state;
	struct ask read = make(test, VIRTIO_BLK_T_IN, 0, 512, 0), write = make(test, VIRTIO_BLK_T_OUT, 0, 0, 512);

	memset(payload(test, &read), 7, 512);
	memset(medium.bytes, 9, sizeof(medium.bytes));
	add(test, &read);
	assert_int_equal(run(test, &read), VIRTIO_BLK_S_OK);
	for (unsigned int i = 0; i < 512; i++)
		assert_int_equal(payload(test, &read)[i], 7);
	add(test, &write);
	assert_int_equal(run(test, &write), VIRTIO_BLK_S_OK);
	for (unsigned int i = 0; i < 512; i++)
		assert_int_equal(medium.bytes[i], 9);
}

/* A range is 16 bytes, in however many buffers; also one that is in several. */
static void ranges_may_be_cut_anywhere(void **state)
{
	struct test *test = *state;

	for (uint32_t part = 1; part < 48; part++) {
		struct ask ask = make(test, VIRTIO_BLK_T_WRITE_ZEROES, 0, 32, 0);
		struct virtio_blk_discard_write_zeroes ranges[2] = {
			{ htole64(2), htole32(1), 0 }, { htole64(5), htole32(2), 0 },
		};

		memcpy(payload(test, &ask), ranges, sizeof(ranges));
		memset(medium.bytes, 1, sizeof(medium.bytes));
		add_cut(test, &ask, part, 1);
		assert_int_equal(run(test, &ask), VIRTIO_BLK_S_OK);
		for (unsigned int i = 0; i < 8; i++)
			assert_int_equal(medium.bytes[i * BLK_SECTOR], i != 2 && i != 5 && i != 6);
	}
}

static void what_is_no_request_is_told(void **state)
{
	struct test *test = *state;
	struct driver_buffer buffer = { guest_alloc(&test->ring.guest, 64, 16), 16, false };
	struct vring_used_elem element;

	assert_int_equal(do_it(test, VIRTIO_BLK_T_SCSI_CMD, 0, 96, 96), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(do_it(test, 77, 0, 0, 0), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(do_it(test, UINT32_MAX, 0, 512, 512), VIRTIO_BLK_S_UNSUPP);
	/* No status, no header, neither. */
	driver_add(&test->ring.driver, &buffer, 1);
	driver_publish(&test->ring.driver);
	pass(test);
	assert_true(driver_used(&test->ring.driver, &element));
	assert_int_equal(element.len, 0);
	buffer.writable = true;
	driver_add(&test->ring.driver, &buffer, 1);
	driver_publish(&test->ring.driver);
	pass(test);
	assert_true(driver_used(&test->ring.driver, &element));
	assert_int_equal(element.len, 16);
	assert_int_equal(((uint8_t *)guest_at(&test->ring.guest, buffer.gpa))[15],
			 VIRTIO_BLK_S_IOERR);
	assert_int_equal(test->counters[BLK_KIND_UNKNOWN].failed, 5);
	assert_int_equal(medium.submitted, 0);
}

static void a_short_header_is_an_error(void **state)
{
	struct test *test = *state;

	for (uint32_t length = 1; length < 16; length++) {
		struct ask ask = make(test, VIRTIO_BLK_T_IN, 0, 0, 512);

		ask.out_length = length;
		add(test, &ask);
		assert_int_equal(run(test, &ask), VIRTIO_BLK_S_IOERR);
	}
	assert_int_equal(medium.submitted, 0);
}

static void the_serial_is_told(void **state)
{
	struct test *test = *state;
	uint8_t expected[VIRTIO_BLK_ID_BYTES] = "disk-1";

	for (uint32_t room = 0; room <= 40; room += 10) {
		struct ask ask = make(test, VIRTIO_BLK_T_GET_ID, 0, 0, room);

		add_cut(test, &ask, 16, 7);
		assert_int_equal(run(test, &ask), VIRTIO_BLK_S_OK);
		assert_memory_equal(answer(test, &ask), expected, room < 20 ? room : 20);
		if (room > 20)
			assert_int_equal(answer(test, &ask)[20], UNTOUCHED);
	}
}

/* Six bytes for who negotiated it, of a disk that has them. */
static void the_lifetime_is_told(void **state)
{
	static const uint8_t expected[] = { 2, 0, 1, 0, 11, 0, UNTOUCHED, UNTOUCHED };
	struct test *test = *state;
	struct ask ask = make(test, VIRTIO_BLK_T_GET_LIFETIME, 0, 0, 8);

	assert_false(blk_features(&test->disk, 1) & BIT(VIRTIO_BLK_F_LIFETIME));
	test->disk.geometry.has_lifetime = true;
	test->disk.lifetime = htole64(2 | 1 << 16 | UINT64_C(11) << 32);
	assert_true(blk_features(&test->disk, 1) & BIT(VIRTIO_BLK_F_LIFETIME));
	assert_int_equal(do_it(test, VIRTIO_BLK_T_GET_LIFETIME, 0, 0, 6), VIRTIO_BLK_S_UNSUPP);
	open_queue(test, F_ALL | BIT(VIRTIO_BLK_F_LIFETIME));
	ask = make(test, VIRTIO_BLK_T_GET_LIFETIME, 0, 0, 8);
	add_cut(test, &ask, UINT32_MAX, 1);
	assert_int_equal(run(test, &ask), VIRTIO_BLK_S_OK);
	assert_memory_equal(answer(test, &ask), expected, sizeof(expected));
	assert_int_equal(do_it(test, VIRTIO_BLK_T_GET_LIFETIME, 0, 0, 5), VIRTIO_BLK_S_IOERR);
}

static void a_read_only_disk_is_not_written(void **state)
{
	struct test *test = *state;

	test->disk.geometry.read_only = true;
	open_queue(test, F_ALL);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, 0, 512, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(do_range(test, VIRTIO_BLK_T_DISCARD, 0, 8, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(do_range(test, VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_IN, 0, 0, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(medium.submitted, 1);
}

/* Section 5.2.6.2. */
static void writes_are_stable_for_who_cannot_flush(void **state)
{
	struct test *test = *state;
	const uint8_t off = 0, on = 1;
	const uint32_t wce = offsetof(struct virtio_blk_config, wce);

	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, 0, 512, 0), VIRTIO_BLK_S_OK);
	assert_false(medium.was_stable);
	assert_int_equal(blk_config_write(&test->disk, wce, &off, 1), 0);
	do_it(test, VIRTIO_BLK_T_OUT, 0, 512, 0);
	assert_true(medium.was_stable);
	do_range(test, VIRTIO_BLK_T_DISCARD, 0, 8, 0);
	assert_true(medium.was_stable);
	do_it(test, VIRTIO_BLK_T_IN, 0, 0, 512);
	assert_false(medium.was_stable);
	assert_int_equal(blk_config_write(&test->disk, wce, &on, 1), 0);
	do_it(test, VIRTIO_BLK_T_OUT, 0, 512, 0);
	assert_false(medium.was_stable);
	/* The rest of the space is not the driver's. */
	assert_int_equal(blk_config_write(&test->disk, 0, &on, 1), -EINVAL);
	assert_int_equal(blk_config_write(&test->disk, wce, (const uint8_t[]){ 1, 0 }, 2), -EINVAL);
	assert_int_equal(blk_config_write(&test->disk, wce, (const uint8_t[]){ 2 }, 1), -EINVAL);
	open_queue(test, EVENT_IDX);
	do_it(test, VIRTIO_BLK_T_OUT, 0, 512, 0);
	assert_true(medium.was_stable);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(do_range(test, VIRTIO_BLK_T_DISCARD, 0, 8, 0), VIRTIO_BLK_S_UNSUPP);
}

static uint8_t write_with(struct test *test, uint32_t type, uint32_t flags)
{
	struct ask ask = make(test, type, 0, type == VIRTIO_BLK_T_OUT ? 512 : 0,
			      type == VIRTIO_BLK_T_IN ? 512 : 0);
	struct virtio_blk_outhdr *header = guest_at(&test->ring.guest, ask.out);

	header->ioprio = htole32(flags);
	add(test, &ask);
	return run(test, &ask);
}

/* Flags of requests are for who negotiated them; for others that is a priority. */
static void one_write_can_be_stable(void **state)
{
	const uint64_t flags = BIT(VIRTIO_BLK_F_REQ_FLAGS);
	const uint64_t fua = BIT(VIRTIO_BLK_F_REQ_FLAGS_OUT_FUA);
	struct test *test = *state;

	assert_int_equal(blk_features(&test->disk, 1) & (flags | fua), flags | fua);
	assert_int_equal(write_with(test, VIRTIO_BLK_T_OUT, 0xffffffff), VIRTIO_BLK_S_OK);
	assert_false(medium.was_stable);
	open_queue(test, F_ALL | flags | fua);
	assert_int_equal(write_with(test, VIRTIO_BLK_T_OUT, 1), VIRTIO_BLK_S_OK);
	assert_true(medium.was_stable);
	assert_int_equal(write_with(test, VIRTIO_BLK_T_OUT, 0), VIRTIO_BLK_S_OK);
	assert_false(medium.was_stable);
	assert_int_equal(write_with(test, VIRTIO_BLK_T_OUT, 2), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(write_with(test, VIRTIO_BLK_T_OUT, 0x80000001), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(write_with(test, VIRTIO_BLK_T_IN, 1), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(write_with(test, VIRTIO_BLK_T_FLUSH, 1), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(write_with(test, VIRTIO_BLK_T_IN, 0), VIRTIO_BLK_S_OK);
	open_queue(test, F_ALL | flags);
	assert_int_equal(write_with(test, VIRTIO_BLK_T_OUT, 1), VIRTIO_BLK_S_UNSUPP);
}

static void a_failed_flush_stays_failed(void **state)
{
	struct test *test = *state;

	assert_int_equal(do_it(test, VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
	medium.error = -EIO;
	assert_int_equal(do_it(test, VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_IOERR);
	medium.error = 0;
	assert_int_equal(do_it(test, VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, 0, 512, 0), VIRTIO_BLK_S_OK);
	test->disk.flush_error = 0;
	assert_int_equal(do_it(test, VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
}

static void errors_are_told(void **state)
{
	struct test *test = *state;

	medium.error = -ENOSPC;
	assert_int_equal(do_it(test, VIRTIO_BLK_T_OUT, 0, 512, 0), VIRTIO_BLK_S_IOERR);
	medium.error = -EOPNOTSUPP;
	assert_int_equal(do_range(test, VIRTIO_BLK_T_DISCARD, 0, 8, 0), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(test->disk.last_error, -EOPNOTSUPP);
	/* A worker without a way to the back end. */
	medium.error = 0;
	{
		struct ask ask = make(test, VIRTIO_BLK_T_IN, 0, 0, 512);
		struct vring_used_elem element;

		add(test, &ask);
		blk_queue_take(test->queue, NULL, &test->ring.batch, 1);
		blk_queue_give_back(test->queue, 2);
		assert_true(driver_used(&test->ring.driver, &element));
		assert_int_equal(status(test, &ask), VIRTIO_BLK_S_IOERR);
	}
}

static void finish_held(unsigned int index, int error)
{
	struct blk_io *io = medium.held[index].io;

	if (!error)
		carry_out(io);
	io->done(io, error);
}

static void hold(struct test *test, struct ask *asks, int *heads, unsigned int count)
{
	medium.holds = true;
	for (unsigned int i = 0; i < count; i++) {
		asks[i] = make(test, VIRTIO_BLK_T_IN, i, 0, 512);
		heads[i] = add(test, &asks[i]);
	}
	pass(test);
	assert_int_equal(medium.held_count, count);
	assert_int_equal(blk_queue_under_way(test->queue), count);
}

static void add_plain(struct test *test, struct ask *ask, uint32_t type, uint64_t sector)
{
	const bool is_write = type == VIRTIO_BLK_T_OUT;
	const struct virtio_blk_discard_write_zeroes range = { htole64(sector), htole32(8), 0 };

	*ask = make(test, type, is_write ? sector : 0,
		    is_write ? 4096 : type == VIRTIO_BLK_T_FLUSH ? 0 : sizeof(range), 0);
	if (type == VIRTIO_BLK_T_DISCARD || type == VIRTIO_BLK_T_WRITE_ZEROES)
		memcpy(payload(test, ask), &range, sizeof(range));
	add(test, ask);
}

/* The first one is under way, and what comes meanwhile is covered by the next. */
static void flushes_that_wait_are_one(void **state)
{
	struct test *test = *state;
	struct ask asks[5];

	medium.holds = true;
	for (unsigned int i = 0; i < 5; i++) {
		add_plain(test, &asks[i], VIRTIO_BLK_T_FLUSH, 0);
		pass(test);
	}
	assert_int_equal(medium.submitted, 1);
	assert_int_equal(blk_queue_under_way(test->queue), 5);
	finish_held(0, 0);
	pass(test);
	assert_int_equal(status(test, &asks[0]), VIRTIO_BLK_S_OK);
	for (unsigned int i = 1; i < 5; i++)
		assert_int_equal(status(test, &asks[i]), UNTOUCHED);
	assert_int_equal(medium.submitted, 2);
	finish_held(1, -EIO);
	pass(test);
	for (unsigned int i = 1; i < 5; i++)
		assert_int_equal(status(test, &asks[i]), VIRTIO_BLK_S_IOERR);
	assert_int_equal(medium.submitted, 2);
	assert_int_equal(blk_queue_under_way(test->queue), 0);
}

static void a_flush_covers_none_that_came_later(void **state)
{
	struct test *test = *state;
	struct ask first, second, third;

	medium.holds = true;
	add_plain(test, &first, VIRTIO_BLK_T_FLUSH, 0);
	pass(test);
	add_plain(test, &second, VIRTIO_BLK_T_FLUSH, 0);
	pass(test);
	finish_held(0, 0);
	add_plain(test, &third, VIRTIO_BLK_T_FLUSH, 0);
	pass(test);
	assert_int_equal(medium.submitted, 2);
	finish_held(1, 0);
	pass(test);
	assert_int_equal(status(test, &second), VIRTIO_BLK_S_OK);
	assert_int_equal(status(test, &third), UNTOUCHED);
	assert_int_equal(medium.submitted, 3);
	finish_held(2, 0);
	pass(test);
	assert_int_equal(status(test, &third), VIRTIO_BLK_S_OK);
}

/* Writes that were there first end first, others wait, and those elsewhere do not. */
static void nothing_is_written_to_what_is_cleared(void **state)
{
	struct test *test = *state;
	struct ask before, clear, over, beside, twice;

	medium.holds = true;
	add_plain(test, &before, VIRTIO_BLK_T_OUT, 0);
	add_plain(test, &clear, VIRTIO_BLK_T_WRITE_ZEROES, 4);
	pass(test);
	assert_int_equal(medium.submitted, 1);
	add_plain(test, &over, VIRTIO_BLK_T_OUT, 8);
	add_plain(test, &beside, VIRTIO_BLK_T_OUT, 12);
	add_plain(test, &twice, VIRTIO_BLK_T_DISCARD, 11);
	pass(test);
	assert_int_equal(medium.submitted, 2);
	assert_true(blk_queue_arm(test->queue));
	finish_held(0, 0);
	pass(test);
	/* It waits for those that were under way when it came, and for no other. */
	assert_int_equal(medium.submitted, 3);
	assert_int_equal(medium.held[2].io->op, BLK_WRITE_ZEROES);
	finish_held(2, 0);
	pass(test);
	assert_int_equal(status(test, &clear), VIRTIO_BLK_S_OK);
	pass(test);
	assert_int_equal(medium.submitted, 4);
	assert_int_equal(medium.held[3].io->offset, 8 * BLK_SECTOR);
	finish_held(1, 0);
	finish_held(3, 0);
	pass(test);
	assert_int_equal(medium.submitted, 5);
	finish_held(4, 0);
	pass(test);
	assert_int_equal(blk_queue_under_way(test->queue), 0);
	assert_int_equal(status(test, &over), VIRTIO_BLK_S_OK);
	assert_int_equal(status(test, &beside), VIRTIO_BLK_S_OK);
	assert_int_equal(status(test, &twice), VIRTIO_BLK_S_OK);
}

/* A second ring of the same disk; teardown() of @other ends it. */
static struct test *begin_other_ring(struct test *a, void **other)
{
	struct test *b;

	begin(other, false);
	b = *other;
	blk_queue_close(b->queue);
	b->vu.index = 1;
	assert_int_equal(blk_queue_open(&b->queue, &a->disk, &b->vu, b->counters), 0);
	return b;
}

static void whichever_ring_it_comes_from(void **state)
{
	void *other;
	struct test *a = *state, *b = begin_other_ring(a, &other);
	struct ask write, clear, over;

	medium.holds = true;
	add_plain(a, &write, VIRTIO_BLK_T_OUT, 0);
	pass(a);
	add_plain(b, &clear, VIRTIO_BLK_T_DISCARD, 0);
	pass(b);
	add_plain(a, &over, VIRTIO_BLK_T_OUT, 0);
	pass(a);
	assert_int_equal(medium.submitted, 1);
	finish_held(0, 0);
	pass(b);
	assert_int_equal(medium.submitted, 2);
	assert_int_equal(medium.held[1].io->op, BLK_DISCARD);
	pass(a);
	assert_int_equal(medium.submitted, 2);
	finish_held(1, 0);
	pass(b);
	pass(a);
	assert_int_equal(medium.submitted, 3);
	finish_held(2, 0);
	pass(a);
	assert_int_equal(status(a, &over), VIRTIO_BLK_S_OK);
	teardown(&other);
}

/* One that is abandoned leaves nothing in the way of others. */
static void what_is_held_goes_with_its_ring(void **state)
{
	struct test *test = *state;
	struct ask write, clear, over;

	medium.holds = true;
	add_plain(test, &write, VIRTIO_BLK_T_OUT, 0);
	add_plain(test, &clear, VIRTIO_BLK_T_DISCARD, 0);
	add_plain(test, &over, VIRTIO_BLK_T_OUT, 0);
	pass(test);
	blk_queue_drain(test->queue, false);
	pass(test);
	assert_false(blk_queue_is_drained(test->queue));
	blk_queue_abandon(test->queue);
	pass(test);
	assert_false(blk_queue_is_drained(test->queue));
	finish_held(0, 0);
	pass(test);
	assert_true(blk_queue_is_drained(test->queue));
	assert_int_equal(medium.submitted, 1);
	assert_int_equal(test->disk.order.ranges, 0);
	assert_int_equal(test->disk.order.writes[0].count[0] + test->disk.order.writes[0].count[1],
			 0);
}

/* Also when that comes between what its worker does in a pass, and all else of it has ended. */
static void what_is_held_goes_before_its_ring(void **state)
{
	void *other;
	struct test *a = *state, *b = begin_other_ring(a, &other);
	struct ask write, clear;

	medium.holds = true;
	add_plain(a, &write, VIRTIO_BLK_T_OUT, 0);
	pass(a);
	add_plain(b, &clear, VIRTIO_BLK_T_DISCARD, 0);
	pass(b);
	assert_int_equal(a->disk.order.ranges, 1);
	blk_queue_drain(b->queue, true);
	pass(b);
	blk_queue_abandon(b->queue);
	blk_queue_give_back(b->queue, b->now);
	assert_false(blk_queue_is_drained(b->queue));
	pass(b);
	assert_true(blk_queue_is_drained(b->queue));
	assert_int_equal(a->disk.order.ranges, 0);
	finish_held(0, 0);
	pass(a);
	teardown(&other);
}

static void requests_are_given_back_as_they_are_done(void **state)
{
	struct test *test = *state;
	struct vring_used_elem element;
	struct ask asks[4];
	int heads[4];

	open_tracked(test);
	hold(test, asks, heads, 4);
	assert_false(driver_used(&test->ring.driver, &element));
	for (int i = 3; i >= 0; i--) {
		finish_held((unsigned int)i, 0);
		pass(test);
		assert_true(driver_used(&test->ring.driver, &element));
		assert_int_equal(element.id, heads[i]);
	}
	assert_int_equal(blk_queue_under_way(test->queue), 0);
}

static void in_order(struct test *test)
{
	struct vring_used_elem element;
	struct ask asks[4];
	int heads[4];

	hold(test, asks, heads, 4);
	finish_held(2, 0);
	finish_held(1, -EIO);
	pass(test);
	assert_false(driver_used(&test->ring.driver, &element));
	finish_held(0, 0);
	pass(test);
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(driver_used(&test->ring.driver, &element));
		assert_int_equal(element.id, heads[i]);
		assert_int_equal(status(test, &asks[i]), i == 1 ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK);
	}
	assert_false(driver_used(&test->ring.driver, &element));
	finish_held(3, 0);
	pass(test);
	assert_true(driver_used(&test->ring.driver, &element));
}

static void or_in_the_order_in_which_they_came(void **state)
{
	open_queue(*state, F_ALL | BIT(VIRTIO_F_IN_ORDER));
	in_order(*state);
}

/* Where the ring stands tells the next one what is left to do. */
static void as_where_nobody_keeps_what_is_in_flight(void **state)
{
	in_order(*state);
}

/* So that nobody waits for one who asks for a lot. */
static void what_is_large_is_done_in_steps(void **state)
{
	struct test *test = *state;
	struct blk_io *io;
	uint64_t offset = 512;
	struct ask ask = make(test, VIRTIO_BLK_T_OUT, 1, 3 << 20, 0);
	struct vring_used_elem element;

	medium.holds = true;
	add_cut(test, &ask, (1 << 20) - 100, 1);
	for (unsigned int i = 0; i < 3; i++) {
		pass(test);
		assert_int_equal(medium.held_count, i + 1);
		io = medium.held[i].io;
		assert_int_equal(io->offset, offset);
		assert_int_equal(io->length, BLK_STEP_BYTES);
		offset += io->length;
		finish_held(i, 0);
	}
	pass(test);
	assert_true(driver_used(&test->ring.driver, &element));
	assert_int_equal(status(test, &ask), VIRTIO_BLK_S_OK);
	assert_memory_equal(medium.bytes + 512, payload(test, &ask), 3 << 20);
	assert_int_equal(test->counters[BLK_KIND_WRITE].bytes, 3 << 20);
}

static void and_not_all_in_one_pass(void **state)
{
	struct test *test = *state;
	struct ask asks[3];
	unsigned int passes = 1;

	for (unsigned int i = 0; i < 3; i++) {
		asks[i] = make(test, VIRTIO_BLK_T_IN, 0, 0, 2 << 20);
		add(test, &asks[i]);
	}
	pass(test);
	assert_int_equal(medium.submitted, 4);
	/* It does not sleep over it. */
	assert_true(blk_queue_arm(test->queue));
	blk_queue_disarm(test->queue);
	for (; blk_queue_under_way(test->queue); passes++)
		pass(test);
	assert_true(passes > 1 && passes < 4);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(status(test, &asks[i]), VIRTIO_BLK_S_OK);
}

/* The rest of one that nobody waits for is not begun. */
static void and_not_to_the_end_when_it_is_abandoned(void **state)
{
	struct test *test = *state;
	struct ask ask = make(test, VIRTIO_BLK_T_OUT, 0, 3 << 20, 0);

	medium.holds = true;
	add(test, &ask);
	pass(test);
	blk_queue_drain(test->queue, false);
	blk_queue_abandon(test->queue);
	finish_held(0, 0);
	pass(test);
	assert_int_equal(medium.submitted, 1);
	assert_true(blk_queue_is_drained(test->queue));
}

static void what_failed_waits(void **state)
{
	struct test *test = *state;
	struct vring_used_elem element;
	struct ask ask = make(test, VIRTIO_BLK_T_OUT, 0, 512, 0);

	open_tracked(test);
	test->disk.on_error = BLK_ERROR_WAIT;
	medium.error = -ENOSPC;
	add(test, &ask);
	pass(test);
	assert_false(driver_used(&test->ring.driver, &element));
	assert_int_equal(blk_queue_parked(test->queue), 1);
	assert_true(blk_queue_due(test->queue) != UINT64_MAX);
	/* What the guest asked for wrongly does not wait. */
	assert_int_equal(do_it(test, VIRTIO_BLK_T_IN, SECTORS, 0, 512), VIRTIO_BLK_S_IOERR);
	test->now = blk_queue_due(test->queue);
	pass(test);
	assert_int_equal(blk_queue_parked(test->queue), 1);
	medium.error = 0;
	test->now = blk_queue_due(test->queue);
	assert_int_equal(run(test, &ask), VIRTIO_BLK_S_OK);
	assert_int_equal(blk_queue_parked(test->queue), 0);
	assert_true(blk_queue_due(test->queue) == UINT64_MAX);
}

static void a_queue_drains(void **state)
{
	struct test *test = *state;
	struct vring_used_elem element;
	struct ask asks[2], late;
	int heads[2];

	hold(test, asks, heads, 2);
	late = make(test, VIRTIO_BLK_T_IN, 0, 0, 512);
	blk_queue_drain(test->queue, false);
	add(test, &late);
	pass(test);
	assert_int_equal(medium.held_count, 2);
	assert_false(blk_queue_is_drained(test->queue));
	finish_held(0, 0);
	pass(test);
	assert_false(blk_queue_has_news(test->queue));
	finish_held(1, 0);
	pass(test);
	assert_true(blk_queue_is_drained(test->queue));
	assert_true(blk_queue_has_news(test->queue));
	assert_false(blk_queue_has_news(test->queue));
	assert_true(driver_used(&test->ring.driver, &element));
	assert_true(driver_used(&test->ring.driver, &element));
	assert_false(driver_used(&test->ring.driver, &element));
}

static void what_waits_is_tried_once_more_when_it_drains(void **state)
{
	struct test *test = *state;
	struct ask ask = make(test, VIRTIO_BLK_T_OUT, 0, 512, 0);

	test->disk.on_error = BLK_ERROR_WAIT;
	medium.error = -EIO;
	add(test, &ask);
	pass(test);
	blk_queue_drain(test->queue, false);
	assert_int_equal(run(test, &ask), VIRTIO_BLK_S_IOERR);
	assert_true(blk_queue_is_drained(test->queue));
}

static void or_left_to_who_comes_next(void **state)
{
	struct test *test = *state;
	struct ask ask = make(test, VIRTIO_BLK_T_OUT, 0, 512, 0);
	struct vring_used_elem element;

	test->disk.on_error = BLK_ERROR_WAIT;
	medium.error = -EIO;
	add(test, &ask);
	pass(test);
	blk_queue_drain(test->queue, true);
	pass(test);
	assert_true(blk_queue_is_drained(test->queue));
	assert_false(driver_used(&test->ring.driver, &element));
}

static void an_abandoned_queue_gives_nothing_back(void **state)
{
	struct test *test = *state;
	struct vring_used_elem element;
	struct ask asks[3];
	int heads[3];

	hold(test, asks, heads, 3);
	finish_held(0, 0);
	blk_queue_drain(test->queue, false);
	blk_queue_abandon(test->queue);
	pass(test);
	assert_false(blk_queue_is_drained(test->queue));
	finish_held(1, 0);
	finish_held(2, -EIO);
	pass(test);
	assert_true(blk_queue_is_drained(test->queue));
	assert_false(driver_used(&test->ring.driver, &element));
	assert_int_equal(status(test, &asks[0]), UNTOUCHED);
}

/* One a day of one kind: what is taken before that passes, and what may come later waits in the ring. */
static void join(struct test *test, struct qos_group *group, enum qos_limit limit)
{
	double limits[QOS_LIMITS] = { 0 };

	limits[limit] = 1 / 86400.0;
	qos_group_set(group, monotonic_ns(), limits, 0);
	qos_join(&test->disk.qos, group);
}

static unsigned int count_used(struct test *test)
{
	struct vring_used_elem element;
	unsigned int count = 0;

	while (driver_used(&test->ring.driver, &element))
		count++;
	return count;
}

static void add_reads(struct test *test, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct ask ask = make(test, VIRTIO_BLK_T_IN, i, 0, 512);

		add(test, &ask);
	}
}

static void a_ring_over_its_rate_is_not_taken(void **state)
{
	struct test *test = *state;
	struct qos_group group = { 0 };

	join(test, &group, QOS_IOPS);
	assert_int_equal(blk_queue_limited_ns(test->queue, monotonic_ns()), UINT64_MAX);
	add_reads(test, 4);
	pass(test);
	assert_int_equal(count_used(test), 1);
	pass(test);
	assert_int_equal(count_used(test), 0);
	assert_int_equal(blk_queue_under_way(test->queue), 0);
	/* It says when it may go on, and keeps nobody awake until then. */
	assert_false(blk_queue_arm(test->queue));
	assert_in_range(blk_queue_limited_ns(test->queue, monotonic_ns()), 0, 86401 * UINT64_C(1000000000));
	blk_queue_disarm(test->queue);
	/* Nobody waits for what a disk does not do any more. */
	blk_queue_pause(test->queue, true);
	assert_int_equal(blk_queue_limited_ns(test->queue, monotonic_ns()), UINT64_MAX);
	blk_queue_pause(test->queue, false);
	qos_join(&test->disk.qos, NULL);
	assert_int_equal(blk_queue_limited_ns(test->queue, monotonic_ns()), 0);
	pass(test);
	assert_int_equal(count_used(test), 3);
	assert_int_equal(test->disk.qos.counts.waits, 1);
	assert_int_equal(blk_queue_limited_ns(test->queue, monotonic_ns()), UINT64_MAX);
}

static void and_drains_at_once(void **state)
{
	struct test *test = *state;
	struct qos_group group = { 0 };

	open_tracked(test);
	join(test, &group, QOS_BYTES);
	add_reads(test, 4);
	pass(test);
	pass(test);
	assert_int_equal(count_used(test), 1);
	blk_queue_drain(test->queue, false);
	pass(test);
	assert_true(blk_queue_is_drained(test->queue));
	assert_int_equal(blk_queue_limited_ns(test->queue, monotonic_ns()), UINT64_MAX);
	assert_int_equal(count_used(test), 0);
}

static void each_kind_has_its_limits(void **state)
{
	static const struct {
		enum qos_limit limit;
		unsigned int reads, writes, discards, flushes;
	} cases[] = {
		{ QOS_IOPS, 1, 1, 1, 1 },
		{ QOS_READ_IOPS, 1, 4, 4, 4 },
		{ QOS_WRITE_IOPS, 4, 1, 1, 4 },
		{ QOS_BYTES, 1, 1, 4, 4 },
		{ QOS_READ_BYTES, 1, 4, 4, 4 },
		{ QOS_WRITE_BYTES, 4, 1, 4, 4 },
		{ QOS_PACKETS, 4, 4, 4, 4 },
		{ QOS_TX_PACKETS, 4, 4, 4, 4 },
	};
	static const uint32_t types[] = { VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_DISCARD,
					  VIRTIO_BLK_T_FLUSH };
	struct test *test = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const unsigned int wanted[] = { cases[i].reads, cases[i].writes, cases[i].discards,
						cases[i].flushes };

		for (unsigned int kind = 0; kind < 4; kind++) {
			const bool is_write = types[kind] == VIRTIO_BLK_T_OUT;
			const bool is_range = types[kind] == VIRTIO_BLK_T_DISCARD;
			struct qos_group group = { 0 };

			join(test, &group, cases[i].limit);
			for (unsigned int j = 0; j < 4; j++) {
				struct ask ask = make(test, types[kind], 0, is_write ? 512 : is_range ? 16 : 0,
						      types[kind] == VIRTIO_BLK_T_IN ? 512 : 0);

				add(test, &ask);
			}
			pass(test);
			assert_int_equal(count_used(test), wanted[kind]);
			qos_join(&test->disk.qos, NULL);
			pass(test);
			pass(test);
			assert_int_equal(count_used(test), 4 - wanted[kind]);
		}
	}
}

static void nothing_is_taken_before_the_disk_is_ours(void **state)
{
	struct test *test = *state;
	struct ask ask = make(test, VIRTIO_BLK_T_IN, 0, 0, 512);

	test->disk.is_locked = false;
	add(test, &ask);
	assert_int_equal(pass(test), 0);
	assert_false(blk_queue_arm(test->queue));
	test->disk.is_locked = true;
	assert_true(blk_queue_arm(test->queue));
	blk_queue_pause(test->queue, true);
	assert_int_equal(pass(test), 0);
	blk_queue_pause(test->queue, false);
	blk_queue_disarm(test->queue);
	assert_int_equal(run(test, &ask), VIRTIO_BLK_S_OK);
}

static void many_segments_are_one_request(void **state)
{
	struct test *test = *state;
	struct ask ask = make(test, VIRTIO_BLK_T_OUT, 0, 48 * 512, 0);

	for (unsigned int i = 0; i < 48 * 512; i++)
		payload(test, &ask)[i] = (uint8_t)(i * 7 >> 4);
	add_cut(test, &ask, 512, 1);
	assert_int_equal(run(test, &ask), VIRTIO_BLK_S_OK);
	assert_memory_equal(medium.bytes, payload(test, &ask), 48 * 512);
}

static void a_broken_ring_is_news_once(void **state)
{
	struct test *test = *state;
	struct driver_buffer buffer = { UINT64_C(1) << 50, 512, false };

	driver_add(&test->ring.driver, &buffer, 1);
	driver_publish(&test->ring.driver);
	pass(test);
	assert_int_equal(test->vu.ring.error, VIRTQ_ERROR_ADDRESS);
	assert_true(blk_queue_has_news(test->queue));
	pass(test);
	assert_false(blk_queue_has_news(test->queue));
}

static void buckets_tell_times(void **state)
{
	(void)state;
	for (uint64_t cycles = 0; cycles < UINT64_C(1) << 62; cycles += 1 + cycles / 13) {
		unsigned int bucket = blk_latency_bucket(cycles);

		assert_true(bucket < BLK_LATENCY_BUCKETS);
		assert_true(cycles < blk_latency_end(bucket));
		if (bucket)
			assert_true(cycles >= blk_latency_end(bucket - 1));
		assert_true(blk_latency_end(bucket) <= cycles + 1 + cycles / 8);
	}
}

static void the_configuration_says_what_there_is(void **state)
{
	struct test *test = *state;
	uint8_t space[VU_CONFIG_SPACE] = { 0 };
	struct virtio_blk_config config;
	const uint64_t features = blk_features(&test->disk, 4);

	blk_config_fill(&test->disk, 4, space);
	memcpy(&config, space, sizeof(config));
	assert_int_equal(le64toh(config.capacity), SECTORS);
	assert_int_equal(config.blk_size, 512);
	assert_int_equal(config.physical_block_exp, 3);
	assert_int_equal(config.min_io_size, 8);
	assert_int_equal(config.wce, 1);
	assert_int_equal(config.num_queues, 4);
	assert_int_equal(config.max_write_zeroes_sectors, 64);
	assert_int_equal(config.write_zeroes_may_unmap, 1);
	assert_int_equal(config.size_max, 0);
	assert_true(features & BIT(VIRTIO_BLK_F_MQ) && features & BIT(VIRTIO_BLK_F_DISCARD));
	/* Its zero would have Linux cut all to 4 KiB; and nobody speaks SCSI. */
	assert_false(features & (BIT(VIRTIO_BLK_F_SIZE_MAX) | BIT(VIRTIO_BLK_F_SCSI) |
				 BIT(VIRTIO_F_ACCESS_PLATFORM)));
	test->disk.geometry.read_only = true;
	assert_false(blk_features(&test->disk, 1) &
		     (BIT(VIRTIO_BLK_F_DISCARD) | BIT(VIRTIO_BLK_F_MQ)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define BOTH(name) TEST(name), cmocka_unit_test_setup_teardown(name, packed_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(framing_does_not_matter),
		BOTH(what_lies_outside_is_refused),
		TEST(blocks_are_whole),
		BOTH(ranges_are_judged),
		TEST(directions_are_kept),
		TEST(ranges_may_be_cut_anywhere),
		BOTH(what_is_no_request_is_told),
		TEST(a_short_header_is_an_error),
		BOTH(the_serial_is_told),
		BOTH(the_lifetime_is_told),
		TEST(a_read_only_disk_is_not_written),
		TEST(writes_are_stable_for_who_cannot_flush),
		BOTH(one_write_can_be_stable),
		TEST(a_failed_flush_stays_failed),
		TEST(flushes_that_wait_are_one),
		TEST(a_flush_covers_none_that_came_later),
		TEST(nothing_is_written_to_what_is_cleared),
		TEST(whichever_ring_it_comes_from),
		TEST(what_is_held_goes_with_its_ring),
		TEST(what_is_held_goes_before_its_ring),
		TEST(errors_are_told),
		BOTH(requests_are_given_back_as_they_are_done),
		BOTH(or_in_the_order_in_which_they_came),
		BOTH(as_where_nobody_keeps_what_is_in_flight),
		BOTH(what_is_large_is_done_in_steps),
		TEST(and_not_all_in_one_pass),
		TEST(and_not_to_the_end_when_it_is_abandoned),
		BOTH(what_failed_waits),
		BOTH(a_queue_drains),
		TEST(what_waits_is_tried_once_more_when_it_drains),
		TEST(or_left_to_who_comes_next),
		BOTH(an_abandoned_queue_gives_nothing_back),
		BOTH(a_ring_over_its_rate_is_not_taken),
		BOTH(and_drains_at_once),
		BOTH(each_kind_has_its_limits),
		TEST(nothing_is_taken_before_the_disk_is_ours),
		BOTH(many_segments_are_one_request),
		BOTH(a_broken_ring_is_news_once),
		cmocka_unit_test(buckets_tell_times),
		TEST(the_configuration_says_what_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
