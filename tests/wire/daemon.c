// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/wire/daemon.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* Only to end a test that would hang: nothing waits for a time to pass. */
#define PATIENCE_MS 60000

static int try_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

/* A child that sees no process but its own. */
static pid_t fork_apart(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL,
				   NULL);

	if (!pid && (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		     mount("proc", "/proc", "proc", 0, NULL)))
		_exit(126);
	return pid;
}

void daemon_restart(struct daemon *daemon)
{
	const char *program = getenv("IOVD");
	int fd = -1;

	assert_non_null(program);
	daemon->pid = daemon->is_apart ? fork_apart() : fork();
	assert_return_code(daemon->pid, errno);
	if (!daemon->pid) {
		execl(program, "iovd", "--no-huge", "--control", daemon->control, "--state",
		      daemon->state, daemon->option, daemon->also, NULL);
		_exit(127);
	}
	for (int tries = 0; fd < 0 && tries < PATIENCE_MS / 20; tries++) {
		if (waitpid(daemon->pid, NULL, WNOHANG) == daemon->pid)
			fail_msg("%s ended at its start", program);
		fd = try_connect(daemon->control);
		if (fd < 0)
			poll(NULL, 0, 20);
	}
	assert_return_code(fd, ECONNREFUSED);
	close(fd);
}

void daemon_start(struct daemon *daemon)
{
	strcpy(daemon->directory, "/tmp/iovkit-wire.XXXXXX");
	assert_non_null(mkdtemp(daemon->directory));
	snprintf(daemon->control, sizeof(daemon->control), "%s/control", daemon->directory);
	snprintf(daemon->state, sizeof(daemon->state), "%s/state", daemon->directory);
	daemon_restart(daemon);
}

int daemon_end(struct daemon *daemon)
{
	int status;

	kill(daemon->pid, SIGTERM);
	assert_int_equal(waitpid(daemon->pid, &status, 0), daemon->pid);
	daemon->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void daemon_crash(struct daemon *daemon)
{
	kill(daemon->pid, SIGKILL);
	assert_int_equal(waitpid(daemon->pid, NULL, 0), daemon->pid);
	daemon->pid = 0;
}

static uint64_t packets(struct json_object *metrics, const char *what)
{
	const char *text = json_object_get_string(metrics);
	char name[64];

	snprintf(name, sizeof(name), "\niovd_switch_%s_packets_total ", what);
	assert_non_null(text);
	text = strstr(text, name);
	assert_non_null(text);
	return strtoull(text + strlen(name), NULL, 10);
}

/* What is under way arrives. */
static void expect_balance(const struct daemon *daemon)
{
	uint64_t in = 0, out = 1;

	for (int tries = 0; in != out && tries < 250; tries++) {
		struct json_object *metrics = daemon_call(daemon, "metrics", "{}");

		assert_non_null(metrics);
		in = packets(metrics, "receive") + packets(metrics, "copied");
		out = packets(metrics, "transmit") + packets(metrics, "dropped");
		json_object_put(metrics);
		if (in != out)
			poll(NULL, 0, 20);
	}
	assert_int_equal(in, out);
}

void daemon_clean(struct daemon *daemon)
{
	char command[96];

	if (daemon->pid) {
		expect_balance(daemon);
		daemon_crash(daemon);
	}
	snprintf(command, sizeof(command), "rm -rf %s", daemon->directory);
	assert_int_equal(system(command), 0);
}

bool daemon_is_alive(const struct daemon *daemon)
{
	return !waitpid(daemon->pid, NULL, WNOHANG);
}

int daemon_connect(const struct daemon *daemon)
{
	int fd = try_connect(daemon->control);

	assert_return_code(fd, errno);
	return fd;
}

char *daemon_exchange(int fd, const void *bytes, size_t size)
{
	static char line[1 << 16];
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	size_t length = 0;

	/* The daemon may hang up before it read everything. */
	send(fd, bytes, size, MSG_NOSIGNAL);
	while (length < sizeof(line) - 1) {
		if (poll(&wait, 1, PATIENCE_MS) != 1)
			fail_msg("no answer");
		if (recv(fd, line + length, 1, 0) != 1)
			return NULL;
		if (line[length] == '\n')
			break;
		length++;
	}
	line[length] = '\0';
	return line;
}

static struct json_object *call(const struct daemon *daemon, const char *method,
				const char *params, va_list args)
{
	char filled[2048], request[4096];
	struct json_object *reply, *result = NULL;
	int fd = daemon_connect(daemon), length;
	const char *line;

	vsnprintf(filled, sizeof(filled), params, args);
	length = snprintf(request, sizeof(request),
			  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}\n", method,
			  filled);
	line = daemon_exchange(fd, request, (size_t)length);
	close(fd);
	assert_non_null(line);
	reply = json_tokener_parse(line);
	assert_non_null(reply);
	if (json_object_object_get_ex(reply, "result", &result))
		result = result ? json_object_get(result) : json_object_new_object();
	json_object_put(reply);
	return result;
}

struct json_object *daemon_call(const struct daemon *daemon, const char *method,
				const char *params, ...)
{
	struct json_object *result;
	va_list args;

	va_start(args, params);
	result = call(daemon, method, params, args);
	va_end(args);
	return result;
}

void daemon_do(const struct daemon *daemon, const char *method, const char *params, ...)
{
	struct json_object *result;
	va_list args;

	va_start(args, params);
	result = call(daemon, method, params, args);
	va_end(args);
	if (!result)
		fail_msg("%s %s failed", method, params);
	json_object_put(result);
}

const char *daemon_port(const struct daemon *daemon, const char *method, const char *port,
			const char *member)
{
	static char text[4096];
	struct json_object *list = daemon_call(daemon, method, "{}"), *value;

	assert_non_null(list);
	*text = '\0';
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *row = json_object_array_get_idx(list, i);

		if (!json_object_object_get_ex(row, "name", &value))
			json_object_object_get_ex(row, "port", &value);
		if (!strcmp(json_object_get_string(value), port) &&
		    json_object_object_get_ex(row, member, &value))
			snprintf(text, sizeof(text), "%s", json_object_get_string(value));
	}
	json_object_put(list);
	return text;
}

const char *daemon_path(const struct daemon *daemon, const char *name)
{
	static char path[sizeof(daemon->directory) + 32];

	snprintf(path, sizeof(path), "%s/%s", daemon->directory, name);
	return path;
}

void daemon_lan(const struct daemon *daemon, const char *names)
{
	daemon_do(daemon, "bridge.add", "{\"name\":\"lan\",\"kind\":\"switch\"}");
	for (; *names; names++)
		daemon_do(daemon, "port.add",
			  "{\"name\":\"%c\",\"type\":\"vhost-user\",\"socket\":\"%s/%c\","
			  "\"server\":true,\"iommu\":true,\"bridge\":\"lan\"}",
			  *names, daemon->directory, *names);
}
