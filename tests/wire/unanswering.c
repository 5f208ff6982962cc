// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/wire/unanswering.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_NODE 2

struct server {
	int device;
	uint64_t size;
	bool is_opened;
};

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(1);
	close(fd);
}

/* Mounts of its own, as root or as somebody who is root there. */
static bool enter_namespace(void)
{
	char map[32];
	uid_t user = getuid();

	if (!unshare(CLONE_NEWNS))
		return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", user);
	write_text("/proc/self/uid_map", map);
	return true;
}

static bool mount_at(const struct server *server, const char *directory)
{
	char options[96];

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", server->device);
	return !mount("unanswering", directory, "fuse", MS_NOSUID | MS_NODEV, options);
}

static struct fuse_attr attributes(const struct server *server, uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.size = node == FILE_NODE ? server->size : 0,
		.mode = node == FILE_NODE ? S_IFREG | 0600 : S_IFDIR | 0700,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void answer(const struct server *server, const struct fuse_in_header *request, int error,
		   const void *payload, size_t size)
{
	uint8_t bytes[256];
	const struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + size), .error = error, .unique = request->unique,
	};

	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), payload, size);
	if (write(server->device, bytes, header.len) < 0)
		_exit(1);
}

static void serve(struct server *server, const struct fuse_in_header *request)
{
	const struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = 31, .max_readahead = 65536, .max_write = 65536,
		.max_background = 16, .congestion_threshold = 12, .time_gran = 1,
	};
	const struct fuse_entry_out entry = { .nodeid = FILE_NODE, .attr = attributes(server, FILE_NODE) };
	const struct fuse_attr_out attr = { .attr = attributes(server, request->nodeid) };
	const struct fuse_open_out opened = { .fh = 1 };

	switch (request->opcode) {
	case FUSE_INIT:
		return answer(server, request, 0, &init, sizeof(init));
	case FUSE_LOOKUP:
		return answer(server, request, 0, &entry, sizeof(entry));
	case FUSE_GETATTR:
		return answer(server, request, 0, &attr, sizeof(attr));
	case FUSE_OPEN:
		server->is_opened = true;
		return answer(server, request, 0, &opened, sizeof(opened));
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		return;
	default:
		answer(server, request, -ENOSYS, "", 0);
	}
}

/* Requests are read no more, so whoever made one waits. */
static void serve_until_open(struct server *server)
{
	static _Alignas(struct fuse_in_header) uint8_t request[1 << 18];

	while (!server->is_opened)
		if (read(server->device, request, sizeof(request)) > 0)
			serve(server, (const struct fuse_in_header *)(const void *)request);
}

static void send_fd(int socket, int fd)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = { { 0 } };
	struct iovec part = { "", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(int));
	}
	sendmsg(socket, &message, 0);
}

static int receive_fd(int socket)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = { { 0 } };
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	const struct cmsghdr *passed;
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	passed = CMSG_FIRSTHDR(&message);
	if (passed)
		memcpy(&fd, CMSG_DATA(passed), sizeof(fd));
	return fd;
}

/* By another process, as this one has to answer meanwhile; its end asks for an answer, too. */
static void open_elsewhere(const struct server *server, int socket, const char *directory)
{
	char path[128];

	if (fork())
		return;
	close(server->device);
	snprintf(path, sizeof(path), "%s/file", directory);
	send_fd(socket, open(path, O_RDWR | O_CLOEXEC));
	_exit(0);
}

static void be_server(int socket, const char *directory, uint64_t size)
{
	struct server server = { open("/dev/fuse", O_RDWR | O_CLOEXEC), size, false };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (server.device < 0 || !enter_namespace() || !mount_at(&server, directory)) {
		send_fd(socket, -1);
		_exit(1);
	}
	open_elsewhere(&server, socket, directory);
	serve_until_open(&server);
	close(socket);
	for (;;)
		pause();
}

const char *unanswering_open(struct unanswering *file, const char *directory, uint64_t size)
{
	int pair[2];

	if (access("/dev/fuse", R_OK | W_OK))
		return "/dev/fuse";
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return "a socket";
	file->server = fork();
	if (!file->server)
		be_server(pair[1], directory, size);
	close(pair[1]);
	file->fd = file->server > 0 ? receive_fd(pair[0]) : -1;
	close(pair[0]);
	if (file->fd >= 0)
		return NULL;
	unanswering_close(file);
	return "a mount of FUSE";
}

void unanswering_close(struct unanswering *file)
{
	if (file->server > 0) {
		kill(file->server, SIGKILL);
		waitpid(file->server, NULL, 0);
	}
	if (file->fd >= 0)
		close(file->fd);
}
