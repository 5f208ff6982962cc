// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  The thread touches guest memory in sections only, one burst of a
 * single frame each.  Before a section it notes the state of the ring; nothing that a
 * section does is visible to the driver before all buffers of its frame were touched.  So
 * a section can be given up anywhere: the ring is put back, and the frame is still where
 * it was.  Then it commits: what the driver may have seen is not taken back, and touches only
 * the ring, which is there.
 *
 * A page that is missing lets the thread sleep in its fault.  When the control thread
 * wants a ring back it sends signals until the thread stands still.  A signal interrupts
 * such a sleep; its handler jumps out when it finds the thread in a section, and does
 * nothing elsewhere, where the thread will see the wish by itself.
 *
 * The pages of the ring itself are touched when it is settled.  That they were made
 * missing again by a hostile front end costs the ring, which is broken then, and nobody else
 * anything but a moment.
 */
#include "vhost-user/switch/lane.h"

#include "vhost-user/counter.h"
#include "vhost-user/net/net_device.h"
#include "vhost-user/spin.h"
#include "vhost-user/switch/dp_ring.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

/* Interrupts a fault; nothing else here uses it. */
#define ESCAPE SIGUSR1

/* Looks after which a thread that commits is not waited for. */
#define LOOKS_MAX 1000

/* Between two looks at whether the thread stands still, and between two at the rings. */
#define LOOK_NS 50000
#define NAP_MIN_NS 20000
#define NAP_MAX_NS 1000000

#define PAGE 4096

/* Frames from one thread to one other; both numbers only grow. */
struct lane_pipe {
	_Alignas(VIRTQ_CACHE_LINE) uint32_t written;
	_Alignas(VIRTQ_CACHE_LINE) uint32_t read;
	struct lane_frame *slots;
};

/* What became of frames for the guest. */
struct lane_counts {
	uint64_t packets;
	uint64_t bytes;
	uint64_t dropped;
};

/* What the thread does with guest memory; as sigsetjmp() returns it. */
enum section {
	OUTSIDE,
	TOUCHING,
	COMMITTING,
};

enum order {
	RUN,
	STAND,
	END,
};

struct lane {
	pthread_t thread;
	sem_t go;
	int attention_fd;
	enum order order;		/* the control thread's */
	bool stands;			/* the lane's answer */
	unsigned int sending_count;	/* rings; changed while the thread stands */
	unsigned int receiving_count;
	struct vu_queue **sending;
	struct vu_queue **receiving;
	struct lane_pipe from;		/* the guest */
	struct lane_pipe to;
	struct spin senders;		/* of one worker at a time */
	struct lane_counts counts;	/* the lane's, and what of them was counted */
	struct lane_counts counted;
	long nap;

	/* A section: its ring, the ring as it was, whether that had begun, and the way out */
	volatile sig_atomic_t section;
	bool is_forced;			/* the control thread's */
	struct vu_queue *queue;
	struct virtq before;
	bool was_unsettled;
	sigjmp_buf escape;
	struct virtq_batch batch;
};

static _Thread_local struct lane *own;

static void on_escape(int number)
{
	int section = own ? own->section : OUTSIDE;

	(void)number;
	if (section == OUTSIDE ||
	    (section == COMMITTING && !__atomic_load_n(&own->is_forced, __ATOMIC_RELAXED)))
		return;
	own->section = OUTSIDE;
	siglongjmp(own->escape, section);
}

static void set_section(struct lane *lane, enum section section)
{
	/* The handler runs in this thread: it is the compiler that must keep the order. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	lane->section = (sig_atomic_t)section;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* From here to leave() guest memory may be touched. */
static void enter(struct lane *lane, struct vu_queue *queue)
{
	lane->queue = queue;
	lane->before = queue->ring;
	lane->was_unsettled = queue->unsettled;
	set_section(lane, TOUCHING);
}

/* What was done is for the driver to see. */
static bool commit(struct lane *lane)
{
	set_section(lane, COMMITTING);
	return virtq_publish(&lane->queue->ring);
}

static void leave(struct lane *lane)
{
	set_section(lane, OUTSIDE);
}

static bool is_wanted(const struct lane *lane)
{
	return __atomic_load_n(&lane->order, __ATOMIC_ACQUIRE) != RUN;
}

/* Pipes */

static int pipe_open(struct lane_pipe *pipe)
{
	pipe->slots = malloc(LANE_SLOTS * sizeof(*pipe->slots));
	return pipe->slots ? 0 : -ENOMEM;
}

static uint32_t pipe_count(const struct lane_pipe *pipe)
{
	/* What is counted was written, and what is not counted any more was read. */
	return __atomic_load_n(&pipe->written, __ATOMIC_ACQUIRE) -
	       __atomic_load_n(&pipe->read, __ATOMIC_ACQUIRE);
}

static struct lane_frame *pipe_slot(const struct lane_pipe *pipe, uint32_t number)
{
	return &pipe->slots[number % LANE_SLOTS];
}

static struct lane_frame *pipe_room(const struct lane_pipe *pipe)
{
	return pipe_count(pipe) < LANE_SLOTS ? pipe_slot(pipe, pipe->written) : NULL;
}

static void pipe_advance(uint32_t *number, uint32_t count)
{
	/* The other side sees it after what was done to the frames. */
	__atomic_store_n(number, *number + count, __ATOMIC_RELEASE);
}

/* The worker's side */

unsigned int lane_receive(struct lane *lane, struct lane_frame **frames, unsigned int max)
{
	uint32_t count = pipe_count(&lane->from);

	if (count > max)
		count = max;
	for (uint32_t i = 0; i < count; i++)
		frames[i] = pipe_slot(&lane->from, lane->from.read + i);
	return count;
}

void lane_release(struct lane *lane, unsigned int count)
{
	pipe_advance(&lane->from.read, count);
}

struct lane_frame *lane_reserve(struct lane *lane)
{
	struct lane_frame *room;

	spin_lock(&lane->senders);
	room = pipe_room(&lane->to);
	if (!room)
		spin_unlock(&lane->senders);
	return room;
}

void lane_commit(struct lane *lane)
{
	pipe_advance(&lane->to.written, 1);
	spin_unlock(&lane->senders);
}

/* How much more it is than at the last look. */
static uint64_t more(const uint64_t *number, uint64_t *seen)
{
	uint64_t now = counter_get(number), before = *seen;

	*seen = now;
	return now - before;
}

void lane_count(struct lane *lane, struct dp_counters *counters)
{
	const struct lane_counts *counts = &lane->counts;

	counters->tx_packets += more(&counts->packets, &lane->counted.packets);
	counters->tx_bytes += more(&counts->bytes, &lane->counted.bytes);
	counters->drops[DROP_FULL] += more(&counts->dropped, &lane->counted.dropped);
}

void lane_count_left(struct lane *lane, struct dp_counters *counters)
{
	const uint32_t from = pipe_count(&lane->from);

	counters->rx_packets += from;
	counters->drops[DROP_DOWN] += from + pipe_count(&lane->to);
}

/* The lane's thread */

static void touch(const void *area, size_t bytes)
{
	const volatile uint8_t *at = area;

	for (size_t i = 0; i < bytes; i += PAGE)
		(void)at[i];
	(void)at[bytes - 1];
}

/* Wait for all pages of the ring, then begin with it. */
static void settle(struct lane *lane, struct vu_queue *queue)
{
	struct virtq_layout layout = virtq_layout(queue->setup.size, queue->setup.features);

	enter(lane, queue);
	touch(queue->setup.desc, layout.desc.bytes);
	touch(queue->setup.driver, layout.driver.bytes);
	touch(queue->setup.device, layout.device.bytes);
	vu_queue_settle(queue);
	queue->ring.reads_only = net_ring_sends(queue->index);
	leave(lane);
}

static void check(struct lane *lane, struct vu_queue *queue)
{
	if (likely(!queue->ring.error && !queue->ring.is_news))
		return;
	if (!virtq_take_news(&queue->ring) && queue->ring.error == lane->before.error)
		return;
	eventfd_write(lane->attention_fd, 1);
}

/* What one chain holds; of one that is too long, which the worker will see, nothing. */
static void read_chain(struct lane *lane, struct lane_frame *frame)
{
	const struct virtq_chain *chain = lane->batch.chains;
	struct virtq_cursor from = virtq_readable(&lane->batch, chain);

	frame->start = FRAME_HEADROOM;
	frame->length = chain->readable_length;
	if (frame->length <= sizeof(frame->bytes) - FRAME_HEADROOM)
		virtq_cursor_read(&from, frame->bytes + FRAME_HEADROOM, frame->length);
}

/* One frame of the guest; returns whether there was one. */
static bool send_one(struct lane *lane, struct vu_queue *queue)
{
	struct lane_frame *frame = pipe_room(&lane->from);
	unsigned int taken;
	bool call = false;

	if (!frame)
		return false;
	virtq_batch_reset(&lane->batch);
	enter(lane, queue);
	taken = virtq_take(&queue->ring, &lane->batch, 1);
	if (taken) {
		read_chain(lane, frame);
		virtq_return(&queue->ring, &lane->batch);
		call = commit(lane);
	}
	leave(lane);
	check(lane, queue);
	frame->enabled = queue->enabled;
	if (taken)
		pipe_advance(&lane->from.written, 1);
	if (call && vu_queue_call(queue))
		eventfd_write(lane->attention_fd, 1);
	return taken;
}

/* Whether the driver gave the ring a buffer since it started; the ring stays as it is. */
static bool is_used(struct lane *lane, struct vu_queue *queue)
{
	struct dp_ring *ring = dp_ring_of(queue);

	if (ring->is_used)
		return true;
	enter(lane, queue);
	ring->is_used = virtq_has_chain(&queue->ring, &lane->batch);
	leave(lane);
	check(lane, queue);
	return ring->is_used;
}

/*
 * The ring that a frame takes: one that the driver uses, or may use, or one that is enabled; NULL
 * for none.
 */
static struct vu_queue *choose(struct lane *lane, uint32_t hash)
{
	unsigned int count = lane->receiving_count;
	struct vu_queue *enabled = NULL;

	for (unsigned int i = 0; i < count && !is_wanted(lane); i++) {
		struct vu_queue *queue = lane->receiving[(hash + i) % count];

		if (!queue->enabled)
			continue;
		if (queue->unsettled || is_used(lane, queue))
			return queue;
		if (!enabled)
			enabled = queue;
	}
	return enabled;
}

/* One frame to the guest; returns whether there was one. */
static bool receive_one(struct lane *lane)
{
	struct lane_frame *frame = pipe_slot(&lane->to, lane->to.read);
	struct vu_queue *queue;
	struct virtq_write write;
	unsigned int done = 0;
	bool call = false;

	/* Rings come back at once when only something of them changes. */
	if (!lane->receiving_count || !pipe_count(&lane->to))
		return false;
	queue = choose(lane, frame->hash);
	/* What is wanted goes first, and a frame is not lost for it. */
	if (is_wanted(lane) || (queue && queue->unsettled))
		return false;
	if (queue) {
		write = (struct virtq_write){
			.head = frame->bytes + frame->start,
			.head_length = frame->length,
		};
		if (frame->buffers_max > 1)
			write.buffers = frame->bytes + frame->start + sizeof(struct virtio_net_hdr);
		enter(lane, queue);
		done = virtq_fill(&queue->ring, &lane->batch, &write, 1, frame->buffers_max);
		call = commit(lane);
		leave(lane);
		check(lane, queue);
	}
	if (done) {
		counter_add(&lane->counts.bytes, frame->length - frame->header);
		counter_add(&lane->counts.packets, 1);
	} else {
		counter_add(&lane->counts.dropped, 1);
	}
	pipe_advance(&lane->to.read, 1);
	if (call && vu_queue_call(queue))
		eventfd_write(lane->attention_fd, 1);
	return true;
}

static void settle_all(struct lane *lane, struct vu_queue **queues, unsigned int count)
{
	for (unsigned int i = 0; i < count && !is_wanted(lane); i++)
		if (queues[i]->unsettled)
			settle(lane, queues[i]);
}

/* Every ring in turn, as long as nobody wants the thread to stand still. */
static bool pass(struct lane *lane)
{
	bool busy = false;

	settle_all(lane, lane->sending, lane->sending_count);
	settle_all(lane, lane->receiving, lane->receiving_count);
	for (unsigned int i = 0; i < lane->sending_count && !is_wanted(lane); i++)
		busy |= !lane->sending[i]->unsettled && send_one(lane, lane->sending[i]);
	if (!is_wanted(lane))
		busy |= receive_one(lane);
	return busy;
}

static void nap(struct lane *lane, bool busy)
{
	struct timespec time = { .tv_nsec = lane->nap };

	if (busy) {
		lane->nap = NAP_MIN_NS;
		return;
	}
	if (lane->nap < NAP_MAX_NS)
		lane->nap *= 2;
	nanosleep(&time, NULL);
}

static void stand(struct lane *lane)
{
	__atomic_store_n(&lane->stands, true, __ATOMIC_RELEASE);
	while (sem_wait(&lane->go))
		;
}

static void *run(void *arg)
{
	struct lane *lane = arg;

	own = lane;
	pthread_setname_np(pthread_self(), "iovd-lane");
	switch (sigsetjmp(lane->escape, 1)) {
	case TOUCHING: /* it has not happened */
		lane->queue->ring = lane->before;
		lane->queue->unsettled = lane->was_unsettled;
		break;
	case COMMITTING: /* nobody knows what the driver has seen */
		lane->queue->ring.error = VIRTQ_ERROR_ADDRESS;
		check(lane, lane->queue);
		break;
	}
	while (__atomic_load_n(&lane->order, __ATOMIC_ACQUIRE) != END) {
		if (is_wanted(lane))
			stand(lane);
		else
			nap(lane, pass(lane));
	}
	own = NULL;
	return NULL;
}

/* The control thread's side */

static void halt(struct lane *lane)
{
	const struct timespec moment = { .tv_nsec = LOOK_NS };

	__atomic_store_n(&lane->order, STAND, __ATOMIC_RELEASE);
	for (unsigned int i = 0; !__atomic_load_n(&lane->stands, __ATOMIC_ACQUIRE); i++) {
		if (i == LOOKS_MAX)
			__atomic_store_n(&lane->is_forced, true, __ATOMIC_RELAXED);
		pthread_kill(lane->thread, ESCAPE);
		nanosleep(&moment, NULL);
	}
	__atomic_store_n(&lane->is_forced, false, __ATOMIC_RELAXED);
}

static void go_on(struct lane *lane, enum order order)
{
	lane->stands = false;
	__atomic_store_n(&lane->order, order, __ATOMIC_RELEASE);
	sem_post(&lane->go);
}

static void list_remove(struct vu_queue **queues, unsigned int *count, const struct vu_queue *queue)
{
	for (unsigned int i = 0; i < *count; i++) {
		if (queues[i] != queue)
			continue;
		queues[i] = queues[--*count];
		return;
	}
}

void lane_add(struct lane *lane, struct vu_queue *queue)
{
	halt(lane);
	if (net_ring_sends(queue->index))
		lane->sending[lane->sending_count++] = queue;
	else
		lane->receiving[lane->receiving_count++] = queue;
	go_on(lane, RUN);
}

void lane_remove(struct lane *lane, struct vu_queue *queue)
{
	halt(lane);
	list_remove(lane->sending, &lane->sending_count, queue);
	list_remove(lane->receiving, &lane->receiving_count, queue);
	go_on(lane, RUN);
}

void lane_synchronize(struct lane *lane)
{
	halt(lane);
	go_on(lane, RUN);
}

bool lane_is_empty(const struct lane *lane)
{
	return !lane->sending_count && !lane->receiving_count;
}

static void release(struct lane *lane)
{
	free(lane->from.slots);
	free(lane->to.slots);
	free(lane->sending);
	free(lane->receiving);
	sem_destroy(&lane->go);
	free(lane);
}

static int start(struct lane *lane)
{
	struct sigaction action = { .sa_handler = on_escape };

	lane->sending = calloc(LANE_QUEUES_MAX, sizeof(struct vu_queue *));
	lane->receiving = calloc(LANE_QUEUES_MAX, sizeof(struct vu_queue *));
	if (!lane->sending || !lane->receiving || pipe_open(&lane->from) || pipe_open(&lane->to))
		return -ENOMEM;
	if (sigaction(ESCAPE, &action, NULL))
		return -errno;
	return -pthread_create(&lane->thread, NULL, run, lane);
}

int lane_open(struct lane **out, int attention_fd)
{
	struct lane *lane = aligned_alloc(VIRTQ_CACHE_LINE,
					  (sizeof(*lane) + VIRTQ_CACHE_LINE - 1) &
						  ~(size_t)(VIRTQ_CACHE_LINE - 1));
	int error;

	if (!lane)
		return -ENOMEM;
	memset(lane, 0, sizeof(*lane));
	sem_init(&lane->go, 0, 0);
	lane->attention_fd = attention_fd;
	lane->nap = NAP_MIN_NS;
	error = start(lane);
	if (error) {
		release(lane);
		return error;
	}
	*out = lane;
	return 0;
}

void lane_close(struct lane *lane)
{
	if (!lane)
		return;
	halt(lane);
	go_on(lane, END);
	pthread_join(lane->thread, NULL);
	release(lane);
}
