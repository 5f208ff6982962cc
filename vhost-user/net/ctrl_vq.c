// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  A command has a row in a table: what must have been
 * negotiated, and how long its data is.  What remains to a handler is what only
 * the data says; it reads the guest's memory through a cursor, each byte once,
 * and changes the device after everything was read and checked.
 */
#include "vhost-user/net/ctrl_vq.h"

#include <endian.h>
#include <string.h>

#include "vhost-user/net/mac_key.h"

/**
 * struct command - a command on its way
 * @net: the device
 * @id: which of its class
 * @data: what follows class and command
 * @left: bytes of @data that were not read
 * @result: what the driver gets in front of the acknowledgement
 * @result_length: length of @result
 */
struct command {
	struct net_device *net;
	uint8_t id;
	struct virtq_cursor data;
	uint32_t left;
	uint8_t result[8];
	uint8_t result_length;
};

static bool take(struct command *command, void *to, uint32_t length)
{
	if (command->left < length || virtq_cursor_read(&command->data, to, length) != length)
		return false;
	command->left -= length;
	return true;
}

static bool take16(struct command *command, uint16_t *value)
{
	if (!take(command, value, sizeof(*value)))
		return false;
	*value = le16toh(*value);
	return true;
}

static bool take32(struct command *command, uint32_t *value)
{
	if (!take(command, value, sizeof(*value)))
		return false;
	*value = le32toh(*value);
	return true;
}

static bool set_mode(struct command *command)
{
	uint8_t on;

	if (!take(command, &on, 1) || on > 1)
		return false;
	command->net->filter.modes[command->id] = on;
	return true;
}

/* One of the two tables; what has no room is skipped. */
static bool take_macs(struct command *command, struct net_macs *table)
{
	uint32_t count, more;
	uint8_t mac[6];

	if (!take32(command, &count) || count > command->left / sizeof(mac))
		return false;
	more = count > NET_FILTER_MACS ? count - NET_FILTER_MACS : 0;
	table->overflow = more;
	table->count = (uint16_t)(count - more);
	for (unsigned int i = 0; i < table->count; i++) {
		take(command, mac, sizeof(mac));
		table->macs[i] = mac_key(0, mac);
	}
	command->left -= more * (uint32_t)sizeof(mac);
	return virtq_cursor_skip(&command->data, more * sizeof(mac)) == more * sizeof(mac);
}

static bool set_mac_table(struct command *command)
{
	struct net_macs unicast = { 0 }, multicast = { 0 };

	if (!take_macs(command, &unicast) || !take_macs(command, &multicast) || command->left)
		return false;
	command->net->filter.unicast = unicast;
	command->net->filter.multicast = multicast;
	return true;
}

static bool set_mac(struct command *command)
{
	struct net_filter *filter = &command->net->filter;
	uint8_t mac[6];

	if (!take(command, mac, sizeof(mac)) || mac[0] & 1)
		return false;
	filter->mac = mac_key(0, mac);
	filter->has_mac = true;
	return true;
}

static bool set_vlan(struct command *command)
{
	uint16_t vlan;

	if (!take16(command, &vlan) || vlan >= NET_VLANS)
		return false;
	net_filter_set_vlan(&command->net->filter, vlan, command->id == VIRTIO_NET_CTRL_VLAN_ADD);
	return true;
}

static bool acknowledge_announce(struct command *command)
{
	command->net->announce = false;
	return true;
}

/* "The resulting device configuration is defined by the last command". */
static bool set_pairs(struct command *command)
{
	struct net_device *net = command->net;
	uint16_t pairs;

	if (!take16(command, &pairs) || !pairs || pairs > net->pairs_max)
		return false;
	net->pairs = pairs;
	net->rss.steers = false;
	return true;
}

/* The end of both configurations of hashes. */
static bool take_key(struct command *command, struct net_rss *rss)
{
	if (!take(command, &rss->key_length, 1) || rss->key_length > TOEPLITZ_KEY ||
	    !take(command, rss->key, rss->key_length) || command->left)
		return false;
	toeplitz_prepare(&rss->toeplitz, rss->key);
	return true;
}

static bool take_types(struct command *command, struct net_rss *rss)
{
	return take32(command, &rss->types) && !(rss->types & ~NET_RSS_TYPES);
}

static bool take_queue(struct command *command, uint16_t *queue)
{
	return take16(command, queue) && *queue < command->net->pairs_max;
}

static bool set_rss(struct command *command)
{
	struct net_device *net = command->net;
	struct net_rss rss = { .steers = true };
	uint16_t pairs;

	if (!take_types(command, &rss) || !take16(command, &rss.mask) ||
	    rss.mask >= NET_RSS_TABLE || rss.mask & (rss.mask + 1) ||
	    !take_queue(command, &rss.unclassified))
		return false;
	for (unsigned int i = 0; i <= rss.mask; i++)
		if (!take_queue(command, &rss.table[i]))
			return false;
	if (!take16(command, &pairs) || !pairs || pairs > net->pairs_max ||
	    !take_key(command, &rss))
		return false;
	net->rss = rss;
	net->pairs = pairs;
	return true;
}

static bool set_hash(struct command *command)
{
	struct net_rss rss = { 0 };
	uint64_t reserved;

	if (!take_types(command, &rss) || !take(command, &reserved, sizeof(reserved)) ||
	    reserved || !take_key(command, &rss))
		return false;
	command->net->rss = rss;
	return true;
}

static bool set_offloads(struct command *command)
{
	struct net_device *net = command->net;
	uint64_t offloads;

	if (!take(command, &offloads, sizeof(offloads)))
		return false;
	offloads = le64toh(offloads);
	if (offloads & ~(net->features & NET_OFFLOADS))
		return false;
	net->offloads = offloads;
	return true;
}

static bool take_coalescing(struct command *command, struct net_coalescing *coalescing)
{
	return take32(command, &coalescing->packets) && take32(command, &coalescing->usecs);
}

/* Receive queues have even numbers. */
static bool set_coalescing(struct command *command)
{
	struct net_device *net = command->net;
	struct net_coalescing coalescing;

	if (!take_coalescing(command, &coalescing))
		return false;
	for (unsigned int i = command->id == VIRTIO_NET_CTRL_NOTF_COAL_TX_SET;
	     i < 2u * net->pairs_max; i += 2)
		net->coalescing[i] = coalescing;
	return true;
}

/* One that carries frames at present; what is reserved is ignored. */
static bool take_vring(struct command *command, uint16_t *vring)
{
	uint16_t reserved;

	return take16(command, vring) && take16(command, &reserved) &&
	       *vring < 2 * command->net->pairs;
}

static bool set_vring_coalescing(struct command *command)
{
	struct net_coalescing coalescing;
	uint16_t vring;

	if (!take_vring(command, &vring) || !take_coalescing(command, &coalescing))
		return false;
	command->net->coalescing[vring] = coalescing;
	return true;
}

static bool get_vring_coalescing(struct command *command)
{
	uint32_t values[2];
	uint16_t vring;

	if (!take_vring(command, &vring))
		return false;
	values[0] = htole32(command->net->coalescing[vring].packets);
	values[1] = htole32(command->net->coalescing[vring].usecs);
	memcpy(command->result, values, sizeof(values));
	command->result_length = sizeof(values);
	return true;
}

/**
 * struct rule - what must hold before a command is carried out
 * @class: VIRTIO_NET_CTRL_*
 * @id: the command
 * @feature: what must have been negotiated
 * @min: fewest bytes of data
 * @max: most bytes of data
 * @run: carries it out
 */
struct rule {
	uint8_t class;
	uint8_t id;
	unsigned int feature;
	uint32_t min;
	uint32_t max;
	bool (*run)(struct command *command);
};

#define EXACTLY(bytes) bytes, bytes
#define AT_LEAST(bytes) bytes, UINT32_MAX
#define RX(name, feature)                                                                          \
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_##name, VIRTIO_NET_F_##feature, EXACTLY(1), set_mode }
#define MAC(name, feature, size, run)                                                              \
	{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_##name, VIRTIO_NET_F_##feature, size, run }
#define VLAN(name)                                                                                 \
	{ VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_##name, VIRTIO_NET_F_CTRL_VLAN, EXACTLY(2),   \
	  set_vlan }
#define MQ(name, feature, size, run)                                                               \
	{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_##name, VIRTIO_NET_F_##feature, size, run }
#define COAL(name, feature, size, run)                                                             \
	{ VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_##name, VIRTIO_NET_F_##feature,     \
	  size, run }

/* clang-format off */
static const struct rule rules[] = {
	RX(PROMISC, CTRL_RX),
	RX(ALLMULTI, CTRL_RX),
	RX(ALLUNI, CTRL_RX_EXTRA),
	RX(NOMULTI, CTRL_RX_EXTRA),
	RX(NOUNI, CTRL_RX_EXTRA),
	RX(NOBCAST, CTRL_RX_EXTRA),
	MAC(TABLE_SET, CTRL_RX, AT_LEAST(8), set_mac_table),
	MAC(ADDR_SET, CTRL_MAC_ADDR, EXACTLY(6), set_mac),
	VLAN(ADD),
	VLAN(DEL),
	{ VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK, VIRTIO_NET_F_GUEST_ANNOUNCE,
	  EXACTLY(0), acknowledge_announce },
	MQ(VQ_PAIRS_SET, MQ, EXACTLY(2), set_pairs),
	MQ(RSS_CONFIG, RSS, AT_LEAST(13), set_rss),
	MQ(HASH_CONFIG, HASH_REPORT, AT_LEAST(13), set_hash),
	{ VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET,
	  VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, EXACTLY(8), set_offloads },
	COAL(TX_SET, NOTF_COAL, EXACTLY(8), set_coalescing),
	COAL(RX_SET, NOTF_COAL, EXACTLY(8), set_coalescing),
	COAL(VQ_SET, VQ_NOTF_COAL, EXACTLY(12), set_vring_coalescing),
	COAL(VQ_GET, VQ_NOTF_COAL, EXACTLY(4), get_vring_coalescing),
};
/* clang-format on */

static const struct rule *find_rule(const uint8_t name[2])
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rules[i].class == name[0] && rules[i].id == name[1])
			return &rules[i];
	return NULL;
}

static bool run(struct command *command)
{
	struct net_device *net = command->net;
	const struct rule *rule;
	uint8_t name[2];
	bool done;

	rule = take(command, name, sizeof(name)) ? find_rule(name) : NULL;
	command->id = rule ? rule->id : 0;
	done = rule && net_device_has(net, rule->feature) && command->left >= rule->min &&
	       command->left <= rule->max && rule->run(command);
	net->commands += done;
	net->refused += !done;
	return done;
}

uint32_t ctrl_vq_run(struct net_device *net, const struct virtq_batch *batch,
			 const struct virtq_chain *chain)
{
	struct command command = {
		.net = net,
		.data = virtq_readable(batch, chain),
		.left = chain->readable_length,
	};
	struct virtq_cursor to = virtq_writable(batch, chain, 1);
	uint8_t answer[sizeof(command.result) + 1] = { 0 }, ack;
	uint32_t length = 1;

	if (!chain->writable_length) {
		net->refused++;
		return 0;
	}
	ack = run(&command) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
	/* The acknowledgement is the last byte where the command has something to say. */
	if (chain->writable_length > command.result_length)
		length += command.result_length;
	else
		ack = VIRTIO_NET_ERR;
	memcpy(answer, command.result, length - 1);
	answer[length - 1] = ack;
	return (uint32_t)virtq_cursor_write(&to, answer, length);
}

bool ctrl_vq_bytes(struct net_device *net, const uint8_t *bytes, uint32_t length)
{
	/* Segments are of guest memory elsewhere, and only read here. */
	const struct virtq_segment segment = { (uint8_t *)(uintptr_t)bytes, length };
	struct command command = {
		.net = net,
		.data = { &segment, &segment + 1, 0 },
		.left = length,
	};

	return run(&command);
}
