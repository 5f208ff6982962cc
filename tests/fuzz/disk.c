// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that asks its disk for anything, and a back end that carries it out in any order, with
 * any error: what reaches the back end is within the disk and within guest memory, nothing is
 * given back twice, a status is one that there is, and in the end the ring drains.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <unistd.h>

#include "tests/fuzz/disk_zones.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/ring.h"
#include "base/clock.h"
#include "vhost-user/blk/blk_bits.h"
#include "vhost-user/blk/disk.h"
#include "vhost-user/blk/queue.h"
#include "vhost-user/ring/virtq_inflight.h"

#define ENTRIES 32
#define STEPS 48
#define SECTORS 256
#define SECTORS_MANY 16384	/* of requests that take several steps */
#define HELD_MAX ENTRIES
#define MUCH 0xf0			/* operations from there on */

/* Of a zoned disk in memory. */
#define MEMORY_BYTES (UINT64_C(512) << 10)
#define MEMORY_ZONE (UINT64_C(64) << 10)
#define DATA (GPA + 65536)
#define DATA_BYTES 65536

static struct fixture fixture;
static struct blk_counters counters[BLK_KINDS];
static struct virtq_inflight *inflight;
static struct vu_queue vu;
static struct blk_disk disk;
static struct qos_group group;
static struct blk_queue *queue;
static struct blk_channel channel, *way;
static uint64_t now;
static unsigned int reads, writes, ranges, failed, left, resumed, limited, zone_changes, appends,
	reports, steps, lifetimes;

/* What has the data: what the input says, a device with zones that is played, or memory with some. */
static enum { PLAYED, ZONED_DEVICE, ZONED_MEMORY } kind_of_disk;

/* What the back end has. */
static struct blk_io *held[HELD_MAX];
static unsigned int held_count;
static bool is_at_once;

/* The driver does not find its way in its ring any more. */
static bool is_scribbled;

static void check_io(const struct blk_io *io)
{
	const uint32_t block = disk.geometry.block;
	uint64_t length = 0;

	assert_true(io->offset + io->length <= disk.sectors * BLK_SECTOR);
	assert_true(io->offset + io->length >= io->offset);
	assert_true(io->length || io->op == BLK_FLUSH);
	assert_int_equal((io->offset | io->length) % block, 0);
	assert_true(io->op == BLK_READ || io->op == BLK_FLUSH || !disk.geometry.read_only);
	for (unsigned int i = 0; i < io->count; i++) {
		/* A zoned device has what is there read to memory of its own. */
		assert_true(in_guest_memory(&fixture, io->vector[i].iov_base, io->vector[i].iov_len) ||
			    (kind_of_disk == ZONED_DEVICE && io->op == BLK_READ));
		length += io->vector[i].iov_len;
	}
	if (io->op <= BLK_WRITE)
		assert_int_equal(length, io->length);
}

static void submit(struct blk_channel *to, struct blk_io *io)
{
	assert_true(to == &channel || kind_of_disk == ZONED_DEVICE);
	check_io(io);
	if (kind_of_disk == ZONED_DEVICE)
		disk_zones_check(io, held, held_count);
	steps += io->length > SECTORS * BLK_SECTOR && io->op <= BLK_WRITE;
	reads += io->op == BLK_READ;
	writes += io->op == BLK_WRITE;
	ranges += io->op >= BLK_DISCARD;
	if (is_at_once) {
		io->done(io, kind_of_disk == ZONED_DEVICE ? disk_zones_carry_out(io) : 0);
		return;
	}
	assert_true(held_count < HELD_MAX);
	held[held_count++] = io;
}

static const struct blk_backend_ops ops = { .name = "fuzz", .submit = submit };
static struct blk_backend backend = { .ops = &ops };

/* One of those that it has, whichever. */
static void finish_one(struct fuzz_input *input)
{
	static const int errors[] = { 0, 0, 0, 0, 0, -EIO, -ENOSPC, -EOPNOTSUPP };
	unsigned int index = fuzz_below(input, held_count);
	int error = errors[fuzz_u8(input) % 8];
	struct blk_io *io = held[index];

	held[index] = held[--held_count];
	failed += error != 0;
	if (!error && kind_of_disk == ZONED_DEVICE)
		error = disk_zones_carry_out(io);
	else if (!error && io->op == BLK_READ)
		for (unsigned int i = 0; i < io->count; i++)
			memset(io->vector[i].iov_base, 0x5a, io->vector[i].iov_len);
	io->done(io, error);
}

/* A request as a driver would make it, with numbers that break things. */
static void ask(struct fuzz_input *input)
{
	static const uint32_t types[] = { VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_FLUSH,
		VIRTIO_BLK_T_GET_ID, VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES,
		VIRTIO_BLK_T_SECURE_ERASE, VIRTIO_BLK_T_SCSI_CMD };
	static const uint32_t zone_types[] = { VIRTIO_BLK_T_ZONE_APPEND, VIRTIO_BLK_T_ZONE_REPORT,
		VIRTIO_BLK_T_ZONE_OPEN, VIRTIO_BLK_T_ZONE_CLOSE, VIRTIO_BLK_T_ZONE_FINISH,
		VIRTIO_BLK_T_ZONE_RESET, VIRTIO_BLK_T_ZONE_RESET_ALL, VIRTIO_BLK_T_OUT };
	uint8_t kind = fuzz_u8(input);
	struct virtio_blk_outhdr header = {
		.type = kind & 64 ? zone_types[kind & 7] : types[kind & 7],
		.ioprio = kind & 128 ? fuzz_u8(input) : 0 };
	uint64_t at = DATA + 512 * fuzz_below(input, 64);
	uint32_t out = fuzz_one_in(input, 8) ? fuzz_u16(input) : 512u * fuzz_below(input, 9);
	uint32_t in = fuzz_one_in(input, 8) ? fuzz_u16(input) : 512u * fuzz_below(input, 9);
	uint32_t part = fuzz_u16(input), length = 16;
	struct driver_buffer buffers[16];
	unsigned int count = 0;

	header.sector = kind & 8 ? fuzz_edge(input) : fuzz_below(input, SECTORS);
	/* Mostly the start of a zone, or where one goes on after a few writes. */
	if (kind & 64 && !(kind & 8)) {
		header.sector = header.sector / 32 * 32 * (kind_of_disk == ZONED_MEMORY ? 4 : 1);
		in = in / 512 * 512 + 8;
	}
	if (kind & 16) {
		struct virtio_blk_discard_write_zeroes *list =
			guest_at(&fixture.guest, at + sizeof(header));

		out = 16u * fuzz_below(input, 20);
		for (uint32_t i = 0; i < out / 16; i++) {
			list[i].sector = fuzz_one_in(input, 4) ? fuzz_edge(input)
								: fuzz_below(input, SECTORS);
			list[i].num_sectors = fuzz_one_in(input, 4) ? (uint32_t)fuzz_edge(input)
								     : fuzz_below(input, 16);
			list[i].flags = fuzz_one_in(input, 4) ? fuzz_u8(input) : 0;
		}
	}
	out = out < DATA_BYTES / 4 ? out : DATA_BYTES / 4;
	in = in < DATA_BYTES / 4 ? in : DATA_BYTES / 4;
	memcpy(guest_at(&fixture.guest, at), &header, sizeof(header));
	length += out;
	part = part && length / part < 12 ? part : length;
	for (uint32_t done = 0; done < length; done += part)
		buffers[count++] = (struct driver_buffer){
			at + done, done + part < length ? part : length - done, false };
	buffers[count++] = (struct driver_buffer){ DATA + DATA_BYTES / 2, in + !(kind & 32), true };
	driver_add(&fixture.driver, buffers, count);
	driver_publish(&fixture.driver);
}

/* More than is carried out at once, and than a request has room to remember; the same data again and again. */
static void ask_much(struct fuzz_input *input)
{
	const uint8_t kind = fuzz_u8(input);
	const bool is_read = kind & 1;
	const unsigned int parts = 1 + (kind >> 1) % (ENTRIES - 2);
	struct virtio_blk_outhdr header = { .type = is_read ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT };
	struct driver_buffer buffers[ENTRIES] = {{ DATA, sizeof(header), false }};

	header.sector = 8 * fuzz_below(input, 2048);
	if (kind == 0xff)
		header.type = VIRTIO_BLK_T_GET_LIFETIME;
	for (unsigned int i = 1; i <= parts; i++) {
		const uint32_t blocks = fuzz_below(input, 16);

		buffers[i] = (struct driver_buffer){
			DATA, blocks == 15 ? 1 + fuzz_below(input, DATA_BYTES) : DATA_BYTES - 4096 * blocks, is_read };
	}
	buffers[parts + 1] = (struct driver_buffer){ DATA, 1, true };
	memcpy(guest_at(&fixture.guest, DATA), &header, sizeof(header));
	driver_add(&fixture.driver, buffers, parts + 2);
	driver_publish(&fixture.driver);
}

static void scribble(struct fuzz_input *input)
{
	uint8_t *desc = driver_descriptor_area(&fixture.driver);

	is_scribbled = true;
	for (unsigned int count = fuzz_u8(input) % 16; count; count--) {
		uint32_t at = fuzz_below(input, 16 * ENTRIES);

		desc[at] = fuzz_u8(input);
	}
}

static void take_used(void)
{
	struct vring_used_elem element;

	while (!is_scribbled && driver_used(&fixture.driver, &element))
		;
}

/* The thread of a zoned device is given a moment. */
static void poll_way(void)
{
	for (unsigned int tries = 0; disk.backend->ops->poll; tries++) {
		disk_zones_polled(disk.backend->ops->poll(way));
		if (!disk_zones_asked() || tries == 20)
			return;
		usleep(50);
	}
}

static void pass(void)
{
	now += 100;
	blk_queue_take(queue, way, &fixture.batch, now);
	poll_way();
	blk_queue_give_back(queue, now + 10);
	blk_queue_has_news(queue);
	limited += blk_queue_limited_ns(queue, monotonic_ns()) != UINT64_MAX;
	assert_true(blk_queue_under_way(queue) <= ENTRIES);
}

static void open_queue(uint64_t features, uint8_t *region)
{
	struct virtq_setup setup = ring_setup_of(&fixture, features);

	if (region && virtq_inflight_open(&inflight, fixture.iov, region, ENTRIES, &setup))
		region = NULL;
	virtq_start(&fixture.vq, &setup);
	vu = (struct vu_queue){ .ring = fixture.vq, .enabled = true, .kick_fd = -1, .call_fd = -1,
				.features = features, .inflight = region ? inflight : NULL };
	assert_int_equal(blk_queue_open(&queue, &disk, &vu, counters), 0);
}

static void close_queue(void)
{
	blk_queue_close(queue);
	virtq_inflight_close(inflight);
	queue = NULL;
	inflight = NULL;
	held_count = 0;
}

/* All that the back end has is done, so nothing is in the way. */
static void drain(struct fuzz_input *input, uint8_t how)
{
	blk_queue_drain(queue, how & 2);
	if (how & 4)
		blk_queue_abandon(queue);
	is_at_once = true;
	do {
		pass();
		while (held_count)
			finish_one(input);
		pass();
		pass();
	} while (kind_of_disk == ZONED_DEVICE && disk_zones_asked());
	pass();
	assert_true(blk_queue_is_drained(queue));
	left += blk_queue_under_way(queue) > 0;
}

static void live(struct fuzz_input *input)
{
	for (unsigned int step = 0; step < STEPS && fuzz_left(input); step++) {
		const uint8_t op = fuzz_u8(input);

		switch (op >= MUCH ? 8 : op % 8) {
		case 8:
			ask_much(input);
			break;
		case 0:
		case 1:
		case 2:
			ask(input);
			break;
		case 3:
			if (held_count)
				finish_one(input);
			break;
		case 4:
			if (kind_of_disk == ZONED_DEVICE)
				disk_zones_fail(fuzz_one_in(input, 4));
			else
				scribble(input);
			break;
		case 5:
			take_used();
			break;
		case 6:
			now = blk_queue_due(queue) == UINT64_MAX ? now : blk_queue_due(queue);
			qos_join(&disk.qos, NULL);
			break;
		default:
			if (blk_queue_arm(queue))
				blk_queue_disarm(queue);
		}
		pass();
	}
}

static void play_device(void)
{
	disk.backend = disk_zones_open(SECTORS * BLK_SECTOR, disk.geometry.block, submit);
	disk.geometry.zoned = disk_zones();
	disk.geometry.discard_max = disk.geometry.zeroes_max = disk.geometry.erase_max = 0;
	assert_int_equal(disk.backend->ops->channel_open(&way, disk.backend, NULL), 0);
}

static void open_memory(void)
{
	const struct blk_source source = { .bytes = MEMORY_BYTES, .zone_bytes = MEMORY_ZONE };

	assert_int_equal(blk_disk_open(&disk, fixture.iov, &blk_backend_memory, &source), 0);
	assert_int_equal(disk.backend->ops->channel_open(&way, disk.backend, NULL), 0);
}

static void close_disk(void)
{
	if (kind_of_disk == PLAYED)
		return;
	disk.backend->ops->channel_close(way);
	if (kind_of_disk == ZONED_DEVICE)
		disk_zones_close();
	else
		blk_disk_close(&disk);
}

static void choose_disk(struct fuzz_input *input, uint8_t kind)
{
	const uint8_t choice = fuzz_u8(input);
	const uint32_t offset = choice % 64;
	const uint64_t sectors = (choice & 96) == 32 ? SECTORS_MANY : SECTORS;
	uint8_t space[VU_CONFIG_SPACE] = { 0 }, byte = fuzz_u8(input) & 1;

	kind_of_disk = choice & 64 ? choice & 1 ? ZONED_MEMORY : ZONED_DEVICE : PLAYED;
	disk = (struct blk_disk){
		.backend = &backend,
		.geometry = { .bytes = sectors * BLK_SECTOR, .has_lifetime = choice & 32, .block = kind & 8 ? 4096 : 512,
			      .physical_block = 4096, .has_cache = kind & 16,
			      .read_only = kind & 32, .discard_max = UINT64_MAX,
			      .zeroes_max = 16384, .erase_max = 8192 },
		.sectors = sectors, .is_locked = true, .has_cache = true, .retry_cycles = 1000,
		.on_error = kind & 64 ? BLK_ERROR_WAIT : BLK_ERROR_REPORT,
	};
	channel = (struct blk_channel){ .backend = &backend };
	way = &channel;
	if (kind_of_disk == ZONED_DEVICE)
		play_device();
	else if (kind_of_disk == ZONED_MEMORY)
		open_memory();
	if (choice & 128)
		qos_join(&disk.qos, &group);
	blk_config_fill(&disk, 1, space);
	assert_int_equal(blk_config_write(&disk, offset, &byte, 1),
			 offset == offsetof(struct virtio_blk_config, wce) ? 0 : -EINVAL);
}

static void run(struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input), lives = fuzz_u8(input);
	uint8_t region[64 + 32 * ENTRIES] __attribute__((aligned(64))) = { 0 };
	uint64_t features;

	memset(fixture.guest.host, 0, DATA + DATA_BYTES - GPA);
	fixture.guest.allocated = 0;
	fixture.packed = kind & 1;
	now = 0;
	is_scribbled = false;
	choose_disk(input, kind);
	features = INDIRECT | EVENT_IDX | blk_features(&disk, 1);
	features &= ~(BIT(VIRTIO_F_IN_ORDER) | BIT(VIRTIO_F_RING_PACKED));
	features |= kind & 4 ? BIT(VIRTIO_F_IN_ORDER) : 0;
	features |= fixture.packed ? BIT(VIRTIO_F_RING_PACKED) : 0;
	open_ring(&fixture, ENTRIES, features);
	is_at_once = kind & 128;
	open_queue(features, kind & 2 ? region : NULL);
	live(input);
	/* Killed: nobody gives anything back, and the next one finds what was in flight. */
	if (kind & 2 && lives & 1 && !vu.ring.error) {
		/* What a real back end has stays there, so it comes to an end. */
		if (kind_of_disk != PLAYED)
			drain(input, 4);
		close_queue();
		channel = (struct blk_channel){ .backend = &backend };
		disk.order = (struct blk_order){ 0 };
		is_at_once = false;
		open_queue(features, region);
		pass();
		resumed += held_count;
		live(input);
	}
	drain(input, lives);
	zone_changes += counters[BLK_KIND_ZONE_RESET].count > counters[BLK_KIND_ZONE_RESET].failed;
	appends += counters[BLK_KIND_ZONE_APPEND].count > counters[BLK_KIND_ZONE_APPEND].failed;
	reports += counters[BLK_KIND_ZONE_REPORT].count > counters[BLK_KIND_ZONE_REPORT].failed;
	lifetimes += counters[BLK_KIND_GET_LIFETIME].count > counters[BLK_KIND_GET_LIFETIME].failed;
	close_queue();
	close_disk();
}

/* One byte an hour: what is read or written after the first waits. */
static void open_all(void)
{
	fixture_open(&fixture);
	qos_group_set(&group, monotonic_ns(), (double[QOS_LIMITS]){ [QOS_BYTES] = 1 / 3600.0 }, 0);
}

static void reached_everything(void)
{
	assert_true(reads && writes && ranges && failed && left && resumed && limited);
	assert_true(zone_changes && appends && reports && steps && lifetimes);
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
