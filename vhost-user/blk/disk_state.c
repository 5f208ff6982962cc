// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/disk_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/record.h"

#define VERSION 1

/* No error of the kernel is larger. */
#define ERRNO_MAX 4095

struct record {
	struct record_header header;
	uint64_t features;
	uint64_t bytes;
	uint32_t write_through;	/* 0 or 1 */
	uint32_t flush_error;
};
static_assert(sizeof(struct record) == 48, "state of a disk");

static const char magic[8] = "iov-blk";

int disk_state_write(const struct disk_state *state, uint8_t **bytes, size_t *length)
{
	struct record *record = malloc(sizeof(*record));

	if (!record)
		return -ENOMEM;
	*record = (struct record){
		.features = state->features,
		.bytes = state->bytes,
		.write_through = state->write_through,
		.flush_error = state->flush_error,
	};
	record_finish(record, sizeof(*record), magic, VERSION);
	*bytes = (uint8_t *)record;
	*length = sizeof(*record);
	return 0;
}

int disk_state_read(struct disk_state *state, struct iov *iov, const uint8_t *bytes, size_t length)
{
	struct record record = { 0 };
	int error;

	memcpy(&record, bytes, length < sizeof(record) ? length : sizeof(record));
	error = record_check_kind(&record.header, iov, magic, VERSION, "a disk");
	if (error)
		return error;
	if (record.header.length != sizeof(record) || length != sizeof(record))
		return iov_fail(iov, -EINVAL, "device state of %u bytes, of which %zu came, expected %zu",
				record.header.length, length, sizeof(record));
	if (record.header.checksum != record_checksum(&record, sizeof(record)) ||
	    record.write_through > 1 || record.flush_error > ERRNO_MAX)
		return record_fail_garbled(iov);
	*state = (struct disk_state){
		.features = record.features,
		.bytes = record.bytes,
		.write_through = record.write_through,
		.flush_error = record.flush_error,
	};
	return 0;
}
