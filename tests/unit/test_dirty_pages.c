// SPDX-License-Identifier: GPL-2.0-or-later
// While a guest migrates, each page that the device changes is marked in the dirty log, on
// every path that writes to it.  The driver's own writes are done before memory is copied;
// what differs from the copy afterwards is the device's.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/lan.h"

#define A 0
#define B 1

#define PAGE 4096
#define LOG_BYTES ((LAN_GPA + LAN_MEMORY) / PAGE / 8)

/* What is looked at: all that the driver allocated, and where the two regions meet. */
#define BORDER (LAN_MEMORY / 2)
#define AROUND (4 * PAGE)

#define MERGEABLE BIT(VIRTIO_NET_F_MRG_RXBUF)
#define PACKED BIT(VIRTIO_F_RING_PACKED)
#define EVENT_IDX BIT(VIRTIO_RING_F_EVENT_IDX)
#define INDIRECT BIT(VIRTIO_RING_F_INDIRECT_DESC)
#define VERSION_1 BIT(VIRTIO_F_VERSION_1)

#define TCP_FRAME 30054
#define TCP_HEADERS 54

struct watched {
	uint8_t *bits;
	uint8_t *copy;
};

struct migration {
	struct lan *lan;
	struct watched watched[STATIONS];
	unsigned int changed;		/* pages that the device changed so far */
};

static void open_log(struct lan *lan, struct station *station, struct watched *watched)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_return_code(ftruncate(fd, LOG_BYTES), 0);
	watched->bits = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(watched->bits, MAP_FAILED);
	assert_return_code(dirty_log_open(&station->log, lan->iov,
					  &(struct file_part_request){fd, LOG_BYTES, 0, false}), 0);
	watched->copy = malloc(LAN_MEMORY);
	assert_non_null(watched->copy);
	close(fd);
}

static void close_log(struct watched *watched)
{
	munmap(watched->bits, LOG_BYTES);
	free(watched->copy);
}

static bool is_watched(const struct station *station, uint64_t at)
{
	return at < station->guest.allocated || (at >= BORDER - AROUND && at < BORDER + AROUND);
}

/* From here on what changes is the device's. */
static void watch(struct migration *migration)
{
	for (unsigned int i = 0; i < STATIONS; i++) {
		const struct station *station = &migration->lan->stations[i];
		struct watched *watched = &migration->watched[i];

		for (uint64_t at = 0; at < LAN_MEMORY; at += PAGE)
			if (is_watched(station, at))
				memcpy(watched->copy + at, station->guest.host + at, PAGE);
		memset(watched->bits + LAN_GPA / PAGE / 8, 0, LAN_MEMORY / PAGE / 8);
	}
}

static unsigned int check_station(const struct station *station, const struct watched *watched,
				  const char *path)
{
	unsigned int changed = 0, marked = 0;

	for (uint64_t at = 0; at < LAN_MEMORY; at += PAGE) {
		uint64_t page = (LAN_GPA + at) / PAGE;
		bool is_marked = watched->bits[page / 8] & 1 << page % 8;

		marked += is_marked;
		if (!is_watched(station, at) ||
		    !memcmp(watched->copy + at, station->guest.host + at, PAGE))
			continue;
		changed++;
		if (!is_marked)
			fail_msg("%s: page at offset 0x%llx changed and is not marked", path,
				 (unsigned long long)at);
	}
	/* Few are marked that did not change, as by a value that was there before. */
	assert_in_range(marked, changed, changed + 8);
	return changed;
}

static void check(struct migration *migration, const char *path)
{
	unsigned int changed = 0;

	for (unsigned int i = 0; i < STATIONS; i++)
		changed += check_station(&migration->lan->stations[i], &migration->watched[i],
					 path);
	assert_true(changed);
	migration->changed += changed;
}

static void pass(struct migration *migration, const char *path)
{
	watch(migration);
	lan_pass(migration->lan);
	check(migration, path);
}

static void send_frame(struct migration *migration, unsigned int to, uint32_t length)
{
	static uint8_t frame[FRAME_MAX];

	lan_send(migration->lan, A, NULL, frame, lan_frame(frame, to, A, 0, length));
}

/* A large TCP frame, or one without its checksum: @segment is 0 then. */
static void send_tcp(struct migration *migration, uint32_t length, uint16_t segment)
{
	static const uint8_t ip[] = { 0x08, 0x00, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6 };
	static uint8_t frame[FRAME_MAX];
	const struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = segment ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_NONE,
		.hdr_len = TCP_HEADERS,
		.gso_size = segment,
		.csum_start = 34,
		.csum_offset = 16,
	};

	lan_frame(frame, B, A, 0, length);
	memcpy(frame + 12, ip, sizeof(ip));
	frame[16] = (uint8_t)((length - 14) >> 8);
	frame[17] = (uint8_t)(length - 14);
	frame[46] = 0x50;
	lan_send(migration->lan, A, &header, frame, length);
}

/* Receive buffers: many, as no path may run out of them; frames that were received go. */
static void supply(struct migration *migration, uint64_t features)
{
	uint32_t size = features & MERGEABLE ? 2048 : 40000;

	for (unsigned int i = 0; i < STATIONS; i++) {
		lan_count(migration->lan, i);
		lan_post(migration->lan, i,
			 features & PACKED ? migration->lan->stations[i].rx.packed.room
					   : migration->lan->stations[i].rx.free_count, size);
	}
}

static void frames_between_guests(struct migration *migration, uint64_t features)
{
	supply(migration, features);
	send_frame(migration, B, 60);
	pass(migration, "frame to an unknown station");
	send_frame(migration, BROADCAST, 1500);
	pass(migration, "frame to all");
	lan_say(migration->lan, B, A, B, 0);
	send_frame(migration, B, 60);
	pass(migration, "frame to one");
	send_frame(migration, B, 30000);
	pass(migration, "frame in many buffers");
	/* More than a round of the ring, in bursts that end anywhere. */
	for (unsigned int i = 0; i < 40; i++) {
		supply(migration, features);
		for (unsigned int j = 0; j < 11; j++)
			send_frame(migration, B, 60 + 100 * j);
		pass(migration, "bursts");
	}
}

static void frames_completed_in_software(struct migration *migration, uint64_t features)
{
	supply(migration, features);
	send_tcp(migration, 1000, 0);
	pass(migration, "checksum");
	supply(migration, features);
	send_tcp(migration, TCP_FRAME, 1448);
	pass(migration, "segments");
	assert_true(lan_count(migration->lan, B) > 10);
}

static void wishes_for_kicks(struct migration *migration)
{
	for (unsigned int i = 0; i < STATIONS; i++) {
		struct virtq *ring = &migration->lan->stations[i].queues[1]->ring;

		watch(migration);
		virtq_kick_enable(ring);
		check(migration, "wish for kicks");
		watch(migration);
		virtq_kick_disable(ring);
		check(migration, "wish for none");
	}
}

static void injected_frame(struct migration *migration, uint64_t features)
{
	struct lan *lan = migration->lan;
	uint8_t frame[60];

	supply(migration, features);
	watch(migration);
	forward_inject(lan->forward, lan->view, lan->stations[A].port.port.id, frame,
		       lan_frame(frame, BROADCAST, A, 0, sizeof(frame)), lan->now);
	check(migration, "announcement");
}

static void buffer_in_two_regions(struct migration *migration, uint64_t features)
{
	struct station *station = &migration->lan->stations[B];
	struct driver_buffer buffer = { LAN_GPA + BORDER - 700, 2048, true };

	lan_renegotiate(migration->lan, B, features);
	station->buffers[driver_add(&station->rx, &buffer, 1)] = buffer.gpa;
	driver_publish(&station->rx);
	send_frame(migration, B, 1514);
	pass(migration, "buffer in two regions");
	assert_int_equal(lan_count(migration->lan, B), 1);
}

static void try_all_paths(struct lan *lan, uint64_t features)
{
	struct migration migration = { .lan = lan };

	features |= VERSION_1;
	for (unsigned int i = 0; i < STATIONS; i++) {
		open_log(lan, &lan->stations[i], &migration.watched[i]);
		lan_renegotiate(lan, i, features | (i == A ? OFFLOADS : 0));
	}
	frames_between_guests(&migration, features);
	frames_completed_in_software(&migration, features);
	injected_frame(&migration, features);
	wishes_for_kicks(&migration);
	buffer_in_two_regions(&migration, features);
	assert_true(migration.changed > 100);
	for (unsigned int i = 0; i < STATIONS; i++)
		close_log(&migration.watched[i]);
}

static void split_rings(void **state)
{
	try_all_paths(*state, 0);
}

static void split_mergeable_rings(void **state)
{
	try_all_paths(*state, MERGEABLE);
}

static void split_rings_with_event_index(void **state)
{
	try_all_paths(*state, MERGEABLE | EVENT_IDX | INDIRECT);
}

static void packed_rings(void **state)
{
	try_all_paths(*state, PACKED);
}

static void packed_mergeable_rings(void **state)
{
	try_all_paths(*state, PACKED | MERGEABLE);
}

static void packed_rings_with_event_index(void **state)
{
	try_all_paths(*state, PACKED | MERGEABLE | EVENT_IDX | INDIRECT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lan_setup, lan_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(split_rings),
		TEST(split_mergeable_rings),
		TEST(split_rings_with_event_index),
		TEST(packed_rings),
		TEST(packed_mergeable_rings),
		TEST(packed_rings_with_event_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
