/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request to one member of etcd by its JSON gateway; what answers may be anybody. */
#ifndef IOV_CLAIMS_HTTP_H
#define IOV_CLAIMS_HTTP_H

#include <stddef.h>

#include "base/iov.h"
#include "claims/config.h"

/* Longest answer that is taken. */
#define CLAIMS_ANSWER_MAX (4 << 20)

struct claims_http;

/**
 * struct claims_reply - what was answered
 * @status: of HTTP
 * @text: with a NUL behind it, which may not be the only one; free() it
 * @length: its bytes
 * @room: for how many there is memory
 */
struct claims_reply {
	long status;
	char *text;
	size_t length;
	size_t room;
};

/*
 * Open a connection that is made when it is needed; a message on failure.  @config outlives it.
 */
int claims_http_open(struct claims_http **out, struct iov *iov, const struct claims_config *config);

/* NULL is allowed. */
void claims_http_close(struct claims_http *http);

/*
 * Send @body to @endpoint and @path, and take what is answered in @milliseconds, connecting
 * included.  Follows no redirection and asks no proxy.  0, or with a message -ETIMEDOUT, -EMSGSIZE for
 * an answer that is too long, -EKEYREJECTED for what is wrong with certificates, or -EHOSTUNREACH.
 * @token: of etcd's user, "" for none
 */
int claims_http_post(struct claims_http *http, const char *endpoint, const char *path, const char *token,
		     const char *body, long milliseconds, struct claims_reply *reply);

#endif
