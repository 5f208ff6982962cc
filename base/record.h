/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the states of devices begin that go from one iovd to another: of which kind of device, which
 * version of that, how long, and a checksum of what follows.  Little-endian, as what follows.
 */
#ifndef IOV_BASE_RECORD_H
#define IOV_BASE_RECORD_H

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/fnv.h"
#include "base/iov.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they are");

/**
 * struct record_header - see above
 * @magic: of which kind it is
 * @version: of that kind
 * @length: bytes, with this header
 * @checksum: of what is behind the header; finds what was garbled on its way
 */
struct record_header {
	char magic[8];
	uint32_t version;
	uint32_t length;
	uint64_t checksum;
};
static_assert(sizeof(struct record_header) == 24, "header of a record");

/**
 * record_checksum - of what is behind the header
 * @bytes: the record
 * @length: its bytes, with the header
 */
static inline uint64_t record_checksum(const void *bytes, size_t length)
{
	return fnv64(FNV64_BASIS, (const uint8_t *)bytes + sizeof(struct record_header),
		     length - sizeof(struct record_header));
}

/**
 * record_finish - give a record its header
 * @bytes: the record, with all that is behind the header
 * @length: its bytes, with the header
 * @magic: of which kind it is
 * @version: of that kind
 */
static inline void record_finish(void *bytes, size_t length, const char magic[8], uint32_t version)
{
	struct record_header header = { .version = version, .length = (uint32_t)length };

	memcpy(header.magic, magic, sizeof(header.magic));
	header.checksum = record_checksum(bytes, length);
	memcpy(bytes, &header, sizeof(header));
}

/**
 * record_check_kind - whether a record is of a kind and version
 * @header: its header
 * @iov: context for the message
 * @magic: kind
 * @version: version
 * @whose: "a disk"
 *
 * Return: 0, or -EINVAL with a message.
 */
static inline int record_check_kind(const struct record_header *header, struct iov *iov,
				    const char magic[8], uint32_t version, const char *whose)
{
	if (memcmp(header->magic, magic, sizeof(header->magic)))
		return iov_fail(iov, -EINVAL, "the device state is not that of %s of iovd", whose);
	if (header->version != version)
		return iov_fail(iov, -EINVAL, "device state of version %u, expected %u; give the "
				"destination the iovd of the source or a later one", header->version,
				version);
	return 0;
}

/* The message of one whose checksum is that of something else. */
static inline int record_fail_garbled(struct iov *iov)
{
	return iov_fail(iov, -EINVAL, "the device state was garbled on its way");
}

#endif
