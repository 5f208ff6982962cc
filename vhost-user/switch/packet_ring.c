// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/switch/packet_ring.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Elements as long as packet buffers can be, of which there are 512 unless a device says otherwise.
 * The driver takes it that there is nothing between the last one of a block and the first of the
 * next, and blocks are whole pages.
 */
#define FRAME_LARGE (UINT16_MAX + 1 - 128)
#define FRAME_UNIT 128

/* Numbers that are free one behind the other. */
#define UNUSED_MAX 4096

/* Most room of a socket that the kernel gives, which it doubles. */
#define ROOM_MAX (INT32_MAX / 2)

/* The driver's own. */
#define FRAME_DEFAULT 2048
#define FRAMES_DEFAULT 512

char *packet_ring_device(const char *device)
{
	bool is_told = strstr(device, ",framesz=") || strstr(device, ",blocksz=");
	char *text;

	if (is_told)
		return strdup(device);
	return asprintf(&text, "%s,framesz=%d,blocksz=%ld", device, FRAME_LARGE,
			FRAME_LARGE * (sysconf(_SC_PAGESIZE) / FRAME_UNIT)) < 0 ? NULL : text;
}

static size_t number_of(const char *device, const char *key, size_t usual)
{
	const char *at = strstr(device, key);

	return at ? strtoul(at + strlen(key), NULL, 10) : usual;
}

/* As the driver makes them: as many blocks as it takes. */
static void measure(struct packet_ring *ring, const char *device)
{
	size_t block = number_of(device, ",blocksz=", (size_t)sysconf(_SC_PAGESIZE));

	ring->frame = number_of(device, ",framesz=", FRAME_DEFAULT);
	ring->frames = number_of(device, ",framecnt=", FRAMES_DEFAULT);
	ring->bytes = 0;
	if (ring->frame && ring->frame <= block)
		ring->bytes = ring->frames / (block / ring->frame) * block;
}

static bool is_at(int fd, int interface)
{
	struct sockaddr_ll address = { 0 };
	socklen_t size = sizeof(address);

	return !getsockname(fd, (struct sockaddr *)&address, &size) &&
	       address.sll_family == AF_PACKET && address.sll_ifindex == interface;
}

/*
 * Nobody tells which they are, so all descriptors are looked at, of which there may be a milliard.
 * Who opens one gets the lowest number, so behind many that are free there is none that is new.
 */
void packet_ring_note(struct packet_ring *ring, int interface)
{
	unsigned int unused = 0;

	ring->count = 0;
	for (int fd = 0; unused < UNUSED_MAX && ring->count < PACKET_RING_SOCKETS; fd++) {
		if (is_at(fd, interface))
			ring->sockets[ring->count++] = fd;
		unused = fcntl(fd, F_GETFD) < 0 ? unused + 1 : 0;
	}
}

/*
 * The driver sleeps when its ring is full and the socket has no room, in the worker that sends; it
 * looks further at once when there is room in any case, which is for more than the ring holds.
 */
static void make_room(const struct packet_ring *ring, int fd)
{
	const uint64_t room = 4 * (uint64_t)ring->bytes;
	const int bytes = room < ROOM_MAX ? (int)room : ROOM_MAX;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static bool has(const struct packet_ring *ring, int fd)
{
	for (unsigned int i = 0; i < ring->count; i++)
		if (ring->sockets[i] == fd)
			return true;
	return false;
}

void packet_ring_open(struct packet_ring *ring, const struct packet_ring *before, int interface,
		      const char *device)
{
	struct packet_ring now;

	packet_ring_note(&now, interface);
	measure(ring, device);
	ring->count = 0;
	for (unsigned int i = 0; i < now.count; i++) {
		int fd = has(before, now.sockets[i]) ? -1
						     : fcntl(now.sockets[i], F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			continue;
		make_room(ring, fd);
		ring->sockets[ring->count++] = fd;
	}
}

void packet_ring_close(struct packet_ring *ring)
{
	while (ring->count)
		close(ring->sockets[--ring->count]);
}

uint64_t packet_ring_missed(const struct packet_ring *ring)
{
	uint64_t missed = 0;

	for (unsigned int i = 0; i < ring->count; i++) {
		struct tpacket_stats stats = { 0 };
		socklen_t size = sizeof(stats);

		if (!getsockopt(ring->sockets[i], SOL_PACKET, PACKET_STATISTICS, &stats, &size))
			missed += stats.tp_drops;
	}
	return missed;
}

/* The ring for what is sent lies behind that for what is received. */
static uint64_t unsent_of(const struct packet_ring *ring, const uint8_t *rings)
{
	const uint8_t *sending = rings + ring->bytes;
	uint64_t unsent = 0;

	for (size_t i = 0; i < ring->frames && (i + 1) * ring->frame <= ring->bytes; i++) {
		const struct tpacket2_hdr *header = (const void *)(sending + i * ring->frame);

		unsent += __atomic_load_n(&header->tp_status, __ATOMIC_RELAXED) ==
			  TP_STATUS_SEND_REQUEST;
	}
	return unsent;
}

uint64_t packet_ring_unsent(const struct packet_ring *ring)
{
	uint64_t unsent = 0;

	for (unsigned int i = 0; i < ring->count; i++) {
		uint8_t *rings = mmap(NULL, 2 * ring->bytes, PROT_READ, MAP_SHARED,
				      ring->sockets[i], 0);

		if (rings == MAP_FAILED)
			continue;
		unsent += unsent_of(ring, rings);
		munmap(rings, 2 * ring->bytes);
	}
	return unsent;
}
