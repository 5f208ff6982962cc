// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the fast path costs, in cycles of the TSC per frame: snapshot, lookup in
 * the MAC table, one copy, both rings.  Beside it what memcpy() takes for the bytes alone,
 * between the same buffers.
 *
 * One core plays the guests and the worker by turns, and only forward_pass() is
 * timed; see ring.c for what such a figure is worth.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "tests/bench/median.h"
#include "tests/unit/lan.h"

#define A 0
#define B 1
#define BURST 32
#define BURSTS 20000
#define BUFFER 2048

struct bench {
	struct lan *lan;
	uint64_t sent[BURST];
	uint64_t room[BURST];
	uint64_t cycles[BURSTS];
};

static void prepare(struct bench *bench, uint32_t size, uint64_t features)
{
	lan_renegotiate(bench->lan, A, PLAIN | features);
	lan_renegotiate(bench->lan, B, PLAIN | features);

	struct station *a = &bench->lan->stations[A], *b = &bench->lan->stations[B];

	for (unsigned int i = 0; i < BURST; i++) {
		bench->sent[i] = guest_alloc(&a->guest, BUFFER, 64);
		bench->room[i] = guest_alloc(&b->guest, BUFFER, 64);
		lan_frame((uint8_t *)guest_at(&a->guest, bench->sent[i]) + a->header, B, A, 0, size);
	}
	/* Guests that poll, as a call of the kernel would drown the rest. */
	driver_want_calls(&a->tx, false);
	driver_want_calls(&b->rx, false);
	/* The switch knows where B is. */
	lan_post(bench->lan, A, 1, BUFFER);
	lan_say(bench->lan, B, BROADCAST, B, 0);
	lan_count(bench->lan, A);
}

static void add_burst(struct driver *driver, const uint64_t *buffers, uint32_t length, bool room)
{
	struct vring_used_elem done;

	while (driver_used(driver, &done))
		;
	for (unsigned int i = 0; i < BURST; i++) {
		struct driver_buffer buffer = { buffers[i], length, room };

		assert_true(driver_add(driver, &buffer, 1) >= 0);
	}
	driver_publish(driver);
}

static double measure(uint32_t size, uint64_t features)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	double cycles;

	assert_non_null(bench);
	lan_setup((void **)&bench->lan);
	prepare(bench, size, features);
	for (unsigned int i = 0; i < BURSTS; i++) {
		struct station *a = &bench->lan->stations[A], *b = &bench->lan->stations[B];
		uint64_t start;

		add_burst(&b->rx, bench->room, BUFFER, true);
		add_burst(&a->tx, bench->sent, a->header + size, false);
		start = __rdtsc();
		if (lan_pass(bench->lan) != BURST)
			abort();
		bench->cycles[i] = __rdtsc() - start;
	}
	if (bench->lan->stations[B].counters.tx_packets != (uint64_t)BURST * BURSTS)
		abort();
	cycles = (double)median_of(bench->cycles, BURSTS) / BURST;
	lan_teardown((void **)&bench->lan);
	free(bench);
	return cycles;
}

/* The copy alone. */
static double measure_copy(uint32_t size)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	double cycles;

	assert_non_null(bench);
	lan_setup((void **)&bench->lan);
	prepare(bench, size, 0);

	struct station *a = &bench->lan->stations[A], *b = &bench->lan->stations[B];

	for (unsigned int i = 0; i < BURSTS; i++) {
		uint64_t start = __rdtsc();

		for (unsigned int j = 0; j < BURST; j++)
			memcpy(guest_at(&b->guest, bench->room[j]), guest_at(&a->guest, bench->sent[j]),
			       size);
		/* As much as is to be seen in memory. */
		__asm__ volatile("" ::: "memory");
		bench->cycles[i] = __rdtsc() - start;
	}
	cycles = (double)median_of(bench->cycles, BURSTS) / BURST;
	lan_teardown((void **)&bench->lan);
	free(bench);
	return cycles;
}

int main(void)
{
	static const uint32_t sizes[] = { 64, 256, 1518 };

	printf("Fast path of a switch between two guests, bursts of %d, cycles per frame:\n", BURST);
	printf("          split  packed  memcpy  share of split\n");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		double split = measure(sizes[i], 0), copy = measure_copy(sizes[i]);

		printf("%5u B  %6.0f  %6.0f  %6.0f  %12.0f %%\n", sizes[i], split,
		       measure(sizes[i], BIT(VIRTIO_F_RING_PACKED)), copy, 100 * copy / split);
	}
	return EXIT_SUCCESS;
}
