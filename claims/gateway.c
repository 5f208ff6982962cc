// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whoever answers with what etcd does not answer counts as somebody who does not: the next member
 * is asked.  What etcd itself refuses no other member would do.
 */
#include "claims/gateway.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "claims/claims.h"
#include "claims/etcd_answer.h"
#include "claims/http.h"

/* No member is asked for less time while there is that. */
#define LEAST_MS 200

/* For one member, so that all are asked before the answer is of no use any more; 0 from then on. */
static long time_for_one(const struct claims *claims, size_t members)
{
	long most = (long)claims->config.timeout * 1000;
	int64_t left, one;

	if (!claims->give_up)
		return most;
	left = claims->give_up - boot_ms();
	if (left <= 0)
		return 0;
	one = left / (int64_t)members;
	if (one < LEAST_MS)
		one = left < LEAST_MS ? left : LEAST_MS;
	return one < most ? (long)one : most;
}

/* What is no answer of etcd's: -EHOSTUNREACH. */
static int read_reply(struct claims *claims, const char *endpoint, const struct claims_reply *reply,
		      struct json_object **answer)
{
	char why[512];

	if (reply->status >= 300 && reply->status < 400)
		return iov_told(claims->iov, -EHOSTUNREACH, "%s: leads elsewhere (HTTP %ld), which is not followed; "
				"'endpoints' has the members of etcd themselves", endpoint, reply->status);
	*answer = etcd_parse(reply->text, reply->length);
	if (!*answer)
		return iov_told(claims->iov, -EHOSTUNREACH, "%s: answers (HTTP %ld) what no etcd does; 'endpoints' has "
				"the addresses for clients of etcd, version 3.4 or later", endpoint, reply->status);
	if (reply->status == 200 && !etcd_is_error(*answer, why, sizeof(why)))
		return 0;
	if (reply->status == 200 || !etcd_is_error(*answer, why, sizeof(why)))
		snprintf(why, sizeof(why), "HTTP %ld", reply->status);
	json_object_put(*answer);
	*answer = NULL;
	/* Without a leader a member says so by 503, or that it waited too long for one by 504; 500 may be either. */
	if (reply->status >= 500)
		return iov_told(claims->iov, -EHOSTUNREACH, "%s: %s", endpoint, why);
	if (reply->status == 401 || reply->status == 403)
		return iov_told(claims->iov, -EACCES, "%s: %s; 'user' and 'password-file' say who asks", endpoint, why);
	return iov_told(claims->iov, -EREMOTEIO, "%s: %s", endpoint, why);
}

static int ask_one(struct claims *claims, const char *endpoint, const char *path, const char *body,
		   long milliseconds, struct json_object **answer)
{
	struct claims_reply reply;
	int error = claims_http_post(claims->http, endpoint, path, claims->token, body, milliseconds, &reply);

	*answer = NULL;
	if (error)
		return error == -EKEYREJECTED ? error : iov_told(claims->iov, -EHOSTUNREACH, "%s",
								 iov_error_message(claims->iov));
	error = read_reply(claims, endpoint, &reply, answer);
	free(reply.text);
	return error;
}

static int ask_any(struct claims *claims, const char *path, struct json_object *question,
		   struct json_object **answer)
{
	const char *body = json_object_to_json_string_ext(question, JSON_C_TO_STRING_PLAIN);
	size_t members = claims->config.endpoint_count;
	int error = -EHOSTUNREACH;

	for (size_t tried = 0; tried < members && (error == -EHOSTUNREACH || error == -EKEYREJECTED); tried++) {
		const char *endpoint = claims->config.endpoints[claims->endpoint];
		long milliseconds = time_for_one(claims, members - tried);

		if (!milliseconds)
			return iov_fail(claims->iov, -EHOSTUNREACH, "no time is left in which etcd could answer");
		iov_sys_asking(claims->iov, "etcd at %s", endpoint);
		error = ask_one(claims, endpoint, path, body, milliseconds, answer);
		if (error == -EHOSTUNREACH || error == -EKEYREJECTED)
			claims->endpoint = (claims->endpoint + 1) % members;
	}
	if (error == -EHOSTUNREACH || error == -EKEYREJECTED)
		return iov_told(claims->iov, -EHOSTUNREACH, "no member of etcd answers, the last was %s; see 'endpoints' of "
				"/" IOV_CLAIMS_CONFIG,
				iov_error_message(claims->iov));
	return error;
}

/* A user is asked for once, and again when what etcd gave him is over. */
static int log_in(struct claims *claims)
{
	_cleanup_json_ struct json_object *question = json_object_new_object(), *answer = NULL;
	int error;

	claims->token[0] = '\0';
	json_add_text(question, "name", claims->config.user);
	json_add_text(question, "password", claims->config.password);
	error = ask_any(claims, "/v3/auth/authenticate", question, &answer);
	if (error)
		return error == -EREMOTEIO ? iov_told(claims->iov, -EACCES, "etcd's user %s: %s", claims->config.user,
						      iov_error_message(claims->iov)) : error;
	if (etcd_read_token(answer, claims->token, sizeof(claims->token)))
		return 0;
	return iov_told(claims->iov, -EHOSTUNREACH, "etcd lets %s in without saying how", claims->config.user);
}

int etcd_ask(struct claims *claims, const char *path, struct json_object *question, struct json_object **answer)
{
	bool has_user = *claims->config.user;
	bool was_in = has_user && *claims->token;
	int error = claims->http ? 0 : claims_http_open(&claims->http, claims->iov, &claims->config);

	*answer = NULL;
	if (!error && has_user && !was_in)
		error = log_in(claims);
	if (!error)
		error = ask_any(claims, path, question, answer);
	if (error != -EACCES || !was_in)
		return error;
	error = log_in(claims);
	return error ? error : ask_any(claims, path, question, answer);
}
