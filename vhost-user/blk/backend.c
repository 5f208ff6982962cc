// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/backend.h"

#include <stddef.h>
#include <string.h>

const struct blk_backend_ops *const blk_backends[] = {
	&blk_backend_file, &blk_backend_memory, &blk_backend_null, NULL,
};

const struct blk_backend_ops *blk_backend_find(const char *name)
{
	for (unsigned int i = 0; blk_backends[i]; i++)
		if (!strcmp(blk_backends[i]->name, name))
			return blk_backends[i];
	return NULL;
}
