// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that appends to zones of a disk of iovd: each append is answered with a sector that nobody
 * else got, and what is there is what was appended.
 *
 * IOV_ZONED=DEVICE: on that device, whose data is lost, with an iovd that is killed again and again.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/random.h"
#include "tests/unit/test.h"
#include "tests/wire/daemon.h"
#include "tests/wire/frontend.h"
#include "vhost-user/blk/blk_bits.h"

#define BLOCK 4096
#define DEPTH 16
#define ZONES 2
#define APPENDS_MAX 600		/* of a zone, which has room for more */
#define KILLS 8
#define MEMORY (UINT64_C(8) << 20)
#define FEATURES                                                                                   \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
	 BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_ZONED))

/* Only to end a test that would hang. */
#define PATIENCE_MS 60000

struct slot {
	uint64_t memory;	/* header, data, sector and status */
	uint64_t number;
	unsigned int zone;
	bool is_busy;
	int head;
};

static struct daemon iovd;
static struct frontend guest;
static struct vu_inflight_area area;
static int inflight_fd;
static struct slot slots[DEPTH];
static uint64_t zone_sectors, first;		/* first of the zones that are used */
static uint64_t numbers;
static uint64_t there[ZONES][APPENDS_MAX];	/* what each block has; 0 for nothing yet */
static unsigned int begun[ZONES], appended[ZONES];

static int connect_to_disk(void)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/d.sock", iovd.directory);
	fd = frontend_connect(path);
	assert_return_code(fd, errno);
	return fd;
}

static int setup(void **state)
{
	const char *device = getenv("IOV_ZONED");

	(void)state;
	iovd.option = device ? "--allow=/dev" : "--allow=/tmp";
	daemon_start(&iovd);
	memset(slots, 0, sizeof(slots));
	memset(there, 0, sizeof(there));
	memset(begun, 0, sizeof(begun));
	memset(appended, 0, sizeof(appended));
	if (device)
		daemon_do(&iovd, "disk.add", "{\"name\":\"d\",\"socket\":\"%s/d.sock\",\"server\":true,"
			  "\"backend\":\"file\",\"path\":\"%s\"}", iovd.directory, device);
	else
		daemon_do(&iovd, "disk.add", "{\"name\":\"d\",\"socket\":\"%s/d.sock\",\"server\":true,"
			  "\"backend\":\"memory\",\"bytes\":%u,\"zone_bytes\":%u}", iovd.directory,
			  64u << 20, 4u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	frontend_close(&guest);
	memset(&guest, 0, sizeof(guest));
	close(inflight_fd);
	daemon_clean(&iovd);
	return 0;
}

static void set_inflight(void)
{
	assert_int_equal(frontend_call(&guest, VU_SET_INFLIGHT_FD, &area, sizeof(area), &inflight_fd,
				       1), 0);
}

static uint8_t *bytes_of(const struct slot *slot)
{
	return (uint8_t *)guest_at(&guest.guest, slot->memory) + 16;
}

static void submit(struct slot *slot, uint32_t type, uint64_t sector, uint32_t out, uint32_t in)
{
	const struct virtio_blk_outhdr header = { htole32(type), 0, htole64(sector) };
	const uint64_t end = slot->memory + 16 + BLOCK;
	struct driver_buffer buffers[3] = { { slot->memory, 16 + out, false } };
	unsigned int count = 1;

	if (in)
		buffers[count++] = (struct driver_buffer){ end - in, in, true };
	buffers[count++] = type == VIRTIO_BLK_T_ZONE_APPEND ? (struct driver_buffer){ end, 9, true } :
							      (struct driver_buffer){ end + 8, 1, true };
	memcpy(guest_at(&guest.guest, slot->memory), &header, sizeof(header));
	memset(bytes_of(slot) + BLOCK, 0xff, 9);
	slot->head = driver_add(&guest.rings[0], buffers, count);
	assert_true(slot->head >= 0);
	slot->is_busy = true;
	if (driver_publish(&guest.rings[0]))
		eventfd_write(guest.kick[0], 1);
}

static struct slot *wait_for_one(void)
{
	const uint64_t end = monotonic_ms() + PATIENCE_MS;
	struct vring_used_elem element;

	while (!driver_used(&guest.rings[0], &element)) {
		assert_true(monotonic_ms() < end);
		poll(NULL, 0, 1);
	}
	for (unsigned int i = 0; i < DEPTH; i++) {
		if (!slots[i].is_busy || (uint32_t)slots[i].head != element.id)
			continue;
		slots[i].is_busy = false;
		return &slots[i];
	}
	fail_msg("%u is given back, and is not in flight", element.id);
	return NULL;
}

static uint8_t ask(uint32_t type, uint64_t sector, uint32_t in)
{
	submit(&slots[0], type, sector, 0, in);
	assert_ptr_equal(wait_for_one(), &slots[0]);
	return bytes_of(&slots[0])[BLOCK + 8];
}

static void read_config(void)
{
	struct vu_config config = { .size = 96 };
	struct blk_config_zoned zoned;

	frontend_send(&guest, VU_GET_CONFIG, 0, &config, VU_CONFIG_HEADER + 96, NULL, 0);
	frontend_receive(&guest, VU_GET_CONFIG, &config, VU_CONFIG_HEADER + 96);
	memcpy(&zoned, config.bytes + BLK_CONFIG_ZONED, sizeof(zoned));
	assert_int_equal(zoned.model, VIRTIO_BLK_Z_HM);
	zone_sectors = le32toh(zoned.zone_sectors);
	assert_int_equal(zone_sectors, (4 << 20) / 512);
	first = 2 * zone_sectors;
}

static void boot(uint64_t features)
{
	frontend_open(&guest, connect_to_disk(), MEMORY);
	frontend_negotiate(&guest, FEATURES | features);
	read_config();
	area = (struct vu_inflight_area){ .queues = 1, .entries = FRONTEND_RING_SIZE };
	frontend_send(&guest, VU_GET_INFLIGHT_FD, 0, &area, sizeof(area), NULL, 0);
	assert_int_equal(frontend_receive_fd(&guest, VU_GET_INFLIGHT_FD, &area, sizeof(area),
					     &inflight_fd), sizeof(area));
	set_inflight();
	assert_int_equal(frontend_share_memory(&guest), 0);
	frontend_start_ring(&guest, 0);
	frontend_enable_ring(&guest, 0, true);
	for (unsigned int i = 0; i < DEPTH; i++)
		slots[i].memory = guest_alloc(&guest.guest, 16 + BLOCK + 9, 16);
	assert_int_equal(ask(VIRTIO_BLK_T_ZONE_RESET_ALL, 0, 0), VIRTIO_BLK_S_OK);
}

/* As a VMM does that lost its back end. */
static void reattach(void)
{
	close(guest.fd);
	guest.fd = connect_to_disk();
	frontend_negotiate(&guest, guest.features);
	set_inflight();
	assert_int_equal(frontend_share_memory(&guest), 0);
	assert_true(frontend_announce_ring(&guest, 0));
	frontend_enable_ring(&guest, 0, true);
}

static void submit_all(struct random *random)
{
	for (unsigned int i = 0; i < DEPTH; i++) {
		struct slot *slot = &slots[i];

		slot->zone = slot->is_busy ? slot->zone : random_below(random, ZONES);
		if (slot->is_busy || begun[slot->zone] == APPENDS_MAX)
			continue;
		begun[slot->zone]++;
		slot->number = ++numbers;
		for (unsigned int at = 0; at < BLOCK; at += 8)
			memcpy(bytes_of(slot) + at, &slot->number, 8);
		submit(slot, VIRTIO_BLK_T_ZONE_APPEND, first + slot->zone * zone_sectors, BLOCK, 0);
	}
}

static void take_back(const struct slot *slot)
{
	const uint8_t *in = bytes_of(slot) + BLOCK;
	uint64_t sector, block;

	memcpy(&sector, in, sizeof(sector));
	block = (le64toh(sector) - first - slot->zone * zone_sectors) / 8;
	assert_int_equal(in[8], VIRTIO_BLK_S_OK);
	assert_true(block < APPENDS_MAX);
	assert_int_equal(there[slot->zone][block], 0);
	there[slot->zone][block] = slot->number;
	appended[slot->zone]++;
}

static void run(struct random *random, unsigned int count)
{
	while (count--) {
		submit_all(random);
		take_back(wait_for_one());
	}
	submit_all(random);
}

static bool has_busy(void)
{
	bool has_busy = false;

	for (unsigned int i = 0; i < DEPTH; i++)
		has_busy |= slots[i].is_busy;
	return has_busy;
}

/* As many as were asked for, none of them twice, and each where it was said to be. */
static void expect_all(void)
{
	while (has_busy())
		take_back(wait_for_one());
	for (unsigned int zone = 0; zone < ZONES; zone++) {
		const uint64_t start = first + zone * zone_sectors;
		struct blk_report_zone entry;

		assert_int_equal(ask(VIRTIO_BLK_T_ZONE_REPORT, start, 128), VIRTIO_BLK_S_OK);
		memcpy(&entry, bytes_of(&slots[0]) + BLOCK - 64, sizeof(entry));
		assert_int_equal(appended[zone], begun[zone]);
		assert_int_equal(le64toh(entry.z_wp) - start, 8 * appended[zone]);
		for (unsigned int i = 0; i < appended[zone]; i++) {
			assert_int_equal(ask(VIRTIO_BLK_T_IN, start + 8 * i, BLOCK), VIRTIO_BLK_S_OK);
			assert_memory_equal(bytes_of(&slots[0]), &there[zone][i], 8);
			assert_memory_equal(bytes_of(&slots[0]) + BLOCK - 8, &there[zone][i], 8);
		}
	}
}

static void append_all(uint64_t features)
{
	struct random random = { 20260401 };

	boot(features);
	for (unsigned int i = 0; getenv("IOV_ZONED") && i < KILLS; i++) {
		run(&random, random_below(&random, 80));
		daemon_crash(&iovd);
		daemon_restart(&iovd);
		reattach();
	}
	run(&random, 200);
	expect_all();
}

static void each_is_there_once(void **state)
{
	(void)state;
	append_all(0);
}

static void of_a_packed_ring_too(void **state)
{
	(void)state;
	append_all(BIT(VIRTIO_F_RING_PACKED));
}

static void and_in_order(void **state)
{
	(void)state;
	append_all(BIT(VIRTIO_F_IN_ORDER));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_is_there_once),
		TEST(of_a_packed_ring_too),
		TEST(and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
