// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest moves with its disk from one iovd to another, both of which have the image: what it wrote is
 * there, what it had asked for is answered once, and only one of them ever writes.
 *
 * The guest has memory at both ends.  What crosses is what it wrote itself, and what the dirty log
 * of the source says.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "tests/unit/loop.h"
#include "tests/unit/random.h"
#include "tests/unit/test.h"
#include "tests/wire/daemon.h"
#include "tests/wire/frontend.h"

#define PAGE 4096
#define BLOCKS 64
#define DISK_BYTES (BLOCKS * PAGE)
#define DEPTH 16
#define MEMORY (UINT64_C(4) << 20)
#define FEATURES (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_BLK_F_FLUSH) | \
		  BIT(VIRTIO_BLK_F_CONFIG_WCE))
#define ENDS 2

/* Only to end a test that would hang. */
#define PATIENCE_MS 60000

struct slot {
	uint64_t memory;	/* header; a page behind it the data, and another one the status */
	unsigned int block;
	uint32_t generation;
	bool is_write;
	bool is_busy;
	int head;
};

static struct daemon iovd[ENDS];
static struct frontend guest[ENDS];
static unsigned int here;		/* the end at which the guest runs */
static char image[96];
static uint8_t *bits;			/* the dirty log; NULL without one */
static uint8_t own[MEMORY / PAGE];	/* pages that the guest wrote since they were copied */
static struct slot slots[DEPTH];
static uint32_t written[BLOCKS];
static bool is_taken[BLOCKS];

static void forget_guest(void)
{
	for (unsigned int i = 0; i < ENDS; i++) {
		if (guest[i].fd > 0)
			frontend_close(&guest[i]);
		memset(&guest[i], 0, sizeof(guest[i]));
	}
	memset(slots, 0, sizeof(slots));
	memset(own, 0, sizeof(own));
	here = 0;
}

static int setup(void **state)
{
	int fd;

	(void)state;
	forget_guest();
	memset(written, 0, sizeof(written));
	memset(is_taken, 0, sizeof(is_taken));
	for (unsigned int i = 0; i < ENDS; i++) {
		iovd[i].option = "--allow=/tmp";
		iovd[i].also = "--allow=/dev";
		iovd[i].is_apart = false;
		daemon_start(&iovd[i]);
	}
	snprintf(image, sizeof(image), "%s/image", iovd[0].directory);
	fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_return_code(ftruncate(fd, DISK_BYTES), errno);
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	forget_guest();
	if (bits)
		munmap(bits, MEMORY / PAGE);
	bits = NULL;
	for (unsigned int i = 0; i < ENDS; i++)
		daemon_clean(&iovd[i]);
	return 0;
}

static struct json_object *try_to_add(unsigned int end, const char *rest)
{
	return daemon_call(&iovd[end], "disk.add", "{\"name\":\"d\",\"socket\":\"%s/d\",\"server\":true,"
			   "\"backend\":\"file\",\"path\":\"%s\"%s}", iovd[end].directory, image, rest);
}

static void add(unsigned int end, const char *rest)
{
	struct json_object *disk = try_to_add(end, rest);

	assert_non_null(disk);
	json_object_put(disk);
}

static bool shows(unsigned int end, const char *key, const char *value)
{
	struct json_object *shown = daemon_call(&iovd[end], "disk.show", "{\"name\":\"d\"}");
	const char *text = shown ? json_text_or_null(shown, key) : NULL;
	const bool is = value ? text && !strcmp(text, value) : !text;

	json_object_put(shown);
	return is;
}

static void wait_until_shown(unsigned int end, const char *key, const char *value)
{
	const uint64_t limit = monotonic_ms() + PATIENCE_MS;

	while (!shows(end, key, value)) {
		assert_true(monotonic_ms() < limit);
		poll(NULL, 0, 10);
	}
}

/* The front end at one end */

static void connect_to(unsigned int end)
{
	int fd = frontend_connect(daemon_path(&iovd[end], "d"));

	assert_return_code(fd, -fd);
	frontend_open(&guest[end], fd, MEMORY);
}

static void track(unsigned int end)
{
	struct vu_inflight_area area = { .queues = 1, .entries = FRONTEND_RING_SIZE };
	int fd;

	frontend_send(&guest[end], VU_GET_INFLIGHT_FD, 0, &area, sizeof(area), NULL, 0);
	assert_int_equal(frontend_receive_fd(&guest[end], VU_GET_INFLIGHT_FD, &area, sizeof(area), &fd),
			 sizeof(area));
	assert_int_equal(frontend_call(&guest[end], VU_SET_INFLIGHT_FD, &area, sizeof(area), &fd, 1), 0);
	close(fd);
}

static void boot(unsigned int end, uint64_t features)
{
	connect_to(end);
	frontend_negotiate(&guest[end], FEATURES | features);
	track(end);
	assert_int_equal(frontend_share_memory(&guest[end]), 0);
	frontend_start_ring(&guest[end], 0);
	frontend_enable_ring(&guest[end], 0, true);
	for (unsigned int i = 0; i < DEPTH; i++)
		slots[i].memory = guest_alloc(&guest[end].guest, 3 * PAGE, PAGE);
	here = end;
}

/* A VMM that lost its connection, whose guest has used its ring. */
static void come_again(unsigned int end)
{
	frontend_close(&guest[end]);
	memset(&guest[end], 0, sizeof(guest[end]));
	connect_to(end);
	frontend_negotiate(&guest[end], FEATURES);
	assert_int_equal(frontend_share_memory(&guest[end]), 0);
	driver_open(&guest[end].rings[0], &guest[end].guest, FRONTEND_RING_SIZE, guest[end].features);
	guest[end].base[0] = 7;
	guest[end].rings[0].avail->idx = guest[end].rings[0].used->idx = htole16(7);
	assert_true(frontend_announce_ring(&guest[end], 0));
	frontend_enable_ring(&guest[end], 0, true);
	poll(NULL, 0, 200);
	assert_true(shows(end, "status", "given-up"));
}

static void begin_log(unsigned int end)
{
	const struct guest *memory = &guest[end].guest;
	struct vu_log log = { .size = (memory->gpa + memory->size) / PAGE / 8 };
	int fd = memfd_create("log", MFD_CLOEXEC);
	uint64_t reply;

	assert_return_code(ftruncate(fd, (off_t)log.size), errno);
	bits = mmap(NULL, log.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(bits, MAP_FAILED);
	frontend_send(&guest[end], VU_SET_LOG_BASE, 0, &log, sizeof(log), &fd, 1);
	assert_int_equal(frontend_receive(&guest[end], VU_SET_LOG_BASE, &reply, 8), 8);
	close(fd);
	guest[end].features |= BIT(VU_F_LOG_ALL);
	assert_int_equal(frontend_set(&guest[end], VU_SET_FEATURES, guest[end].features), 0);
}

static void end_log(unsigned int end)
{
	munmap(bits, (guest[end].guest.gpa + MEMORY) / PAGE / 8);
	bits = NULL;
	guest[end].features &= ~BIT(VU_F_LOG_ALL);
}

/* Memory on its way */

static bool is_marked(uint64_t gpa)
{
	return __atomic_load_n(&bits[gpa / PAGE / 8], __ATOMIC_SEQ_CST) & 1 << gpa / PAGE % 8;
}

static void copy_page(unsigned int from, unsigned int to, unsigned int page)
{
	memcpy(guest[to].guest.host + page * PAGE, guest[from].guest.host + page * PAGE, PAGE);
}

/* Those that the guest wrote, and with @logged those that iovd wrote. */
static void copy_pages(unsigned int from, unsigned int to, bool logged)
{
	for (unsigned int page = 0; page < MEMORY / PAGE; page++) {
		if (own[page] || (logged && is_marked(guest[from].guest.gpa + page * PAGE)))
			copy_page(from, to, page);
		own[page] = 0;
	}
}

static void note_own(uint64_t gpa, uint64_t bytes)
{
	const uint64_t first = (gpa - guest[here].guest.gpa) / PAGE;
	const uint64_t last = (gpa + bytes - 1 - guest[here].guest.gpa) / PAGE;

	memset(own + first, 1, last - first + 1);
}

static void note_area(const void *area, uint64_t bytes)
{
	note_own(guest[here].guest.gpa + (uint64_t)((const uint8_t *)area - guest[here].guest.host), bytes);
}

/* What a driver writes of its ring: of a packed one that is where the device writes as well. */
static void note_ring(void)
{
	const struct driver *ring = &guest[here].rings[0];

	note_area(driver_descriptor_area(ring), 16u * FRONTEND_RING_SIZE);
	note_area(driver_driver_area(ring), ring->is_packed ? 4 : 6 + 2u * FRONTEND_RING_SIZE);
	if (!ring->is_packed)
		note_area(&ring->avail->ring[FRONTEND_RING_SIZE], 2);
}

/* The disk's driver */

static uint8_t *bytes_of(const struct slot *slot)
{
	return (uint8_t *)guest_at(&guest[here].guest, slot->memory) + PAGE;
}

static uint8_t *status_of(const struct slot *slot)
{
	return bytes_of(slot) + PAGE;
}

/* Each word tells where it belongs, and since when. */
static void fill(uint8_t *bytes, unsigned int block, uint32_t generation)
{
	for (unsigned int i = 0; i < PAGE / 8; i++) {
		uint64_t word = generation ? (uint64_t)generation << 32 | block << 16 | i : 0;

		memcpy(bytes + 8 * i, &word, 8);
	}
}

static void expect_content(const uint8_t *bytes, unsigned int block, uint32_t generation)
{
	uint8_t expected[PAGE];

	fill(expected, block, generation);
	assert_memory_equal(bytes, expected, PAGE);
}

static void submit(struct slot *slot, unsigned int block, bool is_write)
{
	const struct virtio_blk_outhdr header = {
		htole32(is_write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN), 0, htole64(block * 8),
	};
	const struct driver_buffer buffers[] = {
		{ slot->memory, sizeof(header), false },
		{ slot->memory + PAGE, PAGE, !is_write },
		{ slot->memory + UINT64_C(2) * PAGE, 1, true },
	};

	slot->block = block;
	slot->is_write = is_write;
	slot->generation = written[block] + is_write;
	if (is_write)
		fill(bytes_of(slot), block, slot->generation);
	else
		memset(bytes_of(slot), 0x55, PAGE);
	memcpy(guest_at(&guest[here].guest, slot->memory), &header, sizeof(header));
	*status_of(slot) = 0xff;
	slot->head = driver_add(&guest[here].rings[0], buffers, 3);
	assert_true(slot->head >= 0);
	slot->is_busy = is_taken[block] = true;
	note_own(slot->memory, UINT64_C(3) * PAGE);
	note_ring();
	if (driver_publish(&guest[here].rings[0]))
		eventfd_write(guest[here].kick[0], 1);
}

static void submit_any(struct random *random)
{
	for (unsigned int i = 0; i < DEPTH; i++) {
		unsigned int block = random_below(random, BLOCKS);

		if (!slots[i].is_busy && !is_taken[block])
			submit(&slots[i], block, random_one_in(random, 2));
	}
}

/* One that is given back, if there is one. */
static bool take_back(void)
{
	struct vring_used_elem element;
	struct slot *slot = slots;

	if (!driver_used(&guest[here].rings[0], &element))
		return false;
	while (slot < slots + DEPTH && !(slot->is_busy && (uint32_t)slot->head == element.id))
		slot++;
	assert_true(slot < slots + DEPTH);
	assert_int_equal(*status_of(slot), VIRTIO_BLK_S_OK);
	if (slot->is_write)
		written[slot->block] = slot->generation;
	else
		expect_content(bytes_of(slot), slot->block, slot->generation);
	slot->is_busy = is_taken[slot->block] = false;
	return true;
}

static void wait_for_one(void)
{
	const uint64_t end = monotonic_ms() + PATIENCE_MS;

	while (!take_back()) {
		assert_true(monotonic_ms() < end);
		poll(NULL, 0, 1);
	}
	note_ring();
}

static unsigned int busy(void)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < DEPTH; i++)
		count += slots[i].is_busy;
	return count;
}

static void run(struct random *random)
{
	for (unsigned int left = 20 + random_below(random, 100); left--;) {
		submit_any(random);
		wait_for_one();
	}
	submit_any(random);
}

static void expect_all(void)
{
	while (busy())
		wait_for_one();
	for (unsigned int block = 0; block < BLOCKS; block++) {
		submit(&slots[0], block, false);
		wait_for_one();
	}
}

/* The move */

/* Where the driver stands is in its memory, which is a test's of its own. */
static void become(struct driver *to, const struct driver *from)
{
	memcpy(to->free, from->free, sizeof(*to->free) * from->size);
	to->free_count = from->free_count;
	to->added = from->added;
	to->published = from->published;
	to->seen = from->seen;
	if (!from->is_packed)
		return;
	memcpy(to->packed.lengths, from->packed.lengths, sizeof(*to->packed.lengths) * from->size);
	to->packed.room = from->packed.room;
	to->packed.first_flags = from->packed.first_flags;
	to->packed.added_wrap = from->packed.added_wrap;
	to->packed.seen_wrap = from->packed.seen_wrap;
}

/* The destination has a guest of the same make, with nothing in its memory. */
static void prepare(unsigned int to)
{
	if (guest[to].fd > 0)
		frontend_close(&guest[to]);
	memset(&guest[to], 0, sizeof(guest[to]));
	connect_to(to);
	frontend_negotiate(&guest[to], guest[here].features);
	track(to);
	assert_int_equal(frontend_share_memory(&guest[to]), 0);
	driver_open(&guest[to].rings[0], &guest[to].guest, FRONTEND_RING_SIZE, guest[to].features);
}

/* Requests whose memory crosses before iovd sees them: what comes of them is in the log alone. */
static void leave_in_flight(struct random *random, unsigned int to)
{
	kill(iovd[here].pid, SIGSTOP);
	while (take_back())
		;
	submit_any(random);
	assert_true(busy() > DEPTH / 2);
	copy_pages(here, to, true);
	kill(iovd[here].pid, SIGCONT);
}

/* What the front end brings is the end of a pipe that nobody serves. */
static int ask_for_state(unsigned int end, uint32_t direction)
{
	struct vu_device_state request = { direction, VU_STATE_STOPPED };
	uint64_t reply = UINT64_MAX;
	int ends[2], fd;

	assert_return_code(pipe(ends), errno);
	frontend_send(&guest[end], VU_SET_DEVICE_STATE_FD, 0, &request, sizeof(request),
		      &ends[direction == VU_STATE_SAVE], 1);
	assert_int_equal(frontend_receive_fd(&guest[end], VU_SET_DEVICE_STATE_FD, &reply, 8, &fd), 8);
	assert_int_equal(reply, 0);
	close(ends[0]);
	close(ends[1]);
	return fd;
}

static size_t save_state(unsigned int end, uint8_t bytes[256])
{
	int fd = ask_for_state(end, VU_STATE_SAVE);
	ssize_t length = pread(fd, bytes, 256, 0);

	assert_in_range(length, 1, 255);
	close(fd);
	assert_int_equal(frontend_get(&guest[end], VU_CHECK_DEVICE_STATE), 0);
	return (size_t)length;
}

static uint64_t load_state(unsigned int end, const uint8_t *bytes, size_t length)
{
	int fd = ask_for_state(end, VU_STATE_LOAD);

	assert_int_equal(write(fd, bytes, length), length);
	close(fd);
	return frontend_get(&guest[end], VU_CHECK_DEVICE_STATE);
}

/* No byte of it may be another one, and none missing. */
static void move_state(unsigned int from, unsigned int to)
{
	uint8_t bytes[256];
	size_t length = save_state(from, bytes);

	for (size_t i = 0; i < length; i += 5) {
		assert_int_not_equal(load_state(to, bytes, i), 0);
		bytes[i] ^= 4;
		assert_int_not_equal(load_state(to, bytes, length), 0);
		bytes[i] ^= 4;
	}
	assert_int_equal(load_state(to, bytes, length), 0);
}

static uint8_t switch_cache(unsigned int end, uint8_t on)
{
	struct vu_config config = { .offset = offsetof(struct virtio_blk_config, wce), .size = 1 };

	config.bytes[0] = on;
	return (uint8_t)frontend_call(&guest[end], VU_SET_CONFIG, &config, VU_CONFIG_HEADER + 1, NULL, 0);
}

static uint8_t cache(unsigned int end)
{
	struct vu_config config = { .size = 60 };

	frontend_send(&guest[end], VU_GET_CONFIG, 0, &config, VU_CONFIG_HEADER + 60, NULL, 0);
	frontend_receive(&guest[end], VU_GET_CONFIG, &config, VU_CONFIG_HEADER + 60);
	return config.bytes[offsetof(struct virtio_blk_config, wce)];
}

static void move(struct random *random)
{
	const unsigned int from = here, to = !here;

	prepare(to);
	assert_true(shows(to, "status", "incoming"));
	begin_log(from);
	memcpy(guest[to].guest.host, guest[from].guest.host, MEMORY);
	memset(own, 0, sizeof(own));
	for (unsigned int i = 0; i < 3; i++) {
		run(random);
		copy_pages(from, to, true);
	}
	leave_in_flight(random, to);
	guest[to].base[0] = frontend_stop_ring(&guest[from], 0);
	wait_until_shown(from, "status", "incoming");
	copy_pages(from, to, true);
	move_state(from, to);
	assert_int_equal(cache(to), cache(from));
	become(&guest[to].rings[0], &guest[from].rings[0]);
	guest[to].guest.allocated = guest[from].guest.allocated;
	end_log(from);
	here = to;
	assert_true(frontend_announce_ring(&guest[to], 0));
	frontend_enable_ring(&guest[to], 0, true);
	expect_all();
	assert_true(shows(to, "status", "ready"));
	assert_true(shows(to, "writer", NULL));
	run(random);
}

static void it_moves_there_and_back(uint64_t features)
{
	struct random random = { 20260301 };

	add(0, "");
	assert_null(try_to_add(1, ""));
	add(1, ",\"incoming\":true");
	/* Who has it alone gives it another size. */
	assert_null(daemon_call(&iovd[1], "disk.resize", "{\"name\":\"d\",\"bytes\":%d}", 2 * DISK_BYTES));
	boot(0, features);
	run(&random);
	assert_int_equal(switch_cache(0, 0), 0);
	move(&random);
	assert_int_equal(cache(1), 0);
	/* Who is killed afterwards finds it as it was. */
	while (busy())
		wait_for_one();
	daemon_crash(&iovd[0]);
	daemon_restart(&iovd[0]);
	assert_true(shows(0, "status", "incoming"));
	move(&random);
	assert_int_equal(here, 0);
	expect_all();
}

static void a_guest_moves_there_and_back(void **state)
{
	(void)state;
	it_moves_there_and_back(0);
}

static void with_a_packed_ring(void **state)
{
	(void)state;
	it_moves_there_and_back(BIT(VIRTIO_F_RING_PACKED));
}

/* A VMM that fails to send the guest starts its rings again. */
static void a_move_that_fails_goes_on_at_the_source(void **state)
{
	struct random random = { 20260302 };

	(void)state;
	add(0, "");
	add(1, ",\"incoming\":true");
	boot(0, 0);
	run(&random);
	begin_log(0);
	run(&random);
	guest[0].base[0] = frontend_stop_ring(&guest[0], 0);
	wait_until_shown(0, "status", "incoming");
	end_log(0);
	assert_int_equal(frontend_set(&guest[0], VU_SET_FEATURES, guest[0].features), 0);
	assert_true(frontend_announce_ring(&guest[0], 0));
	run(&random);
	expect_all();
	assert_true(shows(0, "status", "ready"));
	assert_true(shows(1, "status", "incoming"));
	/* And has it for itself again, also after it was killed. */
	assert_null(try_to_add(1, ""));
	daemon_crash(&iovd[0]);
	daemon_restart(&iovd[0]);
	wait_until_shown(0, "status", "ready");
}

/* One that comes too early waits, and nothing that it asks for is done. */
static void who_comes_early_waits(void **state)
{
	struct random random = { 20260303 };
	char source[64];

	(void)state;
	snprintf(source, sizeof(source), "pid %d", (int)iovd[0].pid);
	add(0, "");
	add(1, ",\"incoming\":true");
	boot(0, 0);
	run(&random);
	expect_all();
	boot(1, 0);
	submit(&slots[0], 7, true);
	wait_until_shown(1, "status", "waits-for-writer");
	assert_true(shows(1, "writer", source));
	/* To stop a ring is not to move. */
	guest[0].base[0] = frontend_stop_ring(&guest[0], 0);
	assert_true(shows(0, "status", "ready"));
	assert_true(shows(1, "status", "waits-for-writer"));
	assert_false(take_back());
	assert_true(frontend_announce_ring(&guest[0], 0));
	begin_log(0);
	frontend_stop_ring(&guest[0], 0);
	wait_for_one();
	wait_until_shown(1, "status", "ready");
	expect_all();
	/* What wants it where it was waits in turn. */
	assert_true(frontend_announce_ring(&guest[0], 0));
	wait_until_shown(0, "status", "waits-for-writer");
	frontend_stop_ring(&guest[0], 0);
	wait_until_shown(0, "status", "incoming");
	end_log(0);
}

/* As a source has it whose guest is gone, and whose writes take as long as their medium takes. */
static int hold_as_let_go(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_return_code(ftruncate(fd, DISK_BYTES), errno);
	assert_return_code(flock(fd, LOCK_SH), errno);
	return fd;
}

/* Another guest, whose disk is let go and not written back. */
static void begin_patience(struct frontend *other)
{
	daemon_do(&iovd[1], "disk.add", "{\"name\":\"e\",\"socket\":\"%s/e\",\"server\":true,"
		  "\"backend\":\"file\",\"path\":\"%s/other\",\"incoming\":true}",
		  iovd[1].directory, iovd[0].directory);
	frontend_open(other, frontend_connect(daemon_path(&iovd[1], "e")), MEMORY);
	frontend_negotiate(other, FEATURES);
	assert_int_equal(frontend_share_memory(other), 0);
	frontend_start_ring(other, 0);
	frontend_enable_ring(other, 0, true);
}

/* The guest goes on at the source: what came to the destination is old by then. */
static void nobody_is_waited_for_for_ever(void **state)
{
	struct frontend other = { 0 };
	int fd;

	(void)state;
	fd = hold_as_let_go(daemon_path(&iovd[0], "other"));
	begin_patience(&other);
	add(0, "");
	add(1, ",\"incoming\":true");
	boot(0, 0);
	boot(1, 0);
	submit(&slots[0], 7, true);
	wait_until_shown(1, "status", "waits-for-writer");
	wait_until_shown(1, "status", "given-up");
	/* While nobody can write nothing is old, however long that takes. */
	assert_string_equal(daemon_port(&iovd[1], "disk.list", "e", "status"), "waits-for-writer");
	close(fd);
	for (unsigned int tries = 0; tries < 100; tries++) {
		if (!strcmp(daemon_port(&iovd[1], "disk.list", "e", "status"), "ready"))
			break;
		poll(NULL, 0, 20);
	}
	assert_string_equal(daemon_port(&iovd[1], "disk.list", "e", "status"), "ready");
	frontend_close(&other);
	daemon_do(&iovd[1], "disk.remove", "{\"name\":\"e\"}");
	daemon_do(&iovd[0], "disk.remove", "{\"name\":\"d\"}");
	poll(NULL, 0, 200);
	assert_true(shows(1, "status", "given-up"));
	assert_false(take_back());
	/* It is the same guest that comes again, to this iovd and the next one. */
	come_again(1);
	daemon_crash(&iovd[1]);
	daemon_restart(&iovd[1]);
	assert_true(shows(1, "status", "given-up"));
	come_again(1);
	/* Another guest is another matter. */
	frontend_close(&guest[1]);
	memset(&guest[1], 0, sizeof(guest[1]));
	memset(slots, 0, sizeof(slots));
	memset(is_taken, 0, sizeof(is_taken));
	boot(1, 0);
	expect_all();
	assert_true(shows(1, "status", "ready"));
}

/* Whose lock the kernel does not list: here a process outside the PID namespace. */
static void who_cannot_be_seen_counts_as_alive(void **state)
{
	static const char unknown[] = "unknown: another host or PID namespace";
	int fd;

	(void)state;
	if (geteuid()) {
		print_message("missing: root, for a PID namespace\n");
		skip();
	}
	daemon_crash(&iovd[1]);
	iovd[1].is_apart = true;
	daemon_restart(&iovd[1]);
	add(0, "");
	assert_null(try_to_add(1, ""));
	add(1, ",\"incoming\":true");
	boot(1, 0);
	submit(&slots[0], 7, true);
	wait_until_shown(1, "status", "waits-for-writer");
	assert_true(shows(1, "writer", unknown));
	wait_until_shown(1, "status", "given-up");
	assert_true(shows(1, "writer", unknown));
	daemon_do(&iovd[0], "disk.remove", "{\"name\":\"d\"}");
	poll(NULL, 0, 200);
	assert_true(shows(1, "status", "given-up"));
	assert_false(take_back());
	/* An iovd that comes next cannot tell whether that is what the one before still writes. */
	daemon_do(&iovd[1], "disk.remove", "{\"name\":\"d\"}");
	add(1, "");
	daemon_crash(&iovd[1]);
	fd = open(image, O_RDWR | O_CLOEXEC);
	assert_return_code(flock(fd, LOCK_EX), errno);
	daemon_restart(&iovd[1]);
	assert_true(shows(1, "status", "waits-for-writer"));
	assert_true(shows(1, "writer", unknown));
	/* Who has it may rely on its size. */
	assert_null(daemon_call(&iovd[1], "disk.resize", "{\"name\":\"d\",\"bytes\":%d}", 2 * DISK_BYTES));
	close(fd);
	wait_until_shown(1, "status", "ready");
}

/* Post-copy: the front end where the guest goes to has its memory page by page. */

static int userfault = -1;

/* Another guest at the same worker, which must not notice. */
static struct frontend neighbor;

static void restart_for_postcopy(unsigned int end)
{
	daemon_crash(&iovd[end]);
	iovd[end].also = "--postcopy";
	daemon_restart(&iovd[end]);
}

static void serve_neighbor(unsigned int end)
{
	daemon_do(&iovd[end], "disk.add", "{\"name\":\"n\",\"socket\":\"%s/n\",\"server\":true,"
		  "\"backend\":\"memory\",\"bytes\":65536}", iovd[end].directory);
	memset(&neighbor, 0, sizeof(neighbor));
	frontend_open(&neighbor, frontend_connect(daemon_path(&iovd[end], "n")), MEMORY);
	frontend_negotiate(&neighbor, FEATURES);
	assert_int_equal(frontend_share_memory(&neighbor), 0);
	frontend_start_ring(&neighbor, 0);
	frontend_enable_ring(&neighbor, 0, true);
}

static void expect_neighbor(void)
{
	const struct virtio_blk_outhdr header = { htole32(VIRTIO_BLK_T_IN), 0, 0 };
	const uint64_t memory = guest_alloc(&neighbor.guest, UINT64_C(2) * PAGE, PAGE);
	const struct driver_buffer buffers[] = {
		{ memory, sizeof(header), false }, { memory + 512, 513, true },
	};
	const uint64_t end = monotonic_ms() + PATIENCE_MS;
	struct vring_used_elem element;

	memcpy(guest_at(&neighbor.guest, memory), &header, sizeof(header));
	assert_true(driver_add(&neighbor.rings[0], buffers, 2) >= 0);
	if (driver_publish(&neighbor.rings[0]))
		eventfd_write(neighbor.kick[0], 1);
	while (!driver_used(&neighbor.rings[0], &element)) {
		assert_true(monotonic_ms() < end);
		poll(NULL, 0, 1);
	}
}

/* False where there is no post-copy. */
static bool arrive_early(unsigned int to)
{
	struct frontend *there = &guest[to];
	uint64_t go = 0;

	memset(there, 0, sizeof(*there));
	connect_to(to);
	frontend_negotiate(there, guest[here].features);
	if (!(there->protocol_features & BIT(VU_PROTOCOL_PAGEFAULT)))
		return false;
	track(to);
	userfault = frontend_share_memory_early(there);
	frontend_send(there, VU_SET_MEM_TABLE, 0, &go, sizeof(go), NULL, 0);
	driver_open(&there->rings[0], &there->guest, FRONTEND_RING_SIZE, there->features);
	return true;
}

static void drop_page(uint64_t gpa)
{
	assert_return_code(fallocate(guest[here].guest.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				     (off_t)(gpa - guest[here].guest.gpa), PAGE), errno);
}

/* The guest runs there, with requests from here and new ones, and what it reads into is missing. */
static void go_early(struct random *random, unsigned int to)
{
	const unsigned int from = here;

	begin_log(from);
	run(random);
	guest[to].base[0] = frontend_stop_ring(&guest[from], 0);
	wait_until_shown(from, "status", "incoming");
	while (take_back())
		;
	move_state(from, to);
	memcpy(guest[to].guest.host, guest[from].guest.host, MEMORY);
	become(&guest[to].rings[0], &guest[from].rings[0]);
	guest[to].guest.allocated = guest[from].guest.allocated;
	end_log(from);
	here = to;
	assert_true(frontend_announce_ring(&guest[to], 0));
	frontend_enable_ring(&guest[to], 0, true);
	submit_any(random);
	assert_true(busy() > DEPTH / 2);
	for (unsigned int i = 0; i < DEPTH; i++)
		if (slots[i].is_busy && !slots[i].is_write)
			drop_page(slots[i].memory + PAGE);
}

/* Nobody waits for a page within iovd, so nothing has to be sent for others to go on. */
static void expect_to_stand(unsigned int to)
{
	struct pollfd fault = { .fd = userfault, .events = POLLIN };

	wait_until_shown(to, "status", "waits-for-memory");
	assert_true(shows(to, "writer", NULL));
	for (unsigned int i = 0; i < 10; i++) {
		expect_neighbor();
		assert_int_equal(poll(&fault, 1, 20), 0);
		assert_false(take_back());
	}
	assert_null(daemon_call(&iovd[to], "disk.remove", "{\"name\":\"d\",\"unused\":true}"));
}

static bool begin_early(struct random *random, uint64_t features)
{
	restart_for_postcopy(1);
	add(0, "");
	add(1, ",\"incoming\":true");
	serve_neighbor(1);
	boot(0, features);
	run(random);
	if (!arrive_early(1))
		return false;
	go_early(random, 1);
	expect_to_stand(1);
	return true;
}

static void end_early(void)
{
	if (userfault >= 0)
		close(userfault);
	userfault = -1;
	frontend_close(&neighbor);
}

static void moves_by_post_copy(uint64_t features)
{
	struct random random = { 20260304 };

	if (!begin_early(&random, features)) {
		end_early();
		print_message("missing: userfaultfd\n");
		skip();
	}
	/* Rings are stopped and started meanwhile. */
	assert_int_equal(frontend_state(&guest[1], VU_SET_VRING_ENABLE, 0, 0), 0);
	assert_int_equal(frontend_state(&guest[1], VU_SET_VRING_ENABLE, 0, 1), 0);
	expect_to_stand(1);
	assert_int_equal(frontend_get(&guest[1], VU_POSTCOPY_END), 0);
	expect_all();
	run(&random);
	expect_all();
	assert_true(shows(1, "status", "ready"));
	expect_neighbor();
	end_early();
}

static void a_guest_moves_by_post_copy(void **state)
{
	(void)state;
	moves_by_post_copy(0);
}

static void by_post_copy_with_a_packed_ring(void **state)
{
	(void)state;
	moves_by_post_copy(BIT(VIRTIO_F_RING_PACKED));
}

/* Nothing that it had asked for is done with memory that never came. */
static void a_source_that_dies_half_way_costs_its_guest_alone(void **state)
{
	struct random random = { 20260305 };
	static uint8_t before[DISK_BYTES], after[DISK_BYTES];
	int fd;

	(void)state;
	if (!begin_early(&random, 0)) {
		end_early();
		print_message("missing: userfaultfd\n");
		skip();
	}
	fd = open(image, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, before, DISK_BYTES, 0), DISK_BYTES);
	frontend_close(&guest[1]);
	memset(&guest[1], 0, sizeof(guest[1]));
	close(userfault);
	userfault = -1;
	expect_neighbor();
	wait_until_shown(1, "status", "ready");
	assert_int_equal(pread(fd, after, DISK_BYTES, 0), DISK_BYTES);
	assert_memory_equal(before, after, DISK_BYTES);
	close(fd);
	/* The next one is served. */
	memset(slots, 0, sizeof(slots));
	memset(is_taken, 0, sizeof(is_taken));
	boot(1, 0);
	submit(&slots[0], 7, true);
	wait_for_one();
	expect_neighbor();
	end_early();
}

/* The page cache of a host knows nothing of what another one wrote to a device. */
static void no_device_is_incoming_by_the_page_cache(void **state)
{
	char *name, *path = strdup(image);
	int fd = loop_open(path, &name);

	(void)state;
	free(path);
	if (fd < 0) {
		print_message("missing: a loop device\n");
		skip();
	}
	add(0, ",\"incoming\":true,\"cached\":true");
	snprintf(image, sizeof(image), "%s", name);
	assert_null(try_to_add(1, ",\"incoming\":true,\"cached\":true"));
	assert_null(try_to_add(1, ",\"incoming\":true,\"cached\":true,\"dry_run\":true"));
	add(1, ",\"incoming\":true");
	daemon_do(&iovd[1], "disk.remove", "{\"name\":\"d\"}");
	add(1, ",\"cached\":true");
	daemon_do(&iovd[1], "disk.remove", "{\"name\":\"d\"}");
	close(fd);
	free(name);
}

static void only_what_has_a_lock_can_be_incoming(void **state)
{
	(void)state;
	assert_null(daemon_call(&iovd[0], "disk.add", "{\"name\":\"m\",\"socket\":\"%s/m\",\"server\":true,"
				"\"backend\":\"memory\",\"bytes\":1048576,\"incoming\":true}",
				iovd[0].directory));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_guest_moves_there_and_back),
		TEST(with_a_packed_ring),
		TEST(a_move_that_fails_goes_on_at_the_source),
		TEST(who_comes_early_waits),
		TEST(nobody_is_waited_for_for_ever),
		TEST(who_cannot_be_seen_counts_as_alive),
		TEST(no_device_is_incoming_by_the_page_cache),
		TEST(only_what_has_a_lock_can_be_incoming),
		TEST(a_guest_moves_by_post_copy),
		TEST(by_post_copy_with_a_packed_ring),
		TEST(a_source_that_dies_half_way_costs_its_guest_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
