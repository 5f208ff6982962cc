// SPDX-License-Identifier: GPL-2.0-or-later
// An NVMe controller, or a VF of one, driven from user space: polled, and by interrupts.
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "plugins/drivers/nvme_driver.h"
#include "tests/unit/random.h"
#include "tests/vfio/vfio.h"

#define DEPTH 32
#define PIECES 256
#define PIECE 4096
#define PATIENCE_MS 10000

struct disk {
	struct fixture fixture;
	struct iov_nvme *nvme;
	struct iov_nvme_namespace space;
	struct iov_nvme_queue *queue;
	int event;
	void *memory;
	uint64_t iova;
};

static int open_disk(void **state, bool interrupts)
{
	struct disk *disk = test_calloc(1, sizeof(*disk));
	struct iov_nvme_bus *bus;

	disk->fixture.before = resources_now();
	disk->event = interrupts ? eventfd(0, EFD_NONBLOCK) : -1;
	assert_int_equal(iov_open(&disk->fixture.iov, NULL), 0);
	assert_int_equal(iov_domain_open(&disk->fixture.domain, disk->fixture.iov, kind_wanted()), 0);
	if (iov_device_open(&disk->fixture.device, disk->fixture.domain, bdf_of("IOV_NVME"), NULL) ||
	    iov_nvme_vfio(&bus, disk->fixture.device) ||
	    iov_nvme_open(&disk->nvme, disk->fixture.iov, bus) ||
	    iov_nvme_namespace(disk->nvme, 0, &disk->space) ||
	    iov_nvme_queue_open(&disk->queue, disk->nvme, DEPTH, disk->event) ||
	    iov_domain_alloc(disk->fixture.domain, 2 * PIECES * PIECE, &disk->memory, &disk->iova))
		fail_msg("%s", iov_error_message(disk->fixture.iov));
	*state = disk;
	return 0;
}

static int setup_polled(void **state)
{
	return open_disk(state, false);
}

static int setup_interrupts(void **state)
{
	return open_disk(state, true);
}

static int teardown(void **state)
{
	struct disk *disk = *state;

	iov_domain_free(disk->fixture.domain, disk->memory, 2 * PIECES * PIECE, disk->iova);
	iov_nvme_queue_close(disk->queue);
	iov_nvme_close(disk->nvme);
	iov_device_close(disk->fixture.device);
	iov_domain_close(disk->fixture.domain);
	iov_close(disk->fixture.iov);
	if (disk->event >= 0)
		close(disk->event);
	check_resources(&disk->fixture.before);
	test_free(disk);
	return 0;
}

/* Something ended; by interrupt it was told. */
static unsigned int wait_for_some(struct disk *disk, struct iov_nvme_done *list, unsigned int max)
{
	for (int tries = 0; tries < PATIENCE_MS; tries++) {
		unsigned int count = iov_nvme_poll(disk->queue, list, max);

		if (count)
			return count;
		if (disk->event < 0)
			usleep(1000);
		else
			assert_true(events(disk->event, PATIENCE_MS) > 0);
	}
	fail_msg("no command ends");
	return 0;
}

/* Blocks of a command that it is for, told to the controller. */
static int64_t submit(struct disk *disk, bool write, uint64_t iova, uint64_t block, uint64_t bytes,
		      uint64_t tag)
{
	const struct iov_nvme_part part = { iova, bytes };
	const struct iov_nvme_io io = {
		.op = write ? IOV_NVME_WRITE : IOV_NVME_READ, .on = &disk->space, .block = block,
		.count = bytes / disk->space.block_size, .parts = &part, .part_count = 1, .tag = tag,
	};
	int64_t blocks = iov_nvme_submit(disk->queue, &io);

	iov_nvme_ring(disk->queue);
	return blocks;
}

/* All pieces, as many at once as it takes, each ended once and well. */
static void transfer(struct disk *disk, bool write, uint64_t iova, uint64_t block)
{
	uint32_t blocks = PIECE / disk->space.block_size;
	unsigned int sent = 0, ended = 0, ends[PIECES] = { 0 };
	struct iov_nvme_done list[DEPTH];

	while (ended < PIECES) {
		if (sent < PIECES && submit(disk, write, iova + sent * PIECE, block + sent * blocks,
					    PIECE, sent) > 0) {
			sent++;
			continue;
		}
		unsigned int count = wait_for_some(disk, list, DEPTH);

		for (unsigned int i = 0; i < count; i++) {
			assert_int_equal(list[i].status, 0);
			assert_true(list[i].tag < PIECES);
			ends[list[i].tag]++;
		}
		ended += count;
	}
	for (unsigned int i = 0; i < PIECES; i++)
		assert_int_equal(ends[i], 1);
}

static void what_is_written_is_read(void **state)
{
	struct disk *disk = *state;
	const struct iov_nvme_info *info = iov_nvme_info(disk->nvme);
	struct random random = { 20261126 };
	uint64_t *from = disk->memory, *to = from + PIECES * PIECE / 8;

	assert_true(strlen(info->serial) > 0 && strlen(info->model) > 0);
	assert_int_equal(iov_nvme_queue_depth(disk->queue), DEPTH);
	assert_int_equal(iov_nvme_queue_interrupts(disk->queue), disk->event >= 0);
	assert_true(disk->space.blocks * disk->space.block_size >= PIECES * PIECE);
	for (unsigned int i = 0; i < PIECES * PIECE / 8; i++)
		from[i] = random_next(&random);
	transfer(disk, true, disk->iova, 0);
	transfer(disk, false, disk->iova + PIECES * PIECE, 0);
	assert_memory_equal(from, to, PIECES * PIECE);
}

/* The same after the controller was reset, and with nothing lost of what was under way. */
static void a_restart_loses_nothing(void **state)
{
	struct disk *disk = *state;
	uint8_t *from = disk->memory, *to = from + PIECES * PIECE;
	struct iov_nvme_done done;

	for (unsigned int i = 0; i < 8; i++) {
		memset(from, (int)i + 1, PIECE);
		assert_true(submit(disk, true, disk->iova, i, disk->space.block_size, i) == 1);
		assert_int_equal(iov_nvme_restart(disk->nvme), 0);
		wait_for_some(disk, &done, 1);
		assert_int_equal(done.status, 0);
		assert_int_equal(done.tag, i);
		assert_true(submit(disk, false, disk->iova + PIECES * PIECE, i, disk->space.block_size,
				   99) == 1);
		wait_for_some(disk, &done, 1);
		assert_int_equal(done.tag, 99);
		assert_memory_equal(from, to, disk->space.block_size);
	}
}

/* One page, two, and a list of them, from the middle of a page. */
static void sizes_are_those_that_were_asked_for(void **state)
{
	struct disk *disk = *state;
	const uint32_t most = iov_nvme_info(disk->nvme)->transfer_max;
	static const uint32_t sizes[] = { 512, 4096, 8192, 65536, 131072 };
	uint8_t *from = disk->memory, *to = from + PIECES * PIECE;
	struct iov_nvme_done done;

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint32_t size = sizes[i] < most ? sizes[i] : most;
		int64_t blocks = size / disk->space.block_size;

		memset(from + 1024, (int)(i + 1), size);
		memset(to, 0xee, size + 4096);
		assert_true(submit(disk, true, disk->iova + 1024, 8, size, 7) == blocks);
		wait_for_some(disk, &done, 1);
		assert_int_equal(done.status, 0);
		assert_true(submit(disk, false, disk->iova + PIECES * PIECE + 512, 8, size, 7) ==
			    blocks);
		wait_for_some(disk, &done, 1);
		assert_int_equal(done.status, 0);
		assert_memory_equal(from + 1024, to + 512, size);
		assert_int_equal(to[511], 0xee);
		assert_int_equal(to[512 + size], 0xee);
	}
}

static void wrong_commands_are_refused(void **state)
{
	struct disk *disk = *state;
	const uint64_t blocks = disk->space.blocks;
	const uint32_t block = disk->space.block_size;
	struct iov_nvme_queue *other;

	assert_true(submit(disk, false, disk->iova, blocks, block, 0) == -EINVAL);
	assert_true(submit(disk, false, disk->iova, blocks - 1, 2 * block, 0) == -EINVAL);
	assert_true(submit(disk, false, disk->iova, UINT64_MAX, block, 0) == -EINVAL);
	assert_true(submit(disk, false, disk->iova, 0, 0, 0) == -EINVAL);
	assert_true(submit(disk, false, disk->iova + 1, 0, block, 0) == -EFAULT);
	expect_error(&disk->fixture, iov_nvme_queue_open(&other, disk->nvme, 0, -1), -EINVAL,
		     "expected 1 to");
	expect_error(&disk->fixture, iov_nvme_namespace(disk->nvme, 77, &disk->space), -ENODEV,
		     "has no namespace 77");
}

#define TEST(name, setup) { #name " (" #setup ")", name, setup, teardown, NULL }

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read, setup_polled),
		TEST(what_is_written_is_read, setup_interrupts),
		TEST(a_restart_loses_nothing, setup_polled),
		TEST(a_restart_loses_nothing, setup_interrupts),
		TEST(sizes_are_those_that_were_asked_for, setup_polled),
		TEST(wrong_commands_are_refused, setup_polled),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
