// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a device lost before iovd saw it, or after it took it, by its own counters.
 *
 * What these say is not the same for all drivers, and some begin anew when a device is started, so
 * only what came since the last look is added.
 */
#include "vhost-user/switch/uplink_internal.h"

/*
 * Drivers that count as errors what they did not take, which is counted where it is dropped; or, as
 * net_af_packet does, what waits for the link, and is counted when it will not leave any more.
 */
static const char *const count_untaken[] = { "net_tap", "net_tun", "net_af_xdp", "net_af_packet" };

/* Drivers that have read a frame when they find no buffer for it; others leave it in the queue. */
static const char *const lose_without_buffer[] = { "net_tap", "net_tun" };

/* Zeroes is how a counter begins that was not looked at. */
static void count_up(struct uplink_counter *counter, uint64_t now)
{
	counter->total += now >= counter->seen ? now - counter->seen : now;
	counter->seen = now;
}

static bool is_one_of(const struct uplink *uplink, const char *const *drivers, size_t count)
{
	return device_is_one_of(uplink->name, drivers, count);
}

void uplink_look_at_losses(struct uplink *uplink)
{
	struct uplink_losses *losses = &uplink->losses;
	struct rte_eth_stats stats = { 0 };

	if (!uplink->device || rte_eth_stats_get(uplink->port, &stats))
		return;
	losses->missed_by_kernel += packet_ring_missed(&uplink->ring);
	count_up(&losses->missed, stats.imissed);
	count_up(&losses->receive_errors, stats.ierrors);
	count_up(&losses->shortages, stats.rx_nombuf);
	if (!is_one_of(uplink, count_untaken, RTE_DIM(count_untaken)))
		count_up(&losses->send_errors, stats.oerrors);
}

/* What a device counted before it was ours is not our loss. */
void uplink_begin_losses(struct uplink *uplink)
{
	struct uplink_losses before = uplink->losses;

	uplink_look_at_losses(uplink);
	uplink->losses.missed_by_kernel = before.missed_by_kernel;
	uplink->losses.missed.total = before.missed.total;
	uplink->losses.receive_errors.total = before.receive_errors.total;
	uplink->losses.send_errors.total = before.send_errors.total;
	uplink->losses.shortages.total = before.shortages.total;
}

void uplink_add_losses(struct uplink *uplink, uint64_t *drops)
{
	const struct uplink_losses *losses = &uplink->losses;

	uplink_look_at_losses(uplink);
	drops[DROP_MISSED] += losses->missed.total + losses->missed_by_kernel;
	drops[DROP_RECEIVE] += losses->receive_errors.total;
	drops[DROP_SEND] += losses->send_errors.total + losses->unsent;
	if (is_one_of(uplink, lose_without_buffer, RTE_DIM(lose_without_buffer)))
		drops[DROP_NO_MEMORY] += losses->shortages.total;
}

uint64_t uplink_shortages(struct uplink *uplink)
{
	uplink_look_at_losses(uplink);
	return uplink->losses.shortages.total;
}
