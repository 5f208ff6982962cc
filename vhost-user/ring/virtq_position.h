/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a packed ring stands, for whoever goes on with it after its device was killed.
 *
 * A split ring has the device's index in guest memory.  A packed one has it nowhere: it
 * is up to the device and, when that stops in order, the front end.  So the ring keeps its
 * position in a word of memory that outlives the process.
 *
 * The driver's entries are written over before they are published, and what a chain had
 * more of them can no longer be told then.  So the word says of the elements that are
 * not published from where to where they are:
 *
 *	bits  0 to 15	first of them, or the next to write when there is none
 *	bits 16 to 31	the one that is being written, or was last
 *	bits 32 to 47	behind it
 *	bits 48 to 63	flags that publish the first
 *
 * each as an index with its wrap counter in bit 15.  With VIRTQ_POSITION_RUN more than one may
 * be being written: all elements from bits 16 to 31 to bits 32 to 47, of one entry each and each
 * written by one store, so that those that were written can be told by their flags.  It is stored
 * before elements are written, and once more when they are published.  A killed process has made all stores up
 * to some instruction and none behind it, so the order of the program is all it takes.
 */
#ifndef VHOST_USER_RING_VIRTQ_POSITION_H
#define VHOST_USER_RING_VIRTQ_POSITION_H

#include "vhost-user/ring/virtq.h"

/* Used elements never have the flag VIRTQ_DESC_F_NEXT, whose place this takes. */
#define VIRTQ_POSITION_RUN (UINT64_C(1) << 48)

/* An index and its wrap counter, in 16 bits. */
static inline uint16_t virtq_place(uint16_t index, bool wrap)
{
	return (uint16_t)(index | (unsigned int)wrap << 15);
}

/* The position of a ring of which nothing waits to be published. */
static inline uint64_t virtq_position(uint16_t next)
{
	return next | (uint64_t)next << 16 | (uint64_t)next << 32;
}

/**
 * virtq_position_resume - where to go on with a packed ring
 * @setup: the ring; its base is what the front end says
 * @position: what a process that is gone kept of it; need not be true
 * @base: receives the base to go on with
 *
 * Publishes what was written but not published.  One element may have been written in part, over
 * the driver's entry: that chain is given back without a length.
 *
 * Return: false when no device has used this ring since its driver made it, or @position
 * cannot be one of it; nothing was written then.
 */
bool virtq_position_resume(const struct virtq_setup *setup, uint64_t position, uint32_t *base);

/**
 * virtq_position_hand_back - give back what the driver added between two places
 * @setup: the ring
 * @from: where the ring stands, as virtq_position_resume() has it
 * @to: where somebody else went on
 *
 * QEMU drops what a guest sends while its back end is away, from where it believes the
 * ring to be.  What comes before is for nobody then, and the driver waits for it.
 *
 * Return: false when there are not just available chains between them; nothing was
 * written then.
 */
bool virtq_position_hand_back(const struct virtq_setup *setup, uint16_t from, uint16_t to);

#endif
