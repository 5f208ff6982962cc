/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iovd may do on its host, given away as far as it is not needed. */
#ifndef VHOST_USER_SOCKET_PRIVILEGES_H
#define VHOST_USER_SOCKET_PRIVILEGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/iov.h"

/**
 * privileges_prepare - ask for what needs privilege while there is some
 * @iov: context
 *
 * Raises the limits on locked memory, which VFIO counts for DMA, and on open
 * files, as far as this process may.
 */
void privileges_prepare(struct iov *iov);

/**
 * privileges_drop - give up the rest
 * @iov: context
 * @user: user to become; NULL keeps the user
 * @bpf: programs of an uplink will be loaded
 *
 * Applies to the calling thread and those that it makes: call it before there
 * are others.  Of root's capabilities those stay that opening network devices
 * needs, unless @user is given.
 *
 * Return: 0, -ENOENT without that user, -EPERM, or -errno; with a message.
 */
int privileges_drop(struct iov *iov, const char *user, bool bpf);

/**
 * privileges_keep - give up all capabilities but some
 * @kept: mask of those that stay where they are permitted
 *
 * Return: 0 or -errno.
 */
int privileges_keep(uint64_t kept);

/**
 * privileges_has - whether a capability is effective
 * @capability: CAP_NET_ADMIN and so on
 */
bool privileges_has(int capability);

#endif
