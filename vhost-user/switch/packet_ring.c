// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/switch/packet_ring.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_at(int fd, int interface)
{
	struct sockaddr_ll address = { 0 };
	socklen_t size = sizeof(address);

	return !getsockname(fd, (struct sockaddr *)&address, &size) &&
	       address.sll_family == AF_PACKET && address.sll_ifindex == interface;
}

/* Nobody tells which they are, so all descriptors are looked at. */
void packet_ring_note(struct packet_ring *ring, int interface)
{
	long end = sysconf(_SC_OPEN_MAX);

	ring->count = 0;
	for (int fd = 0; fd < end && ring->count < PACKET_RING_SOCKETS; fd++)
		if (is_at(fd, interface))
			ring->sockets[ring->count++] = fd;
}

static bool has(const struct packet_ring *ring, int fd)
{
	for (unsigned int i = 0; i < ring->count; i++)
		if (ring->sockets[i] == fd)
			return true;
	return false;
}

void packet_ring_open(struct packet_ring *ring, const struct packet_ring *before, int interface)
{
	struct packet_ring now;

	packet_ring_note(&now, interface);
	ring->count = 0;
	for (unsigned int i = 0; i < now.count; i++) {
		int fd = has(before, now.sockets[i]) ? -1
						     : fcntl(now.sockets[i], F_DUPFD_CLOEXEC, 0);

		if (fd >= 0)
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
