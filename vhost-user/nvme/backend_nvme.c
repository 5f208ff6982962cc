// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A namespace of an NVMe controller or of a VF, by VFIO.
 *
 * Nobody else can have it: VFIO gives a function to one process, and resets it when that ends, so
 * nothing that an earlier one began is still to come.  Its namespaces are disks of one keeper.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vhost-user/nvme/keeper.h"

/* Bytes of a range that a request may name. */
#define RANGE_MAX (UINT64_C(1) << 30)

/* Largest block that a guest is told of. */
#define BLOCK_MAX 65536

static struct nvme_disk *of(struct blk_backend *backend)
{
	return (struct nvme_disk *)backend;
}

/* "0000:01:00.0", "0000:01:00.0/1" or "0000:01:00.0/n1" */
static int parse(struct iov *iov, const char *path, struct iov_bdf *bdf, uint32_t *id)
{
	const char *number = iov_pci_namespace_at(path);
	char function[32] = "";
	uint64_t value;

	*id = 0;
	if ((size_t)(number - path) >= sizeof(function))
		return iov_bdf_parse(iov, path, bdf);
	memcpy(function, path, (size_t)(number - path));
	if (!*number)
		return iov_bdf_parse(iov, function, bdf);
	value = strtoull(number + (number[1] == 'n' ? 2 : 1), NULL, 10);
	if (!value || value >= UINT32_MAX)
		return iov_fail(iov, -EINVAL, "%s: namespace '%s': expected its number, as in "
				"0000:01:00.0/1", path, number + 1);
	*id = (uint32_t)value;
	return iov_bdf_parse(iov, function, bdf);
}

static int check_free(struct iov *iov, const struct keeper *keeper, uint32_t id)
{
	const struct nvme_disk *disk;

	LIST_FOREACH(disk, &keeper->disks, link)
		if (disk->space.id == id)
			return iov_fail_as(iov, IOV_FAILURE_OTHER, -EBUSY, "%s/%" PRIu32 ": is a disk "
					   "already, expected another namespace; see 'iov disk list'",
					   keeper->bus->name, id);
	return 0;
}

/* Each worker that gets a ring of a disk needs a queue for it. */
static int check_queues(struct iov *iov, const struct keeper *keeper, unsigned int workers)
{
	const unsigned int most = iov_nvme_info(keeper->nvme)->queues_max;
	const struct nvme_disk *disk;
	unsigned int disks = 1;

	LIST_FOREACH(disk, &keeper->disks, link)
		disks++;
	if (disks * workers <= most)
		return 0;
	return iov_fail_as(iov, IOV_FAILURE_OTHER, -ENOSPC, "%s: has %u queues, expected %u, for each of "
			   "%u workers and %u disks; give it more ('iov vf' for a VF), or iovd fewer "
			   "--workers", keeper->bus->name, most, disks * workers, workers, disks);
}

static int ask(struct iov *iov, struct keeper *keeper, uint32_t id,
	       struct iov_nvme_namespace *space)
{
	int error;

	pthread_mutex_lock(&keeper->lock);
	error = iov_nvme_namespace(keeper->nvme, id, space);
	if (error && iov)
		iov_fail_as(iov, iov_failure(keeper->iov, error), error, "%s",
			    iov_error_message(keeper->iov));
	pthread_mutex_unlock(&keeper->lock);
	return error;
}

static int check_space(struct iov *iov, const struct keeper *keeper,
		       const struct iov_nvme_namespace *space, const struct blk_source *source)
{
	if (space->read_only && !source->read_only)
		return iov_fail_as(iov, IOV_FAILURE_OTHER, -EROFS, "%s/%" PRIu32 ": is write protected; "
				   "make the disk read-only, or end that ('nvme set-feature -f 0x84')",
				   keeper->bus->name, space->id);
	return check_free(iov, keeper, space->id);
}

int nvme_disk_open(struct blk_backend **out, struct iov *iov, struct keeper *keeper, uint32_t id,
		   const struct blk_source *source)
{
	struct iov_nvme_namespace space;
	struct nvme_disk *disk;
	int error = check_queues(iov, keeper, source->workers);

	if (!error)
		error = ask(iov, keeper, id, &space);
	if (!error)
		error = check_space(iov, keeper, &space, source);
	if (error)
		return error;
	disk = calloc(1, sizeof(*disk));
	if (!disk)
		return iov_told(iov, -ENOMEM, "no memory for a disk");
	disk->backend.ops = &blk_backend_nvme;
	disk->keeper = keeper;
	disk->space = space;
	disk->read_only = source->read_only;
	disk->reach.bus = keeper->bus;
	disk->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (disk->news_fd < 0) {
		free(disk);
		return iov_told(iov, -EMFILE, "no descriptor for a disk");
	}
	pthread_mutex_lock(&keeper->lock);
	LIST_INSERT_HEAD(&keeper->disks, disk, link);
	pthread_mutex_unlock(&keeper->lock);
	*out = &disk->backend;
	return 0;
}

void nvme_disk_close(struct blk_backend *backend)
{
	struct nvme_disk *disk = of(backend);

	keeper_tidy(disk->keeper);
	while (disk->reach.count)
		nvme_reach_remove(&disk->reach, (void *)disk->reach.pieces[0].at);
	pthread_mutex_lock(&disk->keeper->lock);
	LIST_REMOVE(disk, link);
	pthread_mutex_unlock(&disk->keeper->lock);
	close(disk->news_fd);
	free(disk);
}

static int nvme_open(struct blk_backend **out, struct iov *iov, const struct blk_source *source)
{
	struct keeper *keeper;
	struct iov_bdf bdf;
	uint32_t id;
	int error = parse(iov, source->path, &bdf, &id);

	if (!error)
		error = keeper_get(&keeper, iov, bdf);
	if (error)
		return error;
	error = nvme_disk_open(out, iov, keeper, id, source);
	if (error)
		keeper_put(keeper);
	return error;
}

static void nvme_close(struct blk_backend *backend)
{
	struct keeper *keeper = of(backend)->keeper;

	nvme_disk_close(backend);
	keeper_put(keeper);
}

/* A power of two, of blocks that are preferred. */
static uint32_t preferred(const struct nvme_disk *disk)
{
	uint64_t bytes = (uint64_t)disk->space.write_blocks * disk->space.block_size;

	return bytes & (bytes - 1) || bytes > BLOCK_MAX ? disk->space.block_size : (uint32_t)bytes;
}

static int nvme_describe(struct blk_backend *backend, struct blk_geometry *geometry)
{
	const struct nvme_disk *disk = of(backend);
	const struct iov_nvme_info *info = iov_nvme_info(disk->keeper->nvme);
	struct iov_nvme_namespace now;
	int error = ask(NULL, disk->keeper, disk->space.id, &now);

	if (error)
		return error;
	/*
	 * Formatted by another controller, it is another disk.  Its blocks are not as long as what a
	 * command has memory for, so nothing is asked for any more.
	 */
	if (now.block_size != disk->space.block_size) {
		__atomic_store_n(&of(backend)->space.blocks, 0, __ATOMIC_RELAXED);
		return -ESTALE;
	}
	__atomic_store_n(&of(backend)->space.blocks, now.blocks, __ATOMIC_RELAXED);
	*geometry = (struct blk_geometry){
		.bytes = now.blocks * now.block_size,
		.block = now.block_size,
		.physical_block = preferred(disk),
		.read_only = disk->read_only,
		.has_cache = info->has_cache,
		.discard_max = info->discards && !disk->read_only ? RANGE_MAX : 0,
		.discard_block = now.discard_blocks * now.block_size,
		.zeroes_max = info->zeroes && !disk->read_only ? RANGE_MAX : 0,
		.zeroes_may_unmap = now.zeroes_unmap,
	};
	return 0;
}

static const char *nvme_identity(const struct blk_backend *backend)
{
	const struct nvme_disk *disk = (const struct nvme_disk *)backend;

	return *disk->space.identity ? disk->space.identity :
				       iov_nvme_info(disk->keeper->nvme)->serial;
}

static const char *nvme_status(const struct blk_backend *backend)
{
	static const char *const names[] = {
		[KEEPER_WELL] = NULL,
		[KEEPER_RESETS] = "controller-resets",
		[KEEPER_FAILED] = "controller-failed",
	};
	static const char *const presences[] = {
		[NVME_IS_THERE] = NULL,
		[NVME_IS_GONE] = "namespace-gone",
		[NVME_IS_FORMATTED] = "namespace-formatted",
	};
	const struct nvme_disk *disk = (const struct nvme_disk *)backend;
	const char *state = names[keeper_state(disk->keeper)];

	return state ? state : presences[__atomic_load_n(&disk->presence, __ATOMIC_RELAXED)];
}

static unsigned int nvme_warnings(const struct blk_backend *backend)
{
	return iov_nvme_warnings(((const struct nvme_disk *)backend)->keeper->nvme);
}

static int nvme_news_fd(const struct blk_backend *backend)
{
	return ((const struct nvme_disk *)backend)->news_fd;
}

static int nvme_memory_came(struct blk_backend *backend, void *memory, size_t bytes)
{
	return nvme_reach_add(&of(backend)->reach, memory, bytes);
}

static void nvme_memory_goes(struct blk_backend *backend, const void *memory)
{
	nvme_reach_remove(&of(backend)->reach, memory);
}

const struct blk_backend_ops blk_backend_nvme = {
	.name = "nvme",
	.takes = BLK_TAKES_FUNCTION,
	.open = nvme_open,
	.describe = nvme_describe,
	.identity = nvme_identity,
	.status = nvme_status,
	.warnings = nvme_warnings,
	.news_fd = nvme_news_fd,
	.memory_came = nvme_memory_came,
	.memory_goes = nvme_memory_goes,
	.close = nvme_close,
	.channel_open = nvme_channel_open,
	.channel_close = nvme_channel_close,
	.submit = nvme_channel_submit,
	.poll = nvme_channel_poll,
	.arm = nvme_channel_arm,
};
