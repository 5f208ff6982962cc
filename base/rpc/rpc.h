/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to iovd over its control socket. */
#ifndef IOV_BASE_RPC_RPC_H
#define IOV_BASE_RPC_RPC_H

#include <json-c/json.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "state" of a port or disk that iovd saved and could not have again; "error" says why. */
#define IOV_NOT_RESTORED "not restored"

/**
 * iov_rpc_set_socket - tell a context where iovd listens
 * @iov: context
 * @path: its control socket; not below the sysroot.  NULL: the one that iovd makes
 *	when it is told of none
 *
 * Return: 0, or -EINVAL with a message for a path that is too long.
 */
int iov_rpc_set_socket(struct iov *iov, const char *path);

/**
 * iov_rpc_call - call a method of iovd
 * @iov: context
 * @method: "port.add"
 * @params: object of parameters, taken over; NULL for none
 * @result: receives the result, which the caller puts
 *
 * A recorded host has no iovd, unless iov_rpc_set_socket() named one.
 *
 * Return: 0; -ECONNREFUSED when iovd does not answer; -EACCES when it may not be
 * asked; what the method failed with; with a message.
 */
int iov_rpc_call(struct iov *iov, const char *method, struct json_object *params,
		 struct json_object **result);

#ifdef __cplusplus
}
#endif

#endif
