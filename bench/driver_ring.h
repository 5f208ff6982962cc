/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver's half of a ring whose buffers are made once and go round for ever.
 *
 * Section numbers are those of virtio 1.2.  The driver polls: it wants no calls.
 *
 * Theory of operation.  What the driver has is posted in the order in which it came back.  A
 * device that gives buffers back as it got them, of which there are as many as entries, thus
 * has buffer N in entry N for ever: the available ring of a split ring stays as it was written
 * once, and posting moves the index.  The first buffer that comes back out of turn ends that:
 * from then on the ring keeps a list of what it has, and looks at buffers one by one.
 *
 * A buffer of several parts is a chain.  Its descriptors have places of their own: in an
 * indirect table, which makes it one entry like any other; in the table of a split ring, where
 * the first one is that of the buffer's id and the rest is behind all of those; of a packed
 * ring in memory of the driver, from which they are copied to wherever the ring stands.
 */
#ifndef IOV_BENCH_DRIVER_RING_H
#define IOV_BENCH_DRIVER_RING_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most entries: ids of 16 bits, and a split ring's index tells full from empty. */
#define DRIVER_RING_MAX 32768

/**
 * struct driver_buffer - a buffer
 * @gpa: guest physical address
 * @length: bytes
 * @listed: id of a buffer that the driver has: a place in the list, which is not this buffer's own
 * @is_posted: the device has it; both only when buffers came back out of turn
 * @parts: descriptors of it, 1 unless it is a chain
 */
struct driver_buffer {
	uint64_t gpa;
	uint32_t length;
	uint16_t listed;
	bool is_posted;
	uint8_t parts;
};

/* Most parts of a chain. */
#define DRIVER_PARTS_MAX 255

/**
 * struct driver_part - a part of a chain
 * @gpa: guest physical address
 * @length: bytes
 * @flags: VRING_DESC_F_WRITE when it is for the device to write, otherwise 0
 */
struct driver_part {
	uint64_t gpa;
	uint32_t length;
	uint16_t flags;
};

/**
 * struct driver_used - what the device gave back, as it is in a split ring
 * @id: buffer
 * @length: bytes that it wrote
 */
struct driver_used {
	uint32_t id;
	uint32_t length;
};

/**
 * struct driver_ring - a ring as its driver sees it
 * @size: entries, a power of 2
 * @is_packed: packed, otherwise split
 * @has_event_idx: kicks are asked for by position (VIRTIO_F_EVENT_IDX)
 * @is_writable: for receiving
 * @parts_max: most parts of a buffer, 0 where none is a chain
 * @tables: room in guest memory for an indirect table of @parts_max entries for each buffer;
 *	NULL for chains in the ring
 * @tables_gpa: its guest physical address
 * @parts: room for @parts_max parts of each buffer, of a packed ring without @tables
 * @buffers: the buffers, by id; room for @size of them
 * @count: how many there are, with all of their parts @size at most
 * @owned: buffers that the driver has
 */
struct driver_ring {
	uint16_t size;
	bool is_packed;
	bool has_event_idx;
	bool is_writable;
	uint8_t parts_max;
	struct vring_desc *tables;
	uint64_t tables_gpa;
	struct driver_part *parts;
	struct driver_buffer *buffers;
	uint16_t count;
	uint16_t owned;

	/* private: entries that were posted and that came back since ever */
	uint16_t posted;
	uint16_t used;
	uint16_t told; /* what was posted when somebody last asked for a kick */
	bool is_ordered;
	uint16_t listed_first;
	union {
		struct {
			struct vring_desc *desc;
			struct vring_avail *driver;
			struct vring_used *device;
		} split;
		struct {
			struct vring_packed_desc *desc;
			struct vring_packed_desc_event *driver;
			struct vring_packed_desc_event *device;
		} packed;
	};
};

/**
 * driver_ring_describe - take over buffers
 * @ring: with its parts, @buffers and @count, nothing posted
 */
void driver_ring_describe(struct driver_ring *ring);

/**
 * driver_ring_chain - say of what parts a buffer is
 * @ring: ring with chains, after driver_ring_describe()
 * @id: buffer that the driver has
 * @parts: its parts, those that the device reads first
 * @count: length of @parts, up to @parts_max
 */
void driver_ring_chain(struct driver_ring *ring, uint32_t id, const struct driver_part *parts,
		       unsigned int count);

/**
 * driver_ring_next - a buffer that will be posted
 * @ring: ring
 * @index: 0 for the next one, and so on, below @owned
 *
 * Return: its id.
 */
static inline uint32_t driver_ring_next(const struct driver_ring *ring, unsigned int index)
{
	if (ring->is_ordered)
		return (ring->posted + index) & (ring->size - 1u);
	return ring->buffers[(ring->listed_first + index) & (ring->size - 1u)].listed;
}

/**
 * driver_ring_post - give buffers to the device
 * @ring: ring
 * @count: how many, @owned at most
 *
 * The device that looks has them at once; one that sleeps is woken after driver_ring_wants_kick().
 */
void driver_ring_post(struct driver_ring *ring, unsigned int count);

/**
 * driver_ring_wants_kick - whether the device sleeps, since somebody last asked
 * @ring: ring, with a full barrier since the last driver_ring_post()
 */
bool driver_ring_wants_kick(struct driver_ring *ring);

/**
 * driver_ring_take - take what the device gave back
 * @ring: ring
 * @used: receives it
 * @max: length of @used
 *
 * Return: how many; -EPROTO when the device gave back what it was not given.
 */
int driver_ring_take(struct driver_ring *ring, struct driver_used *used, unsigned int max);

#endif
