/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's side of DPDK's net_af_packet: the sockets at an interface by which the driver
 * receives and sends.
 *
 * The driver tells nothing of what the kernel had no room for in their rings, but the kernel does.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_SWITCH_PACKET_RING_H
#define VHOST_USER_SWITCH_PACKET_RING_H

#include <stddef.h>
#include <stdint.h>

/* Most sockets of a device. */
#define PACKET_RING_SOCKETS 64

/**
 * struct packet_ring - the sockets of a device
 * @count: length of @sockets
 * @frame: bytes of an element of their rings
 * @frames: elements of a ring
 * @bytes: of the ring for each direction
 * @sockets: descriptors of our own for them
 */
struct packet_ring {
	unsigned int count;
	size_t frame;
	size_t frames;
	size_t bytes;
	int sockets[PACKET_RING_SOCKETS];
};

/**
 * packet_ring_device - a device whose rings take the longest frames that the kernel makes
 * @device: net_af_packet with its arguments
 *
 * Return: @device with arguments more, unless it says itself how large its rings are; NULL without
 * memory.  The caller frees it.
 */
char *packet_ring_device(const char *device);

/* In front of a frame in its element: what the kernel says of it, TPACKET_V2, and padding. */
#define PACKET_RING_HEADER 66

/**
 * packet_ring_open - find the sockets that a driver opens
 * @ring: receives those that are at the interface now, and were not before
 * @before: those that were there before the driver opened its own; of packet_ring_note()
 * @interface: number of the interface
 * @device: net_af_packet with its arguments, as it was opened
 */
void packet_ring_open(struct packet_ring *ring, const struct packet_ring *before, int interface,
		      const char *device);

/**
 * packet_ring_note - the sockets that are at an interface
 * @ring: receives them, which stay whose they are
 * @interface: number of the interface
 */
void packet_ring_note(struct packet_ring *ring, int interface);

/**
 * packet_ring_close - let them go, which ends those that the driver has closed
 * @ring: of packet_ring_open(), or zeroes
 */
void packet_ring_close(struct packet_ring *ring);

/**
 * packet_ring_missed - frames that the kernel had no room for
 * @ring: of packet_ring_open(), or zeroes
 *
 * Return: how many since the last call.
 */
uint64_t packet_ring_missed(const struct packet_ring *ring);

/**
 * packet_ring_unsent - frames that the driver took, and the kernel has not sent
 * @ring: of packet_ring_open(), or zeroes; of a driver that sends nothing now
 *
 * They leave late, when something else does and the link is up again; or are lost with the sockets.
 */
uint64_t packet_ring_unsent(const struct packet_ring *ring);

#endif
