/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An export of an NBD server as a disk: what the control thread, the thread that connects and the
 * workers know of it.
 */
#ifndef VHOST_USER_BLK_NBD_BACKEND_H
#define VHOST_USER_BLK_NBD_BACKEND_H

#include <pthread.h>

#include "vhost-user/blk/backend.h"
#include "vhost-user/blk/nbd_server.h"
#include "vhost-user/pollable.h"

struct nbd_link;

/**
 * enum nbd_link_state - whose a link is
 * @NBD_LINK_UNUSED: nobody's
 * @NBD_LINK_WANTED: it has no connection, and the thread that connects makes one
 * @NBD_LINK_FRESH: there is one, which its worker has not seen yet
 * @NBD_LINK_USED: its worker's
 */
enum nbd_link_state {
	NBD_LINK_UNUSED,
	NBD_LINK_WANTED,
	NBD_LINK_FRESH,
	NBD_LINK_USED,
};

/**
 * struct nbd_connection - a connection, and what goes with it
 * @handle: libnbd's; NULL for none
 * @fd: its socket
 * @made: when, in milliseconds of the monotonic clock; stays when it breaks
 * @generation: of the server that it leads to
 * @most: most bytes that one of its commands carries
 * @has_fua: its commands can be stable when they are done
 */
struct nbd_connection {
	struct nbd_handle *handle;
	int fd;
	uint64_t made;
	uint64_t generation;
	uint32_t most;
	bool has_fua;
};

/**
 * struct nbd_lost - a connection that broke
 * @made: when it was made; 0 when there was none
 * @generation: of the server that it led to
 * @why: what broke it
 */
struct nbd_lost {
	uint64_t made;
	uint64_t generation;
	char why[NBD_WHY];
};

/**
 * struct nbd_backend - the disk
 * @uri: as it was named
 * @read_only: nothing is written
 * @is_kept: what a server acknowledged outlives it
 * @is_shared: workers have connections of their own, which the server keeps coherent
 * @links: of workers, from the first time on that they need one; all workers have the first one
 *	without @is_shared
 * @spare: first connection of all, until a worker takes it
 * @spare_fd: its socket; -1 when it was taken; atomic
 * @keeper: thread that connects
 * @wake_fd: eventfd that wakes it
 * @stop: it ends; atomic
 * @is_out_of_reach: the server was not there when it was tried last; atomic
 * @resets: how often all that is under way was given up; atomic
 * @generation: of the server: another one when another process answers, which knows nothing of
 *	what the one before had not flushed; atomic
 * @written: changes that were given back and were not stable, of this generation; atomic
 * @flushed: how many of them a flush covers; atomic
 * @is_lossy: some of an earlier generation were not flushed, and no flush has said so yet; atomic
 * @lock: held for the rest, by any thread but workers
 * @terms: what the server offered last
 * @news_fd: eventfd that is written when the rest is another one
 * @reach: how it is with the server
 */
struct nbd_backend {
	struct blk_backend backend;
	char *uri;
	bool read_only;
	bool is_kept;
	bool is_shared;
	struct nbd_link *links[WORKERS_MAX];
	struct nbd_connection spare;
	int spare_fd;
	pthread_t keeper;
	int wake_fd;
	bool stop;
	bool is_out_of_reach;
	uint64_t resets;
	uint64_t generation;
	uint64_t written;
	uint64_t flushed;
	bool is_lossy;
	pthread_mutex_t lock;
	struct nbd_terms terms;
	int news_fd;
	struct blk_reach reach;
};

/* The whole of it. */
static inline struct nbd_backend *nbd_of(struct blk_backend *backend)
{
	return (struct nbd_backend *)backend;
}

/* The kind's operations of workers, in nbd_channel.c. */
int nbd_channel_open(struct blk_channel **out, struct blk_backend *backend,
		     struct blk_uring *uring);
void nbd_channel_close(struct blk_channel *channel);
void nbd_submit(struct blk_channel *channel, struct blk_io *io);
unsigned int nbd_channel_poll(struct blk_channel *channel);
int nbd_channel_fd(const struct blk_channel *channel);

/* For the thread that connects, in nbd_channel.c too. */

/**
 * nbd_link_is_wanting - whether a link waits for a connection
 * @link: link
 * @lost: receives that which it had, when it does
 *
 * Return: whether it does.
 */
bool nbd_link_is_wanting(const struct nbd_link *link, struct nbd_lost *lost);

/**
 * nbd_link_give - give a connection to a link that waits for one
 * @link: link
 * @connection: it
 *
 * Return: whether it was taken; else nobody wants it any more.
 */
bool nbd_link_give(struct nbd_link *link, const struct nbd_connection *connection);

/**
 * nbd_link_fd - the socket of its connection, to look whether the server has ended that
 * @link: link
 *
 * Return: -1 for none; may be closed, or that of another file, at any time.
 */
int nbd_link_fd(const struct nbd_link *link);

/**
 * nbd_link_wake - have its worker look at it
 * @link: link
 */
void nbd_link_wake(const struct nbd_link *link);

/**
 * nbd_link_free - free it, and close its connection
 * @link: is in use by no worker; NULL is allowed
 */
void nbd_link_free(struct nbd_link *link);

#endif
