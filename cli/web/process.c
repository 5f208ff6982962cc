// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  One way of bytes between two processes: documents come down it, each behind
 * its number and size, and numbers of documents that somebody asked for go up.  The end of the way is
 * the end of the server, so nobody has to be told.
 */
#include "cli/web/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "vhost-user/socket/privileges.h"

/* A map of a host with all functions that there can be is a part of that. */
#define DOCUMENT_MAX (256u << 20)
/* Where the server has its descriptors: nothing else is open in it. */
enum { LISTEN_FD = STDERR_FILENO + 1, WAY_FD, FIRST_CLOSED_FD, HIGH_FD = 64 };
#define NOBODY 65534
#define TURN_MS 1000

struct header {
	uint32_t document;
	uint32_t size;
};

/**
 * struct inbox - a document that still comes
 * @header: of it
 * @text: what it says, NULL before there is room for it
 * @have: bytes of both that are there
 */
struct inbox {
	struct header header;
	char *text;
	size_t have;
};

static void keep_two(int listening, int way)
{
	listening = fcntl(listening, F_DUPFD, HIGH_FD);
	way = fcntl(way, F_DUPFD, HIGH_FD);
	if (dup2(listening, LISTEN_FD) < 0 || dup2(way, WAY_FD) < 0 ||
	    close_range(FIRST_CLOSED_FD, ~0u, 0))
		_exit(EXIT_FAILURE);
}

/* In a user namespace nobody may be there as whom to go on. */
static void drop_privileges(struct iov *iov)
{
	const struct rlimit none = { 0 };

	if (!geteuid() && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
			   setresuid(NOBODY, NOBODY, NOBODY)))
		iov_log(iov, LOG_WARNING, "web: the server keeps its user: %s", strerror(errno));
	if (privileges_keep(0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0))
		_exit(EXIT_FAILURE);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* What asks for the end is for who started it. */
static void ignore_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
}

/* The next bytes of it: 1 when it is whole, 0 for none now, -1 at the end of the way. */
static int receive(struct inbox *inbox)
{
	const size_t head = sizeof(inbox->header);
	char *to = inbox->have < head ? (char *)&inbox->header + inbox->have
				      : inbox->text + inbox->have - head;
	size_t size = inbox->have < head ? head - inbox->have
					 : head + inbox->header.size - inbox->have;
	ssize_t got = recv(WAY_FD, to, size, MSG_DONTWAIT);

	if (got <= 0)
		return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	inbox->have += (size_t)got;
	if (inbox->have == head && !inbox->text) {
		if (inbox->header.size > DOCUMENT_MAX || inbox->header.document >= WEB_DOCUMENTS)
			return -1;
		if (!inbox->header.size)
			return 1;
		inbox->text = malloc(inbox->header.size);
		return inbox->text ? receive(inbox) : -1;
	}
	return inbox->have > head && inbox->have == head + inbox->header.size;
}

static int receive_all(struct inbox *inbox, struct web_server *server)
{
	int whole;

	while ((whole = receive(inbox)) > 0) {
		char *text = inbox->text;
		const struct header header = inbox->header;

		*inbox = (struct inbox){ 0 };
		if (web_server_put(server, header.document, text, header.size))
			return -1;
	}
	return whole;
}

static void tell_wanted(struct web_server *server)
{
	for (unsigned char i = 0; i < WEB_DOCUMENTS; i++)
		if (web_server_wants(server, i))
			send(WAY_FD, &i, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void serve(struct iov *iov, const struct web_access *access)
{
	struct pollfd way = { .fd = WAY_FD, .events = POLLIN };
	struct inbox inbox = { 0 };
	struct web_server *server;

	if (web_server_open(&server, iov, access, LISTEN_FD)) {
		iov_log(iov, LOG_ERR, "%s", iov_error_message(iov));
		_exit(EXIT_FAILURE);
	}
	while (receive_all(&inbox, server) >= 0) {
		tell_wanted(server);
		web_server_turn(server, &way, TURN_MS);
	}
	_exit(EXIT_SUCCESS);
}

int web_process_start(struct web_process *process, struct iov *iov, const struct web_access *access,
		      int fd)
{
	const pid_t parent = getpid();
	int way[2];

	process->fd = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, way))
		return iov_told(iov, -errno, "web: cannot reach a server: %s", strerror(errno));
	process->pid = fork();
	if (process->pid < 0) {
		int error = iov_told(iov, -errno, "web: cannot start the server: %s", strerror(errno));

		close(way[0]);
		close(way[1]);
		return error;
	}
	if (!process->pid) {
		keep_two(fd, way[1]);
		ignore_signals();
		drop_privileges(iov);
		if (getppid() != parent)
			_exit(EXIT_FAILURE);
		serve(iov, access);
	}
	close(way[1]);
	process->fd = way[0];
	return 0;
}

static int send_all(int fd, const void *data, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return -EPIPE;
		if (sent > 0) {
			data = (const char *)data + sent;
			size -= (size_t)sent;
		}
	}
	return 0;
}

int web_process_put(struct web_process *process, enum web_document document, const char *text)
{
	const size_t length = strlen(text);
	const struct header header = { document, length > DOCUMENT_MAX ? 0 : (uint32_t)length };
	int error = send_all(process->fd, &header, sizeof(header));
	return error ? error : send_all(process->fd, text, header.size);
}

int web_process_wait(struct web_process *process, int timeout, bool wanted[WEB_DOCUMENTS])
{
	struct pollfd way = { .fd = process->fd, .events = POLLIN };
	unsigned char numbers[64];
	ssize_t size;

	if (poll(&way, 1, timeout) <= 0)
		return 0;
	size = recv(process->fd, numbers, sizeof(numbers), MSG_DONTWAIT);
	if (!size || (size < 0 && errno != EAGAIN && errno != EINTR))
		return -EPIPE;
	for (ssize_t i = 0; i < size; i++)
		if (numbers[i] < WEB_DOCUMENTS)
			wanted[numbers[i]] = true;
	return 0;
}

void web_process_end(struct web_process *process)
{
	if (process->fd < 0)
		return;
	close(process->fd);
	process->fd = -1;
	kill(process->pid, SIGKILL);
	while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
