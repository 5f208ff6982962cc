// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/port/member.h"

/* Whether there is something that is looked at for each frame. */
static bool has_rules(const struct port_rules *rules)
{
	return rules->vlan.mode != VLAN_TRANSPARENT || rules->guard.mac_count ||
	       rules->guard.prefix_count || port_rules_are_limited(rules) || rules->mirror;
}

static int fill_rules(struct dp_port *dp, struct port *port)
{
	struct member *member = port->member;

	dp->is_isolated = member->rules.is_isolated;
	dp->stations_max = member->rules.stations_max;
	if (!has_rules(&member->rules))
		return 0;
	dp->rules = calloc(1, sizeof(*dp->rules));
	if (!dp->rules)
		return -ENOMEM;
	dp->rules->rules = member->rules;
	if (port_rules_are_limited(&member->rules))
		dp->rules->rates = member_limits(port);
	return 0;
}

/* Where there are all ports. */
static void fill_mirrors(struct dp_view *view, const struct registry *registry)
{
	const struct port *port, *mirror;

	TAILQ_FOREACH(port, &registry->ports, link) {
		if (!port->member || !port->member->rules.mirror)
			continue;
		TAILQ_FOREACH(mirror, &registry->ports, link)
			if (!strcmp(mirror->name, port->member->rules.mirror))
				view->by_slot[DP_SLOT(port->id)]->rules->mirror =
					view->by_slot[DP_SLOT(mirror->id)];
	}
}

static int add_port(struct dp_view *view, struct port *port)
{
	struct dp_port *dp = calloc(1, sizeof(*dp));
	int error;

	if (!dp)
		return -ENOMEM;
	view->ports[view->count++] = dp;
	view->by_slot[DP_SLOT(port->id)] = dp;
	dp->id = port->id;
	dp->counters = &port->member->counters[view->worker];
	dp->loads = port->loads;
	error = fill_rules(dp, port);
	if (error)
		return error;
	return port->type->fill_view(view, dp, port);
}

static int fill_stations(struct dp_view *view, const struct registry *registry,
			 const struct bridge *bridge, struct dp_bridge *dp)
{
	const struct port *port;
	unsigned int count = 0;

	TAILQ_FOREACH(port, &registry->ports, link)
		count += member_bridge(port) == bridge ? port->member->rules.station_count : 0;
	if (!count)
		return 0;
	dp->stations = calloc(count, sizeof(*dp->stations));
	if (!dp->stations)
		return -ENOMEM;
	TAILQ_FOREACH(port, &registry->ports, link) {
		if (member_bridge(port) != bridge)
			continue;
		for (unsigned int i = 0; i < port->member->rules.station_count; i++)
			dp->stations[dp->station_count++] = (struct dp_station){
				port->member->rules.stations[i], view->by_slot[DP_SLOT(port->id)],
			};
	}
	qsort(dp->stations, count, sizeof(*dp->stations), dp_station_compare);
	return 0;
}

static int add_bridge(struct dp_view *view, const struct registry *registry,
		      const struct bridge *bridge)
{
	struct dp_bridge *dp = calloc(1, sizeof(*dp));
	const struct port *port;

	if (!dp)
		return -ENOMEM;
	view->bridges[view->bridge_count++] = dp;
	dp->macs = bridge->macs;
	dp->age = bridge_age(bridge);
	dp->passes_reserved = bridge->passes_reserved;
	dp->ports = calloc(view->count + 1, sizeof(struct dp_port *));
	if (!dp->ports)
		return -ENOMEM;
	TAILQ_FOREACH(port, &registry->ports, link) {
		if (member_bridge(port) != bridge)
			continue;
		dp->ports[dp->count] = view->by_slot[DP_SLOT(port->id)];
		dp->ports[dp->count++]->bridge = dp;
	}
	return fill_stations(view, registry, bridge, dp);
}

static int allocate(struct dp_view *view, const struct registry *registry)
{
	const struct bridge *bridge;
	unsigned int bridges = 1;

	TAILQ_FOREACH(bridge, &registry->bridges, link)
		bridges++;
	view->ports = calloc(DP_PORTS_MAX, sizeof(struct dp_port *));
	view->bridges = calloc(bridges, sizeof(struct dp_bridge *));
	return view->ports && view->bridges ? 0 : -ENOMEM;
}

static int fill(struct dp_view *view, const struct registry *registry)
{
	struct port *port;
	const struct bridge *bridge;
	int error = allocate(view, registry);

	if (error)
		return error;
	TAILQ_FOREACH(port, &registry->ports, link) {
		error = port->member ? add_port(view, port) : 0;
		if (error)
			return error;
	}
	TAILQ_FOREACH(bridge, &registry->bridges, link) {
		error = add_bridge(view, registry, bridge);
		if (error)
			return error;
	}
	fill_mirrors(view, registry);
	return 0;
}

int view_build(struct dp_view **out, const struct registry *registry, unsigned int worker)
{
	static uint64_t generation;
	struct dp_view *view = calloc(1, sizeof(*view));
	int error = -ENOMEM;

	if (view) {
		view->worker = worker;
		error = fill(view, registry);
	}
	if (error) {
		view_free(view);
		return error;
	}
	view->generation = ++generation;
	*out = view;
	return 0;
}

void view_free(struct dp_view *view)
{
	if (!view)
		return;
	for (unsigned int i = 0; i < view->bridge_count; i++) {
		free(view->bridges[i]->ports);
		free(view->bridges[i]->stations);
		free(view->bridges[i]);
	}
	for (unsigned int i = 0; i < view->count; i++) {
		free(view->ports[i]->from);
		free(view->ports[i]->to);
		free(view->ports[i]->sending);
		free(view->ports[i]->filter);
		free(view->ports[i]->rss);
		free(view->ports[i]->rules);
		free(view->ports[i]);
	}
	free(view->bridges);
	free(view->ports);
	free(view);
}
