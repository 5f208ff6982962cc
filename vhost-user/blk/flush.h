/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flushes of a worker: one at a time.
 *
 * A flush covers what was given back before it was asked for, so one that comes while another is
 * under way is not covered by that.  All that come meanwhile are covered by the next one.
 *
 * Threads: the worker.
 */
#ifndef VHOST_USER_BLK_FLUSH_H
#define VHOST_USER_BLK_FLUSH_H

#include "vhost-user/blk/backend.h"

/**
 * blk_flush_submit - have what was done before be stable
 * @channel: the worker's way to the back end
 * @io: BLK_FLUSH, whose @done calls blk_flush_done()
 */
void blk_flush_submit(struct blk_channel *channel, struct blk_io *io);

/**
 * blk_flush_done - one is done
 * @channel: way that it took
 * @io: BLK_FLUSH
 *
 * The next one is submitted now.
 *
 * Return: those that were covered as well and were not told to anybody, linked by @next.
 */
struct blk_io *blk_flush_done(struct blk_channel *channel, const struct blk_io *io);

#endif
