/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an NVMe controller and a driver have in common: NVM Express Base Specification 2.0, its PCIe
 * Transport 1.0 and NVM Command Set 1.0.  All is little-endian, as are the hosts that we know.
 */
#ifndef IOV_PLUGINS_DRIVERS_NVME_ABI_H
#define IOV_PLUGINS_DRIVERS_NVME_ABI_H

#include <assert.h>
#include <stdint.h>

#define NVME_PAGE UINT64_C(4096)

/* Registers, PCIe Transport 1.0 section 3.1 */
enum {
	NVME_CAP = 0x00,
	NVME_CC = 0x14,
	NVME_CSTS = 0x1c,
	NVME_AQA = 0x24,
	NVME_ASQ = 0x28,
	NVME_ACQ = 0x30,
	NVME_DOORBELLS = 0x1000,
};

#define NVME_CC_ENABLE 1u
#define NVME_CC_ENTRIES (6u << 16 | 4u << 20) /* 64 and 16 bytes */
#define NVME_CSTS_READY 1u
#define NVME_CSTS_FATAL 2u
#define NVME_GONE UINT32_MAX

/* Commands, Base 2.0 section 5 and NVM Command Set 1.0 section 3 */
enum {
	NVME_ADMIN_DELETE_SQ = 0x00,
	NVME_ADMIN_CREATE_SQ = 0x01,
	NVME_ADMIN_GET_LOG = 0x02,
	NVME_ADMIN_DELETE_CQ = 0x04,
	NVME_ADMIN_CREATE_CQ = 0x05,
	NVME_ADMIN_IDENTIFY = 0x06,
	NVME_ADMIN_ABORT = 0x08,
	NVME_ADMIN_SET_FEATURES = 0x09,
	NVME_ADMIN_ASYNC_EVENT = 0x0c,
	NVME_ADMIN_DOORBELLS = 0x7c,
};

enum { NVME_FLUSH = 0x00, NVME_WRITE = 0x01, NVME_READ = 0x02, NVME_ZEROES = 0x08, NVME_DSM = 0x09 };

enum { NVME_IDENTIFY_NAMESPACE = 0, NVME_IDENTIFY_CONTROLLER = 1, NVME_IDENTIFY_LIST = 2 };

#define NVME_FEATURE_QUEUES 7u
#define NVME_FEATURE_EVENTS 11u

/* Events, Base 2.0 section 5.27.1.8: warnings of SMART, in the log's first byte as well; and notices. */
#define NVME_WARNINGS 0x3fu
#define NVME_NOTICE_SPACES (1u << 8)
#define NVME_NOTICE_FIRMWARE (1u << 9)

/* Logs, Base 2.0 section 5.16.1 */
enum { NVME_LOG_ERRORS = 1, NVME_LOG_HEALTH = 2, NVME_LOG_FIRMWARE = 3, NVME_LOG_SPACES = 4 };

/* Word 12 of reads, writes and write zeroes */
#define NVME_FUA (1u << 30)
#define NVME_DEALLOCATE (1u << 25)

/* Word 11 of dataset management */
#define NVME_DSM_DEALLOCATE (1u << 2)

/* Word 11 of who creates a completion queue, and a submission queue */
#define NVME_QUEUE_CONTIGUOUS 1u
#define NVME_QUEUE_INTERRUPTS 2u

/* struct nvme_command @flags: its data is told by scatter-gather lists */
#define NVME_FLAG_SGL 0x40

/* Status code type and code, and what goes with them, in struct nvme_completion @status >> 1 */
#define NVME_STATUS_MASK 0x7ff
#define NVME_STATUS_FINAL 0x4000 /* do not retry */

/**
 * struct nvme_command - Base 2.0 section 3.3.3.1
 * @data: two entries of a page list, or a descriptor of a scatter-gather list
 * @words: command words 10 to 15
 */
struct nvme_command {
	uint8_t opcode;
	uint8_t flags;
	uint16_t id;
	uint32_t nsid;
	uint64_t reserved;
	uint64_t metadata;
	uint64_t data[2];
	uint32_t words[6];
};

/**
 * struct nvme_completion - Base 2.0 section 3.3.3.2
 * @head: what the controller took of the submission queue
 * @queue: number of that
 * @id: of the command
 * @status: its lowest bit is the phase
 */
struct nvme_completion {
	uint32_t result;
	uint32_t reserved;
	uint16_t head;
	uint16_t queue;
	uint16_t id;
	uint16_t status;
};

static_assert(sizeof(struct nvme_command) == 64 && sizeof(struct nvme_completion) == 16,
	      "as NVME_CC_ENTRIES says");

/**
 * struct nvme_sgl - a descriptor of a scatter-gather list, Base 2.0 section 4.1.2
 * @kind: NVME_SGL_DATA or NVME_SGL_LAST << 56, and the length
 */
struct nvme_sgl {
	uint64_t address;
	uint64_t kind;
};

#define NVME_SGL_DATA UINT64_C(0)
#define NVME_SGL_LAST (UINT64_C(0x30) << 56)

/**
 * struct nvme_range - of dataset management, NVM Command Set 1.0 section 3.2.3
 */
struct nvme_range {
	uint32_t attributes;
	uint32_t blocks;
	uint64_t first;
};

static_assert(sizeof(struct nvme_sgl) == 16 && sizeof(struct nvme_range) == 16, "specification");

/* Where things are in what identify tells of a controller, Base 2.0 section 5.17.2.1 */
enum {
	NVME_CONTROLLER_SERIAL = 4,
	NVME_CONTROLLER_MODEL = 24,
	NVME_CONTROLLER_MDTS = 77,
	NVME_CONTROLLER_OAES = 92,	/* 32 bits: notices */
	NVME_CONTROLLER_OACS = 256,	/* 16 bits; 8: doorbell buffers */
	NVME_CONTROLLER_ONCS = 520,	/* 16 bits; 2: dataset management, 3: write zeroes */
	NVME_CONTROLLER_VWC = 525,	/* 0: there is a cache */
	NVME_CONTROLLER_SGLS = 536,	/* 32 bits; 0 and 1: there are such lists */
};

/* The same of a namespace, NVM Command Set 1.0 section 4.1.5.1 */
enum {
	NVME_NAMESPACE_BLOCKS = 0,	/* 64 bits */
	NVME_NAMESPACE_FEATURES = 24,	/* 4: preferred sizes are told */
	NVME_NAMESPACE_FORMAT = 26,
	NVME_NAMESPACE_DEALLOCATE = 33,	/* 0-2: 1 reads as zeroes; 3: by write zeroes */
	NVME_NAMESPACE_WRITE_BLOCKS = 64, /* 16 bits, from 0 */
	NVME_NAMESPACE_DISCARD_BLOCKS = 68, /* 16 bits, from 0 */
	NVME_NAMESPACE_ATTRIBUTES = 99,	/* 0: write protected */
	NVME_NAMESPACE_NGUID = 104,	/* 16 bytes */
	NVME_NAMESPACE_EUI64 = 120,	/* 8 bytes */
	NVME_NAMESPACE_FORMATS = 128,	/* 32 bits each: metadata, 2^bytes << 16 */
};

#endif
