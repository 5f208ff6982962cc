// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as requests to the live page: whoever does not bring the token sees nothing of the host,
 * whatever else he brings, no answer lacks its headers, and no connection stays.
 *
 * The first byte says how the rest is cut into pieces and connections, so that half a request waits
 * beside a whole one; a 0xff in the text is where the right token goes.  The last values of the byte
 * are for who comes when it is crowded, takes long, or may not look at all.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cli/web/server.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/test.h"

#define CONNECTIONS 4
#define REPLY_MAX (1 << 17)
#define TOKEN "0123456789abcdef0123"
#define SECRET "what the host has"
#define NOBODY 65534
#define CROWD (WEB_CLIENTS_MAX + 8)

/* What is otherwise, by the first byte. */
enum way {
	WAY_USUAL = 0xf9,	/* and below */
	WAY_EMPTY,		/* nothing is known of the host, and no token wanted */
	WAY_CROWDED,		/* many came before, and say nothing */
	WAY_SLOW,		/* the rest of it comes much later */
	WAY_STRANGER,		/* of a user who may not look */
	WAY_TOKEN,		/* the text is that of a file with a token */
	WAY_USER,		/* the text is the name of a user who may look */
};

static struct iov *iov;
static struct web_access lookers = { .token = TOKEN };
static struct web_server *server;
static unsigned int answered, refused, unknown, broken, crowded, late, strangers, tokens, no_tokens;

/* By how much the clock is ahead. */
static time_t ahead;

/* Whether the token may be in what was sent: by the mark, or because somebody guessed it. */
static bool brought_token;

static size_t expand(struct fuzz_input *input, char *text, size_t size)
{
	size_t length = 0;

	for (; fuzz_left(input) && length < size - sizeof(TOKEN); input->next++) {
		if (*input->next == 0xff) {
			memcpy(text + length, TOKEN, sizeof(TOKEN) - 1);
			length += sizeof(TOKEN) - 1;
		} else {
			text[length++] = (char)*input->next;
		}
	}
	return length;
}

static void judge(const char *reply, size_t size)
{
	if (!size)
		return;
	/* HTTP/0.9 is not spoken. */
	assert_true(size > 12 && !memcmp(reply, "HTTP/1.", 7));
	if (memmem(reply, size, SECRET, sizeof(SECRET) - 1)) {
		assert_true(brought_token);
		answered++;
	}
	refused += !memcmp(reply + 9, "401", 3) || !memcmp(reply + 9, "421", 3);
	unknown += !memcmp(reply + 9, "404", 3) || !memcmp(reply + 9, "405", 3);
	if (reply[9] == '2')
		assert_non_null(memmem(reply, size, "Content-Security-Policy: default-src 'none'", 43));
	/* Answers of libmicrohttpd itself. */
	broken += !memcmp(reply + 9, "400", 3) || !memcmp(reply + 9, "431", 3) || !memcmp(reply + 9, "414", 3);
	assert_memory_not_equal(reply + 9, "500", 3);
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	const int error = __real_clock_gettime(clock, now);

	now->tv_sec += ahead;
	return error;
}

/* Whoever makes a pair of sockets is whom both ends belong to; only this thread becomes another user. */
static int come(bool is_stranger)
{
	int pair[2];

	if (is_stranger)
		assert_return_code(syscall(SYS_setresuid, -1, NOBODY, -1), errno);
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), errno);
	if (is_stranger)
		assert_return_code(syscall(SYS_setresuid, -1, 0, -1), errno);
	assert_return_code(web_server_add(server, pair[0]), 0);
	return pair[1];
}

static void know(bool is_known)
{
	for (enum web_document i = 0; i < WEB_DOCUMENTS; i++) {
		char *text = is_known ? strdup("\"" SECRET "\"") : NULL;

		assert_return_code(web_server_put(server, i, text, is_known ? sizeof(SECRET) + 1 : 0), 0);
		web_server_wants(server, i);
	}
	*lookers.token = is_known ? *TOKEN : '\0';
}

/* One that is taken is a line of printable characters. */
static void read_token(struct fuzz_input *input)
{
	struct web_access access = { 0 };
	char path[] = "/tmp/fuzz-token-XXXXXX";
	int fd = mkstemp(path);

	assert_return_code(fd, errno);
	assert_true(write(fd, input->next, fuzz_left(input)) >= 0);
	if (web_access_read_token(&access, iov, path)) {
		assert_true(!*access.token && *iov_error_message(iov));
		no_tokens++;
	} else {
		const size_t length = strlen(access.token);

		assert_true(length >= WEB_TOKEN_MIN && length <= WEB_TOKEN_MAX);
		assert_memory_equal(access.token, input->next, length);
		assert_null(strpbrk(access.token, " \t\n\r"));
		tokens++;
	}
	/* Nor one that others can read, or none at all. */
	assert_return_code(fchmod(fd, 0644), errno);
	assert_true(web_access_read_token(&access, iov, path) < 0);
	unlink(path);
	assert_true(web_access_read_token(&access, iov, path) < 0);
	assert_true(web_access_read_token(&access, iov, "/dev/null") < 0);
	close(fd);
}

static void add_user(struct fuzz_input *input)
{
	struct web_access access = { .user_count = fuzz_one_in(input, 8) ? WEB_USERS_MAX : 0 };
	const size_t before = access.user_count;
	char name[64];

	fuzz_bytes(input, name, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	if (web_access_add_user(&access, iov, name))
		assert_true(access.user_count == before && *iov_error_message(iov));
	else
		assert_true(access.user_count == 1 && before == 0);
}

static size_t collect(int fd, char *reply, size_t have)
{
	ssize_t got;

	while (have < REPLY_MAX && (got = recv(fd, reply + have, REPLY_MAX - have, MSG_DONTWAIT)) > 0)
		have += (size_t)got;
	return have;
}

/* Pieces of the text by each connection in turn, and what is answered. */
static void converse(const char *text, size_t size, uint8_t cut, enum way way)
{
	static char replies[CONNECTIONS][REPLY_MAX];
	const size_t piece = size / (1 + cut / 4) + 1;
	const unsigned int count = 1 + cut % CONNECTIONS;
	size_t have[CONNECTIONS] = { 0 };
	int fds[CONNECTIONS];

	for (unsigned int i = 0; i < count; i++)
		fds[i] = come(way == WAY_STRANGER);
	for (size_t at = 0; at < size; at += piece) {
		const unsigned int i = (unsigned int)(at / piece) % count;
		const size_t length = size - at < piece ? size - at : piece;

		if (way == WAY_SLOW && at > size / 2)
			ahead += WEB_CLIENT_SECONDS + 1;
		send(fds[i], text + at, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		web_server_turn(server, NULL, 0);
		have[i] = collect(fds[i], replies[i], have[i]);
		assert_true(web_server_clients(server) <= WEB_CLIENTS_MAX);
	}
	for (unsigned int i = 0; i < count; i++)
		shutdown(fds[i], SHUT_WR);
	for (unsigned int turn = 0; turn < 100 && web_server_clients(server); turn++) {
		web_server_turn(server, NULL, 0);
		for (unsigned int i = 0; i < count; i++)
			have[i] = collect(fds[i], replies[i], have[i]);
	}
	for (unsigned int i = 0; i < count; i++) {
		have[i] = collect(fds[i], replies[i], have[i]);
		judge(replies[i], have[i]);
		late += way == WAY_SLOW && !have[i];
		strangers += way == WAY_STRANGER && have[i] > 12 && !memcmp(replies[i] + 9, "403", 3);
		close(fds[i]);
	}
}

static void open_crowd(int crowd[CROWD])
{
	for (unsigned int i = 0; i < CROWD; i++)
		crowd[i] = come(false);
	web_server_turn(server, NULL, 0);
	crowded += web_server_clients(server) == WEB_CLIENTS_MAX;
}

static void request(struct fuzz_input *input, uint8_t cut, enum way way)
{
	static char text[1 << 15];
	const size_t size = expand(input, text, sizeof(text));
	int crowd[CROWD];

	brought_token = memmem(text, size, TOKEN, sizeof(TOKEN) - 1);
	if (way == WAY_EMPTY)
		know(false);
	if (way == WAY_CROWDED)
		open_crowd(crowd);
	if (way == WAY_STRANGER)
		brought_token = false;
	converse(text, size, cut, way);
	for (unsigned int i = 0; way == WAY_CROWDED && i < CROWD; i++)
		close(crowd[i]);
	if (way == WAY_EMPTY)
		know(true);
	/* Of half a request that fills its buffer libmicrohttpd does not see that no more comes. */
	for (unsigned int turn = 0; turn < 100 && web_server_clients(server); turn++)
		web_server_turn(server, NULL, 0);
	assert_int_equal(web_server_clients(server), 0);
}

static void run(struct fuzz_input *input)
{
	const uint8_t cut = fuzz_u8(input);
	const enum way way = cut > WAY_USUAL ? cut : WAY_USUAL;

	if (way == WAY_TOKEN)
		read_token(input);
	else if (way == WAY_USER)
		add_user(input);
	else if (way != WAY_STRANGER || !geteuid())
		request(input, way > WAY_USUAL ? 4 : cut, way);
}

static void open_all(void)
{
	assert_return_code(iov_open(&iov, NULL), 0);
	lookers.users[lookers.user_count++] = getuid();
	assert_return_code(web_server_open(&server, iov, &lookers, -1), 0);
	know(true);
}

static void reached_everything(void)
{
	assert_true(answered && refused && unknown && broken && crowded && late && tokens && no_tokens);
	assert_true(strangers || geteuid());
	web_server_close(server);
	iov_close(iov);
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
