// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/rpc/rpc.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "base/utf8.h"

/* JSON-RPC 2.0 section 5.1. */
#define INVALID_PARAMS (-32602)

/* Longest message of a stream. */
#define LINE_MAX_BYTES 65536

/* Starting a network device takes seconds.  Over before the deadline of a writer that waits. */
#define PATIENCE 50

int iov_rpc_set_socket(struct iov *iov, const char *path)
{
	if (path && strlen(path) >= sizeof(iov->control))
		return iov_fail(iov, -EINVAL, "--control %s: a socket path has at most %zu bytes",
				path, sizeof(iov->control) - 1);
	snprintf(iov->control, sizeof(iov->control), "%s", path ? path : "");
	context_changed(iov);
	return 0;
}

static const char *socket_path(const struct iov *iov)
{
	return iov->control[0] ? iov->control : IOV_CONTROL_SOCKET;
}

static int cannot_connect(struct iov *iov, int error)
{
	if (error == EACCES || error == EPERM)
		return iov_fail(iov, -EACCES, "%s: only root and the user that runs iovd may use "
				"it; try sudo", socket_path(iov));
	return iov_fail(iov, -ECONNREFUSED, "%s: iovd does not answer there (%s); start 'iovd', "
			"or name its socket with --control", socket_path(iov), strerror(error));
}

static int not_iovd(struct iov *iov)
{
	return iov_fail(iov, -EPROTO, "%s: whoever answers there is not iovd", socket_path(iov));
}

/* The path of a file may be any bytes, and JSON has no way to say those that are no UTF-8. */
static int check_params(struct iov *iov, struct json_object *params)
{
	uint32_t code;
	size_t length;

	if (!params)
		return 0;
	json_object_object_foreach(params, key, value) {
		for (const char *text = json_object_get_string(value); text && *text; text += length) {
			length = utf8_at(text, &code);
			if (!length)
				return iov_fail(iov, -EINVAL, "%s '%s': is no UTF-8, and iovd is told nothing else; "
						"expected another name or path", key, json_object_get_string(value));
		}
	}
	return 0;
}

/* For a request, of which nothing is sent yet. */
static int open_socket(struct iov *iov, struct json_object *request)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = PATIENCE };
	int fd, error = check_params(iov, json_object_object_get(request, "params"));

	static_assert(sizeof(address.sun_path) == sizeof(iov->control), "one is copied to the other");
	if (error)
		return error;
	if (!iov->control[0] && !iov_sys_is_host(iov))
		return iov_fail(iov, -ECONNREFUSED, "a recorded host has no iovd; leave out --root "
				"to ask the one of this host, or name a socket with --control");
	strcpy(address.sun_path, socket_path(iov));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return cannot_connect(iov, errno);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		error = errno;
		close(fd);
		return cannot_connect(iov, error);
	}
	return fd;
}

static int send_request(struct iov *iov, int fd, struct json_object *request)
{
	const char *text = json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN);
	struct iovec parts[] = { { (void *)text, strlen(text) }, { (void *)"\n", 1 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	/*
	 * The socket blocks, so all of it goes or nothing more does; who hung up before has said
	 * why.
	 */
	if (sendmsg(fd, &message, MSG_NOSIGNAL) != (ssize_t)parts[0].iov_len + 1 && errno != EPIPE)
		return cannot_connect(iov, errno ? errno : EPIPE);
	return 0;
}

static int receive_response(struct iov *iov, int fd, struct json_object **response)
{
	struct json_tokener *tokener = json_tokener_new();
	char text[16384];
	ssize_t got;

	do {
		got = recv(fd, text, sizeof(text), 0);
		if (got <= 0)
			break;
		*response = json_tokener_parse_ex(tokener, text, (int)got);
	} while (json_tokener_get_error(tokener) == json_tokener_continue);
	json_tokener_free(tokener);
	if (got <= 0)
		return cannot_connect(iov, got ? errno : EPIPE);
	if (!json_object_is_type(*response, json_type_object))
		return not_iovd(iov);
	return 0;
}

static int take_error(struct iov *iov, struct json_object *error)
{
	struct json_object *value;
	const char *message = json_text_or_null(error, "message");
	bool told = false;
	int number = EPROTO;

	if (json_object_get_int(json_object_object_get(error, "code")) == INVALID_PARAMS)
		number = EINVAL;
	if (json_object_object_get_ex(error, "data", &value)) {
		number = json_object_get_int(json_object_object_get(value, "errno"));
		told = json_object_get_boolean(json_object_object_get(value, "told"));
	}
	number = number > 0 ? -number : -EPROTO;
	message = message ? message : "iovd failed without a message";
	return told ? iov_told(iov, number, "%s", message) : iov_fail(iov, number, "%s", message);
}

/* What a response says: its result, or an error that becomes ours. */
static int take_result(struct iov *iov, struct json_object *response, struct json_object **result)
{
	struct json_object *error;

	if (json_object_object_get_ex(response, "error", &error))
		return take_error(iov, error);
	*result = json_object_get(json_object_object_get(response, "result"));
	return 0;
}

static struct json_object *make_request(const char *method, struct json_object *params)
{
	struct json_object *request = json_object_new_object();

	json_object_object_add(request, "jsonrpc", json_object_new_string("2.0"));
	json_object_object_add(request, "id", json_object_new_int(1));
	json_object_object_add(request, "method", json_object_new_string(method));
	if (params)
		json_object_object_add(request, "params", params);
	return request;
}

int iov_rpc_call(struct iov *iov, const char *method, struct json_object *params,
		 struct json_object **result)
{
	_cleanup_json_ struct json_object *request = make_request(method, params);
	_cleanup_json_ struct json_object *response = NULL;
	_cleanup_fd_ int fd = open_socket(iov, request);
	int error;

	if (fd < 0)
		return fd;
	error = send_request(iov, fd, request);
	if (!error)
		error = receive_response(iov, fd, &response);
	return error ? error : take_result(iov, response, result);
}

/**
 * struct iov_rpc_stream - see rpc.h
 * @iov: context
 * @fd: socket
 * @length: bytes at @text that were received and not handed out
 * @text: lines
 */
struct iov_rpc_stream {
	struct iov *iov;
	int fd;
	size_t length;
	char text[LINE_MAX_BYTES];
};

/* 1 with a line taken from what was received, 0 without a whole one, -EPROTO with a message. */
static int take_line(struct iov_rpc_stream *stream, struct json_object **message)
{
	char *end = memchr(stream->text, '\n', stream->length);

	if (!end)
		return stream->length < sizeof(stream->text) ? 0 : not_iovd(stream->iov);
	*end++ = 0;
	*message = json_tokener_parse(stream->text);
	stream->length -= (size_t)(end - stream->text);
	memmove(stream->text, end, stream->length);
	if (json_object_is_type(*message, json_type_object))
		return 1;
	json_object_put(*message);
	*message = NULL;
	return not_iovd(stream->iov);
}

/* What is there; 0 or -errno with a message. */
static int receive_more(struct iov_rpc_stream *stream)
{
	ssize_t got = recv(stream->fd, stream->text + stream->length,
			   sizeof(stream->text) - stream->length, MSG_DONTWAIT);

	if (got > 0)
		stream->length += (size_t)got;
	if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
		return 0;
	return iov_fail(stream->iov, -ECONNREFUSED, "%s: iovd has ended the connection",
			socket_path(stream->iov));
}

/* As iov_rpc_stream_next(), with the whole message. */
static int next_message(struct iov_rpc_stream *stream, int timeout_ms, struct json_object **message)
{
	struct pollfd wait = { .fd = stream->fd, .events = POLLIN };
	int result;

	while (!(result = take_line(stream, message))) {
		result = poll(&wait, 1, timeout_ms);
		if (result <= 0)
			return 0;
		result = receive_more(stream);
		if (result)
			break;
	}
	return result;
}

int iov_rpc_stream_next(struct iov_rpc_stream *stream, int timeout_ms,
			struct json_object **message)
{
	_cleanup_json_ struct json_object *whole = NULL;
	int result = next_message(stream, timeout_ms, &whole);

	if (result > 0)
		*message = json_object_get(json_object_object_get(whole, "params"));
	return result;
}

/* The answer, which comes before what is told. */
static int take_answer(struct iov_rpc_stream *stream, struct json_object **result)
{
	_cleanup_json_ struct json_object *response = NULL;
	int got = next_message(stream, PATIENCE * 1000, &response);

	if (got < 0)
		return got;
	if (!got)
		return cannot_connect(stream->iov, ETIMEDOUT);
	return take_result(stream->iov, response, result);
}

int iov_rpc_follow(struct iov_rpc_stream **out, struct iov *iov, const char *method,
		   struct json_object *params, struct json_object **result)
{
	_cleanup_json_ struct json_object *request = make_request(method, params);
	struct iov_rpc_stream *stream = calloc(1, sizeof(*stream));
	int error;

	if (!stream)
		return iov_fail(iov, -ENOMEM, "out of memory");
	stream->iov = iov;
	stream->fd = open_socket(iov, request);
	error = stream->fd < 0 ? stream->fd : send_request(iov, stream->fd, request);
	if (!error)
		error = take_answer(stream, result);
	if (error) {
		iov_rpc_stream_close(stream);
		return error;
	}
	*out = stream;
	return 0;
}

void iov_rpc_stream_close(struct iov_rpc_stream *stream)
{
	if (!stream)
		return;
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream);
}
