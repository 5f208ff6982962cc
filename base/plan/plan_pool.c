// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Working through the steps of a graph, several at a time.
 *
 * The calling thread works as well.  Others are started when more steps are
 * ready than threads are there to take them, so a plan that is a chain runs in
 * the caller alone.  Each thread has a context of its own.  Before the first one starts
 * a process is forked that makes the writers of all (forker.c).  Of steps that join, a
 * thread takes several in one go, which then cost one fsync and one request.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "base/context.h"
#include "base/plan/plan_engine.h"
#include "base/sysroot/writer.h"

#define JOBS_MAX 64

/* One run; everything below @mutex is guarded by it. */
struct pool {
	struct iov *iov;
	struct graph *graph;
	const struct pool_options *options;
	pthread_mutex_t callbacks;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	size_t ready;			/* steps that wait for nothing */
	unsigned int running;		/* batches under way */
	unsigned int idle;		/* threads that wait for a step */
	unsigned int threads;
	pthread_t thread[JOBS_MAX];
	struct iov *context[JOBS_MAX];
	unsigned int started;		/* contexts that threads took */
	int error;			/* of the first step that failed */
	size_t failed;
	struct said said;
};

static bool is_ready(const struct graph_node *node)
{
	return !node->taken && !node->waits_for;
}

static void take_step(struct pool *pool, struct batch *batch, size_t index)
{
	pool->graph->nodes[index].taken = true;
	pool->ready--;
	batch->steps[batch->count++] = index;
}

/*
 * The earliest step that is ready, so that the order is the plan's where it may be; when it
 * joins, others that do, but no more than leave the same number for every other thread.
 */
static void take_batch(struct pool *pool, struct batch *batch)
{
	const struct graph *graph = pool->graph;
	size_t share = pool->ready / pool->options->jobs;

	*batch = (struct batch){ 0 };
	for (size_t n = 0; n < graph->count && batch->count < BATCH_MAX; n++) {
		size_t i = graph->backwards ? graph->count - 1 - n : n;
		const struct graph_node *node = &graph->nodes[i];

		if (!is_ready(node) || (batch->count && !node->joins))
			continue;
		take_step(pool, batch, i);
		if (!node->joins || batch->count >= share)
			return;
	}
}

static void end_step(struct pool *pool, size_t index)
{
	const struct graph_node *node = &pool->graph->nodes[index];

	for (size_t i = 0; i < node->count; i++) {
		if (!--pool->graph->nodes[node->next[i]].waits_for)
			pool->ready++;
	}
}

static void give_back(struct pool *pool, size_t index)
{
	pool->graph->nodes[index].taken = false;
	pool->ready++;
}

static void end_batch(struct pool *pool, struct iov *iov, const struct batch *batch, int error)
{
	if (error && !pool->error) {
		pool->error = error;
		pool->failed = batch->failed;
		pool->said = iov->said;
	}
	for (size_t i = 0; i < batch->count; i++) {
		if (i < batch->done)
			end_step(pool, batch->steps[i]);
		else if (!error || batch->steps[i] != batch->failed)
			give_back(pool, batch->steps[i]);
	}
	pthread_cond_broadcast(&pool->changed);
}

static void work(struct pool *pool, struct iov *iov);

static void *run_thread(void *arg)
{
	struct pool *pool = arg;
	struct iov *iov;

	pthread_mutex_lock(&pool->mutex);
	iov = pool->context[pool->started++];
	pool->idle--;
	work(pool, iov);
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

/*
 * With fewer threads than wished for the work takes longer, that is all.  The new
 * contexts are copies of the caller's own, which no other thread uses.
 */
static void start_threads(struct pool *pool, struct iov *iov)
{
	while (pool->ready > pool->idle && pool->threads + 1 < pool->options->jobs) {
		struct iov **context = &pool->context[pool->threads];

		/* Processes are forked by one that has no threads, so it comes before the first. */
		if (!iov->forker && !iov->on_write && forker_open(iov))
			return;
		if (context_clone(context, iov))
			return;
		if (pthread_create(&pool->thread[pool->threads], NULL, run_thread, pool)) {
			iov_close(*context);
			return;
		}
		pool->threads++;
		pool->idle++;
	}
}

static bool may_take(const struct pool *pool)
{
	return pool->ready && (!pool->error || pool->options->go_on);
}

/* Take steps until none is left that could become ready; the mutex is held. */
static void work(struct pool *pool, struct iov *iov)
{
	while (may_take(pool) || pool->running) {
		struct batch batch;
		int error;

		if (!may_take(pool)) {
			pool->idle++;
			pthread_cond_wait(&pool->changed, &pool->mutex);
			pool->idle--;
			continue;
		}
		take_batch(pool, &batch);
		pool->running++;
		start_threads(pool, iov);
		pthread_mutex_unlock(&pool->mutex);
		error = pool->options->work(pool->options->arg, iov, &batch);
		pthread_mutex_lock(&pool->mutex);
		pool->running--;
		end_batch(pool, iov, &batch, error);
	}
}

static void pool_open(struct pool *pool)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&pool->callbacks, &attributes);
	pthread_mutexattr_destroy(&attributes);
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->changed, NULL);
	for (size_t i = 0; i < pool->graph->count; i++)
		pool->ready += !pool->graph->nodes[i].waits_for;
	pool->iov->callbacks = &pool->callbacks;
}

static void pool_close(struct pool *pool)
{
	for (unsigned int i = 0; i < pool->threads; i++) {
		pthread_join(pool->thread[i], NULL);
		iov_close(pool->context[i]);
	}
	forker_close(pool->iov);
	pool->iov->callbacks = NULL;
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->mutex);
	pthread_mutex_destroy(&pool->callbacks);
}

int pool_run(struct iov *iov, struct graph *graph, const struct pool_options *options,
	     size_t *failed)
{
	struct pool pool = { .iov = iov, .graph = graph, .options = options };

	pool_open(&pool);
	pthread_mutex_lock(&pool.mutex);
	work(&pool, iov);
	pthread_mutex_unlock(&pool.mutex);
	pool_close(&pool);
	if (pool.error) {
		iov->said = pool.said;
		*failed = pool.failed;
	}
	return pool.error;
}
