// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/disk.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/blk/request.h"

/* As the guest gets it, little-endian, in one word that workers can read. */
static void set_lifetime(struct blk_disk *disk, const struct blk_geometry *geometry)
{
	const struct blk_lifetime *from = &geometry->lifetime;
	const uint64_t word = from->pre_eol | (uint64_t)from->slc << 16 | (uint64_t)from->mlc << 32;

	__atomic_store_n(&disk->lifetime, htole64(word), __ATOMIC_RELAXED);
}

int blk_disk_open(struct blk_disk *disk, struct iov *iov, const struct blk_backend_ops *ops,
		  const struct blk_source *source)
{
	int error = ops->open(&disk->backend, iov, source);

	if (error)
		return error;
	error = ops->describe(disk->backend, &disk->geometry);
	if (error)
		return iov_told(iov, error, "%s: its size cannot be had: %s",
				source->path ? source->path : ops->name, strerror(-error));
	disk->sectors = disk->geometry.bytes / BLK_SECTOR;
	disk->has_cache = true;
	set_lifetime(disk, &disk->geometry);
	blk_order_init(&disk->order);
	return 0;
}

void blk_disk_close(struct blk_disk *disk)
{
	if (disk->backend)
		disk->backend->ops->close(disk->backend);
	disk->backend = NULL;
}

int blk_disk_lock(struct blk_disk *disk)
{
	const struct blk_backend_ops *ops = disk->backend->ops;
	int error = ops->lock ? ops->lock(disk->backend) : 0;

	if (!error)
		__atomic_store_n(&disk->is_locked, true, __ATOMIC_RELEASE);
	return error;
}

void blk_disk_unlocks(struct blk_disk *disk)
{
	__atomic_store_n(&disk->is_locked, false, __ATOMIC_RELEASE);
}

int blk_disk_unlock(struct blk_disk *disk)
{
	int error = disk->backend->ops->unlock(disk->backend);

	if (error)
		__atomic_store_n(&disk->is_locked, true, __ATOMIC_RELEASE);
	return error;
}

bool blk_disk_renew(struct blk_disk *disk)
{
	struct blk_geometry now;

	if (disk->backend->ops->describe(disk->backend, &now))
		return false;
	set_lifetime(disk, &now);
	if (now.bytes == disk->geometry.bytes)
		return false;
	disk->geometry.bytes = now.bytes;
	__atomic_store_n(&disk->sectors, now.bytes / BLK_SECTOR, __ATOMIC_RELAXED);
	return true;
}

int blk_disk_set_serial(struct blk_disk *disk, struct iov *iov, const char *serial)
{
	const size_t length = strlen(serial);
	bool printable = length <= sizeof(disk->serial);

	for (size_t i = 0; printable && i < length; i++)
		printable = serial[i] > ' ' && serial[i] <= '~';
	if (!printable)
		return iov_fail(iov, -EINVAL, "serial '%.64s': expected up to %d letters, digits and "
				"signs", serial, VIRTIO_BLK_ID_BYTES);
	memset(disk->serial, 0, sizeof(disk->serial));
	memcpy(disk->serial, serial, length);
	return 0;
}

static const char *const policies[BLK_ERROR_POLICIES] = {
	[BLK_ERROR_REPORT] = "report",
	[BLK_ERROR_WAIT] = "wait",
};

bool blk_on_error_parse(const char *text, enum blk_on_error *on_error)
{
	for (unsigned int i = 0; i < BLK_ERROR_POLICIES; i++) {
		if (!strcmp(policies[i], text)) {
			*on_error = (enum blk_on_error)i;
			return true;
		}
	}
	return false;
}

const char *blk_on_error_name(enum blk_on_error on_error)
{
	return policies[on_error];
}
