/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translations of I/O virtual addresses, as the front end gives them when
 * VIRTIO_F_ACCESS_PLATFORM was negotiated.
 *
 * Theory of operation.  A translation from an IOVA to a place in this process is what
 * a region of guest memory is, too.  So a view of the IOTLB is two tables of regions,
 * those that the device may read and those that it may write, and who
 * looks a buffer up need not know which kind of table it has.
 *
 * Views never change.  The control thread makes a new one of every change and puts it
 * in the place of the last; workers take the one that is there at the start of a
 * burst and let go of it before their next quiescent state.  The control thread waits
 * for that before it frees the last view, and before it tells the front end that a
 * translation is gone.
 *
 * Neighbours that continue each other are one translation.  There are at most
 * IOTLB_MAX; when a front end gives more, older ones go, to be asked for again.
 *
 * Threads: the control thread only, apart from iotlb_view().
 */
#ifndef VHOST_USER_MEMORY_IOTLB_H
#define VHOST_USER_MEMORY_IOTLB_H

#include "vhost-user/memory/guest_memory.h"

/* Most translations; the buffers of 8 queues of 512 pages that have nothing in common. */
#define IOTLB_MAX 4096

/* Pages that IOMMUs translate; misses are told by them. */
#define IOTLB_PAGE 4096

/* What a device may do there; the values are those of the messages. */
enum iotlb_access {
	IOTLB_READ = 1,
	IOTLB_WRITE = 2,
	IOTLB_READ_WRITE = 3,
};

/**
 * struct iotlb_view - all translations at a time
 * @generation: another one for each view
 * @readable: those that the device may read; has at least one region, which may be empty
 * @writable: those that it may write
 */
struct iotlb_view {
	uint64_t generation;
	struct guest_memory readable;
	struct guest_memory writable;
};

/**
 * struct iotlb_range - a translation
 * @iova: first address
 * @size: bytes
 * @uva: where it is in the front end
 * @access: enum iotlb_access
 */
struct iotlb_range {
	uint64_t iova;
	uint64_t size;
	uint64_t uva;
	uint8_t access;
};

struct iotlb;

/**
 * iotlb_open - an IOTLB without translations
 * @out: receives it; the caller closes it with iotlb_close()
 *
 * Return: 0 or -ENOMEM.
 */
int iotlb_open(struct iotlb **out);

/**
 * iotlb_close - free it
 * @iotlb: NULL is allowed; no worker has it
 */
void iotlb_close(struct iotlb *iotlb);

/**
 * iotlb_view - the translations now
 * @iotlb: IOTLB
 *
 * For any thread.  Return: a view that is valid until the next quiescent state of a
 * worker, or the next iotlb_collect() of the control thread.
 */
const struct iotlb_view *iotlb_view(const struct iotlb *iotlb);

/**
 * iotlb_update - add a translation, in the place of what was there
 * @iotlb: IOTLB
 * @iov: context for the message
 * @memory: guest memory that all of it must be in; outlives the translation
 * @range: translation
 *
 * Return: 0; -EINVAL with a message when it is empty, wraps, allows nothing or is not in
 * guest memory, and nothing changed; or -ENOMEM.
 */
int iotlb_update(struct iotlb *iotlb, struct iov *iov, const struct guest_memory *memory,
		 const struct iotlb_range *range);

/**
 * iotlb_invalidate - remove translations
 * @iotlb: IOTLB
 * @iova: first address
 * @size: bytes; 0, or more than there are, for all from there on
 *
 * Never fails: without memory for a new view all translations go.
 */
void iotlb_invalidate(struct iotlb *iotlb, uint64_t iova, uint64_t size);

/**
 * iotlb_is_changed - whether there are views to be collected
 * @iotlb: IOTLB
 */
bool iotlb_is_changed(const struct iotlb *iotlb);

/**
 * iotlb_collect - free views that no worker has any more
 * @iotlb: IOTLB; all workers went through a quiescent state since the last change
 */
void iotlb_collect(struct iotlb *iotlb);

/**
 * iotlb_find - where a range is
 * @iotlb: IOTLB
 * @iova: first address
 * @size: bytes, not 0
 * @access: what is to be done there
 * @host: receives a pointer to it
 * @missing: receives the first address that has no such translation
 *
 * Return: 0; -ENOENT with @missing; -EFAULT when the range wraps; or -ENXIO when parts
 * of it that follow each other are in different places, or in different regions.
 */
int iotlb_find(const struct iotlb *iotlb, uint64_t iova, uint64_t size, enum iotlb_access access,
	       void **host, uint64_t *missing);

#endif
