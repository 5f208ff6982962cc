// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules of ethtool (ETHTOOL_SRXCLSRLINS and its like), at the destination address and the VLAN. Where a
 * frame goes is a "ring cookie": a queue in its lower half, and from bit 32 on the number of a VF plus
 * one, 0 for the PF itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "plugins/net/steer_rules.h"

#define VLAN_ID_MASK 0x0fff

static const uint8_t every_bit[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

int ethtool_request(const char *interface, void *command)
{
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifreq = { .ifr_data = command };

	if (fd < 0)
		return -errno;
	strncpy(ifreq.ifr_name, interface, sizeof(ifreq.ifr_name) - 1);
	return ioctl(fd, SIOCETHTOOL, &ifreq) ? -errno : 0;
}

static void fill_spec(struct ethtool_rx_flow_spec *spec, const struct iov_steer_rule *rule)
{
	spec->flow_type = ETHER_FLOW;
	if (rule->has_mac) {
		memcpy(spec->h_u.ether_spec.h_dest, rule->mac, sizeof(rule->mac));
		memcpy(spec->m_u.ether_spec.h_dest, every_bit, sizeof(every_bit));
	}
	if (rule->vlan) {
		spec->flow_type |= FLOW_EXT;
		spec->h_ext.vlan_tci = htons((uint16_t)rule->vlan);
		spec->m_ext.vlan_tci = htons(VLAN_ID_MASK);
	}
	spec->ring_cookie = rule->to == IOV_STEER_QUEUE ? rule->number :
		(uint64_t)(rule->number + 1) << ETHTOOL_RX_FLOW_SPEC_RING_VF_OFF;
}

static bool is_zero(const void *bytes, size_t size)
{
	const uint8_t *byte = bytes;

	while (size && !*byte)
		byte++, size--;
	return !size;
}

/* Whether a rule is one of ours: it matches an address or a VLAN as a whole, and nothing else. */
static bool read_spec(const struct ethtool_rx_flow_spec *spec, struct iov_steer_rule *rule)
{
	const struct ethhdr *mask = &spec->m_u.ether_spec;
	uint64_t vf = ethtool_get_flow_spec_ring_vf(spec->ring_cookie);
	uint16_t vlan = spec->flow_type & FLOW_EXT ? ntohs(spec->m_ext.vlan_tci) : 0;

	*rule = (struct iov_steer_rule){ .to = vf ? IOV_STEER_VF : IOV_STEER_QUEUE };
	if ((spec->flow_type & ~(uint32_t)FLOW_EXT) != ETHER_FLOW || mask->h_proto ||
	    !is_zero(mask->h_source, sizeof(mask->h_source)) || spec->ring_cookie == RX_CLS_FLOW_DISC ||
	    spec->ring_cookie == RX_CLS_FLOW_WAKE)
		return false;
	if (spec->flow_type & FLOW_EXT && (spec->m_ext.vlan_etype || spec->m_ext.data[0] ||
					   spec->m_ext.data[1]))
		return false;
	rule->has_mac = !memcmp(mask->h_dest, every_bit, sizeof(every_bit));
	if (!rule->has_mac && !is_zero(mask->h_dest, sizeof(mask->h_dest)))
		return false;
	memcpy(rule->mac, spec->h_u.ether_spec.h_dest, rule->has_mac ? sizeof(rule->mac) : 0);
	/* A priority alone, as igb has it, is not ours. */
	if (vlan && vlan != VLAN_ID_MASK && vlan != UINT16_MAX)
		return false;
	rule->vlan = vlan ? ntohs(spec->h_ext.vlan_tci) & VLAN_ID_MASK : 0;
	rule->number = vf ? (unsigned int)vf - 1 :
			    (unsigned int)ethtool_get_flow_spec_ring(spec->ring_cookie);
	return rule->has_mac || rule->vlan;
}

/* What a driver says of its table; locations are behind it. */
struct table {
	struct ethtool_rxnfc *all;
	unsigned int size;
	bool any;	/* the driver chooses locations */
};

static int read_table(const char *interface, struct table *table)
{
	struct ethtool_rxnfc count = { .cmd = ETHTOOL_GRXCLSRLCNT };
	int error = ethtool_request(interface, &count);

	*table = (struct table){ 0 };
	if (error)
		return error;
	table->any = count.data & RX_CLS_LOC_SPECIAL;
	table->all = calloc(1, sizeof(*table->all) + count.rule_cnt * sizeof(uint32_t));
	if (!table->all)
		return -ENOMEM;
	table->all->cmd = ETHTOOL_GRXCLSRLALL;
	table->all->rule_cnt = count.rule_cnt;
	error = ethtool_request(interface, table->all);
	/* Without rules some drivers have nothing to tell, but for the size of their table. */
	if (error && count.rule_cnt) {
		free(table->all);
		return error;
	}
	if (error || table->all->rule_cnt > count.rule_cnt)
		table->all->rule_cnt = error ? 0 : count.rule_cnt;
	table->size = (unsigned int)(table->all->data ? table->all->data : count.data) &
		      ~RX_CLS_LOC_SPECIAL;
	return 0;
}

/* The rule at a location; one that went meanwhile is -ENOENT. */
static int read_rule(const char *interface, uint32_t location, struct ethtool_rxnfc *rule)
{
	*rule = (struct ethtool_rxnfc){ .cmd = ETHTOOL_GRXCLSRULE, .fs.location = location };
	return ethtool_request(interface, rule);
}

static unsigned int count_queues(const char *interface)
{
	struct ethtool_rxnfc rings = { .cmd = ETHTOOL_GRXRINGS };

	return ethtool_request(interface, &rings) ? 0 : (unsigned int)rings.data;
}

int ntuple_list(const char *interface, struct steer_rules *rules)
{
	struct table table;
	int error = read_table(interface, &table);

	if (error)
		return error;
	rules->queues = count_queues(interface);
	for (uint32_t i = 0; !error && i < table.all->rule_cnt; i++) {
		struct iov_steer_rule rule;
		struct ethtool_rxnfc found;

		error = read_rule(interface, table.all->rule_locs[i], &found);
		if (error == -ENOENT || error == -EINVAL)
			error = 0;
		else if (!error && read_spec(&found.fs, &rule))
			steer_add_found(rules, &rule, false, true);
		else if (!error)
			rules->others++;
	}
	free(table.all);
	return error;
}

/* The last location that is free, as ethtool(8) takes it: the first ones count most. */
static int choose_location(const struct table *table, uint32_t *location)
{
	*location = RX_CLS_LOC_ANY;
	if (table->any)
		return 0;
	for (*location = table->size; (*location)--;) {
		bool taken = false;

		for (uint32_t i = 0; i < table->all->rule_cnt; i++)
			taken |= table->all->rule_locs[i] == *location;
		if (!taken)
			return 0;
	}
	return -ENOSPC;
}

int ntuple_add(const char *interface, const struct iov_steer_rule *rule)
{
	struct ethtool_rxnfc insert = { .cmd = ETHTOOL_SRXCLSRLINS };
	struct table table;
	int error = read_table(interface, &table);

	if (error)
		return error;
	error = choose_location(&table, &insert.fs.location);
	free(table.all);
	fill_spec(&insert.fs, rule);
	return error ? error : ethtool_request(interface, &insert);
}

static int remove_at(const char *interface, uint32_t location)
{
	struct ethtool_rxnfc delete = { .cmd = ETHTOOL_SRXCLSRLDEL, .fs.location = location };

	return ethtool_request(interface, &delete);
}

int ntuple_remove(const char *interface, const struct iov_steer_rule *rule)
{
	struct table table;
	int error = read_table(interface, &table);

	if (error)
		return error;
	for (uint32_t i = 0; !error && i < table.all->rule_cnt; i++) {
		struct iov_steer_rule other;
		struct ethtool_rxnfc found;

		if (!read_rule(interface, table.all->rule_locs[i], &found) &&
		    read_spec(&found.fs, &other) && steer_same_match(&other, rule))
			error = remove_at(interface, found.fs.location);
	}
	free(table.all);
	return error;
}
