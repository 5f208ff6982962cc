/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest with two memory regions and one ring, seen from both sides. */
#ifndef IOV_TESTS_RING_H
#define IOV_TESTS_RING_H

#include "tests/unit/test.h"
#include "tests/wire/driver.h"
#include "vhost-user/ring/virtq.h"

#define SIZE 16
#define GPA UINT64_C(0x100000000)
#define GUEST_BYTES (UINT64_C(8) << 20)
#define EVENT_IDX BIT(VIRTIO_RING_F_EVENT_IDX)
#define INDIRECT BIT(VIRTIO_RING_F_INDIRECT_DESC)

struct fixture {
	struct iov *iov;
	struct guest guest;
	struct guest_memory *memory;
	struct dirty_log *log;	/* for rings that are opened from now on */
	struct driver driver;
	struct virtq vq;
	struct virtq_batch batch;
	bool packed;		/* open_ring() makes packed rings */
};

/* A guest without a ring. */
void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

/* For cmocka_unit_test_setup_teardown(): a ring of SIZE with both features. */
int ring_setup(void **state);
int packed_ring_setup(void **state);
int ring_teardown(void **state);

/* What the fixture's ring starts with, as its driver has it; @features tell its kind. */
struct virtq_setup ring_setup_of(const struct fixture *fixture, uint64_t features);

/* A new ring in place of the one before; its kind is the fixture's. */
void open_ring(struct fixture *fixture, uint16_t size, uint64_t features);

/* Take into an empty batch. */
unsigned int take(struct fixture *fixture, unsigned int max);
unsigned int take_space(struct fixture *fixture, uint32_t length, unsigned int max);

/* What virtq.h says of the chains in a batch, checked from scratch. */
bool in_guest_memory(const struct fixture *fixture, const uint8_t *at, size_t length);
void check_batch(const struct fixture *fixture);

/* A device-writable buffer of new memory; @count chains of one each, published. */
struct driver_buffer room(struct fixture *fixture, uint32_t length);
void add_rooms(struct fixture *fixture, unsigned int count, uint32_t length);

#endif
