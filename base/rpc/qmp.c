// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/rpc/qmp.h"

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
#include "base/clock.h"
#include "base/context.h"
#include "base/json.h"

/* As of other calls that nobody may answer. */
#define PATIENCE_MS 60000

/* A monitor greets at once, unless somebody else has it. */
#define GREETING_MS 10000

/* How often a wait looks whether it shall end. */
#define LOOK_MS 200

/* Longest message; what a device can be told takes some 20 KiB. */
#define MESSAGE_MAX (4u << 20)

/**
 * struct iov_qmp - see qmp.h
 * @iov: context
 * @path: socket, for messages
 * @fd: connection
 * @number: of the last command
 * @hear: hears of events; NULL: nobody
 * @arg: for @hear
 * @stop: as of iov_qmp_open()
 * @tokener: has what came of a message that is not whole
 * @fed: bytes that it has
 * @begin: first byte of @text that it has not
 * @end: behind the last
 * @text: received
 */
struct iov_qmp {
	struct iov *iov;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;
	int64_t number;
	iov_qmp_event_fn *hear;
	void *arg;
	const volatile sig_atomic_t *stop;
	struct json_tokener *tokener;
	size_t fed;
	size_t begin;
	size_t end;
	char text[16384];
};

unsigned int iov_qmp_patience(const struct iov_qmp *qmp)
{
	return qmp->iov->write_timeout ? qmp->iov->write_timeout : PATIENCE_MS;
}

const char *iov_qmp_path(const struct iov_qmp *qmp)
{
	return qmp->path;
}

void iov_qmp_on_event(struct iov_qmp *qmp, iov_qmp_event_fn *hear, void *arg)
{
	qmp->hear = hear;
	qmp->arg = arg;
}

static int has_ended(const struct iov_qmp *qmp)
{
	return iov_told(qmp->iov, -EPIPE, "%s: QEMU has ended the connection, or has ended itself",
			qmp->path);
}

static int is_other(const struct iov_qmp *qmp)
{
	return iov_fail(qmp->iov, -EPROTO,
			"%s: whoever answers there does not speak QMP; expected the socket of "
			"QEMU's option -qmp unix:PATH,server=on,wait=off",
			qmp->path);
}

/* 1 when there is something to read, 0 when the time is over; -EINTR with a message. */
static int wait_readable(const struct iov_qmp *qmp, uint64_t deadline)
{
	struct pollfd waiting = { .fd = qmp->fd, .events = POLLIN };

	for (;;) {
		const uint64_t now = monotonic_ms();
		const uint64_t left = deadline > now ? deadline - now : 0;

		if (qmp->stop && *qmp->stop)
			return iov_fail(qmp->iov, -EINTR, "ended by a signal");
		if (poll(&waiting, 1, left < LOOK_MS ? (int)left : LOOK_MS) > 0)
			return 1;
		if (!left)
			return 0;
	}
}

/* 1 with a message out of what was received, 0 without a whole one; -EPROTO with an error. */
static int take_message(struct iov_qmp *qmp, struct json_object **message)
{
	const size_t length = qmp->end - qmp->begin;
	enum json_tokener_error error;
	size_t used;

	if (!length)
		return 0;
	*message = json_tokener_parse_ex(qmp->tokener, qmp->text + qmp->begin, (int)length);
	error = json_tokener_get_error(qmp->tokener);
	used = error == json_tokener_success ? json_tokener_get_parse_end(qmp->tokener) : length;
	qmp->begin += used;
	qmp->fed += used;
	if (error == json_tokener_continue && qmp->fed <= MESSAGE_MAX)
		return 0;
	qmp->fed = 0;
	json_tokener_reset(qmp->tokener);
	if (error == json_tokener_success && json_object_is_type(*message, json_type_object))
		return 1;
	json_object_put(*message);
	*message = NULL;
	return is_other(qmp);
}

/* The next message: 1, 0 when the time is over, or -errno with a message. */
static int receive(struct iov_qmp *qmp, uint64_t deadline, struct json_object **message)
{
	int result;

	while (!(result = take_message(qmp, message))) {
		ssize_t got;

		result = wait_readable(qmp, deadline);
		if (result <= 0)
			return result;
		got = recv(qmp->fd, qmp->text, sizeof(qmp->text), MSG_DONTWAIT);
		if (!got || (got < 0 && errno != EAGAIN && errno != EINTR))
			return has_ended(qmp);
		qmp->begin = 0;
		qmp->end = got > 0 ? (size_t)got : 0;
	}
	return result;
}

/* True for what is no answer. */
static bool hear_event(const struct iov_qmp *qmp, struct json_object *message)
{
	const char *event = json_text_or_null(message, "event");

	if (event && qmp->hear)
		qmp->hear(qmp->arg, event, json_object_object_get(message, "data"));
	return event || json_object_object_get_ex(message, "QMP", NULL);
}

int iov_qmp_wait(struct iov_qmp *qmp, unsigned int timeout_ms)
{
	_cleanup_json_ struct json_object *message = NULL;
	int result = receive(qmp, monotonic_ms() + timeout_ms, &message);

	if (result > 0)
		hear_event(qmp, message);
	return result < 0 ? result : 0;
}

struct json_object *iov_qmp_command(const char *name, struct json_object *arguments)
{
	struct json_object *command = json_object_new_object();

	json_object_object_add(command, "execute", json_object_new_string(name));
	if (arguments)
		json_object_object_add(command, "arguments", arguments);
	return command;
}

/* It goes as a whole: a monitor that reads nothing for so long does not answer either. */
static int send_command(struct iov_qmp *qmp, struct json_object *command)
{
	_cleanup_json_ struct json_object *numbered = json_object_new_object();
	const char *text;
	size_t length, sent = 0;

	json_object_object_foreach(command, key, value)
		json_object_object_add(numbered, key, json_object_get(value));
	json_object_object_add(numbered, "id", json_object_new_int64(++qmp->number));
	text = json_object_to_json_string_length(numbered, JSON_C_TO_STRING_PLAIN, &length);
	while (sent < length) {
		ssize_t part = send(qmp->fd, text + sent, length - sent, MSG_NOSIGNAL);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0 && errno == EAGAIN)
			return iov_told(qmp->iov, -ETIMEDOUT, "%s: QEMU takes no command",
					qmp->path);
		if (part < 0)
			return has_ended(qmp);
		sent += (size_t)part;
	}
	return 0;
}

static int refused(const struct iov_qmp *qmp, struct json_object *command,
		   struct json_object *error)
{
	const char *class = json_text(error, "class");
	int number = !strcmp(class, "CommandNotFound")  ? -ENOTSUP
		     : !strcmp(class, "DeviceNotFound") ? -ENODEV
							: -EREMOTEIO;

	return iov_told(qmp->iov, number, "%s: QEMU refuses %s: %s", qmp->path,
			json_text(command, "execute"), json_text(error, "desc"));
}

/* What is said without a number is said of what could not be read; of a number that is over it is late. */
static bool is_answer(const struct iov_qmp *qmp, struct json_object *message)
{
	struct json_object *id;

	if (!json_object_object_get_ex(message, "id", &id))
		return json_object_object_get_ex(message, "error", NULL);
	return json_object_get_int64(id) == qmp->number;
}

static int receive_answer(struct iov_qmp *qmp, struct json_object *command,
			  struct json_object **answer)
{
	const uint64_t deadline = monotonic_ms() + iov_qmp_patience(qmp);

	for (;;) {
		_cleanup_json_ struct json_object *message = NULL;
		struct json_object *value;
		int result = receive(qmp, deadline, &message);

		if (result < 0)
			return result;
		if (!result)
			return iov_told(qmp->iov, -ETIMEDOUT,
					"%s: QEMU does not answer %s within %u s", qmp->path,
					json_text(command, "execute"),
					iov_qmp_patience(qmp) / 1000);
		if (hear_event(qmp, message) || !is_answer(qmp, message))
			continue;
		if (json_object_object_get_ex(message, "error", &value))
			return refused(qmp, command, value);
		if (!json_object_object_get_ex(message, "return", &value))
			return is_other(qmp);
		if (answer)
			*answer = json_object_get(value);
		return 0;
	}
}

int iov_qmp_ask(struct iov_qmp *qmp, struct json_object *command, struct json_object **answer)
{
	int error = send_command(qmp, command);

	return error ? error : receive_answer(qmp, command, answer);
}

static int cannot_connect(const struct iov_qmp *qmp, int number)
{
	static const char advice[] = "QEMU listens there with -qmp unix:PATH,server=on,wait=off";

	if (number == ENOENT)
		return iov_fail(qmp->iov, -ENOENT, "%s: no such socket; %s", qmp->path, advice);
	if (number == EACCES || number == EPERM)
		return iov_fail(qmp->iov, -EACCES, "%s: may not be used; try sudo", qmp->path);
	return iov_fail(qmp->iov, -EIO, "%s: no QEMU listens there (%s); %s", qmp->path,
			strerror(number), advice);
}

/* For as long as an answer it takes no command, or no connection. */
static void limit_sends(const struct iov_qmp *qmp)
{
	const unsigned int patience = iov_qmp_patience(qmp);
	const struct timeval time = { .tv_sec = patience / 1000,
				      .tv_usec = patience % 1000 * 1000 };

	setsockopt(qmp->fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

static int connect_to(struct iov_qmp *qmp)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	qmp->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (qmp->fd < 0)
		return cannot_connect(qmp, errno);
	limit_sends(qmp);
	strcpy(address.sun_path, qmp->path);
	return connect(qmp->fd, (const struct sockaddr *)&address, sizeof(address))
		       ? cannot_connect(qmp, errno)
		       : 0;
}

static int be_greeted(struct iov_qmp *qmp, unsigned int ms)
{
	_cleanup_json_ struct json_object *greeting = NULL;
	int result = receive(qmp, monotonic_ms() + ms, &greeting);

	if (result < 0)
		return result;
	if (!result)
		return iov_told(qmp->iov, -ETIMEDOUT,
				"%s: no greeting of QEMU within %u s; it serves one at a time, so "
				"let go of it whoever has it, or name a socket of its own",
				qmp->path, ms < 1000 ? 1 : ms / 1000);
	return json_object_object_get_ex(greeting, "QMP", NULL) ? 0 : is_other(qmp);
}

/* Connected, it takes commands when it has greeted and was told so. */
static int begin(struct iov_qmp *qmp, unsigned int greeting_ms)
{
	_cleanup_json_ struct json_object *command = iov_qmp_command("qmp_capabilities", NULL);
	int error = be_greeted(qmp, greeting_ms);

	return error ? error : iov_qmp_ask(qmp, command, NULL);
}

/* Takes @fd over; @name fits. */
static struct iov_qmp *qmp_new(struct iov *iov, int fd, const char *name, const volatile sig_atomic_t *stop)
{
	struct iov_qmp *qmp = calloc(1, sizeof(*qmp));

	if (qmp) {
		qmp->iov = iov;
		qmp->fd = fd;
		qmp->stop = stop;
		snprintf(qmp->path, sizeof(qmp->path), "%s", name);
		qmp->tokener = json_tokener_new();
		if (qmp->tokener)
			return qmp;
	} else if (fd >= 0) {
		close(fd);
	}
	iov_qmp_close(qmp);
	iov_fail(iov, -ENOMEM, "out of memory");
	return NULL;
}

static int opened(struct iov_qmp **out, struct iov_qmp *qmp, int error)
{
	if (error)
		iov_qmp_close(qmp);
	else
		*out = qmp;
	return error;
}

int iov_qmp_open(struct iov_qmp **out, struct iov *iov, const char *path,
		 const volatile sig_atomic_t *stop)
{
	struct iov_qmp *qmp;
	unsigned int patience;
	int error;

	if (!*path || strlen(path) >= sizeof(qmp->path))
		return iov_fail(iov, -EINVAL,
				"'%s': expected the path of a socket, of %zu bytes at most", path,
				sizeof(qmp->path) - 1);
	qmp = qmp_new(iov, -1, path, stop);
	if (!qmp)
		return -ENOMEM;
	patience = iov_qmp_patience(qmp);
	error = connect_to(qmp);
	if (!error)
		error = begin(qmp, patience < GREETING_MS ? patience : GREETING_MS);
	return opened(out, qmp, error);
}

int iov_qmp_open_fd(struct iov_qmp **out, struct iov *iov, int fd, const char *name, unsigned int greeting_ms,
		    const volatile sig_atomic_t *stop)
{
	struct iov_qmp *qmp = qmp_new(iov, fd, name, stop);

	if (!qmp)
		return -ENOMEM;
	limit_sends(qmp);
	return opened(out, qmp, begin(qmp, greeting_ms));
}

void iov_qmp_close(struct iov_qmp *qmp)
{
	if (!qmp)
		return;
	/* A process that was forked meanwhile may have the socket still, and QEMU serves nobody else until it ends. */
	if (qmp->fd >= 0) {
		shutdown(qmp->fd, SHUT_RDWR);
		close(qmp->fd);
	}
	if (qmp->tokener)
		json_tokener_free(qmp->tokener);
	free(qmp);
}
