// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/rpc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

/* JSON-RPC 2.0 section 5.1. */
#define INVALID_PARAMS (-32602)

/* Starting a network device takes seconds. */
#define PATIENCE 60

static int cannot_connect(struct cli *cli, int error)
{
	if (error == EACCES || error == EPERM)
		return iov_fail(cli->iov, -EACCES, "%s: only root and the user that runs iovd may use "
				"it; try sudo", cli->control);
	return iov_fail(cli->iov, -ECONNREFUSED, "%s: iovd does not answer there (%s); start 'iovd', "
			"or name its socket with --control", cli->control, strerror(error));
}

static int open_socket(struct cli *cli)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = PATIENCE };
	int fd, error;

	if (strlen(cli->control) >= sizeof(address.sun_path))
		return iov_fail(cli->iov, -EINVAL, "--control %s: a socket path has at most %zu bytes",
				cli->control, sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, cli->control);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return cannot_connect(cli, errno);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		error = errno;
		close(fd);
		return cannot_connect(cli, error);
	}
	return fd;
}

static int send_request(struct cli *cli, int fd, struct json_object *request)
{
	const char *text = json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN);
	struct iovec parts[] = { { (void *)text, strlen(text) }, { (void *)"\n", 1 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	/* The socket blocks, so all of it goes or nothing more does. */
	if (sendmsg(fd, &message, MSG_NOSIGNAL) != (ssize_t)parts[0].iov_len + 1)
		return cannot_connect(cli, errno ? errno : EPIPE);
	return 0;
}

static int receive_response(struct cli *cli, int fd, struct json_object **response)
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
		return cannot_connect(cli, got ? errno : EPIPE);
	if (!json_object_is_type(*response, json_type_object))
		return iov_fail(cli->iov, -EPROTO, "%s: whoever answers there is not iovd",
				cli->control);
	return 0;
}

static int take_error(struct cli *cli, struct json_object *error)
{
	struct json_object *value;
	const char *message = json_object_get_string(json_object_object_get(error, "message"));
	int number = EPROTO;

	if (json_object_get_int(json_object_object_get(error, "code")) == INVALID_PARAMS)
		number = EINVAL;
	if (json_object_object_get_ex(error, "data", &value))
		number = json_object_get_int(json_object_object_get(value, "errno"));
	return iov_fail(cli->iov, number > 0 ? -number : -EPROTO, "%s",
			message ? message : "iovd failed without a message");
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

int cli_rpc(struct cli *cli, const char *method, struct json_object *params,
	    struct json_object **result)
{
	_cleanup_json_ struct json_object *request = make_request(method, params);
	_cleanup_json_ struct json_object *response = NULL;
	_cleanup_fd_ int fd = open_socket(cli);
	struct json_object *value;
	int error;

	if (fd < 0)
		return fd;
	error = send_request(cli, fd, request);
	if (!error)
		error = receive_response(cli, fd, &response);
	if (error)
		return error;
	if (json_object_object_get_ex(response, "error", &value))
		return take_error(cli, value);
	*result = json_object_get(json_object_object_get(response, "result"));
	return 0;
}
