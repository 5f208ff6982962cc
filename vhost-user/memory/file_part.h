/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A part of a front end's file, mapped: guest memory, a dirty log, what is in flight.
 *
 * Whoever touches a page of a file may come to wait for who serves it: the server of a
 * network file system, a process behind FUSE, and what is below an overlay.  To ask such a
 * file for its size, or its file system for its kind, is to wait as well.  So only files
 * whose pages are the kernel's own are mapped: those of memfd_create(), of tmpfs and
 * of hugetlbfs, which the kernel tells by having seals for them, without asking anybody.
 * What is on ext4 or XFS in persistent memory (DAX) is not told from what is on a disk, nor
 * ramfs from anything; they need the option, too.
 */
#ifndef VHOST_USER_MEMORY_FILE_PART_H
#define VHOST_USER_MEMORY_FILE_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"

/**
 * struct file_part - a mapped part
 * @mapping: what was mapped: whole pages, of hugetlbfs those of the file
 * @mapping_size: bytes at @mapping
 * @watch: of memory_fault_watch()
 * @device: of the file
 * @inode: of the file
 */
struct file_part {
	void *mapping;
	size_t mapping_size;
	int watch;
	uint64_t device;
	uint64_t inode;
};

/**
 * struct file_part_request - which part of which file
 * @fd: the file, which stays the caller's and may be cut short later, see memory_fault.h
 * @size: bytes
 * @offset: where they begin
 * @any_memory: map files of any file system, and wait for whom they make us wait
 */
struct file_part_request {
	int fd;
	uint64_t size;
	uint64_t offset;
	bool any_memory;
};

/**
 * file_part_map - map it
 * @part: overwritten; unmapped with file_part_unmap()
 * @bytes: receives the first byte
 * @iov: context for the message
 * @what: "dirty log", for the message
 * @request: what to map
 *
 * Return: 0; -EINVAL with a message when that is no part of such a file; -ENOSPC with a message
 * when too many are mapped; or -errno with a message.
 */
int file_part_map(struct file_part *part, uint8_t **bytes, struct iov *iov, const char *what,
		  const struct file_part_request *request);

/**
 * file_part_unmap - unmap it
 * @part: part
 */
void file_part_unmap(const struct file_part *part);

/**
 * file_part_is_lost - whether its memory is not that of the file any more
 * @part: part
 *
 * Return: true when an access found no file or no memory, see memory_fault.h.
 */
bool file_part_is_lost(const struct file_part *part);

#endif
