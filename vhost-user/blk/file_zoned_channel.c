// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  A zone that is written in order has one I/O at a time, of all workers: the
 * kernel wants its writes one behind the other, and no two workers can promise that.  Others wait in
 * the list of their channel, as they came.  Who waits for a zone of another worker is told by nobody
 * when that is free, so that worker does not sleep.
 *
 * The kernel has no way to append, so an append is a write to where the zone goes on, which is known
 * here; it is told to the guest before it is begun.
 *
 * What may have been carried out already (@is_again) would not fit any more, or be in its zone twice.
 * A zone has one write at a time, so from where this one began to where the zone goes on is what is
 * there of it, if it is what the guest wanted written there; that is read and compared.  What is
 * missing is written behind it.  Of an append the kernel's last word counts: what was written since
 * is somebody else's, even if it is the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vhost-user/blk/file_zoned.h"

/* Bytes that are compared at once. */
#define COMPARED (64u << 10)

static struct zoned_channel *channel_of(struct blk_channel *base)
{
	return (struct zoned_channel *)base;
}

static struct file_zoned *zoned_of(const struct zoned_channel *channel)
{
	return file_of(channel->channel.backend)->zoned;
}

static void go_on(struct zoned_channel *channel);

static void finish(struct zoned_job *job, int error)
{
	struct zoned_channel *channel = job->channel;
	struct blk_io *io = job->io;

	if (job->zone)
		spin_unlock(&job->zone->use);
	free(job->buffer);
	free(job->rest);
	job->next = channel->free;
	channel->free = job;
	io->done(io, error);
}

/* What is behind @skip bytes of a vector, in memory of its own; its length in @count. */
static struct iovec *cut(const struct blk_io *io, uint64_t skip, unsigned int *count)
{
	struct iovec *rest = malloc(io->count * sizeof(*rest));
	unsigned int index = 0;

	while (rest && skip >= io->vector[index].iov_len)
		skip -= io->vector[index++].iov_len;
	*count = io->count - index;
	for (unsigned int i = 0; rest && i < *count; i++)
		rest[i] = io->vector[index + i];
	if (rest && *count) {
		rest[0].iov_base = (uint8_t *)rest[0].iov_base + skip;
		rest[0].iov_len -= skip;
	}
	return rest;
}

static void on_written(struct blk_io *inner, int error)
{
	struct zoned_job *job = (struct zoned_job *)inner;
	struct zoned_channel *channel = job->channel;

	if (error) {
		/* Where the zone goes on only the device knows now. */
		job->error = error;
		file_zoned_ask(job);
		return;
	}
	job->zone->next = inner->offset + inner->length;
	finish(job, 0);
	go_on(channel);
}

static int judge(const struct zoned_job *job)
{
	const struct file_zone *zone = job->zone;

	if (zone->state == VIRTIO_BLK_ZS_RDONLY || zone->state == VIRTIO_BLK_ZS_OFFLINE ||
	    zone->next >= zone->end)
		return BLK_ZONE_INVALID;
	if (job->io->op == BLK_WRITE && job->io->offset + job->kept != zone->next)
		return BLK_ZONE_UNALIGNED;
	return job->io->length - job->kept > zone->end - zone->next ? BLK_ZONE_INVALID : 0;
}

static void write_rest(struct zoned_job *job)
{
	const struct blk_io *io = job->io;
	unsigned int count = io->count;
	int error = judge(job);

	if (!error && job->kept) {
		job->rest = cut(io, job->kept, &count);
		error = job->rest ? 0 : -ENOMEM;
	}
	if (error) {
		finish(job, error);
		return;
	}
	job->inner = (struct blk_io){
		.op = BLK_WRITE,
		.is_stable = io->is_stable,
		.offset = job->zone->next,
		.length = io->length - job->kept,
		.vector = job->rest ? job->rest : io->vector,
		.count = count,
		.done = on_written,
	};
	file_submit(job->channel->file, &job->inner);
}

/* All of it, and not in continuation of anything. */
static void write_all(struct zoned_job *job)
{
	job->kept = 0;
	if (job->io->op == BLK_ZONE_APPEND && !judge(job)) {
		job->io->appended = job->zone->next;
		job->io->place(job->io);
	}
	write_rest(job);
}

static const struct file_backend *file_at(const struct zoned_job *job)
{
	return file_of(job->channel->channel.backend);
}

static uint64_t zone_bytes(const struct zoned_job *job)
{
	return zoned_of(job->channel)->zoned.zone_bytes;
}

/* Where it began, if it did. */
static uint64_t began_at(const struct zoned_job *job)
{
	return job->io->op == BLK_WRITE ? job->io->offset : job->io->appended;
}

/* How much of it the device has, if that is it. */
static uint64_t found(const struct zoned_job *job)
{
	const struct file_zone *zone = job->zone;
	const uint64_t at = began_at(job), length = job->io->length;
	const uint64_t until = job->io->op == BLK_WRITE ? zone->next : zone->found;

	if (at >= until || at + length > zone->end || at < job->index * zone_bytes(job) ||
	    at % file_at(job)->block)
		return 0;
	return until - at < length ? until - at : length;
}

static bool is_same(const struct zoned_job *job, size_t bytes)
{
	const uint8_t *read = job->buffer;
	unsigned int count;
	struct iovec *rest = cut(job->io, job->kept, &count);
	bool is_same = rest;

	for (unsigned int i = 0; is_same && bytes && i < count; i++) {
		size_t now = rest[i].iov_len < bytes ? rest[i].iov_len : bytes;

		is_same = !memcmp(rest[i].iov_base, read, now);
		read += now;
		bytes -= now;
	}
	free(rest);
	return is_same;
}

static void compare(struct zoned_job *job);

static void on_read(struct blk_io *inner, int error)
{
	struct zoned_job *job = (struct zoned_job *)inner;

	if (error) {
		finish(job, error);
		return;
	}
	if (!is_same(job, inner->length)) {
		write_all(job);
		return;
	}
	job->kept += inner->length;
	compare(job);
}

static void compare(struct zoned_job *job)
{
	const uint64_t left = found(job) - job->kept;

	if (job->kept == job->io->length) {
		finish(job, 0);
	} else if (left) {
		job->part = (struct iovec){ job->buffer, left < COMPARED ? left : COMPARED };
		job->inner = (struct blk_io){
			.op = BLK_READ,
			.offset = began_at(job) + job->kept,
			.length = job->part.iov_len,
			.vector = &job->part,
			.count = 1,
			.done = on_read,
		};
		file_submit(job->channel->file, &job->inner);
	} else if (began_at(job) + job->kept == job->zone->next) {
		write_rest(job);
	} else {
		write_all(job);
	}
}

static void look_whether_done(struct zoned_job *job)
{
	if (!found(job)) {
		write_all(job);
		return;
	}
	job->buffer = aligned_alloc(4096, COMPARED);
	if (!job->buffer) {
		finish(job, -ENOMEM);
		return;
	}
	compare(job);
}

static bool is_write(enum blk_op op)
{
	return op == BLK_WRITE || op == BLK_ZONE_APPEND;
}

static bool needs_zone(enum blk_op op)
{
	return op != BLK_ZONE_REPORT && op != BLK_ZONE_RESET_ALL;
}

/* There is a job for it, and it has its zone. */
static void start(struct zoned_channel *channel, struct blk_io *io, struct file_zone *zone)
{
	struct zoned_job *job = channel->free;

	channel->free = job->next;
	*job = (struct zoned_job){ .io = io, .channel = channel, .zone = zone };
	if (zone)
		job->index = (uint32_t)(zone - zoned_of(channel)->zones);
	if (!is_write(io->op))
		file_zoned_ask(job);
	else if (io->is_again)
		look_whether_done(job);
	else
		write_all(job);
}

static struct file_zone *zone_of(const struct zoned_channel *channel, const struct blk_io *io)
{
	struct file_zoned *zoned = zoned_of(channel);

	return needs_zone(io->op) ? &zoned->zones[blk_zone_of(&zoned->zoned, io->offset)] : NULL;
}

/* Whether nobody who came before waits for the same. */
static bool is_first(const struct zoned_channel *channel, const struct blk_io *io,
		     const struct file_zone *zone)
{
	for (const struct blk_io *other = channel->first; other != io; other = other->next)
		if (zone_of(channel, other) == zone)
			return false;
	return true;
}

static void take_out(struct zoned_channel *channel, struct blk_io **link)
{
	if (!(*link)->next)
		channel->last = link;
	*link = (*link)->next;
}

/* All that can, in the order in which it came; what it does may add to the list. */
static void go_on(struct zoned_channel *channel)
{
	struct blk_io **link = &channel->first;

	while (*link && channel->free) {
		struct blk_io *io = *link;
		struct file_zone *zone = zone_of(channel, io);

		if (zone && (!is_first(channel, io, zone) || !spin_try(&zone->use))) {
			link = &io->next;
			continue;
		}
		take_out(channel, link);
		start(channel, io, zone);
		/* It may have ended, and others with it. */
		link = &channel->first;
	}
}

void zoned_channel_submit(struct blk_channel *base, struct blk_io *io)
{
	struct zoned_channel *channel = channel_of(base);
	const struct blk_zoned *zoned = &zoned_of(channel)->zoned;

	if (io->op == BLK_READ || io->op == BLK_FLUSH ||
	    (io->op == BLK_WRITE &&
	     !blk_zone_is_written_in_order(zoned, blk_zone_of(zoned, io->offset)))) {
		file_submit(channel->file, io);
		return;
	}
	io->next = NULL;
	*channel->last = io;
	channel->last = &io->next;
	go_on(channel);
}

unsigned int zoned_channel_poll(struct blk_channel *base)
{
	struct zoned_channel *channel = channel_of(base);
	struct zoned_job *job = __atomic_exchange_n(&channel->done, NULL, __ATOMIC_ACQUIRE), *next;
	unsigned int count = 0;

	for (; job; job = next, count++) {
		next = job->next;
		finish(job, job->error);
	}
	if (channel->first)
		go_on(channel);
	return count;
}

int zoned_channel_fd(const struct blk_channel *base)
{
	return ((const struct zoned_channel *)base)->event;
}

bool zoned_channel_arm(struct blk_channel *base)
{
	return !channel_of(base)->first;
}

int zoned_channel_open(struct blk_channel **out, struct blk_backend *backend,
		       struct blk_uring *uring)
{
	struct zoned_channel *channel = calloc(1, sizeof(*channel));
	int error;

	if (!channel)
		return -ENOMEM;
	channel->channel.backend = backend;
	channel->last = &channel->first;
	for (unsigned int i = 0; i < ZONED_JOBS; i++) {
		channel->jobs[i].next = channel->free;
		channel->free = &channel->jobs[i];
	}
	channel->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = channel->event < 0 ? -errno : file_channel_open(&channel->file, backend, uring);
	if (error) {
		if (channel->event >= 0)
			close(channel->event);
		free(channel);
		return error;
	}
	*out = &channel->channel;
	return 0;
}

void zoned_channel_close(struct blk_channel *base)
{
	struct zoned_channel *channel = channel_of(base);
	struct file_zoned *zoned = zoned_of(channel);

	file_channel_close(channel->file);
	/* The thread may be about to wake us. */
	pthread_mutex_lock(&zoned->lock);
	close(channel->event);
	pthread_mutex_unlock(&zoned->lock);
	free(channel);
}
