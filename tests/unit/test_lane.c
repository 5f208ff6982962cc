// SPDX-License-Identifier: GPL-2.0-or-later
// Rings in a lane that is told to stand at any moment.  The linker has vu_queue_settle() come by here.
#include <semaphore.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ring_is_settled_whole_or_not_at_all, lan_setup, lan_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
