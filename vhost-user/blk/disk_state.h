/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a disk has that its driver does not say again and its VMM does not know, as bytes that go
 * from the source of a migration to its destination: one record, little-endian, with its version, length
 * and checksum.
 */
#ifndef VHOST_USER_BLK_DISK_STATE_H
#define VHOST_USER_BLK_DISK_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"

/**
 * struct disk_state - see above
 * @features: negotiated virtio features
 * @bytes: size of the disk
 * @write_through: its driver has switched the cache off
 * @flush_error: errno of a flush that failed, which nobody has looked at; 0 for none
 */
struct disk_state {
	uint64_t features;
	uint64_t bytes;
	bool write_through;
	uint32_t flush_error;
};

/**
 * disk_state_write - as bytes
 * @state: state
 * @bytes: receives memory; the caller frees it
 * @length: receives its length
 *
 * Return: 0 or -ENOMEM.
 */
int disk_state_write(const struct disk_state *state, uint8_t **bytes, size_t *length);

/**
 * disk_state_read - from bytes
 * @state: receives it
 * @iov: context for the message
 * @bytes: anything
 * @length: length of @bytes
 *
 * Return: 0, or -EINVAL with a message that says what is wrong.
 */
int disk_state_read(struct disk_state *state, struct iov *iov, const uint8_t *bytes, size_t length);

#endif
