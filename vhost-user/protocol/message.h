/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vhost-user messages as they are on the wire.
 *
 * Sections are those of QEMU's docs/interop/vhost-user.rst.
 */
#ifndef VHOST_USER_PROTOCOL_MESSAGE_H
#define VHOST_USER_PROTOCOL_MESSAGE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "Front-end message types". */
enum vu_request {
	VU_GET_FEATURES = 1,
	VU_SET_FEATURES = 2,
	VU_SET_OWNER = 3,
	VU_RESET_OWNER = 4,
	VU_SET_MEM_TABLE = 5,
	VU_SET_LOG_BASE = 6,
	VU_SET_LOG_FD = 7,
	VU_SET_VRING_NUM = 8,
	VU_SET_VRING_ADDR = 9,
	VU_SET_VRING_BASE = 10,
	VU_GET_VRING_BASE = 11,
	VU_SET_VRING_KICK = 12,
	VU_SET_VRING_CALL = 13,
	VU_SET_VRING_ERR = 14,
	VU_GET_PROTOCOL_FEATURES = 15,
	VU_SET_PROTOCOL_FEATURES = 16,
	VU_GET_QUEUE_NUM = 17,
	VU_SET_VRING_ENABLE = 18,
	VU_SEND_RARP = 19,
	VU_NET_SET_MTU = 20,
	VU_SET_BACKEND_REQ_FD = 21,
	VU_IOTLB_MSG = 22,
	VU_SET_VRING_ENDIAN = 23,
	VU_GET_CONFIG = 24,
	VU_SET_CONFIG = 25,
	VU_CREATE_CRYPTO_SESSION = 26,
	VU_CLOSE_CRYPTO_SESSION = 27,
	VU_POSTCOPY_ADVISE = 28,
	VU_POSTCOPY_LISTEN = 29,
	VU_POSTCOPY_END = 30,
	VU_GET_INFLIGHT_FD = 31,
	VU_SET_INFLIGHT_FD = 32,
	VU_RESET_DEVICE = 34,
	VU_VRING_KICK = 35,
	VU_GET_MAX_MEM_SLOTS = 36,
	VU_ADD_MEM_REG = 37,
	VU_REM_MEM_REG = 38,
	VU_SET_STATUS = 39,
	VU_GET_STATUS = 40,
	VU_GET_SHARED_OBJECT = 41,
	VU_SET_DEVICE_STATE_FD = 42,
	VU_CHECK_DEVICE_STATE = 43,
	VU_GET_SHMEM_CONFIG = 44,
	VU_REQUESTS,		/* behind the last one that this back end knows */
};

/* "Back-end message types". */
enum vu_backend_request {
	VU_BACKEND_IOTLB_MSG = 1,
	VU_BACKEND_CONFIG_CHANGE_MSG = 2,
	VU_BACKEND_VRING_CALL = 4,
	VU_BACKEND_VRING_ERR = 5,
};

/* "Protocol features". */
enum vu_protocol_feature {
	VU_PROTOCOL_MQ = 0,
	VU_PROTOCOL_LOG_SHMFD = 1,
	VU_PROTOCOL_RARP = 2,
	VU_PROTOCOL_REPLY_ACK = 3,
	VU_PROTOCOL_MTU = 4,
	VU_PROTOCOL_BACKEND_REQ = 5,
	VU_PROTOCOL_CROSS_ENDIAN = 6,
	VU_PROTOCOL_CRYPTO_SESSION = 7,
	VU_PROTOCOL_PAGEFAULT = 8,
	VU_PROTOCOL_CONFIG = 9,
	VU_PROTOCOL_BACKEND_SEND_FD = 10,
	VU_PROTOCOL_HOST_NOTIFIER = 11,
	VU_PROTOCOL_INFLIGHT_SHMFD = 12,
	VU_PROTOCOL_RESET_DEVICE = 13,
	VU_PROTOCOL_INBAND_NOTIFICATIONS = 14,
	VU_PROTOCOL_CONFIGURE_MEM_SLOTS = 15,
	VU_PROTOCOL_STATUS = 16,
	VU_PROTOCOL_XEN_MMAP = 17,
	VU_PROTOCOL_SHARED_OBJECT = 18,
	VU_PROTOCOL_DEVICE_STATE = 19,
	/* Some unreleased trees had another feature there, so devices have to ask for it. */
	VU_PROTOCOL_GET_VRING_BASE_INFLIGHT = 20,
	VU_PROTOCOL_GPA_ADDRESSES = 21,
	VU_PROTOCOL_SHMEM = 22,
};

/*
 * What a net device on this side of a socket has no use for: rings are little-endian since
 * virtio 1.0, there is no notification area, no dmabuf and no memory to be shared with the
 * driver.  GPA_ADDRESSES and SHMEM had other numbers in development; a front end of that
 * time would mistake them, and none can be asked how old it is.
 */
#define VU_NEVER_OFFERED                                                                           \
	(VU_BIT(VU_PROTOCOL_CROSS_ENDIAN) | VU_BIT(VU_PROTOCOL_CRYPTO_SESSION) |                   \
	 VU_BIT(VU_PROTOCOL_HOST_NOTIFIER) | VU_BIT(VU_PROTOCOL_XEN_MMAP) |                        \
	 VU_BIT(VU_PROTOCOL_SHARED_OBJECT) | VU_BIT(VU_PROTOCOL_GPA_ADDRESSES) |                   \
	 VU_BIT(VU_PROTOCOL_SHMEM))

/* The feature bits that virtio leaves to vhost-user. */
#define VU_F_LOG_ALL 26
#define VU_F_PROTOCOL_FEATURES 30

#define VU_BIT(n) (UINT64_C(1) << (n))

/* "Header": bits 0 and 1 of the flags are the version. */
#define VU_FLAG_VERSION_MASK 0x3u
#define VU_FLAG_VERSION 0x1u
#define VU_FLAG_REPLY 0x4u
#define VU_FLAG_NEED_REPLY 0x8u

/* SET_VRING_KICK, CALL and ERR: index, and "there is no descriptor". */
#define VU_VRING_INDEX_MASK 0xffu
#define VU_VRING_NOFD 0x100u

/* "Memory regions description". */
#define VU_MEM_TABLE_REGIONS 8

/* Answer to GET_MAX_MEM_SLOTS: what KVM had room for when the request was made up. */
#define VU_MEM_SLOTS 509

/* SET_VRING_ADDR: writes to the ring itself are logged. */
#define VU_VRING_LOG 0x1u

struct vu_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
};
static_assert(sizeof(struct vu_header) == 12, "Header");

struct vu_vring_state {
	uint32_t index;
	uint32_t num;
};
static_assert(sizeof(struct vu_vring_state) == 8, "A vring state description");

struct vu_vring_addr {
	uint32_t index;
	uint32_t flags;
	uint64_t desc;
	uint64_t used;
	uint64_t avail;
	uint64_t log;
};
static_assert(sizeof(struct vu_vring_addr) == 40 && offsetof(struct vu_vring_addr, used) == 16,
	      "A vring address description");

struct vu_mem_region {
	uint64_t gpa;
	uint64_t size;
	uint64_t uva;
	uint64_t offset;
};
static_assert(sizeof(struct vu_mem_region) == 32, "Memory regions description");

struct vu_mem_table {
	uint32_t count;
	uint32_t padding;
	struct vu_mem_region regions[VU_MEM_TABLE_REGIONS];
};
static_assert(offsetof(struct vu_mem_table, regions) == 8, "Memory regions description");

struct vu_mem_slot {
	uint64_t padding;
	struct vu_mem_region region;
};
static_assert(sizeof(struct vu_mem_slot) == 40, "Single memory region description");

struct vu_log {
	uint64_t size;
	uint64_t offset;
};
static_assert(sizeof(struct vu_log) == 16, "Log description");

/* "An IOTLB message": as in the kernel, whose struct has padding at its end. */
enum vu_iotlb_type {
	VU_IOTLB_MISS = 1,
	VU_IOTLB_UPDATE = 2,
	VU_IOTLB_INVALIDATE = 3,
	VU_IOTLB_ACCESS_FAIL = 4,
};

struct vu_iotlb {
	uint64_t iova;
	uint64_t size;
	uint64_t uva;
	uint8_t perm;
	uint8_t type;
	uint8_t padding[6];
};
#define VU_IOTLB_MIN offsetof(struct vu_iotlb, padding)
static_assert(VU_IOTLB_MIN == 26 && sizeof(struct vu_iotlb) == 32, "An IOTLB message");

/* "Device state transfer parameters": which way, and that the device stands still. */
#define VU_STATE_SAVE 0
#define VU_STATE_LOAD 1
#define VU_STATE_STOPPED 0

/* Longest state that is taken. */
#define VU_STATE_MAX 65536

/* Reply to what has one of its own: it failed, and there is no descriptor. */
#define VU_STATE_FAILED 0x101u

struct vu_device_state {
	uint32_t direction;
	uint32_t phase;
};
static_assert(sizeof(struct vu_device_state) == 8, "Device state transfer parameters");

/* "Virtio device config space": a header, and at most the whole space behind it. */
#define VU_CONFIG_SPACE 256

struct vu_config {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	uint8_t bytes[VU_CONFIG_SPACE];
};
#define VU_CONFIG_HEADER offsetof(struct vu_config, bytes)
static_assert(VU_CONFIG_HEADER == 12 && sizeof(struct vu_config) == 12 + VU_CONFIG_SPACE,
	      "Virtio device config space");

/* The source of a migration sends what the driver wrote, to fields that it cannot write. */
#define VU_CONFIG_MIGRATION 0x1u

/* "Inflight description"; QEMU and DPDK send the padding of their C, too. */
struct vu_inflight_area {
	uint64_t size;
	uint64_t offset;
	uint16_t queues;
	uint16_t entries;
};
#define VU_INFLIGHT_MIN 20
static_assert(offsetof(struct vu_inflight_area, entries) == 18 &&
		      sizeof(struct vu_inflight_area) == 24,
	      "Inflight description");

/* More than any request has, so that unknown ones can be answered, too. */
#define VU_PAYLOAD_MAX 4096

union vu_payload {
	uint64_t u64;
	struct vu_vring_state state;
	struct vu_vring_addr addr;
	struct vu_mem_table mem_table;
	struct vu_mem_slot mem_slot;
	struct vu_log log;
	struct vu_iotlb iotlb;
	struct vu_device_state device_state;
	struct vu_config config;
	struct vu_inflight_area inflight;
	uint8_t bytes[VU_PAYLOAD_MAX];
};

/**
 * enum vu_refusal - why a message was not accepted
 *
 * Those before VU_REFUSED_REQUEST end the connection at once: the peer does
 * not speak the protocol, or where its next message begins is not known.
 */
enum vu_refusal {
	VU_ACCEPTED = 0,
	VU_REFUSED_VERSION,	/* version bits are not 1 */
	VU_REFUSED_FLAGS,	/* reply flag on a request, or unknown flags */
	VU_REFUSED_OVERSIZE,	/* payload longer than that of any request */
	VU_REFUSED_FDS_LOST,	/* more descriptors than any request has, or than are left */
	VU_REFUSED_TRUNCATED,	/* connection ended within a message */
	VU_REFUSED_STALLED,	/* peer does not read its replies */
	VU_REFUSED_REQUEST,	/* request that is not in the table */
	VU_REFUSED_SIZE,	/* payload shorter or longer than the request has */
	VU_REFUSED_FDS,		/* wrong number of descriptors */
	VU_REFUSED_INDEX,	/* no such vring */
	VU_REFUSED_FEATURE,	/* belongs to a feature that is not offered */
	VU_REFUSED_VALUE,	/* content is wrong: size, features, flags, MTU */
	VU_REFUSED_STATE,	/* not while the ring runs */
	VU_REFUSED_MEMORY,	/* region that cannot be mapped, address outside of all */
	VU_REFUSED_CHANNEL_STALLED,	/* peer does not read the back end's requests */
	VU_REFUSED_CHANNEL_LATE,	/* peer does not answer them */
	VU_REFUSED_CHANNEL_REPLY,	/* answer to something that was not asked */
	VU_REFUSED_NOT_DRAINED,	/* device that does not give back what is in flight */
	VU_REFUSALS,
	VU_LATER		/* neither yet: a ring has to drain */
};

/**
 * vu_refusal_name - name of a reason for counters and messages
 * @refusal: the reason
 *
 * Return: "version" and so on, "accepted" for VU_ACCEPTED.
 */
const char *vu_refusal_name(enum vu_refusal refusal);

/**
 * vu_protocol_feature_name - as users read it
 * @bit: number of a bit
 *
 * Return: "reply-ack" and so on; NULL for a bit that is none of these.
 */
const char *vu_protocol_feature_name(unsigned int bit);

/**
 * vu_backend_request_name - name of a request of the back end
 * @request: number
 *
 * Return: "VRING_CALL" and so on; NULL for none of those.
 */
const char *vu_backend_request_name(uint32_t request);

#endif
