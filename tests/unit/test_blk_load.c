// SPDX-License-Identifier: GPL-2.0-or-later
// The load generator for disks: what blocks tell, what fits a disk, and the disk that does nothing.
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <string.h>

#include "bench/blk_bench.h"
#include "bench/blk_ledger.h"
#include "tests/unit/test.h"
#include "vhost-user/protocol/message.h"

#define SECTORS 8
#define WORDS (BLK_SECTOR / 8)

static const bool never;

static uint64_t *block(uint64_t sector, uint64_t generation)
{
	static uint64_t words[SECTORS * WORDS];

	blk_pattern_fill(words, sector, SECTORS, generation);
	return words;
}

/* What is found where sector 100 on should have generation 7. */
static struct blk_wrong found(const uint64_t *words, uint64_t verdicts[BLK_VERDICTS])
{
	struct blk_wrong wrong = { 0 };

	memset(verdicts, 0, BLK_VERDICTS * sizeof(*verdicts));
	blk_pattern_check(words, 100, SECTORS, 7, verdicts, &wrong);
	assert_int_equal(verdicts[BLK_GOOD] + verdicts[BLK_STALE] + verdicts[BLK_MISPLACED] +
			 verdicts[BLK_CORRUPT], SECTORS);
	return wrong;
}

static void what_was_written_is_good(void **state)
{
	uint64_t verdicts[BLK_VERDICTS];

	(void)state;
	assert_int_equal(found(block(100, 7), verdicts).verdict, BLK_GOOD);
	assert_int_equal(verdicts[BLK_GOOD], SECTORS);
}

static void an_older_generation_is_stale(void **state)
{
	uint64_t verdicts[BLK_VERDICTS];
	struct blk_wrong wrong = found(block(100, 6), verdicts);

	(void)state;
	assert_int_equal(verdicts[BLK_STALE], SECTORS);
	assert_int_equal(wrong.verdict, BLK_STALE);
	assert_int_equal(wrong.sector, 100);
	assert_int_equal(wrong.generation, 7);
	assert_int_equal(wrong.found_generation, 6);
}

static void half_of_a_write_is_told(void **state)
{
	uint64_t verdicts[BLK_VERDICTS], *words = block(100, 7);
	struct blk_wrong wrong;

	(void)state;
	blk_pattern_fill(words + 3 * WORDS, 103, 2, 5);
	wrong = found(words, verdicts);
	assert_int_equal(verdicts[BLK_GOOD], SECTORS - 2);
	assert_int_equal(verdicts[BLK_STALE], 2);
	assert_int_equal(wrong.sector, 103);
	assert_int_equal(wrong.found_generation, 5);
}

static void a_block_of_another_place_is_misplaced(void **state)
{
	uint64_t verdicts[BLK_VERDICTS];
	struct blk_wrong wrong = found(block(108, 7), verdicts);

	(void)state;
	assert_int_equal(verdicts[BLK_MISPLACED], SECTORS);
	assert_int_equal(wrong.verdict, BLK_MISPLACED);
	assert_int_equal(wrong.found_sector, 108);
	/* Older and elsewhere: that it is elsewhere is said. */
	assert_int_equal(found(block(92, 2), verdicts).verdict, BLK_MISPLACED);
}

static void anything_else_is_corrupt(void **state)
{
	uint64_t verdicts[BLK_VERDICTS], zeros[SECTORS * WORDS] = { 0 }, *words;
	struct blk_wrong wrong = found(zeros, verdicts);

	(void)state;
	assert_int_equal(verdicts[BLK_CORRUPT], SECTORS);
	assert_true(wrong.is_zero && !wrong.is_untouched);
	/* Memory that nothing was read into, whatever it had before. */
	words = block(100, 7);
	blk_pattern_spoil(words, SECTORS);
	wrong = found(words, verdicts);
	assert_int_equal(verdicts[BLK_CORRUPT], SECTORS);
	assert_true(wrong.is_untouched && !wrong.is_zero);
	/* A generation that was not written yet. */
	wrong = found(block(100, 8), verdicts);
	assert_int_equal(wrong.verdict, BLK_CORRUPT);
	assert_false(wrong.is_zero);
	/* Any bit of any word of any sector, in a block that is old or in its place. */
	for (unsigned int i = 0; i < SECTORS * WORDS; i++)
		for (uint64_t generation = 6; generation <= 7; generation++) {
			words = block(100, generation);
			words[i] ^= UINT64_C(1) << (i % 64);
			found(words, verdicts);
			assert_int_equal(verdicts[BLK_CORRUPT], 1);
			assert_int_equal(verdicts[BLK_CORRUPT] +
					 verdicts[generation == 7 ? BLK_GOOD : BLK_STALE], SECTORS);
		}
}

static void places_are_claimed_and_remembered(void **state)
{
	struct blk_ledger ledger;
	uint64_t first;

	(void)state;
	assert_int_equal(blk_ledger_open(&ledger, 4, 1000), 0);
	assert_true(blk_ledger_claim(&ledger, 2));
	assert_false(blk_ledger_claim(&ledger, 2));
	assert_int_equal(blk_ledger_generation(&ledger, 2), 0);
	first = blk_ledger_renew(&ledger, 2);
	assert_true(first > 1000);
	assert_int_equal(blk_ledger_generation(&ledger, 2), 0);
	blk_ledger_release(&ledger, 2, true);
	assert_int_equal(blk_ledger_generation(&ledger, 2), first);
	/* A write that failed may be there or not. */
	assert_true(blk_ledger_claim(&ledger, 2));
	assert_true(blk_ledger_renew(&ledger, 2) > first);
	blk_ledger_release(&ledger, 2, false);
	assert_int_equal(blk_ledger_generation(&ledger, 2), 0);
	assert_true(blk_ledger_claim(&ledger, 2));
	assert_true(blk_ledger_renew(&ledger, 2) > first + 1);
	assert_true(blk_ledger_claim(&ledger, 3));
	blk_ledger_close(&ledger);
}

#define OFFERED                                                                                    \
	(VU_BIT(VIRTIO_F_VERSION_1) | VU_BIT(VIRTIO_RING_F_INDIRECT_DESC) |                        \
	 VU_BIT(VIRTIO_RING_F_EVENT_IDX) | VU_BIT(VIRTIO_BLK_F_FLUSH) | VU_BIT(VIRTIO_BLK_F_MQ))

static const struct blk_disk disk = {
	.bytes = 64 << 20, .block_size = 512, .size_max = 8192, .seg_max = 16, .queues = 4,
};

static const struct blk_load_options plain = {
	.size = 4096, .depth = 32, .queues = 1, .segments = 1, .read_percent = 100,
};

static void loads_are_fit_to_the_disk(void **state)
{
	struct blk_load_options options = plain;
	struct blk_shape shape;
	struct iov *iov;

	(void)state;
	assert_int_equal(iov_open(&iov, NULL), 0);
	assert_int_equal(blk_shape_fit(&shape, iov, "x", &disk, OFFERED, &options), 0);
	assert_true(shape.is_indirect);
	assert_int_equal(shape.parts, 3);
	assert_int_equal(shape.ring_size, 256);
	assert_int_equal(shape.slots, disk.bytes / 4096);
	/* As many pieces as the longest one makes, and a ring that has room for all of them. */
	options.size = 128 << 10;
	options.depth = 100;
	options.no_indirect = true;
	assert_int_equal(blk_shape_fit(&shape, iov, "x", &disk, OFFERED, &options), 0);
	assert_int_equal(shape.segments, 16);
	assert_false(shape.is_indirect);
	assert_int_equal(shape.ring_size, 2048);
	/* What is verified is less, and never less than what is under way. */
	options.verify = true;
	options.span = 0;
	options.depth = 4;
	assert_int_equal(blk_shape_fit(&shape, iov, "x", &disk, OFFERED, &options), 0);
	assert_int_equal(shape.slots, (64 << 20) / options.size);
	iov_close(iov);
}

struct misfit {
	const char *says;
	struct blk_disk disk;
	uint64_t lacking;
	struct blk_load_options options;
};

static void what_does_not_fit_is_said(void **state)
{
	const struct misfit misfits[] = {
		{ "no packed rings", disk, 0, { 4096, 1, 1, 0, 1, 100, .packed = true } },
		{ "no flushes", disk, VU_BIT(VIRTIO_BLK_F_FLUSH), { 4096, 1, 1, 0, 1, 0, .flush_every = 1 } },
		{ "4 at most", disk, 0, { 4096, 1, 5, 0, 1, 100 } },
		{ "read-only", { 1 << 20, 512, 0, 1, 1, true }, 0, { 4096, 1, 1, 0, 1, 99 } },
		{ "read-only", { 1 << 20, 512, 0, 1, 1, true }, 0, { 4096, 1, 1, 0, 1, 100, .verify = true } },
		{ "17 pieces", disk, 0, { 128 * 1024 + 512, 1, 1, 0, 1, 100 } },
		{ "2 pieces", { 1 << 20, 512, 0, 1, 1, false }, 0, { 4096, 1, 1, 0, 2, 100 } },
		{ "need a ring of 33", disk, 0, { 4096, 33, 1, 32, 1, 100 } },
		{ "need a ring of 96", disk, VU_BIT(VIRTIO_RING_F_INDIRECT_DESC), { 4096, 32, 1, 64, 1, 100 } },
		{ "need a ring of 10", disk, 0, { 4096, 1, 1, 8, 8, 100 } },
		{ "blocks of 4096", { 1 << 20, 4096, 0, 1, 1, false }, 0, { 512, 1, 1, 0, 1, 100 } },
		{ "blocks of 0", { 1 << 20, 0, 0, 1, 1, false }, 0, { 512, 1, 1, 0, 1, 100 } },
		{ "has 67108864 bytes", disk, 0, { 4096, 1, 1, 0, 1, 100, .span = (64 << 20) + 512 } },
		{ "no room", { 2048, 512, 0, 1, 1, false }, 0, { 4096, 1, 1, 0, 1, 100 } },
		{ "no room", { 1 << 20, 512, 0, 1, 1, false }, 0, { 4096, 129, 1, 0, 1, 100, .verify = true } },
	};
	struct blk_shape shape;
	struct iov *iov;

	(void)state;
	assert_int_equal(iov_open(&iov, NULL), 0);
	for (size_t i = 0; i < sizeof(misfits) / sizeof(*misfits); i++) {
		const struct misfit *misfit = &misfits[i];

		assert_int_equal(blk_shape_fit(&shape, iov, "the disk", &misfit->disk,
					       OFFERED & ~misfit->lacking, &misfit->options), -ENOTSUP);
		if (!strstr(iov_error_message(iov), misfit->says))
			fail_msg("nothing of '%s' in: %s", misfit->says, iov_error_message(iov));
		assert_non_null(strstr(iov_error_message(iov), "expected"));
	}
	iov_close(iov);
}

/* Requests of all kinds against the disk that does nothing: all come back, by kind. */
static void run_against_sink(const struct blk_load_options *options)
{
	struct blk_load_counts counts;
	struct blk_load *load;
	struct iov *iov;
	uint64_t all = 0;

	assert_int_equal(iov_open(&iov, NULL), 0);
	assert_int_equal(blk_load_open_sink(&load, iov, options, -1), 0);
	for (unsigned int turn = 0; turn < 2; turn++) {
		assert_int_equal(blk_load_run(load, 60, 1000, &never, &counts), 0);
		for (unsigned int i = 0; i < BLK_KINDS; i++) {
			assert_int_equal(counts.errors[i], 0);
			assert_int_equal(blk_load_latency(load, i)->total, counts.requests[i]);
			all += counts.requests[i];
		}
		assert_int_equal(counts.lost, 0);
		assert_true(counts.requests[BLK_READ] > 0 && counts.requests[BLK_WRITE] > 0);
		/* Each ring may have writes of the turn before that still want one. */
		assert_in_range(counts.requests[BLK_FLUSH], 1,
				counts.requests[BLK_WRITE] / 8 + options->queues);
		assert_int_equal(counts.bytes, (counts.requests[BLK_READ] +
					        counts.requests[BLK_WRITE]) * options->size);
	}
	assert_int_equal(all, 2000);
	blk_load_close(load);
	iov_close(iov);
}

static void sink_does_all_that_is_asked(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 16; i++) {
		const struct blk_load_options options = {
			.size = 8192, .depth = i & 8 ? 1 : 20, .queues = 1 + i % 3, .segments = 3,
			.read_percent = 50, .is_random = i & 1, .flush_every = 8,
			.packed = i & 1, .no_indirect = i & 2, .no_event_idx = i & 4, .no_huge = true,
		};

		run_against_sink(&options);
	}
}

static void what_the_sink_gives_back_is_not_what_was_written(void **state)
{
	const struct blk_load_options options = {
		.size = 4096, .depth = 8, .queues = 1, .segments = 1, .read_percent = 50,
		.is_random = true, .span = 1 << 20, .verify = true, .no_huge = true,
	};
	struct blk_load_counts counts;
	struct blk_load *load;
	struct iov *iov;

	(void)state;
	assert_int_equal(iov_open(&iov, NULL), 0);
	assert_int_equal(blk_load_open_sink(&load, iov, &options, -1), 0);
	assert_int_equal(blk_load_run(load, 60, 1000, &never, &counts), 0);
	assert_int_equal(counts.verdicts[BLK_GOOD] + counts.verdicts[BLK_STALE] +
			 counts.verdicts[BLK_MISPLACED] + counts.verdicts[BLK_CORRUPT],
			 counts.requests[BLK_READ] * 8);
	assert_int_equal(counts.verdicts[BLK_CORRUPT], counts.requests[BLK_READ] * 8);
	assert_true(counts.wrong.is_untouched);
	/* All places are written once, and read once. */
	assert_int_equal(blk_load_fill(load, &never, &counts), 0);
	assert_int_equal(counts.requests[BLK_WRITE], 256);
	assert_int_equal(blk_load_read_back(load, &never, &counts), 0);
	assert_int_equal(counts.requests[BLK_READ], 256);
	assert_int_equal(counts.requests[BLK_WRITE], 0);
	blk_load_close(load);
	iov_close(iov);
}

static void a_run_ends_when_somebody_wants_that(void **state)
{
	const bool stop = true;
	struct blk_load_counts counts;
	struct blk_load *load;
	struct iov *iov;

	(void)state;
	assert_int_equal(iov_open(&iov, NULL), 0);
	assert_int_equal(blk_load_open_sink(&load, iov, &plain, -1), 0);
	assert_int_equal(blk_load_run(load, 60, 0, &stop, &counts), -EINTR);
	assert_int_equal(blk_load_run(load, 0.05, 0, &never, &counts), 0);
	assert_true(counts.requests[BLK_READ] > 0);
	assert_true(counts.seconds >= 0.05);
	blk_load_close(load);
	iov_close(iov);
}

static void nobody_at_a_socket_is_an_error(void **state)
{
	const struct bench_side side = { .name = "x", .paths = { "/nonexistent/socket" }, .count = 1 };
	const struct blk_bench_options options = {
		.load = plain,
		.turns = { .turns = 1, .slice = 0.1, .no_headroom = true, .cpu = -1, .sink_cpu = -1,
			   .stop = &never },
	};
	struct json_object *results;
	struct iov *iov;

	(void)state;
	assert_int_equal(iov_open(&iov, NULL), 0);
	assert_int_equal(blk_bench_run(&results, iov, &side, 1, &options), -ENOENT);
	assert_non_null(strstr(iov_error_message(iov), "/nonexistent/socket"));
	assert_null(results);
	iov_close(iov);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_good),
		cmocka_unit_test(an_older_generation_is_stale),
		cmocka_unit_test(half_of_a_write_is_told),
		cmocka_unit_test(a_block_of_another_place_is_misplaced),
		cmocka_unit_test(anything_else_is_corrupt),
		cmocka_unit_test(places_are_claimed_and_remembered),
		cmocka_unit_test(loads_are_fit_to_the_disk),
		cmocka_unit_test(what_does_not_fit_is_said),
		cmocka_unit_test(sink_does_all_that_is_asked),
		cmocka_unit_test(what_the_sink_gives_back_is_not_what_was_written),
		cmocka_unit_test(a_run_ends_when_somebody_wants_that),
		cmocka_unit_test(nobody_at_a_socket_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
