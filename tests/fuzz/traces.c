// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/traces.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/clients.h"
#include "tests/fuzz/services.h"
#include "tests/unit/test.h"
#include "vhost-user/protocol/trace.h"

static int tracer_fd = -1;

static void ask(int fd, const char *method)
{
	char request[128];
	int length = snprintf(request, sizeof(request),
			      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{\"name\":\"p\"}}\n",
			      method);

	send(fd, request, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
	services_pump(NULL);
}

void traces_begin(const char *method)
{
	tracer_fd = clients_come(services.control);
	if (tracer_fd >= 0)
		ask(tracer_fd, method);
}

unsigned int traces_end(void)
{
	static char text[1 << 20];
	size_t length = 0;
	unsigned int told = 0;
	ssize_t got;

	if (tracer_fd < 0)
		return 0;
	do {
		services_pump(NULL);
		got = recv(tracer_fd, text + length, sizeof(text) - 1 - length, MSG_DONTWAIT);
		length += got > 0 ? (size_t)got : 0;
	} while (got > 0 && length + 1 < sizeof(text));
	text[length] = 0;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		struct json_object *message;

		*end = 0;
		message = json_tokener_parse(line);
		assert_true(json_object_is_type(message, json_type_object));
		told += json_object_object_get_ex(message, "params", NULL);
		json_object_put(message);
	}
	close(tracer_fd);
	tracer_fd = -1;
	services_pump(NULL);
	return told;
}

void traces_too_often(const char *method)
{
	int fds[VU_TRACERS_MAX + 1];
	unsigned int count = 0;

	while (count <= VU_TRACERS_MAX && (fds[count] = clients_come(services.control)) >= 0) {
		ask(fds[count], method);
		/* By one connection only one. */
		if (!count++)
			ask(fds[0], method);
	}
	while (count)
		close(fds[--count]);
	services_pump(NULL);
}
