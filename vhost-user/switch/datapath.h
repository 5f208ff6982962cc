/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The picture of ports and bridges that a worker forwards by.
 *
 * The control thread draws a new one for each worker at every change and publishes them with
 * registry_publish(), which returns when no worker looks at an old one.  To a worker all of it
 * is constant but the MAC tables and what is said to be the worker's.  Rings that guests
 * send by are one worker's; those that they receive by are taken for a batch when there are
 * several workers, and never two at a time.  What else they share has locks of its own.
 */
#ifndef VHOST_USER_SWITCH_DATAPATH_H
#define VHOST_USER_SWITCH_DATAPATH_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "vhost-user/net/drop.h"
#include "vhost-user/net/net_device.h"
#include "vhost-user/pollable.h"
#include "vhost-user/protocol/session.h"
#include "vhost-user/switch/dp_ring.h"
#include "vhost-user/switch/mac_table.h"
#include "vhost-user/switch/port_rules.h"
#include "vhost-user/switch/uplink.h"

/* Most ports, and frames that are handled at once. */
#define DP_PORTS_MAX 256
#define DP_BURST 128

/* In what a port accepts: it is no uplink, has no filter and no rules.  No bit of FRAME_NEED_*. */
#define DP_ORDINARY 0x80

/* The low bits of a port's identity are its place in a view. */
#define DP_SLOT(id) ((id) & (DP_PORTS_MAX - 1))
static_assert(DP_PORTS_MAX <= MAC_TABLE_PORTS, "each has a number of stations");

/**
 * struct dp_counters - what a port has seen of one worker, which alone writes it
 * @rx_packets: packets that came from the port
 * @rx_bytes: their bytes, without virtio-net headers
 * @tx_packets: packets that went to the port
 * @tx_bytes: their bytes
 * @copies: what became of its packets beyond one thing each: a flood, a mirror and the cutting of a
 *	long one make more of it.  So over all ports, when nothing is under way,
 *	rx_packets + copies = tx_packets + drops
 * @unplaced: stations of the port that the MAC table had no place for, new ones and others
 * @drops: packets that were dropped, by reason
 */
struct dp_counters {
	_Alignas(VIRTQ_CACHE_LINE) uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t copies;
	uint64_t unplaced;
	uint64_t drops[DROP_COUNT];
};

/**
 * struct dp_queue - a ring in a worker's hands
 * @vu: the ring
 * @ring: the network's part of it
 * @port: whose it is
 * @is_shared: other workers bring frames to it as well: it is used with @ring's lock
 * @touched: the worker's: has elements that are not published, or frames that wait
 * @reported: the worker's: the control thread knows that the ring is broken
 * @waiting: the worker's: frames of the burst that wait to be written
 * @first: the worker's: index of the first of them
 * @last: the worker's: index of the last of them
 * @frames: the worker's: frames since the last call that waited
 * @due: the worker's: when the call is due that is owed
 * @held: the worker's: the guest sent its share, what it sends more waits in the ring
 * @coalescing: how long calls may wait; zeroes for not at all
 */
struct dp_queue {
	struct vu_queue *vu;
	struct dp_ring *ring;
	struct dp_port *port;
	bool is_shared;
	bool touched;
	bool reported;
	uint8_t waiting;
	uint8_t first;
	uint8_t last;
	uint32_t frames;
	struct net_coalescing coalescing;
	uint64_t due;
	struct qos_wait held;
};

struct dp_bridge;
struct dp_port;
struct lane;

/**
 * struct dp_rss - how a port chooses receive queues by a hash, and reports it
 * @rss: as its driver set it up
 * @table: the rings of @rss; NULL for one that does not run
 * @unclassified: the same
 */
struct dp_rss {
	struct net_rss rss;
	struct dp_queue *table[NET_RSS_TABLE];
	struct dp_queue *unclassified;
};

/**
 * struct dp_rates - what passed under the limits of a port; outlives the view
 * @limits: of the port alone
 * @own: it, as the only member of @limits
 * @shared: it, as a member of a group
 * @storm: how much of it may be flooded
 * @flooded: its share of that
 */
struct dp_rates {
	struct qos_group limits;
	struct qos_member own;
	struct qos_member shared;
	struct rate storm;
	struct rate_share flooded;
};

/**
 * dp_rates_are_limited - whether there is a limit for packets one way
 * @rates: of their port
 * @way: QOS_RX or QOS_TX
 */
static inline bool dp_rates_are_limited(const struct dp_rates *rates, unsigned int way)
{
	return qos_is_limited(&rates->own, way) || qos_is_limited(&rates->shared, way);
}

/**
 * dp_rates_wait - how long until one packet more may pass, which wants to
 * @rates: of its port
 * @way: QOS_RX or QOS_TX
 * @now: nanoseconds
 *
 * Return: nanoseconds; 0 for now.
 */
static inline uint64_t dp_rates_wait(struct dp_rates *rates, unsigned int way, uint64_t now)
{
	const uint64_t own = qos_wait_ns(&rates->own, way, now);
	const uint64_t shared = qos_wait_ns(&rates->shared, way, now);

	return own > shared ? own : shared;
}

/**
 * dp_rates_charge - packets passed
 * @rates: of their port
 * @way: QOS_RX or QOS_TX
 * @now: nanoseconds
 * @packets: how many
 * @bytes: their bytes
 */
static inline void dp_rates_charge(struct dp_rates *rates, unsigned int way, uint64_t now,
				   unsigned int packets, uint64_t bytes)
{
	qos_charge(&rates->own, way, now, packets, bytes);
	qos_charge(&rates->shared, way, now, packets, bytes);
}

/**
 * struct dp_rules - what a port lets in and out
 * @rules: as they were set
 * @mirror: gets a copy of all frames; NULL for none
 * @rates: what passed; NULL for no limits
 */
struct dp_rules {
	struct port_rules rules;
	struct dp_port *mirror;
	struct dp_rates *rates;
};

/**
 * struct dp_sending - what a network device is to be sent
 * @is_listed: the worker knows that there is something
 * @packet_count: length of @packets
 * @waiting_count: length of @waiting; both together are DP_BURST at most
 * @packets: packets
 * @waiting: frames of the burst that become packets behind those
 */
struct dp_sending {
	bool is_listed;
	unsigned int packet_count;
	unsigned int waiting_count;
	struct rte_mbuf *packets[DP_BURST];
	uint8_t waiting[DP_BURST];
};

/**
 * struct dp_port - a port
 * @id: identity, never used again after the port is removed; never 0
 * @accepts: FRAME_NEED_* that the receiver takes, and DP_ORDINARY
 * @offers: FRAME_NEED_* that the sender may ask for
 * @header: bytes of the virtio-net header
 * @is_down: its link is down: nothing passes
 * @is_isolated: nothing passes between it and others of these
 * @is_costly: the worker's: what came last from @uplink was a lot of work
 * @is_polled: this worker takes what comes from @lane
 * @reflects: what goes to all may come back from @uplink
 * @outlet: the worker's: the first network device that the last burst from it went to; NULL for none
 * @stations_max: most stations that the MAC table has of it; 0 for no number of its own
 * @buffers_max: receive buffers that a frame may take
 * @single: the only ring of @to, when no hash is wanted; else NULL
 * @counters: this worker's; outlive the view
 * @loads: by the number of a ring, or of a queue of @uplink; outlive the view
 * @bridge: where it is a member; NULL for none
 * @from: rings that the guest sends by, of this worker
 * @to: enabled rings that the guest receives by
 * @from_count: length of @from
 * @from_next: the worker's: the first of them in the next pass
 * @to_count: length of @to
 * @uplink: the network device; NULL for a vhost-user port
 * @uplink_takes: its queues that this worker takes from, a bit for each
 * @worker: this worker
 * @lane: has the guest's rings while its memory arrives; NULL mostly
 * @filter: which frames its driver wants; NULL for all
 * @rss: how their hash is used; NULL for not at all
 * @rules: what it lets in and out; NULL for everything
 * @sending: the worker's: what @uplink is to be sent; NULL without one
 */
struct dp_port {
	uint32_t id;
	uint8_t accepts;
	uint8_t offers;
	uint8_t header;
	bool is_down;
	bool is_isolated;
	bool is_polled;
	bool is_costly;
	bool reflects;
	struct dp_port *outlet;
	uint32_t stations_max;
	unsigned int buffers_max;
	struct dp_queue *single;
	struct dp_counters *counters;
	struct ring_load *loads;
	struct dp_bridge *bridge;
	struct dp_queue *from;
	struct dp_queue *to;
	unsigned int from_count;
	unsigned int from_next;
	unsigned int to_count;
	struct uplink *uplink;
	uint64_t uplink_takes;
	unsigned int worker;
	struct lane *lane;
	struct net_filter *filter;
	struct dp_rss *rss;
	struct dp_rules *rules;
	struct dp_sending *sending;
};

/**
 * struct dp_station - a station that is at a port whatever is learned
 * @key: its mac_key()
 * @port: where it is
 */
struct dp_station {
	uint64_t key;
	struct dp_port *port;
};

/* Their order, as qsort() and bsearch() want to be told. */
static inline int dp_station_compare(const void *a, const void *b)
{
	const struct dp_station *left = a, *right = b;

	return left->key < right->key ? -1 : left->key > right->key;
}

/**
 * struct dp_bridge - ports that frames pass between
 * @macs: which station is where; NULL for a wire
 * @age: silence after which a station is forgotten, MAC_TABLE_SECOND to the second
 * @passes_reserved: so do frames to the addresses that IEEE 802.1Q reserves for bridges
 * @station_count: length of @stations
 * @stations: by their keys
 * @count: length of @ports
 * @ports: members
 */
struct dp_bridge {
	struct mac_table *macs;
	uint32_t age;
	bool passes_reserved;
	unsigned int station_count;
	struct dp_station *stations;
	unsigned int count;
	struct dp_port **ports;
};

/**
 * struct dp_view - all of it
 * @worker: number of the worker that it is for
 * @count: length of @ports
 * @ports: in the order in which they were added
 * @bridge_count: length of @bridges
 * @bridges: bridges
 * @by_slot: the same by DP_SLOT() of their identity; NULL where there is none
 * @must_poll: something here cannot wake a sleeping worker
 * @generation: another one for each view
 */
struct dp_view {
	unsigned int worker;
	unsigned int count;
	struct dp_port **ports;
	unsigned int bridge_count;
	struct dp_bridge **bridges;
	struct dp_port *by_slot[DP_PORTS_MAX];
	bool must_poll;
	uint64_t generation;
};

#endif
