/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vhost-user front end with a guest behind it, for tests: sends any message,
 * right or wrong, and drives the rings of a net device.
 *
 * A back end in the same thread is driven by @pump, which runs whenever the
 * front end waits; for one in another process leave it NULL.
 */
#ifndef IOV_TESTS_FRONTEND_H
#define IOV_TESTS_FRONTEND_H

#include <linux/virtio_net.h>

#include "tests/wire/driver.h"
#include "vhost-user/protocol/message.h"

#define FRONTEND_RINGS 8
#define FRONTEND_RING_SIZE 256
#define FRONTEND_BUFFER 2048

struct frontend {
	int fd;
	struct guest guest;
	uint64_t features;
	bool is_translated;		/* behind an IOMMU: what the guest knows are IOVAs */
	uint64_t protocol_features;
	bool is_inband;			/* kicks and calls are messages */
	struct driver rings[FRONTEND_RINGS];
	uint32_t base[FRONTEND_RINGS];	/* where the VMM believes them to be */
	int kick[FRONTEND_RINGS];
	int call[FRONTEND_RINGS];
	uint64_t pool[FRONTEND_RINGS][FRONTEND_RING_SIZE];	/* buffer of each descriptor */
	int channel;			/* what the back end asks by, -1 before frontend_open_channel() */
	void (*pump)(void *arg);
	void *pump_arg;
};

/* A guest with @memory bytes; takes over @fd, a connected socket. */
void frontend_open(struct frontend *frontend, int fd, uint64_t memory);
void frontend_close(struct frontend *frontend);

/* Connect to a back end that listens; a socket, or -errno. */
int frontend_connect(const char *path);

/* Send a message with version 1 and @flags more. */
void frontend_send(struct frontend *frontend, uint32_t request, uint32_t flags,
		   const void *payload, uint32_t size, const int *fds, unsigned int fd_count);

/* Send bytes as they are. */
void frontend_send_raw(struct frontend *frontend, const void *bytes, size_t size);

/* Receive a reply into @payload; its size, or -ECONNRESET at the end of the connection. */
int frontend_receive(struct frontend *frontend, uint32_t request, void *payload, uint32_t size);

/* The same of a reply that may have a descriptor, -1 when it has none. */
int frontend_receive_fd(struct frontend *frontend, uint32_t request, void *payload, uint32_t size,
			int *fd);

/* Whether the back end ended the connection. */
bool frontend_is_ended(struct frontend *frontend);

/* Request with a u64 or no payload; the u64 of its reply. */
uint64_t frontend_get(struct frontend *frontend, uint32_t request);

/* Send with NEED_REPLY; what the back end answers: 0 for success. */
uint64_t frontend_call(struct frontend *frontend, uint32_t request, const void *payload,
		       uint32_t size, const int *fds, unsigned int fd_count);

/* The same for a u64 payload, and for a vring state. */
uint64_t frontend_set(struct frontend *frontend, uint32_t request, uint64_t value);
uint64_t frontend_state(struct frontend *frontend, uint32_t request, uint32_t index,
			uint32_t num);

/* Features as a VMM does it: what is offered and in @features; also protocol features. */
void frontend_negotiate(struct frontend *frontend, uint64_t features);

/* SET_MEM_TABLE with the guest's memory. */
uint64_t frontend_share_memory(struct frontend *frontend);

/*
 * The same as who comes by post-copy does it, up to the word that follows the table: the userfault
 * descriptor, the caller's.
 */
int frontend_share_memory_early(struct frontend *frontend);

/* Set a ring up, kick and call descriptors included, and start it. */
void frontend_start_ring(struct frontend *frontend, unsigned int index);

/* SET_BACKEND_REQ_FD with a new socket. */
void frontend_open_channel(struct frontend *frontend);

/* Whether the back end asked something: its header and payload of at most @size bytes. */
bool frontend_asked(struct frontend *frontend, struct vu_header *header, void *payload,
		    uint32_t size);

/* IOTLB_MSG; what the back end answers: 0 for success. */
uint64_t frontend_iotlb(struct frontend *frontend, const struct vu_iotlb *message);

/* Give and take away translations of the guest's memory; @access is enum iotlb_access. */
void frontend_map(struct frontend *frontend, uint64_t iova, uint64_t size, uint8_t access);
void frontend_unmap(struct frontend *frontend, uint64_t iova, uint64_t size);

/* Whether the back end asked for a translation, and which. */
bool frontend_missed(struct frontend *frontend, struct vu_iotlb *miss);

/* Give it the pages that it asks for, as long as it does; how many. */
unsigned int frontend_serve_misses(struct frontend *frontend);

/* Answer the oldest request of the back end. */
void frontend_answer(struct frontend *frontend, uint32_t request, uint64_t value);

/* Tell the back end of a ring that is there; and start it, whether it took the last message. */
void frontend_describe_ring(struct frontend *frontend, unsigned int index);
bool frontend_announce_ring(struct frontend *frontend, unsigned int index);

/*
 * Attach to another back end, at @fd, with the memory and @pairs queue pairs as they are.  A
 * VMM knows no more of a packed ring that nobody stopped than when it was started.
 */
void frontend_reattach(struct frontend *frontend, int fd, unsigned int pairs);

/* GET_VRING_BASE. */
uint32_t frontend_stop_ring(struct frontend *frontend, unsigned int index);

/* SET_VRING_ENABLE. */
void frontend_enable_ring(struct frontend *frontend, unsigned int index, bool enable);

/* Negotiate, share memory, start and enable @pairs queue pairs. */
void frontend_start(struct frontend *frontend, uint64_t features, unsigned int pairs);

/*
 * A net driver: ring 2 * pair is for receiving, 2 * pair + 1 for sending.
 * Post @count receive buffers of FRONTEND_BUFFER bytes; send a frame without
 * offloads, false when the ring is full; receive a frame if there is one, its
 * length or -1.
 */
void frontend_post(struct frontend *frontend, unsigned int pair, unsigned int count);
bool frontend_transmit(struct frontend *frontend, unsigned int pair, const void *frame,
		       uint32_t length);
int frontend_take(struct frontend *frontend, unsigned int pair, void *frame, uint32_t size);

#endif
