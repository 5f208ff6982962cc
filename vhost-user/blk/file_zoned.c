// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  The kernel has commands for zones only as ioctl(), which waits for the
 * device, so a thread makes them; workers hand it jobs and get them back.  It also looks where a
 * zone goes on after a write that failed.  A job has its zone meanwhile, and with it all that is
 * known of the zone.
 *
 * To reset all zones is to reset those that are not empty, one after the other, each when nobody
 * has it.  Who has one may wait for this thread, so what cannot be had goes behind that.
 */
#include "vhost-user/blk/file_zoned.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/blkzoned.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>

#include "vhost-user/blk/request.h"
#include "vhost-user/thread.h"

/* Zones that the kernel is asked about at once. */
#define ASKED 128

/* Nanoseconds between tries to have a zone that somebody writes to. */
#define PAUSE_NS 200000

/* What the kernel says of some zones. */
union answer {
	struct blk_zone_report head;
	uint8_t bytes[sizeof(struct blk_zone_report) + ASKED * sizeof(struct blk_zone)];
};

/* The kernel has the states as they are in the specification. */
static_assert((int)BLK_ZONE_COND_EMPTY == VIRTIO_BLK_ZS_EMPTY &&
		      (int)BLK_ZONE_COND_CLOSED == VIRTIO_BLK_ZS_CLOSED &&
		      (int)BLK_ZONE_COND_READONLY == VIRTIO_BLK_ZS_RDONLY &&
		      (int)BLK_ZONE_COND_FULL == VIRTIO_BLK_ZS_FULL &&
		      (int)BLK_ZONE_COND_OFFLINE == VIRTIO_BLK_ZS_OFFLINE &&
		      (int)BLK_ZONE_TYPE_SEQWRITE_REQ == VIRTIO_BLK_ZT_SWR,
	      "as ZBC has them");

static uint64_t start_of(const struct file_zoned *zoned, uint32_t index)
{
	return index * zoned->zoned.zone_bytes;
}

static uint64_t bytes_of(const struct file_zoned *zoned, uint32_t index)
{
	const uint64_t left = zoned->bytes - start_of(zoned, index);

	return left < zoned->zoned.zone_bytes ? left : zoned->zoned.zone_bytes;
}

/* Zones from @index on, at least one. */
static int ask(const struct file_zoned *zoned, uint32_t index, uint32_t most, union answer *answer)
{
	const uint32_t left = zoned->zoned.count - index;

	most = most < ASKED ? most : ASKED;
	answer->head = (struct blk_zone_report){
		.sector = start_of(zoned, index) / BLK_SECTOR,
		.nr_zones = most < left ? most : left,
	};
	if (ioctl(zoned->fd, BLKREPORTZONE, answer))
		return -errno;
	return answer->head.nr_zones ? 0 : -EIO;
}

/* How many sectors of it can be written; older kernels do not say. */
static uint64_t capacity_of(const union answer *answer, const struct blk_zone *zone)
{
	return answer->head.flags & BLK_ZONE_REP_CAPACITY ? zone->capacity : zone->len;
}

static void note(struct file_zoned *zoned, uint32_t index, const union answer *answer,
		 const struct blk_zone *from)
{
	struct file_zone *zone = &zoned->zones[index];

	zone->end = (from->start + capacity_of(answer, from)) * BLK_SECTOR;
	zone->state = from->cond;
	/* The kernel does not say where one goes on that cannot be written to. */
	zone->next = from->cond == BLK_ZONE_COND_FULL ? zone->end : from->wp * BLK_SECTOR;
	zone->found = zone->next;
}

static int load_some(struct file_zoned *zoned, uint32_t *index, union answer *answer)
{
	int error = ask(zoned, *index, ASKED, answer);

	for (uint32_t i = 0; !error && i < answer->head.nr_zones; i++, ++*index) {
		const struct blk_zone *zone = &answer->head.zones[i];

		if (zone->start != start_of(zoned, *index) / BLK_SECTOR ||
		    zone->len != bytes_of(zoned, *index) / BLK_SECTOR)
			return -EPROTO;
		zoned->zoned.types[*index] = zone->type;
		note(zoned, *index, answer, zone);
	}
	return error;
}

int file_zoned_load(struct file_zoned *zoned)
{
	union answer answer;
	uint32_t index = 0;
	int error = 0;

	while (!error && index < zoned->zoned.count)
		error = load_some(zoned, &index, &answer);
	return error;
}

static int renew(struct file_zoned *zoned, uint32_t index)
{
	union answer answer;
	int error = ask(zoned, index, 1, &answer);

	if (!error)
		note(zoned, index, &answer, &answer.head.zones[0]);
	return error;
}

/* To close a zone twice is an error where nothing is in it, and it is empty by now. */
static bool was_closed(const struct file_zoned *zoned, const struct blk_io *io, uint32_t index)
{
	const uint8_t state = zoned->zones[index].state;

	return io->is_again && io->op == BLK_ZONE_CLOSE &&
	       (state == VIRTIO_BLK_ZS_EMPTY || state == VIRTIO_BLK_ZS_CLOSED);
}

static int change(struct file_zoned *zoned, enum blk_op op, uint32_t index)
{
	static const unsigned long requests[BLK_OPS] = {
		[BLK_ZONE_OPEN] = BLKOPENZONE, [BLK_ZONE_CLOSE] = BLKCLOSEZONE,
		[BLK_ZONE_FINISH] = BLKFINISHZONE, [BLK_ZONE_RESET] = BLKRESETZONE,
	};
	struct blk_zone_range range = { start_of(zoned, index) / BLK_SECTOR,
					bytes_of(zoned, index) / BLK_SECTOR };
	int error = ioctl(zoned->fd, requests[op], &range) ? -errno : 0;

	renew(zoned, index);
	/* So it says that a state does not lead to another one. */
	return error == -EIO || error == -EINVAL ? BLK_ZONE_INVALID : error;
}

static bool is_empty(const struct file_zoned *zoned, uint32_t index)
{
	const struct file_zone *zone = &zoned->zones[index];

	return zone->state == VIRTIO_BLK_ZS_EMPTY && zone->next == start_of(zoned, index);
}

static bool can_be_reset(const struct file_zoned *zoned, uint32_t index)
{
	const uint8_t state = zoned->zones[index].state;

	return zoned->zoned.types[index] != VIRTIO_BLK_ZT_CONV && state != VIRTIO_BLK_ZS_RDONLY &&
	       state != VIRTIO_BLK_ZS_OFFLINE;
}

/* Those that can be had: -EAGAIN when one cannot. */
static int reset_all(struct file_zoned *zoned, struct zoned_job *job)
{
	int error = 0;

	for (; !error && job->index < zoned->zoned.count; job->index++) {
		struct file_zone *zone = &zoned->zones[job->index];

		if (!spin_try(&zone->use))
			return -EAGAIN;
		if (can_be_reset(zoned, job->index) && !is_empty(zoned, job->index))
			error = change(zoned, BLK_ZONE_RESET, job->index);
		spin_unlock(&zone->use);
	}
	return error;
}

static void report_some(const struct blk_io *io, const union answer *answer, uint64_t before)
{
	for (uint32_t i = 0; i < answer->head.nr_zones; i++) {
		const struct blk_zone *zone = &answer->head.zones[i];
		const struct blk_report_zone entry = {
			.z_cap = htole64(capacity_of(answer, zone)),
			.z_start = htole64(zone->start),
			.z_wp = htole64(zone->wp),
			.z_type = zone->type,
			.z_state = zone->cond,
		};

		blk_report_write(io, sizeof(struct blk_report_head) + (before + i) * sizeof(entry),
				 &entry, sizeof(entry));
	}
}

static int report(const struct file_zoned *zoned, const struct blk_io *io)
{
	const uint32_t first = blk_zone_of(&zoned->zoned, io->offset);
	const uint64_t left = zoned->zoned.count - first, room = blk_report_room(io);
	const uint64_t most = room < left ? room : left;
	struct blk_report_head head = { 0 };
	union answer answer;
	uint64_t count = 0;
	int error = 0;

	while (!error && count < most) {
		error = ask(zoned, first + (uint32_t)count, (uint32_t)(most - count), &answer);
		if (error)
			break;
		report_some(io, &answer, count);
		count += answer.head.nr_zones;
	}
	head.nr_zones = htole64(count);
	blk_report_write(io, 0, &head, sizeof(head));
	return error;
}

/* Returns whether it is done; else it has to wait for a zone. */
static bool carry_out(struct file_zoned *zoned, struct zoned_job *job)
{
	switch (job->io->op) {
	case BLK_ZONE_REPORT:
		job->error = report(zoned, job->io);
		return true;
	case BLK_ZONE_RESET_ALL:
		job->error = reset_all(zoned, job);
		return job->error != -EAGAIN;
	case BLK_WRITE:
	case BLK_ZONE_APPEND:
		renew(zoned, job->index);
		return true;
	default:
		job->error = change(zoned, job->io->op, job->index);
		if (job->error == BLK_ZONE_INVALID && was_closed(zoned, job->io, job->index))
			job->error = 0;
		return true;
	}
}

static void queue(struct file_zoned *zoned, struct zoned_job *job)
{
	job->next = NULL;
	*zoned->last = job;
	zoned->last = &job->next;
}

void file_zoned_ask(struct zoned_job *job)
{
	struct file_zoned *zoned = file_of(job->channel->channel.backend)->zoned;

	pthread_mutex_lock(&zoned->lock);
	queue(zoned, job);
	pthread_cond_signal(&zoned->change);
	pthread_mutex_unlock(&zoned->lock);
}

/* With the lock, so that the channel is there until this is over. */
static void give_back(struct zoned_job *job)
{
	struct zoned_channel *channel = job->channel;

	job->next = __atomic_load_n(&channel->done, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&channel->done, &job->next, job, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	eventfd_write(channel->event, 1);
}

static struct zoned_job *take(struct file_zoned *zoned)
{
	struct zoned_job *job;

	while (!zoned->first && !zoned->is_ending)
		pthread_cond_wait(&zoned->change, &zoned->lock);
	job = zoned->first;
	if (job)
		zoned->first = job->next;
	if (!zoned->first)
		zoned->last = &zoned->first;
	return job;
}

static void *run(void *arg)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct file_zoned *zoned = arg;
	struct zoned_job *job;

	pthread_mutex_lock(&zoned->lock);
	while ((job = take(zoned))) {
		bool is_done;

		pthread_mutex_unlock(&zoned->lock);
		is_done = carry_out(zoned, job);
		if (!is_done)
			nanosleep(&pause, NULL);
		pthread_mutex_lock(&zoned->lock);
		if (is_done)
			give_back(job);
		else
			queue(zoned, job);
	}
	pthread_mutex_unlock(&zoned->lock);
	return NULL;
}

int file_zoned_start(struct file_zoned *zoned)
{
	int error = thread_begin(&zoned->thread, "iovd-zones", run, zoned);

	zoned->has_thread = !error;
	return -error;
}

static void stop(struct file_zoned *zoned)
{
	pthread_mutex_lock(&zoned->lock);
	zoned->is_ending = true;
	pthread_cond_signal(&zoned->change);
	pthread_mutex_unlock(&zoned->lock);
	pthread_join(zoned->thread, NULL);
}

void file_zoned_close(struct file_zoned *zoned)
{
	if (!zoned)
		return;
	if (zoned->has_thread)
		stop(zoned);
	pthread_cond_destroy(&zoned->change);
	pthread_mutex_destroy(&zoned->lock);
	free(zoned->zoned.types);
	free(zoned->zones);
	free(zoned);
}

static uint8_t model_of(const struct file_backend *file)
{
	char text[32];

	if (!file->is_device || file_queue_read(file, "zoned", text, sizeof(text)))
		return VIRTIO_BLK_Z_NONE;
	if (!strcmp(text, "host-managed"))
		return VIRTIO_BLK_Z_HM;
	return !strcmp(text, "host-aware") ? VIRTIO_BLK_Z_HA : VIRTIO_BLK_Z_NONE;
}

static uint32_t granule_of(const struct file_backend *file)
{
	const uint64_t bytes = file_queue_number(file, "zone_write_granularity");

	return bytes > file->block && !(bytes % file->block) && bytes <= UINT32_MAX ?
		       (uint32_t)bytes : file->block;
}

static int fill(struct file_zoned *zoned, const struct file_backend *file)
{
	uint32_t sectors = 0, count = 0;
	int64_t bytes = file_size(file);

	if (ioctl(zoned->fd, BLKGETZONESZ, &sectors) || ioctl(zoned->fd, BLKGETNRZONES, &count))
		return -errno;
	zoned->bytes = (uint64_t)bytes;
	zoned->zoned.zone_bytes = (uint64_t)sectors * BLK_SECTOR;
	zoned->zoned.granule = granule_of(file);
	zoned->zoned.count = count;
	if (!sectors || bytes <= 0 || (zoned->zoned.zone_bytes % zoned->zoned.granule) ||
	    count != (zoned->bytes + zoned->zoned.zone_bytes - 1) / zoned->zoned.zone_bytes)
		return -EPROTO;
	zoned->zoned.append_max = blk_zones_append_max(&zoned->zoned);
	zoned->zoned.open_max = (uint32_t)file_queue_number(file, "max_open_zones");
	zoned->zoned.active_max = (uint32_t)file_queue_number(file, "max_active_zones");
	zoned->zoned.types = malloc(count);
	zoned->zones = calloc(count, sizeof(*zoned->zones));
	if (!zoned->zoned.types || !zoned->zones)
		return -ENOMEM;
	return file_zoned_load(zoned);
}

int file_zoned_open(struct file_backend *file)
{
	const uint8_t model = model_of(file);
	struct file_zoned *zoned;
	int error;

	if (model == VIRTIO_BLK_Z_NONE)
		return 0;
	if (!file->is_direct)
		return iov_fail(file->iov, -EINVAL, "%s: has zones, which the page cache would write in "
				"any order; leave --cached out", file->path);
	zoned = calloc(1, sizeof(*zoned));
	if (!zoned)
		return iov_told(file->iov, -ENOMEM, "no memory for the zones of a disk");
	pthread_mutex_init(&zoned->lock, NULL);
	pthread_cond_init(&zoned->change, NULL);
	zoned->last = &zoned->first;
	zoned->zoned.model = model;
	zoned->fd = file->fd;
	error = fill(zoned, file);
	if (!error)
		error = file_zoned_start(zoned);
	if (error) {
		file_zoned_close(zoned);
		return iov_told(file->iov, error, "%s: its zones cannot be had: %s; name the whole "
				"device, and none that maps a part of one", file->path,
				strerror(-error));
	}
	file->zoned = zoned;
	file->backend.ops = &file_zoned_ops;
	return 0;
}
