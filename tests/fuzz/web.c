// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as requests to the live page: whoever does not bring the token sees nothing of the host,
 * whatever else he brings, no answer lacks its headers, and no connection stays.
 *
 * The first byte says how the rest is cut into pieces and connections, so that half a request waits
 * beside a whole one; a 0xff in the text is where the right token goes.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/web/server.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/test.h"

#define CONNECTIONS 4
#define REPLY_MAX (1 << 17)
#define TOKEN "0123456789abcdef0123"
#define SECRET "what the host has"

static struct iov *iov;
static struct web_access lookers = { .token = TOKEN };
static struct web_server *server;
static unsigned int answered, refused, unknown, broken;

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

static size_t collect(int fd, char *reply, size_t have)
{
	ssize_t got;

	while (have < REPLY_MAX && (got = recv(fd, reply + have, REPLY_MAX - have, MSG_DONTWAIT)) > 0)
		have += (size_t)got;
	return have;
}

static void run(struct fuzz_input *input)
{
	static char text[1 << 15], replies[CONNECTIONS][REPLY_MAX];
	const uint8_t cut = fuzz_u8(input);
	const size_t size = expand(input, text, sizeof(text)), piece = size / (1 + cut / 4) + 1;
	const unsigned int count = 1 + cut % CONNECTIONS;
	size_t have[CONNECTIONS] = { 0 };
	int fds[CONNECTIONS];

	brought_token = memmem(text, size, TOKEN, sizeof(TOKEN) - 1);
	for (unsigned int i = 0; i < count; i++) {
		int pair[2];

		assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), errno);
		assert_return_code(web_server_add(server, pair[0]), 0);
		fds[i] = pair[1];
	}
	for (size_t at = 0; at < size; at += piece) {
		const unsigned int i = (unsigned int)(at / piece) % count;
		const size_t length = size - at < piece ? size - at : piece;

		send(fds[i], text + at, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		web_server_turn(server, NULL, 0);
		have[i] = collect(fds[i], replies[i], have[i]);
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
		close(fds[i]);
	}
	/* Of half a request that fills its buffer libmicrohttpd does not see that no more comes. */
	for (unsigned int turn = 0; turn < 100 && web_server_clients(server); turn++)
		web_server_turn(server, NULL, 0);
	assert_int_equal(web_server_clients(server), 0);
}

static void open_all(void)
{
	assert_return_code(iov_open(&iov, NULL), 0);
	lookers.users[lookers.user_count++] = getuid();
	assert_return_code(web_server_open(&server, iov, &lookers, -1), 0);
	for (enum web_document i = 0; i < WEB_DOCUMENTS; i++)
		assert_return_code(web_server_put(server, i, strdup("\"" SECRET "\""), sizeof(SECRET) + 1), 0);
}

static void reached_everything(void)
{
	assert_true(answered && refused && unknown && broken);
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
