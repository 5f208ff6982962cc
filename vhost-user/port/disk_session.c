// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  A ring is in the list of one worker's poller.  To stop, it leaves the list
 * when nothing is under way; else it takes nothing more, and the worker says when it has
 * drained.  To move, it pauses until the back end has nothing, because completions come to the
 * worker that submitted; what waits for its medium moves along.
 *
 * While the memory of a guest arrives by post-copy its rings are nobody's: what a disk reads and writes goes
 * between its medium and that memory, in the kernel or by a device, and nobody else may come to wait for a
 * page.  They begin when all is there.  The lock is had meanwhile, as the guest is here.
 */
#include "vhost-user/port/disk_session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/clock.h"
#include "vhost-user/blk/blk_bits.h"
#include "vhost-user/blk/disk_state.h"
#include "vhost-user/port/balance.h"
#include "vhost-user/port/disks.h"
#include "vhost-user/port/registry.h"
#include "vhost-user/ring/ring_features.h"

/*
 * A medium that does not answer keeps its own front end waiting, for a week if it must: what the
 * back end has is in the guest's memory, so nothing but its end can be waited for.
 */
#define DRAIN_MS (7u * 24 * 3600 * 1000)

/* How long a disk that goes away waits for what is in flight. */
#define LAST_CHANCE_MS 1000

static struct blk_queue *queue_of(const struct vu_queue *queue)
{
	return queue->device;
}

static bool has_counters(struct disk_port *disk, unsigned int index)
{
	if (!disk->counters[index])
		disk->counters[index] = calloc(BLK_KINDS, sizeof(**disk->counters));
	return disk->counters[index];
}

/*
 * Once in the life of a driver: one that plays with the switch does not have files written all
 * the time, and a cache that may be on is taken for one that is off after a restart.
 */
static void keep(struct disk_port *disk, bool write_through)
{
	struct registry *registry = disk->port.registry;

	if (disk->write_through == write_through)
		return;
	disk->write_through = write_through;
	if (registry->keep)
		registry->keep(registry->keep_arg);
}

/*
 * A driver that another back end served may have switched its cache off, and does not say it again.
 * Where nobody kept that, as of a disk that was removed and added, what it writes is stable when it is
 * done, until it says something.
 */
static void suspect_cache(struct disk_port *disk, const struct vu_queue *vu)
{
	if (disk->cache_is_known || disk->port.queue_end || virtq_is_new(&vu->ring) ||
	    !(vu->features & VU_BIT(VIRTIO_BLK_F_CONFIG_WCE)))
		return;
	__atomic_store_n(&disk->disk.has_cache, false, __ATOMIC_RELAXED);
	keep(disk, true);
}

static bool runs(const struct port *port)
{
	for (unsigned int i = 0; i < port->queue_end; i++)
		if (port->queues[i])
			return true;
	return false;
}

static void queue_start(void *arg, struct vu_queue *vu)
{
	struct disk_port *disk = arg;
	struct port *port = &disk->port;
	struct blk_queue *queue = NULL;
	bool is_new;

	vu->device = NULL;
	if (vu->unsettled) {
		disk->standing++;
		disk_lock_start(disk, false);
		return;
	}
	is_new = virtq_is_new(&vu->ring) && !runs(port);
	suspect_cache(disk, vu);
	if (!has_counters(disk, vu->index) ||
	    blk_queue_open(&queue, &disk->disk, vu, disk->counters[vu->index])) {
		iov_log_with(port->registry->iov, LOG_ERR, PORT_FIELDS(port->name),
			     "%s: vring %u stands still: out of memory",
			port->name, vu->index);
		return;
	}
	if (blk_needs_zones(&disk->disk) && !(vu->features & VIRTIO_BIT(VIRTIO_BLK_F_ZONED)))
		iov_log_with(port->registry->iov, LOG_WARNING, PORT_FIELDS(port->name),
			     "%s: vring %u: its driver knows no zones "
			"(VIRTIO_BLK_F_ZONED), or its front end does not, so nothing is written",
			port->name, vu->index);
	vu->device = queue;
	if (vu->index >= port->queue_end)
		port->queue_end = vu->index + 1;
	port->node = guest_memory_node(vu->setup.device);
	balance_attach(port, vu, balance_choose(port));
	port->queues[vu->index] = vu;
	disks_publish(port->registry, port->workers[vu->index]);
	disk->is_moving = false;
	disk_lock_start(disk, is_new);
}

/* Out of the worker's sight, or back in it. */
static void show(struct port *port, struct vu_queue *vu, bool visible)
{
	port->queues[vu->index] = visible ? vu : NULL;
	disks_publish(port->registry, port->workers[vu->index]);
}

/* It is in no list any more.  Who asks where it stands and keeps a dirty log moves its guest. */
static void end(struct disk_port *disk, struct vu_queue *vu)
{
	disk->moving[vu->index] = 0;
	disk->is_moving |= vu->is_asked && vu->ring.log;
	balance_detach(&disk->port, vu);
	blk_queue_close(queue_of(vu));
	vu->device = NULL;
	if (!runs(&disk->port))
		disk_lock_stop(disk, disk->is_moving);
}

/* Nothing of it was touched. */
static void end_standing(struct disk_port *disk)
{
	disk->standing--;
	if (!disk->standing && !runs(&disk->port))
		disk_lock_stop(disk, false);
}

static bool queue_stop(void *arg, struct vu_queue *vu)
{
	struct disk_port *disk = arg;
	struct blk_queue *queue = queue_of(vu);

	if (vu->unsettled)
		end_standing(disk);
	if (!queue)
		return true;
	show(&disk->port, vu, false);
	if (!blk_queue_under_way(queue)) {
		end(disk, vu);
		return true;
	}
	/* What waits for its medium waits on: it is written down, or the ring stands before it. */
	blk_queue_drain(queue, vu->leave_inflight || !vu->is_asked);
	show(&disk->port, vu, true);
	worker_wake(disk->port.registry->workers, disk->port.workers[vu->index]);
	return false;
}

/* Returns whether it has drained by then. */
static bool wait_for(struct disk_port *disk, struct vu_queue *vu, uint64_t until)
{
	const struct timespec pause = { .tv_nsec = 200000 };

	while (!blk_queue_is_drained(queue_of(vu))) {
		if (monotonic_ms() >= until)
			return false;
		worker_wake(disk->port.registry->workers, disk->port.workers[vu->index]);
		nanosleep(&pause, NULL);
	}
	return true;
}

/*
 * An iovd that ends gives back what it can: not every front end keeps what is in flight.  After
 * that the back end still has the guest's memory until it has done what it was given.
 */
static bool queue_abandon(void *arg, struct vu_queue *vu)
{
	struct disk_port *disk = arg;
	const bool drained = wait_for(disk, vu, monotonic_ms() + LAST_CHANCE_MS);

	if (!drained) {
		blk_queue_abandon(queue_of(vu));
		disk_port_reset(disk);
		wait_for(disk, vu, UINT64_MAX);
	}
	show(&disk->port, vu, false);
	end(disk, vu);
	return drained;
}

static void move_now(struct port *port, struct vu_queue *vu, unsigned int to)
{
	show(port, vu, false);
	if (!blk_queue_is_at_rest(queue_of(vu))) {
		show(port, vu, true);
		return;
	}
	disk_port_of(port)->moving[vu->index] = 0;
	balance_detach(port, vu);
	balance_attach(port, vu, to);
	blk_queue_pause(queue_of(vu), false);
	show(port, vu, true);
	worker_wake(port->registry->workers, to);
}

void disk_session_move(struct port *port, unsigned int index, unsigned int to)
{
	struct vu_queue *vu = port->queues[index];

	blk_queue_pause(queue_of(vu), true);
	disk_port_of(port)->moving[index] = (uint8_t)(to + 1);
	workers_synchronize(port->registry->workers);
	disk_session_attend(port);
}

static void attend(struct disk_port *disk, struct vu_queue *vu)
{
	struct blk_queue *queue = queue_of(vu);
	uint8_t *moving = &disk->moving[vu->index];

	if (blk_queue_is_drained(queue)) {
		show(&disk->port, vu, false);
		end(disk, vu);
		vu_queue_stopped(vu);
	} else if (*moving) {
		move_now(&disk->port, vu, *moving - 1u);
	}
}

/* The kernel tells of it once, so the next iovd has to know; until somebody has looked at it. */
void disk_session_keep_failure(struct disk_port *disk)
{
	const int error = __atomic_load_n(&disk->disk.flush_error, __ATOMIC_RELAXED);
	struct registry *registry = disk->port.registry;

	if (!error || disk->kept_flush_error)
		return;
	disk->kept_flush_error = error;
	if (registry->keep)
		registry->keep(registry->keep_arg);
}

/* The first one until somebody has looked at it: a medium that fails may fail of all that it is asked for. */
static void tell_error(struct disk_port *disk)
{
	const int error = __atomic_load_n(&disk->disk.last_error, __ATOMIC_RELAXED);

	if (error && !disk->has_told_error)
		iov_log_with(disk->port.registry->iov, LOG_ERR, PORT_FIELDS(disk->port.name),
			     "%s: %s%sa request failed: %s; see 'iov disk show %s'. "
			"The next one is told of after 'iov disk set %s --clear-errors'", disk->port.name,
			disk->where ? disk->where : "", disk->where ? ": " : "", strerror(-error),
			disk->port.name, disk->port.name);
	disk->has_told_error = error;
}

void disk_session_attend(struct port *port)
{
	tell_error(disk_port_of(port));
	disk_session_keep_failure(disk_port_of(port));
	for (unsigned int i = 0; i < port->queue_end; i++)
		if (port->queues[i])
			attend(disk_port_of(port), port->queues[i]);
}

/* A disk begins with its cache switched on: virtio 1.2 section 5.2.5. */
static void reset(void *arg)
{
	struct disk_port *disk = arg;

	__atomic_store_n(&disk->disk.has_cache, true, __ATOMIC_RELAXED);
	disk->cache_is_known = true;
	keep(disk, false);
}

/* None are negotiated when the connection ends. */
static void features(void *arg, uint64_t features)
{
	if (!features)
		disk_lock_forget_front_end(arg);
}

static int save(void *arg, uint8_t **bytes, size_t *length)
{
	const struct disk_port *disk = arg;
	const struct disk_state state = {
		.features = vu_session_features(front_end_session(&disk->port)),
		.bytes = disk->disk.geometry.bytes,
		.write_through = !__atomic_load_n(&disk->disk.has_cache, __ATOMIC_RELAXED),
		.flush_error = (uint32_t)-__atomic_load_n(&disk->disk.flush_error, __ATOMIC_RELAXED),
	};

	return disk_state_write(&state, bytes, length);
}

static int check_state(struct disk_port *disk, const struct disk_state *state)
{
	struct iov *iov = disk->port.registry->iov;
	const struct vu_session *session = front_end_session(&disk->port);
	const uint64_t chosen = vu_session_features(session) & ~VU_BIT(VU_F_LOG_ALL);
	const uint64_t features = state->features & ~VU_BIT(VU_F_LOG_ALL);

	if (features & ~vu_session_features_offered(session) || (chosen && features != chosen))
		return iov_fail(iov, -EINVAL, "the disk had features 0x%" PRIx64 ", and disk %s offers 0x%"
				PRIx64 ", of which its front end chose 0x%" PRIx64, features,
				disk->port.name, vu_session_features_offered(session), chosen);
	/* Somebody may have made it larger since it was opened. */
	disk_renew(disk);
	if (state->bytes != disk->disk.geometry.bytes)
		return iov_fail(iov, -EINVAL, "the disk had %" PRIu64 " bytes, and disk %s has %" PRIu64
				"; have it made of the same file or device", state->bytes,
				disk->port.name, disk->disk.geometry.bytes);
	return 0;
}

/* What a flush lost where the guest comes from no flush here finds. */
static int load(void *arg, const uint8_t *bytes, size_t length)
{
	struct disk_port *disk = arg;
	struct disk_state state;
	int error = disk_state_read(&state, disk->port.registry->iov, bytes, length);

	if (!error)
		error = check_state(disk, &state);
	if (error)
		return error;
	__atomic_store_n(&disk->disk.has_cache, !state.write_through, __ATOMIC_RELAXED);
	disk->cache_is_known = true;
	if (state.write_through)
		keep(disk, true);
	if (state.flush_error)
		__atomic_store_n(&disk->disk.flush_error, -(int)state.flush_error, __ATOMIC_RELAXED);
	disk_session_keep_failure(disk);
	/* Who comes back to the same memory brings none. */
	disk_lock_new_guest(disk);
	return 0;
}

static void get_config(void *arg, uint8_t space[VU_CONFIG_SPACE])
{
	const struct disk_port *disk = arg;

	blk_config_fill(&disk->disk, disk->queues, space);
}

static int set_config(void *arg, uint32_t offset, const uint8_t *bytes, uint32_t size,
		      bool migrated)
{
	struct disk_port *disk = arg;

	int error = blk_config_write(&disk->disk, offset, bytes, size);

	(void)migrated;
	if (error)
		return error;
	disk->cache_is_known = true;
	if (!disk->disk.has_cache)
		keep(disk, true);
	return 0;
}

static void kick(void *arg, struct vu_queue *vu)
{
	struct disk_port *disk = arg;

	worker_wake(disk->port.registry->workers, disk->port.workers[vu->index]);
}

static void quiesce(void *arg)
{
	struct disk_port *disk = arg;

	workers_synchronize(disk->port.registry->workers);
}

/* What a device does not reach is copied. */
static void memory_came(void *arg, void *memory, size_t bytes)
{
	struct disk_port *disk = arg;
	struct blk_backend *backend = disk->disk.backend;
	int error = backend->ops->memory_came(backend, memory, bytes);

	if (error)
		iov_log_with(disk->port.registry->iov, LOG_WARNING, PORT_FIELDS(disk->port.name),
			     "%s: %zu bytes of guest memory cannot be "
			"mapped for its device: %s; what is there is copied", disk->port.name, bytes,
			strerror(-error));
}

static void memory_goes(void *arg, const void *memory)
{
	struct disk_port *disk = arg;
	struct blk_backend *backend = disk->disk.backend;

	if (backend->ops->channels_have_memory)
		disks_forget(disk->port.registry, &disk->disk);
	backend->ops->memory_goes(backend, memory);
}

static const struct vu_ops ops = {
	.queue_start = queue_start,
	.queue_stop = queue_stop,
	.queue_abandon = queue_abandon,
	.kick = kick,
	.quiesce = quiesce,
	.features = features,
	.reset = reset,
	.get_config = get_config,
	.set_config = set_config,
	.save = save,
	.load = load,
};

static bool wants_memory(const struct blk_backend *backend)
{
	const struct blk_backend_ops *ops = backend->ops;

	return ops->memory_came && (!ops->wants_memory || ops->wants_memory(backend));
}

int disk_session_open(struct disk_port *disk, const struct port_options *options)
{
	const struct vu_device device = {
		.ops = &ops,
		.arg = disk,
		.features = blk_features(&disk->disk, disk->queues),
		.config_size = BLK_CONFIG_BYTES,
		.queues = disk->queues,
		.queue_num = disk->queues,
		.drain_ms = DRAIN_MS,
		.tracks_inflight = true,
		.postcopy = disk->port.registry->postcopy,
		.watcher = wants_memory(disk->disk.backend) ? &disk->watcher : NULL,
	};

	disk->watcher = (struct guest_memory_watcher){ memory_came, memory_goes, disk };
	return front_end_open(&disk->port, options, &device);
}
