/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Children that commands left behind in the kernel.  Nothing ends one before the kernel answers it, and
 * who asks the same would leave another, so commands tell those that come after them; for the files of
 * base/sysroot/ alone.
 */
#ifndef IOV_BASE_SYSROOT_LEFT_H
#define IOV_BASE_SYSROOT_LEFT_H

#include "base/context.h"

/**
 * struct left - a child that was left behind
 * @pid: it
 * @waited: milliseconds that its command would wait for it
 * @message: what that command said
 */
struct left {
	pid_t pid;
	int64_t waited;
	char message[IOV_MESSAGE_SIZE];
};

/*
 * Note iov->stuck, which was asked @question about @name ("" for a question about nothing alone): texts of
 * one line each, that are the same in each command of this build.  What cannot be noted is asked again.
 */
void left_note(struct iov *iov, const char *question, const char *name, int64_t waited,
	       const char *message);

/*
 * One that waits still and was asked that, by a command that would wait as long as @wait; false when there
 * is none.  Notes of those that are gone go.
 */
bool left_find(struct iov *iov, const char *question, const char *name, int64_t wait, struct left *left);

#endif
