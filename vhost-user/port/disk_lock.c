// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  A disk has the lock of its data from when it is added until it is removed,
 * and no ring is taken from without it.  Somebody who lives and has it is a reason not to add the
 * disk; what a process that ended still writes is waited for.  Who cannot be seen from here counts
 * as one who lives.  But what an iovd that comes next finds so may be what the one before still
 * writes, which the kernel does not tell of in a PID namespace: it waits, as the disk was its own.
 *
 * A guest that moves with a shared disk is the exception, as for a time two disks are for one
 * guest.  Where it comes from the disk lets go when the last ring has given its position to a front
 * end that keeps a dirty log: by then all is written, and nobody asks for anything until rings start
 * again.  Where it goes to the disk was added as incoming, and wants the lock when its first ring
 * starts.  A move that fails is the same the other way: the rings start again where they were.
 *
 * Nobody waits for ever for one who lives and may write.  A guest whose source went on instead has the
 * memory of another time, and would write it over what that did since.  A source that has stopped and
 * whose writes are on their way to the medium, which may take long where a page cache is between, keeps
 * all others from writing: it is waited for much longer.  But not for ever: to keep others from writing takes
 * no more than the right to read.
 */
#include "vhost-user/port/disk_lock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "vhost-user/port/disk_port.h"
#include "vhost-user/port/disk_session.h"
#include "vhost-user/port/disks.h"
#include "vhost-user/port/registry.h"

/* Microseconds between tries. */
#define TRY_US 20000

/* How long a guest that came waits for who lives and may write, in milliseconds. */
#define PATIENCE_MS 30000

/* The same for who keeps others from writing and does not write. */
#define READER_PATIENCE_MS (20 * 60 * 1000)

static struct iov *iov_of(const struct disk_port *disk)
{
	return disk->port.registry->iov;
}

/* For the caller to free; NULL when nobody who lives has it. */
static char *holder_of(const struct disk_port *disk, bool *is_seen)
{
	return disk->disk.backend->ops->holder(disk->disk.backend, is_seen);
}

/* As blk_disk_lock(); who has it when that fails is looked for after, and may be gone by then. */
static int try_lock(struct disk_port *disk, char **holder, bool *is_seen)
{
	int error = blk_disk_lock(&disk->disk);

	*holder = NULL;
	if (!error)
		return 0;
	*holder = holder_of(disk, is_seen);
	if (!*is_seen)
		error = blk_disk_lock(&disk->disk);
	if (!error) {
		free(*holder);
		*holder = NULL;
	}
	return error;
}

/* An iovd that comes next has to know whether others may have it, and which guest may not. */
static void keep(struct disk_port *disk, bool *what, bool is_so)
{
	struct registry *registry = disk->port.registry;

	if (*what == is_so)
		return;
	*what = is_so;
	if (registry->keep)
		registry->keep(registry->keep_arg);
}

static void end_waiting(struct disk_port *disk)
{
	disk->lock.timer = sd_event_source_disable_unref(disk->lock.timer);
}

static void have_it(struct disk_port *disk)
{
	keep(disk, &disk->lock.is_incoming, false);
	disk->lock.began = 0;
	disk_renew(disk);
	end_waiting(disk);
	workers_wake(disk->port.registry->workers);
}

static void give_up(struct disk_port *disk, const char *holder)
{
	iov_log_with(iov_of(disk), LOG_ERR, PORT_FIELDS(disk->port.name),
		"%s: %s is still in use by %s, %" PRIu64 " s after its guest came; it is not waited for any "
		"longer, since what the guest knows of it may be old by now; see to where the guest "
		"came from, and start the guest anew, or remove the disk and add it again",
		disk->port.name, disk->where, holder ? holder : "a process that ended",
		(monotonic_ms() - disk->lock.began) / 1000);
	end_waiting(disk);
	keep(disk, &disk->lock.is_given_up, true);
}

static bool is_patient(const struct disk_port *disk)
{
	return !disk->lock.is_incoming || monotonic_ms() - disk->lock.doubted < PATIENCE_MS;
}

/* Said at once, and again as long as that takes: anybody who may read it can hold a shared lock. */
static void note_reader(struct disk_port *disk)
{
	uint64_t now = monotonic_ms();

	if (disk->lock.error == -EALREADY && now - disk->lock.said < PATIENCE_MS)
		return;
	disk->lock.said = now;
	iov_log_with(iov_of(disk), LOG_NOTICE, PORT_FIELDS(disk->port.name),
		     "%s: who has %s does not write to it any more, and writes back what it "
		"had written, or reads; waiting, for %" PRIu64 " s by now", disk->port.name, disk->where,
		(now - disk->lock.began) / 1000);
}

static void note_error(struct disk_port *disk, int error)
{
	if (error == -EALREADY)
		note_reader(disk);
	if (error != -EWOULDBLOCK && error != -EALREADY && error != disk->lock.error)
		iov_log_with(iov_of(disk), LOG_ERR, PORT_FIELDS(disk->port.name),
			     "%s: %s cannot be locked: %s; remove the disk and add "
			"it again when the cause is gone", disk->port.name, disk->where,
			strerror(-error));
	disk->lock.error = error;
}

/* Whoever that is: anybody who may read it can. */
static bool is_kept_too_long(const struct disk_port *disk)
{
	return disk->lock.is_incoming && monotonic_ms() - disk->lock.began >= READER_PATIENCE_MS;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct disk_port *disk = data;
	char *holder = NULL;
	bool is_seen = false;
	int error = is_patient(disk) ? blk_disk_lock(&disk->disk)
				     : try_lock(disk, &holder, &is_seen);

	(void)usec;
	if (!error) {
		iov_log_with(iov_of(disk), LOG_NOTICE, PORT_FIELDS(disk->port.name),
			     "%s: nobody has %s any more, after %" PRIu64 " ms",
			disk->port.name, disk->where, monotonic_ms() - disk->lock.began);
		have_it(disk);
		return 0;
	}
	note_error(disk, error);
	/* Nobody can have written now. */
	if (error == -EALREADY)
		disk->lock.doubted = monotonic_ms();
	if (error == -EALREADY && is_kept_too_long(disk) && !holder)
		holder = holder_of(disk, &is_seen);
	if (error == -EALREADY ? is_kept_too_long(disk) : !!holder)
		give_up(disk, holder);
	free(holder);
	if (disk->lock.is_given_up)
		return 0;
	sd_event_source_set_time_relative(source, TRY_US);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static int begin_waiting(struct disk_port *disk)
{
	int error = sd_event_add_time_relative(disk->port.registry->event, &disk->lock.timer,
					       CLOCK_MONOTONIC, TRY_US, 0, on_timer, disk);

	if (!disk->lock.began)
		disk->lock.began = disk->lock.doubted = monotonic_ms();
	disk->lock.error = 0;
	return error < 0 ? error : 0;
}

static int begin_incoming(struct disk_port *disk, bool is_given_up)
{
	const struct blk_backend_ops *ops = disk->disk.backend->ops;

	if (!ops->lock || !ops->unlock)
		return iov_fail(iov_of(disk), -EINVAL, "%s: nobody has a lock on a disk of kind %s that "
				"its guest could wait for; leave --incoming out", disk->port.name,
				ops->name);
	disk->lock.is_incoming = true;
	disk->lock.is_given_up = is_given_up;
	return 0;
}

/* Under any name of it; what is not there is nobody's. */
static bool is_same_file(const char *a, const char *b)
{
	struct stat one, other;

	if (stat(a, &one) || stat(b, &other))
		return false;
	if (S_ISBLK(one.st_mode) && S_ISBLK(other.st_mode))
		return one.st_rdev == other.st_rdev;
	return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* The disk of this iovd that has the data; NULL when it is somebody else. */
static const struct disk_port *twin_of(const struct disk_port *disk)
{
	const struct disk_port *other;

	TAILQ_FOREACH(other, &disk->port.registry->disks->list, link)
		if (other != disk && other->disk.backend->ops->takes == BLK_TAKES_PATH &&
		    is_same_file(other->where, disk->where))
			return other;
	return NULL;
}

static int refuse(const struct disk_port *disk, const char *holder)
{
	const struct disk_port *twin = twin_of(disk);

	if (twin)
		return iov_fail_as(iov_of(disk), IOV_FAILURE_OTHER, -EBUSY, "%s: %s is disk %s of this iovd "
				   "already; give the guest that one, remove it by 'iov disk remove %s', "
				   "or make both read-only", disk->port.name, disk->where,
				   twin->port.name, twin->port.name);
	return iov_fail(iov_of(disk), -EBUSY, "%s: %s is in use by %s; end that, share it read-only, or "
			"add the disk with --incoming when its guest comes from there", disk->port.name,
			disk->where, holder);
}

int disk_lock_begin(struct disk_port *disk, const struct disk_options *options, bool *waits)
{
	_cleanup_free_ char *holder = NULL;
	bool is_seen;
	int error;

	*waits = false;
	if (options->incoming)
		return begin_incoming(disk, options->given_up);
	error = try_lock(disk, &holder, &is_seen);
	*waits = error == -EWOULDBLOCK || error == -EALREADY;
	if (!error)
		return 0;
	if (!*waits)
		return iov_told(iov_of(disk), error, "%s: %s cannot be locked: %s", disk->port.name,
				disk->where, strerror(-error));
	return holder && (is_seen || !options->is_restored) ? refuse(disk, holder) : 0;
}

int disk_lock_wait(struct disk_port *disk)
{
	bool is_seen;
	_cleanup_free_ char *holder = holder_of(disk, &is_seen);

	iov_log_with(iov_of(disk), LOG_NOTICE, PORT_FIELDS(disk->port.name),
		     "%s: waits for %s, which %s still writes to",
		disk->port.name, disk->where, holder ? holder : "a process that ended");
	return begin_waiting(disk);
}

static void tell_waiting(const struct disk_port *disk)
{
	bool is_seen;
	char *holder = holder_of(disk, &is_seen);

	iov_log_with(iov_of(disk), LOG_NOTICE, PORT_FIELDS(disk->port.name),
		     "%s: its guest has come, and waits for %s, which %s has",
		disk->port.name, disk->where, holder ? holder : "a process that ended");
	free(holder);
}

void disk_lock_start(struct disk_port *disk, bool is_new)
{
	struct disk_lock *lock = &disk->lock;

	if (is_new)
		disk_lock_new_guest(disk);
	if (!lock->is_incoming || lock->is_given_up || lock->timer)
		return;
	if (!blk_disk_lock(&disk->disk)) {
		iov_log_with(iov_of(disk), LOG_NOTICE, PORT_FIELDS(disk->port.name),
			     "%s: its guest has come, and has %s from now on",
			disk->port.name, disk->where);
		have_it(disk);
		return;
	}
	/* Rings may stop for a moment. */
	if (!lock->began)
		tell_waiting(disk);
	if (begin_waiting(disk))
		iov_log_with(iov_of(disk), LOG_ERR, PORT_FIELDS(disk->port.name),
			     "%s: rings stand still: out of memory", disk->port.name);
}

/* The guest is gone by then, and was told that all is done. */
static int on_lost(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct disk_port *disk = data;
	eventfd_t error;

	(void)source;
	(void)events;
	if (eventfd_read(fd, &error))
		return 0;
	iov_log_with(iov_of(disk), LOG_ERR, PORT_FIELDS(disk->port.name),
		     "%s: what its guest wrote to %s before it went elsewhere may not "
		"be on the medium: %s; look after the guest's data there", disk->port.name, disk->where,
		strerror((int)error));
	__atomic_store_n(&disk->disk.last_error, -(int)error, __ATOMIC_RELAXED);
	__atomic_store_n(&disk->disk.flush_error, -(int)error, __ATOMIC_RELAXED);
	disk_session_keep_failure(disk);
	return 0;
}

static int watch_flushes(struct disk_port *disk)
{
	const struct blk_backend *backend = disk->disk.backend;
	int error;

	if (disk->lock.flushes)
		return 0;
	error = sd_event_add_io(disk->port.registry->event, &disk->lock.flushes,
				backend->ops->unlock_fd(backend), EPOLLIN, on_lost, disk);
	return error < 0 ? error : 0;
}

/* Channels have the file that is locked. */
static int let_go(struct disk_port *disk)
{
	blk_disk_unlocks(&disk->disk);
	disks_forget(disk->port.registry, &disk->disk);
	return blk_disk_unlock(&disk->disk);
}

void disk_lock_stop(struct disk_port *disk, bool moves)
{
	const struct blk_backend_ops *ops = disk->disk.backend->ops;
	int error;

	if (disk->lock.is_incoming) {
		end_waiting(disk);
		return;
	}
	if (!moves || !ops->unlock)
		return;
	/* Late writes are waited for by whoever has the guest. */
	if (disk->lock.timer) {
		end_waiting(disk);
		keep(disk, &disk->lock.is_incoming, true);
		return;
	}
	error = watch_flushes(disk);
	if (!error)
		error = let_go(disk);
	if (error) {
		iov_log_with(iov_of(disk), LOG_ERR, PORT_FIELDS(disk->port.name),
			     "%s: its guest goes elsewhere, and %s cannot be let go: "
			"%s; remove the disk for the guest to go on there", disk->port.name,
			disk->where, strerror(-error));
		return;
	}
	iov_log_with(iov_of(disk), LOG_NOTICE, PORT_FIELDS(disk->port.name),
		     "%s: its guest goes elsewhere, and may have %s there",
		disk->port.name, disk->where);
	keep(disk, &disk->lock.is_incoming, true);
}

void disk_lock_new_guest(struct disk_port *disk)
{
	keep(disk, &disk->lock.is_given_up, false);
}

void disk_lock_forget_front_end(struct disk_port *disk)
{
	disk->lock.began = 0;
}

const char *disk_lock_status(const struct disk_port *disk)
{
	if (disk->lock.timer)
		return "waits-for-writer";
	if (disk->lock.is_given_up)
		return "given-up";
	return disk->lock.is_incoming ? "incoming" : NULL;
}

void disk_lock_describe(const struct disk_port *disk, struct json_object *object)
{
	bool is_seen = false;
	char *holder = disk_lock_status(disk) ? holder_of(disk, &is_seen) : NULL;

	/* Nobody has to have what nobody waits for. */
	if (holder && (is_seen || disk->lock.timer || disk->lock.is_given_up))
		json_add_text(object, "writer", holder);
	free(holder);
}

void disk_lock_close(struct disk_port *disk)
{
	end_waiting(disk);
	disk->lock.flushes = sd_event_source_disable_unref(disk->lock.flushes);
}
