/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions of one kind about many things, each of which the kernel may never answer: whoever
 * reads what a thousand functions tell neither waits for one that is stuck, nor asks a child for
 * each.  One child asks about all of them.
 */
#ifndef IOV_BASE_SYSROOT_ASK_H
#define IOV_BASE_SYSROOT_ASK_H

#include <stddef.h>
#include <stdio.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iov_sys_question - what can be asked about things
 * @ask: asks about one, in another process; that it comes back is an answer, and it may write one
 * @why: why there may be none, behind the name of the thing in a message; questions that have the
 *	same, by its address, are not answered where one of them is not
 */
struct iov_sys_question {
	void (*ask)(struct iov *iov, const char *name, FILE *answer);
	const char *why;
};

/**
 * iov_sys_ask - ask about several things
 * @iov: context
 * @question: which stays where it is
 * @names: things
 * @count: length of @names
 * @answers: receives what was written, in order, of those that are answered, with a NUL behind it;
 *	the caller frees it; NULL is allowed
 * @length: receives its bytes; NULL with @answers
 *
 * Each has the deadline of iov_sys_set_timeout(); where none was set and nothing is being changed,
 * who looks waits two seconds, and not as long again for each that is stuck as well.  What is not
 * answered is logged, and not asked again for a minute.
 *
 * Does not touch the context's error message.
 *
 * Return: 0, whatever was answered; or -errno when nobody could be asked.
 */
int iov_sys_ask(struct iov *iov, const struct iov_sys_question *question,
		const char *const *names, size_t count, char **answers, size_t *length);

/**
 * iov_sys_answered - whether a thing was answered about when it was asked
 * @iov: context
 * @question: which was asked
 * @name: the thing; NULL: any
 *
 * Return: 0, or -ETIMEDOUT with a message.
 */
int iov_sys_answered(struct iov *iov, const struct iov_sys_question *question, const char *name);

#ifdef __cplusplus
}
#endif

#endif
