// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory that is registered with a worker's ring: what is read and written is the same as without,
 * whichever part of it is registered, and what cannot be is used without.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/disk.h"
#include "tests/unit/random.h"
#include "vhost-user/blk/file_backend.h"
#include "vhost-user/socket/privileges.h"

#define MIB (UINT64_C(1) << 20)
#define DISK (4 * MIB)

/* More than two pieces, with a rest. */
#define GUEST (70 * MIB)

struct world {
	struct disk disk;
	char *path;
	uint8_t *guest;
	struct random random;
	uint8_t expected[DISK];
};

static int setup(void **state)
{
	struct world *world = test_calloc(1, sizeof(*world));

	world->path = disk_file(disk_directory(), DISK);
	world->guest = mmap(NULL, GUEST, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(world->guest != MAP_FAILED);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	munmap(world->guest, GUEST);
	unlink(world->path);
	free(world->path);
	test_free(world);
	return 0;
}

static void start(struct world *world)
{
	disk_start(&world->disk, "file", &(struct blk_source){ .path = world->path, .workers = 1,
							       .register_memory = true });
}

static const struct blk_backend_ops *ops_of(const struct world *world)
{
	return world->disk.backend->ops;
}

static uint64_t registered(const struct world *world, int expected)
{
	int error;
	uint64_t bytes = ops_of(world)->registered(world->disk.backend, &error);

	assert_int_equal(error, expected);
	return bytes;
}

/* Writes and reads again, at random, also across the ends of pieces. */
static void play(struct world *world, uint8_t *memory, uint64_t bytes, unsigned int rounds)
{
	for (unsigned int i = 0; i < rounds; i++) {
		const uint64_t length = 4096u * (1 + random_below(&world->random, 8));
		const uint64_t offset = 4096u * random_below(&world->random, (uint32_t)((DISK - length) / 4096));
		uint8_t *at = memory + 4096 * (uint64_t)random_below(&world->random,
								      (uint32_t)((bytes - length) / 4096));

		for (uint64_t j = 0; j < length; j++)
			at[j] = (uint8_t)(i + j / 512);
		memcpy(world->expected + offset, at, length);
		assert_return_code(disk_write(&world->disk, offset, at, length), 0);
		memset(at, 0xee, length);
		assert_return_code(disk_read(&world->disk, offset, at, length), 0);
		assert_memory_equal(at, world->expected + offset, length);
	}
}

static void all_of_it_is_registered_piece_by_piece(void **state)
{
	struct world *world = *state;

	start(world);
	assert_true(ops_of(world)->wants_memory(world->disk.backend));
	play(world, world->guest, GUEST, 2);
	assert_int_equal(registered(world, 0), 0);
	assert_return_code(ops_of(world)->memory_came(world->disk.backend, world->guest, GUEST), 0);
	play(world, world->guest, GUEST, 1);
	assert_int_equal(registered(world, 0), 64 * MIB);
	play(world, world->guest, GUEST, 100);
	assert_int_equal(registered(world, 0), GUEST);
	/* And some around the end of a piece */
	play(world, world->guest + 32 * MIB - 16384, 65536, 100);
	disk_close(&world->disk);
}

/* As memory is plugged and unplugged: what goes is not pinned any more, and the rest is had anew. */
static void memory_comes_and_goes(void **state)
{
	struct world *world = *state;
	struct blk_backend *backend;

	start(world);
	backend = world->disk.backend;
	assert_return_code(ops_of(world)->memory_came(backend, world->guest, 4 * MIB), 0);
	play(world, world->guest, 8 * MIB, 10);
	assert_return_code(ops_of(world)->memory_came(backend, world->guest + 8 * MIB, 8 * MIB), 0);
	play(world, world->guest, 16 * MIB, 50);
	assert_int_equal(registered(world, 0), 12 * MIB);
	assert_true(ops_of(world)->channels_have_memory);
	ops_of(world)->channel_close(world->disk.channel);
	assert_int_equal(registered(world, 0), 0);
	ops_of(world)->memory_goes(backend, world->guest);
	ops_of(world)->memory_goes(backend, world->guest + 1);
	assert_return_code(ops_of(world)->channel_open(&world->disk.channel, backend, world->disk.uring), 0);
	play(world, world->guest, 16 * MIB, 50);
	assert_int_equal(registered(world, 0), 8 * MIB);
	disk_close(&world->disk);
}

/* Of more regions than a front end can have the last ones are done without. */
static void there_are_no_more_regions_than_that(void **state)
{
	struct world *world = *state;

	start(world);
	for (unsigned int i = 0; i < 512; i++)
		assert_return_code(ops_of(world)->memory_came(world->disk.backend,
				   world->guest + i * 4096ul, 4096), 0);
	assert_int_equal(ops_of(world)->memory_came(world->disk.backend, world->guest + 8 * MIB, 4096), -ENOSPC);
	play(world, world->guest, 4 * MIB, 600);
	assert_int_equal(registered(world, 0), 512 * 4096);
	disk_close(&world->disk);
}

/* Pages of a file on a disk may not stay where they are. */
static void what_cannot_be_pinned_is_used_without(void **state)
{
	struct world *world = *state;
	char *path = disk_file(disk_directory(), 4 * MIB);
	int fd = open(path, O_RDWR | O_CLOEXEC), error;
	uint8_t *memory = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_true(memory != MAP_FAILED);
	start(world);
	assert_return_code(ops_of(world)->memory_came(world->disk.backend, memory, 4 * MIB), 0);
	play(world, memory, 4 * MIB, 20);
	if (!ops_of(world)->registered(world->disk.backend, &error)) {
		assert_true(error == -EFAULT || error == -EOPNOTSUPP);
		ops_of(world)->news(world->disk.backend);
	}
	disk_close(&world->disk);
	munmap(memory, 4 * MIB);
	close(fd);
	unlink(path);
	free(path);
}

static void what_is_beyond_the_limit_is_used_without(void **state)
{
	const struct rlimit some = { 40 * MIB, 40 * MIB }, none = { 4096, 4096 };
	struct world *world = *state;
	struct disk other = { 0 };

	if (setrlimit(RLIMIT_MEMLOCK, &some)) {
		print_message("missing: the right to lock 40 MiB\n");
		skip();
	}
	/* Who may lock as much as it likes has no limit; the last test, as that is given up. */
	assert_return_code(privileges_keep(~(UINT64_C(1) << CAP_IPC_LOCK)), 0);
	start(world);
	assert_return_code(ops_of(world)->memory_came(world->disk.backend, world->guest, GUEST), 0);
	play(world, world->guest, GUEST, 100);
	/* Others of this user may have locked some of that. */
	assert_in_range(registered(world, -ENOMEM), 0, 32 * MIB);
	ops_of(world)->news(world->disk.backend);
	disk_close(&world->disk);
	assert_return_code(setrlimit(RLIMIT_MEMLOCK, &none), errno);
	assert_int_equal(disk_open(&other, "file", &(struct blk_source){ .path = world->path, .workers = 1,
									 .register_memory = true }), -EPERM);
	assert_non_null(strstr(iov_error_message(other.iov), "LimitMEMLOCK"));
	iov_close(other.iov);
}

static void a_file_in_memory_needs_none(void **state)
{
	struct disk disk = { 0 };
	int fd = memfd_create("disk", MFD_CLOEXEC);
	char path[64];

	(void)state;
	assert_return_code(ftruncate(fd, 65536), errno);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(disk_open(&disk, "file", &(struct blk_source){ .path = path, .workers = 1,
									.register_memory = true }), -EINVAL);
	assert_non_null(strstr(iov_error_message(disk.iov), "leave --register-memory out"));
	iov_close(disk.iov);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_of_it_is_registered_piece_by_piece, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_comes_and_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(there_are_no_more_regions_than_that, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_pinned_is_used_without, setup, teardown),
		cmocka_unit_test(a_file_in_memory_needs_none),
		cmocka_unit_test_setup_teardown(what_is_beyond_the_limit_is_used_without, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
