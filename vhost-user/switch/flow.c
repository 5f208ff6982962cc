// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/switch/flow.h"

#include <errno.h>
#include <rte_flow.h>
#include <stdlib.h>
#include <string.h>

/**
 * struct flows - see flow.h
 * @port: DPDK's number of the device
 * @asked_count: length of @asked
 * @asked: what was wanted last
 * @count: length of @present and @handles
 * @present: what the device has
 * @handles: its names for these
 */
struct flows {
	uint16_t port;
	unsigned int asked_count;
	struct uplink_flow asked[FLOWS_MAX];
	unsigned int count;
	struct uplink_flow present[FLOWS_MAX];
	struct rte_flow *handles[FLOWS_MAX];
};

int flows_open(struct flows **out, uint16_t port)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->port = port;
	return 0;
}

void flows_close(struct flows *flows)
{
	if (!flows)
		return;
	flows_set(flows, NULL, 0);
	free(flows);
}

unsigned int flows_count(const struct flows *flows)
{
	return flows ? flows->count : 0;
}

static struct rte_flow *create(uint16_t port, const struct uplink_flow *one)
{
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_action_queue queue = { one->queue };
	struct rte_flow_item_eth station = { 0 }, mask = { 0 };
	struct rte_flow_error error;

	memcpy(&station.hdr.dst_addr, one->mac, sizeof(one->mac));
	memset(&mask.hdr.dst_addr, 0xff, sizeof(one->mac));
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

static bool has(const struct uplink_flow *list, unsigned int count, const struct uplink_flow *one)
{
	for (unsigned int i = 0; i < count; i++)
		if (!memcmp(&list[i], one, sizeof(*one)))
			return true;
	return false;
}

static void remove_others(struct flows *flows, const struct uplink_flow *wanted,
			  unsigned int count)
{
	struct rte_flow_error error;
	unsigned int kept = 0;

	for (unsigned int i = 0; i < flows->count; i++) {
		if (has(wanted, count, &flows->present[i])) {
			flows->present[kept] = flows->present[i];
			flows->handles[kept++] = flows->handles[i];
		} else {
			rte_flow_destroy(flows->port, flows->handles[i], &error);
		}
	}
	flows->count = kept;
}

static bool add(struct flows *flows, const struct uplink_flow *one)
{
	struct rte_flow *flow = create(flows->port, one);

	if (!flow)
		return false;
	flows->present[flows->count] = *one;
	flows->handles[flows->count++] = flow;
	return true;
}

/* Whether it is what was wanted before. */
static bool is_old(const struct flows *flows, const struct uplink_flow *wanted,
		   unsigned int count)
{
	return count == flows->asked_count &&
	       (!count || !memcmp(wanted, flows->asked, count * sizeof(*wanted)));
}

void flows_set(struct flows *flows, const struct uplink_flow *wanted, unsigned int count)
{
	bool accepted = true;

	if (count > FLOWS_MAX)
		count = FLOWS_MAX;
	if (is_old(flows, wanted, count))
		return;
	flows->asked_count = count;
	if (count)
		memcpy(flows->asked, wanted, count * sizeof(*wanted));
	remove_others(flows, wanted, count);
	for (unsigned int i = 0; i < count && accepted; i++)
		accepted = has(flows->present, flows->count, &wanted[i]) || add(flows, &wanted[i]);
}
