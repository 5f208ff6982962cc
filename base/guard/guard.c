// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guards look from the holder's side: they start at the few routes, mounts and
 * open files of a host, walk down through whatever is stacked below them, and
 * end at a sysfs path of hardware.  A function is held when its address is a
 * component of that path, so controllers between it and the disk or interface
 * (NVMe, virtio, SCSI, USB) need no knowledge of theirs.  The cost does not
 * grow with the number of functions: one scan answers for all.
 *
 * Each guard speaks for itself, also where another went the same way: whoever
 * lifts "mount" has not said that the volume below the file system may go.
 */
#include "base/guard/guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/guard/guard_scan.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

static const struct {
	const char *name;
	const char *meaning;
} guards[] = {
	[GUARD_DEFAULT_ROUTE] = { "default-route", "a default route leaves through its interface" },
	[GUARD_SESSION] = { "session", "the connection that runs the command arrives through it" },
	[GUARD_ADDRESS] = { "address", "its interface has an IP address that someone configured" },
	[GUARD_BOND] = { "bond", "its interface is a member of a bond" },
	[GUARD_TEAM] = { "team", "its interface is a member of a team" },
	[GUARD_BRIDGE] = { "bridge", "its interface is a port of a bridge" },
	[GUARD_OVS] = { "ovs", "its interface is a port of Open vSwitch" },
	[GUARD_VLAN] = { "vlan", "a VLAN is on its interface" },
	[GUARD_MACVLAN] = { "macvlan", "a macvlan, macvtap or ipvlan is on its interface" },
	[GUARD_UPPER] = { "upper", "another kind of interface is on its own: vxlan, macsec, vrf" },
	[GUARD_NETNS] = { "netns", "its interface is in another network namespace" },
	[GUARD_MOUNT] = { "mount", "a mounted file system is on its disk, in any mount namespace" },
	[GUARD_SWAP] = { "swap", "active swap is on its disk" },
	[GUARD_LVM] = { "lvm", "an active LVM volume is on its disk" },
	[GUARD_MD] = { "md", "its disk is in an MD array, running or not" },
	[GUARD_CRYPT] = { "crypt", "an open dm-crypt volume is on its disk" },
	[GUARD_ZFS] = { "zfs", "its disk is in an imported ZFS pool" },
	[GUARD_BCACHE] = { "bcache", "its disk is part of a bcache device" },
	[GUARD_DM] = { "dm", "another device mapper volume is on its disk: multipath, linear" },
	[GUARD_LOOP] = { "loop", "a loop device is on its disk" },
	[GUARD_CLAIMED] = { "claimed", "the kernel holds its disk for a user of unknown kind" },
	[GUARD_DISK_OPEN] = { "disk-open", "a process has its disk or controller open" },
	[GUARD_VFIO_OPEN] = { "vfio-open", "a process has its VFIO group or device open" },
	[GUARD_DPDK] = { "dpdk", "a DPDK process, or another by UIO, drives it" },
	[GUARD_RDMA_OPEN] = { "rdma-open", "a process has its RDMA device open" },
	[GUARD_BOOT_DISPLAY] = { "boot-display", "it is the display of the boot or of the console" },
	[GUARD_GPU_OPEN] = { "gpu-open", "a process has it open as a GPU" },
};

#define GUARDS (sizeof(guards) / sizeof(*guards))

const char *iov_guard_name(size_t index)
{
	return index < GUARDS ? guards[index].name : NULL;
}

const char *iov_guard_meaning(const char *name)
{
	for (size_t i = 0; i < GUARDS; i++) {
		if (!strcmp(guards[i].name, name))
			return guards[i].meaning;
	}
	return NULL;
}

int iov_guard_set_session(struct iov *iov, const char *ssh_connection)
{
	iov->session_client[0] = '\0';
	iov->session_local[0] = '\0';
	if (ssh_connection && sscanf(ssh_connection, "%63s %*s %63s", iov->session_client,
				     iov->session_local) != 2)
		return iov_fail(iov, -EINVAL,
				"SSH_CONNECTION is '%s'; expected 'client port server port'",
				ssh_connection);
	return 0;
}

static struct json_object *chain_path(const struct guard_chain *chain)
{
	struct json_object *path = json_object_new_array();

	for (size_t i = chain->count; i--;)
		json_object_array_add(path, json_object_new_string(chain->names[i]));
	return path;
}

static bool is_known(const struct guard_scan *scan, struct json_object *holder)
{
	for (size_t i = 0; i < json_object_array_length(scan->holders); i++) {
		if (json_object_equal(holder, json_object_array_get_idx(scan->holders, i)))
			return true;
	}
	return false;
}

void guard_found(struct guard_scan *scan, const struct guard_chain *chain, const char *device)
{
	struct json_object *holder = json_object_new_object();

	json_object_object_add(holder, "guard", json_object_new_string(guards[chain->guard].name));
	json_object_object_add(holder, "holder", json_object_new_string(chain->holder));
	json_object_object_add(holder, "path", chain_path(chain));
	if (chain->pid)
		json_object_object_add(holder, "pid",
				       json_object_new_int64(strtol(chain->pid, NULL, 10)));
	json_object_object_add(holder, "device", json_object_new_string(device));
	if (is_known(scan, holder))
		json_object_put(holder);
	else
		json_object_array_add(scan->holders, holder);
}

void guard_scan_begin(struct guard_scan *scan, struct iov *iov)
{
	*scan = (struct guard_scan){
		.iov = iov,
		.holders = json_object_new_array(),
		.mounted = json_object_new_object(),
		.namespaces = json_object_new_object(),
	};
}

int guard_scan_open(struct guard_scan *scan, struct iov *iov)
{
	static int (*const scans[])(struct guard_scan *scan) = {
		guard_scan_net, guard_scan_mounts, guard_scan_block, guard_scan_processes,
		guard_scan_named_netns, guard_scan_display,
	};
	int error = 0;

	guard_scan_begin(scan, iov);
	for (size_t i = 0; !error && i < sizeof(scans) / sizeof(*scans); i++)
		error = scans[i](scan);
	if (error)
		guard_scan_close(scan);
	return error;
}

void guard_scan_close(struct guard_scan *scan)
{
	json_object_put(scan->holders);
	json_object_put(scan->mounted);
	json_object_put(scan->namespaces);
	json_object_put(scan->disks);
	scan->holders = scan->mounted = scan->namespaces = scan->disks = NULL;
}

bool guard_has_component(const char *path, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = path; (at = strstr(at, name)); at += length) {
		if ((at == path || at[-1] == '/') && (!at[length] || at[length] == '/'))
			return true;
	}
	return false;
}

/* The holder as a finding: with the function in front of its path. */
static void add_finding(struct json_object *findings, const char *device,
			struct json_object *holder)
{
	struct json_object *finding = json_object_new_object();
	struct json_object *path = json_object_new_array();

	json_object_object_foreach(holder, key, value)
		json_object_object_add(finding, key, json_object_get(value));
	json_object_array_add(path, json_object_new_string(device));
	value = json_object_object_get(holder, "path");
	for (size_t i = 0; i < json_object_array_length(value); i++)
		json_object_array_add(path, json_object_get(json_object_array_get_idx(value, i)));
	json_object_object_add(finding, "path", path);
	json_object_object_add(finding, "device", json_object_new_string(device));
	json_object_array_add(findings, finding);
}

int guard_scan_match(struct guard_scan *scan, struct iov_bdf bdf, struct json_object *findings)
{
	_cleanup_fd_ int dir = iov_dir_open(scan->iov, iov_pci_path(bdf, "").name);
	struct iov_bdf_text device = iov_bdf_format(bdf);

	guard_scan_claims(scan, device.text);
	if (dir >= 0) {
		guard_scan_hidden_net(scan, dir, device.text);
		guard_scan_boot_vga(scan, dir, device.text);
	}
	for (size_t i = 0; i < json_object_array_length(scan->holders); i++) {
		struct json_object *holder = json_object_array_get_idx(scan->holders, i);
		struct json_object *path = json_object_object_get(holder, "device");

		if (guard_has_component(json_object_get_string(path), device.text))
			add_finding(findings, device.text, holder);
	}
	return 0;
}

int iov_guard_function(struct iov *iov, struct iov_bdf bdf, struct json_object *findings)
{
	struct guard_scan scan;
	int error = guard_scan_open(&scan, iov);

	if (error)
		return error;
	error = guard_scan_match(&scan, bdf, findings);
	guard_scan_close(&scan);
	return error;
}
