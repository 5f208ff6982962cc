/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames of a load: made once, told apart by a stamp in their payload.
 *
 * Stations of side 0 send to those of side 1 and back; station N has an address of its own,
 * so a switch has to learn and to look up as many as there are.
 */
#ifndef IOV_BENCH_FRAMES_H
#define IOV_BENCH_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

/* Virtio-net header of version 1, in front of each frame. */
#define FRAMES_HEADER 12

/* Ethernet, IPv4, UDP and a stamp fit in no less; the largest is a TCP frame to be cut. */
#define FRAMES_MIN 60
#define FRAMES_MAX (65535 + 14)
#define FRAMES_MTU 1514

/**
 * struct frames_stamp - what a frame carries that is written when it is sent
 * @magic: FRAMES_MAGIC
 * @id: which of the prebuilt frames it is
 * @sequence: counts the frames of its sender
 * @nanoseconds: when it was sent
 */
struct frames_stamp {
	uint16_t magic;
	uint16_t id;
	uint32_t sequence;
	uint64_t nanoseconds;
};

#define FRAMES_MAGIC 0x1f0b

/**
 * struct frames_plan - what a port sends
 * @size: bytes from the Ethernet header on, without a checksum; 0 for the mix of 7 small, 4
 *	middle and 1 large frame
 * @stations: addresses on each side
 * @flows: UDP or TCP flows per port
 * @broadcast: for all stations that there are
 * @large: larger than FRAMES_MTU: TCP frames that the back end passes whole or cuts
 */
struct frames_plan {
	uint32_t size;
	unsigned int stations;
	unsigned int flows;
	bool broadcast;
	bool large;
};

/**
 * frames_size - bytes of a frame of a plan
 * @plan: plan
 * @id: number of the frame
 */
uint32_t frames_size(const struct frames_plan *plan, unsigned int id);

/**
 * frames_build - write a virtio-net header and a frame
 * @plan: plan
 * @side: of the sender, 0 or 1; side 2 and 3 are another pair and so on
 * @id: number of the frame
 * @loops: the frame comes back to its sender's port
 * @to: receives FRAMES_HEADER and frames_size() bytes
 */
void frames_build(const struct frames_plan *plan, unsigned int side, unsigned int id, bool loops,
		  uint8_t *to);

/**
 * frames_stamp_at - where the stamp of a frame is
 * @plan: plan
 *
 * Return: offset from its first byte; not aligned.
 */
uint32_t frames_stamp_at(const struct frames_plan *plan);

#endif
