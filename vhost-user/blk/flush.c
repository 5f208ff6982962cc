// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/flush.h"

#include <stddef.h>

void blk_flush_submit(struct blk_channel *channel, struct blk_io *io)
{
	if (channel->flush) {
		io->next = channel->flushes;
		channel->flushes = io;
		return;
	}
	channel->flush = io;
	channel->backend->ops->submit(channel, io);
}

struct blk_io *blk_flush_done(struct blk_channel *channel, const struct blk_io *io)
{
	struct blk_io *covered = channel->covered, *next = channel->flushes;

	/* It failed before there was one. */
	if (io != channel->flush)
		return NULL;
	channel->covered = channel->flushes = channel->flush = NULL;
	if (next) {
		channel->covered = next->next;
		blk_flush_submit(channel, next);
	}
	return covered;
}
