/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may look at the live page. */
#ifndef IOV_CLI_WEB_ACCESS_H
#define IOV_CLI_WEB_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/iov.h"

/* Characters of a token: fewer could be tried out. */
#define WEB_TOKEN_MIN 16
#define WEB_TOKEN_MAX 256
#define WEB_USERS_MAX 32

/**
 * struct web_access - who may look
 * @token: what a request has to bring; "" for none
 * @users: who may connect by a Unix socket, besides root
 * @user_count: how many of them
 */
struct web_access {
	char token[WEB_TOKEN_MAX + 1];
	uid_t users[WEB_USERS_MAX];
	size_t user_count;
};

/**
 * struct web_request - what a request says of who asks
 * @host: header Host; NULL for none
 * @authorization: header Authorization; NULL for none
 * @has_peer: it came by a Unix socket, of the user @peer
 * @peer: user
 * @is_public: what it asks for says nothing of the host
 */
struct web_request {
	const char *host;
	const char *authorization;
	bool has_peer;
	uid_t peer;
	bool is_public;
};

enum web_verdict {
	WEB_ALLOWED,
	WEB_OTHER_HOST,		/* a name that does not stand for this host */
	WEB_STRANGER,		/* a user who was not named */
	WEB_NO_TOKEN,
	WEB_WRONG_TOKEN,
	WEB_VERDICTS,
};

/**
 * web_judge - whether a request is answered
 * @access: who may look
 * @request: what it says
 *
 * How long it takes does not depend on how much of a token is right.  The name in Host has to be one of
 * loopback's, so that no page of others reaches this one by a name of its own (DNS rebinding).
 */
enum web_verdict web_judge(const struct web_access *access, const struct web_request *request);

/* What is wrong, for the log and for who asked. */
const char *web_verdict_text(enum web_verdict verdict);

/**
 * web_access_read_token - the token of a file
 * @access: receives it
 * @iov: context
 * @path: a file of one line that only its owner can write, and others cannot read
 *
 * Return: 0, or -errno with a message, which has nothing of the token.
 */
int web_access_read_token(struct web_access *access, struct iov *iov, const char *path);

/**
 * web_access_add_user - let a user look
 * @access: receives it
 * @iov: context
 * @name: of the user, or a number
 *
 * Return: 0; -ENOENT without such a user; -E2BIG; with a message.
 */
int web_access_add_user(struct web_access *access, struct iov *iov, const char *name);

#endif
