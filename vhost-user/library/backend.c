// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A back end in one thread: an event loop with the socket, and for each ring that runs its kicks.
 *
 * A request is answered when its operation returns, so chains go back in the order in which they were
 * taken, nothing is in flight between two calls, and a ring stops at any time.  A ring takes turns
 * with the others and with messages: after ROUND chains it comes again by an event of its own.
 */
#include "vhost-user/library/backend.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "vhost-user/memory/memory_fault.h"
#include "vhost-user/protocol/endpoint.h"
#include "vhost-user/ring/ring_features.h"

#define QUEUES_MAX 256
#define ROUND 256

/* How often a ring is looked at whose driver does not say that it added something */
#define POLL_US 1000

struct iov_vu_request {
	unsigned int queue;
	size_t readable;
	size_t writable;
	size_t written;
	struct virtq_cursor from;
	struct virtq_cursor to;
};

/* A ring that runs. @again: more is there, or was not looked for yet. @kicks: its kicks, or a clock. */
struct library_queue {
	struct iov_vu *vu;
	struct vu_queue *queue;
	sd_event_source *again;
	sd_event_source *kicks;
};

struct iov_vu {
	struct iov *iov;
	struct iov_vu_ops ops;
	void *arg;
	unsigned int config_size;
	uint64_t features;
	sd_event *event;
	struct vu_endpoint *endpoint;
	unsigned int losses; /* of memory, of this process, that the session was told of */
	struct virtq_batch batch;
	struct library_queue queues[QUEUES_MAX];
};

static void answer(struct iov_vu *vu, struct vu_queue *queue, const struct virtq_chain *chain)
{
	struct iov_vu_request request = {
		.queue = queue->index,
		.readable = chain->readable_length,
		.writable = chain->writable_length,
		.from = virtq_readable(&vu->batch, chain),
		.to = virtq_writable(&vu->batch, chain, 1),
	};

	vu->ops.request(vu->arg, &request);
	if (queue->ring.log)
		virtq_log_written(&queue->ring, &vu->batch, chain, (uint32_t)request.written);
	virtq_push(&queue->ring, chain, (uint32_t)request.written);
}

static void attend(struct iov_vu *vu)
{
	struct vu_session *session = vu_endpoint_session(vu->endpoint);

	vu->losses = memory_fault_losses();
	if (session)
		vu_session_attend(session);
}

/* Answer what there is, a round of it at most.  Afterwards a kick or @again says that there is more. */
static void serve(struct library_queue *queue)
{
	struct iov_vu *vu = queue->vu;
	struct virtq *ring = &queue->queue->ring;
	bool calls = false, more;
	unsigned int taken;

	if (!queue->queue->enabled)
		return;
	if (queue->queue->unsettled)
		vu_queue_settle(queue->queue);
	virtq_kick_disable(ring);
	virtq_batch_reset(&vu->batch);
	taken = virtq_take(ring, &vu->batch, ROUND);
	for (unsigned int i = 0; i < taken; i++)
		answer(vu, queue->queue, &vu->batch.chains[i]);
	if (taken && virtq_publish(ring))
		calls = vu_queue_call(queue->queue);
	more = ring->error == VIRTQ_OK && (taken || virtq_kick_enable(ring));
	if (more)
		sd_event_source_set_enabled(queue->again, SD_EVENT_ONESHOT);
	/* What ends or stops the ring comes last, as it is no more then. */
	if (virtq_take_news(ring) || ring->error != VIRTQ_OK || calls ||
	    vu->losses != memory_fault_losses())
		attend(vu);
}

static int on_again(sd_event_source *source, void *arg)
{
	(void)source;
	serve(arg);
	return 0;
}

/* Nobody reads the eventfd, as who has it as well may take back what was there to read and have us wait. */
static int on_kick(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source;
	(void)fd;
	(void)events;
	serve(arg);
	return 0;
}

static int on_clock(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)usec;
	sd_event_source_set_time_relative(source, POLL_US);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	serve(arg);
	return 0;
}

static int listen_for_kicks(struct library_queue *queue)
{
	sd_event *event = queue->vu->event;

	if (queue->queue->kick_fd >= 0)
		return sd_event_add_io(event, &queue->kicks, queue->queue->kick_fd, EPOLLIN | EPOLLET,
				       on_kick, queue);
	if (queue->queue->is_told)
		return 0;
	return sd_event_add_time_relative(event, &queue->kicks, CLOCK_MONOTONIC, POLL_US, 0, on_clock,
					  queue);
}

static void queue_start(void *arg, struct vu_queue *started)
{
	struct iov_vu *vu = arg;
	struct library_queue *queue = &vu->queues[started->index];
	int error;

	*queue = (struct library_queue){ .vu = vu, .queue = started };
	error = sd_event_add_defer(vu->event, &queue->again, on_again, queue);
	if (error >= 0)
		error = listen_for_kicks(queue);
	if (error < 0)
		iov_told(vu->iov, error, "ring %u: %s", started->index, strerror(-error));
}

static bool queue_stop(void *arg, struct vu_queue *stopped)
{
	struct iov_vu *vu = arg;
	struct library_queue *queue = &vu->queues[stopped->index];

	sd_event_source_disable_unref(queue->again);
	sd_event_source_disable_unref(queue->kicks);
	*queue = (struct library_queue){ 0 };
	return true;
}

static void kick(void *arg, struct vu_queue *queue)
{
	struct iov_vu *vu = arg;

	if (vu->queues[queue->index].again)
		sd_event_source_set_enabled(vu->queues[queue->index].again, SD_EVENT_ONESHOT);
}

static void choose_features(void *arg, uint64_t features)
{
	struct iov_vu *vu = arg;

	vu->features = features;
}

static void reset(void *arg)
{
	struct iov_vu *vu = arg;

	if (vu->ops.reset)
		vu->ops.reset(vu->arg);
}

static void get_config(void *arg, uint8_t space[VU_CONFIG_SPACE])
{
	struct iov_vu *vu = arg;

	if (vu->ops.get_config)
		vu->ops.get_config(vu->arg, space, vu->config_size);
}

static int set_config(void *arg, uint32_t offset, const uint8_t *bytes, uint32_t size, bool migrated)
{
	struct iov_vu *vu = arg;

	(void)migrated;
	return vu->ops.set_config ? vu->ops.set_config(vu->arg, offset, bytes, size) : -EPERM;
}

static const struct vu_ops ops = {
	.queue_start = queue_start,
	.queue_stop = queue_stop,
	.kick = kick,
	.features = choose_features,
	.reset = reset,
	.get_config = get_config,
	.set_config = set_config,
};

static int check(struct iov *iov, const struct iov_vu_device *device)
{
	const char *wrong = NULL;

	if (device->size < sizeof(*device) || !device->ops || device->ops->size < sizeof(*device->ops))
		wrong = "a size that is not that of its structure";
	else if (!device->name)
		wrong = "no name";
	else if (!device->ops->request)
		wrong = "no operation for requests";
	else if (!device->queues || device->queues > QUEUES_MAX)
		wrong = "a number of rings that is not from 1 to 256";
	else if (device->config_size > VU_CONFIG_SPACE || (device->config_size && !device->ops->get_config))
		wrong = "a configuration space of more than 256 bytes, or without an operation";
	return wrong ? iov_fail(iov, -EINVAL, "the device has %s", wrong) : 0;
}

int iov_vu_open(struct iov_vu **out, struct iov *iov, const char *path,
		const struct iov_vu_device *device)
{
	struct iov_vu *vu;
	int error = check(iov, device);

	*out = NULL;
	if (error)
		return error;
	vu = calloc(1, sizeof(*vu));
	if (!vu || sd_event_new(&vu->event) < 0 || memory_fault_catch()) {
		iov_vu_close(vu);
		return iov_fail(iov, -ENOMEM, "no memory for device %s", device->name);
	}
	vu->iov = iov;
	vu->ops = *device->ops;
	vu->arg = device->arg;
	vu->config_size = device->config_size;
	error = vu_endpoint_open(&vu->endpoint, iov, vu->event, path, VU_SERVER,
				 &(struct vu_device){
					 .name = device->name,
					 .ops = &ops,
					 .arg = vu,
					 .features = device->features | RING_FEATURES,
					 .config_size = device->config_size,
					 .queues = device->queues,
					 .queue_num = device->queues,
				 }, NULL);
	if (error)
		iov_vu_close(vu);
	else
		*out = vu;
	return error;
}

void iov_vu_close(struct iov_vu *vu)
{
	if (!vu)
		return;
	vu_endpoint_close(vu->endpoint);
	sd_event_unref(vu->event);
	free(vu);
}

int iov_vu_fd(const struct iov_vu *vu)
{
	return sd_event_get_fd(vu->event);
}

int iov_vu_run(struct iov_vu *vu, int timeout_ms)
{
	int done = sd_event_run(vu->event, timeout_ms < 0 ? UINT64_MAX : (uint64_t)timeout_ms * 1000);

	if (done >= 0 || done == -EINTR)
		return done;
	return iov_fail(vu->iov, done, "the event loop failed: %s", strerror(-done));
}

uint64_t iov_vu_features(const struct iov_vu *vu)
{
	return vu->features;
}

void iov_vu_config_changed(struct iov_vu *vu)
{
	struct vu_session *session = vu_endpoint_session(vu->endpoint);

	if (session)
		vu_session_config_changed(session);
}

unsigned int iov_vu_queue(const struct iov_vu_request *request)
{
	return request->queue;
}

size_t iov_vu_readable(const struct iov_vu_request *request)
{
	return request->readable;
}

size_t iov_vu_writable(const struct iov_vu_request *request)
{
	return request->writable;
}

size_t iov_vu_read(struct iov_vu_request *request, void *to, size_t size)
{
	size_t done = to ? virtq_cursor_read(&request->from, to, size) :
			   virtq_cursor_skip(&request->from, size);

	request->readable -= done;
	return done;
}

size_t iov_vu_write(struct iov_vu_request *request, const void *from, size_t size)
{
	size_t done = virtq_cursor_write(&request->to, from, size);

	request->writable -= done;
	request->written += done;
	return done;
}
