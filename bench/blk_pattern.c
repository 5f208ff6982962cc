// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/blk_pattern.h"

#define MAGIC UINT64_C(0x6b6f636276696f1f)
#define SPOILED (~MAGIC)
#define WORDS (BLK_SECTOR / sizeof(uint64_t))

/* Words in front of those that follow from them. */
#define HEAD 3

/* The golden ratio, an odd number: words of a sector differ from each other in all bytes. */
#define STEP UINT64_C(0x9e3779b97f4a7c15)

const char *blk_verdict_name(enum blk_verdict verdict)
{
	static const char *const names[BLK_VERDICTS] = {"good", "stale", "misplaced", "corrupt"};

	return names[verdict];
}

/* So mixed that neighbours in place or time have nothing in common. */
static uint64_t seed_of(uint64_t sector, uint64_t generation)
{
	uint64_t seed = sector * STEP ^ (generation + STEP) * UINT64_C(0xbf58476d1ce4e5b9);

	seed = (seed ^ seed >> 31) * UINT64_C(0x94d049bb133111eb);
	return seed ^ seed >> 29;
}

static void fill(uint64_t *words, uint64_t sector, uint64_t generation)
{
	const uint64_t seed = seed_of(sector, generation);

	words[0] = MAGIC;
	words[1] = sector;
	words[2] = generation;
	for (unsigned int i = HEAD; i < WORDS; i++)
		words[i] = seed + i * STEP;
}

void blk_pattern_fill(void *to, uint64_t sector, unsigned int count, uint64_t generation)
{
	uint64_t *words = to;

	for (unsigned int i = 0; i < count; i++)
		fill(words + i * WORDS, sector + i, generation);
}

void blk_pattern_spoil(void *to, unsigned int count)
{
	uint64_t *words = to;

	for (unsigned int i = 0; i < count; i++)
		words[i * WORDS] = SPOILED;
}

/* Whether all words are those of a sector and a generation. */
static bool is_of(const uint64_t *words, uint64_t sector, uint64_t generation)
{
	const uint64_t seed = seed_of(sector, generation);
	uint64_t wrong = (words[0] ^ MAGIC) | (words[1] ^ sector) | (words[2] ^ generation);

	for (unsigned int i = HEAD; i < WORDS; i++)
		wrong |= words[i] ^ (seed + i * STEP);
	return !wrong;
}

static bool is_zero(const uint64_t *words)
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < WORDS; i++)
		all |= words[i];
	return !all;
}

/* What a sector is that is not what it should be. */
static struct blk_wrong judge(const uint64_t *words, uint64_t sector, uint64_t generation)
{
	struct blk_wrong wrong = {
		.verdict = BLK_CORRUPT,
		.sector = sector,
		.generation = generation,
		.is_zero = is_zero(words),
		.is_untouched = words[0] == SPOILED,
	};

	if (!is_of(words, words[1], words[2]))
		return wrong;
	wrong.found_sector = words[1];
	wrong.found_generation = words[2];
	if (words[1] != sector)
		wrong.verdict = BLK_MISPLACED;
	else if (words[2] < generation)
		wrong.verdict = BLK_STALE;
	return wrong;
}

void blk_pattern_check(const void *at, uint64_t sector, unsigned int count, uint64_t generation,
		       uint64_t verdicts[BLK_VERDICTS], struct blk_wrong *wrong)
{
	const uint64_t *words = at;

	for (unsigned int i = 0; i < count; i++, words += WORDS) {
		struct blk_wrong found;

		if (is_of(words, sector + i, generation)) {
			verdicts[BLK_GOOD]++;
			continue;
		}
		found = judge(words, sector + i, generation);
		verdicts[found.verdict]++;
		if (wrong->verdict == BLK_GOOD)
			*wrong = found;
	}
}
