// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is sent over a Unix socket is held by the socket until it is received, and the kernel tells
 * how many descriptors wait in it ("scm_fds", since Linux 5.11), but not which.  Root can have a copy
 * of the socket and look at its first message with descriptors without taking it (MSG_PEEK), which
 * gives a copy of each.  Of those behind, of connections that nobody accepted yet, and where
 * somebody else looks so as well (SO_PEEK_OFF, which our look would move), only the number is known.
 *
 * Files that are registered with a ring of io_uring are listed with their paths since Linux 6.11, and
 * without a directory before, which tells nothing.
 */
#include "base/guard/walk_hidden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

/* Descriptors in one message: SCM_MAX_FD of the kernel. */
#define SENT_MAX 253

/* Bytes that are looked at before the message with descriptors. */
#define BYTES_MAX (256 << 10)

#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

/* "scm_fds: 2": a number of fdinfo; 0 where there is none */
static size_t number_in(const char *text, const char *key)
{
	const char *at = text ? strstr(text, key) : NULL;

	return at ? strtoul(at + strlen(key), NULL, 10) : 0;
}

static char *read_info(struct guard_scan *scan, const struct guard_process *process, const char *fd)
{
	struct iov_path path = iov_path("%s/fdinfo/%s", process->path.name, fd);
	char *text = NULL;
	int error = iov_sys_read_all(scan->iov, path.name, &text, NULL);

	guard_unseen(scan, error, iov_path("/%s", path.name).name);
	return error ? NULL : text;
}

/* A descriptor of ours for the same socket; -1 where we may have none. */
static int copy_socket(const struct guard_process *process, const char *fd)
{
	const char *task = strrchr(process->path.name, '/') + 1;
	_cleanup_fd_ int whose = (int)syscall(SYS_pidfd_open, (pid_t)strtol(task, NULL, 10), 0);

	return whose < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, whose, (int)strtol(fd, NULL, 10), 0);
}

static bool somebody_peeks(int fd)
{
	socklen_t size = sizeof(int);
	int offset = -1;

	return !getsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, &size) && offset >= 0;
}

static size_t visit_rights(const struct cmsghdr *header, guard_hidden_fn *visit, void *argument)
{
	const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	const bool sent = header->cmsg_type == SCM_RIGHTS;
	int fds[SENT_MAX];

	if (header->cmsg_level != SOL_SOCKET || (!sent && header->cmsg_type != SCM_PIDFD) ||
	    count > SENT_MAX)
		return 0;
	memcpy(fds, CMSG_DATA(header), count * sizeof(*fds));
	for (size_t i = 0; i < count; i++) {
		if (sent)
			visit(argument, iov_path("%d", fds[i]).name);
		close(fds[i]);
	}
	return sent ? count : 0;
}

/* How many could be seen. */
static size_t peek(int fd, guard_hidden_fn *visit, void *argument)
{
	_cleanup_free_ char *bytes = malloc(BYTES_MAX);
	/* More than one kind of control message may be there. */
	char control[CMSG_SPACE(SENT_MAX * sizeof(int)) + 512] __attribute__((aligned(8)));
	struct iovec vector = { bytes, BYTES_MAX };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	size_t seen = 0;

	if (!bytes || recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return 0;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
	     header = CMSG_NXTHDR(&message, header))
		seen += visit_rights(header, visit, argument);
	return seen;
}

size_t guard_walk_sent(struct guard_scan *scan, const struct guard_process *process, const char *fd,
		       guard_hidden_fn *visit, void *argument)
{
	_cleanup_free_ char *text = read_info(scan, process, fd);
	const size_t count = number_in(text, "scm_fds:");
	size_t seen = 0;
	int copy;

	if (!count || !iov_sys_is_host(scan->iov))
		return count;
	copy = copy_socket(process, fd);
	if (copy >= 0 && !somebody_peeks(copy))
		seen = peek(copy, visit, argument);
	if (copy >= 0)
		close(copy);
	return seen < count ? count - seen : 0;
}

size_t guard_walk_registered(struct guard_scan *scan, const struct guard_process *process,
			     const char *fd, guard_hidden_fn *visit, void *argument)
{
	_cleanup_free_ char *text = read_info(scan, process, fd);
	size_t unseen = number_in(text, "UserFiles:");
	char *rest = unseen ? strstr(text, "UserFiles:") : NULL, *line;

	/* "    3: /dev/nvme0n1", up to the first line that is of something else. */
	strsep(&rest, "\n");
	while (unseen && (line = strsep(&rest, "\n"))) {
		int at = 0;

		if (sscanf(line, "%*u: %n", &at) < 0 || !at)
			break;
		if (line[at] == '/')
			visit(argument, line + at);
		unseen -= line[at] == '/' || line[at] == '<';
	}
	return unseen;
}
