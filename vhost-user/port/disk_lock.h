/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may write to the data of a disk: see disk_lock.c.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_DISK_LOCK_H
#define VHOST_USER_PORT_DISK_LOCK_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct disk_options;
struct disk_port;

/**
 * struct disk_lock - how it is with the lock of a disk
 * @timer: tries to have it; NULL when nobody waits for it
 * @flushes: tells of what was not flushed when it was let go; NULL before that
 * @error: why it could not be had at the last try
 * @began: since when its guest waits, in milliseconds of the monotonic clock; 0 when it does not
 * @doubted: since when somebody may have written meanwhile, likewise
 * @said: when it was said that who has it reads, likewise
 * @is_incoming: a guest comes from elsewhere, so who has the data now may live
 * @is_given_up: that one kept it for too long, so nothing is taken from rings of this guest, whichever
 *	front end and iovd it comes back to
 */
struct disk_lock {
	sd_event_source *timer;
	sd_event_source *flushes;
	int error;
	uint64_t began;
	uint64_t doubted;
	uint64_t said;
	bool is_incoming;
	bool is_given_up;
};

/**
 * disk_lock_begin - have the data of a disk alone, as far as that can be had now
 * @disk: disk with an open back end
 * @options: what it is made of: whether its guest comes from elsewhere, so that who has the data
 *	may live, and has it until that guest is here
 * @waits: receives whether disk_lock_wait() has to be called
 *
 * Return: 0; -EBUSY when somebody has it who lives, or cannot be seen; or -errno; with a message.
 */
int disk_lock_begin(struct disk_port *disk, const struct disk_options *options, bool *waits);

/**
 * disk_lock_wait - wait for what a process that ended still writes
 * @disk: disk
 *
 * Return: 0 or -errno.
 */
int disk_lock_wait(struct disk_port *disk);

/**
 * disk_lock_start - a ring starts
 * @disk: disk, whose rings are taken from as soon as it has its data alone
 * @is_new: it is the first one, and its driver begins with it
 */
void disk_lock_start(struct disk_port *disk, bool is_new);

/**
 * disk_lock_stop - the last ring has stopped
 * @disk: disk, of which no worker has a ring
 * @moves: its guest goes elsewhere, so that others may have the data
 */
void disk_lock_stop(struct disk_port *disk, bool moves);

/**
 * disk_lock_new_guest - its guest is another than the one that was given up
 * @disk: disk
 */
void disk_lock_new_guest(struct disk_port *disk);

/**
 * disk_lock_forget_front_end - its front end is gone
 * @disk: disk, without rings
 */
void disk_lock_forget_front_end(struct disk_port *disk);

/**
 * disk_lock_status - what it waits for
 * @disk: disk
 *
 * Return: a word for users; NULL when it has its data alone.
 */
const char *disk_lock_status(const struct disk_port *disk);

/**
 * disk_lock_describe - who has the data that it waits for
 * @disk: disk
 * @object: receives "writer"
 */
void disk_lock_describe(const struct disk_port *disk, struct json_object *object);

/**
 * disk_lock_close - have nothing to do with it any more
 * @disk: disk
 */
void disk_lock_close(struct disk_port *disk);

#endif
