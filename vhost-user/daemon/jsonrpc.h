/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON-RPC 2.0 messages: text in, response object out.  No sockets here.
 *
 * A method declares its parameters in a table; they are checked before its
 * handler runs.  A method that fails answers with the code JSONRPC_FAILED and
 * {"errno": N} as data, a positive errno value, so that a client can tell "no
 * such port" from "busy".
 */
#ifndef VHOST_USER_DAEMON_JSONRPC_H
#define VHOST_USER_DAEMON_JSONRPC_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"

/* Error codes of JSON-RPC 2.0 section 5.1, and ours for a method that failed. */
#define JSONRPC_PARSE_ERROR (-32700)
#define JSONRPC_INVALID_REQUEST (-32600)
#define JSONRPC_NO_METHOD (-32601)
#define JSONRPC_INVALID_PARAMS (-32602)
#define JSONRPC_FAILED (-32000)

/* How deep the values of a request may nest. */
#define JSONRPC_DEPTH_MAX 8

/**
 * struct jsonrpc_param - a parameter of a method
 * @name: member of the "params" object
 * @type: its JSON type; the members of an array are strings
 * @required: absent is an error
 */
struct jsonrpc_param {
	const char *name;
	enum json_type type;
	bool required;
};

/**
 * struct jsonrpc_method - a method
 * @name: "port.add"
 * @params: what it takes; NULL for nothing
 * @param_count: length of @params
 * @call: does the work; @params is an object that passed the checks.  Puts a new
 *	reference into @result (left NULL: the result is null).  Returns 0 or
 *	-errno with a message in the context.
 */
struct jsonrpc_method {
	const char *name;
	const struct jsonrpc_param *params;
	size_t param_count;
	int (*call)(void *arg, struct json_object *params, struct json_object **result);
};

/**
 * jsonrpc_answer - answer one message
 * @iov: context
 * @methods: table of methods that ends with a NULL name
 * @arg: passed to the methods
 * @text: the message, a request or a batch
 * @length: bytes at @text
 * @garbage: set when the text is not JSON and its sender should be hung up on
 *
 * Return: the response; the caller puts it.  NULL when none is due.
 */
struct json_object *jsonrpc_answer(struct iov *iov, const struct jsonrpc_method *methods, void *arg,
				   const char *text, size_t length, bool *garbage);

/**
 * jsonrpc_failure - an error response
 * @id: id of the request, NULL when there is none
 * @code: error code
 * @format: printf format of the message
 *
 * Return: the response; the caller puts it.
 */
struct json_object *jsonrpc_failure(struct json_object *id, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
