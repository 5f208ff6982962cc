// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/nbd_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/nbd_wire.h"
#include "tests/unit/test.h"

#define SCRIPT_MAX 512
#define CONNECTIONS 64
#define BACKLOG 64

/* What it says of its export and of its blocks. */
struct terms {
	struct nbd_export export;
	struct __attribute__((packed)) {
		uint16_t type;
		uint32_t least, preferred, most;
	} blocks;
	bool has_blocks;
};

static char address[64], uris[2][96];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t script[SCRIPT_MAX];
static size_t script_length;
static struct terms first;
static bool has_first, is_well, is_away;
static int connections[CONNECTIONS];
static unsigned int connection_count;

static void lock_all(void)
{
	pthread_mutex_lock(&lock);
}

static void unlock_all(void)
{
	pthread_mutex_unlock(&lock);
}

/* Negotiation */

static struct terms terms_of(struct fuzz_input *input, uint8_t kind)
{
	struct terms terms = { .blocks = { .type = htobe16(3) } };

	terms.export.bytes = htobe64(kind & 16 ? fuzz_edge(input) : 1 << 20);
	terms.export.flags = htobe16(kind & 32 ? fuzz_u16(input) : 0x16d);
	terms.has_blocks = kind & 64;
	if (!terms.has_blocks)
		return terms;
	terms.blocks.least = htobe32((uint32_t)fuzz_edge(input));
	terms.blocks.preferred = htobe32((uint32_t)fuzz_edge(input));
	terms.blocks.most = htobe32((uint32_t)fuzz_edge(input));
	return terms;
}

/* Those of the first one hold for who is well again. */
static void keep_first(struct terms *terms)
{
	lock_all();
	if (!has_first)
		first = *terms;
	has_first = true;
	if (is_well)
		*terms = first;
	unlock_all();
}

static bool offer(int fd, struct fuzz_input *input)
{
	static const uint32_t errors[] = { 0x80000001, 0x80000002, 0x80000003, 0x80000005,
					   0x80000006, 0x80000007, 0x80000008, 0x80000009 };
	const uint8_t kind = fuzz_u8(input), error = fuzz_u8(input);
	struct terms terms = terms_of(input, kind);

	keep_first(&terms);
	if (kind % 16 == 1)
		return nbd_answer(fd, NBD_OPT_GO, errors[error % 8], NULL, 0);
	if (!nbd_answer(fd, NBD_OPT_GO, NBD_REP_INFO, &terms.export,
			kind % 16 == 2 ? error % sizeof(terms.export) : sizeof(terms.export)))
		return false;
	if (terms.has_blocks &&
	    !nbd_answer(fd, NBD_OPT_GO, NBD_REP_INFO, &terms.blocks, sizeof(terms.blocks)))
		return false;
	return kind % 16 != 3 && nbd_answer(fd, NBD_OPT_GO, NBD_REP_ACK, NULL, 0);
}

/* As one that knows of no options: the export is told of at once. */
static bool offer_oldstyle(int fd, struct fuzz_input *input)
{
	struct __attribute__((packed)) {
		char magic[8];
		uint64_t cookie, bytes;
		uint32_t flags;
		uint8_t zeros[124];
	} old = { .magic = "NBDMAGIC", .cookie = htobe64(UINT64_C(0x00420281861253)) };
	struct terms terms = terms_of(input, fuzz_u8(input) & 0x30);

	keep_first(&terms);
	old.bytes = terms.export.bytes;
	old.flags = htobe32(be16toh(terms.export.flags));
	return nbd_put(fd, &old, sizeof(old));
}

/* Whether there is something to serve; what says nothing would only be waited for. */
static bool negotiate(int fd, struct fuzz_input *input)
{
	struct nbd_greeting greeting = NBD_GREETING;
	const uint8_t kind = fuzz_u8(input);
	uint32_t flags, option;

	if (kind == 3)
		return offer_oldstyle(fd, input);
	if (kind == 1)
		((uint8_t *)&greeting)[fuzz_u8(input) % sizeof(greeting)] ^= 0x10;
	if (!nbd_put(fd, &greeting, sizeof(greeting)) || kind == 1 ||
	    !nbd_get(fd, &flags, sizeof(flags)))
		return false;
	while (nbd_get_option(fd, &option)) {
		const bool known = option == NBD_OPT_STRUCTURED && kind != 2;

		if (option == NBD_OPT_GO)
			return offer(fd, input);
		if (!nbd_answer(fd, option, known ? NBD_REP_ACK : NBD_REP_UNSUPPORTED, NULL, 0))
			return false;
	}
	return false;
}

/* Replies */

struct connection {
	int fd;
	bool is_structured;
	struct fuzz_input input;
	uint8_t script[SCRIPT_MAX];
	uint8_t data[8 + NBD_SERVER_BYTES];
};

/* A chunk of a read, or of another reply: where and as long as it likes. */
static bool reply_chunk(struct connection *connection, const struct nbd_request *request, uint8_t kind)
{
	static const uint16_t types[] = { 1, 2, 0, 0x8001, 0x8002, 5 };
	struct fuzz_input *input = &connection->input;
	uint32_t length = kind & 16 ? fuzz_u16(input) : be32toh(request->length);
	uint64_t offset = kind & 32 ? fuzz_edge(input) : be64toh(request->offset);
	struct nbd_chunk chunk = {
		.magic = htobe32(NBD_CHUNK_MAGIC),
		.flags = htobe16(!(kind & 64)),
		.type = htobe16(types[kind & 8 ? fuzz_u8(input) % 6 : 0]),
		.cookie = request->cookie,
	};

	length = length < NBD_SERVER_BYTES ? length : NBD_SERVER_BYTES;
	memset(connection->data, NBD_SERVER_CONTENT, length + 8);
	offset = htobe64(offset);
	memcpy(connection->data, &offset, sizeof(offset));
	chunk.length = htobe32(length + 8);
	return nbd_put(connection->fd, &chunk, sizeof(chunk)) &&
	       nbd_put(connection->fd, connection->data, length + 8);
}

static bool reply_well(struct connection *connection, const struct nbd_request *request, bool is_read)
{
	const struct nbd_simple simple = { htobe32(NBD_SIMPLE_MAGIC), 0, request->cookie };
	const uint32_t length = be32toh(request->length);

	if (is_read && connection->is_structured)
		return reply_chunk(connection, request, 0);
	memset(connection->data, NBD_SERVER_CONTENT, sizeof(connection->data));
	return nbd_put(connection->fd, &simple, sizeof(simple)) &&
	       (!is_read || nbd_put(connection->fd, connection->data,
				    length < NBD_SERVER_BYTES ? length : NBD_SERVER_BYTES));
}

static bool reply(struct connection *connection, const struct nbd_request *request, bool is_read)
{
	static const uint32_t errors[] = { 1, 5, 12, 22, 28, 75, 95, 108 };
	struct fuzz_input *input = &connection->input;
	const uint8_t kind = fuzz_u8(input);
	struct nbd_simple simple = { htobe32(NBD_SIMPLE_MAGIC), 0, request->cookie };
	uint8_t garbage[32];

	switch (kind % 8) {
	case 1:
		return false;
	case 2:
		return true;
	case 3:
		fuzz_bytes(input, garbage, sizeof(garbage));
		return nbd_put(connection->fd, garbage, sizeof(garbage));
	case 4:
		simple.error = htobe32(errors[fuzz_u8(input) % 8]);
		return nbd_put(connection->fd, &simple, sizeof(simple));
	case 5:
		simple.cookie ^= 1u << (kind >> 4);
		return nbd_put(connection->fd, &simple, sizeof(simple));
	case 6:
		return reply_chunk(connection, request, kind);
	default:
		return reply_well(connection, request, is_read);
	}
}

/* What it was written, where it is so much that it is kept nowhere. */
static bool take(struct connection *connection, uint32_t length)
{
	for (uint32_t part; length; length -= part) {
		part = length < NBD_SERVER_BYTES ? length : NBD_SERVER_BYTES;
		if (!nbd_get(connection->fd, connection->data, part))
			return false;
	}
	return true;
}

static void begin(struct connection *connection)
{
	lock_all();
	memcpy(connection->script, script, script_length);
	connection->input = (struct fuzz_input){ connection->script,
						 connection->script + script_length };
	if (is_well)
		connection->input.end = connection->script;
	unlock_all();
	connection->is_structured = connection->input.next == connection->input.end ||
				    (*connection->script != 2 && *connection->script != 3);
}

static void serve(struct connection *connection)
{
	struct nbd_request request;

	begin(connection);
	if (!negotiate(connection->fd, &connection->input))
		return;
	while (nbd_get(connection->fd, &request, sizeof(request))) {
		const unsigned int type = be16toh(request.type);

		if (type == NBD_CMD_DISCONNECT ||
		    (type == NBD_CMD_WRITE && !take(connection, be32toh(request.length))) ||
		    !reply(connection, &request, type == NBD_CMD_READ))
			return;
	}
}

/* Connections */

static void forget(int fd)
{
	lock_all();
	for (unsigned int i = 0; i < connection_count; i++)
		if (connections[i] == fd)
			connections[i--] = connections[--connection_count];
	close(fd);
	unlock_all();
}

static bool remember(int fd)
{
	bool is_welcome;

	lock_all();
	is_welcome = !is_away && connection_count < CONNECTIONS;
	if (is_welcome)
		connections[connection_count++] = fd;
	unlock_all();
	return is_welcome;
}

static void *run_connection(void *arg)
{
	struct connection *connection = arg;

	serve(connection);
	forget(connection->fd);
	free(connection);
	return NULL;
}

static void welcome(int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	pthread_t thread;

	assert_non_null(connection);
	connection->fd = fd;
	if (!remember(fd)) {
		close(fd);
		free(connection);
		return;
	}
	assert_int_equal(pthread_create(&thread, NULL, run_connection, connection), 0);
	pthread_detach(thread);
}

static void *run_listener(void *arg)
{
	const int listener = (int)(intptr_t)arg;

	for (;;) {
		const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			welcome(fd);
		else if (errno != EMFILE && errno != ECONNABORTED)
			return NULL;
	}
}

static void start_listener(int listener)
{
	pthread_t thread;

	assert_return_code(listen(listener, BACKLOG), errno);
	assert_int_equal(pthread_create(&thread, NULL, run_listener, (void *)(intptr_t)listener), 0);
	pthread_detach(thread);
}

static void forget_socket(void)
{
	unlink(address);
}

static void listen_to_unix(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address, sizeof(address), "/tmp/iovkit-fuzz-nbd.%d", getpid());
	snprintf(uris[0], sizeof(uris[0]), "nbd+unix:///?socket=%s", address);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", address);
	unlink(address);
	assert_return_code(bind(listener, (struct sockaddr *)&at, sizeof(at)), errno);
	atexit(forget_socket);
	start_listener(listener);
}

static void listen_to_tcp(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(at);

	assert_return_code(bind(listener, (struct sockaddr *)&at, sizeof(at)), errno);
	assert_return_code(getsockname(listener, (struct sockaddr *)&at, &size), errno);
	snprintf(uris[1], sizeof(uris[1]), "nbd://127.0.0.1:%u", ntohs(at.sin_port));
	start_listener(listener);
}

void nbd_server_open(void)
{
	listen_to_unix();
	listen_to_tcp();
}

const char *nbd_server_uri(bool is_tcp)
{
	return uris[is_tcp];
}

void nbd_server_play(struct fuzz_input *input, size_t length)
{
	length = length < fuzz_left(input) ? length : fuzz_left(input);
	length = length < SCRIPT_MAX ? length : SCRIPT_MAX;
	lock_all();
	fuzz_bytes(input, script, length);
	script_length = length;
	is_well = false;
	unlock_all();
}

void nbd_server_forget(void)
{
	lock_all();
	has_first = is_away = false;
	unlock_all();
}

static void end_connections(void)
{
	lock_all();
	for (unsigned int i = 0; i < connection_count; i++)
		shutdown(connections[i], SHUT_RDWR);
	unlock_all();
}

void nbd_server_heal(void)
{
	lock_all();
	is_well = true;
	is_away = false;
	unlock_all();
	end_connections();
}

static void be_there(bool is_there)
{
	lock_all();
	is_away = !is_there;
	unlock_all();
	if (!is_there)
		end_connections();
}

void nbd_server_acts(struct fuzz_input *input)
{
	switch (fuzz_below(input, 6)) {
	case 0:
		nbd_server_play(input, fuzz_below(input, 32));
		return end_connections();
	case 1:
		return end_connections();
	case 2:
		return be_there(false);
	case 3:
		return be_there(true);
	case 4:
		return nbd_server_heal();
	default:
		/* For those that come. */
		return nbd_server_play(input, fuzz_below(input, 32));
	}
}
