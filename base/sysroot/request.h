/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes as bytes, from a process to its writer; for the files of base/sysroot/ and their test. */
#ifndef IOV_BASE_SYSROOT_REQUEST_H
#define IOV_BASE_SYSROOT_REQUEST_H

#include <stddef.h>

#include "base/sysroot/writer.h"

/* Give the caller @bytes to free.  -ENOMEM or 0. */
int request_encode(const struct sys_write *writes, size_t count, char **bytes, size_t *length);

/**
 * struct request - bytes that are being read
 * @next: what comes next; writes that were read point into what is before
 * @end: behind the last byte
 * @unless: the condition of the last write, when it has one
 */
struct request {
	const char *next;
	const char *end;
	struct iov_condition unless;
};

/* The next write, good until another is read: 1, 0 at the end, -EINVAL or -ENOMEM. */
int request_next(struct request *request, struct sys_write *write);

/* Free what was needed to read it; the bytes stay the caller's. */
void request_close(struct request *request);

#endif
