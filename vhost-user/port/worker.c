// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/worker.h"

#include <errno.h>
#include <pthread.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_rcu_qsbr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "vhost-user/switch/eal.h"
#include "vhost-user/switch/forward.h"
#include "vhost-user/switch/loan.h"

/* How long the worker polls in vain before it sleeps. */
#define SPIN_NS 50000

/* Shortest and longest sleep while something must be polled. */
#define NAP_MIN_NS 50000
#define NAP_MAX_NS 1000000

static const char *const poll_names[WORKER_POLLS] = {
	[WORKER_ADAPTIVE] = "adaptive",
	[WORKER_BUSY] = "busy",
	[WORKER_INTERRUPT] = "interrupt",
};

const char *worker_poll_name(enum worker_poll poll)
{
	return poll_names[poll];
}

#define INJECTIONS 64

struct injection {
	uint32_t port;
	uint32_t length;
	uint8_t bytes[FRAME_HEAD_MAX];
};

/**
 * struct worker - a worker
 * @view: what it forwards by
 * @index: its number, also in @rcu
 * @rcu: of all workers
 * @inject_head: injections that the control thread wrote
 * @inject_tail: injections that the worker took
 */
struct worker {
	struct dp_view *view;
	unsigned int index;
	struct rte_rcu_qsbr *rcu;
	struct forward *forward;
	bool stop;
	int epoll_fd;
	int wake_fd;
	uint64_t spin;
	uint64_t second;
	uint32_t inject_head;
	_Alignas(RTE_CACHE_LINE_SIZE) struct worker_stats stats;
	uint64_t busy_cycles;
	uint32_t inject_tail;
	uint32_t nap;
	struct injection injections[INJECTIONS];
};

/**
 * struct workers - all of them
 * @attention_fd: written by any of them when a ring breaks
 */
struct workers {
	struct rte_rcu_qsbr *rcu;
	int attention_fd;
	unsigned int count;
	struct worker *list[WORKERS_MAX];
};

static uint32_t seconds_at(const struct worker *worker, uint64_t cycles)
{
	return (uint32_t)(cycles / worker->second);
}

uint32_t workers_seconds(const struct workers *workers)
{
	return seconds_at(workers->list[0], rte_rdtsc());
}

/*
 * Ask all rings for kicks.  Returns false when one of them has something already; but
 * what a guest sent beyond its share is no reason to stay awake, only to look again.
 */
static bool enable_kicks(struct dp_view *view, bool *must_poll)
{
	bool empty = true;

	*must_poll = view->must_poll;
	for (unsigned int i = 0; i < view->count; i++) {
		for (unsigned int j = 0; j < view->ports[i]->from_count; j++) {
			const struct dp_queue *queue = &view->ports[i]->from[j];
			bool has_more = virtq_kick_enable(&queue->vu->ring);

			empty &= !has_more || queue->held;
			*must_poll |= queue->held || loans_waiting(loans_of(queue->vu));
		}
	}
	return empty;
}

static void disable_kicks(struct dp_view *view)
{
	for (unsigned int i = 0; i < view->count; i++)
		for (unsigned int j = 0; j < view->ports[i]->from_count; j++)
			virtq_kick_disable(&view->ports[i]->from[j].vu->ring);
}

static struct dp_view *current_view(const struct worker *worker)
{
	/* Pairs with the exchange in workers_publish(): the view is whole before it is seen. */
	return __atomic_load_n(&worker->view, __ATOMIC_ACQUIRE);
}

/*
 * Returns whether something woke us before the time was over.  @due is when a driver has
 * to be called, in nanoseconds.
 */
static bool nap(struct worker *worker, bool must_poll, uint64_t due)
{
	uint64_t longest = must_poll && worker->nap < due ? worker->nap : due;
	struct timespec time = {
		.tv_sec = (time_t)(longest / 1000000000),
		.tv_nsec = (long)(longest % 1000000000),
	};
	struct epoll_event events[16];

	worker->stats.sleeps++;
	worker->nap = worker->nap * 2 < NAP_MAX_NS ? worker->nap * 2 : NAP_MAX_NS;
	return epoll_pwait2(worker->epoll_fd, events, 16, longest == UINT64_MAX ? NULL : &time,
			    NULL) != 0;
}

/*
 * Sleep until there is something to do.  Nothing of the view is held meanwhile.
 * Returns false when one look at what must be polled is enough before the next sleep.
 */
static bool sleep_on_kicks(struct worker *worker)
{
	struct dp_view *view = current_view(worker);
	bool woken = true, must_poll;

	if (enable_kicks(view, &must_poll)) {
		uint64_t due = forward_call_due(worker->forward);

		order_release(worker->rcu);
		rte_rcu_qsbr_thread_offline(worker->rcu, worker->index);
		woken = nap(worker, must_poll, due);
		rte_rcu_qsbr_thread_online(worker->rcu, worker->index);
	}
	disable_kicks(current_view(worker));
	return woken;
}

static unsigned int take_injections(struct worker *worker, struct dp_view *view)
{
	/* Pairs with the store in workers_inject(): what is counted is written. */
	uint32_t head = __atomic_load_n(&worker->inject_head, __ATOMIC_ACQUIRE);
	unsigned int count = head - worker->inject_tail;

	for (unsigned int i = 0; i < count; i++) {
		struct injection *entry = &worker->injections[(worker->inject_tail + i) % INJECTIONS];

		forward_inject(worker->forward, view, entry->port, entry->bytes, entry->length,
			       seconds_at(worker, rte_rdtsc()));
	}
	/* The control thread may write over the entries after this. */
	__atomic_store_n(&worker->inject_tail, head, __ATOMIC_RELEASE);
	return count;
}

static int run(void *arg)
{
	struct worker *worker = arg;
	uint64_t now = rte_rdtsc(), last = now;
	char name[16];

	snprintf(name, sizeof(name), "iovd-worker-%u", worker->index);
	pthread_setname_np(pthread_self(), name);
	order_acquire(worker);
	rte_rcu_qsbr_thread_online(worker->rcu, worker->index);
	while (!__atomic_load_n(&worker->stop, __ATOMIC_RELAXED)) {
		struct dp_view *view = current_view(worker);
		unsigned int count = forward_pass(worker->forward, view, seconds_at(worker, now));
		uint64_t began = now;

		if (__atomic_load_n(&worker->inject_head, __ATOMIC_RELAXED) != worker->inject_tail)
			count += take_injections(worker, view);
		order_release(worker->rcu);
		rte_rcu_qsbr_quiescent(worker->rcu, worker->index);
		worker->stats.passes++;
		now = rte_rdtsc();
		if (count) {
			worker->stats.busy++;
			worker->busy_cycles += now - began;
			worker->nap = NAP_MIN_NS;
			last = now;
		} else if (now - last >= worker->spin) {
			bool woken = sleep_on_kicks(worker);

			now = rte_rdtsc();
			if (woken)
				last = now;
		}
	}
	rte_rcu_qsbr_thread_offline(worker->rcu, worker->index);
	order_release(worker->rcu);
	return 0;
}

static void release(struct worker *worker)
{
	forward_close(worker->forward);
	free(worker->view);
	if (worker->epoll_fd >= 0)
		close(worker->epoll_fd);
	if (worker->wake_fd >= 0)
		close(worker->wake_fd);
	free(worker);
}

/* How long it polls in vain before it sleeps, in cycles. */
static uint64_t spin_of(const struct worker *worker, enum worker_poll poll)
{
	if (poll == WORKER_ADAPTIVE)
		return worker->second / 1000000 * (SPIN_NS / 1000);
	return poll == WORKER_BUSY ? UINT64_MAX : 0;
}

/* Edge triggered: the worker never has to read the descriptor. */
static bool watch(struct worker *worker, int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	return !epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int prepare(struct worker *worker, enum worker_poll poll, int attention_fd)
{
	worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->epoll_fd < 0 || worker->wake_fd < 0 || !watch(worker, worker->wake_fd))
		return -errno;
	worker->view = calloc(1, sizeof(*worker->view));
	worker->second = rte_get_tsc_hz();
	worker->spin = spin_of(worker, poll);
	worker->stats.poll = poll;
	worker->nap = NAP_MIN_NS;
	if (!worker->view || rte_rcu_qsbr_thread_register(worker->rcu, worker->index))
		return -ENOMEM;
	return forward_open(&worker->forward, attention_fd);
}

static int start_one(struct workers *workers, unsigned int cpu, enum worker_poll poll)
{
	struct worker *worker = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*worker));
	int error;

	if (!worker)
		return -ENOMEM;
	memset(worker, 0, sizeof(*worker));
	worker->index = workers->count;
	worker->stats.cpu = cpu;
	worker->rcu = workers->rcu;
	error = prepare(worker, poll, workers->attention_fd);
	order_release(worker);
	if (!error)
		error = rte_eal_remote_launch(run, worker, EAL_WORKER_LCORE(worker->index));
	if (error) {
		release(worker);
		return error;
	}
	workers->list[workers->count++] = worker;
	return 0;
}

static int prepare_rcu(struct workers *workers, unsigned int count)
{
	size_t size = rte_rcu_qsbr_get_memsize(count);

	workers->rcu = aligned_alloc(RTE_CACHE_LINE_SIZE,
				     RTE_ALIGN_CEIL(size, (size_t)RTE_CACHE_LINE_SIZE));
	return workers->rcu && !rte_rcu_qsbr_init(workers->rcu, count) ? 0 : -ENOMEM;
}

int workers_start(struct workers **out, struct iov *iov, const unsigned int *cpus,
		  unsigned int count, enum worker_poll poll)
{
	struct workers *workers = calloc(1, sizeof(*workers));
	int error;

	if (!workers)
		return -ENOMEM;
	workers->attention_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = workers->attention_fd < 0 ? -errno : prepare_rcu(workers, count);
	while (!error && workers->count < count)
		error = start_one(workers, cpus[workers->count], poll);
	if (error) {
		workers_stop(workers);
		return iov_fail(iov, error, "the workers do not start: %s", strerror(-error));
	}
	*out = workers;
	return 0;
}

void workers_stop(struct workers *workers)
{
	if (!workers)
		return;
	for (unsigned int i = 0; i < workers->count; i++) {
		__atomic_store_n(&workers->list[i]->stop, true, __ATOMIC_RELAXED);
		eventfd_write(workers->list[i]->wake_fd, 1);
		rte_eal_wait_lcore(EAL_WORKER_LCORE(i));
	}
	order_acquire(workers->rcu);
	for (unsigned int i = 0; i < workers->count; i++)
		release(workers->list[i]);
	if (workers->attention_fd >= 0)
		close(workers->attention_fd);
	free(workers->rcu);
	free(workers);
}

unsigned int workers_count(const struct workers *workers)
{
	return workers->count;
}

void workers_publish(struct workers *workers, struct dp_view **views)
{
	for (unsigned int i = 0; i < workers->count; i++)
		views[i] = __atomic_exchange_n(&workers->list[i]->view, views[i], __ATOMIC_ACQ_REL);
	workers_synchronize(workers);
}

void workers_wake(struct workers *workers)
{
	for (unsigned int i = 0; i < workers->count; i++)
		eventfd_write(workers->list[i]->wake_fd, 1);
}

void workers_synchronize(struct workers *workers)
{
	workers_wake(workers);
	rte_rcu_qsbr_synchronize(workers->rcu, RTE_QSBR_THRID_INVALID);
	order_acquire(workers->rcu);
}

bool worker_watch(struct workers *workers, unsigned int index, int fd)
{
	return watch(workers->list[index], fd);
}

void worker_unwatch(struct workers *workers, unsigned int index, int fd)
{
	epoll_ctl(workers->list[index]->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

int workers_attention_fd(const struct workers *workers)
{
	return workers->attention_fd;
}

int workers_inject(struct workers *workers, uint32_t port, const uint8_t *bytes, uint32_t length)
{
	/* Any of them would do. */
	struct worker *worker = workers->list[0];
	uint32_t tail = __atomic_load_n(&worker->inject_tail, __ATOMIC_ACQUIRE);
	struct injection *entry = &worker->injections[worker->inject_head % INJECTIONS];

	if (worker->inject_head - tail == INJECTIONS)
		return -ENOBUFS;
	entry->port = port;
	entry->length = length;
	memcpy(entry->bytes, bytes, length);
	/* The worker that sees the count must see the entry. */
	__atomic_store_n(&worker->inject_head, worker->inject_head + 1, __ATOMIC_RELEASE);
	eventfd_write(worker->wake_fd, 1);
	return 0;
}

struct worker_stats worker_stats(const struct workers *workers, unsigned int index)
{
	const struct worker *worker = workers->list[index];
	struct worker_stats stats = worker->stats;

	stats.busy_ns = (uint64_t)((double)worker->busy_cycles * 1e9 / (double)worker->second);
	return stats;
}
