// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk in memory: what nobody wrote to takes none, and what is given back reads as zeroes.
 *
 * Workers share nothing but the bytes.  Who reads what somebody writes meanwhile gets what
 * was there before or what is there after of each byte, as from any disk.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "vhost-user/blk/backend.h"

/* Bytes that may be given back at once: about a millisecond of the worker. */
#define RANGE_MAX (UINT64_C(4) << 20)

/**
 * struct memory_backend - the disk
 * @bytes: its data
 * @size: bytes of it
 * @page: bytes of a page
 * @can_erase: nothing of it can have gone elsewhere
 */
struct memory_backend {
	struct blk_backend backend;
	uint8_t *bytes;
	uint64_t size;
	uint64_t page;
	bool read_only;
	bool can_erase;
};

static struct memory_backend *of(struct blk_backend *backend)
{
	return (struct memory_backend *)backend;
}

/* A host without swap keeps no copies; one line is the heading. */
static bool has_swap(struct iov *iov)
{
	char text[256];

	return iov_sys_read(iov, IOV_PATH_SWAPS, text, sizeof(text)) || strchr(text, '\n');
}

static int memory_open(struct blk_backend **out, struct iov *iov, const struct blk_source *source)
{
	struct memory_backend *memory;
	int error = blk_source_check_bytes(iov, &blk_backend_memory, source->bytes);

	if (error)
		return error;
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return iov_told(iov, -ENOMEM, "no memory for a disk");
	memory->bytes = mmap(NULL, source->bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory->bytes == MAP_FAILED) {
		error = iov_told(iov, -errno, "no address space for a disk of %" PRIu64
				 " bytes in memory: %s", source->bytes, strerror(errno));
		free(memory);
		return error;
	}
	/* Guests' secrets have no place in a core file. */
	madvise(memory->bytes, source->bytes, MADV_DONTDUMP);
	memory->backend.ops = &blk_backend_memory;
	memory->size = source->bytes;
	memory->page = (uint64_t)sysconf(_SC_PAGESIZE);
	memory->read_only = source->read_only;
	memory->can_erase = !has_swap(iov);
	*out = &memory->backend;
	return 0;
}

static int memory_describe(struct blk_backend *backend, struct blk_geometry *geometry)
{
	const struct memory_backend *memory = of(backend);
	uint64_t range_max = memory->read_only ? 0 : RANGE_MAX;

	*geometry = (struct blk_geometry){
		.bytes = memory->size,
		.block = BLK_BLOCK_MIN,
		.physical_block = BLK_BLOCK_MIN,
		.read_only = memory->read_only,
		.discard_max = range_max,
		.discard_block = (uint32_t)memory->page,
		.zeroes_max = range_max,
		.zeroes_may_unmap = true,
		.erase_max = memory->can_erase ? range_max : 0,
	};
	return 0;
}

static void memory_close(struct blk_backend *backend)
{
	munmap(of(backend)->bytes, of(backend)->size);
	free(backend);
}

static void copy(const struct blk_io *io, uint8_t *bytes)
{
	for (unsigned int i = 0; i < io->count; i++) {
		const struct iovec *part = io->vector + i;

		if (io->op == BLK_READ)
			memcpy(part->iov_base, bytes, part->iov_len);
		else
			memcpy(bytes, part->iov_base, part->iov_len);
		bytes += part->iov_len;
	}
}

/* Whole pages are given back, and are zeroes when they are touched again. */
static int clear(const struct memory_backend *memory, uint64_t offset, uint64_t length)
{
	uint64_t end = offset + length, first = (offset + memory->page - 1) & ~(memory->page - 1);
	uint64_t last = end & ~(memory->page - 1);

	if (first >= last) {
		memset(memory->bytes + offset, 0, length);
		return 0;
	}
	memset(memory->bytes + offset, 0, first - offset);
	memset(memory->bytes + last, 0, end - last);
	return madvise(memory->bytes + first, last - first, MADV_DONTNEED) ? -errno : 0;
}

static int carry_out(struct memory_backend *memory, const struct blk_io *io)
{
	switch (io->op) {
	case BLK_READ:
	case BLK_WRITE:
		copy(io, memory->bytes + io->offset);
		return 0;
	case BLK_FLUSH:
		return 0;
	case BLK_SECURE_ERASE:
		/* A page that is given back keeps what it has until somebody gets it. */
		memset(memory->bytes + io->offset, 0, io->length);
		return clear(memory, io->offset, io->length);
	case BLK_WRITE_ZEROES:
		if (!io->may_unmap) {
			memset(memory->bytes + io->offset, 0, io->length);
			return 0;
		}
		return clear(memory, io->offset, io->length);
	case BLK_DISCARD:
		return clear(memory, io->offset, io->length);
	case BLK_OPS:
		break;
	}
	return -EOPNOTSUPP;
}

static void memory_submit(struct blk_channel *channel, struct blk_io *io)
{
	io->done(io, carry_out(of(channel->backend), io));
}

const struct blk_backend_ops blk_backend_memory = {
	.name = "memory",
	.open = memory_open,
	.describe = memory_describe,
	.close = memory_close,
	.channel_open = blk_plain_channel_open,
	.channel_close = blk_plain_channel_close,
	.submit = memory_submit,
};
