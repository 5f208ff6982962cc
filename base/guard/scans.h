/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds of scans, each in the file of its name; for the table in guard.c. */
#ifndef IOV_BASE_GUARD_SCANS_H
#define IOV_BASE_GUARD_SCANS_H

#include "base/guard/scan.h"

extern const struct guard_kind scan_route; /* default-route, route */
extern const struct guard_kind scan_session; /* session */
extern const struct guard_kind scan_address; /* address */
extern const struct guard_kind scan_upper; /* bond, team, bridge, ovs, vlan, macvlan, upper */
extern const struct guard_kind scan_packet; /* packet, promiscuous */
extern const struct guard_kind scan_program; /* xdp, tc */
extern const struct guard_kind scan_bpf; /* bpf */
extern const struct guard_kind scan_netns; /* netns */
extern const struct guard_kind scan_mount; /* mount, swap */
extern const struct guard_kind scan_volume; /* lvm, md, crypt, bcache, dm, loop, zram */
extern const struct guard_kind scan_zfs; /* zfs */
extern const struct guard_kind scan_export; /* target */
extern const struct guard_kind scan_claim; /* claimed */
/* disk-open, vfio-open, dpdk, rdma-open, gpu-open, device-open */
extern const struct guard_kind scan_open;
extern const struct guard_kind scan_memory; /* memory */
extern const struct guard_kind scan_vsock; /* vsock */
extern const struct guard_kind scan_kernel; /* gadget, dma, crypto, ubi */
extern const struct guard_kind scan_console; /* console, watchdog */
extern const struct guard_kind scan_display; /* boot-display */
extern const struct guard_kind scan_xen; /* xen */
extern const struct guard_kind scan_class; /* class */
extern const struct guard_kind scan_fleet; /* fleet */

#endif
