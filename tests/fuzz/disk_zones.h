/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A zoned device that is played: what the kernel answers to who asks about zones, and what becomes
 * of what is written to them.
 */
#ifndef IOV_TESTS_FUZZ_DISK_ZONES_H
#define IOV_TESTS_FUZZ_DISK_ZONES_H

#include "vhost-user/blk/backend.h"

/* Gives @submit what reaches the device as a file; its zones are empty. */
struct blk_backend *disk_zones_open(uint64_t bytes, uint32_t block,
				    void (*submit)(struct blk_channel *channel, struct blk_io *io));
void disk_zones_close(void);

const struct blk_zoned *disk_zones(void);

/* From now on what is asked about zones fails. */
void disk_zones_fail(bool fail);

/* What it is written to goes on there, and nobody else writes to its zone. */
void disk_zones_check(const struct blk_io *io, struct blk_io *const *held, unsigned int count);

/* What becomes of what is read or written; 0 or -errno as the kernel has it. */
int disk_zones_carry_out(const struct blk_io *io);

/* How many jobs its thread has not given back. */
unsigned int disk_zones_asked(void);
void disk_zones_polled(unsigned int count);

#endif
