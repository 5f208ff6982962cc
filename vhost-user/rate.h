/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rate that many keep together, from any thread, without a lock.
 *
 * Theory of operation.  A rate is kept as one time: until when all that passed is paid for.  Who has
 * a share of it leases a millisecond of that time, which puts it off, spends the lease as it lets
 * something pass, and then leases the next one.  A lease begins where the time stood, so it may begin
 * later than now; who has it waits until then.  Everybody waits for one lease at a time, so all who
 * have something to do come in turn, and each gets as much as the others.
 *
 * What costs more than is left of a lease may pass all the same.  Its share is in debt then, and
 * nothing passes before leases have paid that, one in each turn: who asks for much at once waits for
 * it, and the others do not.  Time that passed unused since then pays as well; what passed before is worth a burst.
 *
 * There is no timer, nothing to fill up, and no more shared memory written than once a lease.
 * Nothing is lost between threads that have one share: two may lease at the same time, and then
 * the share has two leases.
 *
 * Pure code; times are nanoseconds of one clock, which is the caller's.
 */
#ifndef VHOST_USER_RATE_H
#define VHOST_USER_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* Of a lease. */
#define RATE_LEASE_NS UINT64_C(1000000)

/* A lease is spent in these parts of a nanosecond, as a byte may cost less than one. */
#define RATE_TICKS 1024

/* Something costs 19 hours at most, so that sums of such times do not wrap. */
#define RATE_COST_MAX (INT64_C(1) << 56)

/**
 * struct rate - how much may pass
 * @price: nanoseconds for one; 0 for any number; atomic
 * @burst: nanoseconds of silence after which no more is saved up; atomic
 * @epoch: of @price, another one for each of any rate, so that leases of others count for nothing;
 *	atomic
 * @paid: until when all that passed is paid for; atomic
 */
struct rate {
	double price;
	uint64_t burst;
	uint64_t epoch;
	uint64_t paid;
};

/**
 * struct rate_share - the lease of one of those who keep a rate; begins as zeroes
 * @epoch: of the rate that it was leased from; atomic
 * @begins: when it may be spent, or since when there is a debt; atomic
 * @left: RATE_TICKS that are left of it; less than 0 for a debt; atomic
 */
struct rate_share {
	uint64_t epoch;
	uint64_t begins;
	int64_t left;
};

/**
 * rate_price - what one costs
 * @rate: rate
 *
 * Return: nanoseconds; 0 when any number may pass.
 */
static inline double rate_price(const struct rate *rate)
{
	double price;

	__atomic_load(&rate->price, &price, __ATOMIC_RELAXED);
	return price;
}

/**
 * rate_set - let another number pass
 * @rate: rate, in use or zeroed; by one thread at a time
 * @now: nanoseconds
 * @number: a second; 0 for any
 * @burst: what may come at once after silence, in nanoseconds in which it would come
 * @epoch: another one than of any rate before, not 0
 *
 * What was owed before is forgotten.  Nothing happens when nothing changes.
 *
 * Return: whether something did.
 */
static inline bool rate_set(struct rate *rate, uint64_t now, double number, uint64_t burst,
			    uint64_t epoch)
{
	double price = number > 0 ? 1e9 / number : 0;

	if (rate->epoch && price == rate_price(rate) && burst == rate->burst)
		return false;
	__atomic_store(&rate->price, &price, __ATOMIC_RELAXED);
	__atomic_store_n(&rate->burst, burst, __ATOMIC_RELAXED);
	__atomic_store_n(&rate->paid, now, __ATOMIC_RELAXED);
	/* Who sees the epoch leases by all of that. */
	__atomic_store_n(&rate->epoch, epoch, __ATOMIC_RELEASE);
	return true;
}

/* When unused time begins that somebody may lease who wants it since then. */
static inline uint64_t rate_earliest(const struct rate *rate, uint64_t since)
{
	const uint64_t burst = __atomic_load_n(&rate->burst, __ATOMIC_RELAXED);

	return since > burst ? since - burst : 0;
}

/* How long a lease is that begins then: a debt takes all of the time that passed unused. */
static inline uint64_t rate_length(uint64_t begins, uint64_t now, uint64_t debt)
{
	const uint64_t unused = now > begins ? now - begins : 0;
	const uint64_t pays = unused < debt ? unused : debt;

	return pays > RATE_LEASE_NS ? pays : RATE_LEASE_NS;
}

/* One more, for a share that owes nanoseconds. */
static inline void rate_lease(struct rate *rate, struct rate_share *share, uint64_t now, uint64_t debt)
{
	const uint64_t since = debt ? __atomic_load_n(&share->begins, __ATOMIC_RELAXED) : now;
	const uint64_t earliest = rate_earliest(rate, since);
	uint64_t paid = __atomic_load_n(&rate->paid, __ATOMIC_RELAXED), begins, length, end;

	do {
		begins = paid > earliest ? paid : earliest;
		length = rate_length(begins, now, debt);
		if (__builtin_add_overflow(begins, length, &end))
			end = UINT64_MAX;
	} while (!__atomic_compare_exchange_n(&rate->paid, &paid, end, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	__atomic_store_n(&share->begins, begins, __ATOMIC_RELAXED);
	/* Who finds something left finds when it begins. */
	__atomic_fetch_add(&share->left, (int64_t)length * RATE_TICKS, __ATOMIC_RELEASE);
}

/* What was leased and owed of another price, or of another rate, is nothing here. */
static inline void rate_begin_anew(const struct rate *rate, struct rate_share *share)
{
	const uint64_t epoch = __atomic_load_n(&rate->epoch, __ATOMIC_ACQUIRE);

	if (__builtin_expect(__atomic_load_n(&share->epoch, __ATOMIC_RELAXED) == epoch, 1))
		return;
	__atomic_store_n(&share->left, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&share->begins, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&share->epoch, epoch, __ATOMIC_RELAXED);
}

/**
 * rate_wait - how long until one more may pass, which somebody wants
 * @rate: rate
 * @share: of who wants; waits for a lease then, or has one
 * @now: nanoseconds
 *
 * Return: nanoseconds; 0 for now.
 */
static inline uint64_t rate_wait(struct rate *rate, struct rate_share *share, uint64_t now)
{
	uint64_t begins;
	int64_t left;

	if (rate_price(rate) <= 0)
		return 0;
	rate_begin_anew(rate, share);
	for (;;) {
		left = __atomic_load_n(&share->left, __ATOMIC_ACQUIRE);
		begins = __atomic_load_n(&share->begins, __ATOMIC_RELAXED);
		if (begins > now || left > 0)
			break;
		rate_lease(rate, share, now, (uint64_t)-left / RATE_TICKS);
	}
	return begins > now ? begins - now : 0;
}

/**
 * rate_charge - something passed, for which there was nothing to wait
 * @rate: rate
 * @share: of whose it was; pays
 * @now: nanoseconds
 * @number: how much
 */
static inline void rate_charge(const struct rate *rate, struct rate_share *share, uint64_t now,
			       uint64_t number)
{
	const double price = rate_price(rate) * RATE_TICKS * (double)number;
	const int64_t cost = price < (double)RATE_COST_MAX ? (int64_t)price : RATE_COST_MAX;

	if (cost && __atomic_fetch_sub(&share->left, cost, __ATOMIC_RELAXED) < cost)
		__atomic_store_n(&share->begins, now, __ATOMIC_RELAXED);
}

#endif
