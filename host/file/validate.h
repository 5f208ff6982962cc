/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the checks of a host file share; for the files of host/ alone.
 *
 * A check returns 0, also for a value that the file does not have (NULL), or -EINVAL with
 * a message.
 */
#ifndef IOV_HOST_FILE_VALIDATE_H
#define IOV_HOST_FILE_VALIDATE_H

#include <json-c/json.h>

#include "base/sysroot/sysroot.h"
#include "host/file/file.h"

#define NAME_LENGTH_MAX 63

/* @seen has the place of each value that only one may have, by kind and value. */
struct check {
	const struct iov_host_file *file;
	struct json_object *seen;
};

/* A place for the length of the enclosing expression. */
#define PLACE(...) (iov_path(__VA_ARGS__).name)

int fail_value(const struct check *check, const char *where, const char *value,
	       const char *expected);

/* One word of a list that ends with NULL; @expected has them for people. */
int check_word(const struct check *check, const char *where, const char *value,
	       const char *const *words, const char *expected);

int check_range(const struct check *check, const char *where, const unsigned int *value,
		unsigned int least, unsigned int most);

/* A name that this file, iovd or the kernel gives: of a device, a bridge, a driver. */
int check_name(const struct check *check, const char *where, const char *name);

/* Refuse a second place with the same value. */
int check_once(const struct check *check, const char *where, const char *kind, const char *value);

int check_device(const struct check *check, const char *at, const struct iov_host_device *device);

int check_mdev(const struct check *check, const char *at, const struct iov_host_mdev *mdev);

int check_vdpa(const struct check *check, const char *at, const struct iov_host_vdpa *vdpa);

int check_iovd(const struct check *check, const struct iov_host_iovd *iovd);

#endif
