/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dirty log of a live migration: a bit for each page of guest memory that the
 * back end wrote to, in memory that the front end reads and clears while we set
 * bits.  QEMU's docs/interop/vhost-user.rst, "Migration".
 *
 * Threads: opened and closed on the control thread, while no worker has a ring of
 * the session; any number of workers mark.
 */
#ifndef VHOST_USER_MEMORY_DIRTY_LOG_H
#define VHOST_USER_MEMORY_DIRTY_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "vhost-user/memory/guest_memory.h"

/* Bytes of guest memory for a bit. */
#define DIRTY_LOG_PAGE 4096

struct dirty_log;

/**
 * dirty_log_open - map a log
 * @out: receives it; the caller closes it with dirty_log_close()
 * @iov: context for the message
 * @request: where it is
 *
 * Return: 0 or -errno with a message, as file_part_map().
 */
int dirty_log_open(struct dirty_log **out, struct iov *iov,
		   const struct file_part_request *request);

/**
 * dirty_log_close - unmap a log
 * @log: NULL is allowed
 */
void dirty_log_close(struct dirty_log *log);

/**
 * dirty_log_is_lost - whether the front end does not see marks any more
 * @log: log
 */
bool dirty_log_is_lost(const struct dirty_log *log);

/**
 * dirty_log_covers - whether a log has a bit for every page
 * @log: log
 * @memory: guest memory
 */
bool dirty_log_covers(const struct dirty_log *log, const struct guest_memory *memory);

/**
 * dirty_log_has - whether a log has a bit for each page of a range
 * @log: log
 * @address: guest physical address
 * @length: bytes, not 0
 */
bool dirty_log_has(const struct dirty_log *log, uint64_t address, uint64_t length);

/**
 * dirty_log_mark_at - mark the pages of a range
 * @log: log that dirty_log_has() the range
 * @address: guest physical address
 * @length: bytes, not 0
 */
void dirty_log_mark_at(struct dirty_log *log, uint64_t address, size_t length);

/**
 * dirty_log_mark - note that guest memory was written
 * @log: log that covers @memory
 * @memory: guest memory
 * @host: pointer into it
 * @length: bytes; 0 marks nothing
 *
 * After the write: the front end clears a bit and then copies the page, so a write
 * behind its mark could be missed.  The last marks are there before a ring has stopped.
 */
void dirty_log_mark(struct dirty_log *log, const struct guest_memory *memory, const void *host,
		    size_t length);

#endif
