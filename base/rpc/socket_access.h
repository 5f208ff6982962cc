/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may connect to a socket of iovd, from words to what iovd takes. */
#ifndef IOV_BASE_RPC_SOCKET_ACCESS_H
#define IOV_BASE_RPC_SOCKET_ACCESS_H

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "0660", and "4294967294:4294967294" at most. */
#define IOV_SOCKET_MODE_SIZE 5
#define IOV_SOCKET_OWNER_SIZE 24

/**
 * iov_socket_mode - bring permissions into their usual form
 * @iov: context
 * @text: octal digits, "660"
 * @mode: receives "0660"
 *
 * Return: 0, or -EINVAL with a message.
 */
int iov_socket_mode(struct iov *iov, const char *text, char mode[IOV_SOCKET_MODE_SIZE]);

/**
 * iov_socket_owner - look up a user and a group
 * @iov: context
 * @names: "libvirt-qemu:kvm", "libvirt-qemu" or ":kvm"; numbers are taken as they are
 * @numbers: receives "64055:108", in the same form
 *
 * Asks the name services of the running system.  iovd may not: it cannot open their files.
 *
 * Return: 0; -ENOENT without such a user or group, or -EINVAL; with a message.
 */
int iov_socket_owner(struct iov *iov, const char *names, char numbers[IOV_SOCKET_OWNER_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
