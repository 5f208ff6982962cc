/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A controller in iovd's hands, and the thread that looks after it.
 *
 * Theory of operation.  Workers have a channel each, with a pair of queues of its own, and no lock
 * between them.  What takes time is done by the keeper's thread: it makes and deletes queues, counts
 * time, has what does not end aborted, and resets a controller that has failed or does not answer.
 * For a reset it takes the @use of all channels, which their workers otherwise have for the time of
 * one look and do not wait for.
 *
 * A controller has one keeper, whose disks are its namespaces.
 *
 * Threads: the control thread, where nothing else is said.
 */
#ifndef VHOST_USER_NVME_KEEPER_H
#define VHOST_USER_NVME_KEEPER_H

#include <pthread.h>
#include <sys/queue.h>

#include "plugins/drivers/nvme_driver.h"
#include "vhost-user/blk/backend.h"
#include "vhost-user/nvme/reach.h"
#include "vhost-user/spin.h"

/* Commands of a channel at once. */
#define NVME_DEPTH 256

/* Memory of our own for what the controller cannot reach where it is. */
#define NVME_BOUNCES 16
#define NVME_BOUNCE_BYTES 65536

/**
 * enum keeper_state - how the controller is
 * @KEEPER_WELL: it works
 * @KEEPER_RESETS: it is being reset
 * @KEEPER_FAILED: it could not be; that is tried again
 */
enum keeper_state {
	KEEPER_WELL,
	KEEPER_RESETS,
	KEEPER_FAILED,
};

LIST_HEAD(nvme_channels, nvme_channel);
LIST_HEAD(nvme_disks, nvme_disk);

/**
 * struct keeper - see above
 * @iov: context of the thread's, and of the driver
 * @log: context of the control thread, to write to its log alone
 * @domain: what the controller reaches; NULL for one that is played
 * @device: controller; NULL likewise
 * @bus: way to it, which the driver has
 * @disks: open ones
 * @lock: around @nvme, @channels, @is_ending and changes of @disks
 * @channels: with queues
 * @arrivals: those that workers opened, newest first; atomic
 * @event_fd: has the thread look at these
 * @state: atomic
 * @lies: that were told of
 * @tried_ms: when a reset was tried last
 * @warnings: of the controller, that the log has
 * @has_erred: the log has that it told of an error
 */
struct keeper {
	LIST_ENTRY(keeper) link;
	struct iov_bdf bdf;
	struct iov *iov;
	struct iov *log;
	struct iov_domain *domain;
	struct iov_device *device;
	struct iov_nvme_bus *bus;
	struct iov_nvme *nvme;
	struct nvme_disks disks;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	struct nvme_channels channels;
	struct nvme_channel *arrivals;
	int event_fd;
	bool is_ending;
	enum keeper_state state;
	uint64_t lies;
	uint64_t tried_ms;
	unsigned int warnings;
	bool has_erred;
};

/**
 * enum nvme_presence - whether a namespace is what it was
 * @NVME_IS_THERE: it is, but perhaps for its size
 * @NVME_IS_GONE: it was deleted or detached
 * @NVME_IS_FORMATTED: its blocks are others
 */
enum nvme_presence {
	NVME_IS_THERE,
	NVME_IS_GONE,
	NVME_IS_FORMATTED,
};

/**
 * struct nvme_disk - a namespace
 * @keeper: of its controller
 * @space: what it was when it was opened, but for @space.blocks
 * @read_only: nothing is written
 * @presence: atomic
 * @news_fd: eventfd, written when it may have another size, or presence
 * @reach: guest memory that the controller reaches
 */
struct nvme_disk {
	struct blk_backend backend;
	LIST_ENTRY(nvme_disk) link;
	struct keeper *keeper;
	struct iov_nvme_namespace space;
	bool read_only;
	enum nvme_presence presence;
	int news_fd;
	struct nvme_reach reach;
};

/**
 * struct nvme_bounce - memory of our own, lent to a command
 * @io: whose; NULL for nobody
 * @index: element of its vector
 * @skip: bytes of that
 * @bytes: how many it carries
 */
struct nvme_bounce {
	struct blk_io *io;
	unsigned int index;
	size_t skip;
	size_t bytes;
};

/**
 * struct nvme_channel - a worker's way to a namespace
 * @link: the keeper's
 * @arrival: the keeper's
 * @event: eventfd that wakes the worker; -1 for none
 * @use: of @queue and what it has: the worker's while it looks, the keeper's while it resets
 * @queue: NULL until the keeper made it
 * @error: why it could not; 0
 * @is_left: the worker does not know it any more; atomic
 * @bounces: memory of our own, NVME_BOUNCES times NVME_BOUNCE_BYTES
 * @bounces_iova: where that is
 * @bounced: what it is used for
 * @hint: part of guest memory of the last access
 * @awake: looks that found completions since the worker slept
 * @first: what waits; some of the first one may be under way
 * @last: where the next one goes
 * @index: of the first one: element of its vector to go on with
 * @skip: bytes of that
 */
struct nvme_channel {
	struct blk_channel channel;
	LIST_ENTRY(nvme_channel) link;
	struct nvme_channel *arrival;
	struct nvme_disk *disk;
	int event;
	struct spin use;
	struct iov_nvme_queue *queue;
	int error;
	bool is_left;
	void *bounces;
	uint64_t bounces_iova;
	struct nvme_bounce bounced[NVME_BOUNCES];
	unsigned int hint;
	unsigned int awake;
	struct blk_io *first;
	struct blk_io **last;
	unsigned int index;
	size_t skip;
};

/**
 * struct keeper_way - how a controller is reached
 * @iov: context of the keeper's own
 * @domain: what the controller reaches; NULL for one that is played
 * @device: controller; NULL likewise
 */
struct keeper_way {
	struct iov *iov;
	struct iov_domain *domain;
	struct iov_device *device;
};

/**
 * keeper_make - look after a controller, without a thread
 * @out: receives it; the caller ends it with keeper_end()
 * @log: context of the control thread
 * @way: its own; what is in it becomes the keeper's when there is no error
 * @bus: way to the controller; becomes the keeper's in any case
 *
 * Return: 0 or -errno with a message in @log.
 */
int keeper_make(struct keeper **out, struct iov *log, const struct keeper_way *way,
		struct iov_nvme_bus *bus);

/**
 * keeper_end - leave it
 * @keeper: without disks
 */
void keeper_end(struct keeper *keeper);

/**
 * keeper_get - the keeper of a function
 * @out: receives it; given back by keeper_put()
 * @iov: context
 * @bdf: function
 *
 * Return: 0 or -errno with a message.
 */
int keeper_get(struct keeper **out, struct iov *iov, struct iov_bdf bdf);

/**
 * keeper_put - end of a use
 * @keeper: ends when it has no disks any more
 */
void keeper_put(struct keeper *keeper);

/**
 * keeper_arrive - have a queue made for a channel
 * @channel: which stays there until the keeper sees @is_left
 *
 * By its worker, who does not wait.
 */
void keeper_arrive(struct nvme_channel *channel);

/**
 * keeper_leave - have a channel's queue deleted, and the channel freed
 * @channel: without anything under way
 *
 * By its worker, who does not wait, and does not know it any more.
 */
void keeper_leave(struct nvme_channel *channel);

/**
 * keeper_tidy - free the channels that are left, now
 * @keeper: keeper
 */
void keeper_tidy(struct keeper *keeper);

/**
 * keeper_look - what its thread does
 * @keeper: keeper
 * @second: a second went by
 *
 * By its thread, or a test without one.
 */
void keeper_look(struct keeper *keeper, bool second);

/**
 * keeper_state - how the controller is
 * @keeper: keeper; any thread
 */
enum keeper_state keeper_state(const struct keeper *keeper);

/**
 * nvme_disk_open - open a namespace
 * @out: receives the back end
 * @iov: context of the control thread
 * @keeper: of its controller
 * @id: its number; 0 for the one that there is
 * @source: what else was asked for
 *
 * Return: 0 or -errno with a message.
 */
int nvme_disk_open(struct blk_backend **out, struct iov *iov, struct keeper *keeper, uint32_t id,
		   const struct blk_source *source);

/**
 * nvme_disk_close - leave it
 * @backend: without channels that are not left
 */
void nvme_disk_close(struct blk_backend *backend);

/* Operations of a channel, by its worker: see backend.h */
int nvme_channel_open(struct blk_channel **out, struct blk_backend *backend,
		      struct blk_uring *uring);
void nvme_channel_close(struct blk_channel *base);
void nvme_channel_submit(struct blk_channel *base, struct blk_io *io);
unsigned int nvme_channel_poll(struct blk_channel *base);
bool nvme_channel_arm(struct blk_channel *base);

#endif
