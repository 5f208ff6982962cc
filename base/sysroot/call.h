/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that the kernel may never answer, because a driver or whoever holds a lock of the
 * kernel does not come to an end: loading a module, rtnetlink, ethtool, commands to a
 * controller, resets.  A process that waits in such a call cannot be ended, so a child makes
 * it, which can be left behind at its deadline.
 */
#ifndef IOV_BASE_SYSROOT_CALL_H
#define IOV_BASE_SYSROOT_CALL_H

#include <stddef.h>
#include <stdio.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_sys_call_fn - makes calls that the kernel may never answer
 * @iov: context; messages and lines of the log reach the caller's
 * @question: copy of what iov_sys_call() was given, with a NUL behind it
 * @length: its bytes, without that NUL
 * @answer: takes what the caller gets
 *
 * Runs in another process: what it changes of its memory is seen by nobody.
 *
 * Return: what iov_sys_call() returns.
 */
typedef int iov_sys_call_fn(struct iov *iov, const char *question, size_t length, FILE *answer);

/**
 * iov_sys_call - have a child make calls, with the deadline of iov_sys_set_timeout()
 * @iov: context
 * @make: makes them
 * @question: bytes for @make
 * @length: their number
 * @answer: receives what @make wrote, with a NUL behind it, which the caller frees, NULL on
 *	failure; NULL for a call that changes something
 *
 * The child comes to the end of @make when the caller is killed.  A context has one child at a
 * time, which has the descriptors and the memory of the process that started it, at a moment
 * before this call; nothing but the bytes of @question is passed on.  Where a call of @make has not
 * been answered, it is not made again to look before its deadline is over once more.  Within
 * @make, where iov_sys_on_write() stands in for the kernel, and to look at a recorded tree, @make
 * is called right here.
 *
 * Return: what @make returns, with its message; -ETIMEDOUT with a message that names what was
 * not answered; -EIO when the child was killed; -ENOMEM.
 */
int iov_sys_call(struct iov *iov, iov_sys_call_fn *make, const void *question, size_t length,
		 char **answer);

/**
 * iov_sys_left_out - log once why something is left out that iov_sys_call() would have told
 * @iov: context, with the message of iov_sys_call()
 * @error: what it returned; anything but -ETIMEDOUT is not logged
 */
void iov_sys_left_out(struct iov *iov, int error);

/**
 * iov_sys_unanswered - whether something was not answered lately
 * @iov: context
 *
 * For who does not find what it looks for: it may be among what the kernel would have told.
 *
 * Return: 0, or -ETIMEDOUT with the message of that call.
 */
int iov_sys_unanswered(struct iov *iov);

/**
 * iov_sys_asking - say what the kernel is asked next
 * @iov: context
 * @format: printf format of what is asked for and how: "the links of this host, by rtnetlink"
 *
 * For what iov_sys_call() makes: the next call has the deadline to itself, and this is its name.
 */
void iov_sys_asking(struct iov *iov, const char *format, ...) __attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

#endif
