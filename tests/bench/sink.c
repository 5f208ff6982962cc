// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A back end that does nothing: gives every buffer back that is sent and never
 * looks inside.  What a generator reaches against it is the most that it can.
 *
 * usage: sink SOCKET SOCKET
 */
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-event.h>

#include "vhost-user/endpoint.h"

#define PORTS 2

struct port {
	struct vu_endpoint *endpoint;
	struct vu_queue *queue;
};

static void queue_start(void *arg, struct vu_queue *queue)
{
	struct port *port = arg;

	if (queue->index == 1)
		port->queue = queue;
}

static void queue_stop(void *arg, struct vu_queue *queue)
{
	struct port *port = arg;

	if (queue->index == 1)
		port->queue = NULL;
}

static const struct vu_ops ops = { .queue_start = queue_start, .queue_stop = queue_stop };

static int listen_at(struct port *port, struct iov *iov, sd_event *event, const char *path)
{
	const struct vu_device device = {
		.name = path,
		.ops = &ops,
		.arg = port,
		.features = VU_BIT(VIRTIO_F_VERSION_1) | VU_BIT(VIRTIO_NET_F_MRG_RXBUF),
		.queues = 2,
		.queue_num = 1,
	};

	return vu_endpoint_open(&port->endpoint, iov, event, path, VU_SERVER, &device, NULL);
}

static void swallow(struct vu_queue *queue)
{
	static struct virtq_batch batch;

	if (!queue)
		return;
	virtq_batch_reset(&batch);
	if (!virtq_take(&queue->ring, &batch, 64))
		return;
	for (unsigned int i = 0; i < batch.chain_count; i++)
		virtq_push(&queue->ring, &batch.chains[i], 0);
	if (virtq_publish(&queue->ring))
		vu_queue_call(queue);
}

int main(int argc, char **argv)
{
	struct port ports[PORTS] = { 0 };
	sd_event *event;
	struct iov *iov;

	if (argc != 1 + PORTS || iov_open(&iov, NULL) || sd_event_new(&event) < 0)
		return EXIT_FAILURE;
	for (int i = 0; i < PORTS; i++) {
		if (listen_at(&ports[i], iov, event, argv[1 + i])) {
			fprintf(stderr, "sink: %s\n", iov_error_message(iov));
			return EXIT_FAILURE;
		}
	}
	for (unsigned int pass = 0;; pass++) {
		for (int i = 0; i < PORTS; i++)
			swallow(ports[i].queue);
		if (!(pass % 4096))
			sd_event_run(event, 0);
	}
}
