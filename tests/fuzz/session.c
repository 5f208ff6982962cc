// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A front end that says whatever comes to mind, from connecting to hanging up: the
 * session keeps its promises to the device, gives back every descriptor and mapping
 * and comes to an end.
 *
 * A message begins as one that makes sense, of the request that the input names; some
 * are then spoiled.  Between messages the front end writes nonsense to its memory and
 * the device uses the rings that it was given.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/test.h"
#include "tests/wire/driver.h"
#include "vhost-user/memory/memory_fault.h"
#include "vhost-user/protocol/session_internal.h"

#define MESSAGES 64
#define RINGS 4
#define CONFIG_BYTES 128
#define MEMORY (UINT64_C(64) << 10)
#define LOG_BYTES 4096
#define INFLIGHT_BYTES (64 << 10)
#define FDS_SENT 12
#define FDS_WATCHED 256
#define WAITS 4			/* in an input */
#define PATIENCE_MS 1		/* of a device that is short of it */
#define CONNECTIONS 3		/* one after the other, where positions are kept */
#define FEATURES                                                                                   \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_RING_F_EVENT_IDX) |      \
	 BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_F_ACCESS_PLATFORM))

/* An operation: the request in its low bits, and what is special about it. */
#define OP_REQUEST 0x3f
#define OP_GO 0x3a		/* SET_MEM_TABLE that says that faults are answered */
#define OP_PROTOCOL 0x3b	/* protocol features, of which SET_PROTOCOL_FEATURES sets few */
#define OP_WAIT 0x3c		/* no request: time passes */
#define OP_DRAINED 0x3d		/* no request: a ring has drained */
#define OP_CHANGE 0x3e		/* no request: the device's configuration changes */
#define OP_ANSWER 0x3f		/* no request: answer one of the back end */
#define OP_SPOILED 0x40
#define OP_SILENT 0x80		/* without NEED_REPLY */

/* What a front end may send along. */
enum file {
	FILE_EVENT,
	FILE_MEMORY,
	FILE_LOG,
	FILE_INFLIGHT,
	FILE_SHORT,		/* memory of a byte */
	FILE_PIPE,
	FILE_DEVICE,
	FILE_SOCKET,
	FILES
};

static struct iov *iov;
static struct guest guest;
static int files[FILES];
static uint8_t *inflight;	/* what is in FILE_INFLIGHT */
static struct vu_session *session;
static struct vu_queue *queues[RINGS];
static struct vu_queue *draining[RINGS];
static bool drains;		/* rings do not stop at once */
static bool is_impatient;	/* nobody may take long */
static unsigned int waits;
static struct position positions[RINGS];
static int channel = -1;	/* where requests of the back end arrive */

/* Over all inputs. */
static unsigned int starts;
static unsigned int drained;
static unsigned int abandoned;
static uint64_t refused[VU_REFUSALS];

static void on_queue_start(void *arg, struct vu_queue *queue)
{
	(void)arg;
	assert_true(queue->index < RINGS);
	assert_null(queues[queue->index]);
	queues[queue->index] = queue;
	starts++;
}

static bool on_queue_stop(void *arg, struct vu_queue *queue)
{
	(void)arg;
	assert_ptr_equal(queues[queue->index], queue);
	assert_null(draining[queue->index]);
	if (drains)
		draining[queue->index] = queue;
	else
		queues[queue->index] = NULL;
	return !drains;
}

static void expect_no_queue(void)
{
	for (unsigned int i = 0; i < RINGS; i++)
		assert_null(queues[i]);
}

static void on_kick(void *arg, struct vu_queue *queue)
{
	(void)arg;
	assert_true(queue->is_told);
	assert_ptr_equal(queues[queue->index], queue);
}

/* Rings are used by this thread, so nothing is being used. */
static void on_quiesce(void *arg)
{
	(void)arg;
}

static void on_features(void *arg, uint64_t features)
{
	(void)arg;
	assert_int_equal(features & ~(FEATURES | BIT(VU_F_LOG_ALL) | BIT(VU_F_PROTOCOL_FEATURES)), 0);
	expect_no_queue();
}

static void on_reset(void *arg)
{
	(void)arg;
	expect_no_queue();
}

static void on_queue_abandon(void *arg, struct vu_queue *queue)
{
	(void)arg;
	assert_ptr_equal(draining[queue->index], queue);
	draining[queue->index] = queues[queue->index] = NULL;
	abandoned++;
}

/* The first ring that drains has. */
static void drain(void)
{
	for (unsigned int i = 0; i < RINGS; i++) {
		struct vu_queue *queue = draining[i];

		if (!queue)
			continue;
		draining[i] = queues[i] = NULL;
		drained++;
		vu_queue_stopped(queue);
		return;
	}
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
	memset(space, 1, CONFIG_BYTES);
}

static int on_set_config(void *arg, uint32_t offset, const uint8_t *bytes, uint32_t size,
			 bool migrated)
{
	(void)arg;
	assert_true(offset <= CONFIG_BYTES && size <= CONFIG_BYTES - offset);
	return size && bytes[size - 1] && migrated;
}

static int on_save(void *arg, uint8_t **bytes, size_t *length)
{
	(void)arg;
	*length = 100;
	*bytes = calloc(1, *length);
	return *bytes ? 0 : -ENOMEM;
}

static int on_load(void *arg, const uint8_t *bytes, size_t length)
{
	(void)arg;
	return length && bytes[length - 1] ? -EINVAL : 0;
}

static const struct vu_ops all_ops = {
	.queue_start = on_queue_start,
	.queue_stop = on_queue_stop,
	.queue_abandon = on_queue_abandon,
	.kick = on_kick,
	.quiesce = on_quiesce,
	.features = on_features,
	.reset = on_reset,
	.set_mtu = on_set_mtu,
	.send_rarp = on_send_rarp,
	.get_config = on_get_config,
	.set_config = on_set_config,
	.save = on_save,
	.load = on_load,
};

static const struct vu_ops least_ops = {
	.queue_start = on_queue_start,
	.queue_stop = on_queue_stop,
	.queue_abandon = on_queue_abandon,
};

static bool use_ring(struct vu_queue *queue, struct virtq_batch *batch)
{
	virtq_take(&queue->ring, batch, VIRTQ_CHAINS_MAX);
	for (unsigned int i = 0; i < batch->chain_count; i++)
		virtq_push(&queue->ring, &batch->chains[i], 0);
	return virtq_publish(&queue->ring);
}

/* The same of a device that may be killed with something in flight. */
static bool use_inflight(struct vu_queue *queue, struct virtq_batch *batch)
{
	if (!virtq_inflight_resume(queue->inflight, &queue->ring, batch, VIRTQ_CHAINS_MAX))
		virtq_inflight_take(queue->inflight, &queue->ring, batch, VIRTQ_CHAINS_MAX);
	for (unsigned int i = 0; i < batch->chain_count; i++)
		virtq_inflight_push(queue->inflight, &queue->ring, &batch->chains[i], 0);
	return virtq_inflight_publish(queue->inflight, &queue->ring);
}

/* What is running is used, as a device would: after a wrong stop this reads freed memory. */
static void use_queues(void)
{
	static struct virtq_batch batch;

	for (unsigned int i = 0; i < RINGS; i++) {
		struct vu_queue *queue = queues[i];

		if (!queue)
			continue;
		if (queue->unsettled)
			vu_queue_settle(queue);
		virtq_batch_reset(&batch);
		if (queue->inflight ? use_inflight(queue, &batch) : use_ring(queue, &batch))
			vu_queue_call(queue);
		/* What is not translated yet is asked for by vu_session_attend(). */
		if (queue->ring.error && queue->ring.error != VIRTQ_ERROR_TRANSLATION)
			vu_session_queue_broken(session, i);
	}
}

struct draft {
	struct vu_header header;
	uint64_t payload[64];
	int fds[FDS_SENT];
	unsigned int fd_count;
};

static uint64_t likely_address(struct fuzz_input *input)
{
	return guest.uva + 16 * (uint64_t)fuzz_below(input, MEMORY / 16);
}

static void draft_memory(struct fuzz_input *input, struct draft *draft)
{
	uint32_t count = 1 + fuzz_below(input, 3);

	draft->payload[0] = count;
	draft->header.size = 8 + 32 * count;
	draft->fd_count = count;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t *region = &draft->payload[1 + 4 * (size_t)i];
		uint64_t part = MEMORY / count & ~UINT64_C(0xfff);

		draft->fds[i] = guest.fd;
		region[0] = guest.gpa + i * part;
		region[1] = part;
		region[2] = guest.uva + i * part;
		region[3] = i * part;
	}
}

static void draft_slot(struct fuzz_input *input, struct draft *draft)
{
	uint64_t slot = fuzz_below(input, 4) * (MEMORY / 4);

	draft->header.size = sizeof(struct vu_mem_slot);
	draft->fds[0] = guest.fd;
	draft->fd_count = draft->header.request == VU_ADD_MEM_REG;
	draft->payload[1] = guest.gpa + slot;
	draft->payload[2] = MEMORY / 4;
	draft->payload[3] = guest.uva + slot;
	draft->payload[4] = slot;
}

static void draft_log(struct fuzz_input *input, struct draft *draft)
{
	draft->header.size = sizeof(struct vu_log);
	draft->fds[0] = files[FILE_LOG];
	draft->fd_count = 1;
	draft->payload[0] = fuzz_one_in(input, 50) ? 1 : LOG_BYTES / 2;
	draft->payload[1] = fuzz_below(input, LOG_BYTES / 2);
}

static void draft_config(struct fuzz_input *input, struct draft *draft)
{
	uint64_t size = fuzz_below(input, VU_CONFIG_SPACE + 1);

	draft->header.size = (uint32_t)(VU_CONFIG_HEADER + size);
	draft->payload[0] = size << 32 | fuzz_below(input, (uint32_t)(VU_CONFIG_SPACE - size + 1));
}

/* Mostly of addresses as they are, so that rings that are described elsewhere are found. */
static void draft_translation(struct fuzz_input *input, struct draft *draft)
{
	struct vu_iotlb *iotlb = (struct vu_iotlb *)(void *)draft->payload;
	uint64_t at = IOTLB_PAGE * (uint64_t)fuzz_below(input, MEMORY / IOTLB_PAGE);

	draft->header.size = sizeof(*iotlb);
	iotlb->iova = guest.uva + at;
	iotlb->size = IOTLB_PAGE * (uint64_t)(1 + fuzz_below(input, 16));
	iotlb->uva = guest.uva + (fuzz_one_in(input, 4) ? 0 : at);
	iotlb->perm = (uint8_t)(3 - fuzz_below(input, 3));
	iotlb->type = (uint8_t)(VU_IOTLB_UPDATE + fuzz_below(input, 2));
}

static void draft_vring(struct fuzz_input *input, struct draft *draft)
{
	uint64_t value = UINT64_C(1) << fuzz_below(input, 8);

	draft->header.size = 8;
	draft->payload[0] = fuzz_below(input, RINGS);
	switch (draft->header.request) {
	case VU_SET_VRING_ADDR:
		draft->header.size = sizeof(struct vu_vring_addr);
		for (unsigned int i = 1; i < 4; i++)
			draft->payload[i] = likely_address(input);
		draft->payload[4] = 0;
		break;
	case VU_SET_VRING_KICK:
	case VU_SET_VRING_CALL:
	case VU_SET_VRING_ERR:
		draft->fd_count = !fuzz_one_in(input, 4);
		draft->payload[0] |= draft->fd_count ? 0 : VU_VRING_NOFD;
		break;
	case VU_SET_VRING_ENABLE:
		value = !fuzz_one_in(input, 2);
		/* fall through */
	default:
		draft->payload[0] |= value << 32;
	}
}

static void draft_inflight(struct fuzz_input *input, struct draft *draft)
{
	uint64_t entries;

	draft->header.size = sizeof(struct vu_inflight_area);
	draft->fds[0] = files[FILE_INFLIGHT];
	draft->fd_count = draft->header.request == VU_SET_INFLIGHT_FD;
	draft->payload[0] = INFLIGHT_BYTES / 2;
	draft->payload[1] = 8 * fuzz_below(input, 16);
	entries = UINT64_C(1) << fuzz_below(input, 9);
	draft->payload[2] = (1 + fuzz_below(input, RINGS)) | entries << 16;
}

static void hush(int fd)
{
	const int least = 0;

	/* So that whoever is not read from stalls soon. */
	assert_return_code(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
}

static void close_channel(void)
{
	if (channel >= 0)
		close(channel);
	channel = -1;
}

static void draft_channel(struct draft *draft)
{
	int pair[2];

	close_channel();
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	hush(pair[0]);
	draft->fds[0] = pair[0];
	draft->fd_count = 1;
	channel = pair[1];
}

static void draft_payload(struct fuzz_input *input, struct draft *draft)
{
	const struct vu_rule *rule = vu_rule(draft->header.request);

	switch (draft->header.request) {
	case VU_SET_MEM_TABLE:
		draft_memory(input, draft);
		return;
	case VU_ADD_MEM_REG:
	case VU_REM_MEM_REG:
		draft_slot(input, draft);
		return;
	case VU_SET_LOG_BASE:
		draft_log(input, draft);
		return;
	case VU_GET_INFLIGHT_FD:
	case VU_SET_INFLIGHT_FD:
		draft_inflight(input, draft);
		return;
	case VU_SET_BACKEND_REQ_FD:
		draft_channel(draft);
		return;
	case VU_IOTLB_MSG:
		draft_translation(input, draft);
		return;
	case VU_SET_DEVICE_STATE_FD:
		draft->header.size = sizeof(struct vu_device_state);
		draft->payload[0] = fuzz_below(input, 2);
		draft->fds[0] = files[FILE_PIPE];
		draft->fd_count = 1;
		return;
	case VU_GET_CONFIG:
	case VU_SET_CONFIG:
		draft_config(input, draft);
		return;
	case VU_SET_VRING_NUM ... VU_SET_VRING_ERR:
	case VU_SET_VRING_ENABLE:
		draft_vring(input, draft);
		return;
	}
	draft->header.size = rule ? rule->min_size : fuzz_u8(input);
	if (draft->header.request == VU_SET_FEATURES)
		draft->payload[0] = fuzz_u64(input) & (FEATURES | BIT(VU_F_LOG_ALL));
	else if (draft->header.request == VU_SET_PROTOCOL_FEATURES)
		draft->payload[0] = fuzz_u8(input) | VU_BIT(VU_PROTOCOL_REPLY_ACK);
	else if (draft->header.size)
		/* Of whatever else there is, small numbers are the likely ones. */
		draft->payload[0] = fuzz_u8(input);
}

static void draft_protocol(struct fuzz_input *input, struct draft *draft)
{
	draft->header.request = VU_SET_PROTOCOL_FEATURES;
	draft->header.size = sizeof(uint64_t);
	fuzz_bytes(input, draft->payload, 3);
	draft->payload[0] |= VU_BIT(VU_PROTOCOL_REPLY_ACK);
}

/* A message that makes sense. */
static void draft_good(struct fuzz_input *input, uint8_t op, struct draft *draft)
{
	memset(draft, 0, sizeof(*draft));
	for (unsigned int i = 0; i < FDS_SENT; i++)
		draft->fds[i] = files[FILE_EVENT];
	draft->header.request = op & OP_REQUEST;
	draft->header.flags = VU_FLAG_VERSION | (op & OP_SILENT ? 0 : VU_FLAG_NEED_REPLY);
	if ((op & OP_REQUEST) == OP_PROTOCOL)
		draft_protocol(input, draft);
	else if ((op & OP_REQUEST) == OP_GO)
		draft->header = (struct vu_header){ VU_SET_MEM_TABLE, VU_FLAG_VERSION | VU_FLAG_NEED_REPLY,
						    sizeof(uint64_t) };
	else
		draft_payload(input, draft);
}

/* One thing about it that does not. */
static void spoil(struct fuzz_input *input, struct draft *draft)
{
	uint32_t words = draft->header.size / 8, word;

	switch (fuzz_below(input, 8)) {
	case 0:
		draft->header.request = (uint32_t)fuzz_edge(input);
		break;
	case 1:
		draft->header.size = fuzz_below(input, sizeof(draft->payload));
		break;
	case 2:
		draft->fd_count = fuzz_below(input, FDS_SENT + 1);
		break;
	case 3:
		draft->header.flags = (uint32_t)fuzz_edge(input);
		break;
	case 4:
		word = fuzz_below(input, 3);
		draft->fds[word] = files[fuzz_below(input, FILES)];
		break;
	case 5:
		fuzz_bytes(input, draft->payload, draft->header.size);
		break;
	case 6:
		draft->header.size = (uint32_t)fuzz_edge(input);
		break;
	default:
		word = words ? fuzz_below(input, words) : 0;
		draft->payload[word] = fuzz_edge(input);
	}
}

/* Send @size bytes of it, the descriptors with the first one. */
static void send_draft(int fd, const struct draft *draft, size_t size)
{
	uint8_t control[CMSG_SPACE(sizeof(draft->fds))] = {0};
	size_t head = size < sizeof(draft->header) ? size : sizeof(draft->header);
	struct iovec parts[] = {{(void *)(uintptr_t)&draft->header, head},
				{(void *)(uintptr_t)draft->payload, size - head}};
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
	sendmsg(fd, &arguments, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static size_t message_size(const struct draft *draft)
{
	size_t payload = draft->header.size;

	return sizeof(draft->header) +
	       (payload < sizeof(draft->payload) ? payload : sizeof(draft->payload));
}

/* Rings of nonsense, too: the front end's memory is where the addresses point. */
static void scribble(struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input);

	if (kind & 4) {
		uint32_t at = fuzz_below(input, 1024);

		inflight[at] = fuzz_u8(input);
	}
	if ((kind & 0xf0) == 0xf0)
		assert_return_code(ftruncate(files[FILE_LOG], 0), 0);
	for (unsigned int i = 0; i < (kind & 3u); i++) {
		uint64_t word = fuzz_edge(input);

		uint8_t *at = guest.host + 8 * fuzz_below(input, MEMORY / 8);

		memcpy(at, &word, sizeof(word));
	}
}

static bool hung_up(int fd)
{
	static uint8_t replies[1 << 14];

	return recv(fd, replies, sizeof(replies), MSG_DONTWAIT) == 0;
}

static void say(struct fuzz_input *input, uint8_t op, int fd)
{
	struct draft draft;
	size_t size;
	int given;

	draft_good(input, op, &draft);
	given = draft.header.request == VU_SET_BACKEND_REQ_FD ? draft.fds[0] : -1;
	if (op & OP_SPOILED)
		spoil(input, &draft);
	size = message_size(&draft);
	if (op & OP_SPOILED && fuzz_one_in(input, 16))
		size = fuzz_below(input, (uint32_t)size);
	send_draft(fd, &draft, size);
	if (given >= 0)
		close(given);
}

/* Answer what the back end asked, or something else. */
static void answer(struct fuzz_input *input, bool spoiled)
{
	struct {
		struct vu_header header;
		uint64_t value;
	} __attribute__((packed)) reply = {0};
	size_t size = sizeof(reply);

	if (recv(channel, &reply.header, sizeof(reply.header), MSG_DONTWAIT) < 0 && !spoiled)
		return;
	reply.header.flags = VU_FLAG_VERSION | VU_FLAG_REPLY;
	reply.header.size = sizeof(reply.value);
	reply.value = fuzz_below(input, 2);
	if (spoiled && fuzz_one_in(input, 4))
		return close_channel();
	if (spoiled && fuzz_one_in(input, 2))
		size = fuzz_below(input, sizeof(reply));
	else if (spoiled)
		fuzz_bytes(input, &reply, sizeof(reply));
	send(channel, &reply, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void let_time_pass(void)
{
	if (is_impatient && waits++ < WAITS)
		poll(NULL, 0, 2 * PATIENCE_MS);
}

/* What the op says, be it a message or not. */
static void act(struct fuzz_input *input, uint8_t op, int fd)
{
	switch (op & OP_REQUEST) {
	case OP_WAIT:
		let_time_pass();
		break;
	case OP_CHANGE:
		vu_session_config_changed(session);
		break;
	case OP_ANSWER:
		answer(input, op & OP_SPOILED);
		break;
	case OP_DRAINED:
		drain();
		break;
	default:
		say(input, op, fd);
	}
}

static void converse(struct fuzz_input *input, int fd, bool reads)
{
	for (unsigned int i = 0; i < MESSAGES && fuzz_left(input); i++) {
		act(input, fuzz_u8(input), fd);
		if (vu_session_readable(session))
			return;
		scribble(input);
		use_queues();
		vu_session_attend(session);
		if (reads && hung_up(fd))
			return;
	}
	/* In the middle of a message, as the case may be. */
	shutdown(fd, SHUT_WR);
	vu_session_readable(session);
}

/*
 * As an endpoint does, which may be closed at any time; what has not drained when the input
 * ends never does.
 */
static void hang_up(struct fuzz_input *input, bool at_once)
{
	while (!at_once && !vu_session_end(session) && fuzz_left(input)) {
		if (fuzz_u8(input) & 1)
			drain();
		use_queues();
	}
}

static unsigned int count_fds(void)
{
	static struct pollfd polled[FDS_WATCHED];
	unsigned int closed = 0;

	for (int i = 0; i < FDS_WATCHED; i++)
		polled[i] = (struct pollfd){.fd = i};
	poll(polled, FDS_WATCHED, 0);
	for (int i = 0; i < FDS_WATCHED; i++)
		closed += polled[i].revents == POLLNVAL;
	return FDS_WATCHED - closed;
}

/* Mappings of the front end's files; two of them are its own. */
static unsigned int count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned int count = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "memfd:guest") || strstr(line, "memfd:log") ||
			 strstr(line, "memfd:inflight");
	fclose(maps);
	return count;
}

static void open_session(int fd, const struct vu_ops *ops, bool postcopy)
{
	const struct vu_device device = {
		.name = "fuzz",
		.ops = ops,
		.features = FEATURES,
		.config_size = CONFIG_BYTES,
		.queues = RINGS,
		.queue_num = RINGS / 2,
		.tracks_inflight = true,
		.leaves_inflight = true,
		.answer_ms = is_impatient ? PATIENCE_MS : 0,
		.drain_ms = is_impatient ? PATIENCE_MS : 0,
		.positions = positions,
		.postcopy = postcopy,
	};

	hush(fd);
	assert_return_code(vu_session_open(&session, iov, fd, &device), 0);
}

/* Positions stay as of a back end that is killed: one that ends in peace knows better. */
static void connect_once(struct fuzz_input *input, uint8_t kind)
{
	struct position left[RINGS];
	int pair[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	open_session(pair[0], kind & 0x10 ? &least_ops : &all_ops, kind & 0x80);
	converse(input, pair[1], (kind & 0xf) != 0xf);
	memcpy(left, positions, sizeof(left));
	close(pair[1]);
	close_channel();
	hang_up(input, kind & 0x40);
	for (unsigned int i = 0; i < VU_REFUSALS; i++)
		refused[i] += vu_session_stats(session)->refused[i];
	vu_session_close(session);
	expect_no_queue();
	memcpy(positions, left, sizeof(left));
}

/* Killed in the middle of something, or the file is not what it was. */
static void change_position(struct fuzz_input *input)
{
	uint32_t index;

	if (!fuzz_one_in(input, 2))
		return;
	index = fuzz_below(input, RINGS);
	positions[index].word = fuzz_u64(input);
}

static void run(struct fuzz_input *input)
{
	static unsigned int runs;
	unsigned int fds = count_fds();
	uint8_t kind = fuzz_u8(input);

	memset(guest.host, 0, MEMORY);
	memset(inflight, 0, INFLIGHT_BYTES);
	memset(positions, 0, sizeof(positions));
	assert_return_code(ftruncate(files[FILE_LOG], LOG_BYTES), 0);
	drains = kind & 0x20;
	is_impatient = (kind & 0xf) == 0xd;
	waits = 0;
	connect_once(input, kind);
	for (unsigned int i = 1; i < CONNECTIONS && (kind & 0xf) == 0xe && fuzz_left(input); i++) {
		change_position(input);
		connect_once(input, kind);
	}
	assert_int_equal(count_fds(), fds);
	/* Takes its time, and who left one behind once does so again. */
	if (runs++ % 64 == 0)
		assert_int_equal(count_mappings(), 2);
}

static int make_file(const char *name, off_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	assert_return_code(ftruncate(fd, size), 0);
	return fd;
}

static void open_all(void)
{
	int pair[2];

	assert_return_code(iov_open(&iov, NULL), 0);
	assert_return_code(memory_fault_catch(), 0);
	guest_open(&guest, 0, MEMORY);
	files[FILE_EVENT] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	files[FILE_MEMORY] = guest.fd;
	files[FILE_LOG] = make_file("log", LOG_BYTES);
	files[FILE_INFLIGHT] = make_file("inflight", INFLIGHT_BYTES);
	inflight = mmap(NULL, INFLIGHT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			files[FILE_INFLIGHT], 0);
	assert_ptr_not_equal(inflight, MAP_FAILED);
	files[FILE_SHORT] = make_file("short", 1);
	assert_return_code(pipe2(pair, O_CLOEXEC), 0);
	files[FILE_PIPE] = pair[1];
	files[FILE_DEVICE] = open("/dev/null", O_RDWR | O_CLOEXEC);
	files[FILE_SOCKET] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void reached_everything(void)
{
	assert_int_equal(count_mappings(), 2);
	assert_true(starts > 0);
	assert_true(drained > 0);
	assert_true(abandoned > 0);
	for (unsigned int i = VU_ACCEPTED + 1; i < VU_REFUSALS; i++)
		if (!refused[i])
			fail_msg("nothing of the corpus is refused for %s", vu_refusal_name(i));
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
