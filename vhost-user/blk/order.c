// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/order.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

static int membarrier(enum membarrier_cmd command)
{
	return syscall(SYS_membarrier, command, 0, 0) ? -errno : 0;
}

static int barrier(void)
{
	return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

/* An old kernel or a filter of system calls may let pass the one and not the other. */
void blk_order_init(struct blk_order *order)
{
	const bool has_barriers =
		!membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) && !barrier();

	order->barrier = has_barriers ? barrier : NULL;
}

void blk_order_add_ring(struct blk_order *order, unsigned int ring)
{
	if (ring < order->rings)
		return;
	__atomic_store_n(&order->rings, ring + 1, __ATOMIC_RELEASE);
	/* Who lists a range sees this ring, or what the ring does from now on sees the range. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static bool has_many_rings(const struct blk_order *order)
{
	return __atomic_load_n(&order->rings, __ATOMIC_ACQUIRE) > 1;
}

/*
 * With the lock.  What a worker counted before it could see what is listed by now is seen behind this;
 * returns false when that has to be tried again.
 */
static bool have_all_see(struct blk_order *order)
{
	if (order->barrier && has_many_rings(order) && order->barrier())
		return false;
	order->seen = order->listed;
	return true;
}

/*
 * With the lock.  Who has just been listed waits for others that a worker lists in this pass, as a
 * barrier for all CPUs costs the same for many.
 */
static bool is_seen(struct blk_order *order, struct blk_ordered *place, bool is_just_listed)
{
	if (place->until)
		return true;
	if (order->seen < place->number &&
	    ((is_just_listed && order->barrier && has_many_rings(order)) || !have_all_see(order)))
		return false;
	/* A change that is under way began without it. */
	place->until = order->passed + order->is_changing + 1;
	return true;
}

static bool overlaps(const struct blk_order_range *range, const struct blk_io *io)
{
	const uint64_t end = __atomic_load_n(&range->end, __ATOMIC_ACQUIRE);
	const uint64_t start = __atomic_load_n(&range->start, __ATOMIC_RELAXED);

	return io->offset < end && start < io->offset + io->length;
}

bool blk_order_is_in_range(const struct blk_order *order, const struct blk_io *io)
{
	for (unsigned int i = 0; i < BLK_ORDER_RANGES; i++)
		if (overlaps(&order->list[i], io))
			return true;
	return false;
}

/* With the lock. */
static bool list_range(struct blk_order *order, struct blk_ordered *place, const struct blk_io *io)
{
	struct blk_order_range *range = order->list;

	if (blk_order_is_in_range(order, io))
		return false;
	for (place->slot = 0; place->slot < BLK_ORDER_RANGES; place->slot++, range++)
		if (!range->end)
			break;
	if (place->slot == BLK_ORDER_RANGES)
		return false;
	__atomic_store_n(&range->start, io->offset, __ATOMIC_RELAXED);
	__atomic_store_n(&range->end, io->offset + io->length, __ATOMIC_RELEASE);
	__atomic_store_n(&order->ranges, order->ranges + 1, __ATOMIC_RELEASE);
	/* Before it is known whether there are other rings, and before counters are looked at. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	place->number = ++order->listed;
	place->until = 0;
	return true;
}

static bool is_dry(const struct blk_order *order, unsigned int phase)
{
	const unsigned int rings = __atomic_load_n(&order->rings, __ATOMIC_ACQUIRE);

	for (unsigned int i = 0; i < rings; i++)
		if (__atomic_load_n(&order->writes[i].count[phase & 1], __ATOMIC_ACQUIRE))
			return false;
	return true;
}

/* With the lock: as far as it goes now. */
static void pass_on(struct blk_order *order, uint64_t until)
{
	/* Who was late to count itself in the phase before is gone, and who is now, once it changed. */
	while (order->passed < until && is_dry(order, order->phase + 1)) {
		if (!order->is_changing)
			__atomic_store_n(&order->phase, order->phase + 1, __ATOMIC_RELAXED);
		else
			order->passed++;
		order->is_changing = !order->is_changing;
	}
}

bool blk_order_enter_range(struct blk_order *order, struct blk_ordered *place,
			   const struct blk_io *io)
{
	bool may_begin, is_new;

	spin_lock(&order->lock);
	is_new = place->slot == BLK_ORDER_RANGES;
	may_begin = (!is_new || list_range(order, place, io)) && is_seen(order, place, is_new);
	if (may_begin)
		pass_on(order, place->until);
	may_begin = may_begin && order->passed >= place->until;
	spin_unlock(&order->lock);
	return may_begin;
}

void blk_order_leave_range(struct blk_order *order, struct blk_ordered *place)
{
	if (place->slot == BLK_ORDER_RANGES)
		return;
	spin_lock(&order->lock);
	__atomic_store_n(&order->list[place->slot].end, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&order->ranges, order->ranges - 1, __ATOMIC_RELEASE);
	spin_unlock(&order->lock);
	place->slot = BLK_ORDER_RANGES;
}
