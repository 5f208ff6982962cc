// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/reasons.h"

#include <assert.h>

#include "vhost-user/net/drop.h"
#include "vhost-user/protocol/endpoint.h"
#include "vhost-user/protocol/session.h"

static_assert(DROP_COUNT < REASONS_MAX && VU_REFUSALS < REASONS_MAX &&
	      VU_BROKEN_REASONS < REASONS_MAX && VU_EVENTS < REASONS_MAX, "counters have room");

static const char *name_of_drop(unsigned int reason)
{
	return drop_name(reason);
}

static const char *name_of_refusal(unsigned int reason)
{
	return vu_refusal_name(reason);
}

static const char *name_of_event(unsigned int event)
{
	return vu_event_name(event);
}

const struct reason_table reason_tables[REASON_KINDS] = {
	[REASON_DROP] = { "drops", "port_dropped_packets", "reason", "Packets that were dropped",
			  DROP_NONE + 1, DROP_COUNT, name_of_drop },
	[REASON_REFUSED] = { "refused", "port_refused_messages", "reason",
			     "Messages of a front end that were refused",
			     VU_ACCEPTED + 1, VU_REFUSALS, name_of_refusal },
	[REASON_BROKEN] = { "broken", "port_broken_rings", "reason",
			    "Rings that were stopped, as their driver broke them",
			    VIRTQ_OK + 1, VU_BROKEN_REASONS, vu_broken_name },
	[REASON_EVENT] = { "connections", "port_connection_events", "event",
			   "What became of connections of front ends", 0, VU_EVENTS,
			   name_of_event },
};
