// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  The driver of a ring may say how long a call may wait: for so
 * many frames, or for so many microseconds, whichever comes first (virtio 1.3 section
 * 5.1.6.5.9).  A call that waits is owed: the ring notes it where it outlives the
 * view, and the worker has a list of those rings, which it looks through after each
 * pass, and before it sleeps for the time until the first of them.
 *
 * A new view ends all waiting: its parameters may be others.  The worker forgets the list,
 * which leads into the old view, and calls what is owed in the new one; the control
 * thread calls what is owed by a ring that it takes away.
 */
#include "vhost-user/switch/forward_internal.h"

/* Whether a call was owed, by this worker or another one. */
static bool settle(struct dp_queue *queue)
{
	bool owed;

	queue->frames = 0;
	forward_lock(queue);
	owed = queue->ring->call_owed;
	queue->ring->call_owed = false;
	forward_unlock(queue);
	return owed;
}

static void pay(struct forward *forward, struct dp_queue *queue)
{
	if (settle(queue))
		deliver_call(forward, queue);
}

static bool is_due(const struct dp_queue *queue, uint64_t now)
{
	return now >= queue->due || queue->frames >= queue->coalescing.packets;
}

/* A call that there is no room to owe is due at once. */
static bool owe(struct forward *forward, struct dp_queue *queue)
{
	if (forward->owing_count == TOUCHED_MAX) {
		queue->frames = 0;
		return true;
	}
	queue->due = monotonic_ns() + (uint64_t)queue->coalescing.usecs * 1000;
	queue->ring->call_owed = true;
	if (!forward->owing_count || queue->due < forward->first_due)
		forward->first_due = queue->due;
	forward->owing[forward->owing_count++] = queue;
	return false;
}

bool coalesce_published(struct forward *forward, struct dp_queue *queue, bool wanted)
{
	return wanted && !queue->ring->call_owed && owe(forward, queue);
}

void coalesce_pass(struct forward *forward)
{
	uint64_t now = monotonic_ns();
	unsigned int left = 0;

	forward->first_due = UINT64_MAX;
	for (unsigned int i = 0; i < forward->owing_count; i++) {
		struct dp_queue *queue = forward->owing[i];

		if (is_due(queue, now)) {
			pay(forward, queue);
			continue;
		}
		forward->owing[left++] = queue;
		if (queue->due < forward->first_due)
			forward->first_due = queue->due;
	}
	forward->owing_count = left;
}

static void pay_all(struct forward *forward, struct dp_queue *queues, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		pay(forward, &queues[i]);
}

void coalesce_new_view(struct forward *forward, struct dp_view *view)
{
	forward->owing_count = 0;
	forward->generation = view->generation;
	for (unsigned int i = 0; i < view->count; i++) {
		pay_all(forward, view->ports[i]->from, view->ports[i]->from_count);
		pay_all(forward, view->ports[i]->to, view->ports[i]->to_count);
	}
}

uint64_t forward_call_due(const struct forward *forward)
{
	uint64_t now;

	if (likely(!forward->owing_count))
		return UINT64_MAX;
	now = monotonic_ns();
	return forward->first_due > now ? forward->first_due - now : 0;
}
