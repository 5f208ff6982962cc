// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/nvme/keeper.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "iommu/group.h"
#include "vhost-user/thread.h"

/* Seconds until a command is aborted, and until the controller is reset. */
#define ABORT_SECONDS 30
#define RESET_SECONDS 40

/* Milliseconds between tries to reset a controller that has failed. */
#define AGAIN_MS 5000

/* How long a process that ended may still have a function: VFIO resets it first. */
#define LEFT_MS 3000
#define LEFT_PAUSE_NS 20000000

static LIST_HEAD(, keeper) keepers = LIST_HEAD_INITIALIZER(keepers);

enum keeper_state keeper_state(const struct keeper *keeper)
{
	return __atomic_load_n(&keeper->state, __ATOMIC_RELAXED);
}

static void set_state(struct keeper *keeper, enum keeper_state state)
{
	__atomic_store_n(&keeper->state, state, __ATOMIC_RELAXED);
}

static void wake(const struct nvme_channel *channel)
{
	if (channel->event >= 0)
		eventfd_write(channel->event, 1);
}

void keeper_arrive(struct nvme_channel *channel)
{
	struct keeper *keeper = channel->disk->keeper;

	channel->arrival = __atomic_load_n(&keeper->arrivals, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&keeper->arrivals, &channel->arrival, channel, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	eventfd_write(keeper->event_fd, 1);
}

void keeper_leave(struct nvme_channel *channel)
{
	const int event_fd = channel->disk->keeper->event_fd;

	__atomic_store_n(&channel->is_left, true, __ATOMIC_RELEASE);
	eventfd_write(event_fd, 1);
}

static bool is_left(const struct nvme_channel *channel)
{
	return __atomic_load_n(&channel->is_left, __ATOMIC_ACQUIRE);
}

static void take_arrivals(struct keeper *keeper)
{
	struct nvme_channel *channel = __atomic_exchange_n(&keeper->arrivals, NULL,
							   __ATOMIC_ACQUIRE);

	for (; channel; channel = channel->arrival)
		LIST_INSERT_HEAD(&keeper->channels, channel, link);
}

/* What a line is about. */
#define ABOUT(keeper)                                                                              \
	((const struct iov_field[]){ { "IOV_DEVICE", (keeper)->bus->name }, { 0 } })

/* What the driver made is there for the worker when it has the use. */
static void make_queue(struct keeper *keeper, struct nvme_channel *channel)
{
	const struct iov_nvme_bus_ops *ops = keeper->bus->ops;
	struct iov_nvme_queue *queue = NULL;
	int error = 0;

	if (!channel->bounces)
		error = ops->alloc(keeper->bus, NVME_BOUNCES * NVME_BOUNCE_BYTES, &channel->bounces,
				   &channel->bounces_iova);
	if (!error)
		error = iov_nvme_queue_open(&queue, keeper->nvme, NVME_DEPTH, channel->event);
	/* One that does not answer is reset, and then there is one. */
	if (error && !iov_nvme_is_well(keeper->nvme))
		return;
	if (error)
		iov_log_with(keeper->log, LOG_ERR, ABOUT(keeper), "%s: a worker has no queue: %s", keeper->bus->name,
			iov_error_message(keeper->iov));
	spin_lock(&channel->use);
	__atomic_store_n(&channel->queue, queue, __ATOMIC_RELEASE);
	channel->error = error;
	spin_unlock(&channel->use);
	wake(channel);
}

static void end_channel(struct keeper *keeper, struct nvme_channel *channel)
{
	LIST_REMOVE(channel, link);
	iov_nvme_queue_close(channel->queue);
	keeper->bus->ops->free(keeper->bus, channel->bounces, NVME_BOUNCES * NVME_BOUNCE_BYTES,
			       channel->bounces_iova);
	free(channel);
}

static void tidy(struct keeper *keeper)
{
	struct nvme_channel *channel, *next;

	take_arrivals(keeper);
	for (channel = LIST_FIRST(&keeper->channels); channel; channel = next) {
		next = LIST_NEXT(channel, link);
		if (is_left(channel))
			end_channel(keeper, channel);
		else if (!channel->queue && !channel->error && keeper_state(keeper) == KEEPER_WELL)
			make_queue(keeper, channel);
	}
}

void keeper_tidy(struct keeper *keeper)
{
	pthread_mutex_lock(&keeper->lock);
	tidy(keeper);
	pthread_mutex_unlock(&keeper->lock);
}

/* No worker looks at a queue meanwhile; what they have goes on afterwards, or ends. */
static void restart(struct keeper *keeper, const char *why)
{
	const bool was_well = keeper_state(keeper) == KEEPER_WELL;
	struct nvme_channel *channel;
	int error;

	if (was_well)
		iov_log_with(keeper->log, LOG_ERR, ABOUT(keeper), "%s: %s, and is reset", keeper->bus->name, why);
	set_state(keeper, KEEPER_RESETS);
	LIST_FOREACH(channel, &keeper->channels, link)
		spin_lock(&channel->use);
	error = iov_nvme_restart(keeper->nvme);
	LIST_FOREACH(channel, &keeper->channels, link)
		spin_unlock(&channel->use);
	keeper->tried_ms = monotonic_ms();
	set_state(keeper, error ? KEEPER_FAILED : KEEPER_WELL);
	if (error && was_well)
		iov_log_with(keeper->log, LOG_ERR, ABOUT(keeper), "%s; its disks fail until it comes back",
			iov_error_message(keeper->iov));
	if (!error)
		iov_log_with(keeper->log, LOG_NOTICE, ABOUT(keeper), "%s: the controller works again",
			keeper->bus->name);
	LIST_FOREACH(channel, &keeper->channels, link)
		wake(channel);
}

static bool has_overdue(const struct keeper *keeper, unsigned int seconds)
{
	const struct nvme_channel *channel;

	LIST_FOREACH(channel, &keeper->channels, link)
		if (channel->queue && iov_nvme_overdue(channel->queue, seconds))
			return true;
	return false;
}

static void abort_overdue(struct keeper *keeper)
{
	const struct nvme_channel *channel;

	LIST_FOREACH(channel, &keeper->channels, link)
		if (channel->queue && iov_nvme_abort(channel->queue, ABORT_SECONDS))
			return;
}

static void count_lies(struct keeper *keeper)
{
	const struct nvme_channel *channel;
	uint64_t lies = 0;

	LIST_FOREACH(channel, &keeper->channels, link)
		lies += channel->queue ? iov_nvme_lies(channel->queue) : 0;
	if (lies && !keeper->lies)
		iov_log_with(keeper->log, LOG_WARNING, ABOUT(keeper), "%s: the controller ends commands that it does not "
			"have", keeper->bus->name);
	keeper->lies = lies;
}

static enum nvme_presence presence_of(struct keeper *keeper, const struct nvme_disk *disk)
{
	struct iov_nvme_namespace now;

	switch (iov_nvme_namespace(keeper->nvme, disk->space.id, &now)) {
	case 0:
		return now.block_size == disk->space.block_size ? NVME_IS_THERE : NVME_IS_FORMATTED;
	case -ENODEV:
		return NVME_IS_GONE;
	case -ENOTSUP:
		return NVME_IS_FORMATTED;
	default:
		/* It does not answer, which is seen to. */
		return disk->presence;
	}
}

static void look_at_spaces(struct keeper *keeper)
{
	static const char *const words[] = {
		[NVME_IS_THERE] = "is there again",
		[NVME_IS_GONE] = "is gone; attach it again ('nvme attach-ns'), or remove the disk",
		[NVME_IS_FORMATTED] = "was formatted with other blocks; remove the disk and add it again",
	};
	struct nvme_disk *disk;

	LIST_FOREACH(disk, &keeper->disks, link) {
		const enum nvme_presence presence = presence_of(keeper, disk);

		if (presence != disk->presence)
			iov_log_with(keeper->log, presence == NVME_IS_THERE ? LOG_NOTICE : LOG_ERR,
				ABOUT(keeper),
				"%s/%" PRIu32 ": the namespace %s", keeper->bus->name, disk->space.id,
				words[presence]);
		__atomic_store_n(&disk->presence, presence, __ATOMIC_RELAXED);
		/* Its size is for the control thread to ask. */
		eventfd_write(disk->news_fd, 1);
	}
}

static void note_warnings(struct keeper *keeper)
{
	const unsigned int warnings = iov_nvme_warnings(keeper->nvme);

	for (unsigned int i = 0; blk_warning_names[i]; i++)
		if (warnings & ~keeper->warnings & 1u << i)
			iov_log_with(keeper->log, LOG_WARNING, ABOUT(keeper), "%s: the controller warns: %s", keeper->bus->name,
				blk_warning_names[i]);
	if (!warnings && keeper->warnings)
		iov_log_with(keeper->log, LOG_NOTICE, ABOUT(keeper), "%s: the controller warns of nothing any more",
			keeper->bus->name);
	keeper->warnings = warnings;
}

/* Once each, as a controller may tell anything each second. */
static void hear(struct keeper *keeper)
{
	const unsigned int events = iov_nvme_events(keeper->nvme);

	if (events & IOV_NVME_EVENT_SPACES)
		look_at_spaces(keeper);
	if (events & IOV_NVME_EVENT_HEALTH)
		note_warnings(keeper);
	if (events & IOV_NVME_EVENT_FIRMWARE)
		iov_log_with(keeper->log, LOG_NOTICE, ABOUT(keeper), "%s: the controller begins with another firmware",
			keeper->bus->name);
	if (events & IOV_NVME_EVENT_ERROR && !keeper->has_erred)
		iov_log_with(keeper->log, LOG_WARNING, ABOUT(keeper), "%s: the controller tells of an error of its own; "
			"'nvme error-log' of its own driver shows which", keeper->bus->name);
	keeper->has_erred |= events & IOV_NVME_EVENT_ERROR;
}

static void look_after(struct keeper *keeper)
{
	iov_nvme_tick(keeper->nvme);
	count_lies(keeper);
	if (keeper_state(keeper) != KEEPER_WELL) {
		if (monotonic_ms() - keeper->tried_ms >= AGAIN_MS)
			restart(keeper, "");
	} else if (!iov_nvme_is_well(keeper->nvme)) {
		restart(keeper, "the controller failed or is gone");
	} else if (has_overdue(keeper, RESET_SECONDS)) {
		restart(keeper, "the controller does not end what it began");
	} else {
		abort_overdue(keeper);
		hear(keeper);
	}
}

void keeper_look(struct keeper *keeper, bool second)
{
	pthread_mutex_lock(&keeper->lock);
	tidy(keeper);
	if (second)
		look_after(keeper);
	/* What became well again has queues to make. */
	tidy(keeper);
	pthread_mutex_unlock(&keeper->lock);
}

static bool is_ending(struct keeper *keeper)
{
	bool is_ending;

	pthread_mutex_lock(&keeper->lock);
	is_ending = keeper->is_ending;
	pthread_mutex_unlock(&keeper->lock);
	return is_ending;
}

static void *run(void *arg)
{
	struct keeper *keeper = arg;
	struct pollfd event = { .fd = keeper->event_fd, .events = POLLIN };
	uint64_t next = monotonic_ms() + 1000, now;
	eventfd_t count;

	while (!is_ending(keeper)) {
		now = monotonic_ms();
		if (poll(&event, 1, now < next ? (int)(next - now) : 0) > 0)
			eventfd_read(keeper->event_fd, &count);
		now = monotonic_ms();
		keeper_look(keeper, now >= next);
		if (now >= next)
			next = now + 1000;
	}
	return NULL;
}

static int start_thread(struct keeper *keeper)
{
	int error = thread_begin(&keeper->thread, "iovd-nvme", run, keeper);

	keeper->has_thread = !error;
	return error ? iov_told(keeper->log, -error, "%s: no thread for a controller: %s",
				keeper->bus->name, strerror(error)) : 0;
}

/* Channels that are not left are of workers that do not look any more. */
static void end_channels(struct keeper *keeper)
{
	take_arrivals(keeper);
	while (!LIST_EMPTY(&keeper->channels))
		end_channel(keeper, LIST_FIRST(&keeper->channels));
}

void keeper_end(struct keeper *keeper)
{
	if (keeper->has_thread) {
		pthread_mutex_lock(&keeper->lock);
		keeper->is_ending = true;
		pthread_mutex_unlock(&keeper->lock);
		eventfd_write(keeper->event_fd, 1);
		pthread_join(keeper->thread, NULL);
	}
	end_channels(keeper);
	iov_nvme_close(keeper->nvme);
	iov_device_close(keeper->device);
	iov_domain_close(keeper->domain);
	iov_close(keeper->iov);
	if (keeper->event_fd >= 0)
		close(keeper->event_fd);
	pthread_mutex_destroy(&keeper->lock);
	free(keeper);
}

/* The message of one context, in the other. */
static int pass_on(struct iov *to, const struct iov *from, int error)
{
	return error ? iov_fail_as(to, iov_failure(from, error), error, "%s",
				   iov_error_message(from)) : 0;
}

int keeper_make(struct keeper **out, struct iov *log, const struct keeper_way *way,
		struct iov_nvme_bus *bus)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	int error;

	if (!keeper) {
		bus->ops->close(bus);
		return iov_told(log, -ENOMEM, "no memory for a controller");
	}
	keeper->log = log;
	keeper->bus = bus;
	keeper->iov = way->iov;
	pthread_mutex_init(&keeper->lock, NULL);
	keeper->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (keeper->event_fd < 0) {
		error = iov_told(log, -errno, "no eventfd: %s", strerror(errno));
		bus->ops->close(bus);
	} else {
		error = pass_on(log, way->iov, iov_nvme_open(&keeper->nvme, way->iov, bus));
	}
	if (error) {
		keeper->iov = NULL;
		keeper_end(keeper);
		return error;
	}
	keeper->domain = way->domain;
	keeper->device = way->device;
	*out = keeper;
	return 0;
}

static void close_device(struct keeper_way *way)
{
	iov_device_close(way->device);
	iov_domain_close(way->domain);
	way->device = NULL;
	way->domain = NULL;
}

static int open_by(struct keeper_way *way, struct iov_bdf bdf, enum iov_domain_kind kind)
{
	int error = iov_domain_open(&way->domain, way->iov, kind);

	if (!error)
		error = iov_device_open(&way->device, way->domain, bdf, NULL);
	if (error)
		close_device(way);
	return error;
}

/* A kernel may have IOMMUFD, and no nodes of devices for it. */
static int open_once(struct keeper_way *way, struct iov_bdf bdf)
{
	int error = open_by(way, bdf, IOV_DOMAIN_AUTO);

	return error == -ENOTSUP ? open_by(way, bdf, IOV_DOMAIN_TYPE1) : error;
}

/* One that has another driver is busy as well, and stays so. */
static bool is_with_vfio(struct iov *iov, struct iov_bdf bdf)
{
	char driver[64];

	return !iov_pci_driver(iov, bdf, driver, sizeof(driver)) && iov_driver_is_vfio(driver);
}

/* Who was killed with it has it until it is reset, so what was on its way has come, or never does. */
static int open_device(struct keeper_way *way, struct iov_bdf bdf)
{
	const uint64_t end = monotonic_ms() + LEFT_MS;
	int error = open_once(way, bdf);

	while (error == -EBUSY && monotonic_ms() < end && is_with_vfio(way->iov, bdf)) {
		nanosleep(&(struct timespec){ .tv_nsec = LEFT_PAUSE_NS }, NULL);
		error = open_once(way, bdf);
	}
	return error;
}

static int check_kind(struct iov *iov, struct iov_bdf bdf)
{
	int error = iov_pci_require(iov, bdf);

	if (error || iov_nvme_is(iov, bdf))
		return error;
	return iov_fail(iov, -EINVAL, "%s: is no NVMe controller; 'iov list --class nvme' shows those",
			IOV_BDF(bdf));
}

static int make(struct keeper **out, struct iov *log, struct keeper_way *way, struct iov_bdf bdf)
{
	struct iov_nvme_bus *bus;
	int error = check_kind(way->iov, bdf);

	if (!error)
		error = open_device(way, bdf);
	if (!error)
		error = iov_nvme_vfio(&bus, way->device);
	if (error)
		return pass_on(log, way->iov, error);
	error = keeper_make(out, log, way, bus);
	if (!error)
		(*out)->bdf = bdf;
	return error;
}

static int make_with_thread(struct keeper **out, struct iov *log, struct iov_bdf bdf)
{
	struct keeper_way way = { 0 };
	int error = iov_open(&way.iov, NULL);

	if (error)
		return iov_told(log, error, "no context for a controller: %s", strerror(-error));
	error = make(out, log, &way, bdf);
	if (error) {
		close_device(&way);
		iov_close(way.iov);
		return error;
	}
	error = start_thread(*out);
	if (error)
		keeper_end(*out);
	return error;
}

int keeper_get(struct keeper **out, struct iov *iov, struct iov_bdf bdf)
{
	int error;

	LIST_FOREACH(*out, &keepers, link)
		if (!memcmp(&(*out)->bdf, &bdf, sizeof(bdf)))
			return 0;
	error = make_with_thread(out, iov, bdf);
	if (!error)
		LIST_INSERT_HEAD(&keepers, *out, link);
	return error;
}

void keeper_put(struct keeper *keeper)
{
	if (!LIST_EMPTY(&keeper->disks))
		return;
	LIST_REMOVE(keeper, link);
	keeper_end(keeper);
}
