// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel that does less than it is asked for: transfers that end early, anywhere, errors that
 * pass, ways to clear that it does not have, and all in any order.  It stands where the ring is.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/disk.h"
#include "tests/unit/random.h"
#include "vhost-user/blk/file_backend.h"
#include "vhost-user/blk/uring_request.h"

#define DISK (UINT64_C(4) << 20)
#define ACTORS 8
#define ZONE (DISK / ACTORS)
#define ROUNDS 200
#define PARTS_MAX 16
#define SLOT 5

/* What the kernel is like, and what it was asked for. */
static struct {
	struct random random;
	struct uring_request *asked[4096];
	unsigned int count;
	int fd;
	uint32_t least;		/* bytes that a transfer has at least */
	bool lacks_punch;
	bool lacks_zero;
	uint64_t tried[2];	/* ways to clear that it does not have */
	int error;		/* of the next transfer; 0 for none */
	uint64_t syncs;
	uint64_t stable_writes;
	bool can_poll;		/* it has a ring whose devices are polled, */
	bool lacks_polling;	/* and the device none of the queues that it speaks of */
	uint64_t polled;
} kernel;

int __wrap_uring_add_file(struct blk_uring *uring, int fd);
void __wrap_uring_remove_file(struct blk_uring *uring, int slot);
void __wrap_uring_ask(struct blk_uring *uring, struct uring_request *request);
bool __wrap_uring_can_poll(const struct blk_uring *uring);

bool __wrap_uring_can_poll(const struct blk_uring *uring)
{
	(void)uring;
	return kernel.can_poll;
}

int __wrap_uring_add_file(struct blk_uring *uring, int fd)
{
	(void)uring;
	(void)fd;
	return SLOT;
}

void __wrap_uring_remove_file(struct blk_uring *uring, int slot)
{
	(void)uring;
	assert_int_equal(slot, SLOT);
	assert_int_equal(kernel.count, 0);
}

void __wrap_uring_ask(struct blk_uring *uring, struct uring_request *request)
{
	(void)uring;
	assert_int_equal(request->sqe.fd, SLOT);
	assert_true(kernel.count < 4096);
	kernel.asked[kernel.count++] = request;
}

/* The first bytes of a vector, or all. */
static ssize_t transfer(bool is_read, const struct iovec *vector, unsigned int count, off_t offset)
{
	size_t total = 0, most;
	ssize_t done = 0;

	for (unsigned int i = 0; i < count; i++)
		total += vector[i].iov_len;
	assert_true(total > 0);
	most = total;
	if (total > kernel.least && random_one_in(&kernel.random, 2))
		most = kernel.least + random_below(&kernel.random, (uint32_t)total - kernel.least);
	for (unsigned int i = 0; i < count && most; i++) {
		size_t length = vector[i].iov_len < most ? vector[i].iov_len : most;
		ssize_t got = is_read ? pread(kernel.fd, vector[i].iov_base, length, offset + done)
				      : pwrite(kernel.fd, vector[i].iov_base, length, offset + done);

		assert_int_equal(got, length);
		done += got;
		most -= length;
	}
	return done;
}

static int clear(const struct io_uring_sqe *sqe)
{
	bool is_punch = sqe->len == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);

	assert_true(is_punch || sqe->len == (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE));
	if (is_punch ? kernel.lacks_punch : kernel.lacks_zero) {
		kernel.tried[is_punch]++;
		return -EOPNOTSUPP;
	}
	/* A hole is zeroes, whatever way the file has. */
	return fallocate(kernel.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)sqe->off,
			 (off_t)sqe->addr) ? -errno : 0;
}

static int carry_out(const struct io_uring_sqe *sqe)
{
	static const int passing[] = { -EAGAIN, -EINTR, -ENOMEM, -EBUSY };
	struct iovec part = { (void *)(uintptr_t)sqe->addr, sqe->len };
	bool is_read = sqe->opcode == IORING_OP_READ || sqe->opcode == IORING_OP_READV;

	if (random_one_in(&kernel.random, 4))
		return passing[random_below(&kernel.random, 4)];
	switch (sqe->opcode) {
	case IORING_OP_FSYNC:
		assert_int_equal(sqe->fsync_flags, IORING_FSYNC_DATASYNC);
		kernel.syncs++;
		return 0;
	case IORING_OP_FALLOCATE:
		return clear(sqe);
	case IORING_OP_WRITE:
	case IORING_OP_WRITEV:
		kernel.stable_writes += sqe->rw_flags == RWF_DSYNC;
		/* fall through */
	case IORING_OP_READ:
	case IORING_OP_READV:
		if (kernel.error)
			return kernel.error;
		if (sqe->opcode == IORING_OP_READV || sqe->opcode == IORING_OP_WRITEV)
			return (int)transfer(is_read, (void *)(uintptr_t)sqe->addr, sqe->len,
					     (off_t)sqe->off);
		return (int)transfer(is_read, &part, 1, (off_t)sqe->off);
	default:
		fail_msg("operation %u", sqe->opcode);
		return -EINVAL;
	}
}

/* Such a ring takes nothing but reads and writes. */
static int carry_out_polled(const struct uring_request *request)
{
	const struct io_uring_sqe *sqe = &request->sqe;

	assert_true(sqe->opcode == IORING_OP_READ || sqe->opcode == IORING_OP_WRITE ||
		    sqe->opcode == IORING_OP_READV || sqe->opcode == IORING_OP_WRITEV);
	assert_int_equal(sqe->rw_flags, 0);
	assert_int_equal(sqe->flags, 0);
	kernel.polled++;
	return kernel.lacks_polling ? -EOPNOTSUPP : carry_out(sqe);
}

/* Until there is nothing more. */
static void run_kernel(void)
{
	while (kernel.count) {
		unsigned int index = random_below(&kernel.random, kernel.count);
		struct uring_request *request = kernel.asked[index];

		kernel.asked[index] = kernel.asked[--kernel.count];
		request->done(request, request->is_polled ? carry_out_polled(request) :
							    carry_out(&request->sqe));
	}
}

struct actor {
	struct disk_io io;
	struct iovec vector[PARTS_MAX];
	uint8_t *memory;
	uint8_t *model;
};

struct world {
	struct disk disk;
	struct random random;
	struct actor actors[ACTORS];
	char *path;
};

static int setup(void **state, bool cached, bool is_polled)
{
	struct world *world = test_calloc(1, sizeof(*world));
	struct blk_channel *channel;

	memset(&kernel, 0, sizeof(kernel));
	kernel.random.state = UINT64_C(0x9e3779b97f4a7c15);
	world->random.state = UINT64_C(0x2545f4914f6cdd1d);
	world->path = disk_file(disk_directory(), DISK);
	assert_return_code(disk_open(&world->disk, "file", &(struct blk_source){
					     .path = world->path, .cached = cached }), 0);
	kernel.can_poll = true;
	((struct file_backend *)world->disk.backend)->is_polled = is_polled;
	/* What the ring would be is never looked at. */
	assert_return_code(world->disk.backend->ops->channel_open(
				   &channel, world->disk.backend, (struct blk_uring *)world), 0);
	world->disk.channel = channel;
	for (unsigned int i = 0; i < ACTORS; i++) {
		world->actors[i].memory = malloc(ZONE);
		world->actors[i].model = calloc(1, ZONE);
	}
	/* Another description, which wants no alignment */
	kernel.fd = open(world->path, O_RDWR | O_CLOEXEC);
	assert_return_code(kernel.fd, errno);
	kernel.least = 1;
	*state = world;
	return 0;
}

static int setup_cached(void **state)
{
	return setup(state, true, false);
}

static int setup_direct(void **state)
{
	int error = setup(state, false, false);

	kernel.least = ((struct world *)*state)->disk.geometry.block;
	return error;
}

static int setup_polled(void **state)
{
	int error = setup(state, false, true);

	kernel.least = ((struct world *)*state)->disk.geometry.block;
	return error;
}

static int teardown(void **state)
{
	struct world *world = *state;

	for (unsigned int i = 0; i < ACTORS; i++) {
		free(world->actors[i].memory);
		free(world->actors[i].model);
	}
	close(kernel.fd);
	disk_close(&world->disk);
	unlink(world->path);
	free(world->path);
	test_free(world);
	return 0;
}

/* The range of an I/O in the memory of an actor, cut at any bytes. */
static void lay_out(struct world *world, struct actor *actor, uint8_t *memory)
{
	uint64_t left = actor->io.io.length;
	unsigned int count = 0;

	while (left) {
		uint64_t part = random_below(&world->random, (uint32_t)left + 1);

		if (count == PARTS_MAX - 1)
			part = left;
		actor->vector[count++] = (struct iovec){memory, part};
		memory += part;
		left -= part;
	}
	actor->io.io.vector = actor->vector;
	actor->io.io.count = count;
}

static void begin(struct world *world, struct actor *actor)
{
	static const enum blk_op ops[] = {BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD, BLK_WRITE_ZEROES};
	struct blk_io *io = &actor->io.io;
	uint32_t block = world->disk.geometry.block, blocks = (uint32_t)ZONE / block;
	uint32_t count = 1 + random_below(&world->random, blocks);
	uint64_t at = (uint64_t)random_below(&world->random, blocks - count + 1) * block;

	*io = (struct blk_io){
		.op = ops[random_below(&world->random, 5)],
		.is_stable = random_one_in(&world->random, 2),
		.may_unmap = random_one_in(&world->random, 2),
	};
	if (io->op != BLK_FLUSH) {
		io->offset = (uint64_t)(actor - world->actors) * ZONE + at;
		io->length = (uint64_t)count * block;
	}
	if (io->op == BLK_WRITE)
		memset(actor->memory + at, (int)random_next(&world->random), io->length);
	if (io->op == BLK_READ || io->op == BLK_WRITE)
		lay_out(world, actor, actor->memory + at);
	disk_submit(&world->disk, &actor->io);
}

static void end(const struct world *world, struct actor *actor)
{
	const struct blk_io *io = &actor->io.io;
	uint64_t at = io->offset - (uint64_t)(actor - world->actors) * ZONE;
	bool must_fail = io->op == BLK_DISCARD && kernel.lacks_punch;

	assert_int_equal(actor->io.done, 1);
	assert_int_equal(actor->io.error, must_fail ? -EOPNOTSUPP : 0);
	if (io->op == BLK_READ)
		assert_memory_equal(actor->memory + at, actor->model + at, io->length);
	else if (io->op == BLK_WRITE)
		memcpy(actor->model + at, actor->memory + at, io->length);
	else if (io->op != BLK_FLUSH && !must_fail)
		memset(actor->model + at, 0, io->length);
}

static void run(struct world *world)
{
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < ACTORS; i++)
			begin(world, world->actors + i);
		run_kernel();
		for (unsigned int i = 0; i < ACTORS; i++)
			end(world, world->actors + i);
	}
	assert_true(kernel.syncs && kernel.stable_writes);
}

static void nothing_is_lost_whatever_the_kernel_leaves(void **state)
{
	run(*state);
}

/* What it does not have is asked for until it has said so, and no longer. */
static void zeroes_come_without_the_kernel(void **state)
{
	kernel.lacks_punch = kernel.lacks_zero = true;
	run(*state);
	assert_in_range(kernel.tried[true], 1, ACTORS);
	assert_in_range(kernel.tried[false], 1, ACTORS);
}

/* A stable change has one more step, or says so in its own; another has not. */
static void stable_changes_are_made_stable(void **state)
{
	static const enum blk_op ops[] = { BLK_WRITE, BLK_DISCARD, BLK_WRITE_ZEROES };
	struct world *world = *state;

	for (unsigned int i = 0; i < 12; i++) {
		const bool is_stable = i % 2, is_write = ops[i / 4] == BLK_WRITE;
		struct disk_io io = {
			.io = { .op = ops[i / 4], .length = 4096, .is_stable = is_stable,
				.may_unmap = i / 2 % 2 },
			.part = { world->actors[0].memory, 4096 },
		};

		kernel.syncs = kernel.stable_writes = 0;
		disk_submit(&world->disk, &io);
		run_kernel();
		assert_int_equal(io.done, 1);
		assert_return_code(io.error, 0);
		assert_int_equal(kernel.syncs, is_stable && !is_write);
		assert_int_equal(kernel.stable_writes > 0, is_stable && is_write);
	}
}

static void errors_that_stay_are_told(void **state)
{
	static const int errors[] = { -EIO, -ENOSPC, -EFAULT, -EINVAL, -EDQUOT, -EREMOTEIO };
	struct world *world = *state;

	for (unsigned int i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		for (enum blk_op op = BLK_READ; op <= BLK_WRITE; op++) {
			struct disk_io io = {
				.io = { .op = op, .length = 4096 },
				.part = { world->actors[0].memory, 4096 },
			};

			kernel.error = errors[i];
			disk_submit(&world->disk, &io);
			run_kernel();
			assert_int_equal(io.done, 1);
			assert_int_equal(io.error, errors[i]);
		}
}

static void devices_are_polled_for_reads_and_writes(void **state)
{
	run(*state);
	assert_true(kernel.polled > ROUNDS);
}

/* What is asked for meanwhile is asked for once more, and nothing after that. */
static void devices_that_cannot_be_polled_are_not(void **state)
{
	kernel.lacks_polling = true;
	run(*state);
	assert_in_range(kernel.polled, 1, ACTORS);
}

#define CACHED(name) cmocka_unit_test_setup_teardown(name, setup_cached, teardown)
#define DIRECT(name) cmocka_unit_test_setup_teardown(name, setup_direct, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHED(nothing_is_lost_whatever_the_kernel_leaves),
		DIRECT(nothing_is_lost_whatever_the_kernel_leaves),
		CACHED(zeroes_come_without_the_kernel),
		DIRECT(zeroes_come_without_the_kernel),
		CACHED(stable_changes_are_made_stable),
		CACHED(errors_that_stay_are_told),
		cmocka_unit_test_setup_teardown(devices_are_polled_for_reads_and_writes, setup_polled,
						teardown),
		cmocka_unit_test_setup_teardown(devices_that_cannot_be_polled_are_not, setup_polled,
						teardown),
		cmocka_unit_test_setup_teardown(stable_changes_are_made_stable, setup_polled, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
