// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A controller that ends commands in any order and with any status, says anything else of its queues
 * and of itself, hangs, fails and goes away: each I/O ends once, nothing reaches memory that is not
 * there, and once the controller is well again all goes well.
 */
#include <errno.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/nvme_model.h"
#include "vhost-user/nvme/keeper.h"

#define GUEST_BYTES 65536
#define JOBS 32
#define PARTS 4
#define STEPS 64
#define PATIENCE 2000

struct job {
	struct blk_io io;
	struct iovec parts[PARTS];
	bool is_under_way;
};

static _Alignas(4096) uint8_t guest[GUEST_BYTES], foreign[GUEST_BYTES];
static struct nvme_model model;
static struct iov *iov;
static struct keeper *keeper;
static struct blk_backend *backend;
static struct blk_channel *channel;
static struct job jobs[JOBS];
static unsigned int under_way, done, failed, lied, lost, refused;

static void on_done(struct blk_io *io, int error)
{
	struct job *job = (struct job *)io;

	assert_true(job->is_under_way);
	job->is_under_way = false;
	under_way--;
	done++;
	failed += !!error;
	lost += error == -ENODEV;
}

static void fuzz_open_target(void)
{
	assert_int_equal(iov_open(&iov, NULL), 0);
}

static bool start(struct fuzz_input *input)
{
	const struct blk_source source = { .workers = 1 };
	struct keeper_way way = { 0 };
	uint8_t kind = fuzz_u8(input);

	nvme_model_open(&model, 1 + fuzz_u8(input));
	model.scatters = kind & 1;
	model.shares_doorbells = kind & 2;
	model.has_cache = !(kind & 4);
	model.lies_of_itself = kind & 8;
	assert_int_equal(iov_open(&way.iov, NULL), 0);
	if (keeper_make(&keeper, iov, &way, &model.bus)) {
		iov_close(way.iov);
		return false;
	}
	if (nvme_disk_open(&backend, iov, keeper, 0, &source)) {
		keeper_end(keeper);
		return false;
	}
	assert_int_equal(backend->ops->memory_came(backend, guest, GUEST_BYTES), 0);
	assert_int_equal(backend->ops->channel_open(&channel, backend, NULL), 0);
	keeper_look(keeper, false);
	return true;
}

static void submit(struct fuzz_input *input)
{
	static const enum blk_op ops[] = { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD,
					   BLK_WRITE_ZEROES, BLK_SECURE_ERASE };
	struct job *job = jobs;
	unsigned int parts = 1 + fuzz_below(input, PARTS);

	while (job < jobs + JOBS && job->is_under_way)
		job++;
	if (job == jobs + JOBS)
		return;
	*job = (struct job){ .io = { .op = ops[fuzz_below(input, 6)], .done = on_done } };
	job->io.is_stable = fuzz_one_in(input, 4);
	job->io.may_unmap = fuzz_one_in(input, 2);
	job->io.offset = (uint64_t)fuzz_below(input, 4096) * 512;
	job->io.length = job->io.op == BLK_FLUSH ? 0 : (1 + fuzz_below(input, 24)) * UINT64_C(512);
	job->io.vector = job->parts;
	job->io.count = parts;
	for (uint64_t left = job->io.length, i = 0; i < parts; i++) {
		uint64_t length = i + 1 == parts ? left : fuzz_below(input, (uint32_t)left + 1);
		uint8_t *memory = fuzz_one_in(input, 8) ? foreign : guest;

		job->parts[i].iov_base = memory + fuzz_below(input, 32768);
		job->parts[i].iov_len = length;
		left -= length;
	}
	job->is_under_way = true;
	under_way++;
	backend->ops->submit(channel, &job->io);
}

/* Of a queue that it has, or it reaches for nothing. */
static void lie(struct fuzz_input *input)
{
	const uint16_t of = (uint16_t)(1 + (fuzz_one_in(input, 4) ? fuzz_u16(input) : 0));
	const uint16_t id = fuzz_one_in(input, 4) ? fuzz_u16(input) : (uint16_t)fuzz_below(input, 256);
	const uint16_t status = fuzz_one_in(input, 4) ? fuzz_u16(input) & 0x7fff : 0;

	if (!model.queues[1].exists)
		return;
	nvme_model_say(&model, 1, of, id, status);
	/* What it says has ended and has not reads the list of the next one in that slot. */
	model.is_confused = true;
	lied++;
}

static void step(struct fuzz_input *input)
{
	switch (fuzz_below(input, 10)) {
	case 0:
	case 1:
		submit(input);
		break;
	case 2:
	case 3:
		backend->ops->poll(channel);
		break;
	case 4:
		nvme_model_run(&model);
		break;
	case 5:
		lie(input);
		break;
	case 6:
		model.status = fuzz_u16(input) & 0x7fff;
		model.status_count = fuzz_below(input, 16);
		break;
	case 7:
		model.is_stuck = fuzz_one_in(input, 2);
		model.is_fatal = fuzz_one_in(input, 4);
		model.is_gone = fuzz_one_in(input, 4);
		break;
	case 8:
		keeper_look(keeper, true);
		break;
	case 9:
		for (unsigned int i = 0; i < 41; i++)
			keeper_look(keeper, true);
		break;
	}
}

/* Well again, it ends all that it was given, and what it lost on the way is found out by the clock. */
static void finish(void)
{
	model.status_count = 0;
	model.is_gone = false;
	model.is_fatal = false;
	model.is_stuck = false;
	for (unsigned int i = 0; under_way && i < PATIENCE; i++) {
		nvme_model_run(&model);
		backend->ops->poll(channel);
		keeper->tried_ms = 0;
		if (i % 16 == 15)
			keeper_look(keeper, true);
	}
	assert_int_equal(under_way, 0);
	backend->ops->channel_close(channel);
	nvme_disk_close(backend);
	keeper_end(keeper);
}

static void run(struct fuzz_input *input)
{
	if (start(input)) {
		for (unsigned int i = 0; i < STEPS && fuzz_left(input); i++)
			step(input);
		finish();
	} else {
		refused++;
	}
	nvme_model_close(&model);
}

static void all_was_reached(void)
{
	assert_true(done && failed && lied && lost && refused);
	iov_close(iov);
}

const struct fuzz_target fuzz_target = {
	.open = fuzz_open_target,
	.run = run,
	.done = all_was_reached,
};
