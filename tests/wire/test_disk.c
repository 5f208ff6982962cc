// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disks of iovd: what guests write is there, and iovd that is killed loses nothing of it.
 *
 * IOV_DISK=DEVICE: only what needs a device that may fail, below /dev/mapper and with the
 * beginning of IOV_BELOW in it; with IOV_LOG=DEVICE, one that dm-log-writes makes a log of there.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "tests/unit/nbd.h"
#include "tests/unit/random.h"
#include "tests/unit/test.h"
#include "tests/wire/daemon.h"
#include "tests/wire/frontend.h"
#include "tests/wire/write_log.h"

#define BLOCK 4096
#define BLOCKS 64
#define DISK_BYTES (BLOCKS * BLOCK)
#define DEPTH 16
#define MEMORY (UINT64_C(8) << 20)
#define PACKED BIT(VIRTIO_F_RING_PACKED)
#define FEATURES                                                                                   \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
	 BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_CONFIG_WCE) | BIT(VIRTIO_BLK_F_DISCARD) |      \
	 BIT(VIRTIO_BLK_F_WRITE_ZEROES))

/* Only to end a test that would hang. */
#define PATIENCE_MS 60000

struct slot {
	uint64_t memory;	/* header, data, status */
	unsigned int block;
	uint32_t generation;	/* that is written, or that a read has to find */
	bool is_write;
	bool is_busy;
	int head;
};

static struct daemon iovd;
static struct frontend guest;
static struct vu_inflight_area area;
static int inflight_fd;
static struct slot slots[DEPTH];
static uint32_t written[BLOCKS];	/* generation that each block has */
static bool is_busy[BLOCKS];
static unsigned int ring;		/* that requests go to */
static pid_t server;			/* of NBD, that has the image; 0 for none */

static int setup(void **state)
{
	(void)state;
	if (!iovd.option)
		iovd.option = getenv("IOV_DISK") ? "--allow=/dev" : "--allow=/tmp";
	daemon_start(&iovd);
	inflight_fd = -1;
	memset(slots, 0, sizeof(slots));
	memset(written, 0, sizeof(written));
	memset(is_busy, 0, sizeof(is_busy));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (guest.fd > 0)
		frontend_close(&guest);
	memset(&guest, 0, sizeof(guest));
	if (inflight_fd >= 0)
		close(inflight_fd);
	if (server)
		nbd_end(server);
	server = 0;
	daemon_clean(&iovd);
	iovd.option = iovd.also = NULL;
	ring = 0;
	return 0;
}

static void make_image(const char *name, off_t bytes)
{
	int fd = open(daemon_path(&iovd, name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, bytes), errno);
	close(fd);
}

static void add_disk(const char *name, const char *rest)
{
	daemon_do(&iovd, "disk.add", "{\"name\":\"%s\",\"socket\":\"%s/%s.sock\",\"server\":true,%s}",
		  name, iovd.directory, name, rest);
}

static void add_file(const char *name, const char *image)
{
	char rest[200];

	snprintf(rest, sizeof(rest), "\"backend\":\"file\",\"path\":\"%s/%s\"", iovd.directory, image);
	add_disk(name, rest);
}

/* The same image behind a server of others, in its way. */
static void serve(const char *image, const char *filter, const char *param)
{
	char path[120], address[120];
	const char *argv[] = { "nbdkit", "-f", "-U",  address, filter ? filter : "--no-sr",
			       "file",   path, param, NULL };

	snprintf(path, sizeof(path), "%s/%s", iovd.directory, image);
	snprintf(address, sizeof(address), "%s/nbd", iovd.directory);
	server = nbd_start(address, argv);
}

static void add_served(const char *name, const char *on_error)
{
	char rest[240];

	snprintf(rest, sizeof(rest),
		 "\"backend\":\"nbd\",\"uri\":\"nbd+unix:///?socket=%s/nbd\",\"on_error\":\"%s\"",
		 iovd.directory, on_error);
	add_disk(name, rest);
}

static int connect_to(const char *name)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.sock", iovd.directory, name);
	fd = frontend_connect(path);
	assert_return_code(fd, errno);
	return fd;
}

static void track(void)
{
	area = (struct vu_inflight_area){ .queues = 1, .entries = FRONTEND_RING_SIZE };
	frontend_send(&guest, VU_GET_INFLIGHT_FD, 0, &area, sizeof(area), NULL, 0);
	assert_int_equal(frontend_receive_fd(&guest, VU_GET_INFLIGHT_FD, &area, sizeof(area),
					     &inflight_fd), sizeof(area));
}

static void set_inflight(void)
{
	assert_int_equal(frontend_call(&guest, VU_SET_INFLIGHT_FD, &area, sizeof(area), &inflight_fd,
				       1), 0);
}

static void boot(const char *name, uint64_t features)
{
	frontend_open(&guest, connect_to(name), MEMORY);
	frontend_negotiate(&guest, features);
	track();
	set_inflight();
	assert_int_equal(frontend_share_memory(&guest), 0);
	frontend_start_ring(&guest, 0);
	frontend_enable_ring(&guest, 0, true);
	for (unsigned int i = 0; i < DEPTH; i++)
		slots[i].memory = guest_alloc(&guest.guest, 16 + BLOCK + 1, 16);
}

/* As a VMM does that lost its back end. */
static void reattach(const char *name)
{
	close(guest.fd);
	guest.fd = connect_to(name);
	frontend_negotiate(&guest, guest.features);
	set_inflight();
	assert_int_equal(frontend_share_memory(&guest), 0);
	assert_true(frontend_announce_ring(&guest, 0));
	frontend_enable_ring(&guest, 0, true);
}

static uint8_t *bytes_of(const struct slot *slot)
{
	return (uint8_t *)guest_at(&guest.guest, slot->memory) + 16;
}

static uint8_t *status_of(const struct slot *slot)
{
	return bytes_of(slot) + BLOCK;
}

/* Each word tells where it belongs, and since when. */
static void fill(uint8_t *bytes, unsigned int block, uint32_t generation)
{
	for (unsigned int i = 0; i < BLOCK / 8; i++) {
		uint64_t word = generation ? (uint64_t)generation << 32 | block << 16 | i : 0;

		memcpy(bytes + 8 * i, &word, 8);
	}
}

static void expect_content(const uint8_t *bytes, unsigned int block, uint32_t generation)
{
	uint8_t expected[BLOCK];

	fill(expected, block, generation);
	assert_memory_equal(bytes, expected, BLOCK);
}

static void kick(void)
{
	if (driver_publish(&guest.rings[ring]))
		eventfd_write(guest.kick[ring], 1);
}

static void submit(struct slot *slot, uint32_t type, uint64_t sector, uint32_t out, uint32_t in)
{
	const struct virtio_blk_outhdr header = { htole32(type), 0, htole64(sector) };
	struct driver_buffer buffers[3] = { { slot->memory, 16 + out, false } };
	unsigned int count = 1;

	memcpy(guest_at(&guest.guest, slot->memory), &header, sizeof(header));
	*status_of(slot) = 0xff;
	if (in)
		buffers[count++] = (struct driver_buffer){ slot->memory + 16, in, true };
	buffers[count++] = (struct driver_buffer){ slot->memory + 16 + BLOCK, 1, true };
	slot->head = driver_add(&guest.rings[ring], buffers, count);
	assert_true(slot->head >= 0);
	slot->is_busy = true;
	kick();
}

/* Any one that is given back; NULL when there is none. */
static struct slot *look(void)
{
	struct vring_used_elem element;

	if (!driver_used(&guest.rings[ring], &element))
		return NULL;
	for (unsigned int i = 0; i < DEPTH; i++) {
		if (slots[i].is_busy && (uint32_t)slots[i].head == element.id) {
			slots[i].is_busy = false;
			return &slots[i];
		}
	}
	fail_msg("%u is given back, and is not in flight", element.id);
	return NULL;
}

static struct slot *wait_for_one(void)
{
	const uint64_t end = monotonic_ms() + PATIENCE_MS;
	struct slot *slot;

	while (!(slot = look())) {
		assert_true(monotonic_ms() < end);
		poll(NULL, 0, 1);
	}
	return slot;
}

static uint8_t ask(uint32_t type, uint64_t sector, uint32_t out, uint32_t in)
{
	submit(&slots[0], type, sector, out, in);
	assert_ptr_equal(wait_for_one(), &slots[0]);
	return *status_of(&slots[0]);
}

static void what_is_kept(uint64_t features)
{
	struct vu_config config = { .size = 60 };
	struct virtio_blk_config space;
	uint64_t capacity;

	boot("d", FEATURES | features);
	frontend_send(&guest, VU_GET_CONFIG, 0, &config, VU_CONFIG_HEADER + 60, NULL, 0);
	frontend_receive(&guest, VU_GET_CONFIG, &config, VU_CONFIG_HEADER + 60);
	memcpy(&space, config.bytes, 60);
	capacity = le64toh(space.capacity);
	assert_int_equal(capacity, DISK_BYTES / 512);
	fill(bytes_of(&slots[0]), 5, 9);
	assert_int_equal(ask(VIRTIO_BLK_T_OUT, 5 * 8, BLOCK, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
	memset(bytes_of(&slots[0]), 0x55, BLOCK);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 5 * 8, 0, BLOCK), VIRTIO_BLK_S_OK);
	expect_content(bytes_of(&slots[0]), 5, 9);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, DISK_BYTES / 512, 0, BLOCK), VIRTIO_BLK_S_IOERR);
	memset(bytes_of(&slots[0]), 0, BLOCK);
	*(struct virtio_blk_discard_write_zeroes *)bytes_of(&slots[0]) =
		(struct virtio_blk_discard_write_zeroes){ htole64(5 * 8), htole32(8), 0 };
	assert_int_equal(ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 5 * 8, 0, BLOCK), VIRTIO_BLK_S_OK);
	expect_content(bytes_of(&slots[0]), 5, 0);
	/* It has drained when it says where it stands. */
	assert_true(frontend_stop_ring(&guest, 0) > 0);
}

static void what_is_written_is_there(uint64_t features)
{
	make_image("image", DISK_BYTES);
	add_file("d", "image");
	what_is_kept(features);
}

static void of_a_split_ring(void **state)
{
	(void)state;
	what_is_written_is_there(0);
}

static void of_a_packed_ring(void **state)
{
	(void)state;
	what_is_written_is_there(PACKED);
}

static void in_order(void **state)
{
	(void)state;
	what_is_written_is_there(BIT(VIRTIO_F_IN_ORDER));
}

/* What is under way and stays there. */
static void submit_any(struct random *random)
{
	for (unsigned int i = 0; i < DEPTH; i++) {
		struct slot *slot = &slots[i];
		unsigned int block = random_below(random, BLOCKS);

		if (slot->is_busy || is_busy[block])
			continue;
		is_busy[block] = true;
		slot->block = block;
		slot->is_write = random_one_in(random, 2);
		slot->generation = written[block] + slot->is_write;
		if (slot->is_write)
			fill(bytes_of(slot), block, slot->generation);
		else
			memset(bytes_of(slot), 0x55, BLOCK);
		submit(slot, slot->is_write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN, block * 8,
		       slot->is_write ? BLOCK : 0, slot->is_write ? 0 : BLOCK);
	}
}

static void take_back(struct slot *slot)
{
	assert_int_equal(*status_of(slot), VIRTIO_BLK_S_OK);
	if (slot->is_write)
		written[slot->block] = slot->generation;
	else
		expect_content(bytes_of(slot), slot->block, slot->generation);
	is_busy[slot->block] = false;
}

/* Traffic for a moment; some of it is in flight when this returns. */
static void run(struct random *random)
{
	for (unsigned int left = random_below(random, 200); left--;) {
		submit_any(random);
		take_back(wait_for_one());
	}
	submit_any(random);
}

static void expect_all(void)
{
	struct slot *slot;

	for (unsigned int i = 0; i < DEPTH; i++)
		while (slots[i].is_busy)
			take_back(wait_for_one());
	for (unsigned int block = 0; block < BLOCKS; block++) {
		assert_int_equal(ask(VIRTIO_BLK_T_IN, block * 8, 0, BLOCK), VIRTIO_BLK_S_OK);
		expect_content(bytes_of(&slots[0]), block, written[block]);
	}
	slot = look();
	assert_null(slot);
}

static unsigned int kills(void)
{
	const char *soak = getenv("IOVKIT_SOAK");

	return 10 * (soak ? (unsigned int)strtoul(soak, NULL, 10) : 1);
}

/* Each request is given back once, and each block has what was written last. */
static void kills_of_iovd(uint64_t features, unsigned int count)
{
	struct random random = { 20260229 };

	boot("d", FEATURES | features);
	for (unsigned int i = 0; i < count; i++) {
		run(&random);
		if (i % 4 == 3)
			assert_int_equal(daemon_end(&iovd), 0);
		else
			daemon_crash(&iovd);
		daemon_restart(&iovd);
		reattach("d");
	}
	run(&random);
	expect_all();
}

static void it_goes_on_after(uint64_t features, unsigned int count)
{
	make_image("image", DISK_BYTES);
	add_file("d", "image");
	kills_of_iovd(features, count);
}

static void kills_with_a_split_ring(void **state)
{
	(void)state;
	it_goes_on_after(0, kills());
}

static void kills_with_a_packed_ring(void **state)
{
	(void)state;
	it_goes_on_after(PACKED, kills());
}

static void kills_in_order(void **state)
{
	(void)state;
	it_goes_on_after(BIT(VIRTIO_F_IN_ORDER), kills() / 2);
}

static void expect_refused(const char *name, const char *rest)
{
	assert_null(daemon_call(&iovd, "disk.add",
				"{\"name\":\"%s\",\"socket\":\"%s/%s.sock\",\"server\":true,%s}",
				name, iovd.directory, name, rest));
}

static void what_cannot_be_a_disk_is_refused(void **state)
{
	char rest[300];

	(void)state;
	make_image("image", DISK_BYTES);
	make_image("odd", DISK_BYTES + 1);
	add_file("d", "image");
	snprintf(rest, sizeof(rest), "\"backend\":\"file\",\"path\":\"%s/image\"", iovd.directory);
	expect_refused("e", rest);
	snprintf(rest, sizeof(rest), "\"backend\":\"file\",\"path\":\"%s/image\",\"read_only\":true",
		 iovd.directory);
	expect_refused("e", rest);
	snprintf(rest, sizeof(rest), "\"backend\":\"file\",\"path\":\"%s/odd\"", iovd.directory);
	expect_refused("e", rest);
	snprintf(rest, sizeof(rest), "\"backend\":\"file\",\"path\":\"%s/none\"", iovd.directory);
	expect_refused("e", rest);
	snprintf(rest, sizeof(rest), "\"backend\":\"file\",\"path\":\"%s\"", iovd.directory);
	expect_refused("e", rest);
	expect_refused("e", "\"backend\":\"file\",\"path\":\"image\"");
	expect_refused("e", "\"backend\":\"file\",\"bytes\":4096");
	expect_refused("e", "\"backend\":\"memory\"");
	expect_refused("e", "\"backend\":\"memory\",\"bytes\":100");
	expect_refused("e", "\"backend\":\"memory\",\"bytes\":-4096");
	expect_refused("e", "\"backend\":\"floppy\",\"bytes\":4096");
	expect_refused("e", "\"backend\":\"null\",\"bytes\":4096,\"queues\":257");
	expect_refused("e", "\"backend\":\"null\",\"bytes\":4096,\"serial\":\"too-long-for-the-"
			    "twenty-bytes\"");
	expect_refused("e", "\"backend\":\"null\",\"bytes\":4096,\"on_error\":\"ignore\"");
	expect_refused("d", "\"backend\":\"null\",\"bytes\":4096");
	/* And it is free again. */
	daemon_do(&iovd, "disk.remove", "{\"name\":\"d\"}");
	add_file("e", "image");
	assert_null(daemon_call(&iovd, "disk.show", "{\"name\":\"d\"}"));
	assert_null(daemon_call(&iovd, "port.show", "{\"name\":\"e\"}"));
	assert_null(daemon_call(&iovd, "port.remove", "{\"name\":\"e\"}"));
}

static void a_disk_is_resized(void **state)
{
	(void)state;
	make_image("image", DISK_BYTES);
	add_file("d", "image");
	boot("d", FEATURES);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, DISK_BYTES / 512, 0, BLOCK), VIRTIO_BLK_S_IOERR);
	daemon_do(&iovd, "disk.resize", "{\"name\":\"d\",\"bytes\":%d}", 2 * DISK_BYTES);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, DISK_BYTES / 512, 0, BLOCK), VIRTIO_BLK_S_OK);
	/* Cut by somebody else: those requests fail, and others do not. */
	assert_return_code(truncate(daemon_path(&iovd, "image"), DISK_BYTES), errno);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, DISK_BYTES / 512, 0, BLOCK), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 0, 0, BLOCK), VIRTIO_BLK_S_OK);
	assert_string_equal(daemon_port(&iovd, "disk.list", "d", "status"), "shrunk");
	assert_null(daemon_call(&iovd, "disk.resize", "{\"name\":\"d\"}"));
	assert_null(daemon_call(&iovd, "disk.resize", "{\"name\":\"d\",\"dry_run\":true}"));
	daemon_do(&iovd, "disk.resize", "{\"name\":\"d\",\"shrink\":true}");
	assert_string_equal(daemon_port(&iovd, "disk.list", "d", "status"), "ready");
	assert_null(daemon_call(&iovd, "disk.resize", "{\"name\":\"d\",\"bytes\":1}"));
	/* What would be lost is lost when somebody says so. */
	assert_null(daemon_call(&iovd, "disk.resize", "{\"name\":\"d\",\"bytes\":%d,\"dry_run\":true}",
				DISK_BYTES / 2));
	assert_null(daemon_call(&iovd, "disk.resize", "{\"name\":\"d\",\"bytes\":%d}", DISK_BYTES / 2));
	assert_int_equal(ask(VIRTIO_BLK_T_IN, DISK_BYTES / 1024, 0, BLOCK), VIRTIO_BLK_S_OK);
	daemon_do(&iovd, "disk.resize", "{\"name\":\"d\",\"bytes\":%d,\"shrink\":true}", DISK_BYTES / 2);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, DISK_BYTES / 1024, 0, BLOCK), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 0, 0, BLOCK), VIRTIO_BLK_S_OK);
	/* Nothing is no size of a disk. */
	assert_return_code(truncate(daemon_path(&iovd, "image"), 0), errno);
	assert_null(daemon_call(&iovd, "disk.resize", "{\"name\":\"d\",\"shrink\":true}"));
	assert_string_equal(daemon_port(&iovd, "disk.list", "d", "status"), "gone");
	daemon_do(&iovd, "disk.resize", "{\"name\":\"d\",\"bytes\":%d}", DISK_BYTES);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, DISK_BYTES / 1024, 0, BLOCK), VIRTIO_BLK_S_OK);
}

/* It goes with iovd, and the next one would have another file: that is told before. */
static void a_file_that_is_replaced_is_told_of(void **state)
{
	char path[120];

	(void)state;
	make_image("image", DISK_BYTES);
	add_file("d", "image");
	boot("d", FEATURES);
	assert_string_equal(daemon_port(&iovd, "disk.list", "d", "status"), "ready");
	make_image("other", DISK_BYTES);
	snprintf(path, sizeof(path), "%s", daemon_path(&iovd, "other"));
	assert_return_code(rename(path, daemon_path(&iovd, "image")), errno);
	assert_string_equal(daemon_port(&iovd, "disk.list", "d", "status"), "unlinked");
	assert_int_equal(ask(VIRTIO_BLK_T_OUT, 0, BLOCK, 0), VIRTIO_BLK_S_OK);
}

/* What the next iovd finds. */
static const char *state_text(void)
{
	static char text[4096];
	int fd = open(iovd.state, O_RDONLY | O_CLOEXEC);
	ssize_t length = read(fd, text, sizeof(text) - 1);

	assert_true(length > 0);
	text[length] = 0;
	close(fd);
	return text;
}

static uint64_t switch_cache(uint8_t on)
{
	struct vu_config config = { .offset = offsetof(struct virtio_blk_config, wce), .size = 1 };

	config.bytes[0] = on;
	return frontend_call(&guest, VU_SET_CONFIG, &config, VU_CONFIG_HEADER + 1, NULL, 0);
}

static uint8_t cache(void)
{
	struct vu_config config = { .size = 60 };

	frontend_send(&guest, VU_GET_CONFIG, 0, &config, VU_CONFIG_HEADER + 60, NULL, 0);
	frontend_receive(&guest, VU_GET_CONFIG, &config, VU_CONFIG_HEADER + 60);
	return config.bytes[offsetof(struct virtio_blk_config, wce)];
}

static void a_cache_that_was_switched_off_stays_off(void **state)
{
	(void)state;
	make_image("image", DISK_BYTES);
	add_file("d", "image");
	boot("d", FEATURES);
	assert_int_equal(cache(), 1);
	assert_int_equal(switch_cache(0), 0);
	assert_non_null(strstr(state_text(), "write_through"));
	daemon_crash(&iovd);
	daemon_restart(&iovd);
	reattach("d");
	assert_int_equal(cache(), 0);
	assert_int_equal(ask(VIRTIO_BLK_T_OUT, 0, BLOCK, 0), VIRTIO_BLK_S_OK);
	/* Where nobody kept it, it may have been switched off; and it is kept from then on. */
	daemon_do(&iovd, "disk.remove", "{\"name\":\"d\"}");
	add_file("d", "image");
	reattach("d");
	assert_int_equal(ask(VIRTIO_BLK_T_OUT, 0, BLOCK, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(cache(), 0);
	daemon_crash(&iovd);
	daemon_restart(&iovd);
	reattach("d");
	assert_int_equal(cache(), 0);
	assert_int_equal(ask(VIRTIO_BLK_T_OUT, 0, BLOCK, 0), VIRTIO_BLK_S_OK);
	/* One that plays with it has nothing written. */
	assert_int_equal(switch_cache(1), 0);
	assert_int_equal(cache(), 1);
	assert_non_null(strstr(state_text(), "write_through"));
	frontend_send(&guest, VU_RESET_DEVICE, 0, NULL, 0, NULL, 0);
	assert_int_equal(cache(), 1);
	assert_null(strstr(state_text(), "write_through"));
}

static void a_disk_goes_away_under_its_guest(void **state)
{
	(void)state;
	make_image("image", DISK_BYTES);
	add_file("d", "image");
	boot("d", FEATURES);
	for (unsigned int i = 0; i < DEPTH; i++)
		submit(&slots[i], VIRTIO_BLK_T_IN, i * 8, 0, BLOCK);
	daemon_do(&iovd, "disk.remove", "{\"name\":\"d\"}");
	assert_true(frontend_is_ended(&guest));
	assert_true(daemon_is_alive(&iovd));
	add_file("d", "image");
}

static unsigned long registered(void)
{
	return strtoul(daemon_port(&iovd, "disk.list", "d", "registered_bytes"), NULL, 10);
}

/* Slots for memory of the daemon's rings, as whoever looks at its open files has to read them. */
static unsigned long slots_of_rings(void)
{
	unsigned long slots = 0, more;
	char path[64], line[256];
	FILE *file;

	for (int fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)iovd.pid, fd);
		file = fopen(path, "re");
		while (file && fgets(line, sizeof(line), file)) {
			if (sscanf(line, "UserBufs: %lu", &more) == 1)
				slots += more;
		}
		if (file)
			fclose(file);
	}
	return slots;
}

/* Memory of the guest is pinned from its first request on, until it goes: no request has it then. */
static void registered_memory_comes_and_goes(void **state)
{
	struct random random = { 20261201 };
	struct vu_mem_slot slot = { 0 };
	struct json_object *disk;
	struct guest more;
	char rest[300];

	(void)state;
	make_image("image", DISK_BYTES);
	snprintf(rest, sizeof(rest), "{\"name\":\"d\",\"socket\":\"%s/d.sock\",\"server\":true,\"backend\":"
		 "\"file\",\"path\":\"%s/image\",\"cached\":true,\"register_memory\":true}", iovd.directory,
		 iovd.directory);
	disk = daemon_call(&iovd, "disk.add", "%s", rest);
	if (!disk) {
		print_message("missing: a file system that is not in memory\n");
		skip();
	}
	json_object_put(disk);
	boot("d", FEATURES);
	assert_int_equal(registered(), 0);
	assert_int_equal(slots_of_rings(), 0);
	run(&random);
	expect_all();
	assert_int_equal(registered(), MEMORY);
	assert_int_not_equal(slots_of_rings(), 0);
	assert_string_equal(daemon_port(&iovd, "disk.list", "d", "not_registered"), "");
	/* Plugged in while rings run, and out again */
	guest_open(&more, UINT64_C(1) << 40, MEMORY);
	slot.region = (struct vu_mem_region){ more.gpa, more.size, more.uva, 0 };
	assert_int_equal(frontend_call(&guest, VU_ADD_MEM_REG, &slot, sizeof(slot), &more.fd, 1), 0);
	run(&random);
	expect_all();
	assert_int_equal(registered(), 2 * MEMORY);
	assert_int_equal(frontend_call(&guest, VU_REM_MEM_REG, &slot, sizeof(slot), NULL, 0), 0);
	run(&random);
	expect_all();
	assert_int_equal(registered(), MEMORY);
	guest_close(&more);
	/* And by another table */
	assert_int_equal(frontend_share_memory(&guest), 0);
	run(&random);
	expect_all();
	assert_int_equal(registered(), MEMORY);
	/* Killed, it has it again, as the file of ports says. */
	daemon_crash(&iovd);
	daemon_restart(&iovd);
	reattach("d");
	run(&random);
	expect_all();
	assert_int_equal(registered(), MEMORY);
	frontend_close(&guest);
	for (unsigned int i = 0; i < 1000 && registered(); i++)
		poll(NULL, 0, 10);
	assert_int_equal(registered(), 0);
	memset(&guest, 0, sizeof(guest));
}

/* A member of the disk's first ring. */
static int of_ring(const char *key)
{
	struct json_object *shown = daemon_call(&iovd, "disk.show", "{\"name\":\"d\"}");
	struct json_object *ring = json_object_array_get_idx(json_object_object_get(shown, "rings"), 0);
	const int count = json_object_get_int(json_object_object_get(ring, key));

	json_object_put(shown);
	return count;
}

static void wait_until_parked(int count)
{
	const uint64_t end = monotonic_ms() + PATIENCE_MS;

	while (of_ring("parked") != count) {
		assert_true(monotonic_ms() < end);
		poll(NULL, 0, 20);
	}
}

/* Of a disk that waits, somebody cuts the file to its first block: what is read behind that waits. */
static void boot_cut_and_read_behind(unsigned int count)
{
	make_image("image", DISK_BYTES);
	add_file("d", "image");
	daemon_do(&iovd, "disk.set", "{\"name\":\"d\",\"on_error\":\"wait\"}");
	boot("d", FEATURES);
	assert_return_code(truncate(daemon_path(&iovd, "image"), BLOCK), errno);
	for (unsigned int i = 0; i < count; i++)
		submit(&slots[i], VIRTIO_BLK_T_IN, (i + 1) * 8, 0, BLOCK);
	wait_until_parked((int)count);
}

/* Limits have it wait, and nobody kicks for what was in flight before. */
static void what_was_in_flight_goes_on_within_limits(void **state)
{
	(void)state;
	boot_cut_and_read_behind(DEPTH);
	daemon_do(&iovd, "qos.add", "{\"name\":\"q\",\"read_iops\":50,\"burst_ms\":1}");
	daemon_do(&iovd, "disk.set", "{\"name\":\"d\",\"qos\":\"q\"}");
	daemon_crash(&iovd);
	assert_return_code(truncate(daemon_path(&iovd, "image"), DISK_BYTES), errno);
	daemon_restart(&iovd);
	reattach("d");
	for (unsigned int i = 0; i < DEPTH; i++)
		assert_int_equal(*status_of(wait_for_one()), VIRTIO_BLK_S_OK);
}

/* It will never be there: the guest is told, however long it would wait for its medium. */
static void what_waits_behind_an_end_that_comes_closer_is_over(void **state)
{
	(void)state;
	boot_cut_and_read_behind(2);
	daemon_do(&iovd, "disk.resize", "{\"name\":\"d\",\"bytes\":%d,\"shrink\":true}", 2 * BLOCK);
	for (unsigned int i = 0; i < 2; i++) {
		const struct slot *slot = wait_for_one();

		assert_int_equal(*status_of(slot), slot == &slots[0] ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR);
	}
	wait_until_parked(0);
}

static void begin_served(const char *filter, const char *param, const char *on_error)
{
	if (!nbd_has("nbdkit"))
		skip();
	make_image("image", DISK_BYTES);
	serve("image", filter, param);
	add_served("d", on_error);
}

static void of_a_server(void **state)
{
	(void)state;
	begin_served(NULL, NULL, "report");
	what_is_kept(0);
}

/* One connection, and a driver that would take more rings. */
static void of_a_server_with_one_connection(void **state)
{
	char rest[240];

	(void)state;
	begin_served("--filter=multi-conn", "multi-conn-mode=disable", "report");
	what_is_kept(PACKED);
	snprintf(rest, sizeof(rest), "\"backend\":\"nbd\",\"uri\":\"nbd+unix:///?socket=%s/nbd\"",
		 iovd.directory);
	/* It is written to by one alone. */
	expect_refused("e", rest);
	daemon_do(&iovd, "disk.remove", "{\"name\":\"d\"}");
	snprintf(rest, sizeof(rest),
		 "\"backend\":\"nbd\",\"uri\":\"nbd+unix:///?socket=%s/nbd\",\"queues\":2",
		 iovd.directory);
	expect_refused("e", rest);
	add_served("e", "report");
}

static void kills_with_a_server(void **state)
{
	(void)state;
	begin_served(NULL, NULL, "report");
	kills_of_iovd(0, kills());
}

/* A member of what is shown of the disk. */
static bool shows(const char *key, const char *value)
{
	struct json_object *shown = daemon_call(&iovd, "disk.show", "{\"name\":\"d\"}");
	const char *text = shown ? json_text_or_null(shown, key) : NULL;
	const bool is = text && !strcmp(text, value);

	json_object_put(shown);
	return is;
}

static void wait_until_shown(const char *key, const char *value)
{
	const uint64_t end = monotonic_ms() + PATIENCE_MS;

	while (!shows(key, value)) {
		assert_true(monotonic_ms() < end);
		poll(NULL, 0, 20);
	}
}

static void end_server(void)
{
	nbd_end(server);
	server = 0;
}

/* The server goes away and comes back: requests wait, and a flush tells that until somebody looked. */
static void kills_of_a_server(void **state)
{
	struct random random = { 20260230 };

	(void)state;
	begin_served(NULL, NULL, "wait");
	boot("d", FEATURES);
	for (unsigned int i = 0; i < 3; i++) {
		run(&random);
		end_server();
		wait_until_shown("status", "waits-for-server");
		serve("image", NULL, NULL);
		run(&random);
	}
	expect_all();
	wait_until_shown("status", "ready");
	submit(&slots[0], VIRTIO_BLK_T_FLUSH, 0, 0, 0);
	wait_until_shown("error", strerror(EIO));
	/* Nothing but that is waited for, so nothing else is told. */
	wait_until_parked(1);
	assert_true(shows("status", "flush-failed"));
	daemon_do(&iovd, "disk.set", "{\"name\":\"d\",\"clear_errors\":true}");
	assert_ptr_equal(wait_for_one(), &slots[0]);
	assert_int_equal(*status_of(&slots[0]), VIRTIO_BLK_S_OK);
	assert_int_equal(ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
}

/* What fails while iovd waits for it waits for the next one, as the operator said. */
static void what_fails_as_iovd_ends_waits_on(void **state)
{
	char path[120], address[120], trigger[140];
	const char *argv[] = { "nbdkit", "-f", "-U", address, "--filter=delay", "--filter=error", "file", path,
			       "rdelay=1", "error-pread=EIO", "error-pread-rate=100%", trigger, NULL };

	(void)state;
	if (!nbd_has("nbdkit"))
		skip();
	make_image("image", DISK_BYTES);
	make_image("failing", 1);
	snprintf(path, sizeof(path), "%s/image", iovd.directory);
	snprintf(address, sizeof(address), "%s/nbd", iovd.directory);
	snprintf(trigger, sizeof(trigger), "error-pread-file=%s/failing", iovd.directory);
	server = nbd_start(address, argv);
	add_served("d", "wait");
	boot("d", FEATURES);
	submit(&slots[0], VIRTIO_BLK_T_IN, 0, 0, BLOCK);
	poll(NULL, 0, 200);
	assert_int_equal(daemon_end(&iovd), 0);
	assert_null(look());
	assert_return_code(unlink(daemon_path(&iovd, "failing")), errno);
	daemon_restart(&iovd);
	reattach("d");
	assert_ptr_equal(wait_for_one(), &slots[0]);
	assert_int_equal(*status_of(&slots[0]), VIRTIO_BLK_S_OK);
}

static void a_guest_is_told_that_there_is_no_server(void **state)
{
	(void)state;
	begin_served(NULL, NULL, "report");
	boot("d", FEATURES);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 0, 0, BLOCK), VIRTIO_BLK_S_OK);
	end_server();
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 0, 0, BLOCK), VIRTIO_BLK_S_IOERR);
	wait_until_shown("status", "waits-for-server");
	/* It is larger when it comes back, and the guest learns that. */
	assert_return_code(truncate(daemon_path(&iovd, "image"), 2 * DISK_BYTES), errno);
	serve("image", NULL, NULL);
	wait_until_shown("status", "ready");
	assert_int_equal(ask(VIRTIO_BLK_T_IN, DISK_BYTES / 512, 0, BLOCK), VIRTIO_BLK_S_OK);
}

/* Neither iovd nor the server is there; a guest goes on when both are, in any order. */
static void a_disk_is_back_with_its_server(void **state)
{
	(void)state;
	begin_served(NULL, NULL, "wait");
	boot("d", FEATURES);
	fill(bytes_of(&slots[0]), 1, 1);
	assert_int_equal(ask(VIRTIO_BLK_T_OUT, 8, BLOCK, 0), VIRTIO_BLK_S_OK);
	daemon_crash(&iovd);
	end_server();
	daemon_restart(&iovd);
	/* What could not be had is told with the reason. */
	wait_until_shown("state", "not restored");
	serve("image", NULL, NULL);
	wait_until_shown("status", "ready");
	reattach("d");
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 8, 0, BLOCK), VIRTIO_BLK_S_OK);
	expect_content(bytes_of(&slots[0]), 1, 1);
}

/* Nobody waits for a server that does not answer: who removes its disk as little as who ends iovd. */
static void silence_keeps_nobody(void **state)
{
	(void)state;
	begin_served("--filter=delay", "rdelay=600", "wait");
	boot("d", FEATURES);
	submit(&slots[0], VIRTIO_BLK_T_IN, 0, 0, BLOCK);
	poll(NULL, 0, 200);
	assert_null(look());
	daemon_do(&iovd, "disk.remove", "{\"name\":\"d\"}");
	frontend_close(&guest);
	memset(&guest, 0, sizeof(guest));
	memset(slots, 0, sizeof(slots));
	add_served("d", "wait");
	boot("d", FEATURES);
	submit(&slots[0], VIRTIO_BLK_T_IN, 0, 0, BLOCK);
	poll(NULL, 0, 200);
	assert_int_equal(daemon_end(&iovd), 0);
}

/* A port at which nobody listens yet. */
static int free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof(address)), errno);
	assert_return_code(getsockname(fd, (struct sockaddr *)&address, &size), errno);
	close(fd);
	return ntohs(address.sin_port);
}

/* Landlock knows of ports since its version 4. */
static bool has_landlock_of_ports(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 4;
}

static char port_option[32];

static int setup_port(void **state)
{
	snprintf(port_option, sizeof(port_option), "--nbd-port=%d", free_port());
	iovd.option = port_option;
	return setup(state);
}

static int setup_port_and_workers(void **state)
{
	iovd.also = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? "--workers=0-1" : NULL;
	return setup_port(state);
}

/* Each of two rings, on a worker of its own, which has a connection of its own. */
static uint8_t ask_at(unsigned int which, uint32_t type, uint64_t sector, uint32_t out)
{
	ring = which;
	return ask(type, sector, out, 0);
}

/*
 * Who serves by TCP nobody knows.  It is the one before as long as its connections last, so one that comes
 * to them has no flush fail; and another one when they have ended.
 */
static void a_second_connection_by_tcp_loses_nothing(void **state)
{
	const char *port = strchr(port_option, '=') + 1;
	char path[120], address[40], uri[120];
	const char *argv[] = { "nbdkit", "-f", "-i", "127.0.0.1", "-p", port, "file", path, NULL };

	(void)state;
	if (!nbd_has("nbdkit") || !iovd.also)
		skip();
	make_image("image", DISK_BYTES);
	snprintf(path, sizeof(path), "%s/image", iovd.directory);
	snprintf(address, sizeof(address), "127.0.0.1:%s", port);
	server = nbd_start(address, argv);
	snprintf(uri, sizeof(uri), "\"backend\":\"nbd\",\"uri\":\"nbd://%s/\"", address);
	add_disk("d", uri);
	frontend_open(&guest, connect_to("d"), MEMORY);
	frontend_negotiate(&guest, FEATURES | BIT(VIRTIO_BLK_F_MQ));
	assert_int_equal(frontend_share_memory(&guest), 0);
	slots[0].memory = guest_alloc(&guest.guest, 16 + BLOCK + 1, 16);
	for (unsigned int i = 0; i < 2; i++) {
		frontend_start_ring(&guest, i);
		frontend_enable_ring(&guest, i, true);
	}
	assert_int_equal(ask_at(0, VIRTIO_BLK_T_OUT, 0, BLOCK), VIRTIO_BLK_S_OK);
	assert_int_equal(ask_at(1, VIRTIO_BLK_T_OUT, 8, BLOCK), VIRTIO_BLK_S_OK);
	assert_int_equal(ask_at(0, VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(ask_at(1, VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	assert_string_equal(daemon_port(&iovd, "disk.list", "d", "status"), "ready");
	/* It is another one, also for the ring whose connection was not looked at since. */
	assert_int_equal(ask_at(1, VIRTIO_BLK_T_OUT, 8, BLOCK), VIRTIO_BLK_S_OK);
	end_server();
	wait_until_shown("status", "waits-for-server");
	server = nbd_start(address, argv);
	wait_until_shown("status", "ready");
	assert_int_equal(ask_at(0, VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_IOERR);
	daemon_do(&iovd, "disk.set", "{\"name\":\"d\",\"clear_errors\":true}");
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(ask_at(i % 2, VIRTIO_BLK_T_OUT, 0, BLOCK), VIRTIO_BLK_S_OK);
		assert_int_equal(ask_at(i / 2, VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	}
}

/* By TCP at a port that iovd was given; the sandbox leaves it no other. */
static void a_port_is_given_to_iovd(void **state)
{
	const char *port = strchr(port_option, '=') + 1;
	char path[120], address[40], uri[120], other[8];
	const char *argv[] = { "nbdkit", "-f", "-i", "127.0.0.1", "-p", port, "file", path, NULL };
	const char *others[] = { "nbdkit", "-f",     "-i", "127.0.0.1", "-p",
				 other,    "memory", "1M", NULL };
	pid_t pid;

	(void)state;
	if (!nbd_has("nbdkit"))
		skip();
	make_image("image", DISK_BYTES);
	snprintf(path, sizeof(path), "%s/image", iovd.directory);
	snprintf(address, sizeof(address), "127.0.0.1:%s", port);
	server = nbd_start(address, argv);
	snprintf(uri, sizeof(uri), "\"backend\":\"nbd\",\"uri\":\"nbd://%s/\"", address);
	add_disk("d", uri);
	what_is_kept(0);
	snprintf(other, sizeof(other), "%d", free_port());
	snprintf(address, sizeof(address), "127.0.0.1:%s", other);
	pid = nbd_start(address, others);
	snprintf(uri, sizeof(uri), "\"backend\":\"nbd\",\"uri\":\"nbd://%s/\"", address);
	if (has_landlock_of_ports())
		expect_refused("e", uri);
	nbd_end(pid);
}

/* On a device of the kernel */

#define ROUNDS 48

static const char *device(void)
{
	return getenv("IOV_DISK");
}

static void add_device(const char *rest)
{
	char options[200];

	snprintf(options, sizeof(options), "\"backend\":\"file\",\"path\":\"%s\"%s", device(), rest);
	add_disk("d", options);
}

static void set_table(const char *target)
{
	char command[400];

	snprintf(command, sizeof(command), "dmsetup suspend --nolockfs --noflush %s && "
		 "dmsetup reload %s --table '0 65536 %s' && dmsetup resume --noudevsync %s", device(),
		 device(), target, device());
	assert_int_equal(system(command), 0);
}

/* It answers nothing until it is resumed. */
static void hold(const char *command)
{
	char line[100];

	snprintf(line, sizeof(line), "dmsetup %s %s", command, device());
	assert_int_equal(system(line), 0);
}

/* By another target on the same device: linear, error, or flakey with its times. */
static void become(const char *target, const char *times)
{
	char table[100];

	snprintf(table, sizeof(table), "%s %s 0 %s", target, getenv("IOV_BELOW"), times);
	set_table(strcmp(target, "error") ? table : target);
}

static void fill_with_zeroes(void)
{
	memset(bytes_of(&slots[0]), 0, BLOCK);
	for (unsigned int block = 0; block < BLOCKS; block++)
		assert_int_equal(ask(VIRTIO_BLK_T_OUT, block * 8, BLOCK, 0), VIRTIO_BLK_S_OK);
}

/* Until one of what is asked for finds out. */
static void run_until_it_waits(struct random *random)
{
	while (!shows("status", "waits-for-medium")) {
		struct slot *slot;

		while ((slot = look()))
			take_back(slot);
		submit_any(random);
		poll(NULL, 0, 20);
	}
}

static void a_device_that_fails_is_waited_for(void **state)
{
	struct random random = { 20260301 };

	(void)state;
	add_device(",\"on_error\":\"wait\"");
	boot("d", FEATURES);
	fill_with_zeroes();
	for (unsigned int i = 0; i < 2; i++) {
		run(&random);
		become("error", "");
		run_until_it_waits(&random);
		/* Also by one who comes meanwhile. */
		if (i) {
			daemon_crash(&iovd);
			daemon_restart(&iovd);
			reattach("d");
			wait_until_shown("status", "waits-for-medium");
		}
		become("linear", "");
	}
	expect_all();
	wait_until_shown("status", "ready");
}

/* Who ends iovd does not wait for a medium that does not answer, and what was asked for is not lost. */
static void a_device_that_does_not_answer_keeps_nobody(void **state)
{
	struct random random = { 20260304 };
	struct slot *slot;
	uint64_t began;

	(void)state;
	add_device("");
	boot("d", FEATURES);
	fill_with_zeroes();
	run(&random);
	hold("suspend --nolockfs --noflush");
	while ((slot = look()))
		take_back(slot);
	submit_any(&random);
	while (!of_ring("under_way"))
		poll(NULL, 0, 20);
	began = monotonic_ms();
	assert_int_equal(daemon_end(&iovd), 0);
	printf("ended %u ms after SIGTERM\n", (unsigned int)(monotonic_ms() - began));
	daemon_restart(&iovd);
	reattach("d");
	wait_until_shown("status", "waits-for-writer");
	hold("resume --noudevsync");
	wait_until_shown("status", "ready");
	expect_all();
}

static void a_device_that_fails_is_told_of(void **state)
{
	(void)state;
	add_device("");
	boot("d", FEATURES);
	fill_with_zeroes();
	/* Also for a flush, which an error target has nobody to send to. */
	become("flakey", "0 1");
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 0, 0, BLOCK), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ask(VIRTIO_BLK_T_OUT, 0, BLOCK, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_IOERR);
	wait_until_shown("status", "flush-failed");
	while (!strstr(state_text(), "flush_error"))
		poll(NULL, 0, 20);
	daemon_crash(&iovd);
	daemon_restart(&iovd);
	reattach("d");
	wait_until_shown("status", "flush-failed");
	become("linear", "");
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 0, 0, BLOCK), VIRTIO_BLK_S_OK);
	/* What was to be stable is not known to be. */
	assert_int_equal(ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_IOERR);
	daemon_do(&iovd, "disk.set", "{\"name\":\"d\",\"clear_errors\":true}");
	assert_int_equal(ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
	wait_until_shown("status", "ready");
}

static void begin_log(void)
{
	struct vu_log log = { .size = (guest.guest.gpa + MEMORY) / 4096 / 8 };
	int fd = memfd_create("log", MFD_CLOEXEC);
	uint64_t reply;

	assert_return_code(ftruncate(fd, (off_t)log.size), errno);
	frontend_send(&guest, VU_SET_LOG_BASE, 0, &log, sizeof(log), &fd, 1);
	assert_int_equal(frontend_receive(&guest, VU_SET_LOG_BASE, &reply, 8), 8);
	close(fd);
	guest.features |= BIT(VU_F_LOG_ALL);
	assert_int_equal(frontend_set(&guest, VU_SET_FEATURES, guest.features), 0);
}

/* What it asked for is done, and on a medium that fails when all of it is to be there. */
static void a_device_that_fails_as_its_guest_goes_is_told_of(void **state)
{
	(void)state;
	add_device("");
	boot("d", FEATURES);
	fill_with_zeroes();
	begin_log();
	become("flakey", "0 1");
	frontend_stop_ring(&guest, 0);
	wait_until_shown("status", "incoming");
	wait_until_shown("error", strerror(EIO));
	assert_non_null(strstr(state_text(), "flush_error"));
	become("linear", "");
}

/* Good for a second, bad for one, and so on. */
static void a_device_that_fails_at_times_loses_nothing(void **state)
{
	struct random random = { 20260302 };
	uint64_t end = monotonic_ms() + 5000;

	(void)state;
	add_device(",\"on_error\":\"wait\"");
	boot("d", FEATURES);
	fill_with_zeroes();
	become("flakey", "1 1");
	while (monotonic_ms() < end)
		run(&random);
	become("linear", "");
	expect_all();
}

/* By mark: the generation that each block has at least, and the last that was begun. */
static uint32_t stable[ROUNDS][BLOCKS], begun[ROUNDS][BLOCKS];

static void expect_stable(unsigned int mark, const uint8_t *image)
{
	assert_true(mark < ROUNDS);
	for (unsigned int block = 0; block < BLOCKS; block++) {
		uint64_t word;
		uint32_t generation;

		memcpy(&word, image + block * BLOCK, sizeof(word));
		generation = (uint32_t)(word >> 32);
		if (generation < stable[mark][block] || generation > begun[mark][block])
			fail_msg("at mark %u block %u has generation %u, expected %u to %u", mark, block,
				 generation, stable[mark][block], begun[mark][block]);
		expect_content(image + block * BLOCK, block, generation);
	}
}

/* All that was begun by now. */
static void note_begun(unsigned int mark)
{
	memcpy(begun[mark], written, sizeof(written));
	for (unsigned int i = 0; i < DEPTH; i++)
		if (slots[i].is_busy && slots[i].is_write)
			begun[mark][slots[i].block] = slots[i].generation;
}

static void flush(void)
{
	struct slot *slot;

	while (slots[0].is_busy)
		take_back(wait_for_one());
	slots[0].is_write = false;
	submit(&slots[0], VIRTIO_BLK_T_FLUSH, 0, 0, 0);
	while ((slot = wait_for_one()) != &slots[0])
		take_back(slot);
	assert_int_equal(*status_of(slot), VIRTIO_BLK_S_OK);
}

/*
 * What is said to be stable would be there after a failure of power at that moment: what was given
 * back before a flush, and with the cache off all that was given back.
 */
static void what_is_stable_stays(void **state)
{
	static uint8_t image[DISK_BYTES];
	struct random random = { 20260303 };

	(void)state;
	add_device("");
	boot("d", FEATURES);
	fill_with_zeroes();
	for (unsigned int mark = 0; mark < ROUNDS; mark++) {
		if (mark == ROUNDS / 2) {
			expect_all();
			assert_int_equal(switch_cache(0), 0);
		}
		run(&random);
		memcpy(stable[mark], written, sizeof(written));
		if (mark < ROUNDS / 2)
			flush();
		note_begun(mark);
		write_log_mark(device(), mark);
	}
	expect_all();
	assert_int_equal(daemon_end(&iovd), 0);
	assert_int_equal(write_log_replay(getenv("IOV_LOG"), image, sizeof(image), expect_stable),
			 ROUNDS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(of_a_split_ring),
		TEST(of_a_packed_ring),
		TEST(in_order),
		TEST(kills_with_a_split_ring),
		TEST(kills_with_a_packed_ring),
		TEST(kills_in_order),
		TEST(what_cannot_be_a_disk_is_refused),
		TEST(a_disk_is_resized),
		TEST(a_file_that_is_replaced_is_told_of),
		TEST(a_cache_that_was_switched_off_stays_off),
		TEST(a_disk_goes_away_under_its_guest),
		TEST(registered_memory_comes_and_goes),
		TEST(what_was_in_flight_goes_on_within_limits),
		TEST(what_waits_behind_an_end_that_comes_closer_is_over),
		TEST(of_a_server),
		TEST(of_a_server_with_one_connection),
		TEST(kills_with_a_server),
		TEST(kills_of_a_server),
		TEST(what_fails_as_iovd_ends_waits_on),
		TEST(a_guest_is_told_that_there_is_no_server),
		TEST(a_disk_is_back_with_its_server),
		TEST(silence_keeps_nobody),
		cmocka_unit_test_setup_teardown(a_port_is_given_to_iovd, setup_port, teardown),
		cmocka_unit_test_setup_teardown(a_second_connection_by_tcp_loses_nothing,
						setup_port_and_workers, teardown),
	};

	const struct CMUnitTest on_device[] = {
		TEST(a_device_that_fails_is_waited_for),
		TEST(a_device_that_does_not_answer_keeps_nobody),
		TEST(a_device_that_fails_is_told_of),
		TEST(a_device_that_fails_as_its_guest_goes_is_told_of),
		TEST(a_device_that_fails_at_times_loses_nothing),
	};
	const struct CMUnitTest logged[] = {
		TEST(what_is_stable_stays),
	};

	if (getenv("IOV_LOG"))
		return cmocka_run_group_tests(logged, NULL, NULL);
	if (device())
		return cmocka_run_group_tests(on_device, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
