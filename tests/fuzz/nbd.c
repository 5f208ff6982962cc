// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An NBD server that offers, answers and breaks off as it likes: each I/O is done once, with an
 * error or with all of its bytes, whoever gives up first; and what cannot be a disk is none.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/nbd_wire.h"
#include "tests/unit/test.h"
#include "vhost-user/blk/backend.h"

#define SCRIPT_MAX 512
#define STEPS 24
#define IOS 8
#define BYTES 16384
#define CONTENT 0x5a

/* Milliseconds that a server which says nothing is waited for. */
#define PATIENCE_MS 30
#define LAST_MS 20000

struct step {
	struct blk_io io;
	struct iovec parts[2];
	uint8_t bytes[BYTES];
	unsigned int done;
	bool is_told;
	int error;
};

static struct iov *iov;
static char address[64], uri[96];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t script[SCRIPT_MAX];
static size_t script_length;
static struct step steps[IOS];
static unsigned int opened, refused, carried, failed, lost;

/* The server. */

static bool offer(int fd, struct fuzz_input *input)
{
	static const uint32_t errors[] = { 0x80000001, 0x80000002, 0x80000003, 0x80000005,
					   0x80000006, 0x80000007, 0x80000008, 0x80000009 };
	struct nbd_export export = { 0 };
	struct __attribute__((packed)) {
		uint16_t type;
		uint32_t least, preferred, most;
	} blocks = { htobe16(3) };
	uint8_t kind = fuzz_u8(input), error = fuzz_u8(input);

	if (kind % 16 == 1)
		return nbd_answer(fd, NBD_OPT_GO, errors[error % 8], NULL, 0);
	export.bytes = htobe64(kind & 16 ? fuzz_edge(input) : 1 << 20);
	export.flags = htobe16(kind & 32 ? fuzz_u16(input) : 0x16d);
	if (!nbd_answer(fd, NBD_OPT_GO, 3, &export,
		    kind % 16 == 2 ? error % sizeof(export) : sizeof(export)))
		return false;
	if (kind & 64) {
		blocks.least = htobe32((uint32_t)fuzz_edge(input));
		blocks.preferred = htobe32((uint32_t)fuzz_edge(input));
		blocks.most = htobe32((uint32_t)fuzz_edge(input));
		if (!nbd_answer(fd, NBD_OPT_GO, 3, &blocks, sizeof(blocks)))
			return false;
	}
	return kind % 16 != 3 && nbd_answer(fd, NBD_OPT_GO, 1, NULL, 0);
}

/* Whether there is something to serve; what says nothing would only be waited for. */
static bool negotiate(int fd, struct fuzz_input *input)
{
	struct nbd_greeting greeting = NBD_GREETING;
	const uint8_t kind = fuzz_u8(input);
	uint32_t flags, option;

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

/* A chunk of a read, or of another reply: where and as long as it likes. */
static bool reply_chunk(int fd, struct fuzz_input *input, const struct nbd_request *request,
			uint8_t kind)
{
	static const uint16_t types[] = { 1, 2, 0, 0x8001, 0x8002, 5 };
	uint8_t data[8 + BYTES];
	uint32_t length = kind & 16 ? fuzz_u16(input) % BYTES : be32toh(request->length);
	uint64_t offset = kind & 32 ? fuzz_edge(input) : be64toh(request->offset);
	struct nbd_chunk chunk = {
		.magic = htobe32(NBD_CHUNK_MAGIC),
		.flags = htobe16(!(kind & 64)),
		.type = htobe16(types[kind & 8 ? fuzz_u8(input) % 6 : 0]),
		.cookie = request->cookie,
	};

	length = length < BYTES ? length : BYTES;
	memset(data, CONTENT, sizeof(data));
	offset = htobe64(offset);
	memcpy(data, &offset, sizeof(offset));
	chunk.length = htobe32(length + 8);
	return nbd_put(fd, &chunk, sizeof(chunk)) && nbd_put(fd, data, length + 8);
}

static bool reply(int fd, struct fuzz_input *input, const struct nbd_request *request, bool is_read)
{
	static const uint32_t errors[] = { 1, 5, 12, 22, 28, 75, 95, 108 };
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
		return nbd_put(fd, garbage, sizeof(garbage));
	case 4:
		simple.error = htobe32(errors[fuzz_u8(input) % 8]);
		return nbd_put(fd, &simple, sizeof(simple));
	case 5:
		simple.cookie ^= 1u << (kind >> 4);
		return nbd_put(fd, &simple, sizeof(simple));
	case 6:
		return reply_chunk(fd, input, request, kind);
	default:
		return is_read ? reply_chunk(fd, input, request, 0)
			       : nbd_put(fd, &simple, sizeof(simple));
	}
}

static void serve(int fd)
{
	uint8_t bytes[SCRIPT_MAX], data[BYTES];
	struct fuzz_input input = { bytes, bytes };

	pthread_mutex_lock(&lock);
	memcpy(bytes, script, script_length);
	input.end += script_length;
	pthread_mutex_unlock(&lock);
	if (!negotiate(fd, &input))
		return;
	for (;;) {
		struct nbd_request request;
		const bool got = nbd_get(fd, &request, sizeof(request));
		const unsigned int type = got ? be16toh(request.type) : 2;

		if (type == 2 ||
		    (type == 1 && (be32toh(request.length) > BYTES ||
				   !nbd_get(fd, data, be32toh(request.length)))) ||
		    !reply(fd, &input, &request, !type))
			return;
	}
}

static void *run_server(void *arg)
{
	const int listener = (int)(intptr_t)arg;

	for (;;) {
		const int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			return NULL;
		serve(fd);
		close(fd);
	}
}

/* The disk. */

static void on_done(struct blk_io *io, int error)
{
	struct step *step = (struct step *)io;

	step->done++;
	step->error = error;
}

static void submit(struct fuzz_input *input, struct blk_channel *channel,
		   const struct blk_geometry *geometry)
{
	static const enum blk_op ops[] = { BLK_READ,    BLK_WRITE,        BLK_FLUSH,
					   BLK_DISCARD, BLK_WRITE_ZEROES, BLK_SECURE_ERASE,
					   BLK_READ,    BLK_WRITE };
	const uint64_t blocks = geometry->bytes / geometry->block;
	const uint8_t kind = fuzz_u8(input), where = fuzz_u8(input), cut = fuzz_u8(input);
	/* What is not offered is not asked for. */
	const enum blk_op op = geometry->read_only ? BLK_READ : ops[kind & 7];
	uint64_t length = (1 + where % 4u) * (uint64_t)geometry->block;
	struct step *step = NULL;

	for (unsigned int i = 0; i < IOS && !step; i++)
		step = steps[i].is_told ? &steps[i] : NULL;
	if (!step || length > BYTES || length > geometry->bytes)
		return;
	memset(step->bytes, 0, sizeof(step->bytes));
	step->done = 0;
	step->is_told = false;
	step->parts[0] = (struct iovec){ step->bytes + (kind & 8 ? length - cut : 0),
					 kind & 8 ? cut : length };
	step->parts[1] = (struct iovec){ step->bytes, length - cut };
	step->io = (struct blk_io){
		.op = op,
		.is_stable = kind & 16,
		.may_unmap = kind & 32,
		.offset = (where % (blocks - length / geometry->block + 1)) * geometry->block,
		.length = op == BLK_FLUSH ? 0 : length,
		.vector = step->parts,
		.count = kind & 8 ? 2 : 1,
		.done = on_done,
	};
	channel->backend->ops->submit(channel, &step->io);
}

static unsigned int under_way(void)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < IOS; i++)
		count += !steps[i].done;
	return count;
}

static void check_done(void)
{
	for (unsigned int i = 0; i < IOS; i++) {
		struct step *step = &steps[i];

		if (!step->done || step->is_told)
			continue;
		assert_int_equal(step->done, 1);
		assert_true(step->error <= 0);
		carried += !step->error;
		failed += step->error && step->error != -ENOTCONN;
		lost += step->error == -ENOTCONN;
		for (uint64_t j = 0; !step->error && step->io.op == BLK_READ && j < step->io.length;
		     j++)
			assert_true(step->bytes[j] == CONTENT || !step->bytes[j]);
		step->is_told = true;
	}
}

static void wait_for_all(struct blk_channel *channel, int ms)
{
	const struct blk_backend_ops *ops = channel->backend->ops;
	struct pollfd ready = { .fd = ops->fd(channel), .events = POLLIN };

	while (under_way()) {
		if (ops->poll(channel))
			continue;
		if (under_way() && poll(&ready, 1, ms) <= 0)
			break;
	}
}

static void use(struct fuzz_input *input, struct blk_backend *backend)
{
	const struct blk_backend_ops *ops = backend->ops;
	struct blk_geometry geometry;
	struct blk_channel *channel;
	struct blk_reach reach;

	assert_int_equal(ops->describe(backend, &geometry), 0);
	assert_true(geometry.bytes && !(geometry.bytes % geometry.block));
	assert_true(geometry.block >= BLK_BLOCK_MIN && geometry.block <= 65536);
	assert_true(!(geometry.block & (geometry.block - 1)) &&
		    !(geometry.physical_block % geometry.block));
	assert_int_equal(ops->channel_open(&channel, backend, NULL), 0);
	for (unsigned int i = 0; i < STEPS && fuzz_left(input); i++) {
		if (fuzz_one_in(input, 16))
			ops->reset(backend);
		submit(input, channel, &geometry);
		ops->poll(channel);
		check_done();
	}
	wait_for_all(channel, PATIENCE_MS);
	check_done();
	/* Nobody asks again what was given up. */
	ops->reset(backend);
	wait_for_all(channel, LAST_MS);
	check_done();
	assert_int_equal(under_way(), 0);
	ops->reach(backend, &reach);
	ops->channel_close(channel);
}

static void run(struct fuzz_input *input)
{
	const uint8_t half = fuzz_u8(input), kind = fuzz_u8(input);
	const struct blk_source source = { .path = uri, .read_only = kind & 1 };
	size_t length = half < fuzz_left(input) ? half : fuzz_left(input);
	struct blk_backend *backend;

	pthread_mutex_lock(&lock);
	script_length = length;
	memcpy(script, input->next, length);
	pthread_mutex_unlock(&lock);
	input->next += length;
	for (unsigned int i = 0; i < IOS; i++)
		steps[i].done = steps[i].is_told = true;
	if (blk_backend_nbd.open(&backend, iov, &source)) {
		refused++;
		assert_non_null(iov_error_message(iov));
		return;
	}
	opened++;
	use(input, backend);
	backend->ops->close(backend);
}

static void forget_socket(void)
{
	unlink(address);
}

static void open_all(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;

	assert_return_code(iov_open(&iov, NULL), 0);
	snprintf(address, sizeof(address), "/tmp/iovkit-fuzz-nbd.%d", getpid());
	snprintf(uri, sizeof(uri), "nbd+unix:///?socket=%s", address);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", address);
	unlink(address);
	assert_return_code(bind(listener, (struct sockaddr *)&at, sizeof(at)), errno);
	assert_return_code(listen(listener, 64), errno);
	atexit(forget_socket);
	assert_int_equal(pthread_create(&thread, NULL, run_server, (void *)(intptr_t)listener), 0);
	pthread_detach(thread);
}

static void reached_everything(void)
{
	assert_true(opened && refused && carried && failed && lost);
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
