// SPDX-License-Identifier: GPL-2.0-or-later
// A front end of others, libblkio, at a disk of iovd that is started as foreign suites start it: with a
// socket that listens, and a raw file.
#include <blkio.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/random.h"
#include "tests/unit/test.h"

#define BLOCK 4096
#define BLOCKS 256
#define QUEUES 2
#define DEPTH 16
#define REQUESTS 4000

struct slot {
	uint8_t *bytes;
	unsigned int block;
	uint32_t generation;
	bool is_write;
	bool is_busy;
};

static char directory[64];
static int listener;
static pid_t pid;
static struct blkio *disk;
static struct blkio_mem_region memory;
static struct slot slots[QUEUES][DEPTH];
static uint32_t written[BLOCKS];
static bool is_taken[BLOCKS];

static void path_of(char *path, size_t size, const char *name)
{
	assert_true((size_t)snprintf(path, size, "%s/%s", directory, name) < size);
}

static int setup(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char image[96], number[16];
	int fd;

	(void)state;
	strcpy(directory, "/tmp/iovkit-wire.XXXXXX");
	assert_non_null(mkdtemp(directory));
	path_of(image, sizeof(image), "image");
	fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_return_code(ftruncate(fd, BLOCKS * BLOCK), errno);
	close(fd);
	path_of(address.sun_path, sizeof(address.sun_path), "socket");
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_return_code(bind(listener, (struct sockaddr *)&address, sizeof(address)), errno);
	assert_return_code(listen(listener, 4), errno);
	snprintf(number, sizeof(number), "%d", listener);
	pid = fork();
	if (!pid) {
		execl(getenv("IOVD"), "iovd", "--no-huge", "--fd", number, "--blk-file", image, NULL);
		_exit(127);
	}
	memset(slots, 0, sizeof(slots));
	memset(written, 0, sizeof(written));
	memset(is_taken, 0, sizeof(is_taken));
	return 0;
}

static int teardown(void **state)
{
	char command[96];
	int status;

	(void)state;
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(listener);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static void succeeds(int result)
{
	if (result)
		fail_msg("%s", blkio_get_error_msg());
}

static void attach(void)
{
	uint64_t capacity;
	char path[96];

	path_of(path, sizeof(path), "socket");
	succeeds(blkio_create("virtio-blk-vhost-user", &disk));
	succeeds(blkio_set_str(disk, "path", path));
	succeeds(blkio_connect(disk));
	succeeds(blkio_get_uint64(disk, "capacity", &capacity));
	assert_int_equal(capacity, BLOCKS * BLOCK);
	succeeds(blkio_set_int(disk, "num-queues", QUEUES));
	succeeds(blkio_start(disk));
	succeeds(blkio_alloc_mem_region(disk, &memory, (size_t)QUEUES * DEPTH * BLOCK));
	succeeds(blkio_map_mem_region(disk, &memory));
	for (unsigned int i = 0; i < QUEUES * DEPTH; i++)
		slots[i / DEPTH][i % DEPTH].bytes = (uint8_t *)memory.addr + (size_t)i * BLOCK;
}

/* Each word tells where it belongs, and since when. */
static void fill(uint8_t *bytes, unsigned int block, uint32_t generation)
{
	for (unsigned int i = 0; i < BLOCK / 8; i++) {
		uint64_t word = generation ? (uint64_t)generation << 32 | block << 16 | i : 0;

		memcpy(bytes + 8 * i, &word, 8);
	}
}

static void expect_content(const uint8_t *bytes, unsigned int block, uint32_t generation)
{
	uint8_t expected[BLOCK];

	fill(expected, block, generation);
	assert_memory_equal(bytes, expected, BLOCK);
}

static unsigned int submit_any(struct random *random, unsigned int queue)
{
	struct blkioq *to = blkio_get_queue(disk, (int)queue);
	unsigned int count = 0;

	for (unsigned int i = 0; i < DEPTH; i++) {
		struct slot *slot = &slots[queue][i];
		unsigned int block = random_below(random, BLOCKS);

		if (slot->is_busy || is_taken[block])
			continue;
		*slot = (struct slot){ slot->bytes, block, written[block], random_one_in(random, 2), true };
		is_taken[block] = true;
		slot->generation += slot->is_write;
		if (slot->is_write) {
			fill(slot->bytes, block, slot->generation);
			blkioq_write(to, (uint64_t)block * BLOCK, slot->bytes, BLOCK, slot, 0);
		} else {
			memset(slot->bytes, 0x55, BLOCK);
			blkioq_read(to, (uint64_t)block * BLOCK, slot->bytes, BLOCK, slot, 0);
		}
		count++;
	}
	return count;
}

static void take_back(unsigned int queue, int least)
{
	struct blkio_completion done[DEPTH];
	int count = blkioq_do_io(blkio_get_queue(disk, (int)queue), done, least, DEPTH, NULL);

	assert_true(count >= least);
	for (int i = 0; i < count; i++) {
		struct slot *slot = done[i].user_data;

		assert_int_equal(done[i].ret, 0);
		if (slot->is_write)
			written[slot->block] = slot->generation;
		else
			expect_content(slot->bytes, slot->block, slot->generation);
		slot->is_busy = is_taken[slot->block] = false;
	}
}

static void finish(unsigned int queue)
{
	for (unsigned int i = 0; i < DEPTH; i++)
		while (slots[queue][i].is_busy)
			take_back(queue, 1);
}

/* What has no slot. */
static int wait_for_one(void)
{
	struct blkio_completion done;

	assert_int_equal(blkioq_do_io(blkio_get_queue(disk, 0), &done, 1, 1, NULL), 1);
	return done.ret;
}

static void what_is_written_is_read(void **state)
{
	struct random random = { 20260305 };
	struct blkioq *queue;

	(void)state;
	for (unsigned int round = 0; round < 2; round++) {
		attach();
		for (unsigned int asked = 0; asked < REQUESTS;) {
			for (unsigned int i = 0; i < QUEUES; i++) {
				asked += submit_any(&random, i);
				take_back(i, 1);
			}
		}
		for (unsigned int i = 0; i < QUEUES; i++)
			finish(i);
		queue = blkio_get_queue(disk, 0);
		blkioq_flush(queue, NULL, 0);
		assert_int_equal(wait_for_one(), 0);
		blkioq_write_zeroes(queue, 0, 8 * BLOCK, NULL, 0);
		assert_int_equal(wait_for_one(), 0);
		memset(written, 0, 8 * sizeof(*written));
		blkioq_discard(queue, 8 * BLOCK, 8 * BLOCK, NULL, 0);
		assert_int_equal(wait_for_one(), 0);
		/* A file has a hole there. */
		memset(written + 8, 0, 8 * sizeof(*written));
		blkioq_read(queue, BLOCKS * BLOCK, slots[0][0].bytes, BLOCK, NULL, 0);
		assert_true(wait_for_one() < 0);
		blkio_destroy(&disk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
