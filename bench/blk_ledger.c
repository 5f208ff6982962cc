// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/blk_ledger.h"

#include <errno.h>
#include <stdlib.h>

int blk_ledger_open(struct blk_ledger *ledger, uint64_t slots, uint64_t base)
{
	*ledger = (struct blk_ledger){
		.base = base,
		.slots = slots,
		.entries = calloc(slots, sizeof(*ledger->entries)),
	};
	return ledger->entries ? 0 : -ENOMEM;
}

void blk_ledger_close(struct blk_ledger *ledger)
{
	free(ledger->entries);
	*ledger = (struct blk_ledger){0};
}
