/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network device that reads by DMA what it was sent, when it likes, and hands over whatever the
 * network has: DPDK's net_ring with other functions for its bursts.  It reaches what was mapped for
 * it and nothing else, and that is mapped as long as the device has something there.
 */
#ifndef IOV_TESTS_FUZZ_READS_LATER_H
#define IOV_TESTS_FUZZ_READS_LATER_H

#include "tests/fuzz/fuzz.h"

/* It comes as a port, goes, receives or changes its ways, as the input says. */
void reads_later_act(struct fuzz_input *input);

/* Its port is removed: nothing is mapped any more. */
void reads_later_expect_gone(void);

/* At the end of a corpus. */
void reads_later_reached_everything(void);

#endif
