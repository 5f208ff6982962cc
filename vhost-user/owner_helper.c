// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A request is a user and a group with an O_PATH descriptor of the socket, so it is
 * that socket and no path that somebody changes meanwhile.  The answer is an int, 0 or
 * -errno.  The helper waits for nothing else and ends when iovd does.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "vhost-user/owner_helper.h"
#include "vhost-user/privileges.h"

struct request {
	uid_t owner;
	gid_t group;
};

/* There is one process, and it has one of them. */
static int channel = -1;
static pid_t helper;

union control {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

static ssize_t receive(int from, struct request *request, int *fd)
{
	struct iovec part = { request, sizeof(*request) };
	union control control;
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t size = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = size > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	*fd = -1;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(header), sizeof(*fd));
	return size;
}

static int answer(const struct request *request, int fd)
{
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -EBADF;
	if (!S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	return fchownat(fd, "", request->owner, request->group, AT_EMPTY_PATH) ? -errno : 0;
}

static void serve(int from)
{
	struct request request;
	ssize_t size;
	int fd;

	while ((size = receive(from, &request, &fd)) > 0 || (size < 0 && errno == EINTR)) {
		int error = size == sizeof(request) ? answer(&request, fd) : -EINVAL;

		if (fd >= 0)
			close(fd);
		if (size > 0 && send(from, &error, sizeof(error), MSG_NOSIGNAL) < 0)
			return;
	}
}

static void run(int from)
{
	/* Its end is the end of the channel; signals of the terminal are not meant for it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	prctl(PR_SET_NAME, "iovd-owners");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!privileges_keep(1u << CAP_CHOWN) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		serve(from);
	_exit(0);
}

int owner_helper_start(struct iov *iov)
{
	int pair[2];

	if (!privileges_has(CAP_CHOWN))
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return iov_fail(iov, -errno, "no channel to change owners: %s", strerror(errno));
	helper = fork();
	if (!helper) {
		close(pair[0]);
		run(pair[1]);
	}
	close(pair[1]);
	channel = pair[0];
	if (helper > 0)
		return 0;
	close(channel);
	channel = -1;
	return iov_fail(iov, -errno, "no process to change owners: %s", strerror(errno));
}

void owner_helper_stop(void)
{
	if (channel < 0)
		return;
	close(channel);
	channel = -1;
}

static int ask(const char *path, uid_t owner, gid_t group)
{
	_cleanup_fd_ int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct request request = { owner, group };
	struct iovec part = { &request, sizeof(request) };
	union control control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
					      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int error;

	if (fd < 0)
		return -errno;
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (sendmsg(channel, &message, MSG_NOSIGNAL) < 0 ||
	    recv(channel, &error, sizeof(error), 0) != sizeof(error))
		return -EPERM;
	return error;
}

int owner_helper_chown(const char *path, uid_t owner, gid_t group)
{
	if (!lchown(path, owner, group))
		return 0;
	if (errno != EPERM || channel < 0)
		return -errno;
	return ask(path, owner, group);
}
