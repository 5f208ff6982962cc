// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "vhost-user/socket/listener.h"
#include "vhost-user/socket/owner_helper.h"

#define BACKLOG 16

/* The largest number is "nobody was named" to chown(2). */
static bool parse_id(const char **text, uint32_t *id)
{
	char *end;
	unsigned long long number;

	if (**text < '0' || **text > '9')
		return false;
	number = strtoull(*text, &end, 10);
	*text = end;
	*id = (uint32_t)number;
	return number < UINT32_MAX;
}

static bool parse_owner(struct socket_access *access, const char *text)
{
	uint32_t id;

	if (*text != ':') {
		if (!parse_id(&text, &id))
			return false;
		access->owner = id;
	}
	if (*text == ':') {
		text++;
		if (!parse_id(&text, &id))
			return false;
		access->group = id;
	}
	return !*text;
}

int socket_access_parse(struct socket_access *access, struct iov *iov, const char *mode,
			const char *owner)
{
	char digits[IOV_SOCKET_MODE_SIZE];
	int error = mode ? iov_socket_mode(iov, mode, digits) : 0;

	if (error)
		return error;
	if (mode)
		access->mode = (mode_t)strtoul(digits, NULL, 8);
	if (owner && !parse_owner(access, owner))
		return iov_fail(iov, -EINVAL, "owner '%.32s': expected numbers of a user and a "
				"group such as 107:108, either of which may be missing", owner);
	return 0;
}

const char *socket_access_owner(const struct socket_access *access, char text[IOV_SOCKET_OWNER_SIZE])
{
	size_t length = 0;

	*text = '\0';
	if (access->owner != (uid_t)-1)
		length = (size_t)snprintf(text, IOV_SOCKET_OWNER_SIZE, "%u", access->owner);
	if (access->group != (gid_t)-1)
		snprintf(text + length, IOV_SOCKET_OWNER_SIZE - length, ":%u", access->group);
	return *text ? text : NULL;
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int listener_connect(const struct sockaddr_un *address)
{
	_cleanup_fd_ int fd = new_socket();
	int connected;

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	connected = fd;
	fd = -1;
	return connected;
}

int listener_address(struct listener *listener, struct iov *iov, const char *path)
{
	struct sockaddr_un *address = &listener->address;

	*listener = (struct listener){ .fd = -1 };
	if (!*path || strlen(path) >= sizeof(address->sun_path))
		return iov_fail(iov, -ENAMETOOLONG, "%s: expected a path of 1 to %zu characters",
				path, sizeof(address->sun_path) - 1);
	address->sun_family = AF_UNIX;
	strcpy(address->sun_path, path);
	return 0;
}

/* What to do about @error, a negative errno, when a socket is made or removed. */
static const char *remedy(int error)
{
	return error == -EACCES ? "; sockets may be where 'iovd --allow' says, in /run and /tmp if "
				  "it says nothing" : "";
}

/* Who listens, where that can be known: not in another PID namespace, or when its backlog is full. */
static void name_listener(int fd, char *text, size_t size)
{
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) || peer.pid <= 0)
		snprintf(text, size, "another program");
	else
		snprintf(text, size, "another program (pid %d)", (int)peer.pid);
}

static int check(const struct listener *listener, struct iov *iov, const char *whose)
{
	_cleanup_fd_ int fd = listener_connect(&listener->address);
	char name[64];

	if (fd < 0 && fd != -EAGAIN)
		return 0;
	name_listener(fd, name, sizeof(name));
	return iov_fail(iov, -EADDRINUSE, "%s: %s listens there, which may be iovd or 'iov web' already; stop it, or "
			"choose another path for %s", listener->address.sun_path, name, whose);
}

int listener_check(struct iov *iov, const char *path, const char *whose)
{
	struct listener listener;
	int error = listener_address(&listener, iov, path);

	return error ? error : check(&listener, iov, whose);
}

/* Whether a socket may come to its path; @stale: one that nobody listens at is there. */
static int check_way(const struct listener *listener, struct iov *iov, const char *whose,
		     bool *stale)
{
	const char *path = listener->address.sun_path;
	struct stat file;

	*stale = false;
	if (lstat(path, &file) < 0)
		return errno == ENOENT ? 0 : iov_told(iov, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(file.st_mode))
		return iov_fail(iov, -EEXIST, "%s: exists and is no socket; choose another path for %s",
				path, whose);
	*stale = true;
	return check(listener, iov, whose);
}

static int cannot_listen(const struct listener *listener, struct iov *iov, const char *whose,
			 int error)
{
	return iov_told(iov, error, "%s: cannot listen there for %s: %s%s",
			listener->address.sun_path, whose, strerror(-error), remedy(error));
}

/* Where sockets may be made directories may be read, see sandbox_paths.c. */
int listener_rehearse(const struct listener *listener, struct iov *iov, const char *whose)
{
	char path[sizeof(listener->address.sun_path)];
	const char *directory;
	bool stale;
	int error = check_way(listener, iov, whose, &stale);
	int fd;

	if (error)
		return error;
	strcpy(path, listener->address.sun_path);
	directory = dirname(path);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS))
		error = cannot_listen(listener, iov, whose, -errno);
	if (fd >= 0)
		close(fd);
	return error;
}

/* Make way for a new socket. */
static int remove_stale(const struct listener *listener, struct iov *iov, const char *whose)
{
	const char *path = listener->address.sun_path;
	bool stale;
	int error = check_way(listener, iov, whose, &stale);

	if (!error && stale && unlink(path) < 0)
		return iov_told(iov, -errno, "%s: cannot remove what was left there: %s%s", path,
				strerror(errno), remedy(-errno));
	return error;
}

static int set_owner(const struct listener *listener, struct iov *iov,
		     const struct socket_access *access)
{
	const char *path = listener->address.sun_path;
	int error;

	if (access->owner == (uid_t)-1 && access->group == (gid_t)-1)
		return 0;
	error = owner_helper_chown(path, access->owner, access->group);
	if (error)
		return iov_told(iov, error, "%s: cannot give the socket to its owner: %s%s", path,
				strerror(-error), error == -EPERM ? "; iovd that root started may, "
				"other users may name one of their own groups" : "");
	return 0;
}

/* The file gets the mode of the socket that is bound to it, less the umask. */
static int bind_with_mode(int fd, const struct sockaddr_un *address, mode_t mode)
{
	mode_t mask = umask(0);
	int error = 0;

	if (fchmod(fd, mode) < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		error = -errno;
	umask(mask);
	return error;
}

/* Nobody can connect before listen(), and it has its owner by then. */
static int bind_socket(struct listener *listener, struct iov *iov,
		       const struct socket_access *access, const char *whose)
{
	const struct sockaddr_un *address = &listener->address;
	int error;

	listener->fd = new_socket();
	error = listener->fd < 0 ? listener->fd
				 : bind_with_mode(listener->fd, address, access->mode);
	if (!error && lstat(address->sun_path, &listener->file) < 0)
		error = -errno;
	if (error)
		return cannot_listen(listener, iov, whose, error);
	error = set_owner(listener, iov, access);
	if (!error && listen(listener->fd, BACKLOG))
		error = iov_told(iov, -errno, "%s: cannot listen there for %s: %s",
				 address->sun_path, whose, strerror(errno));
	return error;
}

int listener_open(struct listener *listener, struct iov *iov, const struct socket_access *access,
		  const char *whose)
{
	int error = remove_stale(listener, iov, whose);

	if (!error)
		error = bind_socket(listener, iov, access, whose);
	if (error)
		listener_close(listener);
	return error;
}

/* Somebody else may have put a socket of his own there. */
static void remove_socket(const struct listener *listener)
{
	struct stat file;

	if (listener->file.st_ino && !lstat(listener->address.sun_path, &file) &&
	    file.st_dev == listener->file.st_dev && file.st_ino == listener->file.st_ino)
		unlink(listener->address.sun_path);
}

void listener_close(struct listener *listener)
{
	if (listener->fd >= 0)
		close(listener->fd);
	remove_socket(listener);
	*listener = (struct listener){ .fd = -1 };
}
