/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A front end and a session over a socket pair, with a device that records and echoes. */
#ifndef IOV_TESTS_FIXTURE_H
#define IOV_TESTS_FIXTURE_H

#include <linux/virtio_config.h>

#include "tests/wire/frontend.h"
#include "vhost-user/protocol/session.h"

#define MEMORY (UINT64_C(4) << 20)
#define DEVICE_FEATURES                                                                            \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_RING_F_EVENT_IDX) |    \
	 BIT(VIRTIO_RING_F_INDIRECT_DESC))

/* How long the session waits for an answer. */
#define ANSWER_MS 2000

/* What its configuration space has. */
#define CONFIG_BYTES 64

struct fixture {
	struct iov *iov;
	struct vu_session *session;
	struct vu_device device;
	struct vu_ops ops;		/* of the device; a test may change them at first */
	struct frontend frontend;
	int ended;			/* what vu_session_readable() ended with */
	bool is_ending;			/* since then rings drain */
	struct vu_stats past;		/* of the session that ended */
	struct vu_queue *queues[FRONTEND_RINGS];
	unsigned int drains;		/* rings that do not stop at once, as a mask */
	unsigned int draining;		/* those of them that were to stop */
	bool drains_in_stop;		/* ring 0 has drained when another one is stopped */
	unsigned int abandoned;
	unsigned int starts;
	unsigned int stops;
	unsigned int quiesced;
	unsigned int kicks;
	uint16_t mtu;
	uint8_t mac[6];
	uint8_t config[VU_CONFIG_SPACE];
	bool migrated;			/* config came from the source of a migration */
	int fds;			/* open descriptors before the test */
};

int setup(void **state);

/* The same with packed rings and a device that writes down what is in flight. */
int tracking_setup(void **state);

/* Packed rings as well, and the guest behind an IOMMU. */
int iommu_setup(void **state);

/* End the session as the death of its process does; a connection to the next one. */
int kill_session(struct fixture *fixture);

/* Whatever a test did, rings were stopped and no descriptor is left. */
int teardown(void **state);

/* Let the session read what was sent; a session that ends is closed when its rings have stopped. */
void pump(void *arg);

/* A ring has drained. */
void drained(struct fixture *fixture, unsigned int index);

uint64_t refused(const struct fixture *fixture, enum vu_refusal refusal);

/* Whether an eventfd was written to; not any more afterwards. */
bool is_signalled(int fd);

/* What a device does: give every frame that was sent back to the sender. */
void echo(struct fixture *fixture);

/* Send a frame whose bytes are @value, and see it come back. */
void expect_echo(struct fixture *fixture, uint8_t value);

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
