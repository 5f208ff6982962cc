/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of a front end: each makes sense, of the request that the input names, until it is
 * spoiled, when one thing about it does not.
 */
#ifndef IOV_TESTS_FUZZ_DRAFT_H
#define IOV_TESTS_FUZZ_DRAFT_H

#include <linux/virtio_config.h>

#include "tests/fuzz/fuzz.h"
#include "tests/wire/driver.h"
#include "vhost-user/protocol/message.h"

/* The device, and what its front end has for it. */
#define RINGS 4
#define MEMORY (UINT64_C(64) << 10)
#define LOG_BYTES 4096
#define INFLIGHT_BYTES (64 << 10)
#define FDS_SENT 12
#define FEATURES                                                                                   \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_RING_F_EVENT_IDX) |      \
	 BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_F_ACCESS_PLATFORM))

/* An operation: the request in its low bits, and what is special about it. */
#define OP_REQUEST 0x3f
#define OP_GO 0x3a		/* SET_MEM_TABLE that says that faults are answered */
#define OP_PROTOCOL 0x3b	/* protocol features, of which SET_PROTOCOL_FEATURES sets few */
#define OP_WAIT 0x3c		/* no request: time passes */
#define OP_DRAINED 0x3d		/* no request: a ring has drained */
#define OP_CHANGE 0x3e		/* no request: the device's configuration changes */
#define OP_ANSWER 0x3f		/* no request: answer one of the back end */
#define OP_SPOILED 0x40
#define OP_SILENT 0x80		/* without NEED_REPLY */

/* What a front end may send along. */
enum file {
	FILE_EVENT,
	FILE_MEMORY,
	FILE_LOG,
	FILE_INFLIGHT,
	FILE_SHORT,		/* memory of a byte */
	FILE_PIPE,
	FILE_DEVICE,
	FILE_SOCKET,
	FILES
};

/* Who sends them. */
struct draft_sender {
	struct guest guest;
	int files[FILES];
	int channel;		/* where requests of the back end arrive; -1 before there is one */
};

struct draft {
	struct vu_header header;
	uint64_t payload[64];
	int fds[FDS_SENT];
	unsigned int fd_count;
};

/* A message that makes sense. */
void draft_good(struct draft_sender *from, struct fuzz_input *input, uint8_t op,
		struct draft *draft);

/* One thing about it that does not. */
void draft_spoil(const struct draft_sender *from, struct fuzz_input *input, struct draft *draft);

/* All bytes of it. */
size_t draft_size(const struct draft *draft);

/* Send @size bytes of it, the descriptors with the first one. */
void draft_send(int fd, const struct draft *draft, size_t size);

/* Leave a socket little room, so that whoever is not read from stalls soon. */
void draft_hush(int fd);

void draft_close_channel(struct draft_sender *from);

#endif
