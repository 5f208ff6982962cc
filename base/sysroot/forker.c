// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The forker: a process that was forked before there were threads and makes writers on
 * request, so that no process is forked from a threaded one.  A child of such a one may
 * have inherited a lock that nobody will release.
 *
 * A request is one packet with the socket and the file of the new writer, the answer its
 * process ID or -errno.  CLONE_PARENT makes the writer a child of who asked, who waits for
 * it as for one of its own.  The forker has inherited the journal's lock, and so have the
 * writers; it ends with the process that it works for.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/writer.h"

/* The forker's end for whoever asks. */
struct forker {
	pid_t pid;
	int socket;
	pthread_mutex_t mutex;	/* held from a request to its answer */
};

/* A packet that carries descriptors. */
struct packet {
	struct iovec data;
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr header;
};

static void packet_init(struct packet *packet, char *byte)
{
	*packet = (struct packet){ .data = { byte, 1 } };
	packet->header = (struct msghdr){
		.msg_iov = &packet->data,
		.msg_iovlen = 1,
		.msg_control = packet->control.bytes,
		.msg_controllen = sizeof(packet->control.bytes),
	};
}

static int send_request(int to, int socket, int file)
{
	int fds[] = { socket, file };
	struct cmsghdr *control;
	struct packet packet;
	char byte = 0;

	packet_init(&packet, &byte);
	control = CMSG_FIRSTHDR(&packet.header);
	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(control), fds, sizeof(fds));
	return sendmsg(to, &packet.header, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

static bool receive_request(int from, int *socket, int *file)
{
	struct cmsghdr *control;
	struct packet packet;
	int fds[2];
	char byte;

	packet_init(&packet, &byte);
	if (recvmsg(from, &packet.header, MSG_CMSG_CLOEXEC) != 1)
		return false;
	control = CMSG_FIRSTHDR(&packet.header);
	if (!control || control->cmsg_len != CMSG_LEN(sizeof(fds)))
		return false;
	memcpy(fds, CMSG_DATA(control), sizeof(fds));
	*socket = fds[0];
	*file = fds[1];
	return true;
}

static bool serve(struct iov *iov, int from, int parent)
{
	int socket, file, answer;
	pid_t pid;

	if (!receive_request(from, &socket, &file))
		return false;
	pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid) {
		close(from);
		writer_live(iov, socket, file, parent);
	}
	answer = pid < 0 ? -errno : pid;
	close(socket);
	close(file);
	return send(from, &answer, sizeof(answer), MSG_NOSIGNAL) == sizeof(answer);
}

static void __attribute__((noreturn)) live(struct iov *iov, int socket, int parent)
{
	struct pollfd polls[] = { { socket, POLLIN, 0 }, { parent, POLLIN, 0 } };

	leave_caller(iov);
	while (poll(polls, 2, -1) > 0 && !polls[1].revents && serve(iov, socket, parent))
		;
	_exit(0);
}

static int start(struct iov *iov, struct forker *forker)
{
	_cleanup_fd_ int parent = open_pidfd(getpid());
	int sockets[2];

	if (parent < 0)
		return parent;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	forker->pid = fork();
	if (!forker->pid) {
		close(sockets[0]);
		live(iov, sockets[1], parent);
	}
	close(sockets[1]);
	if (forker->pid < 0) {
		int error = -errno;

		close(sockets[0]);
		return error;
	}
	forker->socket = sockets[0];
	return 0;
}

int forker_open(struct iov *iov)
{
	struct forker *forker = calloc(1, sizeof(*forker));
	int error;

	if (!forker)
		return -ENOMEM;
	error = start(iov, forker);
	if (error) {
		free(forker);
		return error;
	}
	pthread_mutex_init(&forker->mutex, NULL);
	iov->forker = forker;
	return 0;
}

pid_t forker_fork(struct forker *forker, int socket, int file)
{
	int answer, error;

	pthread_mutex_lock(&forker->mutex);
	error = send_request(forker->socket, socket, file);
	/* A forker that was killed gives no answer. */
	if (!error && recv(forker->socket, &answer, sizeof(answer), 0) != sizeof(answer))
		error = -EIO;
	pthread_mutex_unlock(&forker->mutex);
	return error ? error : answer;
}

void forker_close(struct iov *iov)
{
	struct forker *forker = iov->forker;

	if (!forker)
		return;
	/* close(2) would not do: a process that was forked meanwhile may have the socket. */
	shutdown(forker->socket, SHUT_RDWR);
	while (waitpid(forker->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(forker->socket);
	pthread_mutex_destroy(&forker->mutex);
	free(forker);
	iov->forker = NULL;
}
