// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/web/access.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/rpc/socket_access.h"

#define BEARER "Bearer "

static bool is_port(const char *text)
{
	return !*text || (*text == ':' && strspn(text + 1, "0123456789") == strlen(text + 1));
}

static bool is_loopback(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; host && i < sizeof(names) / sizeof(*names); i++) {
		const size_t length = strlen(names[i]);

		if (!strncasecmp(host, names[i], length) && is_port(host + length))
			return true;
	}
	return false;
}

/* All of @wanted is looked at, whatever is in @given. */
static bool is_equal(const char *wanted, const char *given)
{
	const size_t wanted_length = strlen(wanted), length = strlen(given);
	volatile unsigned char differs = wanted_length != length;

	for (size_t i = 0; i < wanted_length; i++)
		differs |= (unsigned char)(wanted[i] ^ given[i < length ? i : length]);
	return !differs;
}

static bool is_known(const struct web_access *access, uid_t peer)
{
	if (!peer)
		return true;
	for (size_t i = 0; i < access->user_count; i++) {
		if (access->users[i] == peer)
			return true;
	}
	return false;
}

static enum web_verdict judge_token(const struct web_access *access, const char *authorization)
{
	if (!authorization || strncasecmp(authorization, BEARER, strlen(BEARER)) != 0)
		return WEB_NO_TOKEN;
	return is_equal(access->token, authorization + strlen(BEARER)) ? WEB_ALLOWED : WEB_WRONG_TOKEN;
}

enum web_verdict web_judge(const struct web_access *access, const struct web_request *request)
{
	if (!is_loopback(request->host))
		return WEB_OTHER_HOST;
	if (request->has_peer && !is_known(access, request->peer))
		return WEB_STRANGER;
	if (request->is_public || !*access->token)
		return WEB_ALLOWED;
	return judge_token(access, request->authorization);
}

const char *web_verdict_text(enum web_verdict verdict)
{
	static const char *const texts[WEB_VERDICTS] = {
		[WEB_ALLOWED] = "allowed",
		[WEB_OTHER_HOST] = "a name of another host; expected localhost, 127.0.0.1 or [::1]",
		[WEB_STRANGER] = "a user who may not look; 'iov web --allow USER' lets one",
		[WEB_NO_TOKEN] = "no token; expected 'Authorization: Bearer TOKEN'",
		[WEB_WRONG_TOKEN] = "a wrong token",
	};

	return texts[verdict];
}

/* A line, of which the end may be missing. */
static bool is_token(char *text)
{
	const size_t length = strcspn(text, "\n");

	if (text[length] && text[length + 1])
		return false;
	text[length] = '\0';
	for (const char *c = text; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return false;
	}
	return length >= WEB_TOKEN_MIN && length <= WEB_TOKEN_MAX;
}

static int check_file(struct iov *iov, const char *path, int fd)
{
	struct stat file;

	if (fd < 0 || fstat(fd, &file))
		return iov_told(iov, -errno, "--token %s: %s; expected a file that you can read, whose line 'openssl "
				"rand -hex 16' may write", path, strerror(errno));
	if (!S_ISREG(file.st_mode))
		return iov_fail(iov, -EINVAL, "--token %s: expected a file", path);
	if (file.st_mode & 0027)
		return iov_fail(iov, -EPERM, "--token %s: others can read it, or write to it; 'chmod 600' "
				"and write another token to it", path);
	return 0;
}

int web_access_read_token(struct web_access *access, struct iov *iov, const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[WEB_TOKEN_MAX + 3] = "";
	int error = check_file(iov, path, fd);
	ssize_t size;

	if (error)
		return error;
	size = read(fd, text, sizeof(text) - 1);
	if (size < 0)
		return iov_told(iov, -errno, "--token %s: %s", path, strerror(errno));
	if (strlen(text) != (size_t)size || !is_token(text))
		error = iov_fail(iov, -EINVAL, "--token %s: expected one line of %d to %d printable "
				 "characters without a space, as 'openssl rand -hex 16' writes", path,
				 WEB_TOKEN_MIN, WEB_TOKEN_MAX);
	else
		strcpy(access->token, text);
	explicit_bzero(text, sizeof(text));
	return error;
}

int web_access_add_user(struct web_access *access, struct iov *iov, const char *name)
{
	char numbers[IOV_SOCKET_OWNER_SIZE];
	int error;

	if (strchr(name, ':'))
		return iov_fail(iov, -EINVAL, "--allow %s: expected the name of one user", name);
	if (access->user_count == WEB_USERS_MAX)
		return iov_fail(iov, -E2BIG, "--allow: %d users are the most", WEB_USERS_MAX);
	error = iov_socket_owner(iov, name, numbers);
	if (error == -ENOENT)
		return iov_fail(iov, -ENOENT, "--allow %.64s: no such user", name);
	if (!error)
		access->users[access->user_count++] = (uid_t)strtoul(numbers, NULL, 10);
	return error;
}
