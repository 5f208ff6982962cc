// SPDX-License-Identifier: GPL-2.0-or-later
/* A disk that keeps nothing and does all at once, to measure the others by. */
#include <errno.h>
#include <stdlib.h>

#include "vhost-user/blk/backend.h"

/* Bytes that one request may name of what costs nothing. */
#define RANGE_MAX (UINT64_C(1) << 30)

struct null_backend {
	struct blk_backend backend;
	uint64_t bytes;
	bool read_only;
};

static int null_open(struct blk_backend **out, struct iov *iov, const struct blk_source *source)
{
	struct null_backend *null;
	int error = blk_source_check_bytes(iov, &blk_backend_null, source->bytes);

	if (error)
		return error;
	null = calloc(1, sizeof(*null));
	if (!null)
		return iov_told(iov, -ENOMEM, "no memory for a disk");
	null->backend.ops = &blk_backend_null;
	null->bytes = source->bytes;
	null->read_only = source->read_only;
	*out = &null->backend;
	return 0;
}

static int null_describe(struct blk_backend *backend, struct blk_geometry *geometry)
{
	const struct null_backend *null = (const struct null_backend *)backend;

	*geometry = (struct blk_geometry){
		.bytes = null->bytes,
		.block = BLK_BLOCK_MIN,
		.physical_block = BLK_BLOCK_MIN,
		.read_only = null->read_only,
		.discard_max = null->read_only ? 0 : RANGE_MAX,
		.zeroes_max = null->read_only ? 0 : RANGE_MAX,
		.zeroes_may_unmap = true,
		.erase_max = null->read_only ? 0 : RANGE_MAX,
	};
	return 0;
}

static int null_check_size(struct blk_backend *backend, struct iov *iov, uint64_t bytes)
{
	return blk_source_check_bytes(iov, backend->ops, bytes);
}

static int null_resize(struct blk_backend *backend, struct iov *iov, uint64_t bytes)
{
	(void)iov;
	((struct null_backend *)backend)->bytes = bytes;
	return 0;
}

static void null_close(struct blk_backend *backend)
{
	free(backend);
}

static void null_submit(struct blk_channel *channel, struct blk_io *io)
{
	(void)channel;
	io->done(io, 0);
}

const struct blk_backend_ops blk_backend_null = {
	.name = "null",
	.open = null_open,
	.describe = null_describe,
	.check_size = null_check_size,
	.resize = null_resize,
	.close = null_close,
	.channel_open = blk_plain_channel_open,
	.channel_close = blk_plain_channel_close,
	.submit = null_submit,
};
