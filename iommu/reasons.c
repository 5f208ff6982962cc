// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why the kernel put functions into one group.
 *
 * The kernel says which, not why, so its rules are repeated on configuration
 * space, and only for functions that are together: a quirk that separates them
 * in the kernel is then never contradicted.  Three things join functions:
 *
 *	a bridge to conventional PCI	DMA from behind it carries the bridge's ID
 *	a port without ACS		what is below it can reach each other, and the
 *					port itself, without passing the IOMMU
 *	a multifunction device		the same between its functions
 *
 * Each is stated once, with the members that it joins.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/topology.h"
#include "iommu/group.h"

struct member {
	struct iov_node node;
	struct iov_bdf ancestors[IOV_ANCESTORS_MAX];
	size_t depth;
};

struct analysis {
	struct iov *iov;
	struct member *members;
	size_t count;
	bool hidden;		/* configuration space was not readable far enough */
	int error;		/* of one because of that */
	struct json_object *reasons;
};

static bool same(struct iov_bdf a, struct iov_bdf b)
{
	return !iov_bdf_compare(a, b);
}

static bool is_below(const struct member *member, struct iov_bdf bridge)
{
	for (size_t i = 0; i < member->depth; i++) {
		if (same(member->ancestors[i], bridge))
			return true;
	}
	return false;
}

static void add_reason(struct analysis *analysis, const char *kind, const char *at,
		       struct json_object *members, const char *text)
{
	struct json_object *reason = json_object_new_object();

	json_object_object_add(reason, "kind", json_object_new_string(kind));
	json_object_object_add(reason, "at", json_object_new_string(at));
	json_object_object_add(reason, "members", members);
	json_object_object_add(reason, "text", json_object_new_string(text));
	json_object_array_add(analysis->reasons, reason);
}

static bool has_reason(struct analysis *analysis, const char *at)
{
	for (size_t i = 0; i < json_object_array_length(analysis->reasons); i++) {
		struct json_object *reason = json_object_array_get_idx(analysis->reasons, i);

		if (!strcmp(json_text_or_null(reason, "at"), at))
			return true;
	}
	return false;
}

/* The members at or below a bridge. */
static struct json_object *members_below(struct analysis *analysis, struct iov_bdf bridge)
{
	struct json_object *members = json_object_new_array();

	for (size_t i = 0; i < analysis->count; i++) {
		const struct member *member = &analysis->members[i];

		if (same(member->node.bdf, bridge) || is_below(member, bridge))
			json_object_array_add(members, json_object_new_string(
						      IOV_BDF(member->node.bdf)));
	}
	return members;
}

/* A bridge or port that joins what is below it. */
static void explain_bridge(struct analysis *analysis, const struct iov_node *node)
{
	struct iov_bdf_text bdf = iov_bdf_format(node->bdf);
	struct json_object *members;
	char text[256];

	if (has_reason(analysis, bdf.text))
		return;
	if (node->legacy)
		snprintf(text, sizeof(text),
			 "%s is a bridge to conventional PCI: DMA from behind it carries the "
			 "bridge's ID, so the IOMMU cannot tell its devices apart",
			 bdf.text);
	else if (node->port && node->acs == IOV_ACS_ABSENT)
		snprintf(text, sizeof(text), "port %s has no ACS: devices below it can reach each "
			 "other without passing the IOMMU", bdf.text);
	else if (node->port && node->acs == IOV_ACS_OFF)
		snprintf(text, sizeof(text), "ACS of port %s is not enabled: devices below it can "
			 "reach each other without passing the IOMMU", bdf.text);
	else
		return;
	members = members_below(analysis, node->bdf);
	if (json_object_array_length(members) > 1)
		add_reason(analysis, node->legacy ? "pci-bridge" : "no-acs", bdf.text, members,
			   text);
	else
		json_object_put(members);
}

static void note_hidden(struct analysis *analysis, const struct iov_node *node)
{
	analysis->hidden |= node->acs == IOV_ACS_UNKNOWN;
	if (node->error)
		analysis->error = node->error;
}

static void explain_bridges(struct analysis *analysis)
{
	for (size_t i = 0; i < analysis->count; i++) {
		const struct member *member = &analysis->members[i];
		struct iov_node node;

		explain_bridge(analysis, &member->node);
		for (size_t n = member->depth; n--;) {
			iov_node_read(analysis->iov, member->ancestors[n], &node);
			note_hidden(analysis, &node);
			explain_bridge(analysis, &node);
		}
	}
}

static bool joins_slot(const struct member *a, const struct member *b)
{
	return a->node.bdf.domain == b->node.bdf.domain && a->node.bdf.bus == b->node.bdf.bus &&
	       a->node.bdf.device == b->node.bdf.device && a->node.acs != IOV_ACS_ON &&
	       b->node.acs != IOV_ACS_ON && a->node.multifunction;
}

/* Functions of one device of which at least two have no ACS. */
static void explain_slot(struct analysis *analysis, const struct member *first)
{
	struct json_object *members = json_object_new_array();
	char slot[IOV_BDF_SIZE], text[256];

	snprintf(slot, sizeof(slot), "%.*s", (int)strcspn(IOV_BDF(first->node.bdf), "."),
		 IOV_BDF(first->node.bdf));
	for (size_t i = 0; i < analysis->count; i++) {
		if (joins_slot(&analysis->members[i], first))
			json_object_array_add(members, json_object_new_string(
						      IOV_BDF(analysis->members[i].node.bdf)));
	}
	snprintf(text, sizeof(text), "%s is a multifunction device without ACS: its functions can "
		 "reach each other without passing the IOMMU", slot);
	if (json_object_array_length(members) > 1 && !has_reason(analysis, slot))
		add_reason(analysis, "multifunction", slot, members, text);
	else
		json_object_put(members);
}

static struct json_object *all_members(struct analysis *analysis)
{
	struct json_object *members = json_object_new_array();

	for (size_t i = 0; i < analysis->count; i++)
		json_object_array_add(members, json_object_new_string(
					      IOV_BDF(analysis->members[i].node.bdf)));
	return members;
}

static const char *why_hidden(int error)
{
	switch (error) {
	case -EHOSTDOWN:
		return "a function sleeps, and its capabilities that tell why were not read, as "
		       "that wakes it";
	case -ETIMEDOUT:
		return "the kernel does not let the capabilities that tell why be read: a function "
		       "is being reset, or hangs in that";
	default:
		return "the capabilities that tell why are readable by root only: run it with sudo";
	}
}

static void explain(struct analysis *analysis)
{
	if (analysis->count < 2)
		return;
	for (size_t i = 0; i < analysis->count; i++)
		note_hidden(analysis, &analysis->members[i].node);
	explain_bridges(analysis);
	for (size_t i = 0; !analysis->hidden && i < analysis->count; i++)
		explain_slot(analysis, &analysis->members[i]);
	if (analysis->hidden)
		add_reason(analysis, "hidden", "", all_members(analysis), why_hidden(analysis->error));
	else if (!json_object_array_length(analysis->reasons))
		add_reason(analysis, "kernel", "", all_members(analysis),
			   "the kernel joined them for a property that configuration space does "
			   "not show: a DMA alias or a quirk of the device");
}

int iov_group_reasons(struct iov *iov, const struct iov_group *group, struct json_object **reasons)
{
	_cleanup_free_ struct member *members = calloc(group->count + 1, sizeof(*members));
	struct analysis analysis = { .iov = iov, .members = members, .count = group->count };

	if (!members)
		return -ENOMEM;
	for (size_t i = 0; i < group->count; i++) {
		iov_node_read(iov, group->members[i].bdf, &members[i].node);
		members[i].depth = iov_pci_ancestors(iov, group->members[i].bdf,
						     members[i].ancestors);
	}
	analysis.reasons = json_object_new_array();
	explain(&analysis);
	*reasons = analysis.reasons;
	return 0;
}
