/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cleanup attributes for locals. */
#ifndef IOV_BASE_CLEANUP_H
#define IOV_BASE_CLEANUP_H

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void iov_cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void iov_cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void iov_cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void iov_cleanup_json(struct json_object **object)
{
	json_object_put(*object);
}

#define _cleanup_free_ __attribute__((cleanup(iov_cleanup_free)))
#define _cleanup_fd_ __attribute__((cleanup(iov_cleanup_fd)))
#define _cleanup_file_ __attribute__((cleanup(iov_cleanup_file)))
#define _cleanup_json_ __attribute__((cleanup(iov_cleanup_json)))

#endif
