/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What figures depend on besides what is measured: the machine and how it is set up. */
#ifndef IOV_BENCH_ENVIRONMENT_H
#define IOV_BENCH_ENVIRONMENT_H

#include <json-c/json.h>

#include "base/iov.h"

/**
 * bench_environment - what this host is
 * @iov: context
 * @cpu: where the generator runs; -1 for anywhere: the first CPU stands for all
 *
 * Of what the host does not tell there is no member.  Nothing in it identifies the host.
 *
 * Return: an object of texts by name, for the caller to put.
 */
struct json_object *bench_environment(struct iov *iov, int cpu);

#endif
