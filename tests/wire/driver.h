/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's memory and the driver side of its rings, split or packed, for tests.  It
 * follows the specification; tests that want a hostile driver write to the
 * parts of the ring themselves.
 */
#ifndef IOV_TESTS_DRIVER_H
#define IOV_TESTS_DRIVER_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits in place of numbers, as in feature masks. */
#define BIT(n) (UINT64_C(1) << (n))

/* Memory of a guest: one shared file, mapped. */
struct guest {
	int fd;
	uint8_t *host;
	uint64_t gpa;
	uint64_t uva;
	uint64_t size;
	uint64_t allocated;
};

/* @gpa is where the memory begins for the guest; @size a multiple of the page size. */
void guest_open(struct guest *guest, uint64_t gpa, uint64_t size);
void guest_close(struct guest *guest);

/* Zeroed memory, as a guest physical address; @alignment is a power of two. */
uint64_t guest_alloc(struct guest *guest, uint64_t size, uint64_t alignment);

/* Where a guest physical address is in this process. */
void *guest_at(const struct guest *guest, uint64_t gpa);

#define DRIVER_SIZE_MAX 32768

/* What a packed ring has besides. */
struct driver_packed {
	struct vring_packed_desc *desc;
	struct vring_packed_desc_event *driver_event;
	struct vring_packed_desc_event *device_event;
	uint16_t *lengths;			/* entries of the chain with that buffer ID */
	uint16_t room;				/* entries that are free */
	uint16_t first_flags;			/* of the first entry that is not published */
	bool added_wrap;
	bool seen_wrap;
};

/* Driver side of a ring; its lists are in the guest's memory, as a guest's would be. */
struct driver {
	struct guest *guest;
	uint16_t size;
	bool is_packed;
	bool event_idx;
	bool indirect;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct driver_packed packed;
	uint16_t *free;
	uint16_t free_count;
	uint16_t added;		/* available index with what is not published */
	uint16_t published;	/* available index as the device sees it */
	uint16_t seen;		/* used index as far as driver_used() went */
};

struct driver_buffer {
	uint64_t gpa;
	uint32_t length;
	bool writable;
};

/* A ring of @size up to DRIVER_SIZE_MAX entries in the guest's memory; @features as negotiated. */
void driver_open(struct driver *driver, struct guest *guest, uint16_t size, uint64_t features);

/*
 * Add a chain: as one indirect descriptor when that was negotiated and there
 * are several buffers.  Head of the chain, of a packed ring its buffer ID; -1 when
 * the ring is full.
 */
int driver_add(struct driver *driver, const struct driver_buffer *buffers, unsigned int count);

/* Make added chains visible; whether the device wants a kick. */
bool driver_publish(struct driver *driver);

/* The three parts of the ring for the device; base is that of a new ring. */
void *driver_descriptor_area(const struct driver *driver);
void *driver_driver_area(const struct driver *driver);
void *driver_device_area(const struct driver *driver);
uint32_t driver_base(const struct driver *driver);

/* Next used element, false when there is none. */
bool driver_used(struct driver *driver, struct vring_used_elem *element);

/* Ask for a call at the next used element, or for none. */
void driver_want_calls(struct driver *driver, bool wanted);

#endif
