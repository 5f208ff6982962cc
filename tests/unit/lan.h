/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests at the ports of one bridge, and the fast path that joins them, in one thread. */
#ifndef IOV_TESTS_LAN_H
#define IOV_TESTS_LAN_H

#include "tests/unit/test.h"
#include "tests/wire/driver.h"
#include "vhost-user/port/net_port.h"
#include "vhost-user/port/registry.h"
#include "vhost-user/port/view.h"
#include "vhost-user/switch/forward.h"

/* The memory of each guest, in two regions. */
#define LAN_GPA UINT64_C(0x40000000)
#define LAN_MEMORY (UINT64_C(32) << 20)

#define STATIONS 3
#define RING 128

#define PLAIN (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF))
#define OFFLOADS                                                                                   \
	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) |     \
	 BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_GUEST_TSO4) |                              \
	 BIT(VIRTIO_NET_F_GUEST_TSO6))
#define UDP_OFFLOADS                                                                               \
	(BIT(VIRTIO_NET_F_HOST_USO) | BIT(VIRTIO_NET_F_GUEST_USO4) | BIT(VIRTIO_NET_F_GUEST_USO6))
#define ECN_OFFLOADS (BIT(VIRTIO_NET_F_HOST_ECN) | BIT(VIRTIO_NET_F_GUEST_ECN))

/* A guest with one queue pair. */
struct station {
	struct guest guest;
	struct guest_memory *memory;
	struct dirty_log *log;		/* for rings that start from now on */
	struct driver rx;
	struct driver tx;
	uint64_t buffers[RING];		/* receive buffer of each descriptor */
	uint32_t header;
	struct virtio_net_hdr_v1_hash last;	/* header of the frame received last */
	struct vu_queue *queues[2];
	struct dp_ring rings[2];
	struct net_port port;
	struct dp_counters counters;
};

struct lan {
	struct iov *iov;
	struct registry registry;
	struct bridge bridge;
	struct station stations[STATIONS];
	struct dp_view *view;
	struct forward *forward;
	int attention;
	uint32_t now;
};

/* A lan of STATIONS guests at a switch, none with offloads; @state for cmocka. */
int lan_setup(void **state);
int lan_teardown(void **state);

/* Every frame came to somebody or was dropped for a reason; a teardown looks as well. */
void lan_expect_balance(const struct lan *lan);

/* Start a station's rings anew with these features. */
void lan_renegotiate(struct lan *lan, unsigned int station, uint64_t features);

/* A ring more that a station receives by, of a queue pair; @driver and @ring are the caller's. */
struct vu_queue *lan_add_receive_queue(struct lan *lan, unsigned int station, unsigned int pair,
				       struct driver *driver, struct dp_ring *ring);
void lan_remove_receive_queue(struct lan *lan, unsigned int station, struct vu_queue *queue);

/* Give a station's rings to a lane, as while memory arrives, and take them back. */
void lan_enter_lane(struct lan *lan, unsigned int station);
void lan_leave_lane(struct lan *lan, unsigned int station);

/* Where a part of a driver's ring is for the device. */
void *lan_in_device(const struct station *station, void *in_driver);

/* Draw the view again after a change of the registry. */
void lan_redraw(struct lan *lan);

/* Make the bridge a wire between the first two stations. */
void lan_make_wire(struct lan *lan);

/* Post receive buffers of @size bytes. */
void lan_post(struct lan *lan, unsigned int station, unsigned int count, uint32_t size);

/* Send a frame; NULL for a header without offloads. */
void lan_send(struct lan *lan, unsigned int station, const struct virtio_net_hdr *header,
	      const void *frame, uint32_t length);

/* Receive a frame, -1 when there is none; its header when that is wanted. */
int lan_receive(struct lan *lan, unsigned int station, struct virtio_net_hdr_mrg_rxbuf *header,
		void *frame, uint32_t size);

/* One pass; number of frames that it took. */
unsigned int lan_pass(struct lan *lan);

/* As many passes as it takes until a lane has brought so many frames; how many that were. */
unsigned int lan_pass_until(struct lan *lan, unsigned int frames);

/* Drops at a station by this reason. */
uint64_t lan_drops(const struct lan *lan, unsigned int station, enum drop reason);

/* An Ethernet frame from @from to @to (0 to 255; BROADCAST), in a VLAN unless that is 0. */
#define BROADCAST 0x100
uint32_t lan_frame(uint8_t *frame, unsigned int to, unsigned int from, uint16_t vlan,
		   uint32_t length);

/* Send such a frame of 60 bytes, and pass. */
void lan_say(struct lan *lan, unsigned int station, unsigned int to, unsigned int from,
	     uint16_t vlan);

/* How many frames a station received; they are taken. */
unsigned int lan_count(struct lan *lan, unsigned int station);

#endif
