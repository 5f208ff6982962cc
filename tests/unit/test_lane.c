// SPDX-License-Identifier: GPL-2.0-or-later
// Rings in a lane that is told to stand at any moment.  The linker has vu_queue_settle() come by here.
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/lan.h"
#include "vhost-user/switch/lane.h"

static sem_t settled;

void __real_vu_queue_settle(struct vu_queue *queue);
void __wrap_vu_queue_settle(struct vu_queue *queue);

/* It has begun, and the lane is not behind the section in which that counts. */
void __wrap_vu_queue_settle(struct vu_queue *queue)
{
	__real_vu_queue_settle(queue);
	sem_post(&settled);
	for (;;)
		pause();
}

/* Either it has begun or it has not: a ring that counts as settled is one. */
static void ring_is_settled_whole_or_not_at_all(void **state)
{
	struct lan *lan = *state;
	struct vu_queue *queue = lan->stations[0].queues[1];
	struct lane *lane;

	sem_init(&settled, 0, 0);
	queue->ring = (struct virtq){ 0 };
	queue->unsettled = true;
	assert_return_code(lane_open(&lane, lan->attention), 0);
	lane_add(lane, queue);
	while (sem_wait(&settled))
		;
	lane_remove(lane, queue);
	assert_true(queue->unsettled);
	lane_close(lane);
	__real_vu_queue_settle(queue);
	assert_non_null(queue->ring.ops);
}

static const struct virtq_ops *real_ops;

/* A frame of the guest by a lane that is told to stand once @publish has said so. */
static void send_by_lane(struct lan *lan, bool (*publish)(struct virtq *vq))
{
	struct vu_queue *queue = lan->stations[0].queues[1];
	struct virtq_ops ops;
	uint8_t frame[64];
	struct lane *lane;

	sem_init(&settled, 0, 0);
	real_ops = queue->ring.ops;
	ops = *real_ops;
	ops.publish = publish;
	queue->ring.ops = &ops;
	lan_send(lan, 0, NULL, frame, lan_frame(frame, 1, 0, 0, sizeof(frame)));
	assert_return_code(lane_open(&lane, lan->attention), 0);
	lane_add(lane, queue);
	while (sem_wait(&settled))
		;
	lane_remove(lane, queue);
	lane_close(lane);
	queue->ring.ops = real_ops;
}

/* The driver sees it, and the thread is not behind that yet. */
static bool publish_slowly(struct virtq *vq)
{
	const struct timespec moment = { .tv_nsec = 5000000 };
	bool wanted = real_ops->publish(vq);

	sem_post(&settled);
	nanosleep(&moment, NULL);
	return wanted;
}

/* What a driver has seen is not done a second time. */
static void what_was_published_stays_so(void **state)
{
	struct lan *lan = *state;
	struct station *station = &lan->stations[0];
	struct vu_queue *queue = station->queues[1];
	struct vring_used_elem done;
	struct virtq_batch batch;

	send_by_lane(lan, publish_slowly);
	assert_true(driver_used(&station->tx, &done));
	virtq_batch_reset(&batch);
	assert_int_equal(virtq_take(&queue->ring, &batch, 1), 0);
	assert_int_equal(queue->ring.error, VIRTQ_OK);
}

/* A page of the ring that is made missing meanwhile costs the ring, and nobody waits for it. */
static __attribute__((noreturn)) bool publish_never(struct virtq *vq)
{
	(void)vq;
	sem_post(&settled);
	for (;;)
		pause();
}

static void ring_that_is_never_published_is_broken(void **state)
{
	struct lan *lan = *state;

	send_by_lane(lan, publish_never);
	assert_int_not_equal(lan->stations[0].queues[1]->ring.error, VIRTQ_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_published_stays_so, lan_setup, lan_teardown),
		cmocka_unit_test_setup_teardown(ring_that_is_never_published_is_broken, lan_setup, lan_teardown),
		cmocka_unit_test_setup_teardown(ring_is_settled_whole_or_not_at_all, lan_setup, lan_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
