/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of --output, which at any moment has whole results. */
#ifndef IOV_CLI_BENCH_OUTPUT_H
#define IOV_CLI_BENCH_OUTPUT_H

#include <json-c/json.h>

#include "base/iov.h"

/* Before anything is measured: whether it can be written.  0 or -errno with a message. */
int bench_output_check(struct iov *iov, const char *path);

/* Replace it as a whole.  0 or -errno, without a message. */
int bench_output_write(const char *path, struct json_object *results);

#endif
