// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A controller that ends commands in any order and with any status, says anything else of its queues
 * and of itself, hangs, fails and goes away: each I/O ends once, nothing reaches memory that is not
 * there, and once the controller is well again all goes well.
 */
#include <errno.h>

#include "tests/fuzz/controller.h"

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
static unsigned int under_way, done, failed, lost, refused;

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
	struct keeper_way way = { 0 };
	struct blk_source source = { 0 };
	uint32_t id;

	controller_open(&model, input);
	source.workers = 1 + fuzz_below(input, 4);
	source.read_only = fuzz_one_in(input, 4);
	id = fuzz_below(input, 4);
	assert_int_equal(iov_open(&way.iov, NULL), 0);
	if (keeper_make(&keeper, iov, &way, &model.bus)) {
		iov_close(way.iov);
		return false;
	}
	if (nvme_disk_open(&backend, iov, keeper, id, &source)) {
		keeper_end(keeper);
		return false;
	}
	backend->ops->memory_came(backend, guest, GUEST_BYTES);
	assert_int_equal(backend->ops->channel_open(&channel, backend, NULL), 0);
	keeper_look(keeper, false);
	return true;
}

static void submit(struct fuzz_input *input)
{
	static const enum blk_op ops[] = { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD,
					   BLK_WRITE_ZEROES, BLK_SECURE_ERASE };
	const uint64_t block = ((struct nvme_disk *)backend)->space.block_size;
	struct job *job = jobs;
	unsigned int parts = 1 + fuzz_below(input, PARTS);

	while (job < jobs + JOBS && job->is_under_way)
		job++;
	if (job == jobs + JOBS)
		return;
	*job = (struct job){ .io = { .op = ops[fuzz_below(input, 6)], .done = on_done } };
	job->io.is_stable = fuzz_one_in(input, 4);
	job->io.may_unmap = fuzz_one_in(input, 2);
	job->io.offset = fuzz_below(input, 4096) * block;
	job->io.length = (1 + fuzz_below(input, 24)) * UINT64_C(512);
	job->io.length = job->io.op == BLK_FLUSH ? 0 :
			 job->io.length < block ? block : job->io.length / block * block;
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

/* What is told of it is of a disk, and nobody is told of another one. */
static void look(void)
{
	struct nvme_disk *disk = (struct nvme_disk *)backend;
	struct blk_geometry geometry;
	struct blk_backend *other;
	const struct blk_source source = { .workers = 1 };

	assert_non_null(backend->ops->identity(backend));
	backend->ops->status(backend);
	if (!backend->ops->describe(backend, &geometry)) {
		assert_int_equal(geometry.block, disk->space.block_size);
		assert_true(geometry.bytes && !(geometry.bytes % geometry.block));
		assert_true(geometry.physical_block >= geometry.block &&
			    !(geometry.physical_block & (geometry.physical_block - 1)));
	}
	/* Its own namespace is in use. */
	assert_int_not_equal(nvme_disk_open(&other, iov, keeper, disk->space.id, &source), 0);
}

static void change_memory(struct fuzz_input *input)
{
	backend->ops->memory_goes(backend, fuzz_one_in(input, 2) ? foreign : guest);
	backend->ops->memory_came(backend, guest, GUEST_BYTES);
}

static void step(struct fuzz_input *input)
{
	switch (fuzz_below(input, 10)) {
	case 0:
	case 1:
		return submit(input);
	case 2:
	case 3:
		backend->ops->poll(channel);
		return;
	case 4:
		return nvme_model_run(&model);
	case 5:
	case 6:
		return controller_acts(&model, keeper, input);
	case 7:
		return look();
	case 8:
		backend->ops->arm(channel);
		return;
	default:
		/* No ring runs then. */
		if (!under_way)
			change_memory(input);
	}
}

/* Well again, it ends all that it was given, and what it lost on the way is found out by the clock. */
static void finish(void)
{
	controller_heal(&model);
	for (unsigned int i = 0; under_way && i < PATIENCE; i++) {
		nvme_model_run(&model);
		backend->ops->poll(channel);
		if (i % 16 == 15)
			controller_second(keeper);
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
	assert_true(done && failed && lost && refused);
	controller_reached_everything();
	iov_close(iov);
}

const struct fuzz_target fuzz_target = {
	.open = fuzz_open_target,
	.run = run,
	.done = all_was_reached,
};
