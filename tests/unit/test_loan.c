// SPDX-License-Identifier: GPL-2.0-or-later
// Chains that network devices have: when they go back to the driver, and in what order.
#include <stdlib.h>

#include "tests/unit/ring.h"
#include "vhost-user/switch/loan.h"

/* What a driver sends, as it is taken. */
static void send(struct fixture *fixture, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct driver_buffer buffer = { .gpa = guest_alloc(&fixture->guest, 64, 64),
						.length = 64 };

		assert_true(driver_add(&fixture->driver, &buffer, 1) >= 0);
	}
	driver_publish(&fixture->driver);
	assert_int_equal(take(fixture, count), count);
}

static unsigned int given_back(struct fixture *fixture, uint16_t *ids)
{
	struct vring_used_elem element;
	unsigned int count = 0;

	virtq_publish(&fixture->vq);
	while (driver_used(&fixture->driver, &element))
		ids[count++] = (uint16_t)element.id;
	return count;
}

static bool settle(struct fixture *fixture, struct loans *loans, uint32_t now)
{
	return loans_settle(loans, &fixture->vq, &fixture->batch, now);
}

/* A device takes @count counts of a chain, or gives them back. */
static void lend(struct loan *loan, int16_t count)
{
	rte_mbuf_ext_refcnt_update(&loan->shared, count);
}

static void chains_wait_for_those_before_them(void **state)
{
	struct fixture *fixture = *state;
	struct loans *loans = loans_open(NULL);
	uint16_t ids[SIZE], taken[4];
	struct loan *second;

	send(fixture, 4);
	for (unsigned int i = 0; i < 4; i++)
		taken[i] = fixture->batch.chains[i].id;
	second = loans_next(loans, 1);
	lend(second, 2);
	loans_wait(loans, &fixture->batch, 7);
	assert_int_equal(loans_waiting(loans), 4);
	assert_true(settle(fixture, loans, 8));
	assert_int_equal(given_back(fixture, ids), 1);
	assert_int_equal(ids[0], taken[0]);
	assert_int_equal(loans->since, 8);

	lend(second, -1);
	assert_false(settle(fixture, loans, 9));
	assert_int_equal(given_back(fixture, ids), 0);
	assert_int_equal(loans->since, 8);
	lend(second, -1);
	assert_true(settle(fixture, loans, 9));
	assert_int_equal(given_back(fixture, ids), 3);
	assert_memory_equal(ids, taken + 1, 3 * sizeof(*ids));
	assert_int_equal(loans_waiting(loans), 0);
	free(loans);
}

/* More than the list has in all, with one lent in each round. */
static void list_goes_round(void **state)
{
	struct fixture *fixture = *state;
	struct loans *loans = loans_open(NULL);
	struct loan *last = NULL;
	unsigned int back = 0, rounds = 2 * LOANS_MAX / 3;
	uint16_t ids[SIZE];

	for (unsigned int i = 0; i < rounds; i++) {
		struct loan *loan;

		fixture->guest.allocated = GUEST_BYTES / 2;
		send(fixture, 3);
		loan = loans_next(loans, 2);
		lend(loan, 1);
		loans_wait(loans, &fixture->batch, i);
		if (last)
			lend(last, -1);
		last = loan;
		assert_true(settle(fixture, loans, i));
		back += given_back(fixture, ids);
		assert_int_equal(loans_waiting(loans), 1);
	}
	lend(last, -1);
	assert_true(settle(fixture, loans, rounds));
	assert_int_equal(back + given_back(fixture, ids), 3 * rounds);
	free(loans);
}

static void device_reaches_what_is_mapped_for_it(void **state)
{
	static uint8_t bytes[64];
	struct loan_memory *memory = calloc(1, sizeof(*memory) + 2 * sizeof(memory->ranges[0]));
	struct loans *loans = loans_open(memory);
	const struct loan *loan = loans_next(loans, 0);

	(void)state;
	memory->count = 2;
	memory->ranges[0] = (struct loan_range){ bytes + 8, 8 };
	memory->ranges[1] = (struct loan_range){ bytes + 16, 16 };
	assert_true(loan_is_reached(loan, bytes + 8, 8));
	assert_true(loan_is_reached(loan, bytes + 31, 1));
	assert_false(loan_is_reached(loan, bytes + 7, 1));
	assert_false(loan_is_reached(loan, bytes + 32, 1));
	/* They need not be neighbours for the device. */
	assert_false(loan_is_reached(loan, bytes + 8, 9));
	assert_false(loan_is_reached(loan, bytes + 31, UINT32_MAX));
	loans->memory = NULL;
	assert_false(loan_is_reached(loan, bytes + 8, 8));
	free(loans);
	free(memory);
}

#define SPLIT(name) cmocka_unit_test_setup_teardown(name, ring_setup, ring_teardown)
#define PACKED(name) cmocka_unit_test_setup_teardown(name, packed_ring_setup, ring_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPLIT(chains_wait_for_those_before_them),
		PACKED(chains_wait_for_those_before_them),
		SPLIT(list_goes_round),
		PACKED(list_goes_round),
		cmocka_unit_test(device_reaches_what_is_mapped_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
