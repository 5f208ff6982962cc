/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way from what comes over a network down to the hardware that carries it. */
#ifndef IOV_BASE_GUARD_WALK_REMOTE_H
#define IOV_BASE_GUARD_WALK_REMOTE_H

#include "base/guard/scan.h"

/*
 * Follow a disk or a controller that is on another host, by its path in sysfs, to what carries it
 * here: NVMe over Fabrics, iSCSI by the host's own TCP, FCoE, ATA over Ethernet, Ceph.  What is here
 * itself leads nowhere.
 */
void guard_walk_remote(struct guard_scan *scan, struct guard_chain *chain, const char *target);

/* The interface by which the host reaches an address, "192.0.2.1" or "2001:db8::1". */
void guard_walk_peer(struct guard_scan *scan, struct guard_chain *chain, const char *address);

/* The interface of this host that has an address; false for none, as of "0.0.0.0". */
bool guard_walk_own(struct guard_scan *scan, struct guard_chain *chain, const char *address);

/* The port of Fibre Channel of this host that has a name: "0x10000090fae0b5f5", "10:00:00:90:..." */
void guard_walk_port(struct guard_scan *scan, struct guard_chain *chain, const char *name);

#endif
