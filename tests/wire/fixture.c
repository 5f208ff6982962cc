// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "tests/unit/test.h"
#include "tests/wire/fixture.h"

static void on_queue_start(void *arg, struct vu_queue *queue)
{
	struct fixture *fixture = arg;

	assert_null(fixture->queues[queue->index]);
	fixture->queues[queue->index] = queue;
	fixture->starts++;
}

static bool on_queue_stop(void *arg, struct vu_queue *queue)
{
	struct fixture *fixture = arg;

	assert_ptr_equal(fixture->queues[queue->index], queue);
	assert_false(fixture->draining & BIT(queue->index));
	if (fixture->drains & BIT(queue->index)) {
		fixture->draining |= (unsigned int)BIT(queue->index);
		return false;
	}
	fixture->queues[queue->index] = NULL;
	fixture->stops++;
	if (fixture->drains_in_stop && fixture->draining & BIT(0))
		drained(fixture, 0);
	return true;
}

static struct vu_queue *forget_draining(struct fixture *fixture, unsigned int index)
{
	struct vu_queue *queue = fixture->queues[index];

	assert_true(fixture->draining & BIT(index));
	fixture->draining &= ~(unsigned int)BIT(index);
	fixture->queues[index] = NULL;
	fixture->stops++;
	return queue;
}

static bool on_queue_abandon(void *arg, struct vu_queue *queue)
{
	struct fixture *fixture = arg;

	assert_ptr_equal(forget_draining(fixture, queue->index), queue);
	fixture->abandoned++;
	return false;
}

void drained(struct fixture *fixture, unsigned int index)
{
	vu_queue_stopped(forget_draining(fixture, index));
}

static int on_set_mtu(void *arg, uint16_t mtu)
{
	((struct fixture *)arg)->mtu = mtu;
	return mtu < 68 || mtu > 9000 ? -EINVAL : 0;
}

static void on_send_rarp(void *arg, const uint8_t mac[6])
{
	memcpy(((struct fixture *)arg)->mac, mac, 6);
}

static void on_get_config(void *arg, uint8_t space[VU_CONFIG_SPACE])
{
	memcpy(space, ((struct fixture *)arg)->config, CONFIG_BYTES);
}

/* The first bytes are read-only. */
static int on_set_config(void *arg, uint32_t offset, const uint8_t *bytes, uint32_t size,
			 bool migrated)
{
	struct fixture *fixture = arg;

	if (offset < 4)
		return -EPERM;
	memcpy(fixture->config + offset, bytes, size);
	fixture->migrated = migrated;
	return 0;
}

static void on_kick(void *arg, struct vu_queue *queue)
{
	struct fixture *fixture = arg;

	assert_ptr_equal(fixture->queues[queue->index], queue);
	fixture->kicks++;
}

static void on_quiesce(void *arg)
{
	((struct fixture *)arg)->quiesced++;
}

static const struct vu_ops device_ops = {
	.queue_start = on_queue_start,
	.queue_stop = on_queue_stop,
	.queue_abandon = on_queue_abandon,
	.kick = on_kick,
	.quiesce = on_quiesce,
	.set_mtu = on_set_mtu,
	.send_rarp = on_send_rarp,
	.get_config = on_get_config,
	.set_config = on_set_config,
};

static void end(struct fixture *fixture)
{
	fixture->is_ending = !vu_session_end(fixture->session);
	if (fixture->is_ending)
		return;
	fixture->past = *vu_session_stats(fixture->session);
	vu_session_close(fixture->session);
	fixture->session = NULL;
}

void pump(void *arg)
{
	struct fixture *fixture = arg;
	struct pollfd wait = {.events = POLLIN};

	while (fixture->session) {
		wait.fd = vu_session_fd(fixture->session);
		if (poll(&wait, 1, 0) <= 0)
			return;
		if (!fixture->is_ending)
			fixture->ended = vu_session_readable(fixture->session);
		if (fixture->ended)
			end(fixture);
	}
}

static int count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* A session, and the front end's end of its connection. */
static int connect_session(struct fixture *fixture)
{
	int pair[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_return_code(vu_session_open(&fixture->session, fixture->iov, pair[0],
					   &fixture->device), 0);
	return pair[1];
}

static int open_fixture(void **state, uint64_t features, bool tracks_inflight)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	fixture->ops = device_ops;
	fixture->device = (struct vu_device){
		.name = "port0",
		.ops = &fixture->ops,
		.arg = fixture,
		.features = DEVICE_FEATURES | features,
		.config_size = CONFIG_BYTES,
		.queues = FRONTEND_RINGS,
		.queue_num = FRONTEND_RINGS / 2,
		.answer_ms = ANSWER_MS,
		.tracks_inflight = tracks_inflight,
		.leaves_inflight = tracks_inflight,
	};
	assert_return_code(iov_open(&fixture->iov, NULL), 0);
	fixture->fds = count_fds();
	frontend_open(&fixture->frontend, connect_session(fixture), MEMORY);
	fixture->frontend.pump = pump;
	fixture->frontend.pump_arg = fixture;
	*state = fixture;
	return 0;
}

int setup(void **state)
{
	return open_fixture(state, 0, false);
}

int tracking_setup(void **state)
{
	return open_fixture(state, BIT(VIRTIO_F_RING_PACKED), true);
}

int iommu_setup(void **state)
{
	open_fixture(state, BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_F_ACCESS_PLATFORM), false);
	((struct fixture *)*state)->frontend.is_translated = true;
	return 0;
}

int kill_session(struct fixture *fixture)
{
	vu_session_close(fixture->session);
	fixture->ended = 0;
	fixture->is_ending = false;
	return connect_session(fixture);
}

int teardown(void **state)
{
	struct fixture *fixture = *state;

	vu_session_close(fixture->session);
	frontend_close(&fixture->frontend);
	assert_int_equal(fixture->starts, fixture->stops);
	assert_int_equal(count_fds(), fixture->fds);
	iov_close(fixture->iov);
	test_free(fixture);
	return 0;
}

uint64_t refused(const struct fixture *fixture, enum vu_refusal refusal)
{
	return vu_session_stats(fixture->session)->refused[refusal];
}

bool is_signalled(int fd)
{
	eventfd_t value;

	return !eventfd_read(fd, &value);
}

void echo(struct fixture *fixture)
{
	static struct virtq_batch sent, room;
	struct vu_queue *rx = fixture->queues[0], *tx = fixture->queues[1];
	const struct virtio_net_hdr_mrg_rxbuf header = {.num_buffers = 1};

	virtq_batch_reset(&sent);
	virtq_take(&tx->ring, &sent, VIRTQ_CHAINS_MAX);
	for (unsigned int i = 0; i < sent.chain_count; i++) {
		struct virtq_write write = {
			.head = (const uint8_t *)&header,
			.head_length = sizeof(header),
			.rest = virtq_readable(&sent, &sent.chains[i]),
			.rest_length = sent.chains[i].readable_length - (uint32_t)sizeof(header),
		};

		virtq_cursor_skip(&write.rest, sizeof(header));
		virtq_fill(&rx->ring, &room, &write, 1, 1);
	}
	virtq_return(&tx->ring, &sent);
	if (virtq_publish(&rx->ring))
		vu_queue_call(rx);
	if (virtq_publish(&tx->ring))
		vu_queue_call(tx);
}

void expect_echo(struct fixture *fixture, uint8_t value)
{
	uint8_t frame[1000], back[FRONTEND_BUFFER];

	memset(frame, value, sizeof(frame));
	frontend_post(&fixture->frontend, 0, 1);
	assert_true(frontend_transmit(&fixture->frontend, 0, frame, sizeof(frame)));
	echo(fixture);
	assert_int_equal(frontend_take(&fixture->frontend, 0, back, sizeof(back)), sizeof(frame));
	assert_memory_equal(frame, back, sizeof(frame));
}
