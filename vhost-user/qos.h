/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much disks and ports may do: limits of a group, which all of its members keep together.
 *
 * A ring that a guest fills waits while one of the limits is used up: it is not taken from.  What
 * goes to a guest by itself, as frames do, cannot wait and is dropped then.
 *
 * Threads: workers call what has no other word.
 */
#ifndef VHOST_USER_QOS_H
#define VHOST_USER_QOS_H

#include "vhost-user/rate.h"

/**
 * enum qos_limit - what is limited: each a second
 * @QOS_BYTES: bytes that disks read and write, and ports receive and transmit
 * @QOS_READ_BYTES: of those, that go to guests: read, or transmitted by a port
 * @QOS_WRITE_BYTES: that come from them: written, or received by a port
 * @QOS_IOPS: requests of disks
 * @QOS_READ_IOPS: reads
 * @QOS_WRITE_IOPS: what changes the disk
 * @QOS_PACKETS: packets of ports
 * @QOS_RX_PACKETS: from guests
 * @QOS_TX_PACKETS: to guests
 */
enum qos_limit {
	QOS_BYTES,
	QOS_READ_BYTES,
	QOS_WRITE_BYTES,
	QOS_IOPS,
	QOS_READ_IOPS,
	QOS_WRITE_IOPS,
	QOS_PACKETS,
	QOS_RX_PACKETS,
	QOS_TX_PACKETS,
	QOS_LIMITS
};

#define QOS_BIT(limit) (1u << (limit))

/* Limits by what is done. */
#define QOS_REQUEST QOS_BIT(QOS_IOPS)
#define QOS_READ (QOS_REQUEST | QOS_BIT(QOS_READ_IOPS) | QOS_BIT(QOS_BYTES) | QOS_BIT(QOS_READ_BYTES))
#define QOS_WRITE                                                                                  \
	(QOS_REQUEST | QOS_BIT(QOS_WRITE_IOPS) | QOS_BIT(QOS_BYTES) | QOS_BIT(QOS_WRITE_BYTES))
#define QOS_RX                                                                                     \
	(QOS_BIT(QOS_PACKETS) | QOS_BIT(QOS_RX_PACKETS) | QOS_BIT(QOS_BYTES) |                     \
	 QOS_BIT(QOS_WRITE_BYTES))
#define QOS_TX                                                                                     \
	(QOS_BIT(QOS_PACKETS) | QOS_BIT(QOS_TX_PACKETS) | QOS_BIT(QOS_BYTES) |                     \
	 QOS_BIT(QOS_READ_BYTES))

/* Limits that count bytes. */
#define QOS_IN_BYTES (QOS_BIT(QOS_BYTES) | QOS_BIT(QOS_READ_BYTES) | QOS_BIT(QOS_WRITE_BYTES))

/* What may come at once after silence when nobody says: as much as in this time. */
#define QOS_BURST_NS UINT64_C(10000000)

/**
 * struct qos_counts - what happened because of limits
 * @waits: times that a ring waited, of those that are over; atomic
 * @wait_ns: how long in all; atomic
 * @drops: packets that were dropped; atomic
 */
struct qos_counts {
	uint64_t waits;
	uint64_t wait_ns;
	uint64_t drops;
};

/**
 * struct qos_group - limits
 * @rates: of each limit
 * @counts: of all that were ever members
 */
struct qos_group {
	struct rate rates[QOS_LIMITS];
	struct qos_counts counts;
};

/**
 * struct qos_member - one that keeps them
 * @group: whose; NULL for no limits; atomic
 * @shares: leases of each limit
 * @counts: of this one, in any group
 */
struct qos_member {
	struct qos_group *group;
	struct rate_share shares[QOS_LIMITS];
	struct qos_counts counts;
};

/**
 * struct qos_wait - a ring that waits
 * @since: when that began; 0 when it does not
 */
struct qos_wait {
	uint64_t since;
};

/**
 * qos_group_set - change limits
 * @group: group, in use or zeroed; on the control thread
 * @now: nanoseconds
 * @limits: a second; 0 for any
 * @burst: what may come at once after silence, in nanoseconds in which it would come
 */
void qos_group_set(struct qos_group *group, uint64_t now, const double limits[QOS_LIMITS],
		   uint64_t burst);

/**
 * qos_set_rate - change a rate that is no group's
 * @rate: rate, in use or zeroed; on the control thread
 * @now: nanoseconds
 * @number: a second; 0 for any
 * @burst: as above
 */
void qos_set_rate(struct rate *rate, uint64_t now, double number, uint64_t burst);

/**
 * qos_join - be limited by a group
 * @member: member; on the control thread
 * @group: group; NULL for none
 *
 * Workers may use the group before until they began anew.
 */
static inline void qos_join(struct qos_member *member, struct qos_group *group)
{
	__atomic_store_n(&member->group, group, __ATOMIC_RELEASE);
}

/**
 * qos_group_of - whose member it is
 * @member: member
 *
 * Return: NULL for no group.
 */
static inline struct qos_group *qos_group_of(const struct qos_member *member)
{
	return __atomic_load_n(&member->group, __ATOMIC_ACQUIRE);
}

/**
 * qos_is_limited - whether a member has one of these limits
 * @member: member
 * @limits: QOS_BIT() of them
 */
static inline bool qos_is_limited(const struct qos_member *member, unsigned int limits)
{
	const struct qos_group *group = qos_group_of(member);

	for (; group && limits; limits &= limits - 1)
		if (rate_price(&group->rates[__builtin_ctz(limits)]) > 0)
			return true;
	return false;
}

/**
 * qos_wait_ns - how long until a member may do something, which it wants
 * @member: member
 * @limits: QOS_BIT() of those that it needs
 * @now: nanoseconds
 *
 * It waits for all of them at the same time.
 *
 * Return: nanoseconds; 0 for now.
 */
static inline uint64_t qos_wait_ns(struct qos_member *member, unsigned int limits, uint64_t now)
{
	struct qos_group *group = qos_group_of(member);
	uint64_t longest = 0;

	for (; group && limits; limits &= limits - 1) {
		const unsigned int i = (unsigned int)__builtin_ctz(limits);
		const uint64_t wait = rate_wait(&group->rates[i], &member->shares[i], now);

		longest = wait > longest ? wait : longest;
	}
	return longest;
}

/**
 * qos_charge - it did that
 * @member: member
 * @limits: QOS_BIT() of those that count it
 * @now: nanoseconds
 * @count: requests or packets
 * @bytes: their bytes
 */
static inline void qos_charge(struct qos_member *member, unsigned int limits, uint64_t now,
			      uint64_t count, uint64_t bytes)
{
	struct qos_group *group = qos_group_of(member);

	for (; group && limits; limits &= limits - 1) {
		const unsigned int i = (unsigned int)__builtin_ctz(limits);

		rate_charge(&group->rates[i], &member->shares[i], now,
			    QOS_IN_BYTES & QOS_BIT(i) ? bytes : count);
	}
}

/**
 * qos_drop - what came for a member was dropped
 * @member: member
 */
static inline void qos_drop(struct qos_member *member)
{
	struct qos_group *group = qos_group_of(member);

	__atomic_fetch_add(&member->counts.drops, 1, __ATOMIC_RELAXED);
	if (group)
		__atomic_fetch_add(&group->counts.drops, 1, __ATOMIC_RELAXED);
}

/* A wait is over. */
static inline void qos_count_wait(struct qos_counts *counts, uint64_t ns)
{
	__atomic_fetch_add(&counts->waits, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&counts->wait_ns, ns, __ATOMIC_RELAXED);
}

/**
 * qos_wait_begin - a ring has something and waits
 * @wait: of the ring, which does not wait yet
 * @now: nanoseconds
 */
static inline void qos_wait_begin(struct qos_wait *wait, uint64_t now)
{
	wait->since = now | 1;
}

/**
 * qos_wait_end - it does not wait any more
 * @wait: of a ring, which may not have waited
 * @member: whose ring it is
 * @now: nanoseconds
 */
static inline void qos_wait_end(struct qos_wait *wait, struct qos_member *member, uint64_t now)
{
	struct qos_group *group = qos_group_of(member);
	uint64_t ns;

	if (!wait->since)
		return;
	ns = now > wait->since ? now - wait->since : 0;
	qos_count_wait(&member->counts, ns);
	if (group)
		qos_count_wait(&group->counts, ns);
	wait->since = 0;
}

#endif
