/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An iovd that follows another one.
 *
 * What a process has alone is free only when all of it is gone, which after a kill is as late as its
 * devices are reset and its guests' memory is given back, and at an orderly end as late as a medium
 * answers.  Whoever starts iovd anew cannot know when that is, so the one that comes waits for it, for
 * a while: one that lives on is somebody's mistake.
 */
#ifndef VHOST_USER_DAEMON_SUCCESSION_H
#define VHOST_USER_DAEMON_SUCCESSION_H

#include "base/iov.h"

/**
 * succession_take - have what another iovd may still have
 * @iov: context
 * @take: takes it; called again after -EBUSY or -EADDRINUSE, with a message that names what and who;
 *	what it got by then is its own to know
 * @arg: for @take
 *
 * SIGTERM and SIGINT, which are blocked, end the wait.
 *
 * Return: 0; what @take returned last; -ECANCELED when a signal came; with a message.
 */
int succession_take(struct iov *iov, int (*take)(void *arg), void *arg);

#endif
