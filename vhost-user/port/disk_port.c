// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/disk_port.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <rte_cycles.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "vhost-user/blk/blk_bits.h"
#include "vhost-user/counter.h"
#include "vhost-user/port/balance.h"
#include "vhost-user/port/describe.h"
#include "vhost-user/port/disk_loss.h"
#include "vhost-user/port/disk_session.h"
#include "vhost-user/port/disk_stats.h"
#include "vhost-user/port/disks.h"
#include "vhost-user/port/qos_groups.h"
#include "vhost-user/port/registry.h"

static_assert(BLK_ORDER_RINGS >= PORT_RINGS_MAX, "each ring has a place in the order");

/* Milliseconds in which a medium gives back something. */
#define ANSWER_MS 3000

/* A network file system sees to that when it is locked. */
static int check_cached(struct iov *iov, const char *name, const struct disk_options *disk)
{
	struct stat status;

	if (!disk->incoming || !disk->cached || disk->is_restored || stat(disk->path, &status) ||
	    !S_ISBLK(status.st_mode))
		return 0;
	return iov_fail(iov, -EINVAL, "%s: %s is a device, and the page cache of this host may have it as it "
			"was before its guest came; leave --cached out", name, disk->path);
}

static int check_backend(struct iov *iov, const struct port_options *options)
{
	static const char *const takes[] = {
		[BLK_TAKES_BYTES] = "a size, and no path or URI",
		[BLK_TAKES_PATH] = "a path, and no size or URI",
		[BLK_TAKES_FUNCTION] = "the path of a function, and no size or URI",
		[BLK_TAKES_URI] = "a URI, and no size or path",
	};
	const struct disk_options *disk = &options->disk;
	const struct blk_backend_ops *ops = blk_backend_find(disk->backend ? disk->backend : "");
	bool takes_path;

	if (!ops)
		return iov_fail(iov, -EINVAL,
				"%s: back end '%.32s': expected file, nbd, nvme, memory or null",
				options->name, disk->backend ? disk->backend : "");
	if ((disk->io_poll || disk->register_memory) && ops->takes != BLK_TAKES_PATH)
		return iov_fail(iov, -EINVAL, "%s: a disk of kind %s has nothing to poll or to register guest "
				"memory with, expected a file or a device; leave --io-poll and "
				"--register-memory out", options->name, ops->name);
	takes_path = ops->takes == BLK_TAKES_PATH || ops->takes == BLK_TAKES_FUNCTION;
	if (!!disk->path != takes_path ||
	    !!disk->uri != (ops->takes == BLK_TAKES_URI) ||
	    !!disk->bytes != (ops->takes == BLK_TAKES_BYTES))
		return iov_fail(iov, -EINVAL, "%s: a disk of kind %s takes %s", options->name,
				ops->name, takes[ops->takes]);
	if (disk->zone_bytes && ops != &blk_backend_memory)
		return iov_fail(iov, -EINVAL, "%s: a disk of kind %s has the zones that it has, expected "
				"one in memory; leave --zone-size out", options->name, ops->name);
	if (ops->takes == BLK_TAKES_PATH && *disk->path != '/')
		return iov_fail(iov, -EINVAL, "%s: path '%.80s': expected one that begins with /",
				options->name, disk->path);
	return ops->takes == BLK_TAKES_PATH ? check_cached(iov, options->name, disk) : 0;
}

static int parse_on_error(struct iov *iov, const char *name, const char *text,
			  enum blk_on_error *on_error)
{
	if (!text || blk_on_error_parse(text, on_error))
		return 0;
	return iov_fail(iov, -EINVAL, "%s: on_error '%.32s': expected report or wait", name, text);
}

static int check(struct iov *iov, const struct port_options *options)
{
	const struct disk_options *disk = &options->disk;
	enum blk_on_error on_error;

	if ((!options->socket || !*options->socket) && !options->fd)
		return iov_fail(iov, -EINVAL, "%s: a disk takes a socket", options->name);
	if (options->device || options->bridge || options->rules || options->mac ||
	    options->queue_pairs || options->link || options->mtu || options->iommu)
		return iov_fail(iov, -EINVAL, "%s: a disk carries no frames, so it has no device, "
				"bridge, rules, MAC address, link and MTU", options->name);
	if (disk->queues < 0 || disk->queues > PORT_RINGS_MAX)
		return iov_fail(iov, -EINVAL, "%s: %d queues: expected 1 to %d", options->name,
				disk->queues, PORT_RINGS_MAX);
	if (parse_on_error(iov, options->name, disk->on_error, &on_error) ||
	    front_end_check(iov, options))
		return -EINVAL;
	return check_backend(iov, options);
}

static int copy_text(char **to, const char *text)
{
	*to = text ? strdup(text) : NULL;
	return text && !*to ? -ENOMEM : 0;
}

static int take_options(struct disk_port *disk, const struct disk_options *options)
{
	struct iov *iov = disk->port.registry->iov;
	int error = copy_text(&disk->where, options->path ? options->path : options->uri);

	disk->is_cached = options->cached;
	disk->is_polled = options->io_poll;
	disk->is_registered = options->register_memory;
	disk->bytes = options->bytes;
	disk->queues = options->queues ? (unsigned int)options->queues : DISK_QUEUES;
	disk->disk.retry_cycles = rte_get_tsc_hz();
	if (options->on_error)
		blk_on_error_parse(options->on_error, &disk->disk.on_error);
	if (!error)
		error = copy_text(&disk->serial, options->serial);
	return !error && disk->serial ? blk_disk_set_serial(&disk->disk, iov, disk->serial) : error;
}

/* What is long is cut, and has a meaning all the same. */
static void choose_serial(struct disk_port *disk)
{
	const struct blk_backend *backend = disk->disk.backend;
	const char *serial = backend->ops->identity ? backend->ops->identity(backend)
						    : disk->port.name;

	if (!disk->serial)
		memcpy(disk->disk.serial, serial, strnlen(serial, sizeof(disk->disk.serial)));
}

/* Its workers keep the limits of that group from now on. */
static void join(struct disk_port *disk, struct qos *qos)
{
	if (disk->port.qos == qos)
		return;
	disk->port.qos = qos;
	qos_join(&disk->disk.qos, qos ? &qos->group : NULL);
	/* None is at the one before, which may be removed, and who waited because of it looks again. */
	workers_synchronize(disk->port.registry->workers);
}

/* More rings than that would have nowhere to go. */
static int limit_queues(struct disk_port *disk, const struct disk_options *options)
{
	const unsigned int most = disk->disk.geometry.rings_max;

	if (!most || disk->queues <= most)
		return 0;
	if (options->queues)
		return iov_fail(disk->port.registry->iov, -EINVAL,
				"%s: %u queues: expected %u, as %s does not say that its "
				"connections are coherent (multi-conn); leave --queues out, or "
				"have it do so",
				disk->port.name, disk->queues, most, disk->where);
	disk->queues = most;
	return 0;
}

/* Nothing can be locked at a server, but within this iovd one is told from another. */
static int check_alone(const struct disk_port *disk)
{
	const struct registry *registry = disk->port.registry;
	const struct disk_port *other;

	TAILQ_FOREACH(other, &registry->disks->list, link) {
		if (other == disk || !other->where || strcmp(other->where, disk->where) ||
		    (other->disk.geometry.read_only && disk->disk.geometry.read_only))
			continue;
		return iov_fail(registry->iov, -EBUSY,
				"%s: disk %s has %s, expected one disk that writes to it alone; "
				"remove that, or make both read-only",
				disk->port.name, other->port.name, disk->where);
	}
	return 0;
}

static int open_backend(struct disk_port *disk, const struct disk_options *options)
{
	const struct blk_backend_ops *ops = blk_backend_find(options->backend);
	struct disks *disks = disk->port.registry->disks;
	const struct blk_source source = {
		.path = disk->where,
		.bytes = options->bytes,
		.zone_bytes = options->zone_bytes,
		.workers = disks ? disks->count : 0,
		.read_only = options->read_only,
		.cached = options->cached,
		.shared = options->incoming,
		.io_poll = options->io_poll,
		.register_memory = options->register_memory,
	};
	int error;

	if (!disks)
		return iov_fail(disk->port.registry->iov, -ENOTSUP, "%s: there are no disks here",
				disk->port.name);
	if (ops->needs_uring && disks->why_no_uring)
		return iov_fail(disk->port.registry->iov, -ENOTSUP, "%s: %s", disk->port.name,
				disks->why_no_uring);
	error = blk_disk_open(&disk->disk, disk->port.registry->iov, ops, &source);
	disk->disk.has_cache = !options->write_through;
	disk->disk.flush_error = disk->kept_flush_error = -options->flush_error;
	disk->write_through = options->write_through;
	/* Who comes from elsewhere brings it along. */
	disk->cache_is_known = options->is_restored || options->incoming;
	if (disk->disk.backend)
		choose_serial(disk);
	if (!error && ops->takes == BLK_TAKES_URI)
		error = check_alone(disk);
	return error ? error : limit_queues(disk, options);
}

void disk_renew(struct disk_port *disk)
{
	if (blk_disk_renew(&disk->disk) && front_end_session(&disk->port))
		vu_session_config_changed(front_end_session(&disk->port));
}

/* The back end, and the lock as far as it is to be had. */
static int have_data(struct disk_port *disk, const struct disk_options *options, bool *waits)
{
	struct qos *qos = NULL;
	int error = take_options(disk, options);

	if (!error)
		error = qos_find_named(disk->port.registry, options->qos, &qos);
	if (!error)
		join(disk, qos);
	if (!error)
		error = open_backend(disk, options);
	return error ? error : disk_lock_begin(disk, options, waits);
}

static int rehearse(struct port *port, const struct port_options *options)
{
	struct disk_port *disk = disk_port_of(port);
	bool waits;
	int error = have_data(disk, &options->disk, &waits);

	blk_disk_close(&disk->disk);
	return error ? error : front_end_rehearse(port, options);
}

/* Says so once for each change, and has the guest learn of another size. */
static int on_news(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct disk_port *disk = data;
	const struct blk_backend_ops *ops = disk->disk.backend->ops;
	const struct blk_reach before = disk->reach;
	struct blk_reach *now = &disk->reach;
	struct iov *iov = disk->port.registry->iov;
	eventfd_t value;

	(void)source;
	(void)events;
	eventfd_read(fd, &value);
	if (ops->reach)
		ops->reach(disk->disk.backend, now);
	if (ops->news)
		ops->news(disk->disk.backend);
	if (now->losses != before.losses && !now->is_absent)
		iov_log_with(iov, LOG_NOTICE, PORT_FIELDS(disk->port.name),
			     "%s: the connection to %s broke (%s) and is made anew",
			disk->port.name, disk->where, now->why);
	if (now->is_absent && strcmp(now->why, before.is_absent ? before.why : ""))
		iov_log_with(iov, LOG_ERR, PORT_FIELDS(disk->port.name),
			     "%s: %s: %s; it is tried again and again", disk->port.name,
			disk->where, now->why);
	if (!now->is_absent && before.is_absent)
		iov_log_with(iov, LOG_NOTICE, PORT_FIELDS(disk->port.name),
			     "%s: %s is there again", disk->port.name, disk->where);
	if (now->is_lossy)
		iov_log_with(iov, LOG_ERR, PORT_FIELDS(disk->port.name),
			"%s: %s: another server than before, and what that had not flushed may be "
			"lost; the next flush fails, and those behind it until "
			"'iov disk set %s --clear-errors'",
			disk->port.name, disk->where, disk->port.name);
	disk_renew(disk);
	return 0;
}

static int watch_news(struct disk_port *disk)
{
	const struct blk_backend_ops *ops = disk->disk.backend->ops;
	const int fd = ops->news_fd ? ops->news_fd(disk->disk.backend) : -1;
	int error;

	if (fd < 0)
		return 0;
	error = sd_event_add_io(disk->port.registry->event, &disk->news, fd, EPOLLIN, on_news, disk);
	return error < 0 ? error : 0;
}

static int open_port(struct port *port, const struct port_options *options)
{
	struct disk_port *disk = disk_port_of(port);
	bool waits = false;
	int error = have_data(disk, &options->disk, &waits);

	if (disk->disk.backend)
		TAILQ_INSERT_TAIL(&port->registry->disks->list, disk, link);
	if (!error && waits)
		error = disk_lock_wait(disk);
	if (!error)
		error = watch_news(disk);
	if (!error)
		error = disk_loss_watch(disk);
	return error ? error : disk_session_open(disk, options);
}

static void close_port(struct port *port)
{
	struct disk_port *disk = disk_port_of(port);

	/* Its rings are polled until they have stopped. */
	front_end_close(port);
	disk_lock_close(disk);
	sd_event_source_disable_unref(disk->news);
	disk_loss_unwatch(disk);
	if (disk->disk.backend) {
		disks_forget(port->registry, &disk->disk);
		TAILQ_REMOVE(&port->registry->disks->list, disk, link);
	}
	blk_disk_close(&disk->disk);
	for (unsigned int i = 0; i < PORT_RINGS_MAX; i++)
		free(disk->counters[i]);
	free(disk->serial);
	free(disk->where);
}

/* Disks have methods of their own, which find no other ports. */
static int would_set(const struct port *port, const struct port_changes *changes)
{
	(void)changes;
	return iov_fail(port->registry->iov, -EINVAL, "%s: is a disk; see 'iov disk set'",
			port->name);
}

static int set(struct port *port, const struct port_changes *changes)
{
	return would_set(port, changes);
}

int disk_would_set(const struct port *port, const struct disk_changes *changes)
{
	const struct blk_disk *disk = &disk_port_of(port)->disk;
	enum blk_on_error on_error = disk->on_error;
	struct qos *qos = port->qos;
	int error = parse_on_error(port->registry->iov, port->name, changes->on_error, &on_error);

	if (!error && changes->qos)
		error = qos_find_named(port->registry, changes->qos, &qos);
	if (error)
		return error;
	return on_error != disk->on_error || qos != port->qos ||
	       (changes->clear_errors && (__atomic_load_n(&disk->flush_error, __ATOMIC_RELAXED) ||
					  __atomic_load_n(&disk->last_error, __ATOMIC_RELAXED)));
}

void disk_set(struct port *port, const struct disk_changes *changes)
{
	struct blk_disk *disk = &disk_port_of(port)->disk;
	enum blk_on_error on_error = disk->on_error;
	struct qos *qos;

	if (changes->on_error)
		blk_on_error_parse(changes->on_error, &on_error);
	if (changes->qos && !qos_find_named(port->registry, changes->qos, &qos))
		join(disk_port_of(port), qos);
	__atomic_store_n(&disk->on_error, on_error, __ATOMIC_RELAXED);
	if (changes->clear_errors) {
		__atomic_store_n(&disk->flush_error, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&disk->last_error, 0, __ATOMIC_RELAXED);
		disk_port_of(port)->has_told_error = false;
		disk_port_of(port)->kept_flush_error = 0;
	}
}

/* What its back end has now. */
static uint64_t bytes_now(const struct disk_port *disk)
{
	struct blk_geometry now;

	return disk->disk.backend->ops->describe(disk->disk.backend, &now) ?
		       disk->disk.geometry.bytes : now.bytes;
}

/* Somebody else cut it, which its guest learns of when somebody says so. */
static int refuse_taking_less(const struct disk_port *disk, uint64_t now)
{
	const uint64_t had = disk->disk.geometry.bytes;

	if (now >= had)
		return 0;
	return iov_fail(disk->port.registry->iov, -EINVAL, "%s: its data has %" PRIu64 " bytes by now, "
			"and its guest knows %" PRIu64 ": what was behind is lost; make it as long again, "
			"or say --shrink", disk->port.name, now, had);
}

/* Where there is no data none is lost. */
static int refuse_shrinking(const struct disk_port *disk, uint64_t bytes, uint64_t now)
{
	if (disk->disk.backend->ops->takes == BLK_TAKES_BYTES || bytes >= now)
		return 0;
	return iov_fail(disk->port.registry->iov, -EINVAL, "%s: has %" PRIu64 " bytes, and %" PRIu64
			" are less: what is behind is lost; shrink what the guest has there first, and "
			"say --shrink", disk->port.name, now, bytes);
}

int disk_would_resize(const struct port *port, uint64_t bytes, bool shrinks)
{
	const struct disk_port *disk = disk_port_of(port);
	const struct blk_backend_ops *ops = disk->disk.backend->ops;
	const uint64_t now = bytes_now(disk), wanted = bytes ? bytes : now;
	struct iov *iov = port->registry->iov;
	int error = 0;

	if (bytes && !ops->resize)
		error = iov_fail(iov, -ENOTSUP, "%s: its data, a device or memory, has the size that it "
				 "has; leave SIZE out to take what a device has now", port->name);
	else if (bytes && disk->disk.geometry.read_only)
		error = iov_fail(iov, -EROFS, "%s: is read-only; add it without --read-only to give it "
				 "another size", port->name);
	else if (bytes && disk->lock.is_incoming)
		error = iov_fail_as(iov, IOV_FAILURE_OTHER, -EBUSY, "%s: its guest is not here, and who has "
				    "that may write to its data; resize it there", port->name);
	else if (bytes && !disk->disk.is_locked)
		error = iov_fail_as(iov, IOV_FAILURE_OTHER, -EBUSY, "%s: somebody else still writes to its data; "
				    "resize it when that is over, see 'iov disk show %s'", port->name, port->name);
	else if (!wanted)
		error = iov_fail_as(iov, IOV_FAILURE_OTHER, -ENODATA, "%s: nothing is left of its data: it was cut "
				    "to no bytes, or its device is gone; give it a size, or remove the disk",
				    port->name);
	else if (bytes)
		error = ops->check_size(disk->disk.backend, iov, bytes);
	if (!error && !shrinks)
		error = bytes ? refuse_shrinking(disk, bytes, now) : refuse_taking_less(disk, now);
	if (error)
		return error;
	/* Somebody else may have cut it, which its guest has not been told. */
	return wanted != disk->disk.geometry.bytes || wanted != now;
}

int disk_resize(struct port *port, uint64_t bytes)
{
	struct disk_port *disk = disk_port_of(port);
	int error = 0;

	/* Nobody writes behind an end that comes closer, which would make it longer again. */
	if (bytes && bytes < disk->disk.geometry.bytes) {
		__atomic_store_n(&disk->disk.sectors, bytes / BLK_BLOCK_MIN, __ATOMIC_RELAXED);
		workers_synchronize(port->registry->workers);
	}
	if (bytes)
		error = disk->disk.backend->ops->resize(disk->disk.backend, port->registry->iov, bytes);
	if (error) {
		__atomic_store_n(&disk->disk.sectors, disk->disk.geometry.bytes / BLK_BLOCK_MIN,
				 __ATOMIC_RELAXED);
		return error;
	}
	if (bytes && disk->bytes)
		disk->bytes = bytes;
	disk_renew(disk);
	return 0;
}

static const char *status_of(const struct disk_port *disk)
{
	const struct blk_backend *backend = disk->disk.backend;
	const char *status = backend->ops->status ? backend->ops->status(backend) : NULL;
	const char *lock = disk_lock_status(disk), *loss = disk_loss(disk);

	if (status)
		return status;
	if (lock)
		return lock;
	if (disk->standing)
		return "waits-for-memory";
	if (disk->reach.is_absent)
		return "waits-for-server";
	/* Flushes that wait because of it wait for somebody to look, whatever the medium does. */
	if (__atomic_load_n(&disk->disk.flush_error, __ATOMIC_RELAXED))
		return "flush-failed";
	for (unsigned int i = 0; i < disk->port.queue_end; i++)
		if (disk->port.queues[i] && blk_queue_parked(disk->port.queues[i]->device))
			return "waits-for-medium";
	return loss ? loss : "ready";
}

static void add_options(const struct disk_port *disk, struct json_object *object)
{
	const struct blk_disk *blk = &disk->disk;

	json_add_text(object, "backend", blk->backend->ops->name);
	if (disk->where)
		json_add_text(object, blk->backend->ops->takes == BLK_TAKES_URI ? "uri" : "path",
			      disk->where);
	if (blk->geometry.read_only)
		json_object_object_add(object, "read_only", json_object_new_boolean(true));
	if (disk->is_cached)
		json_object_object_add(object, "cached", json_object_new_boolean(true));
	if (disk->is_polled)
		json_object_object_add(object, "io_poll", json_object_new_boolean(true));
	if (disk->is_registered)
		json_object_object_add(object, "register_memory", json_object_new_boolean(true));
	if (disk->port.qos)
		json_add_text(object, "qos", disk->port.qos->name);
}

static void add_zones(const struct blk_zoned *zoned, struct json_object *object)
{
	if (!zoned)
		return;
	json_add_text(object, "zone_model",
		      zoned->model == VIRTIO_BLK_Z_HM ? "host-managed" : "host-aware");
	json_object_object_add(object, "zones", json_object_new_int64(zoned->count));
	json_object_object_add(object, "zone_bytes", json_object_new_uint64(zoned->zone_bytes));
}

static void save(const struct port *port, struct json_object *entry)
{
	const struct disk_port *disk = disk_port_of(port);
	const struct blk_zoned *zoned = disk->disk.geometry.zoned;

	front_end_save(port, entry);
	add_options(disk, entry);
	if (disk->queues != DISK_QUEUES)
		json_object_object_add(entry, "queues", json_object_new_int((int)disk->queues));
	if (disk->serial)
		json_add_text(entry, "serial", disk->serial);
	if (disk->disk.on_error != BLK_ERROR_REPORT)
		json_add_text(entry, "on_error", blk_on_error_name(disk->disk.on_error));
	/* Front ends do not say it again to an iovd that comes next. */
	if (disk->write_through)
		json_object_object_add(entry, "write_through", json_object_new_boolean(true));
	if (disk->lock.is_incoming)
		json_object_object_add(entry, "incoming", json_object_new_boolean(true));
	if (disk->lock.is_given_up)
		json_object_object_add(entry, "given_up", json_object_new_boolean(true));
	if (disk->kept_flush_error)
		json_object_object_add(entry, "flush_error",
				       json_object_new_int(-disk->kept_flush_error));
	if (disk->bytes)
		json_object_object_add(entry, "bytes", json_object_new_uint64(disk->bytes));
	if (disk->bytes && zoned)
		json_object_object_add(entry, "zone_bytes",
				       json_object_new_uint64(zoned->zone_bytes));
}

static void add_warnings(const struct blk_backend *backend, struct json_object *object)
{
	const unsigned int warnings = backend->ops->warnings ? backend->ops->warnings(backend) : 0;
	struct json_object *names;

	if (!warnings)
		return;
	names = json_object_new_array();
	for (unsigned int i = 0; blk_warning_names[i]; i++)
		if (warnings & 1u << i)
			json_object_array_add(names, json_object_new_string(blk_warning_names[i]));
	json_object_object_add(object, "warnings", names);
}

static void add_registered(const struct disk_port *disk, struct json_object *object)
{
	const struct blk_backend_ops *ops = disk->disk.backend->ops;
	uint64_t bytes;
	int error;

	if (!disk->is_registered || !ops->registered)
		return;
	bytes = ops->registered(disk->disk.backend, &error);
	json_object_object_add(object, "registered_bytes", json_object_new_uint64(bytes));
	if (error)
		json_add_text(object, "not_registered", strerror(-error));
}

static void describe(const struct port *port, struct json_object *object)
{
	const struct disk_port *disk = disk_port_of(port);
	const struct blk_disk *blk = &disk->disk;
	int error = __atomic_load_n(&blk->last_error, __ATOMIC_RELAXED);
	char serial[VIRTIO_BLK_ID_BYTES + 1] = "";

	front_end_describe(port, object);
	add_options(disk, object);
	memcpy(serial, blk->serial, sizeof(blk->serial));
	json_add_text(object, "serial", serial);
	json_object_object_add(object, "queues_max", json_object_new_int((int)disk->queues));
	json_object_object_add(object, "bytes", json_object_new_uint64(blk->geometry.bytes));
	json_object_object_add(object, "block", json_object_new_int((int)blk->geometry.block));
	add_zones(blk->geometry.zoned, object);
	json_object_object_add(object, "read_only",
			       json_object_new_boolean(blk->geometry.read_only));
	json_add_text(object, "on_error", blk_on_error_name(blk->on_error));
	json_add_text(object, "status", status_of(disk));
	if (error)
		json_add_text(object, "error", strerror(-error));
	add_warnings(blk->backend, object);
	add_registered(disk, object);
	disk_lock_describe(disk, object);
	if (disk->reach.is_absent)
		json_add_text(object, "server", disk->reach.why);
}

static bool reasons(const struct port *port, enum reason_kind kind, uint64_t counters[REASONS_MAX])
{
	if (kind == REASON_DROP)
		return false;
	front_end_reasons(port, kind, counters);
	return true;
}

static struct json_object *rings(const struct port *port)
{
	struct json_object *rings = json_object_new_array();

	for (unsigned int i = 0; i < port->queue_end; i++) {
		const struct blk_queue *queue = port->queues[i] ? port->queues[i]->device : NULL;
		struct json_object *ring;

		if (!queue)
			continue;
		ring = port_ring_json(port, i, NULL);
		json_object_object_add(ring, "under_way", json_object_new_int(
			(int)blk_queue_under_way(queue)));
		json_object_object_add(ring, "parked", json_object_new_int(
			(int)blk_queue_parked(queue)));
		port_ring_add_cpu(ring, port, i);
		json_object_array_add(rings, ring);
	}
	return rings;
}

static bool is_up(const struct port *port)
{
	return front_end_session(port);
}

static bool is_source(const struct port *port, unsigned int index)
{
	return port->queues[index];
}

unsigned int disk_port_add_rings(const struct disk_port *disk, unsigned int worker,
				 struct blk_polled *to)
{
	const struct port *port = &disk->port;
	unsigned int count = 0;

	for (unsigned int i = 0; i < port->queue_end; i++) {
		if (!port->queues[i] || port->workers[i] != worker)
			continue;
		if (to)
			to[count] = (struct blk_polled){
				.queue = port->queues[i]->device,
				.load = &port->loads[i],
				.must_poll = port->polled[i],
			};
		count++;
	}
	return count;
}

int disk_find(struct registry *registry, const char *name, struct port **out)
{
	struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link) {
		if (port_is_disk(port) && !strcmp(port->name, name)) {
			*out = port;
			return 0;
		}
	}
	return iov_fail(registry->iov, -ENOENT, "%s: no such disk; see 'iov disk list'", name);
}

bool disk_port_reset(struct disk_port *disk)
{
	const struct blk_backend_ops *ops = disk->disk.backend->ops;

	if (ops->reset)
		ops->reset(disk->disk.backend);
	return ops->reset;
}

/* What all rings were ever given back, and whether one waits for something. */
static uint64_t given_back(const struct disk_port *disk, bool *waits)
{
	uint64_t sum = 0;

	*waits = false;
	for (unsigned int i = 0; i < disk->port.queue_end; i++) {
		const struct vu_queue *vu = disk->port.queues[i];

		*waits |= vu && !blk_queue_is_at_rest(vu->device);
	}
	for (unsigned int kind = 0; kind < BLK_KINDS; kind++)
		sum += disk_sum(disk, kind, offsetof(struct blk_counters, count));
	return sum;
}

/* Whether nothing waits for the back end, or it gives back something within a while. */
static bool is_answered(const struct disk_port *disk)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	const uint64_t end = monotonic_ms() + ANSWER_MS;
	bool waits;
	const uint64_t before = given_back(disk, &waits);
	uint64_t now = before;

	while (waits && now == before && monotonic_ms() < end) {
		nanosleep(&pause, NULL);
		now = given_back(disk, &waits);
	}
	return !waits || now != before;
}

int disk_find_removable(struct registry *registry, const char *name, struct port **out)
{
	int error = disk_find(registry, name, out);

	if (error)
		return error;
	if (is_answered(disk_port_of(*out)))
		return 0;
	/* What cannot be waited for can be given up, where the back end lets us. */
	if (disk_port_reset(disk_port_of(*out)) && is_answered(disk_port_of(*out)))
		return 0;
	*out = NULL;
	return iov_fail(registry->iov, -EBUSY, "%s: what it is stored on has not answered for %d s, and "
			"removing it would wait for that; see to its medium, or end iovd", name,
			ANSWER_MS / 1000);
}

unsigned int disk_rings(const struct port *port)
{
	unsigned int count = disk_port_of(port)->standing;

	for (unsigned int i = 0; i < port->queue_end; i++)
		count += port->queues[i] != NULL;
	return count;
}

static bool can_give_up(const struct port *port)
{
	return disk_port_of(port)->disk.backend->ops->reset;
}

static const struct port_metric *const metrics[] = {
	port_metrics, disk_metrics, front_end_metrics, NULL,
};

const struct port_type disk_port_type = {
	.name = "disk",
	.size = sizeof(struct disk_port),
	.check = check,
	.open = open_port,
	.rehearse = rehearse,
	.close = close_port,
	.would_set = would_set,
	.set = set,
	.describe = describe,
	.save = save,
	.count = disk_count,
	.reasons = reasons,
	.rings = rings,
	.feature_name = blk_feature_name,
	.is_up = is_up,
	.is_source = is_source,
	.attend = disk_session_attend,
	.move = disk_session_move,
	.can_give_up = can_give_up,
	.metrics = metrics,
	.histogram = &disk_histogram,
};
