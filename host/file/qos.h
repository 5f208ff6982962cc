/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QoS groups of iovd, between a host file and iovd; for the files of host/ alone. */
#ifndef IOV_HOST_FILE_QOS_H
#define IOV_HOST_FILE_QOS_H

#include <json-c/json.h>

#include "host/file/host.h"

/* What may come at once after silence when nobody says, and at most, in milliseconds. */
#define HOST_BURST_MS 10
#define HOST_BURST_MS_MAX 60000

/* Parameters of "qos.add" for what a file says, which is all of a group. */
struct json_object *host_qos_params(const struct iov_host_qos *qos);

/* Add what a group was given to parameters; @now: an entry of "qos.list" */
void host_qos_former(struct json_object *now, struct json_object *params);

/* Parameters of "qos.set" that make a group what parameters of "qos.add" say. */
struct json_object *host_qos_change(struct json_object *params);

/* Of a group that iovd lists, what a file would say; 0 or -ENOMEM. */
int host_qos_read(struct iov_host_qos *qos, struct json_object *now);

#endif
