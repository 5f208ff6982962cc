// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random I/O to every kind of back end, several at a time, beside a model of what it has.
 *
 * IOV_DISK=DEVICE: only to that device, whose data is lost.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/disk.h"
#include "tests/unit/loop.h"
#include "tests/unit/nbd.h"
#include "tests/unit/random.h"

/* Each has a zone of the disk and of memory to itself, so nobody meets another. */
#define ACTORS 12
#define ZONE (UINT64_C(384) << 10)
#define DISK (ACTORS * ZONE)
#define PARTS_MAX 48

/* Rounds, where all is quick and where flushes wait for a disk. */
#define IN_MEMORY 400
#define ON_DISK 40
#define SERVED 60

#define UNTOUCHED 0xa5

struct actor {
	struct disk_io io;
	struct iovec vector[PARTS_MAX];
	uint8_t *memory;	/* of 2 * ZONE bytes */
	uint8_t *model;		/* what the zone has on the disk */
	uint64_t at;		/* of the I/O in the zone */
};

struct world {
	struct disk disk;
	struct random random;
	struct actor actors[ACTORS];
	bool is_forgetful;	/* what it discarded may be anything */
	unsigned int count[BLK_OPS];
};

/* Memory for @length bytes in pieces, aligned or not, with gaps between them. */
static void lay_out(struct world *world, struct actor *actor, uint64_t length)
{
	struct random *random = &world->random;
	bool is_odd = random_one_in(random, 3);
	uint32_t unit = is_odd ? 1 : world->disk.geometry.block;
	uint64_t most = 1 + length / unit / (1 + random_below(random, 6));
	uint64_t at = is_odd ? 1 + random_below(random, 600) : 0, left = length;
	unsigned int count = 0;

	while (left) {
		uint64_t part = (1 + random_below(random, (uint32_t)most)) * unit;

		if (part > left || count == PARTS_MAX - 1)
			part = left;
		actor->vector[count++] = (struct iovec){actor->memory + at, part};
		at += part + random_below(random, 2) * unit;
		left -= part;
	}
	assert_true(at <= 2 * ZONE);
	actor->io.io.vector = actor->vector;
	actor->io.io.count = count;
}

/* Whole blocks of the zone, mostly few. */
static void choose_range(struct world *world, struct actor *actor)
{
	struct random *random = &world->random;
	uint32_t block = world->disk.geometry.block, blocks = (uint32_t)(ZONE / block);
	uint32_t most = random_one_in(random, 8) ? blocks : blocks / 16;
	uint32_t count = 1 + random_below(random, most);

	actor->at = (uint64_t)random_below(random, blocks - count + 1) * block;
	actor->io.io.length = (uint64_t)count * block;
	actor->io.io.offset = (uint64_t)(actor - world->actors) * ZONE + actor->at;
}

static enum blk_op choose_op(struct world *world)
{
	enum blk_op op = (enum blk_op)random_below(&world->random, BLK_SECURE_ERASE + 4);

	if (op > BLK_SECURE_ERASE)
		return random_below(&world->random, 2) ? BLK_READ : BLK_WRITE;
	if ((op == BLK_SECURE_ERASE && !world->disk.geometry.erase_max) ||
	    (op == BLK_DISCARD && !world->disk.geometry.discard_max))
		return BLK_READ;
	return op;
}

static void fill_memory(struct world *world, struct actor *actor)
{
	for (unsigned int i = 0; i < actor->io.io.count; i++) {
		uint8_t *bytes = actor->vector[i].iov_base;
		size_t length = actor->vector[i].iov_len, j;

		for (j = 0; j + 8 <= length; j += 8) {
			uint64_t word = random_next(&world->random);

			memcpy(bytes + j, &word, 8);
		}
		memset(bytes + j, (int)random_next(&world->random), length - j);
	}
}

static void begin(struct world *world, struct actor *actor)
{
	struct blk_io *io = &actor->io.io;

	*io = (struct blk_io){
		.op = choose_op(world),
		.is_stable = random_one_in(&world->random, 4),
		.may_unmap = random_one_in(&world->random, 2),
	};
	world->count[io->op]++;
	memset(actor->memory, UNTOUCHED, 2 * ZONE);
	if (io->op != BLK_FLUSH)
		choose_range(world, actor);
	if (io->op == BLK_READ || io->op == BLK_WRITE)
		lay_out(world, actor, io->length);
	if (io->op == BLK_WRITE)
		fill_memory(world, actor);
	disk_submit(&world->disk, &actor->io);
}

static void check_untouched(const uint8_t *from, const uint8_t *to)
{
	static uint8_t untouched[2 * ZONE];

	if (!untouched[0])
		memset(untouched, UNTOUCHED, sizeof(untouched));
	assert_memory_equal(from, untouched, to - from);
}

/* What was read is what the model has, and nothing beside was touched. */
static void check_read(struct actor *actor)
{
	const uint8_t *model = actor->model + actor->at, *at = actor->memory;

	for (unsigned int i = 0; i < actor->io.io.count; i++) {
		const uint8_t *part = actor->vector[i].iov_base;

		check_untouched(at, part);
		assert_memory_equal(part, model, actor->vector[i].iov_len);
		model += actor->vector[i].iov_len;
		at = part + actor->vector[i].iov_len;
	}
	check_untouched(at, actor->memory + 2 * ZONE);
}

static void keep_written(struct actor *actor)
{
	uint8_t *model = actor->model + actor->at;

	for (unsigned int i = 0; i < actor->io.io.count; i++) {
		memcpy(model, actor->vector[i].iov_base, actor->vector[i].iov_len);
		model += actor->vector[i].iov_len;
	}
}

static void end(struct world *world, struct actor *actor)
{
	const struct blk_io *io = &actor->io.io;
	uint8_t *model = actor->model + actor->at;

	assert_int_equal(actor->io.done, 1);
	if (actor->io.error)
		fail_msg("operation %d at %llu, %llu bytes: %s", io->op,
			 (unsigned long long)io->offset, (unsigned long long)io->length,
			 strerror(-actor->io.error));
	if (io->op == BLK_READ)
		check_read(actor);
	else if (io->op == BLK_WRITE)
		keep_written(actor);
	else if (io->op == BLK_DISCARD && world->is_forgetful)
		assert_return_code(disk_read(&world->disk, io->offset, model, io->length), 0);
	else if (io->op != BLK_FLUSH)
		memset(model, 0, io->length);
}

static void open_actors(struct world *world)
{
	for (unsigned int i = 0; i < ACTORS; i++) {
		struct actor *actor = world->actors + i;

		assert_int_equal(posix_memalign((void **)&actor->memory, 4096, 2 * ZONE), 0);
		actor->model = malloc(ZONE);
		assert_non_null(actor->model);
		assert_return_code(disk_read(&world->disk, i * ZONE, actor->model, ZONE), 0);
	}
}

/* All of it, once more, by another way to the same data. */
static void check_all(struct world *world, const char *kind, const struct blk_source *source)
{
	uint8_t *bytes = malloc(ZONE);

	disk_leave(&world->disk);
	if (source->path) {
		struct blk_source again = { .path = source->path, .read_only = true, .cached = true };

		world->disk.backend->ops->close(world->disk.backend);
		iov_close(world->disk.iov);
		disk_start(&world->disk, kind, &again);
	} else {
		disk_use(&world->disk, NULL);
	}
	for (unsigned int i = 0; i < ACTORS; i++) {
		assert_return_code(disk_read(&world->disk, i * ZONE, bytes, ZONE), 0);
		assert_memory_equal(bytes, world->actors[i].model, ZONE);
		free(world->actors[i].memory);
		free(world->actors[i].model);
	}
	free(bytes);
	disk_close(&world->disk);
}

static void run(const char *kind, const struct blk_source *source, unsigned int rounds,
		bool is_forgetful)
{
	struct world *world = test_calloc(1, sizeof(*world));

	world->random.state = UINT64_C(0x2545f4914f6cdd1d);
	world->is_forgetful = is_forgetful;
	disk_start(&world->disk, kind, source);
	assert_true(world->disk.geometry.bytes >= DISK);
	open_actors(world);
	for (unsigned int round = 0; round < rounds; round++) {
		for (unsigned int i = 0; i < ACTORS; i++)
			begin(world, world->actors + i);
		disk_wait(&world->disk, 0);
		for (unsigned int i = 0; i < ACTORS; i++)
			end(world, world->actors + i);
	}
	for (unsigned int op = 0; op < BLK_SECURE_ERASE + 1; op++)
		assert_true(world->count[op] || op == BLK_SECURE_ERASE || op == BLK_DISCARD);
	check_all(world, kind, source);
	test_free(world);
}

static void run_in(const char *directory, unsigned int rounds, bool cached)
{
	char *path = disk_file(directory, DISK);
	const struct blk_source source = { .path = path, .cached = cached };

	run("file", &source, rounds, false);
	unlink(path);
	free(path);
}

static void memory_keeps_what_was_written(void **state)
{
	const struct blk_source source = { .bytes = DISK };

	(void)state;
	run("memory", &source, IN_MEMORY, false);
}

static void file_keeps_what_was_written(void **state)
{
	(void)state;
	run_in(disk_directory(), ON_DISK, false);
}

static void cached_file_keeps_what_was_written(void **state)
{
	(void)state;
	run_in(disk_directory(), ON_DISK, true);
}

static void file_in_memory_keeps_what_was_written(void **state)
{
	(void)state;
	if (access("/dev/shm", W_OK)) {
		print_message("missing: /dev/shm\n");
		skip();
	}
	run_in("/dev/shm", IN_MEMORY, false);
}

static void block_device_keeps_what_was_written(void **state)
{
	char *path = disk_file(disk_directory(), DISK);
	char *name;
	int fd = loop_open(path, &name);
	const struct blk_source source = { .path = name }, cached = { .path = name, .cached = true };

	(void)state;
	unlink(path);
	free(path);
	if (fd < 0) {
		print_message("missing: a loop device\n");
		skip();
	}
	run("file", &source, ON_DISK, true);
	run("file", &cached, ON_DISK, true);
	close(fd);
	free(name);
}

/* A file, by a server of others that is told in its own way. */
static void run_served(const char *const argv[], const char *socket, bool is_forgetful)
{
	char uri[160];
	const struct blk_source source = { .path = uri };
	const pid_t pid = nbd_start(socket, argv);

	snprintf(uri, sizeof(uri), "nbd+unix:///?socket=%s", socket);
	run("nbd", &source, SERVED, is_forgetful);
	nbd_end(pid);
	unlink(socket);
}

static void export_of_nbdkit_keeps_what_was_written(void **state)
{
	/* As it is; one connection, without FUA; and with blocks that it insists on. */
	static const struct {
		const char *options[2];
		const char *params[3];
	} ways[] = {
		{ .options = { NULL } },
		{ { "--filter=multi-conn", "--filter=fua" }, { "multi-conn-mode=disable" } },
		{ { "--filter=blocksize-policy" },
		  { "blocksize-minimum=4096", "blocksize-maximum=64K",
		    "blocksize-error-policy=error" } },
	};
	char *path = disk_file(disk_directory(), DISK), socket[96];

	(void)state;
	if (!nbd_has("nbdkit"))
		skip();
	snprintf(socket, sizeof(socket), "%s/nbd", disk_directory());
	for (unsigned int i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const char *argv[16] = { "nbdkit", "-f", "-U", socket };
		unsigned int count = 4;

		for (unsigned int j = 0; j < 2 && ways[i].options[j]; j++)
			argv[count++] = ways[i].options[j];
		argv[count++] = "file";
		argv[count++] = path;
		for (unsigned int j = 0; j < 3 && ways[i].params[j]; j++)
			argv[count++] = ways[i].params[j];
		run_served(argv, socket, false);
		assert_return_code(truncate(path, 0), errno);
		assert_return_code(truncate(path, DISK), errno);
	}
	unlink(path);
	free(path);
}

static void export_of_qemu_keeps_what_was_written(void **state)
{
	static const char *const formats[] = { "raw", "qcow2" };
	char *path = disk_file(disk_directory(), DISK), socket[96], command[256];

	(void)state;
	if (!nbd_has("qemu-nbd"))
		skip();
	snprintf(socket, sizeof(socket), "%s/nbd", disk_directory());
	for (unsigned int i = 0; i < 2; i++) {
		const char *argv[] = { "qemu-nbd",        "-t", "-k", socket, "-f", formats[i],
				       "--discard=unmap", "-e", "8",  path,   NULL };

		snprintf(command, sizeof(command), "qemu-img create -q -f %s %s %llu", formats[i],
			 path, (unsigned long long)DISK);
		assert_int_equal(system(command), 0);
		/* It discards whole clusters, and leaves what is less. */
		run_served(argv, socket, i == 1);
	}
	unlink(path);
	free(path);
}

static void given_device_keeps_what_was_written(void **state)
{
	const struct blk_source source = { .path = getenv("IOV_DISK") };

	(void)state;
	run("file", &source, ON_DISK, true);
}

/* Memory is given back, and what was there is not. */
static void memory_that_is_given_back_reads_as_zeroes(void **state)
{
	const struct blk_source source = { .bytes = 1 << 20 };
	static const enum blk_op ops[] = { BLK_DISCARD, BLK_WRITE_ZEROES, BLK_SECURE_ERASE };
	static uint8_t bytes[1 << 20];
	struct disk disk;

	(void)state;
	disk_start(&disk, "memory", &source);
	for (unsigned int i = 0; i < 3; i++) {
		struct disk_io io = {
			.io = { .op = ops[i], .offset = 512, .length = sizeof(bytes) - 1024,
				.may_unmap = true },
		};

		memset(bytes, 0x5a, sizeof(bytes));
		assert_return_code(disk_write(&disk, 0, bytes, sizeof(bytes)), 0);
		assert_return_code(disk_do(&disk, &io), 0);
		assert_return_code(disk_read(&disk, 0, bytes, sizeof(bytes)), 0);
		for (unsigned int j = 0; j < sizeof(bytes); j++)
			assert_int_equal(bytes[j], j < 512 || j >= sizeof(bytes) - 512 ? 0x5a : 0);
	}
	disk_close(&disk);
}

static void null_leaves_memory_alone(void **state)
{
	const struct blk_source source = { .bytes = 1 << 20 };
	uint8_t bytes[4096], before[4096];
	struct disk disk;

	(void)state;
	disk_start(&disk, "null", &source);
	assert_int_equal(disk.geometry.bytes, 1 << 20);
	memset(bytes, UNTOUCHED, sizeof(bytes));
	memcpy(before, bytes, sizeof(bytes));
	for (enum blk_op op = BLK_READ; op <= BLK_SECURE_ERASE; op++) {
		struct disk_io io = {
			.io = { .op = op, .length = op == BLK_FLUSH ? 0 : sizeof(bytes) },
			.part = { bytes, sizeof(bytes) },
		};

		assert_return_code(disk_do(&disk, &io), 0);
		assert_memory_equal(bytes, before, sizeof(bytes));
	}
	disk_close(&disk);
}

static void sizes_that_are_none_are_refused(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 511, 513, (UINT64_C(1) << 20) + 1, UINT64_MAX,
					  UINT64_C(1) << 63 };
	static const char *const kinds[] = { "memory", "null" };

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int j = 0; j < sizeof(sizes) / sizeof(*sizes); j++) {
			const struct blk_source source = { .bytes = sizes[j] };
			struct disk disk;

			assert_int_equal(disk_open(&disk, kinds[i], &source), -EINVAL);
			assert_non_null(strstr(iov_error_message(disk.iov), kinds[i]));
			assert_non_null(strstr(iov_error_message(disk.iov), "multiple of 512"));
			disk_close(&disk);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_keeps_what_was_written),
		cmocka_unit_test(file_keeps_what_was_written),
		cmocka_unit_test(cached_file_keeps_what_was_written),
		cmocka_unit_test(file_in_memory_keeps_what_was_written),
		cmocka_unit_test(block_device_keeps_what_was_written),
		cmocka_unit_test(export_of_nbdkit_keeps_what_was_written),
		cmocka_unit_test(export_of_qemu_keeps_what_was_written),
		cmocka_unit_test(memory_that_is_given_back_reads_as_zeroes),
		cmocka_unit_test(null_leaves_memory_alone),
		cmocka_unit_test(sizes_that_are_none_are_refused),
	};

	const struct CMUnitTest given[] = {
		cmocka_unit_test(given_device_keeps_what_was_written),
	};

	if (getenv("IOV_DISK"))
		return cmocka_run_group_tests(given, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
