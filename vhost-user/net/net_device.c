// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * State of a device on its way to another host is the commands that lead to it:
 * one parser reads both, so what comes from elsewhere is checked as what comes
 * from a driver.
 */
#include "vhost-user/net/net_device.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/net/ctrl_vq.h"
#include "vhost-user/net/mac_key.h"

void net_device_reset(struct net_device *net, uint64_t features, const uint8_t mac[6])
{
	struct net_device reset = {
		.features = features,
		.pairs_max = net->pairs_max,
		.pairs = 1,
		.offloads = features & NET_OFFLOADS,
		.commands = net->commands,
		.refused = net->refused,
	};

	/* Without a control queue nobody could ever ask for more. */
	if (net_device_has(&reset, VIRTIO_NET_F_CTRL_VQ)) {
		reset.filter.by_mac = net_device_has(&reset, VIRTIO_NET_F_CTRL_RX);
		reset.filter.by_vlan = net_device_has(&reset, VIRTIO_NET_F_CTRL_VLAN);
	} else {
		reset.pairs = NET_PAIRS_MAX;
	}
	reset.filter.modes[VIRTIO_NET_CTRL_RX_PROMISC] = true;
	if (mac && net_device_has(&reset, VIRTIO_NET_F_MAC)) {
		reset.filter.has_mac = true;
		reset.filter.mac = mac_key(0, mac);
	}
	*net = reset;
}

unsigned int net_device_ctrl_vq(const struct net_device *net)
{
	bool several = net_device_has(net, VIRTIO_NET_F_MQ) ||
		       net_device_has(net, VIRTIO_NET_F_RSS);

	if (!net_device_has(net, VIRTIO_NET_F_CTRL_VQ))
		return NET_VRINGS;
	return several ? 2u * net->pairs_max : 2;
}

/* A command of a driver: its length, its name, its data. */
static void put_command(FILE *to, uint8_t class, uint8_t id, const void *data, size_t length)
{
	const uint16_t size = htole16((uint16_t)(length + 2));
	const uint8_t name[] = { class, id };

	fwrite(&size, sizeof(size), 1, to);
	fwrite(name, sizeof(name), 1, to);
	if (length)
		fwrite(data, length, 1, to);
}

static void put_mac(FILE *to, uint64_t mac)
{
	const uint64_t bytes = htobe64(mac);

	fwrite((const uint8_t *)&bytes + 2, 6, 1, to);
}

/* A table that was too long is sent with one address too many, which will not be kept. */
static uint32_t macs_of(const struct net_macs *table)
{
	return table->count + table->overflow;
}

static void put_macs(FILE *to, const struct net_macs *table)
{
	const uint32_t count = htole32(macs_of(table));

	fwrite(&count, sizeof(count), 1, to);
	for (unsigned int i = 0; i < table->count; i++)
		put_mac(to, table->macs[i]);
	if (table->overflow)
		put_mac(to, 0);
}

static void put_mac_table(FILE *to, const struct net_filter *filter)
{
	const uint32_t macs = macs_of(&filter->unicast) + macs_of(&filter->multicast);
	const uint16_t size = htole16((uint16_t)(2 + 8 + 6 * macs));
	const uint8_t name[] = { VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET };

	fwrite(&size, sizeof(size), 1, to);
	fwrite(name, sizeof(name), 1, to);
	put_macs(to, &filter->unicast);
	put_macs(to, &filter->multicast);
}

static void put_filter(FILE *to, const struct net_device *net)
{
	const struct net_filter *filter = &net->filter;
	const uint64_t mac = htobe64(filter->mac);

	if (net_device_has(net, VIRTIO_NET_F_CTRL_RX)) {
		uint8_t last = net_device_has(net, VIRTIO_NET_F_CTRL_RX_EXTRA)
				       ? VIRTIO_NET_CTRL_RX_NOBCAST
				       : VIRTIO_NET_CTRL_RX_ALLMULTI;

		for (uint8_t mode = 0; mode <= last; mode++)
			put_command(to, VIRTIO_NET_CTRL_RX, mode,
				    &(uint8_t){ filter->modes[mode] }, 1);
		put_mac_table(to, filter);
	}
	if (net_device_has(net, VIRTIO_NET_F_CTRL_MAC_ADDR) && filter->has_mac)
		put_command(to, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET,
			    (const uint8_t *)&mac + 2, 6);
	for (uint16_t vlan = 0; vlan < NET_VLANS; vlan++)
		if (net_filter_has_vlan(filter, vlan))
			put_command(to, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD,
				    &(uint16_t){ htole16(vlan) }, 2);
}

/* Both configurations of hashes are alike, but for four fields of the one. */
static void put_hash(FILE *to, const struct net_device *net)
{
	const struct net_rss *rss = &net->rss;
	uint8_t data[8 + 2 * NET_RSS_TABLE + 3 + TOEPLITZ_KEY], *at = data;
	const uint32_t types = htole32(rss->types);
	const uint64_t reserved = 0;
	uint16_t words[NET_RSS_TABLE + 3] = { htole16(rss->mask), htole16(rss->unclassified) };
	unsigned int count = 2;

	memcpy(at, &types, sizeof(types));
	at += sizeof(types);
	if (rss->steers) {
		for (unsigned int i = 0; i <= rss->mask; i++)
			words[count++] = htole16(rss->table[i]);
		words[count++] = htole16(net->pairs);
		memcpy(at, words, 2 * count);
		at += 2 * count;
	} else {
		memcpy(at, &reserved, sizeof(reserved));
		at += sizeof(reserved);
	}
	*at++ = rss->key_length;
	memcpy(at, rss->key, rss->key_length);
	at += rss->key_length;
	put_command(to, VIRTIO_NET_CTRL_MQ,
		    rss->steers ? VIRTIO_NET_CTRL_MQ_RSS_CONFIG : VIRTIO_NET_CTRL_MQ_HASH_CONFIG,
		    data, (size_t)(at - data));
}

static void put_queues(FILE *to, const struct net_device *net)
{
	if (net_device_has(net, VIRTIO_NET_F_MQ) && net->pairs <= net->pairs_max)
		put_command(to, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET,
			    &(uint16_t){ htole16(net->pairs) }, 2);
	if (net->rss.steers || (net->rss.types && net_device_has(net, VIRTIO_NET_F_HASH_REPORT)))
		put_hash(to, net);
}

/* Of vrings that are in use, as others' cannot be set. */
static void put_coalescing(FILE *to, const struct net_device *net)
{
	for (uint16_t i = 0; i < 2 * net->pairs_max; i++) {
		const struct net_coalescing *set = &net->coalescing[i];
		uint8_t data[12] = { (uint8_t)i, (uint8_t)(i >> 8) };
		const uint32_t values[] = { htole32(set->packets), htole32(set->usecs) };

		if (!set->packets && !set->usecs)
			continue;
		memcpy(data + 4, values, sizeof(values));
		if (net_device_has(net, VIRTIO_NET_F_VQ_NOTF_COAL) && i < 2 * net->pairs)
			put_command(to, VIRTIO_NET_CTRL_NOTF_COAL,
				    VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET, data, sizeof(data));
		else if (net_device_has(net, VIRTIO_NET_F_NOTF_COAL) && i < 2)
			put_command(to, VIRTIO_NET_CTRL_NOTF_COAL,
				    i ? VIRTIO_NET_CTRL_NOTF_COAL_TX_SET
				      : VIRTIO_NET_CTRL_NOTF_COAL_RX_SET, values, sizeof(values));
	}
}

int net_device_save(const struct net_device *net, uint8_t **bytes, size_t *length)
{
	const uint64_t offloads = htole64(net->offloads);
	char *memory = NULL;
	FILE *to = open_memstream(&memory, length);

	if (!to)
		return -ENOMEM;
	put_filter(to, net);
	put_queues(to, net);
	if (net_device_has(net, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
		put_command(to, VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET,
			    &offloads, sizeof(offloads));
	put_coalescing(to, net);
	if (fclose(to)) {
		free(memory);
		return -ENOMEM;
	}
	*bytes = (uint8_t *)memory;
	return 0;
}

int net_device_load(struct net_device *net, const uint8_t *bytes, size_t length)
{
	const struct net_device before = *net;
	uint16_t size;

	while (length) {
		if (length < sizeof(size))
			break;
		memcpy(&size, bytes, sizeof(size));
		size = le16toh(size);
		if (size > length - sizeof(size) ||
		    !ctrl_vq_bytes(net, bytes + sizeof(size), size))
			break;
		bytes += sizeof(size) + size;
		length -= sizeof(size) + size;
	}
	if (!length)
		return 0;
	*net = before;
	return -EINVAL;
}
