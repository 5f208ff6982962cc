/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a host file is read; for the files of host/ alone. */
#ifndef IOV_HOST_FILE_FILE_H
#define IOV_HOST_FILE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sysroot/paths.h"
#include "host/file/host.h"

/* The text of IOV_HOST_FILE that was applied last, and kept. */
#define HOST_APPLIED IOV_PATH_STATE "/host.yaml"

/* Longest place in a file: "devices[1].vfs.each[3].mac", and its NUL. */
#define HOST_PLACE_SIZE 128

/* A value as a message shows it: in quotes, whole characters, and not too many. */
struct host_shown {
	char text[72];
};

struct iov_host_file {
	struct iov *iov;
	char *path; /* on this machine or below the sysroot; NULL: cannot change */
	bool in_sysroot;
	char *name; /* as messages call it */
	char *text;
	size_t length;
	struct iov_host *host; /* NULL when the file is empty */
};

/*
 * Read a file from memory.  @text is from malloc() and taken over, whatever is
 * returned.
 */
int host_load_text(struct iov_host_file **out, struct iov *iov, const char *name, char *text,
		   size_t length);

/* Whether the text is one YAML document of the schema's shape; -EINVAL with a message. */
int host_check_shape(const struct iov_host_file *file);

/* Line of a place, or of the nearest one around it that is written down. */
unsigned int host_line(const struct iov_host_file *file, const char *where);

/* Whether the values make sense; -EINVAL with a message. */
int host_validate(const struct iov_host_file *file);

/* Whether a text of IOV_HOST_FILE, NULL for none, is the one that was applied last. */
bool host_was_applied(struct iov *iov, const char *text);

struct host_shown host_show(const char *value);

#endif
