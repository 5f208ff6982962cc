/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets get owners although iovd may give nothing away: a process beside it may,
 * and changes the owner of iovd's sockets and of nothing else.
 *
 * Whoever took over iovd with CAP_CHOWN could give away any file of the host; neither
 * a filter of system calls nor Landlock tells one path from another there.
 */
#ifndef VHOST_USER_SOCKET_OWNER_HELPER_H
#define VHOST_USER_SOCKET_OWNER_HELPER_H

#include <sys/types.h>

#include "base/iov.h"

/**
 * owner_helper_start - start it, once in the process
 * @iov: context
 *
 * Before other threads and before privileges are given up.  Without privilege there
 * is nothing that it could do, and it is not started.  It ends with this process.
 *
 * Return: 0 or -errno with a message.
 */
int owner_helper_start(struct iov *iov);

/**
 * owner_helper_stop - end it
 */
void owner_helper_stop(void);

/**
 * owner_helper_chown - change the owner of a socket
 * @path: path of the socket
 * @owner: user; (uid_t)-1 leaves it
 * @group: group; (gid_t)-1 leaves it
 *
 * By this process where that may, otherwise by the helper.
 *
 * Return: 0 or -errno; -EPERM when neither may.
 */
int owner_helper_chown(const char *path, uid_t owner, gid_t group);

#endif
