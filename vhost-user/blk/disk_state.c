// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/disk_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"

#define VERSION 1

/* No error of the kernel is larger. */
#define ERRNO_MAX 4095

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they are");

struct record {
	char magic[8];
	uint32_t version;
	uint32_t length;
	uint64_t checksum;	/* of what follows */
	uint64_t features;
	uint64_t bytes;
	uint32_t write_through;	/* 0 or 1 */
	uint32_t flush_error;
};
static_assert(sizeof(struct record) == 48, "state of a disk");

static const char magic[8] = "iov-blk";

static uint64_t checksum(const struct record *record)
{
	const size_t from = offsetof(struct record, features);

	return fnv64(FNV64_BASIS, (const uint8_t *)record + from, sizeof(*record) - from);
}

int disk_state_write(const struct disk_state *state, uint8_t **bytes, size_t *length)
{
	struct record *record = malloc(sizeof(*record));

	if (!record)
		return -ENOMEM;
	*record = (struct record){
		.version = VERSION,
		.length = sizeof(*record),
		.features = state->features,
		.bytes = state->bytes,
		.write_through = state->write_through,
		.flush_error = state->flush_error,
	};
	memcpy(record->magic, magic, sizeof(magic));
	record->checksum = checksum(record);
	*bytes = (uint8_t *)record;
	*length = sizeof(*record);
	return 0;
}

int disk_state_read(struct disk_state *state, struct iov *iov, const uint8_t *bytes, size_t length)
{
	struct record record = { 0 };

	memcpy(&record, bytes, length < sizeof(record) ? length : sizeof(record));
	if (memcmp(record.magic, magic, sizeof(magic)))
		return iov_fail(iov, -EINVAL, "the device state is not that of a disk of iovd");
	if (record.version != VERSION)
		return iov_fail(iov, -EINVAL, "device state of version %u, expected %d; give the "
				"destination the iovd of the source or a later one", record.version,
				VERSION);
	if (record.length != sizeof(record) || length != sizeof(record))
		return iov_fail(iov, -EINVAL, "device state of %u bytes, of which %zu came, expected %zu",
				record.length, length, sizeof(record));
	if (record.checksum != checksum(&record) || record.write_through > 1 ||
	    record.flush_error > ERRNO_MAX)
		return iov_fail(iov, -EINVAL, "the device state was garbled on its way");
	*state = (struct disk_state){
		.features = record.features,
		.bytes = record.bytes,
		.write_through = record.write_through,
		.flush_error = record.flush_error,
	};
	return 0;
}
