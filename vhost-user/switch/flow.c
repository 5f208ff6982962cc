// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/switch/flow.h"

#include <errno.h>
#include <rte_flow.h>
#include <stdlib.h>
#include <string.h>

/**
 * struct flow_rules - see flow_rules.h
 * @port: DPDK's number of the device
 * @asked_count: length of @asked
 * @asked: what was wanted last
 * @count: length of @present and @flows
 * @present: what the device has
 * @flows: its names for these
 */
struct flow_rules {
	uint16_t port;
	unsigned int asked_count;
	struct uplink_rule asked[FLOW_RULES_MAX];
	unsigned int count;
	struct uplink_rule present[FLOW_RULES_MAX];
	struct rte_flow *flows[FLOW_RULES_MAX];
};

int flow_rules_open(struct flow_rules **out, uint16_t port)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->port = port;
	return 0;
}

void flow_rules_close(struct flow_rules *rules)
{
	if (!rules)
		return;
	flow_rules_set(rules, NULL, 0);
	free(rules);
}

unsigned int flow_rules_count(const struct flow_rules *rules)
{
	return rules ? rules->count : 0;
}

static struct rte_flow *create(uint16_t port, const struct uplink_rule *rule)
{
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_action_queue queue = { rule->queue };
	struct rte_flow_item_eth station = { 0 }, mask = { 0 };
	struct rte_flow_error error;

	memcpy(&station.hdr.dst_addr, rule->mac, sizeof(rule->mac));
	memset(&mask.hdr.dst_addr, 0xff, sizeof(rule->mac));
	return rte_flow_create(port, &attr,
			       (struct rte_flow_item[]){
				       { RTE_FLOW_ITEM_TYPE_ETH, &station, NULL, &mask },
				       { .type = RTE_FLOW_ITEM_TYPE_END },
			       },
			       (struct rte_flow_action[]){
				       { RTE_FLOW_ACTION_TYPE_QUEUE, &queue },
				       { RTE_FLOW_ACTION_TYPE_END, NULL },
			       },
			       &error);
}

static bool has(const struct uplink_rule *list, unsigned int count, const struct uplink_rule *rule)
{
	for (unsigned int i = 0; i < count; i++)
		if (!memcmp(&list[i], rule, sizeof(*rule)))
			return true;
	return false;
}

static void remove_others(struct flow_rules *rules, const struct uplink_rule *wanted,
			  unsigned int count)
{
	struct rte_flow_error error;
	unsigned int kept = 0;

	for (unsigned int i = 0; i < rules->count; i++) {
		if (has(wanted, count, &rules->present[i])) {
			rules->present[kept] = rules->present[i];
			rules->flows[kept++] = rules->flows[i];
		} else {
			rte_flow_destroy(rules->port, rules->flows[i], &error);
		}
	}
	rules->count = kept;
}

static bool add(struct flow_rules *rules, const struct uplink_rule *rule)
{
	struct rte_flow *flow = create(rules->port, rule);

	if (!flow)
		return false;
	rules->present[rules->count] = *rule;
	rules->flows[rules->count++] = flow;
	return true;
}

/* Whether it is what was wanted before. */
static bool is_old(const struct flow_rules *rules, const struct uplink_rule *wanted,
		   unsigned int count)
{
	return count == rules->asked_count &&
	       (!count || !memcmp(wanted, rules->asked, count * sizeof(*wanted)));
}

void flow_rules_set(struct flow_rules *rules, const struct uplink_rule *wanted, unsigned int count)
{
	bool accepted = true;

	if (count > FLOW_RULES_MAX)
		count = FLOW_RULES_MAX;
	if (is_old(rules, wanted, count))
		return;
	rules->asked_count = count;
	if (count)
		memcpy(rules->asked, wanted, count * sizeof(*wanted));
	remove_others(rules, wanted, count);
	for (unsigned int i = 0; i < count && accepted; i++)
		accepted = has(rules->present, rules->count, &wanted[i]) || add(rules, &wanted[i]);
}
