/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A zoned block device: where its zones go on, who writes to them, and a thread that asks the kernel
 * about them, which only system calls do that may take long.
 */
#ifndef VHOST_USER_BLK_FILE_ZONED_H
#define VHOST_USER_BLK_FILE_ZONED_H

#include <pthread.h>

#include "vhost-user/blk/file_backend.h"
#include "vhost-user/blk/zones.h"

/**
 * struct file_zone - a zone of a device
 * @use: of what is below: who writes to the zone or changes it
 * @next: byte of the disk where it goes on
 * @found: where it went on when the kernel was asked last
 * @end: byte behind the last that can be written
 * @state: VIRTIO_BLK_ZS_EMPTY and so on, when the kernel was asked last
 */
struct file_zone {
	struct spin use;
	uint64_t next;
	uint64_t found;
	uint64_t end;
	uint8_t state;
};

struct zoned_job;

/**
 * struct file_zoned - the zones, and who asks about them
 * @zoned: what they are
 * @bytes: of the disk, which stays as it was
 * @zones: they
 * @fd: the device
 * @thread: asks the kernel
 * @lock: around what is below, and around what the thread does with a channel
 * @change: of what is below
 * @first: what it is asked for
 * @last: where the next one goes
 * @is_ending: it ends when it has nothing to do
 */
struct file_zoned {
	struct blk_zoned zoned;
	uint64_t bytes;
	struct file_zone *zones;
	int fd;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	pthread_cond_t change;
	struct zoned_job *first;
	struct zoned_job **last;
	bool is_ending;
};

/**
 * struct zoned_job - an I/O that needs a zone, or the thread
 * @inner: what the file is asked for
 * @io: I/O
 * @channel: whose
 * @next: of the thread's, of those that it is done with, or of those that nobody has
 * @zone: that it has; NULL for none
 * @index: number of that; of the zone that is next, when all are reset
 * @error: what becomes of the I/O
 * @kept: bytes of it that are written already
 * @buffer: what is read to see that; NULL for none
 * @part: of that
 * @rest: what is left of its vector; NULL for all
 */
struct zoned_job {
	struct blk_io inner;
	struct blk_io *io;
	struct zoned_channel *channel;
	struct zoned_job *next;
	struct file_zone *zone;
	uint32_t index;
	int error;
	uint64_t kept;
	uint8_t *buffer;
	struct iovec part;
	struct iovec *rest;
};

/* I/Os of a channel that have a zone, or are the thread's. */
#define ZONED_JOBS 64

/**
 * struct zoned_channel - a worker's way to a zoned device
 * @file: its way to the device as a file
 * @event: eventfd that wakes the worker
 * @done: what the thread is done with, newest first; atomic
 * @free: jobs that nobody has
 * @first: I/Os that wait for their zone or for a job, as they came
 * @last: where the next one goes
 */
struct zoned_channel {
	struct blk_channel channel;
	struct blk_channel *file;
	int event;
	struct zoned_job *done;
	struct zoned_job *free;
	struct blk_io *first;
	struct blk_io **last;
	struct zoned_job jobs[ZONED_JOBS];
};

extern const struct blk_backend_ops file_zoned_ops;

/**
 * file_zoned_open - learn the zones of a device
 * @file: device that is being opened, which gets @zoned when it has zones
 *
 * Return: 0 or -errno with a message.
 */
int file_zoned_open(struct file_backend *file);

/**
 * file_zoned_close - forget them
 * @zoned: without channels; NULL is allowed
 */
void file_zoned_close(struct file_zoned *zoned);

/**
 * file_zoned_load - ask the kernel about all zones
 * @zoned: zones that nobody uses
 *
 * Return: 0 or -errno.
 */
int file_zoned_load(struct file_zoned *zoned);

/**
 * file_zoned_start - begin to answer
 * @zoned: zones
 *
 * Return: 0 or -errno.
 */
int file_zoned_start(struct file_zoned *zoned);

/**
 * file_zoned_ask - have the thread carry out a job
 * @job: job; comes back in its channel's @done
 *
 * A change or a report; or, for a write, what the kernel says of its zone.
 */
void file_zoned_ask(struct zoned_job *job);

/* Operations of a channel, by its worker: see backend.h */
int zoned_channel_open(struct blk_channel **out, struct blk_backend *backend,
		       struct blk_uring *uring);
void zoned_channel_close(struct blk_channel *base);
void zoned_channel_submit(struct blk_channel *base, struct blk_io *io);
unsigned int zoned_channel_poll(struct blk_channel *base);
int zoned_channel_fd(const struct blk_channel *base);
bool zoned_channel_arm(struct blk_channel *base);

#endif
