// SPDX-License-Identifier: GPL-2.0-or-later
/* The other side of the probe: sinks and sources on the host. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/guest/probe.h"

#define STREAM (128u << 10)
#define SERVICES 4

static int listen_at(int type, enum probe_port port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	const int on = 1, room = 4 << 20;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (bind(fd, (const struct sockaddr *)&in, sizeof(in)) ||
	    (type == SOCK_STREAM && listen(fd, 8))) {
		close(fd);
		return -errno;
	}
	return fd;
}

static void sink(int fd)
{
	static char data[STREAM];
	uint64_t taken = 0;
	ssize_t got;

	while ((got = recv(fd, data, sizeof(data), 0)) > 0)
		taken += (uint64_t)got;
	if (send(fd, &taken, sizeof(taken), 0) != sizeof(taken))
		perror("iovkit: the count");
}

static void source(int fd)
{
	static char data[STREAM];

	while (send(fd, data, sizeof(data), 0) > 0)
		;
}

/* Streams have a process each, so that packets do not wait for them. */
static void accept_stream(int listener, void (*serve)(int fd))
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	pid_t peer = getpid();

	if (fd < 0)
		return;
	if (!fork()) {
		/* A stream whose other end is gone without a word ends with the peer. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != peer)
			_exit(0);
		serve(fd);
		_exit(0);
	}
	close(fd);
}

static void count(int fd)
{
	static uint64_t counted;
	struct sockaddr_in from;
	socklen_t length;
	char data[2048];
	ssize_t got;

	for (;;) {
		length = sizeof(from);
		got = recvfrom(fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &length);
		if (got < 0)
			return;
		if (got != 1) {
			counted++;
			continue;
		}
		sendto(fd, &counted, sizeof(counted), 0, (struct sockaddr *)&from, length);
		counted = 0;
	}
}

static void echo(int fd)
{
	struct sockaddr_in from;
	socklen_t length;
	char data[2048];
	ssize_t got;

	for (;;) {
		length = sizeof(from);
		got = recvfrom(fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &length);
		if (got < 0)
			return;
		sendto(fd, data, (size_t)got, 0, (struct sockaddr *)&from, length);
	}
}

static void serve(struct pollfd fds[SERVICES])
{
	while (poll(fds, SERVICES, -1) >= 0 || errno == EINTR) {
		if (fds[0].revents)
			accept_stream(fds[0].fd, sink);
		if (fds[1].revents)
			accept_stream(fds[1].fd, source);
		if (fds[2].revents)
			count(fds[2].fd);
		if (fds[3].revents)
			echo(fds[3].fd);
	}
}

int probe_peer(const char *name)
{
	struct pollfd fds[SERVICES] = {
		{.fd = listen_at(SOCK_STREAM, PROBE_SINK), .events = POLLIN},
		{.fd = listen_at(SOCK_STREAM, PROBE_SOURCE), .events = POLLIN},
		{.fd = listen_at(SOCK_DGRAM, PROBE_COUNT), .events = POLLIN},
		{.fd = listen_at(SOCK_DGRAM, PROBE_ECHO), .events = POLLIN},
	};
	int error = probe_address(name, PROBE_PEER);

	for (unsigned int i = 0; i < SERVICES; i++)
		if (fds[i].fd < 0)
			error = fds[i].fd;
	if (error) {
		fprintf(stderr, "%s: %s\n", name, strerror(-error));
		return error;
	}
	signal(SIGCHLD, SIG_IGN);
	serve(fds);
	return -errno;
}
