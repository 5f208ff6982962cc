// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/protocol/closer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vhost-user/thread.h"

/* Beyond the limit there is room for what a connection leaves that ends for it. */
#define SLOTS (2 * CLOSER_MAX)

/**
 * struct closer - descriptors of a port that are to be closed
 * @lock: of all below; nobody waits with it
 * @count: used part of @fds, whose first is being closed while @runs
 * @runs: the thread is there
 * @is_released: it frees the closer at its end
 * @fds: the descriptors
 */
struct closer {
	pthread_mutex_t lock;
	unsigned int count;
	bool runs;
	bool is_released;
	int fds[SLOTS];
};

int closer_open(struct closer **out)
{
	struct closer *closer = calloc(1, sizeof(*closer));

	if (!closer)
		return -ENOMEM;
	pthread_mutex_init(&closer->lock, NULL);
	*out = closer;
	return 0;
}

static void destroy(struct closer *closer)
{
	pthread_mutex_destroy(&closer->lock);
	free(closer);
}

/*
 * Files of shared memory and of huge pages have seals; those without a type are eventfds and
 * their kin.  Neither question is passed to who may serve the file.
 */
static bool closes_at_once(int fd)
{
	struct statx status;

	return fcntl(fd, F_GET_SEALS) >= 0 ||
	       (!statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) &&
		!(status.stx_mode & S_IFMT));
}

static void *run(void *arg)
{
	struct closer *closer = arg;
	bool is_last;
	int fd;

	pthread_setname_np(pthread_self(), "iovd-close");
	pthread_mutex_lock(&closer->lock);
	while (closer->count) {
		fd = closer->fds[0];
		pthread_mutex_unlock(&closer->lock);
		close(fd);
		pthread_mutex_lock(&closer->lock);
		memmove(closer->fds, closer->fds + 1, --closer->count * sizeof(closer->fds[0]));
	}
	closer->runs = false;
	is_last = closer->is_released;
	pthread_mutex_unlock(&closer->lock);
	if (is_last)
		destroy(closer);
	return NULL;
}

static bool start(struct closer *closer)
{
	pthread_t thread;

	if (thread_begin(&thread, NULL, run, closer))
		return false;
	pthread_detach(thread);
	return true;
}

/* Without a thread they stay until the next one; without a slot, for good. */
static void close_later(struct closer *closer, int fd)
{
	pthread_mutex_lock(&closer->lock);
	if (closer->count < SLOTS)
		closer->fds[closer->count++] = fd;
	if (!closer->runs)
		closer->runs = start(closer);
	pthread_mutex_unlock(&closer->lock);
}

void closer_close(struct closer *closer, int fd)
{
	if (fd < 0)
		return;
	if (!closer || closes_at_once(fd))
		close(fd);
	else
		close_later(closer, fd);
}

unsigned int closer_count(struct closer *closer)
{
	unsigned int count;

	if (!closer)
		return 0;
	pthread_mutex_lock(&closer->lock);
	count = closer->count;
	pthread_mutex_unlock(&closer->lock);
	return count;
}

void closer_release(struct closer *closer)
{
	bool is_last;

	if (!closer)
		return;
	pthread_mutex_lock(&closer->lock);
	closer->is_released = true;
	is_last = !closer->runs;
	pthread_mutex_unlock(&closer->lock);
	if (is_last)
		destroy(closer);
}
