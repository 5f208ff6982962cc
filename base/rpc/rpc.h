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

struct iov_rpc_stream;

/**
 * iov_rpc_follow - call a method of iovd that goes on telling
 * @out: receives the stream; the caller closes it with iov_rpc_stream_close()
 * @iov: context, which outlives the stream
 * @method: "port.trace"
 * @params: object of parameters, taken over
 * @result: receives the result, which the caller puts
 *
 * Return: as of iov_rpc_call(), or -ENOMEM.
 */
int iov_rpc_follow(struct iov_rpc_stream **out, struct iov *iov, const char *method,
		   struct json_object *params, struct json_object **result);

/**
 * iov_rpc_stream_next - wait for what iovd tells
 * @stream: stream
 * @timeout_ms: longest wait in milliseconds; -1 for any
 * @message: receives the parameters of what it told, which the caller puts
 *
 * Return: 1; 0 when the time is over, or a signal came; -ECONNREFUSED when iovd is gone; -EPROTO
 * for what is none of iovd's; with a message.
 */
int iov_rpc_stream_next(struct iov_rpc_stream *stream, int timeout_ms,
			struct json_object **message);

/**
 * iov_rpc_stream_close - want to know no more
 * @stream: NULL is allowed
 */
void iov_rpc_stream_close(struct iov_rpc_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
