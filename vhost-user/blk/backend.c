// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/backend.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const struct blk_backend_ops *const blk_backends[] = {
	&blk_backend_file, &blk_backend_nbd, &blk_backend_nvme, &blk_backend_memory, &blk_backend_null,
	NULL,
};

const char *const blk_warning_names[] = {
	"spare-low", "temperature", "reliability", "read-only", "backup-failed", "persistent-memory", NULL,
};

const struct blk_backend_ops *blk_backend_find(const char *name)
{
	for (unsigned int i = 0; blk_backends[i]; i++)
		if (!strcmp(blk_backends[i]->name, name))
			return blk_backends[i];
	return NULL;
}

int blk_source_check_bytes(struct iov *iov, const struct blk_backend_ops *ops, uint64_t bytes)
{
	if (bytes && !(bytes % BLK_BLOCK_MIN) && bytes <= INT64_MAX)
		return 0;
	return iov_fail(iov, -EINVAL, "size of a disk of kind %s: %" PRIu64 " bytes, expected a "
			"multiple of %d above 0", ops->name, bytes, BLK_BLOCK_MIN);
}

int blk_plain_channel_open(struct blk_channel **out, struct blk_backend *backend,
			   struct blk_uring *uring)
{
	struct blk_channel *channel = calloc(1, sizeof(*channel));

	(void)uring;
	if (!channel)
		return -ENOMEM;
	channel->backend = backend;
	*out = channel;
	return 0;
}

void blk_plain_channel_close(struct blk_channel *channel)
{
	free(channel);
}
