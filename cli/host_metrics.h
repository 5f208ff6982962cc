/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of the host beside the counters of iovd. */
#ifndef IOV_CLI_HOST_METRICS_H
#define IOV_CLI_HOST_METRICS_H

#include "base/iov.h"

/*
 * A text of OpenMetrics with families of the host before its end: whether a change is under way or was
 * left behind.  The caller frees it; NULL without memory.  What cannot be read is left out.
 */
char *host_metrics_add(struct iov *iov, const char *text);

#endif
