/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host file says of the rules of an iovd port, and the JSON that iovd takes. */
#ifndef IOV_HOST_FILE_PORT_RULES_H
#define IOV_HOST_FILE_PORT_RULES_H

#include <json-c/json.h>

#include "host/file/host.h"

/* As "port.add" takes it; the caller puts it.  NULL for @rules that are NULL. */
struct json_object *host_rules_json(const struct iov_host_rules *rules);

/* The other way; 0 or -ENOMEM. */
int host_rules_read(struct iov_host_rules *rules, struct json_object *json);

/* What "port.set" takes to make the rules @wanted of the rules @now; either may be NULL. */
struct json_object *host_rules_change(struct json_object *now, struct json_object *wanted);

#endif
