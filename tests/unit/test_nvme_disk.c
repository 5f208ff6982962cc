// SPDX-License-Identifier: GPL-2.0-or-later
// Disks on a controller that is played: whatever memory, whatever it answers, and when it fails.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/nvme_model.h"
#include "vhost-user/nvme/keeper.h"

#define GUEST_BYTES (UINT64_C(2) << 20)
#define PARTS_MAX 24
#define IOS 64
#define PATIENCE 10000

/* An I/O, and what became of it. */
struct job {
	struct blk_io io;
	struct fixture *fixture;
	struct iovec parts[PARTS_MAX];
	unsigned int done;
	int error;
};

struct fixture {
	struct nvme_model model;
	struct iov *iov;
	struct keeper *keeper;
	struct blk_backend *backend;
	struct blk_geometry geometry;
	struct blk_channel *channel;
	uint8_t *guest;		/* memory that the controller reaches */
	uint8_t *foreign;	/* and some that it does not */
	unsigned int under_way;
	char *said;
};

static void on_done(struct blk_io *io, int error)
{
	struct job *job = (struct job *)io;

	job->done++;
	job->error = error;
	job->fixture->under_way--;
}

static void keep_log(void *arg, int level, const char *message)
{
	struct fixture *fixture = arg;
	char *all;

	(void)level;
	assert_true(asprintf(&all, "%s%s\n", fixture->said ? fixture->said : "", message) > 0);
	free(fixture->said);
	fixture->said = all;
}

static int setup(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));
	const struct iov_options options = { .log = keep_log, .log_arg = fixture };

	nvme_model_open(&fixture->model, 20261130);
	assert_int_equal(iov_open(&fixture->iov, &options), 0);
	fixture->guest = aligned_alloc(NVME_PAGE, GUEST_BYTES);
	fixture->foreign = aligned_alloc(NVME_PAGE, GUEST_BYTES);
	*state = fixture;
	return 0;
}

static int open_keeper(struct fixture *fixture)
{
	struct keeper_way way = { 0 };
	int error;

	assert_int_equal(iov_open(&way.iov, NULL), 0);
	error = keeper_make(&fixture->keeper, fixture->iov, &way, &fixture->model.bus);
	if (error) {
		fixture->keeper = NULL;
		iov_close(way.iov);
	}
	return error;
}

static int open_space(struct fixture *fixture, uint32_t id, struct blk_backend **out)
{
	const struct blk_source source = { .workers = 2 };

	return nvme_disk_open(out, fixture->iov, fixture->keeper, id, &source);
}

static void start(struct fixture *fixture)
{
	assert_int_equal(open_keeper(fixture), 0);
	if (open_space(fixture, 0, &fixture->backend))
		fail_msg("%s", iov_error_message(fixture->iov));
	assert_int_equal(fixture->backend->ops->describe(fixture->backend, &fixture->geometry), 0);
	/* In two pieces, which are apart for the controller. */
	assert_int_equal(fixture->backend->ops->memory_came(fixture->backend, fixture->guest,
							    GUEST_BYTES / 2), 0);
	assert_int_equal(fixture->backend->ops->memory_came(fixture->backend,
			 fixture->guest + GUEST_BYTES / 2, GUEST_BYTES / 2), 0);
	assert_int_equal(fixture->backend->ops->channel_open(&fixture->channel, fixture->backend,
							     NULL), 0);
	keeper_look(fixture->keeper, false);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture->under_way, 0);
	if (fixture->channel)
		fixture->backend->ops->channel_close(fixture->channel);
	if (fixture->backend)
		nvme_disk_close(fixture->backend);
	if (fixture->keeper)
		keeper_end(fixture->keeper);
	nvme_model_close(&fixture->model);
	iov_close(fixture->iov);
	free(fixture->guest);
	free(fixture->foreign);
	free(fixture->said);
	test_free(fixture);
	return 0;
}

static void submit(struct fixture *fixture, struct job *job)
{
	job->fixture = fixture;
	job->done = 0;
	job->io.done = on_done;
	if (job->io.op == BLK_READ || job->io.op == BLK_WRITE)
		job->io.vector = job->parts;
	fixture->under_way++;
	fixture->backend->ops->submit(fixture->channel, &job->io);
}

static void wait_for(struct fixture *fixture)
{
	for (unsigned int i = 0; fixture->under_way && i < PATIENCE; i++) {
		fixture->backend->ops->poll(fixture->channel);
		nvme_model_run(&fixture->model);
	}
	assert_int_equal(fixture->under_way, 0);
}

/* Some passes, after which there is nothing more to come by itself. */
static void go_on(struct fixture *fixture)
{
	for (unsigned int i = 0; i < 20; i++) {
		fixture->backend->ops->poll(fixture->channel);
		nvme_model_run(&fixture->model);
	}
}

static int do_one(struct fixture *fixture, struct job *job)
{
	submit(fixture, job);
	wait_for(fixture);
	assert_int_equal(job->done, 1);
	return job->error;
}

static struct job transfer(enum blk_op op, uint64_t offset, void *memory, uint64_t bytes)
{
	return (struct job){
		.io = { .op = op, .offset = offset, .length = bytes, .count = 1 },
		.parts = { { memory, bytes } },
	};
}

static int write_one(struct fixture *fixture, uint64_t offset, int value, uint64_t bytes)
{
	struct job job = transfer(BLK_WRITE, offset, fixture->guest, bytes);

	memset(fixture->guest, value, bytes);
	return do_one(fixture, &job);
}

/* Memory for so many bytes, in parts as a guest may cut it; all even, or not even that. */
static void cut(struct fixture *fixture, struct job *job, unsigned int zone, uint64_t bytes)
{
	struct random *random = &fixture->model.random;
	const uint64_t step = random_one_in(random, 2) ? 512 : random_one_in(random, 2) ? 4 : 1;
	const uint64_t zone_bytes = GUEST_BYTES / IOS;
	uint64_t at = zone * zone_bytes + random_below(random, 3) * step, left = bytes;
	unsigned int count = 0;

	while (left) {
		const bool is_last = count >= PARTS_MAX - 2;
		uint64_t part = is_last ? left : (1 + random_below(random, 16)) * step * 8;
		uint8_t *memory = random_one_in(random, 8) ? fixture->foreign : fixture->guest;

		part = part < left ? part : left;
		job->parts[count++] = (struct iovec){ memory + at, part };
		at += part + random_below(random, 2) * step;
		left -= part;
		if (!is_last && random_one_in(random, 8))
			job->parts[count++] = (struct iovec){ memory, 0 };
	}
	assert_true(at <= (zone + 1) * zone_bytes);
	job->io.count = count;
}

static void copy(const struct job *job, uint8_t *bytes, bool to_guest)
{
	for (unsigned int i = 0; i < job->io.count; i++) {
		if (to_guest)
			memcpy(job->parts[i].iov_base, bytes, job->parts[i].iov_len);
		else
			memcpy(bytes, job->parts[i].iov_base, job->parts[i].iov_len);
		bytes += job->parts[i].iov_len;
	}
}

/* Each writes, clears and reads a part of the disk of its own, all at once. */
static void play(struct fixture *fixture, unsigned int rounds)
{
	static struct job jobs[IOS];
	struct random *random = &fixture->model.random;
	const uint64_t zone = MODEL_BYTES / IOS;
	uint8_t *expected = calloc(1, MODEL_BYTES), *got = malloc(zone);
	const uint64_t block = fixture->geometry.block;

	for (unsigned int round = 0; round < rounds; round++) {
		for (unsigned int i = 0; i < IOS; i++) {
			static const enum blk_op ops[] = { BLK_READ, BLK_READ, BLK_WRITE, BLK_WRITE,
							   BLK_DISCARD, BLK_WRITE_ZEROES, BLK_FLUSH };
			struct job *job = &jobs[i];
			uint64_t bytes = (1 + random_below(random, 16384 / (uint32_t)block)) * block;

			*job = (struct job){ .io = { .op = ops[random_below(random, 7)] } };
			job->io.is_stable = random_one_in(random, 4);
			job->io.may_unmap = random_one_in(random, 2);
			job->io.offset = i * zone + random_below(random, (uint32_t)(32768 / block)) * block;
			job->io.length = job->io.op == BLK_FLUSH ? 0 : bytes;
			if (job->io.op == BLK_READ || job->io.op == BLK_WRITE)
				cut(fixture, job, i, bytes);
			if (job->io.op == BLK_WRITE) {
				for (uint64_t j = 0; j < bytes; j++)
					expected[job->io.offset + j] = (uint8_t)random_next(random);
				copy(job, expected + job->io.offset, true);
			} else if (job->io.op == BLK_DISCARD || job->io.op == BLK_WRITE_ZEROES) {
				memset(expected + job->io.offset, 0, bytes);
			}
			submit(fixture, job);
		}
		wait_for(fixture);
		for (unsigned int i = 0; i < IOS; i++) {
			assert_int_equal(jobs[i].done, 1);
			assert_int_equal(jobs[i].error, 0);
			if (jobs[i].io.op != BLK_READ)
				continue;
			copy(&jobs[i], got, false);
			assert_memory_equal(got, expected + jobs[i].io.offset, jobs[i].io.length);
		}
	}
	assert_memory_equal(fixture->model.space[0].medium, expected, MODEL_BYTES);
	free(expected);
	free(got);
}

static void any_memory_is_read_and_written(void **state)
{
	struct fixture *fixture = *state;

	start(fixture);
	assert_int_equal(fixture->geometry.bytes, MODEL_BYTES);
	assert_int_equal(fixture->geometry.physical_block, 4096);
	assert_true(fixture->geometry.has_cache && fixture->geometry.zeroes_may_unmap);
	play(fixture, 40);
	assert_int_equal(fixture->model.lists, 0);
	assert_true(fixture->model.stable_writes && fixture->model.flushes && fixture->model.discards);
}

static void by_lists_of_parts(void **state)
{
	struct fixture *fixture = *state;

	fixture->model.scatters = true;
	start(fixture);
	play(fixture, 40);
	assert_true(fixture->model.lists > 0);
}

static void by_shadows_of_doorbells(void **state)
{
	struct fixture *fixture = *state;

	fixture->model.shares_doorbells = true;
	start(fixture);
	assert_true(iov_nvme_info(fixture->keeper->nvme)->shadows);
	play(fixture, 20);
}

static void with_large_blocks_in_short_commands(void **state)
{
	struct fixture *fixture = *state;

	fixture->model.block_bits = 12;
	fixture->model.mdts = 1;
	start(fixture);
	play(fixture, 20);
}

static void without_a_cache_nothing_is_flushed(void **state)
{
	struct fixture *fixture = *state;

	fixture->model.has_cache = false;
	start(fixture);
	assert_false(fixture->geometry.has_cache);
	play(fixture, 10);
	assert_int_equal(fixture->model.flushes, 0);
}

static void memory_that_cannot_be_mapped_is_copied(void **state)
{
	struct fixture *fixture = *state;
	struct job job;

	start(fixture);
	fixture->model.map_fails = 1;
	assert_int_equal(fixture->backend->ops->memory_came(fixture->backend, fixture->foreign,
							    GUEST_BYTES), -ENOSPC);
	job = transfer(BLK_WRITE, 0, fixture->foreign, GUEST_BYTES);
	memset(fixture->foreign, 7, GUEST_BYTES);
	assert_int_equal(do_one(fixture, &job), 0);
	assert_memory_equal(fixture->model.space[0].medium, fixture->foreign, GUEST_BYTES);
	/* What goes is not reached any more. */
	fixture->backend->ops->memory_goes(fixture->backend, fixture->guest);
	fixture->backend->ops->memory_goes(fixture->backend, fixture->foreign);
	assert_int_equal(write_one(fixture, 4096, 9, 8192), 0);
	assert_memory_equal(fixture->model.space[0].medium + 4096, fixture->guest, 8192);
}

static void errors_are_told_or_tried_again(void **state)
{
	static const struct { uint16_t status; int error; } all[] = {
		{ 0x280, -EIO }, { 0x001, -EOPNOTSUPP }, { 0x081, -ENOSPC }, { 0x020, -EROFS },
		{ 0x182, -EROFS }, { 0x006, -EIO },
	};
	struct fixture *fixture = *state;

	start(fixture);
	for (unsigned int i = 0; i < sizeof(all) / sizeof(*all); i++) {
		fixture->model.status = all[i].status | NVME_STATUS_FINAL;
		fixture->model.status_count = 1;
		assert_int_equal(write_one(fixture, 0, 1, 512), all[i].error);
		/* What passes does so, unless it does not. */
		fixture->model.status = all[i].status;
		fixture->model.status_count = 4;
		assert_int_equal(write_one(fixture, 0, 1, 512), 0);
		fixture->model.status_count = 6;
		assert_int_equal(write_one(fixture, 0, 1, 512), all[i].error);
		assert_int_equal(fixture->model.status_count, 0);
	}
	/* One of several commands of an I/O */
	fixture->model.status = 0x280 | NVME_STATUS_FINAL;
	fixture->model.status_count = 1;
	assert_int_equal(write_one(fixture, 0, 1, 1 << 20), -EIO);
	assert_int_equal(write_one(fixture, 0, 1, 1 << 20), 0);
}

static void lies_count_for_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct job job = transfer(BLK_READ, 0, fixture->guest, 512);

	start(fixture);
	fixture->model.is_stuck = true;
	submit(fixture, &job);
	go_on(fixture);
	for (unsigned int i = 0; i < 3000; i++) {
		/* Of no command, of none that there can be, and of another queue */
		nvme_model_say(&fixture->model, 1, 1, (uint16_t)(i % 2 ? 5 : 5000), 0);
		nvme_model_say(&fixture->model, 1, 2, 255, 0);
		fixture->backend->ops->poll(fixture->channel);
		assert_int_equal(job.done, 0);
	}
	assert_int_equal(iov_nvme_lies(((struct nvme_channel *)fixture->channel)->queue), 6000);
	/* Twice: the second time it is of none. */
	nvme_model_say(&fixture->model, 1, 1, fixture->model.pending[0].command.id, 0);
	nvme_model_say(&fixture->model, 1, 1, fixture->model.pending[0].command.id, 0);
	fixture->backend->ops->poll(fixture->channel);
	assert_int_equal(job.done, 1);
	assert_int_equal(fixture->under_way, 0);
	keeper_look(fixture->keeper, true);
	assert_non_null(strstr(fixture->said, "ends commands that it does not have"));
	fixture->model.pending_count = 0;
	fixture->model.is_stuck = false;
	assert_int_equal(write_one(fixture, 0, 1, 512), 0);
}

static void a_failed_controller_is_reset_and_nothing_is_lost(void **state)
{
	struct fixture *fixture = *state;
	struct job job = transfer(BLK_WRITE, 8192, fixture->guest, 1 << 20);

	start(fixture);
	fixture->model.is_stuck = true;
	submit(fixture, &job);
	go_on(fixture);
	fixture->model.is_fatal = true;
	go_on(fixture);
	assert_int_equal(job.done, 0);
	keeper_look(fixture->keeper, true);
	assert_int_equal(keeper_state(fixture->keeper), KEEPER_WELL);
	wait_for(fixture);
	assert_int_equal(job.error, 0);
	assert_memory_equal(fixture->model.space[0].medium + 8192, fixture->guest, 1 << 20);
	assert_non_null(strstr(fixture->said, "the controller failed or is gone, and is reset"));
	assert_non_null(strstr(fixture->said, "works again"));
}

static void one_that_is_gone_fails_until_it_comes_back(void **state)
{
	struct fixture *fixture = *state;
	struct job job = transfer(BLK_WRITE, 0, fixture->guest, 4096);

	start(fixture);
	fixture->model.is_stuck = true;
	submit(fixture, &job);
	go_on(fixture);
	fixture->model.is_gone = true;
	go_on(fixture);
	keeper_look(fixture->keeper, true);
	assert_int_equal(keeper_state(fixture->keeper), KEEPER_FAILED);
	assert_string_equal(fixture->backend->ops->status(fixture->backend), "controller-failed");
	wait_for(fixture);
	assert_int_equal(job.error, -ENODEV);
	assert_int_equal(write_one(fixture, 0, 1, 4096), -ENODEV);
	assert_true(fixture->backend->ops->describe(fixture->backend, &fixture->geometry) < 0);
	fixture->model.is_gone = false;
	/* Not at once */
	keeper_look(fixture->keeper, true);
	assert_int_equal(keeper_state(fixture->keeper), KEEPER_FAILED);
	fixture->keeper->tried_ms = 0;
	keeper_look(fixture->keeper, true);
	assert_null(fixture->backend->ops->status(fixture->backend));
	assert_int_equal(write_one(fixture, 0, 5, 4096), 0);
	assert_memory_equal(fixture->model.space[0].medium, fixture->guest, 4096);
}

/* Nobody waits for a queue of a controller that is gone. */
static void whoever_comes_while_it_is_gone_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct job job = transfer(BLK_READ, 0, fixture->guest, 4096);
	struct blk_channel *late;

	start(fixture);
	fixture->model.is_gone = true;
	go_on(fixture);
	keeper_look(fixture->keeper, true);
	assert_int_equal(keeper_state(fixture->keeper), KEEPER_FAILED);
	assert_int_equal(fixture->backend->ops->channel_open(&late, fixture->backend, NULL), 0);
	fixture->backend->ops->channel_close(fixture->channel);
	fixture->channel = late;
	assert_int_equal(do_one(fixture, &job), -ENODEV);
	fixture->model.is_gone = false;
	fixture->keeper->tried_ms = 0;
	keeper_look(fixture->keeper, true);
	assert_int_equal(do_one(fixture, &job), 0);
}

/* Its blocks are longer than what commands have memory for. */
static void one_that_was_formatted_is_asked_for_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct job job = transfer(BLK_READ, 0, fixture->guest, 512);

	start(fixture);
	assert_int_equal(do_one(fixture, &job), 0);
	fixture->model.block_bits = 12;
	assert_int_equal(fixture->backend->ops->describe(fixture->backend, &fixture->geometry), -ESTALE);
	assert_int_equal(do_one(fixture, &job), -EINVAL);
	assert_int_equal(fixture->model.reads, 1);
}

/* Aborted first, which does not help, then reset. */
static void what_does_not_end_is_ended(void **state)
{
	struct fixture *fixture = *state;
	struct job job = transfer(BLK_READ, 0, fixture->guest, 4096);

	start(fixture);
	fixture->model.is_stuck = true;
	submit(fixture, &job);
	go_on(fixture);
	for (unsigned int i = 0; i < 29; i++)
		keeper_look(fixture->keeper, true);
	assert_int_equal(fixture->model.aborts, 0);
	for (unsigned int i = 0; i < 10; i++)
		keeper_look(fixture->keeper, true);
	assert_int_equal(fixture->model.aborts, 1);
	assert_int_equal(job.done, 0);
	keeper_look(fixture->keeper, true);
	assert_non_null(strstr(fixture->said, "does not end what it began, and is reset"));
	wait_for(fixture);
	assert_int_equal(job.error, 0);
}

/* A command that a controller fails of is given up in the end. */
static void what_fails_it_each_time_is_given_up(void **state)
{
	struct fixture *fixture = *state;
	struct job job = transfer(BLK_READ, 0, fixture->guest, 512);

	start(fixture);
	fixture->model.is_stuck = true;
	submit(fixture, &job);
	for (unsigned int i = 0; i < 10 && !job.done; i++) {
		fixture->model.is_stuck = true;
		go_on(fixture);
		fixture->model.is_fatal = true;
		go_on(fixture);
		keeper_look(fixture->keeper, true);
		fixture->model.is_stuck = true;
		fixture->backend->ops->poll(fixture->channel);
	}
	assert_int_equal(job.done, 1);
	assert_int_equal(job.error, -ENODEV);
	fixture->model.is_stuck = false;
	assert_int_equal(write_one(fixture, 0, 1, 512), 0);
}

static void one_without_a_reset_reaches_no_memory(void **state)
{
	struct fixture *fixture = *state;
	struct job job = transfer(BLK_READ, 0, fixture->guest, 512);

	start(fixture);
	fixture->model.has_no_reset = true;
	fixture->model.is_gone = true;
	submit(fixture, &job);
	go_on(fixture);
	keeper_look(fixture->keeper, true);
	wait_for(fixture);
	assert_int_equal(job.error, -ENODEV);
	assert_int_equal(fixture->model.resets, 1);
	/* It is closed as it is. */
}

static void namespaces_of_one_controller(void **state)
{
	struct fixture *fixture = *state;
	struct blk_backend *other;

	fixture->model.spaces = 2;
	fixture->model.queue_count = 4;
	assert_int_equal(open_keeper(fixture), 0);
	assert_int_equal(open_space(fixture, 0, &other), -ENODEV);
	assert_non_null(strstr(iov_error_message(fixture->iov), "has namespaces 1, 2; name one"));
	assert_int_equal(open_space(fixture, 3, &other), -ENODEV);
	assert_int_equal(open_space(fixture, 1, &fixture->backend), 0);
	assert_int_equal(open_space(fixture, 1, &other), -EBUSY);
	assert_int_equal(open_space(fixture, 2, &other), 0);
	assert_string_equal(other->ops->identity(other), "a2000000000000000000000000000000");
	nvme_disk_close(other);
}

static void what_cannot_be_a_disk(void **state)
{
	struct fixture *fixture = *state;
	const struct blk_source read_only = { .workers = 2, .read_only = true };
	struct blk_geometry geometry;

	fixture->model.has_metadata = true;
	assert_int_equal(open_keeper(fixture), 0);
	assert_int_equal(open_space(fixture, 1, &fixture->backend), -ENOTSUP);
	assert_non_null(strstr(iov_error_message(fixture->iov), "8 bytes of metadata"));
	fixture->model.has_metadata = false;
	fixture->model.block_bits = 20;
	assert_int_equal(open_space(fixture, 1, &fixture->backend), -ENOTSUP);
	fixture->model.block_bits = 9;
	fixture->model.protects = true;
	assert_int_equal(open_space(fixture, 1, &fixture->backend), -EROFS);
	assert_int_equal(nvme_disk_open(&fixture->backend, fixture->iov, fixture->keeper, 1, &read_only),
			 0);
	assert_int_equal(fixture->backend->ops->describe(fixture->backend, &geometry), 0);
	assert_true(geometry.read_only && !geometry.discard_max && !geometry.zeroes_max);
	fixture->model.block_bits = 12;
	assert_int_equal(fixture->backend->ops->describe(fixture->backend, &geometry), -ESTALE);
	fixture->model.spaces = 0;
	assert_int_equal(fixture->backend->ops->describe(fixture->backend, &geometry), -ENODEV);
}

static void more_queues_than_there_are(void **state)
{
	struct fixture *fixture = *state;

	fixture->model.queue_count = 1;
	assert_int_equal(open_keeper(fixture), 0);
	assert_int_equal(open_space(fixture, 0, &fixture->backend), -ENOSPC);
	assert_non_null(strstr(iov_error_message(fixture->iov), "has 1 queues, expected 2"));
}

static void a_queue_that_there_is_not_fails_what_waits(void **state)
{
	struct fixture *fixture = *state;
	struct job job = transfer(BLK_READ, 0, fixture->guest, 512);
	struct blk_channel *others[MODEL_QUEUES];

	start(fixture);
	for (unsigned int i = 0; i < MODEL_QUEUES; i++)
		assert_int_equal(fixture->backend->ops->channel_open(&others[i], fixture->backend, NULL),
				 0);
	keeper_look(fixture->keeper, false);
	for (unsigned int i = 0; i < MODEL_QUEUES; i++) {
		struct nvme_channel *channel = (struct nvme_channel *)others[i];

		if (channel->error) {
			submit(fixture, &job);
			wait_for(fixture);
			job.io.done = on_done;
			fixture->under_way++;
			fixture->backend->ops->submit(others[i], &job.io);
			fixture->backend->ops->poll(others[i]);
			assert_int_equal(job.error, -ENOSPC);
		}
		fixture->backend->ops->channel_close(others[i]);
	}
	assert_non_null(strstr(fixture->said, "all of its 8 queues are in use"));
}

static void controllers_that_do_not_start(void **state)
{
	struct fixture *fixture = *state;

	fixture->model.is_gone = true;
	nvme_model_run(&fixture->model);
	assert_int_equal(open_keeper(fixture), -EIO);
	assert_non_null(strstr(iov_error_message(fixture->iov), "the controller is gone"));
	fixture->model.is_gone = false;
	/* Pages of 8 KiB at least; queues of one entry */
	fixture->model.registers[NVME_CAP + 6] = 1;
	assert_int_equal(open_keeper(fixture), -ENOTSUP);
	fixture->model.registers[NVME_CAP + 6] = 0;
	fixture->model.registers[NVME_CAP] = 0;
	assert_int_equal(open_keeper(fixture), -ENOTSUP);
}

/* The thread of a keeper, at work with its worker. */
static void a_worker_is_woken_by_its_keeper(void **state)
{
	struct fixture *fixture = *state;
	struct nvme_channel *channel;

	start(fixture);
	channel = (struct nvme_channel *)fixture->channel;
	assert_false(fixture->backend->ops->arm(fixture->channel));
	channel->event = eventfd(0, EFD_NONBLOCK);
	fixture->model.is_fatal = true;
	keeper_look(fixture->keeper, true);
	nvme_model_run(&fixture->model);
	keeper_look(fixture->keeper, true);
	eventfd_t count = 0;

	assert_int_equal(eventfd_read(channel->event, &count), 0);
	assert_true(count > 0);
	close(channel->event);
	channel->event = -1;
}

/* No interrupt comes while the worker is awake. */
static void interrupts_are_for_who_sleeps(void **state)
{
	const int event = eventfd(0, EFD_NONBLOCK);
	struct fixture *fixture = *state;
	struct iov_nvme_queue *queue;

	assert_int_equal(open_keeper(fixture), 0);
	assert_int_equal(iov_nvme_queue_open(&queue, fixture->keeper->nvme, 8, event), 0);
	assert_true(iov_nvme_queue_interrupts(queue));
	assert_int_equal(fixture->model.interrupts, 1);
	iov_nvme_queue_arm(queue, false);
	assert_int_equal(fixture->model.table[3], 1);
	iov_nvme_queue_arm(queue, true);
	assert_int_equal(fixture->model.table[3], 0);
	iov_nvme_queue_close(queue);
	close(event);
}

static bool is_told(struct fixture *fixture)
{
	eventfd_t count;

	return !eventfd_read(fixture->backend->ops->news_fd(fixture->backend), &count);
}

static void tell(struct fixture *fixture, uint32_t event)
{
	nvme_model_run(&fixture->model);
	assert_true(nvme_model_tell(&fixture->model, event));
	keeper_look(fixture->keeper, true);
}

#define SPACES_CHANGED (2 | NVME_LOG_SPACES << 16)
#define HEALTH_CHANGED (1 | NVME_LOG_HEALTH << 16)

/* Another controller of the subsystem resizes, detaches and formats what this one has. */
static void what_becomes_of_a_namespace_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct model_space *space = &fixture->model.space[0];
	struct blk_geometry now;

	start(fixture);
	assert_int_equal(fixture->model.told_events, NVME_WARNINGS | NVME_NOTICE_SPACES);
	keeper_look(fixture->keeper, true);
	assert_true(is_told(fixture));
	keeper_look(fixture->keeper, true);
	assert_false(is_told(fixture));

	space->bytes = MODEL_BYTES / 2;
	tell(fixture, SPACES_CHANGED);
	assert_true(is_told(fixture));
	assert_return_code(fixture->backend->ops->describe(fixture->backend, &now), 0);
	assert_int_equal(now.bytes, MODEL_BYTES / 2);
	assert_null(fixture->backend->ops->status(fixture->backend));

	space->bytes = 0;
	tell(fixture, SPACES_CHANGED);
	assert_true(is_told(fixture));
	assert_string_equal(fixture->backend->ops->status(fixture->backend), "namespace-gone");
	assert_non_null(strstr(fixture->said, "0000:77:00.0/1: the namespace is gone"));
	space->bytes = MODEL_BYTES;
	tell(fixture, SPACES_CHANGED);
	assert_null(fixture->backend->ops->status(fixture->backend));
	assert_non_null(strstr(fixture->said, "is there again"));

	fixture->model.block_bits = 12;
	tell(fixture, SPACES_CHANGED);
	assert_string_equal(fixture->backend->ops->status(fixture->backend), "namespace-formatted");
	fixture->model.has_metadata = true;
	tell(fixture, SPACES_CHANGED);
	assert_string_equal(fixture->backend->ops->status(fixture->backend), "namespace-formatted");
	fixture->model.has_metadata = false;
	fixture->model.block_bits = 9;

	/* What happened while it was reset nobody tells of. */
	space->bytes = 0;
	fixture->model.is_fatal = true;
	nvme_model_run(&fixture->model);
	keeper_look(fixture->keeper, true);
	keeper_look(fixture->keeper, true);
	assert_string_equal(fixture->backend->ops->status(fixture->backend), "namespace-gone");
	space->bytes = MODEL_BYTES;
}

static void what_a_controller_warns_of_is_told(void **state)
{
	struct fixture *fixture = *state;

	fixture->model.warnings = 2;
	start(fixture);
	keeper_look(fixture->keeper, true);
	assert_int_equal(fixture->backend->ops->warnings(fixture->backend), 2);
	assert_non_null(strstr(fixture->said, "the controller warns: temperature"));
	fixture->model.warnings = 0xc9;
	tell(fixture, HEALTH_CHANGED);
	assert_int_equal(fixture->backend->ops->warnings(fixture->backend), 9);
	assert_non_null(strstr(fixture->said, "the controller warns: spare-low"));
	assert_non_null(strstr(fixture->said, "the controller warns: read-only"));
	/* Nobody tells of its end. */
	fixture->model.warnings = 0;
	for (unsigned int i = 0; i < 60; i++)
		keeper_look(fixture->keeper, true);
	assert_int_equal(fixture->backend->ops->warnings(fixture->backend), 0);
	assert_non_null(strstr(fixture->said, "warns of nothing any more"));
}

static unsigned int count_of(const char *all, const char *text)
{
	unsigned int count = 0;

	for (; all && (all = strstr(all, text)); all += strlen(text))
		count++;
	return count;
}

/* One a second, however much it tells; and none is the answer to what it was asked. */
static void any_event_is_taken(void **state)
{
	struct fixture *fixture = *state;
	struct blk_geometry now;

	start(fixture);
	for (uint32_t event = 0; event < 64; event++) {
		const unsigned int logs = fixture->model.logs;

		nvme_model_run(&fixture->model);
		assert_true(nvme_model_tell(&fixture->model,
					    (event & 7) | (event >> 3 & 3) << 8 | (event >> 3) << 16));
		assert_false(nvme_model_tell(&fixture->model, 0));
		if (event & 1)
			assert_return_code(fixture->backend->ops->describe(fixture->backend, &now), 0);
		keeper_look(fixture->keeper, true);
		assert_in_range(fixture->model.logs - logs, 0, 2);
	}
	assert_int_equal(count_of(fixture->said, "an error of its own"), 1);
	assert_non_null(strstr(fixture->said, "another firmware"));
	assert_int_equal(keeper_state(fixture->keeper), KEEPER_WELL);
}

/* Then there is no more to be told, and all else goes on. */
static void one_that_refuses_is_not_asked(void **state)
{
	struct fixture *fixture = *state;
	struct blk_geometry now;

	start(fixture);
	keeper_look(fixture->keeper, true);
	/* It ends the command with an error, as one that has too many of them. */
	fixture->model.has_event_request = false;
	nvme_model_say(&fixture->model, 0, 0, fixture->model.event_id, 0x105);
	keeper_look(fixture->keeper, true);
	assert_false(nvme_model_tell(&fixture->model, SPACES_CHANGED));
	/* Nor one that tells without having been asked. */
	nvme_model_say(&fixture->model, 0, 0, fixture->model.event_id, 0);
	keeper_look(fixture->keeper, true);
	assert_return_code(fixture->backend->ops->describe(fixture->backend, &now), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_memory_is_read_and_written),
		TEST(by_lists_of_parts),
		TEST(by_shadows_of_doorbells),
		TEST(with_large_blocks_in_short_commands),
		TEST(without_a_cache_nothing_is_flushed),
		TEST(memory_that_cannot_be_mapped_is_copied),
		TEST(errors_are_told_or_tried_again),
		TEST(lies_count_for_nothing),
		TEST(a_failed_controller_is_reset_and_nothing_is_lost),
		TEST(one_that_is_gone_fails_until_it_comes_back),
		TEST(whoever_comes_while_it_is_gone_is_told),
		TEST(one_that_was_formatted_is_asked_for_nothing),
		TEST(what_does_not_end_is_ended),
		TEST(what_fails_it_each_time_is_given_up),
		TEST(one_without_a_reset_reaches_no_memory),
		TEST(namespaces_of_one_controller),
		TEST(what_cannot_be_a_disk),
		TEST(more_queues_than_there_are),
		TEST(a_queue_that_there_is_not_fails_what_waits),
		TEST(controllers_that_do_not_start),
		TEST(a_worker_is_woken_by_its_keeper),
		TEST(interrupts_are_for_who_sleeps),
		TEST(what_becomes_of_a_namespace_is_told),
		TEST(what_a_controller_warns_of_is_told),
		TEST(any_event_is_taken),
		TEST(one_that_refuses_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
