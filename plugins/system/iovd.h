/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports and bridges of iovd; iov_op_iovd() of base/plan/op.h changes them. */
#ifndef IOV_PLUGINS_SYSTEM_IOVD_H
#define IOV_PLUGINS_SYSTEM_IOVD_H

#include <json-c/json.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_iovd_match - whether a port or bridge of iovd is as asked for
 * @now: an entry of "port.list" or "bridge.list"
 * @params: of "port.add" or "bridge.add"
 */
bool iov_iovd_match(struct json_object *now, struct json_object *params);


#ifdef __cplusplus
}
#endif

#endif
