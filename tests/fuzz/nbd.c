// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An NBD server that offers, answers and breaks off as it likes: each I/O is done once, with an
 * error or with all of its bytes, whoever gives up first; and what cannot be a disk is none.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "tests/fuzz/nbd_server.h"
#include "tests/unit/test.h"
#include "vhost-user/blk/backend.h"

#define STEPS 24
#define IOS 8
#define BYTES (2 * NBD_SERVER_BYTES)

/* Milliseconds that a server which says nothing is waited for, of the clock that is fast. */
#define PATIENCE_MS 1500
#define LAST_MS 1000000

struct step {
	struct blk_io io;
	struct iovec parts[2];
	uint8_t bytes[BYTES];
	unsigned int done;
	bool is_told;
	int error;
};

static struct iov *iov;
static struct step steps[IOS];
static unsigned int opened, refused, carried, failed, lost;

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
	memset(step->bytes, 0, length);
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
			assert_true(step->bytes[j] == NBD_SERVER_CONTENT || !step->bytes[j]);
		step->is_told = true;
	}
}

/* Until nothing happens for so long, or something goes on for four times as long. */
static void wait_for_all(struct blk_channel *channel, int ms)
{
	const uint64_t end = monotonic_ms() + 4 * (uint64_t)ms;
	const struct blk_backend_ops *ops = channel->backend->ops;
	struct pollfd ready = { .fd = ops->fd(channel), .events = POLLIN };

	while (under_way() && monotonic_ms() < end) {
		if (ops->poll(channel))
			continue;
		if (under_way() && poll(&ready, 1, ms) <= 0)
			break;
	}
}

static void disturb(struct fuzz_input *input, struct blk_channel *channel)
{
	struct blk_geometry geometry;

	switch (fuzz_below(input, 16)) {
	case 15:
		return channel->backend->ops->reset(channel->backend);
	case 14:
		nbd_server_acts(input);
		wait_for_all(channel, PATIENCE_MS / 4);
		return check_done();
	case 13:
		assert_int_equal(channel->backend->ops->describe(channel->backend, &geometry), 0);
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
		disturb(input, channel);
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
	const struct blk_source source = {
		.path = nbd_server_uri(kind & 2), .read_only = kind & 1, .cached = kind & 4,
	};
	struct blk_backend *backend;

	nbd_server_forget();
	nbd_server_play(input, half);
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

static void open_all(void)
{
	assert_return_code(iov_open(&iov, NULL), 0);
	nbd_server_open();
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
