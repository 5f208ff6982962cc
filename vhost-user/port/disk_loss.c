// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/disk_loss.h"

#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "vhost-user/port/port_log.h"
#include "vhost-user/port/registry.h"

#define LOOK_US 1000000

static uint64_t bytes_at_hand(const struct disk_port *disk)
{
	const struct blk_backend *backend = disk->disk.backend;

	return backend->ops->bytes_at_hand ? backend->ops->bytes_at_hand(backend) : UINT64_MAX;
}

static bool is_unlinked(const struct disk_port *disk)
{
	const struct blk_backend *backend = disk->disk.backend;

	return backend->ops->is_unlinked && backend->ops->is_unlinked(backend);
}

const char *disk_loss(const struct disk_port *disk)
{
	const uint64_t now = bytes_at_hand(disk);

	if (now >= disk->disk.geometry.bytes)
		return is_unlinked(disk) ? "unlinked" : NULL;
	return now ? "shrunk" : "gone";
}

static void tell(const struct disk_port *disk)
{
	struct iov *iov = disk->port.registry->iov;
	const char *name = disk->port.name, *where = disk->where ? disk->where : "its data";

	if (!disk->loss)
		iov_log_with(iov, LOG_NOTICE, PORT_FIELDS(name), "%s: %s is as long as its guest knows it again",
			     name, where);
	else if (!strcmp(disk->loss, "unlinked"))
		iov_log_with(iov, LOG_ERR, PORT_FIELDS(name),
			     "%s: %s was removed, or is the name of another file by now: what its guest has and writes "
			     "is lost when iovd ends or the disk is removed; copy it from there before", name, where);
	else if (!bytes_at_hand(disk))
		iov_log_with(iov, LOG_ERR, PORT_FIELDS(name), "%s: %s is gone", name, where);
	else
		iov_log_with(iov, LOG_ERR, PORT_FIELDS(name),
			     "%s: %s was cut: it has %" PRIu64 " bytes by now, and its guest knows %" PRIu64
			     "; what was behind is lost. Make it as long again, or have the guest learn of it by "
			     "'iov disk resize %s --shrink'",
			     name, where, bytes_at_hand(disk), disk->disk.geometry.bytes, name);
}

static int on_time(sd_event_source *source, uint64_t usec, void *data)
{
	struct disk_port *disk = data;
	const char *loss = disk_loss(disk);

	(void)usec;
	if (loss != disk->loss) {
		disk->loss = loss;
		tell(disk);
	}
	sd_event_source_set_time_relative(source, LOOK_US);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

int disk_loss_watch(struct disk_port *disk)
{
	int error;

	if (!disk->disk.backend->ops->bytes_at_hand)
		return 0;
	error = sd_event_add_time_relative(disk->port.registry->event, &disk->loss_timer, CLOCK_MONOTONIC,
					   LOOK_US, 0, on_time, disk);
	return error < 0 ? error : 0;
}

void disk_loss_unwatch(struct disk_port *disk)
{
	disk->loss_timer = sd_event_source_disable_unref(disk->loss_timer);
}
