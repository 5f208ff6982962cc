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

#include "vhost-user/counter.h"
#include "vhost-user/switch/eal.h"

/* How long the worker polls in vain before it sleeps. */
#define SPIN_NS 50000

/* Shortest and longest sleep while something must be polled. */
#define NAP_MIN_NS 50000
#define NAP_MAX_NS 1000000

/* Seconds of a window in which the longest pass is looked for. */
#define WINDOW 10

static const char *const poll_names[WORKER_POLLS] = {
	[WORKER_ADAPTIVE] = "adaptive",
	[WORKER_BUSY] = "busy",
	[WORKER_INTERRUPT] = "interrupt",
};

const char *worker_poll_name(enum worker_poll poll)
{
	return poll_names[poll];
}

/**
 * struct longest - the longest passes, in cycles of the time stamp counter
 * @ever: of all
 * @now: of this window
 * @before: of the one before
 * @began: when this window began
 */
struct longest {
	uint64_t ever;
	uint64_t now;
	uint64_t before;
	uint64_t began;
};

/**
 * struct worker - a worker
 * @pollables: what it polls, one after the other
 * @index: its number, also in @rcu
 * @rcu: of all workers
 */
struct worker {
	struct pollable *pollables;
	unsigned int index;
	struct rte_rcu_qsbr *rcu;
	bool stop;
	int epoll_fd;
	int wake_fd;
	uint64_t spin;
	uint64_t second;
	_Alignas(RTE_CACHE_LINE_SIZE) struct worker_stats stats;
	uint64_t busy_cycles;
	struct longest longest;
	uint32_t nap;
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

/* Pairs with the stores in workers_add() and workers_remove(): what is found is whole. */
static struct pollable *follow(struct pollable *const *link)
{
	return __atomic_load_n(link, __ATOMIC_ACQUIRE);
}

/* Let each do what it has to do; how much that was. */
static unsigned int go_round(struct worker *worker, uint64_t now)
{
	struct pollable *pollable = follow(&worker->pollables);
	unsigned int count = 0;

	while (pollable) {
		count += pollable->ops->poll(pollable, now);
		pollable = follow(&pollable->next);
		if (unlikely(pollable))
			now = rte_rdtsc();
	}
	return count;
}

/*
 * Ask all for wake-ups.  Returns false when one of them has something already; else @longest
 * is how long to sleep at most, in nanoseconds.
 */
static bool arm(struct worker *worker, uint64_t *longest)
{
	enum pollable_rest most = POLLABLE_IS_WOKEN;
	struct pollable *pollable;

	*longest = UINT64_MAX;
	for (pollable = follow(&worker->pollables); pollable; pollable = follow(&pollable->next)) {
		enum pollable_rest rest = pollable->ops->arm(pollable);
		uint64_t due = pollable->ops->due(pollable);

		most = rest > most ? rest : most;
		*longest = due < *longest ? due : *longest;
	}
	if (most == POLLABLE_MUST_POLL && worker->nap < *longest)
		*longest = worker->nap;
	return most != POLLABLE_HAS_WORK;
}

static void disarm(struct worker *worker)
{
	struct pollable *pollable;

	for (pollable = follow(&worker->pollables); pollable; pollable = follow(&pollable->next))
		pollable->ops->disarm(pollable);
}

/* Returns whether something woke us before the time was over. */
static bool nap(struct worker *worker, uint64_t longest)
{
	struct timespec time = {
		.tv_sec = (time_t)(longest / 1000000000),
		.tv_nsec = (long)(longest % 1000000000),
	};
	struct epoll_event events[16];

	counter_add(&worker->stats.sleeps, 1);
	worker->nap = worker->nap * 2 < NAP_MAX_NS ? worker->nap * 2 : NAP_MAX_NS;
	return epoll_pwait2(worker->epoll_fd, events, 16, longest == UINT64_MAX ? NULL : &time,
			    NULL) != 0;
}

/*
 * Sleep until there is something to do.  Nothing that is shared is held meanwhile.
 * Returns false when one look at what must be polled is enough before the next sleep.
 */
static bool rest(struct worker *worker)
{
	bool woken = true;
	uint64_t longest;

	if (arm(worker, &longest)) {
		order_release(worker->rcu);
		rte_rcu_qsbr_thread_offline(worker->rcu, worker->index);
		woken = nap(worker, longest);
		rte_rcu_qsbr_thread_online(worker->rcu, worker->index);
	}
	disarm(worker);
	return woken;
}

static void keep_longest(struct worker *worker, uint64_t began, uint64_t end)
{
	struct longest *longest = &worker->longest;

	if (unlikely(end - longest->began >= WINDOW * worker->second)) {
		/* One that slept through a window had no long pass in it. */
		counter_set(&longest->before,
			    end - longest->began < 2 * WINDOW * worker->second ? longest->now : 0);
		counter_set(&longest->now, 0);
		counter_set(&longest->began, end);
	}
	if (unlikely(end - began > longest->now)) {
		counter_set(&longest->now, end - began);
		if (longest->now > longest->ever)
			counter_set(&longest->ever, longest->now);
	}
}

static int run(void *arg)
{
	struct worker *worker = arg;
	uint64_t now = rte_rdtsc(), last = now;
	char name[16];

	snprintf(name, sizeof(name), "iovd-worker-%u", worker->index);
	pthread_setname_np(pthread_self(), name);
	order_acquire(worker);
	counter_set(&worker->longest.began, now);
	rte_rcu_qsbr_thread_online(worker->rcu, worker->index);
	while (!__atomic_load_n(&worker->stop, __ATOMIC_RELAXED)) {
		unsigned int count = go_round(worker, now);
		uint64_t began = now;

		order_release(worker->rcu);
		rte_rcu_qsbr_quiescent(worker->rcu, worker->index);
		counter_add(&worker->stats.passes, 1);
		now = rte_rdtsc();
		keep_longest(worker, began, now);
		if (count) {
			counter_add(&worker->stats.busy, 1);
			counter_add(&worker->busy_cycles, now - began);
			worker->nap = NAP_MIN_NS;
			last = now;
		} else if (now - last >= worker->spin) {
			bool woken = rest(worker);

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

static int prepare(struct worker *worker, enum worker_poll poll)
{
	worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->epoll_fd < 0 || worker->wake_fd < 0 || !watch(worker, worker->wake_fd))
		return -errno;
	worker->second = rte_get_tsc_hz();
	worker->spin = spin_of(worker, poll);
	worker->stats.poll = poll;
	worker->nap = NAP_MIN_NS;
	return rte_rcu_qsbr_thread_register(worker->rcu, worker->index) ? -ENOMEM : 0;
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
	error = prepare(worker, poll);
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
		return iov_told(iov, error, "the workers do not start: %s", strerror(-error));
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

void workers_add(struct workers *workers, unsigned int index, struct pollable *pollable)
{
	struct worker *worker = workers->list[index];

	pollable->next = worker->pollables;
	__atomic_store_n(&worker->pollables, pollable, __ATOMIC_RELEASE);
	eventfd_write(worker->wake_fd, 1);
}

void workers_remove(struct workers *workers, unsigned int index, struct pollable *pollable)
{
	struct pollable **link = &workers->list[index]->pollables;

	while (*link != pollable)
		link = &(*link)->next;
	/* A worker that is there now still finds the next one. */
	__atomic_store_n(link, pollable->next, __ATOMIC_RELEASE);
	workers_synchronize(workers);
}

void worker_wake(struct workers *workers, unsigned int index)
{
	if (index < workers->count)
		eventfd_write(workers->list[index]->wake_fd, 1);
}

void workers_wake(struct workers *workers)
{
	for (unsigned int i = 0; i < workers->count; i++)
		worker_wake(workers, i);
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

static uint64_t to_ns(const struct worker *worker, uint64_t cycles)
{
	return (uint64_t)((double)cycles * 1e9 / (double)worker->second);
}

/* Of the last window and this one, which may both be over if the worker sleeps. */
static uint64_t recent(const struct worker *worker)
{
	const struct longest *longest = &worker->longest;
	uint64_t age = (rte_rdtsc() - counter_get(&longest->began)) / worker->second;
	uint64_t now = counter_get(&longest->now), before = counter_get(&longest->before);

	if (age >= 2 * WINDOW)
		return 0;
	return age >= WINDOW || now > before ? now : before;
}

struct worker_stats worker_stats(const struct workers *workers, unsigned int index)
{
	const struct worker *worker = workers->list[index];

	return (struct worker_stats){
		.cpu = worker->stats.cpu,
		.passes = counter_get(&worker->stats.passes),
		.busy = counter_get(&worker->stats.busy),
		.sleeps = counter_get(&worker->stats.sleeps),
		.busy_ns = to_ns(worker, counter_get(&worker->busy_cycles)),
		.longest_ns = to_ns(worker, counter_get(&worker->longest.ever)),
		.recent_ns = to_ns(worker, recent(worker)),
		.poll = worker->stats.poll,
	};
}
