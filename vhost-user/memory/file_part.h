/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A part of a front end's file, mapped: a dirty log, what is in flight. */
#ifndef VHOST_USER_MEMORY_FILE_PART_H
#define VHOST_USER_MEMORY_FILE_PART_H

#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"

/**
 * struct file_part - the part
 * @bytes: its first byte
 * @size: bytes
 * @mapping: what was mapped; starts at or before @bytes
 * @mapping_size: bytes at @mapping
 */
struct file_part {
	uint8_t *bytes;
	uint64_t size;
	void *mapping;
	size_t mapping_size;
};

/**
 * file_part_map - map it
 * @part: overwritten; unmapped with file_part_unmap()
 * @iov: context for the message
 * @what: "dirty log", for the message
 * @fd: the file, which stays the caller's and may be cut short later, see memory_fault.h
 * @size: bytes
 * @offset: where they begin
 *
 * Return: 0; -EINVAL with a message when that is no part of a file; or -errno with a message.
 */
int file_part_map(struct file_part *part, struct iov *iov, const char *what, int fd, uint64_t size,
		  uint64_t offset);

/**
 * file_part_unmap - unmap it
 * @part: part
 */
void file_part_unmap(struct file_part *part);

#endif
