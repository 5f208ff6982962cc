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
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/descriptors.h"
#include "tests/fuzz/draft.h"
#include "tests/unit/test.h"
#include "vhost-user/memory/memory_fault.h"
#include "vhost-user/protocol/session_internal.h"

#define MESSAGES 64
#define WAITS 4			/* in an input */
#define PATIENCE_MS 1		/* of a device that is short of it */
#define CONNECTIONS 3		/* one after the other, where positions are kept */
#define CONFIG_BYTES 128

static struct iov *iov;
static struct draft_sender sender = {.channel = -1};
static uint8_t *inflight;	/* what is in FILE_INFLIGHT */
static struct vu_session *session;
static struct vu_queue *queues[RINGS];
static struct vu_queue *draining[RINGS];
static bool drains;		/* rings do not stop at once */
static bool is_impatient;	/* nobody may take long */
static unsigned int waits;
static struct position positions[RINGS];

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

static bool on_queue_abandon(void *arg, struct vu_queue *queue)
{
	(void)arg;
	assert_ptr_equal(draining[queue->index], queue);
	draining[queue->index] = queues[queue->index] = NULL;
	abandoned++;
	return false;
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

/* Rings of nonsense, too: the front end's memory is where the addresses point. */
static void scribble(struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input);

	if (kind & 4) {
		uint32_t at = fuzz_below(input, 1024);

		inflight[at] = fuzz_u8(input);
	}
	if ((kind & 0xf0) == 0xf0)
		assert_return_code(ftruncate(sender.files[FILE_LOG], 0), 0);
	for (unsigned int i = 0; i < (kind & 3u); i++) {
		uint64_t word = fuzz_edge(input);

		uint8_t *at = sender.guest.host + 8 * fuzz_below(input, MEMORY / 8);

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

	draft_good(&sender, input, op, &draft);
	given = draft.header.request == VU_SET_BACKEND_REQ_FD ? draft.fds[0] : -1;
	if (op & OP_SPOILED)
		draft_spoil(&sender, input, &draft);
	size = draft_size(&draft);
	if (op & OP_SPOILED && fuzz_one_in(input, 16))
		size = fuzz_below(input, (uint32_t)size);
	draft_send(fd, &draft, size);
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

	if (recv(sender.channel, &reply.header, sizeof(reply.header), MSG_DONTWAIT) < 0 && !spoiled)
		return;
	reply.header.flags = VU_FLAG_VERSION | VU_FLAG_REPLY;
	reply.header.size = sizeof(reply.value);
	reply.value = fuzz_below(input, 2);
	if (spoiled && fuzz_one_in(input, 4))
		return draft_close_channel(&sender);
	if (spoiled && fuzz_one_in(input, 2))
		size = fuzz_below(input, sizeof(reply));
	else if (spoiled)
		fuzz_bytes(input, &reply, sizeof(reply));
	send(sender.channel, &reply, size, MSG_NOSIGNAL | MSG_DONTWAIT);
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

	draft_hush(fd);
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
	draft_close_channel(&sender);
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
	unsigned int fds = count_descriptors();
	uint8_t kind = fuzz_u8(input);

	memset(sender.guest.host, 0, MEMORY);
	memset(inflight, 0, INFLIGHT_BYTES);
	memset(positions, 0, sizeof(positions));
	assert_return_code(ftruncate(sender.files[FILE_LOG], LOG_BYTES), 0);
	drains = kind & 0x20;
	is_impatient = (kind & 0xf) == 0xd;
	waits = 0;
	connect_once(input, kind);
	for (unsigned int i = 1; i < CONNECTIONS && (kind & 0xf) == 0xe && fuzz_left(input); i++) {
		change_position(input);
		connect_once(input, kind);
	}
	assert_int_equal(count_descriptors(), fds);
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
	guest_open(&sender.guest, 0, MEMORY);
	sender.files[FILE_EVENT] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sender.files[FILE_MEMORY] = sender.guest.fd;
	sender.files[FILE_LOG] = make_file("log", LOG_BYTES);
	sender.files[FILE_INFLIGHT] = make_file("inflight", INFLIGHT_BYTES);
	inflight = mmap(NULL, INFLIGHT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			sender.files[FILE_INFLIGHT], 0);
	assert_ptr_not_equal(inflight, MAP_FAILED);
	sender.files[FILE_SHORT] = make_file("short", 1);
	assert_return_code(pipe2(pair, O_CLOEXEC), 0);
	sender.files[FILE_PIPE] = pair[1];
	sender.files[FILE_DEVICE] = open("/dev/null", O_RDWR | O_CLOEXEC);
	sender.files[FILE_SOCKET] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
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
