/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every place of a disk has, as far as we wrote it.
 *
 * A place is claimed while a request for it is under way, so that what a read has to give is
 * certain.  Generations only grow, over runs as well: they begin with the time.
 */
#ifndef IOV_BENCH_BLK_LEDGER_H
#define IOV_BENCH_BLK_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct blk_ledger - places
 * @base: generation before the first one
 * @slots: length of @entries
 * @entries: times that each place was written, and flags
 */
struct blk_ledger {
	uint64_t base;
	uint64_t slots;
	uint64_t *entries;
};

#define BLK_LEDGER_CLAIMED (UINT64_C(1) << 63)
#define BLK_LEDGER_KNOWN (UINT64_C(1) << 62)

/**
 * blk_ledger_open - nothing is known of any place
 * @ledger: overwritten; closed with blk_ledger_close()
 * @slots: how many places
 * @base: later than that of any ledger of the same disk
 *
 * Return: 0 or -ENOMEM.
 */
int blk_ledger_open(struct blk_ledger *ledger, uint64_t slots, uint64_t base);

/**
 * blk_ledger_claim - have a place for oneself
 * @ledger: ledger
 * @slot: place
 *
 * Return: false when somebody has it.
 */
static inline bool blk_ledger_claim(struct blk_ledger *ledger, uint64_t slot)
{
	if (ledger->entries[slot] & BLK_LEDGER_CLAIMED)
		return false;
	ledger->entries[slot] |= BLK_LEDGER_CLAIMED;
	return true;
}

/**
 * blk_ledger_generation - what a place has
 * @ledger: ledger
 * @slot: place, claimed
 *
 * Return: its generation; 0 when that is not known.
 */
static inline uint64_t blk_ledger_generation(const struct blk_ledger *ledger, uint64_t slot)
{
	const uint64_t entry = ledger->entries[slot];

	return entry & BLK_LEDGER_KNOWN ? ledger->base + (entry & (BLK_LEDGER_KNOWN - 1)) : 0;
}

/**
 * blk_ledger_renew - a place is going to be written
 * @ledger: ledger
 * @slot: place, claimed
 *
 * What it has is not known until blk_ledger_release().
 *
 * Return: the generation to be written.
 */
static inline uint64_t blk_ledger_renew(struct blk_ledger *ledger, uint64_t slot)
{
	uint64_t *entry = &ledger->entries[slot];

	*entry = (*entry + 1) & ~BLK_LEDGER_KNOWN;
	return ledger->base + (*entry & (BLK_LEDGER_KNOWN - 1));
}

/**
 * blk_ledger_release - give a place back
 * @ledger: ledger
 * @slot: place, claimed
 * @is_written: it has what blk_ledger_renew() said
 */
static inline void blk_ledger_release(struct blk_ledger *ledger, uint64_t slot, bool is_written)
{
	ledger->entries[slot] &= ~BLK_LEDGER_CLAIMED;
	if (is_written)
		ledger->entries[slot] |= BLK_LEDGER_KNOWN;
}

/**
 * blk_ledger_close - forget all
 * @ledger: zeroed or opened
 */
void blk_ledger_close(struct blk_ledger *ledger);

#endif
