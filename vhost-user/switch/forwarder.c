// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/switch/forwarder.h"

#include <errno.h>
#include <rte_cycles.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "vhost-user/switch/forward.h"
#include "vhost-user/switch/loan.h"

#define INJECTIONS 64

struct injection {
	uint32_t port;
	uint32_t length;
	uint8_t bytes[FRAME_HEAD_MAX];
};

/**
 * struct forwarder - see forwarder.h
 * @view: what it forwards by
 * @held_due: nanoseconds from when the worker armed until a guest may send again that sent its
 *	share; UINT64_MAX for none
 * @tick: cycles of the time stamp counter for one of the clock of MAC tables
 * @inject_head: injections that the control thread wrote
 * @inject_tail: injections that the worker took
 */
struct forwarder {
	struct pollable pollable;
	struct dp_view *view;
	struct forward *forward;
	uint64_t held_due;
	uint64_t tick;
	uint32_t inject_head;
	_Alignas(VIRTQ_CACHE_LINE) uint32_t inject_tail;
	struct injection injections[INJECTIONS];
};

static struct forwarder *of(struct pollable *pollable)
{
	return (struct forwarder *)((char *)pollable - offsetof(struct forwarder, pollable));
}

static struct dp_view *current_view(const struct forwarder *forwarder)
{
	/* Pairs with the exchange in forwarder_exchange(): the view is whole before it is seen. */
	return __atomic_load_n(&forwarder->view, __ATOMIC_ACQUIRE);
}

static unsigned int take_injections(struct forwarder *forwarder, struct dp_view *view,
				    uint32_t ticks)
{
	/* Pairs with the store in forwarder_inject(): what is counted is written. */
	uint32_t head = __atomic_load_n(&forwarder->inject_head, __ATOMIC_ACQUIRE);
	unsigned int count = head - forwarder->inject_tail;

	for (unsigned int i = 0; i < count; i++) {
		struct injection *entry =
			&forwarder->injections[(forwarder->inject_tail + i) % INJECTIONS];

		forward_inject(forwarder->forward, view, entry->port, entry->bytes, entry->length,
			       ticks);
	}
	/* The control thread may write over the entries after this. */
	__atomic_store_n(&forwarder->inject_tail, head, __ATOMIC_RELEASE);
	return count;
}

static unsigned int poll(struct pollable *pollable, uint64_t now)
{
	struct forwarder *forwarder = of(pollable);
	struct dp_view *view = current_view(forwarder);
	uint32_t ticks = (uint32_t)(now / forwarder->tick);
	unsigned int count = forward_pass(forwarder->forward, view, ticks, now);

	if (__atomic_load_n(&forwarder->inject_head, __ATOMIC_RELAXED) != forwarder->inject_tail)
		count += take_injections(forwarder, view, ticks);
	return count;
}

/* A guest sent its share, and more. */
static void look_again(struct forwarder *forwarder, struct dp_rates *rates)
{
	const uint64_t wait = dp_rates_wait(rates, QOS_RX, monotonic_ns());

	forwarder->held_due = wait < forwarder->held_due ? wait : forwarder->held_due;
}

/*
 * Ask all rings for kicks.  What a guest sent beyond its share is no reason to stay awake: due()
 * tells when to look again.
 */
static enum pollable_rest arm(struct pollable *pollable)
{
	struct forwarder *forwarder = of(pollable);
	struct dp_view *view = current_view(forwarder);
	bool empty = true, must_poll = view->must_poll;

	forwarder->held_due = UINT64_MAX;
	for (unsigned int i = 0; i < view->count; i++) {
		for (unsigned int j = 0; j < view->ports[i]->from_count; j++) {
			const struct dp_queue *queue = &view->ports[i]->from[j];
			bool has_more = virtq_kick_enable(&queue->vu->ring);

			if (queue->held.since)
				look_again(forwarder, view->ports[i]->rules->rates);
			empty &= !has_more || queue->held.since;
			must_poll |= loans_waiting(loans_of(queue->ring));
		}
	}
	if (!empty)
		return POLLABLE_HAS_WORK;
	return must_poll ? POLLABLE_MUST_POLL : POLLABLE_IS_WOKEN;
}

static void disarm(struct pollable *pollable)
{
	struct dp_view *view = current_view(of(pollable));

	for (unsigned int i = 0; i < view->count; i++)
		for (unsigned int j = 0; j < view->ports[i]->from_count; j++)
			virtq_kick_disable(&view->ports[i]->from[j].vu->ring);
}

/* When a driver has to be called, or a guest may send again that sent its share. */
static uint64_t due(struct pollable *pollable)
{
	const struct forwarder *forwarder = of(pollable);
	const uint64_t call = forward_call_due(forwarder->forward);

	return forwarder->held_due < call ? forwarder->held_due : call;
}

static const struct pollable_ops ops = {
	.poll = poll,
	.arm = arm,
	.disarm = disarm,
	.due = due,
};

int forwarder_open(struct forwarder **out, int attention_fd)
{
	struct forwarder *forwarder = aligned_alloc(_Alignof(struct forwarder), sizeof(*forwarder));
	int error;

	if (!forwarder)
		return -ENOMEM;
	memset(forwarder, 0, sizeof(*forwarder));
	forwarder->pollable.ops = &ops;
	forwarder->tick = rte_get_tsc_hz() / MAC_TABLE_SECOND;
	forwarder->view = calloc(1, sizeof(*forwarder->view));
	error = forwarder->view ? forward_open(&forwarder->forward, attention_fd) : -ENOMEM;
	if (error) {
		forwarder_close(forwarder);
		return error;
	}
	*out = forwarder;
	return 0;
}

void forwarder_close(struct forwarder *forwarder)
{
	if (!forwarder)
		return;
	forward_close(forwarder->forward);
	free(forwarder->view);
	free(forwarder);
}

struct pollable *forwarder_pollable(struct forwarder *forwarder)
{
	return &forwarder->pollable;
}

struct dp_view *forwarder_exchange(struct forwarder *forwarder, struct dp_view *view)
{
	return __atomic_exchange_n(&forwarder->view, view, __ATOMIC_ACQ_REL);
}

int forwarder_inject(struct forwarder *forwarder, uint32_t port, const uint8_t *bytes,
		     uint32_t length)
{
	uint32_t tail = __atomic_load_n(&forwarder->inject_tail, __ATOMIC_ACQUIRE);
	struct injection *entry = &forwarder->injections[forwarder->inject_head % INJECTIONS];

	if (forwarder->inject_head - tail == INJECTIONS)
		return -ENOBUFS;
	entry->port = port;
	entry->length = length;
	memcpy(entry->bytes, bytes, length);
	/* The worker that sees the count must see the entry. */
	__atomic_store_n(&forwarder->inject_head, forwarder->inject_head + 1, __ATOMIC_RELEASE);
	return 0;
}

uint32_t forwarder_ticks(void)
{
	return (uint32_t)(rte_rdtsc() / (rte_get_tsc_hz() / MAC_TABLE_SECOND));
}
