/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports, bridges and disks of iovd; iov_op_iovd() of base/plan/op.h changes them. */
#ifndef IOV_PLUGINS_SYSTEM_IOVD_H
#define IOV_PLUGINS_SYSTEM_IOVD_H

#include <json-c/json.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_iovd_match - whether a port, bridge or disk of iovd is as asked for
 * @now: an entry of "port.list", "bridge.list" or "disk.list"
 * @params: of "port.add", "bridge.add" or "disk.add"
 */
bool iov_iovd_match(struct json_object *now, struct json_object *params);


#ifdef __cplusplus
}
#endif

#endif
