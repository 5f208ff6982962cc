/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another guest at the same switch, which behaves, and must not notice what others do. */
#ifndef IOV_TESTS_FUZZ_WITNESS_H
#define IOV_TESTS_FUZZ_WITNESS_H

#include "tests/fuzz/fuzz.h"

/* Its port. */
#define WITNESS "witness-0"

/* At a bridge that is there. */
void witness_open(uint64_t features);

/* Once its port is closed. */
void witness_close(void);

/* It takes what it received, and has buffers for more. */
void witness_empty(void);

void witness_says(struct fuzz_input *input);

/* What it sends is taken, and nobody wrote where it has posted nothing. */
void witness_expect_unharmed(void);

#endif
