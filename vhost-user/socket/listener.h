/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A listening Unix socket: made with the wanted owner and mode, removed as it was made. */
#ifndef VHOST_USER_SOCKET_LISTENER_H
#define VHOST_USER_SOCKET_LISTENER_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/iov.h"
#include "base/rpc/socket_access.h"

/**
 * struct socket_access - who may connect to a socket
 * @mode: permissions
 * @owner: user, (uid_t)-1 for that of the process
 * @group: group, (gid_t)-1 for that of the process
 */
struct socket_access {
	mode_t mode;
	uid_t owner;
	gid_t group;
};

#define SOCKET_ACCESS(bits) { .mode = (bits), .owner = (uid_t)-1, .group = (gid_t)-1 }

/**
 * socket_access_parse - read who may connect
 * @access: receives it; what is NULL below stays
 * @iov: context
 * @mode: octal digits, "0660"; NULL is allowed
 * @owner: numbers, "107:108", either of which may be missing; NULL is allowed
 *
 * Numbers, because a name service has no place in what may not open its files.
 *
 * Return: 0 or -EINVAL with a message.
 */
int socket_access_parse(struct socket_access *access, struct iov *iov, const char *mode,
			const char *owner);

/**
 * socket_access_owner - the owner as socket_access_parse() takes it
 * @access: who may connect
 * @text: receives it
 *
 * Return: @text, or NULL when nobody was named.
 */
const char *socket_access_owner(const struct socket_access *access, char text[IOV_SOCKET_OWNER_SIZE]);

/**
 * struct listener - a socket that is listened at
 * @fd: the socket, non-blocking; -1 when it is not open
 * @address: where it is
 * @file: the socket as it was made
 */
struct listener {
	int fd;
	struct sockaddr_un address;
	struct stat file;
};

/**
 * listener_address - put a path into the address
 * @listener: receives it, closed
 * @iov: context
 * @path: path of the socket
 *
 * Return: 0 or -ENAMETOOLONG with a message.
 */
int listener_address(struct listener *listener, struct iov *iov, const char *path);

/**
 * listener_check - whether a path is free, before anything is done for it
 * @iov: context
 * @path: path of the socket
 * @whose: for messages, "port vm1" or "--control"
 *
 * Return: 0; -EADDRINUSE when another program listens there; -ENAMETOOLONG; with a message.
 */
int listener_check(struct iov *iov, const char *path, const char *whose);

/**
 * listener_rehearse - whether listener_open() would succeed
 * @listener: with its address set
 * @iov: context
 * @whose: for messages, as for listener_open()
 *
 * Return: 0, or what listener_open() would fail with, as far as that can be told without making
 * a socket; with a message.
 */
int listener_rehearse(const struct listener *listener, struct iov *iov, const char *whose);

/**
 * listener_open - listen
 * @listener: with its address set
 * @iov: context
 * @access: who may connect
 * @whose: for messages, "port vm1" or "--control"
 *
 * Replaces a socket that nobody listens at, and nothing else.
 *
 * Return: 0; -EADDRINUSE when another program listens there; -EEXIST when something
 * that is no socket is in the way; or -errno; with a message.
 */
int listener_open(struct listener *listener, struct iov *iov, const struct socket_access *access,
		  const char *whose);

/**
 * listener_close - stop listening and remove the socket, unless somebody replaced it
 * @listener: open or not
 */
void listener_close(struct listener *listener);

/**
 * listener_connect - connect to such a socket without waiting
 * @address: where it is
 *
 * Return: a non-blocking socket of the caller's, or -errno.
 */
int listener_connect(const struct sockaddr_un *address);

#endif
