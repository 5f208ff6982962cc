// SPDX-License-Identifier: GPL-2.0-or-later
// Which ring a worker that is too busy gives away.
#include <string.h>

#include "tests/unit/test.h"
#include "vhost-user/port/balance.h"

#define ANY UINT64_MAX

static int decide(const double *loads, unsigned int workers, const struct balance_share *shares,
		  unsigned int count, unsigned int *to)
{
	*to = 99;
	return balance_decide(loads, workers, shares, count, to);
}

static void idle_workers_keep_what_they_have(void **state)
{
	const struct balance_share shares[] = {{0, ANY, 100}, {0, ANY, 100}};
	unsigned int to;

	(void)state;
	assert_int_equal(decide((double[]){0.4, 0}, 2, shares, 2, &to), -1);
	assert_int_equal(decide((double[]){0.9, 0.8}, 2, shares, 2, &to), -1);
	assert_int_equal(decide((double[]){0.9, 0}, 2, shares, 0, &to), -1);
}

static void busiest_gives_to_the_idlest(void **state)
{
	const struct balance_share shares[] = {{2, ANY, 50}, {1, ANY, 50}, {1, ANY, 50}};
	unsigned int to;

	(void)state;
	assert_int_equal(decide((double[]){0.2, 0.9, 0.5}, 3, shares, 3, &to), 1);
	assert_int_equal(to, 0);
}

static void share_nearest_to_half_the_difference_moves(void **state)
{
	const struct balance_share shares[] = {{0, ANY, 80}, {0, ANY, 45}, {0, ANY, 5}, {0, ANY, 0}};
	unsigned int to;

	(void)state;
	assert_int_equal(decide((double[]){1, 0.2}, 2, shares, 4, &to), 1);
}

/* It would only be the other one's turn to be busy, for ever. */
static void single_flow_does_not_move(void **state)
{
	const struct balance_share shares[] = {{0, ANY, 100}, {0, ANY, 0}, {1, ANY, 1}};
	unsigned int to;

	(void)state;
	assert_int_equal(decide((double[]){1, 0}, 2, shares, 3, &to), -1);
	assert_int_equal(decide((double[]){0, 1}, 2, shares, 3, &to), -1);
}

static void share_stays_on_its_cpus(void **state)
{
	const struct balance_share shares[] = {{0, 1, 50}, {0, ANY, 20}, {0, 1, 30}};
	unsigned int to;

	(void)state;
	assert_int_equal(decide((double[]){1, 0}, 2, shares, 3, &to), 1);
	assert_int_equal(to, 1);
	assert_int_equal(decide((double[]){1, 0}, 2, shares, 1, &to), -1);
}

/* What is decided makes loads more equal, until there is nothing to decide. */
static void moves_come_to_an_end(void **state)
{
	struct balance_share shares[12];
	double loads[3];
	unsigned int to, moves = 0;
	int choice;

	(void)state;
	for (unsigned int i = 0; i < 12; i++)
		shares[i] = (struct balance_share){0, ANY, 10 + 7 * i % 50};
	for (;; moves++) {
		assert_true(moves < 12);
		memset(loads, 0, sizeof(loads));
		for (unsigned int i = 0; i < 12; i++)
			loads[shares[i].worker] += (double)shares[i].cycles / 400;
		choice = balance_decide(loads, 3, shares, 12, &to);
		if (choice < 0)
			break;
		shares[choice].worker = to;
	}
	assert_true(moves >= 2);
	assert_true(loads[0] < 0.6 && loads[1] < 0.6 && loads[2] < 0.6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_workers_keep_what_they_have),
		cmocka_unit_test(busiest_gives_to_the_idlest),
		cmocka_unit_test(share_nearest_to_half_the_difference_moves),
		cmocka_unit_test(single_flow_does_not_move),
		cmocka_unit_test(share_stays_on_its_cpus),
		cmocka_unit_test(moves_come_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
