// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/disks.h"

#include <errno.h>
#include <rte_cycles.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "vhost-user/port/disk_port.h"
#include "vhost-user/port/registry.h"

static int open_one(struct disks *disks, struct iov *iov, unsigned int worker)
{
	if (!disks->why_no_uring && blk_uring_open(&disks->urings[worker], iov)) {
		disks->why_no_uring = strdup(iov_error_message(iov));
		if (!disks->why_no_uring)
			return -ENOMEM;
	}
	return blk_poller_open(&disks->pollers[worker], worker, disks->urings[worker],
			       rte_get_tsc_hz(), workers_attention_fd(disks->workers));
}

int disks_open(struct disks **out, struct iov *iov, struct workers *workers)
{
	struct disks *disks = calloc(1, sizeof(*disks));
	int error = 0;

	if (!disks)
		return -ENOMEM;
	disks->workers = workers;
	TAILQ_INIT(&disks->list);
	while (!error && disks->count < workers_count(workers))
		error = open_one(disks, iov, disks->count++);
	if (error) {
		disks_close(disks);
		return iov_fail(iov, -ENOMEM, "out of memory for disks");
	}
	for (unsigned int i = 0; i < disks->count; i++) {
		if (disks->urings[i])
			worker_watch(workers, i, blk_uring_fd(disks->urings[i]));
		worker_watch(workers, i, blk_poller_fd(disks->pollers[i]));
		workers_add(workers, i, blk_poller_pollable(disks->pollers[i]));
	}
	*out = disks;
	return 0;
}

void disks_leave(struct disks *disks)
{
	for (unsigned int i = 0; disks && i < disks->count; i++)
		workers_remove(disks->workers, i, blk_poller_pollable(disks->pollers[i]));
}

void disks_close(struct disks *disks)
{
	if (!disks)
		return;
	for (unsigned int i = 0; i < disks->count; i++) {
		/* That of no rings, which was published last. */
		if (disks->pollers[i])
			free(blk_poller_exchange(disks->pollers[i], NULL));
		blk_poller_close(disks->pollers[i]);
		blk_uring_close(disks->urings[i]);
	}
	free(disks->why_no_uring);
	free(disks);
}

/* Those of a worker; NULL when there is no memory. */
static struct blk_list *list_of(const struct disks *disks, unsigned int worker)
{
	struct blk_list *list;
	const struct disk_port *disk;
	unsigned int count = 0;

	TAILQ_FOREACH(disk, &disks->list, link)
		count += disk_port_add_rings(disk, worker, NULL);
	list = calloc(1, sizeof(*list) + count * sizeof(*list->queues));
	if (!list)
		return NULL;
	TAILQ_FOREACH(disk, &disks->list, link)
		list->count += disk_port_add_rings(disk, worker, list->queues + list->count);
	return list;
}

void disks_publish(struct registry *registry, unsigned int worker)
{
	struct blk_list *list;

	if (worker >= registry->worker_count)
		return;
	list = list_of(registry->disks, worker);
	/* Rings must go away when they have to: better no disk than no stop. */
	if (!list)
		iov_log(registry->iov, LOG_ERR, "out of memory: disks of worker %u stand still",
			worker);
	list = blk_poller_exchange(registry->disks->pollers[worker], list);
	workers_synchronize(registry->workers);
	free(list);
}

void disks_forget(struct registry *registry, struct blk_disk *disk)
{
	for (unsigned int i = 0; registry->disks && i < registry->disks->count; i++) {
		struct blk_poller *poller = registry->disks->pollers[i];

		blk_poller_leave(poller, disk);
		worker_wake(registry->workers, i);
		while (!blk_poller_has_left(poller))
			sched_yield();
	}
}
