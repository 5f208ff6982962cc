/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way from an interface down to hardware, and what kinds of interfaces there are. */
#ifndef IOV_BASE_GUARD_WALK_INTERFACE_H
#define IOV_BASE_GUARD_WALK_INTERFACE_H

#include "base/guard/scan.h"

/* What speaks for an interface of some kind that is on others. */
extern const struct guard guard_bond;
extern const struct guard guard_team;
extern const struct guard guard_bridge;
extern const struct guard guard_ovs;
extern const struct guard guard_vlan;
extern const struct guard guard_macvlan;
extern const struct guard guard_upper;

/* Follow an interface down to hardware. */
void guard_walk_interface(struct guard_scan *scan, struct guard_chain *chain,
			  const char *interface);

/* Hold what an interface is made of. */
void guard_hold_interface(struct guard_scan *scan, const struct guard *guard, const char *holder,
			  const char *interface);

/* The interface with an index, as sysfs has it in our network namespace; false for none. */
bool guard_interface_of_index(struct guard_scan *scan, unsigned int index,
			      char name[GUARD_INTERFACE_SIZE]);

/* Whether an interface is on this one. */
bool guard_has_upper(struct guard_scan *scan, const char *interface);

/* What a kind of interface, as rtnetlink names it, is guarded by, and how it is called. */
const struct guard *guard_of_kind(const char *kind);
const char *guard_title_of_kind(const char *kind);

#endif
