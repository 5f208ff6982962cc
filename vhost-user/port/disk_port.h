/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port of a guest's disk: what an operator gives it, its rings, and what is known about it.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_DISK_PORT_H
#define VHOST_USER_PORT_DISK_PORT_H

#include "vhost-user/blk/disk.h"
#include "vhost-user/blk/poller.h"
#include "vhost-user/port/disk_lock.h"
#include "vhost-user/port/port.h"

/* Rings that a disk offers when nobody says how many: one for each CPU of a large guest. */
#define DISK_QUEUES 64

/**
 * struct disk_port - a port of type "disk"
 * @port: what all ports have
 * @disk: the disk
 * @where: its data is there: a path or a URI; NULL for none
 * @is_cached: by the host's page cache
 * @is_polled: its device is polled for what is done
 * @is_registered: guest memory is pinned for it
 * @bytes: size of a kind that has none by itself; 0 for others
 * @serial: what guests read; NULL for the name
 * @queues: number of its rings
 * @kept_flush_error: -errno of a failed flush that is in the file of ports; 0 for none
 * @write_through: its driver has switched the cache off since it began
 * @cache_is_known: whether it did is known, also of one that another back end served before
 * @lock: how it is with the lock of its data
 * @is_moving: a ring was stopped because its guest goes elsewhere, and none started since
 * @news: of its back end; NULL for none
 * @reach: how it was with its server when there was news last
 * @counters: of each ring that ever ran
 * @watcher: tells its back end which memory its guest has
 * @moving: worker that each ring moves to, + 1; 0 for none
 * @has_told_error: the log has that a request failed
 * @loss: what the log says of its data, see disk_loss()
 * @loss_timer: when that is looked at next; NULL for never
 * @standing: rings that wait for all of their guest's memory to arrive
 */
struct disk_port {
	struct port port;
	TAILQ_ENTRY(disk_port) link;
	struct blk_disk disk;
	char *where;
	bool is_cached;
	bool is_polled;
	bool is_registered;
	uint64_t bytes;
	char *serial;
	unsigned int queues;
	int kept_flush_error;
	bool write_through;
	bool cache_is_known;
	struct disk_lock lock;
	bool is_moving;
	sd_event_source *news;
	struct blk_reach reach;
	struct blk_counters *counters[PORT_RINGS_MAX];
	struct guest_memory_watcher watcher;
	uint8_t moving[PORT_RINGS_MAX];
	bool has_told_error;
	const char *loss;
	sd_event_source *loss_timer;
	unsigned int standing;
};

extern const struct port_type disk_port_type;

/* Whether a port is a disk. */
static inline bool port_is_disk(const struct port *port)
{
	return port->type == &disk_port_type;
}

/**
 * disk_port_of - a disk as what it is
 * @port: port that is a disk
 */
static inline struct disk_port *disk_port_of(const struct port *port)
{
	return (struct disk_port *)port;
}

/**
 * disk_port_add_rings - the rings that a worker has
 * @disk: port
 * @worker: number of the worker
 * @to: receives them; NULL to count them
 *
 * Return: how many.
 */
unsigned int disk_port_add_rings(const struct disk_port *disk, unsigned int worker,
				 struct blk_polled *to);

/**
 * disk_renew - ask its back end anew what it is
 * @disk: port, whose guest learns of another size
 */
void disk_renew(struct disk_port *disk);

/**
 * disk_port_reset - have its back end give up what is under way
 * @disk: port
 *
 * Return: whether it does; its workers see to that soon.
 */
bool disk_port_reset(struct disk_port *disk);

/**
 * disk_find - a disk by its name
 * @registry: registry
 * @name: its name
 * @out: receives the port
 *
 * Return: 0 or -ENOENT with a message.
 */
int disk_find(struct registry *registry, const char *name, struct port **out);

/**
 * disk_rings - how many rings of a disk run, or wait for the memory of their guest
 * @port: a disk
 */
unsigned int disk_rings(const struct port *port);

/**
 * disk_find_removable - a disk by its name, whose back end answers
 * @registry: registry
 * @name: its name
 * @out: receives the port
 *
 * Who removes a disk waits for what its back end has, and so do all others.  Takes some seconds
 * when it gives back nothing.
 *
 * Return: 0, -ENOENT or -EBUSY with a message.
 */
int disk_find_removable(struct registry *registry, const char *name, struct port **out);

/**
 * struct disk_changes - what is set while a disk is there
 * @on_error: "report" or "wait"; NULL to leave it
 * @qos: name of the group whose limits it keeps, "none" for none; NULL to leave it
 * @clear_errors: somebody looked at the flush that failed
 */
struct disk_changes {
	const char *on_error;
	const char *qos;
	bool clear_errors;
};

/**
 * disk_would_set - judge a change of a disk
 * @port: a disk
 * @changes: what
 *
 * Return: 1 when something changes, 0 when all is so already, -EINVAL, or -ENOENT without
 * that group, with a message.
 */
int disk_would_set(const struct port *port, const struct disk_changes *changes);

/**
 * disk_set - change a disk
 * @port: a disk
 * @changes: what disk_would_set() let pass
 */
void disk_set(struct port *port, const struct disk_changes *changes);

/**
 * disk_would_resize - judge another size of a disk
 * @port: a disk
 * @bytes: as for disk_resize()
 * @shrinks: what is behind an end that comes closer may be lost
 *
 * Return: 1 when it has another size, 0 when it has this one, or -errno with a message.
 */
int disk_would_resize(const struct port *port, uint64_t bytes, bool shrinks);

/**
 * disk_resize - give a disk another size, and tell its guest
 * @port: a disk
 * @bytes: a size that disk_would_resize() let pass; 0 to take that which its back end has now
 *
 * Return: 0 or -errno with a message.
 */
int disk_resize(struct port *port, uint64_t bytes);

#endif
