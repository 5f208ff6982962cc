/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What blocks of a disk are filled with, so that each tells where it belongs and how old it is.
 *
 * Every 512 bytes have a magic number, their sector, a generation, and words that follow from
 * both.  So a block that is right in itself but has an older generation is stale: a write was
 * lost, or a cache is not coherent.  One of another sector went astray; anything else is corrupt.
 */
#ifndef IOV_BENCH_BLK_PATTERN_H
#define IOV_BENCH_BLK_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

/* What a virtio disk counts in, whatever its block size is. */
#define BLK_SECTOR 512

/**
 * enum blk_verdict - what a sector is
 */
enum blk_verdict {
	BLK_GOOD,
	BLK_STALE,     /* as it was before */
	BLK_MISPLACED, /* of another place */
	BLK_CORRUPT,   /* none of ours, or not whole, or of a generation that was not written */
	BLK_VERDICTS
};

/* "good", "stale", "misplaced", "corrupt" */
const char *blk_verdict_name(enum blk_verdict verdict);

/**
 * struct blk_wrong - a sector that is not what was written
 * @verdict: what is wrong; BLK_GOOD when nothing is
 * @sector: where it was read
 * @generation: what it should have
 * @found_sector: what it says of itself; 0 when it is corrupt
 * @found_generation: what it says of itself; 0 when it is corrupt
 * @is_zero: it has nothing but zeros
 * @is_untouched: it is memory as blk_pattern_spoil() left it, so nothing was read
 */
struct blk_wrong {
	enum blk_verdict verdict;
	uint64_t sector;
	uint64_t generation;
	uint64_t found_sector;
	uint64_t found_generation;
	bool is_zero;
	bool is_untouched;
};

/**
 * blk_pattern_fill - fill sectors
 * @to: memory, aligned to 8 bytes
 * @sector: first sector
 * @count: how many
 * @generation: theirs
 */
void blk_pattern_fill(void *to, uint64_t sector, unsigned int count, uint64_t generation);

/**
 * blk_pattern_spoil - have nothing in memory that could pass for what is going to be read
 * @to: memory, aligned to 8 bytes
 * @count: sectors
 */
void blk_pattern_spoil(void *to, unsigned int count);

/**
 * blk_pattern_check - look at sectors
 * @at: memory, aligned to 8 bytes
 * @sector: first sector
 * @count: how many
 * @generation: what they should have
 * @verdicts: sectors are added up by what they are
 * @wrong: receives the first one that is wrong, unless it has one
 */
void blk_pattern_check(const void *at, uint64_t sector, unsigned int count, uint64_t generation,
		       uint64_t verdicts[BLK_VERDICTS], struct blk_wrong *wrong);

#endif
