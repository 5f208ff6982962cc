// SPDX-License-Identifier: GPL-2.0-or-later
// Front ends that say whatever comes to mind: the session keeps its promises
// to the device, gives back every descriptor and comes to an end.
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/random.h"
#include "tests/unit/test.h"
#include "tests/wire/driver.h"
#include "vhost-user/session_state.h"

#define SEED UINT64_C(0xd1b54a32d192ed03)
#define CONNECTIONS 4000
#define MESSAGES 200
#define RINGS 4
#define MEMORY (UINT64_C(1) << 20)
#define FEATURES                                                                                   \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_RING_F_EVENT_IDX) |      \
	 BIT(VIRTIO_RING_F_INDIRECT_DESC))
#define LOG_BYTES 4096

struct fuzz {
	struct random random;
	struct iov *iov;
	struct guest guest;
	int event;
	int log;
	struct vu_session *session;
	struct vu_queue *queues[RINGS];
	unsigned int starts;
	uint64_t messages;
	uint64_t refused[VU_REFUSALS];
};

static void on_queue_start(void *arg, struct vu_queue *queue)
{
	struct fuzz *fuzz = arg;

	assert_true(queue->index < RINGS);
	assert_null(fuzz->queues[queue->index]);
	fuzz->queues[queue->index] = queue;
	fuzz->starts++;
}

static void on_queue_stop(void *arg, struct vu_queue *queue)
{
	struct fuzz *fuzz = arg;

	assert_ptr_equal(fuzz->queues[queue->index], queue);
	fuzz->queues[queue->index] = NULL;
}

static int on_set_mtu(void *arg, uint16_t mtu)
{
	(void)arg;
	return mtu > 9000 ? -1 : 0;
}

static void on_send_rarp(void *arg, const uint8_t mac[6])
{
	(void)arg;
	(void)mac;
}

static void on_get_config(void *arg, uint8_t space[VU_CONFIG_SPACE])
{
	(void)arg;
	memset(space, 1, VU_CONFIG_SPACE);
}

static int on_set_config(void *arg, uint32_t offset, const uint8_t *bytes, uint32_t size,
			 bool migrated)
{
	(void)arg;
	assert_true(offset <= VU_CONFIG_SPACE && size <= VU_CONFIG_SPACE - offset);
	return size && bytes[size - 1] && migrated;
}

static const struct vu_ops ops = {
	.queue_start = on_queue_start,
	.queue_stop = on_queue_stop,
	.set_mtu = on_set_mtu,
	.send_rarp = on_send_rarp,
	.get_config = on_get_config,
	.set_config = on_set_config,
};

/* What is running is used, as a device would: after a wrong stop this reads freed memory. */
static void poll_queues(struct fuzz *fuzz)
{
	static struct virtq_batch batch;

	for (unsigned int i = 0; i < RINGS; i++) {
		struct vu_queue *queue = fuzz->queues[i];

		if (!queue)
			continue;
		virtq_batch_reset(&batch);
		virtq_take(&queue->ring, &batch, VIRTQ_CHAINS_MAX);
		for (unsigned int j = 0; j < batch.chain_count; j++)
			virtq_push(&queue->ring, &batch.chains[j], 0);
		if (virtq_publish(&queue->ring))
			vu_queue_call(queue);
		if (queue->ring.error)
			vu_session_queue_broken(fuzz->session, i);
	}
}

struct draft {
	struct vu_header header;
	uint64_t payload[64];
	int fds[12];
	unsigned int fd_count;
};

static uint64_t likely_address(struct fuzz *fuzz)
{
	return fuzz->guest.uva + 16 * (uint64_t)random_below(&fuzz->random, MEMORY / 16);
}

static void draft_memory(struct fuzz *fuzz, struct draft *draft)
{
	uint32_t count = 1 + random_below(&fuzz->random, 3);

	draft->payload[0] = count;
	draft->header.size = 8 + 32 * count;
	draft->fd_count = count;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t *region = &draft->payload[1 + 4 * (size_t)i];
		uint64_t part = MEMORY / count & ~UINT64_C(0xfff);

		draft->fds[i] = fuzz->guest.fd;
		region[0] = fuzz->guest.gpa + i * part;
		region[1] = part;
		region[2] = fuzz->guest.uva + i * part;
		region[3] = i * part;
	}
}

static void draft_slot(struct fuzz *fuzz, struct draft *draft)
{
	uint64_t slot = random_below(&fuzz->random, 4) * (MEMORY / 4);

	draft->header.size = sizeof(struct vu_mem_slot);
	draft->fds[0] = fuzz->guest.fd;
	draft->fd_count = draft->header.request == VU_ADD_MEM_REG;
	draft->payload[1] = fuzz->guest.gpa + slot;
	draft->payload[2] = MEMORY / 4;
	draft->payload[3] = fuzz->guest.uva + slot;
	draft->payload[4] = slot;
}

static void draft_log(struct fuzz *fuzz, struct draft *draft)
{
	draft->header.size = sizeof(struct vu_log);
	draft->fds[0] = fuzz->log;
	draft->fd_count = 1;
	draft->payload[0] = random_one_in(&fuzz->random, 50) ? 1 : LOG_BYTES / 2;
	draft->payload[1] = random_below(&fuzz->random, LOG_BYTES / 2);
}

/* Requests that come once in a while, or no ring would ever run. */
static bool is_rare(uint32_t request)
{
	return request == VU_RESET_OWNER || request == VU_SET_LOG_BASE ||
	       request == VU_RESET_DEVICE || request == VU_SET_STATUS || request == VU_REM_MEM_REG;
}

static void draft_vring(struct fuzz *fuzz, struct draft *draft)
{
	uint64_t index = random_below(&fuzz->random, RINGS);
	uint64_t value = UINT64_C(1) << random_below(&fuzz->random, 8);

	draft->header.size = 8;
	draft->payload[0] = index;
	switch (draft->header.request) {
	case VU_SET_VRING_ADDR:
		draft->header.size = sizeof(struct vu_vring_addr);
		for (unsigned int i = 1; i < 4; i++)
			draft->payload[i] = likely_address(fuzz);
		draft->payload[4] = 0;
		break;
	case VU_SET_VRING_KICK:
	case VU_SET_VRING_CALL:
	case VU_SET_VRING_ERR:
		draft->fd_count = random_below(&fuzz->random, 4) ? 1 : 0;
		draft->payload[0] |= draft->fd_count ? 0 : VU_VRING_NOFD;
		break;
	case VU_SET_VRING_ENABLE:
		value = random_below(&fuzz->random, 2);
		/* fall through */
	default:
		draft->payload[0] |= value << 32;
	}
}

static void draft_config(struct fuzz *fuzz, struct draft *draft)
{
	uint64_t size = random_below(&fuzz->random, VU_CONFIG_SPACE + 1);

	draft->header.size = (uint32_t)(VU_CONFIG_HEADER + size);
	draft->payload[0] = size << 32 | random_below(&fuzz->random, VU_CONFIG_SPACE - size + 1);
}

/* A message that makes sense. */
static void draft_good(struct fuzz *fuzz, struct draft *draft)
{
	uint32_t request;

	do {
		request = 1 + random_below(&fuzz->random, VU_GET_STATUS);
	} while ((request > VU_SET_CONFIG && request < VU_RESET_DEVICE) ||
		 (is_rare(request) && !random_one_in(&fuzz->random, 8)));
	memset(draft, 0, sizeof(*draft));
	for (unsigned int i = 0; i < 12; i++)
		draft->fds[i] = fuzz->event;
	draft->header = (struct vu_header){request, VU_FLAG_VERSION | VU_FLAG_NEED_REPLY, 0};
	if (request == VU_SET_MEM_TABLE)
		draft_memory(fuzz, draft);
	else if (request >= VU_SET_VRING_NUM && request <= VU_SET_VRING_ERR)
		draft_vring(fuzz, draft);
	else if (request == VU_SET_VRING_ENABLE)
		draft_vring(fuzz, draft);
	else if (request == VU_ADD_MEM_REG || request == VU_REM_MEM_REG)
		draft_slot(fuzz, draft);
	else if (request == VU_SET_LOG_BASE)
		draft_log(fuzz, draft);
	else if (request == VU_GET_CONFIG || request == VU_SET_CONFIG)
		draft_config(fuzz, draft);
	else if (vu_rule(request))
		draft->header.size = vu_rule(request)->min_size;
	if (request == VU_SET_PROTOCOL_FEATURES)
		draft->payload[0] = VU_BIT(VU_PROTOCOL_REPLY_ACK);
	if (request == VU_SET_FEATURES)
		draft->payload[0] = (FEATURES | BIT(VU_F_LOG_ALL)) & random_next(&fuzz->random);
	if (request == VU_SET_STATUS)
		draft->payload[0] = random_below(&fuzz->random, 16);
}

/* One thing about it that does not. */
static void spoil(struct fuzz *fuzz, struct draft *draft)
{
	uint32_t words = draft->header.size / 8;

	switch (random_below(&fuzz->random, 6)) {
	case 0:
		draft->header.request = (uint32_t)random_edge(&fuzz->random);
		break;
	case 1:
		draft->header.size = random_below(&fuzz->random, sizeof(draft->payload));
		break;
	case 2:
		draft->fd_count = random_below(&fuzz->random, 12);
		break;
	case 3:
		if (random_one_in(&fuzz->random, 10))
			draft->header.flags = (uint32_t)random_edge(&fuzz->random);
		break;
	default:
		draft->payload[words ? random_below(&fuzz->random, words) : 0] =
			random_edge(&fuzz->random);
	}
}

static void send_draft(struct fuzz *fuzz, int fd, const struct draft *draft)
{
	uint8_t control[CMSG_SPACE(sizeof(draft->fds))] = {0};
	size_t cut = random_one_in(&fuzz->random, 200) ? random_below(&fuzz->random, 12) : 0;
	struct iovec parts[] = {{(void *)(uintptr_t)&draft->header, sizeof(draft->header) - cut},
				{(void *)(uintptr_t)draft->payload, draft->header.size}};
	struct msghdr arguments = {.msg_iov = parts, .msg_iovlen = 2};

	if (draft->fd_count) {
		struct cmsghdr *part = (struct cmsghdr *)(void *)control;

		arguments.msg_control = control;
		arguments.msg_controllen = CMSG_SPACE(sizeof(int) * draft->fd_count);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(sizeof(int) * draft->fd_count);
		memcpy(CMSG_DATA(part), draft->fds, sizeof(int) * draft->fd_count);
	}
	if (random_one_in(&fuzz->random, 300))
		parts[1].iov_len = sizeof(draft->payload);
	sendmsg(fd, &arguments, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Rings of nonsense, too: the front end's memory is where the addresses point. */
static void scribble(struct fuzz *fuzz)
{
	for (unsigned int i = 0; i < 64; i++)
		fuzz->guest.host[random_below(&fuzz->random, MEMORY)] = (uint8_t)random_next(&fuzz->random);
}

static void converse(struct fuzz *fuzz, int fd)
{
	static uint8_t replies[1 << 16];
	struct draft draft;

	for (unsigned int i = 0; i < MESSAGES; i++) {
		draft_good(fuzz, &draft);
		/* Begin with what gets one further. */
		if (!i) {
			memset(&draft, 0, sizeof(draft));
			draft.header = (struct vu_header){VU_SET_PROTOCOL_FEATURES, VU_FLAG_VERSION, 8};
			draft.payload[0] = VU_BIT(VU_PROTOCOL_REPLY_ACK);
		} else if (random_one_in(&fuzz->random, 8)) {
			spoil(fuzz, &draft);
		}
		send_draft(fuzz, fd, &draft);
		if (vu_session_readable(fuzz->session))
			return;
		scribble(fuzz);
		poll_queues(fuzz);
		if (recv(fd, replies, sizeof(replies), MSG_DONTWAIT) == 0)
			return;
	}
}

static void connect_once(struct fuzz *fuzz)
{
	const struct vu_ops least = { .queue_start = on_queue_start, .queue_stop = on_queue_stop };
	struct vu_device device = {
		.name = "fuzz", .arg = fuzz, .features = FEATURES, .queues = RINGS,
		.queue_num = RINGS / 2,
		.ops = random_one_in(&fuzz->random, 8) ? &least : &ops,
	};
	int pair[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_return_code(vu_session_open(&fuzz->session, fuzz->iov, pair[0], &device), 0);
	converse(fuzz, pair[1]);
	close(pair[1]);
	const struct vu_stats *stats = vu_session_stats(fuzz->session);

	fuzz->messages += stats->messages;
	for (unsigned int i = 0; i < VU_REFUSALS; i++)
		fuzz->refused[i] += stats->refused[i];
	vu_session_close(fuzz->session);
	for (unsigned int i = 0; i < RINGS; i++)
		assert_null(fuzz->queues[i]);
}

static int count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void whatever_a_front_end_says_the_session_stays_whole(void **state)
{
	struct fuzz fuzz = {.random = {SEED}};
	int fds = count_fds();

	(void)state;
	assert_return_code(iov_open(&fuzz.iov, NULL), 0);
	guest_open(&fuzz.guest, 0, MEMORY);
	fuzz.log = memfd_create("log", MFD_CLOEXEC);
	assert_return_code(ftruncate(fuzz.log, LOG_BYTES), 0);
	fuzz.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		connect_once(&fuzz);
	close(fuzz.event);
	close(fuzz.log);
	guest_close(&fuzz.guest);
	iov_close(fuzz.iov);
	assert_int_equal(count_fds(), fds);

	/* It got far enough to mean something. */
	assert_true(fuzz.messages > CONNECTIONS * 5);
	assert_true(fuzz.starts > CONNECTIONS / 10);
	for (unsigned int i = VU_ACCEPTED + 1; i < VU_REFUSALS; i++)
		if (!fuzz.refused[i] && i != VU_REFUSED_STALLED && i != VU_REFUSED_TRUNCATED &&
		    i < VU_REFUSED_CHANNEL_STALLED)
			fail_msg("nothing was refused for %s", vu_refusal_name(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_a_front_end_says_the_session_stays_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
