// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is sent over a Unix socket is held by the socket until it is received, and the kernel tells
 * how many descriptors wait in it ("scm_fds", since Linux 5.11), but not which.  Root can have a copy
 * of the socket and look at its first message with descriptors without taking it (MSG_PEEK), which
 * gives a copy of each.  Of those behind, of connections that nobody accepted yet, and where
 * somebody else looks so as well (SO_PEEK_OFF, which our look would move), only the number is known.
 *
 * The look takes a lock that whoever receives holds, for ever where what it receives goes to memory
 * whose pages another process serves, and nothing cuts off who waits for it.  So a child looks and
 * has the copies, as closing one may wait as well.  One that hangs is left behind, and then only the
 * number is known, too.
 *
 * Files that are registered with a ring of io_uring are listed with their paths since Linux 6.11, and
 * without a directory before, which tells nothing.
 */
#include "base/guard/walk_hidden.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

/* Descriptors in one message: SCM_MAX_FD of the kernel. */
#define SENT_MAX 253

/* Bytes that are looked at before the message with descriptors. */
#define BYTES_MAX (256 << 10)

/* A look takes microseconds; in milliseconds, and so often halved when looks hung. */
#define LOOK_TIMEOUT 500
#define LOOK_HALVINGS 3

/* A socket may wait in one that waits in one; deeper ones are not looked into. */
#define LOOKS_MAX 8

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
static int copy_socket(pid_t task, int fd)
{
	_cleanup_fd_ int whose = (int)syscall(SYS_pidfd_open, task, 0);

	return whose < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, whose, fd, 0);
}

static bool somebody_peeks(int fd)
{
	socklen_t size = sizeof(int);
	int offset = -1;

	return !getsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, &size) && offset >= 0;
}

/* @fds: receives descriptors, which are ours then; how many. */
static size_t peek(int fd, char *bytes, int fds[SENT_MAX])
{
	/* More than one kind of control message may be there. */
	char control[CMSG_SPACE(SENT_MAX * sizeof(int)) + 512] __attribute__((aligned(8)));
	struct iovec vector = { bytes, BYTES_MAX };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};

	if (recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return 0;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
	     header = CMSG_NXTHDR(&message, header)) {
		const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
		    count > SENT_MAX)
			continue;
		memcpy(fds, CMSG_DATA(header), count * sizeof(*fds));
		return count;
	}
	return 0;
}

/*
 * All that the child does: it tells its numbers of the copies, and has them until the other end of
 * @socket is closed.  What it inherited, the lock of the journal too, would be held as long as it
 * hangs.
 */
static void __attribute__((noreturn)) hold_copies(int socket, pid_t task, int fd, char *bytes)
{
	int fds[SENT_MAX], copy;
	size_t count = 0;
	char end;

	if (socket > 0)
		close_range(0, (unsigned int)socket - 1, 0);
	close_range((unsigned int)socket + 1, ~0U, 0);
	copy = copy_socket(task, fd);
	if (copy >= 0 && !somebody_peeks(copy))
		count = peek(copy, bytes, fds);
	send(socket, fds, count * sizeof(*fds), MSG_NOSIGNAL);
	recv(socket, &end, sizeof(end), 0);
	_exit(0);
}

/**
 * struct look - a look into a socket
 * @pid: the child that looks
 * @pidfd: leads to it
 * @socket: our end of the pair between us
 */
struct look {
	pid_t pid;
	int pidfd;
	int socket;
};

static bool start_look(struct look *look, pid_t task, int fd)
{
	_cleanup_free_ char *bytes = malloc(BYTES_MAX);
	int sockets[2];

	if (!bytes || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return false;
	look->socket = sockets[0];
	look->pid = fork();
	if (!look->pid)
		hold_copies(sockets[1], task, fd, bytes);
	close(sockets[1]);
	look->pidfd = look->pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, look->pid, 0);
	if (look->pid < 0)
		close(look->socket);
	return look->pid > 0;
}

static bool is_ready(int fd, int milliseconds)
{
	struct pollfd polled = { fd, POLLIN, 0 };

	return poll(&polled, 1, milliseconds) > 0;
}

/* Each one that hung leaves less time to the next, so many do not hold up the scan. */
static int limit_of(const struct guard_scan *scan)
{
	return LOOK_TIMEOUT >> (scan->hung < LOOK_HALVINGS ? scan->hung : LOOK_HALVINGS);
}

/*
 * Killed, it ends as soon as the kernel lets it.  Closing the copies may take as long as looking did:
 * the file of a server in user space (FUSE) waits for that one.
 */
static bool end_look(const struct guard_scan *scan, const struct look *look)
{
	bool ended;

	close(look->socket);
	kill(look->pid, SIGKILL);
	ended = look->pidfd >= 0 && is_ready(look->pidfd, limit_of(scan));
	waitpid(look->pid, NULL, ended ? 0 : WNOHANG);
	if (look->pidfd >= 0)
		close(look->pidfd);
	return ended;
}

/* What the child has is looked at as what any process has. */
static void visit_copies(struct guard_scan *scan, const struct guard_process *process, pid_t pid,
			 const int *fds, size_t count, guard_sent_fn *visit, void *argument)
{
	struct guard_process copies = *process;

	copies.path = iov_path(IOV_PATH_PROC "/%d", (int)pid);
	copies.directory = iov_dir_open(scan->iov, copies.path.name);
	copies.looks++;
	guard_unseen(scan, copies.directory < 0 ? copies.directory : 0,
		     iov_path("/%s", copies.path.name).name);
	if (copies.directory < 0)
		return;
	for (size_t i = 0; i < count; i++)
		visit(argument, &copies, iov_path("%d", fds[i]).name);
	close(copies.directory);
}

/* How many could be seen; false in @answered for one that hung. */
static size_t look_into(struct guard_scan *scan, const struct guard_process *process, const char *fd,
			guard_sent_fn *visit, void *argument, bool *answered)
{
	const char *task = strrchr(process->path.name, '/') + 1;
	int fds[SENT_MAX];
	struct look look;
	ssize_t length;

	*answered = true;
	iov_sys_asking(scan->iov, "what waits in the socket /%s/fd/%s", process->path.name, fd);
	if (!start_look(&look, (pid_t)strtol(task, NULL, 10), (int)strtol(fd, NULL, 10)))
		return 0;
	*answered = is_ready(look.socket, limit_of(scan));
	length = *answered ? recv(look.socket, fds, sizeof(fds), MSG_DONTWAIT) : 0;
	length = length < 0 ? 0 : length / (ssize_t)sizeof(*fds);
	if (length)
		visit_copies(scan, process, look.pid, fds, (size_t)length, visit, argument);
	*answered &= end_look(scan, &look);
	iov_sys_asking(scan->iov, "%s", "");
	return (size_t)length;
}

/*
 * Whether to look into a socket: once for each process that has it, as one may wait in itself, or in
 * another that waits in it, and not once more where a look hung.
 */
static bool may_look(struct guard_scan *scan, const struct guard_process *process, const char *socket)
{
	return process->looks < LOOKS_MAX &&
	       !json_object_object_get_ex(scan->met, iov_path("hung %s", socket).name, NULL);
}

size_t guard_walk_sent(struct guard_scan *scan, const struct guard_process *process, const char *fd,
		       const char *socket, guard_sent_fn *visit, void *argument)
{
	_cleanup_free_ char *text = read_info(scan, process, fd);
	const size_t count = number_in(text, "scm_fds:");
	bool answered;
	size_t seen;

	if (!count || !iov_sys_is_host(scan->iov))
		return count;
	if (!guard_is_new(scan, iov_path("pid %s %s", process->pid, socket).name))
		return 0;
	if (!may_look(scan, process, socket))
		return count;
	seen = look_into(scan, process, fd, visit, argument, &answered);
	if (!answered) {
		guard_is_new(scan, iov_path("hung %s", socket).name);
		scan->hung++;
	}
	if (!answered && !seen)
		iov_log(scan->iov, LOG_WARNING, "not seen: what waits in the socket /%s/fd/%s, as whoever "
			"receives from it hangs", process->path.name, fd);
	return seen < count ? count - seen : 0;
}

/* "socket:[31337]", "anon_inode:[eventfd]": something without a path, which is no device of VFIO. */
static bool is_special(const char *name)
{
	return strstr(name, ":[") && strcmp(name, "anon_inode:[vfio-device]") != 0;
}

/*
 * Kernels before 6.11 tell "vfio0", without the directory; those since 6.18 leave empty slots out.
 * A socket is none: who registers one had it as a descriptor, where what waits in it is asked for.
 */
size_t guard_walk_registered(struct guard_scan *scan, const struct guard_process *process,
			     const char *fd, guard_path_fn *visit, void *argument)
{
	_cleanup_free_ char *text = read_info(scan, process, fd);
	const size_t slots = number_in(text, "UserFiles:");
	char *rest = slots ? strstr(text, "UserFiles:") : NULL, *line;
	size_t lines = 0, untold = 0;

	/* "    3: /dev/nvme0n1", up to the first line that is of something else. */
	strsep(&rest, "\n");
	while (lines < slots && (line = strsep(&rest, "\n"))) {
		int at = 0;

		if (sscanf(line, "%*u: %n", &at) < 0 || !at)
			break;
		lines++;
		if (line[at] == '/')
			visit(argument, line + at);
		else
			untold += line[at] != '<' && !is_special(line + at);
	}
	return lines ? untold : slots;
}
