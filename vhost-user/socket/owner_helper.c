// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A request is a user and a group with an O_PATH descriptor of the socket, so it is
 * that socket and no path that somebody changes meanwhile, and it has to belong to the
 * user that iovd is.  The answer is an int, 0 or -errno.  The helper waits for nothing
 * else and ends when iovd does.
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
#include "vhost-user/socket/owner_helper.h"
#include "vhost-user/socket/privileges.h"

struct request {
	uid_t owner;
	gid_t group;
};

/* There is one process, and it has one of them. */
static int channel = -1;
static pid_t helper;

/* A descriptor, and to the helper who sent it. */
union control {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

/**
 * struct received - a request as the helper gets it
 * @request: what is wanted
 * @fd: the socket; -1 when none came
 * @sender: user who asks, as the kernel says
 */
struct received {
	struct request request;
	int fd;
	uid_t sender;
};

static ssize_t receive(int from, struct received *received)
{
	struct iovec part = { &received->request, sizeof(received->request) };
	union control control;
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t size = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
	struct ucred sender = { .uid = (uid_t)-1 };

	received->fd = -1;
	for (struct cmsghdr *header = size > 0 ? CMSG_FIRSTHDR(&message) : NULL; header;
	     header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
			memcpy(&received->fd, CMSG_DATA(header), sizeof(received->fd));
		if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS)
			memcpy(&sender, CMSG_DATA(header), sizeof(sender));
	}
	received->sender = sender.uid;
	return size;
}

/* Only a socket of the sender's own, as one that he just made is. */
static int answer(const struct received *received)
{
	struct stat status;

	if (received->fd < 0 || fstat(received->fd, &status))
		return -EBADF;
	if (!S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	if (status.st_uid != received->sender)
		return -EPERM;
	return fchownat(received->fd, "", received->request.owner, received->request.group,
			AT_EMPTY_PATH) ? -errno : 0;
}

static void serve(int from)
{
	struct received received;
	ssize_t size;

	while ((size = receive(from, &received)) > 0 || (size < 0 && errno == EINTR)) {
		int error = size == sizeof(received.request) ? answer(&received) : -EINVAL;

		if (received.fd >= 0)
			close(received.fd);
		if (size > 0 && send(from, &error, sizeof(error), MSG_NOSIGNAL) < 0)
			return;
	}
}

static void run(int from)
{
	const int yes = 1;

	/* Its end is the end of the channel; signals of the terminal are not meant for it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	prctl(PR_SET_NAME, "iovd-owners");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!setsockopt(from, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) &&
	    !privileges_keep(1u << CAP_CHOWN) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		serve(from);
	_exit(0);
}

int owner_helper_start(struct iov *iov)
{
	int pair[2];

	if (!privileges_has(CAP_CHOWN))
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return iov_told(iov, -errno, "no channel to change owners: %s", strerror(errno));
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
	return iov_told(iov, -errno, "no process to change owners: %s", strerror(errno));
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
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
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
