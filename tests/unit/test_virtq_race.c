// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A ring that another thread writes over while it is read: whatever the device sees, it
 * stays within guest memory.  The fuzz targets of rings change memory between reads as
 * well, but this needs no help from the compiler.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/random.h"
#include "tests/unit/ring.h"

#define SEED UINT64_C(0x9e3779b97f4a7c15)
#define ROUNDS 500000

static uint64_t random_address(struct random *random)
{
	static const uint64_t borders[] = {GPA, GPA + GUEST_BYTES / 2, GPA + GUEST_BYTES};

	switch (random_below(random, 8)) {
	case 0:
		return random_edge(random);
	case 1:
		return borders[random_below(random, 3)] + random_below(random, 64) - 32;
	default:
		return GPA + random_below(random, GUEST_BYTES);
	}
}

static void take_something(struct fixture *fixture, struct random *random)
{
	unsigned int max = 1 + random_below(random, 2 * SIZE);

	if (random_one_in(random, 2))
		assert_true(take(fixture, max) <= max);
	else
		assert_true(take_space(fixture, 1 + random_below(random, 10000), max) <= max);
}

struct scribbler {
	struct fixture *fixture;
	atomic_bool stop;
};

/* A driver that changes its descriptors all the time; both kinds begin alike. */
static void *scribble(void *arg)
{
	struct scribbler *scribbler = arg;
	struct vring_desc *desc = driver_descriptor_area(&scribbler->fixture->driver);
	struct random random = {SEED};

	while (!atomic_load(&scribbler->stop)) {
		struct vring_desc *one = &desc[random_below(&random, SIZE)];

		__atomic_store_n(&one->addr, random_address(&random), __ATOMIC_RELAXED);
		__atomic_store_n(&one->len, random_below(&random, 3000), __ATOMIC_RELAXED);
	}
	return NULL;
}

static void descriptors_that_change_meanwhile_never_lead_out(void **state)
{
	struct fixture *fixture = *state;
	struct scribbler scribbler = {.fixture = fixture};
	struct random random = {SEED};
	unsigned int chains = 0;
	pthread_t thread;

	add_rooms(fixture, SIZE, 1);
	assert_int_equal(pthread_create(&thread, NULL, scribble, &scribbler), 0);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		fixture->vq.error = VIRTQ_OK;
		take_something(fixture, &random);
		check_batch(fixture);
		chains += fixture->batch.chain_count;
		virtq_untake(&fixture->vq, &fixture->batch, fixture->batch.chain_count);
	}
	atomic_store(&scribbler.stop, true);
	pthread_join(thread, NULL);
	assert_true(chains > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"split", descriptors_that_change_meanwhile_never_lead_out, ring_setup,
		 ring_teardown, NULL},
		{"packed", descriptors_that_change_meanwhile_never_lead_out, packed_ring_setup,
		 ring_teardown, NULL},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
