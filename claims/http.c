// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libcurl is loaded when there is an etcd to ask.  Together with what it brings along it would
 * take every command of iov longer to start than most take to run.
 */
#include "claims/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/late_library.h"

/* What is used of it. */
#define FUNCTIONS(X) \
	X(global_init, curl_global_init) X(init, curl_easy_init) X(setopt, curl_easy_setopt) \
	X(perform, curl_easy_perform) X(getinfo, curl_easy_getinfo) X(cleanup, curl_easy_cleanup) \
	X(strerror, curl_easy_strerror) X(append, curl_slist_append) X(free_all, curl_slist_free_all)

LATE_LIBRARY(lib, FUNCTIONS);

struct claims_http {
	struct iov *iov;
	const struct claims_config *config;
	CURL *curl;
	char error[CURL_ERROR_SIZE];
};

static int load(struct iov *iov)
{
	const bool is_first = !lib.free_all;
	const char *why = late_library(lib, "libcurl.so.4", "libcurl4");

	if (why)
		return iov_told(iov, -ENOSYS, "etcd is asked by libcurl: %s", why);
	if (is_first)
		lib.global_init(CURL_GLOBAL_DEFAULT);
	return 0;
}

/* libcurl takes a file that it cannot read for one that is wrong. */
static int check_file(struct iov *iov, const char *what, const char *path)
{
	if (!*path || !access(path, R_OK))
		return 0;
	return iov_told(iov, -errno, "%s %s: %s", what, path, strerror(errno));
}

static int check_files(struct iov *iov, const struct claims_config *config)
{
	int error = check_file(iov, "ca", config->ca);

	if (!error)
		error = check_file(iov, "certificate", config->certificate);
	return error ? error : check_file(iov, "key", config->key);
}

/* What is the same for each request. */
static void dress(struct claims_http *http)
{
	const struct claims_config *config = http->config;
	CURL *curl = http->curl;

	lib.setopt(curl, CURLOPT_ERRORBUFFER, http->error);
	lib.setopt(curl, CURLOPT_NOSIGNAL, 1L);
	lib.setopt(curl, CURLOPT_PROXY, "");
	lib.setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	lib.setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	lib.setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	lib.setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	lib.setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	lib.setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	/* Whoever asks for a name is left behind at the deadline, as a name server may not answer for minutes. */
	lib.setopt(curl, CURLOPT_QUICK_EXIT, 1L);
	if (*config->ca)
		lib.setopt(curl, CURLOPT_CAINFO, config->ca);
	if (*config->certificate)
		lib.setopt(curl, CURLOPT_SSLCERT, config->certificate);
	if (*config->key)
		lib.setopt(curl, CURLOPT_SSLKEY, config->key);
}

int claims_http_open(struct claims_http **out, struct iov *iov, const struct claims_config *config)
{
	int error = load(iov);

	*out = NULL;
	if (!error)
		error = check_files(iov, config);
	if (error)
		return error;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return iov_fail(iov, -ENOMEM, "out of memory");
	**out = (struct claims_http){ .iov = iov, .config = config, .curl = lib.init() };
	if ((*out)->curl) {
		dress(*out);
		return 0;
	}
	free(*out);
	*out = NULL;
	return iov_fail(iov, -ENOMEM, "out of memory");
}

void claims_http_close(struct claims_http *http)
{
	if (!http)
		return;
	lib.cleanup(http->curl);
	free(http);
}

/* Less than all of it ends the transfer. */
static size_t collect(char *bytes, size_t size, size_t count, void *arg)
{
	struct claims_reply *reply = arg;
	size_t length = size * count;

	if (length > CLAIMS_ANSWER_MAX - reply->length)
		return 0;
	while (reply->length + length >= reply->room) {
		size_t room = reply->room ? reply->room * 2 : 4096;
		char *text = realloc(reply->text, room);

		if (!text)
			return 0;
		reply->text = text;
		reply->room = room;
	}
	memcpy(reply->text + reply->length, bytes, length);
	reply->length += length;
	reply->text[reply->length] = '\0';
	return length;
}

/* Since TLS 1.3 a server that wants another certificate says so behind the handshake, or hangs up. */
static const char *hung_up(const struct claims_http *http, const char *endpoint)
{
	if (strncmp(endpoint, "https:", 6) != 0)
		return "it may want https";
	return *http->config->certificate ? "it may not know who signed the 'certificate' that it is shown" :
	       "it may want to be shown a certificate, and there is no 'certificate'";
}

static int explain(struct claims_http *http, CURLcode code, const char *endpoint)
{
	const char *why = *http->error ? http->error : lib.strerror(code);

	switch (code) {
	case CURLE_WRITE_ERROR:
		return iov_told(http->iov, -EMSGSIZE, "%s: answers more than %d bytes, which no etcd does", endpoint,
				CLAIMS_ANSWER_MAX);
	case CURLE_OPERATION_TIMEDOUT:
		return iov_told(http->iov, -ETIMEDOUT, "%s: %s", endpoint, why);
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CONNECT_ERROR:
		return iov_told(http->iov, -EKEYREJECTED, "%s: %s; 'ca' is what etcd's certificate has to be signed with, "
				"'certificate' and 'key' are what etcd is shown", endpoint, why);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return iov_told(http->iov, -EHOSTUNREACH, "%s: %s", endpoint, why);
	default:
		return iov_told(http->iov, -EHOSTUNREACH, "%s: %s; %s", endpoint, why, hung_up(http, endpoint));
	}
}

int claims_http_post(struct claims_http *http, const char *endpoint, const char *path, const char *token,
		     const char *body, long milliseconds, struct claims_reply *reply)
{
	char url[CLAIMS_ENDPOINT_SIZE + 64], authorization[600];
	struct curl_slist *headers = lib.append(NULL, "Content-Type: application/json");
	CURL *curl = http->curl;
	CURLcode code;

	*reply = (struct claims_reply){ 0 };
	http->error[0] = '\0';
	snprintf(url, sizeof(url), "%s%s", endpoint, path);
	snprintf(authorization, sizeof(authorization), "Authorization: %s", token);
	/* Nobody is asked whether a body is welcome. */
	headers = lib.append(headers, "Expect:");
	if (*token)
		headers = lib.append(headers, authorization);
	lib.setopt(curl, CURLOPT_URL, url);
	lib.setopt(curl, CURLOPT_HTTPHEADER, headers);
	lib.setopt(curl, CURLOPT_POSTFIELDS, body);
	lib.setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	lib.setopt(curl, CURLOPT_TIMEOUT_MS, milliseconds);
	lib.setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	lib.setopt(curl, CURLOPT_WRITEDATA, reply);
	code = lib.perform(curl);
	lib.free_all(headers);
	if (code == CURLE_OK) {
		lib.getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
		return 0;
	}
	free(reply->text);
	*reply = (struct claims_reply){ 0 };
	return explain(http, code, endpoint);
}
