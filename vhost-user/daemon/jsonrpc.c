// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "vhost-user/daemon/jsonrpc.h"

static struct json_object *response(struct json_object *id)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "jsonrpc", json_object_new_string("2.0"));
	json_object_object_add(object, "id", json_object_get(id));
	return object;
}

struct json_object *jsonrpc_failure(struct json_object *id, int code, const char *format, ...)
{
	struct json_object *object = response(id);
	struct json_object *error = json_object_new_object();
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_object_object_add(error, "code", json_object_new_int(code));
	json_object_object_add(error, "message", json_object_new_string(text));
	json_object_object_add(object, "error", error);
	return object;
}

static const struct jsonrpc_method *find_method(const struct jsonrpc_method *methods,
						const char *name)
{
	for (; methods->name; methods++)
		if (!strcmp(methods->name, name))
			return methods;
	return NULL;
}

static const struct jsonrpc_param *find_param(const struct jsonrpc_method *method,
					      const char *name)
{
	for (size_t i = 0; i < method->param_count; i++)
		if (!strcmp(method->params[i].name, name))
			return &method->params[i];
	return NULL;
}

/* A string with a NUL inside would be cut by everything behind the check. */
static bool is_string(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) &&
	       strlen(json_object_get_string(value)) == (size_t)json_object_get_string_len(value);
}

static bool type_ok(const struct jsonrpc_param *param, struct json_object *value)
{
	if (param->type == json_type_string)
		return is_string(value);
	if (!json_object_is_type(value, param->type))
		return false;
	if (param->type != json_type_array)
		return true;
	for (size_t i = 0; i < json_object_array_length(value); i++)
		if (!is_string(json_object_array_get_idx(value, i)))
			return false;
	return true;
}

static int check_params(struct iov *iov, const struct jsonrpc_method *method,
			struct json_object *params)
{
	if (!json_object_is_type(params, json_type_object))
		return iov_fail(iov, -EINVAL, "%s: params must be an object", method->name);
	json_object_object_foreach(params, name, value) {
		const struct jsonrpc_param *param = find_param(method, name);

		if (!param)
			return iov_fail(iov, -EINVAL, "%s: unknown parameter '%.64s'", method->name,
					name);
		if (!type_ok(param, value))
			return iov_fail(iov, -EINVAL, "%s: parameter '%s' must be %s%s",
					method->name, name, json_type_to_name(param->type),
					param->type == json_type_array ? " of strings" : "");
	}
	for (size_t i = 0; i < method->param_count; i++)
		if (method->params[i].required &&
		    !json_object_object_get_ex(params, method->params[i].name, NULL))
			return iov_fail(iov, -EINVAL, "%s: parameter '%s' is missing", method->name,
					method->params[i].name);
	return 0;
}

/* The error's own text; where there was no memory there may be none. */
static const char *why(const struct iov *iov, int error)
{
	const char *message = iov_error_message(iov);

	if (*message)
		return message;
	return error == -ENOMEM ? "out of memory" : strerror(-error);
}

static struct json_object *run(struct iov *iov, const struct jsonrpc_method *method, void *arg,
			       struct json_object *id, struct json_object *params)
{
	struct json_object *result = NULL, *reply, *data;
	int error = check_params(iov, method, params);

	if (error)
		return jsonrpc_failure(id, JSONRPC_INVALID_PARAMS, "%s", iov_error_message(iov));
	iov_forget_error(iov);
	error = method->call(arg, params, &result);
	if (!error) {
		reply = response(id);
		json_object_object_add(reply, "result", result);
		return reply;
	}
	json_object_put(result);
	reply = jsonrpc_failure(id, JSONRPC_FAILED, "%s", why(iov, error));
	data = json_object_new_object();
	json_object_object_add(data, "errno", json_object_new_int(-error));
	if (iov_failure(iov, error) == IOV_FAILURE_OTHER)
		json_object_object_add(data, "told", json_object_new_boolean(true));
	json_object_object_add(json_object_object_get(reply, "error"), "data", data);
	return reply;
}

static bool id_ok(struct json_object *id)
{
	return !id || json_object_is_type(id, json_type_string) ||
	       json_object_is_type(id, json_type_int);
}

static struct json_object *answer_request(struct iov *iov, const struct jsonrpc_method *methods,
					  void *arg, struct json_object *request)
{
	struct json_object *version, *name, *id = NULL, *params = NULL;
	const struct jsonrpc_method *method;
	_cleanup_json_ struct json_object *none = json_object_new_object();
	_cleanup_json_ struct json_object *unwanted = NULL;
	struct json_object *reply;
	bool has_id;

	if (!json_object_is_type(request, json_type_object))
		return jsonrpc_failure(NULL, JSONRPC_INVALID_REQUEST, "a request must be an object");
	has_id = json_object_object_get_ex(request, "id", &id);
	if (!id_ok(id))
		return jsonrpc_failure(NULL, JSONRPC_INVALID_REQUEST, "id must be a string or a number");
	if (!json_object_object_get_ex(request, "jsonrpc", &version) || !is_string(version) ||
	    strcmp(json_object_get_string(version), "2.0"))
		return jsonrpc_failure(id, JSONRPC_INVALID_REQUEST, "jsonrpc must be \"2.0\"");
	if (!json_object_object_get_ex(request, "method", &name) || !is_string(name))
		return jsonrpc_failure(id, JSONRPC_INVALID_REQUEST, "method must be a string");
	method = find_method(methods, json_object_get_string(name));
	if (!method)
		reply = jsonrpc_failure(id, JSONRPC_NO_METHOD, "no method '%.64s'",
				json_object_get_string(name));
	else if (json_object_object_get_ex(request, "params", &params))
		reply = run(iov, method, arg, id, params);
	else
		reply = run(iov, method, arg, id, none);
	if (has_id)
		return reply;
	unwanted = reply; /* a notification is never answered */
	return NULL;
}

static struct json_object *answer_batch(struct iov *iov, const struct jsonrpc_method *methods,
					void *arg, struct json_object *batch)
{
	size_t count = json_object_array_length(batch);
	struct json_object *replies, *reply;

	if (!count)
		return jsonrpc_failure(NULL, JSONRPC_INVALID_REQUEST, "a batch must not be empty");
	replies = json_object_new_array();
	for (size_t i = 0; i < count; i++) {
		reply = answer_request(iov, methods, arg, json_object_array_get_idx(batch, i));
		if (reply)
			json_object_array_add(replies, reply);
	}
	if (json_object_array_length(replies))
		return replies;
	json_object_put(replies);
	return NULL;
}

static struct json_object *parse(const char *text, size_t length, enum json_tokener_error *error)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSONRPC_DEPTH_MAX);
	struct json_object *object;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, text, (int)length);
	*error = json_tokener_get_error(tokener);
	if (*error == json_tokener_success && json_tokener_get_parse_end(tokener) != length)
		*error = json_tokener_error_parse_unexpected;
	json_tokener_free(tokener);
	return object;
}

struct json_object *jsonrpc_answer(struct iov *iov, const struct jsonrpc_method *methods, void *arg,
				   const char *text, size_t length, bool *garbage)
{
	enum json_tokener_error error;
	_cleanup_json_ struct json_object *message = parse(text, length, &error);

	*garbage = error != json_tokener_success;
	if (*garbage)
		return jsonrpc_failure(NULL, JSONRPC_PARSE_ERROR, "not a JSON-RPC request: %s",
			       error == json_tokener_continue ? "it ends too early"
							      : json_tokener_error_desc(error));
	if (json_object_is_type(message, json_type_array))
		return answer_batch(iov, methods, arg, message);
	return answer_request(iov, methods, arg, message);
}
