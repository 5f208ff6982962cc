/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guards share; for the files of base/ alone. */
#ifndef IOV_BASE_GUARD_GUARD_SCAN_H
#define IOV_BASE_GUARD_GUARD_SCAN_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/pci/pci.h"

/* Deepest stack of interfaces or block devices that is followed. */
#define GUARD_DEPTH 16

/* Longest name of an interface, with its NUL. */
#define GUARD_INTERFACE_SIZE 16

/* Each is a line of the table in guard.c. */
enum guard {
	GUARD_DEFAULT_ROUTE,
	GUARD_SESSION,
	GUARD_ADDRESS,
	GUARD_BOND,
	GUARD_TEAM,
	GUARD_BRIDGE,
	GUARD_OVS,
	GUARD_VLAN,
	GUARD_MACVLAN,
	GUARD_UPPER,
	GUARD_NETNS,
	GUARD_MOUNT,
	GUARD_SWAP,
	GUARD_LVM,
	GUARD_MD,
	GUARD_CRYPT,
	GUARD_ZFS,
	GUARD_BCACHE,
	GUARD_DM,
	GUARD_LOOP,
	GUARD_CLAIMED,
	GUARD_DISK_OPEN,
	GUARD_VFIO_OPEN,
	GUARD_DPDK,
	GUARD_RDMA_OPEN,
	GUARD_BOOT_DISPLAY,
	GUARD_GPU_OPEN,
};

/**
 * struct guard_scan - everything that is held on a host at one moment
 * @iov: context
 * @holders: array of objects "guard", "holder", "path" (names from the hardware
 *	up to the holder), "pid" where there is one, and "device", a sysfs path that
 *	contains the address of the function
 * @mounted: object with the device number of every file system that was seen as a key
 * @namespaces: object with every namespace that was looked into as a key: "net:[4026531840]"
 * @disks: as @holders of every whole disk, held or not; NULL until someone asks
 */
struct guard_scan {
	struct iov *iov;
	struct json_object *holders;
	struct json_object *mounted;
	struct json_object *namespaces;
	struct json_object *disks;
};

/**
 * struct guard_chain - the way from a holder down to the hardware
 * @guard: the guard
 * @holder: what needs the hardware
 * @pid: process that does; NULL for none
 * @names: interfaces or block devices, the holder's first
 * @count: length of @names
 */
struct guard_chain {
	enum guard guard;
	const char *holder;
	const char *pid;
	const char *names[GUARD_DEPTH];
	size_t count;
};

/* Note a holder whose hardware is at a sysfs path. */
void guard_found(struct guard_scan *scan, const struct guard_chain *chain, const char *device);

/* guard_net.c: walk from an interface down to hardware. */
void guard_walk_interface(struct guard_scan *scan, struct guard_chain *chain,
			  const char *interface);

/* guard_net.c: hold what an interface is made of. */
void guard_hold_interface(struct guard_scan *scan, enum guard guard, const char *holder,
			  const char *interface);

/* What a kind of interface, as rtnetlink names it, is guarded by, and how it is called. */
enum guard guard_of_kind(const char *kind);
const char *guard_title_of_kind(const char *kind);

/* guard_address.c: addresses of interfaces, IPv4 as IPv4-mapped IPv6. */
struct guard_address {
	char interface[GUARD_INTERFACE_SIZE];
	unsigned char bytes[16];
	bool configured;
};

struct guard_addresses {
	struct guard_address *list;
	size_t count;
};

/* guard_route.c: routes, IPv4 as IPv4-mapped IPv6; of other tables than the main one defaults. */
struct guard_route {
	char interface[GUARD_INTERFACE_SIZE];
	unsigned char destination[16];
	unsigned char gateway[16];
	unsigned int prefix;
	bool ipv4;
};

struct guard_routes {
	struct guard_route *list;
	size_t count;
};

int guard_read_routes(struct iov *iov, struct guard_routes *routes);
void guard_scan_routes(struct guard_scan *scan, const struct guard_routes *routes,
		       const struct guard_addresses *addresses);

/* The interface of the longest prefix that holds an address; NULL for none. */
const char *guard_route_to(const struct guard_routes *routes, const unsigned char *address);

int guard_read_addresses(struct iov *iov, const struct guard_routes *routes,
			 struct guard_addresses *addresses);
void guard_scan_addresses(struct guard_scan *scan, const struct guard_addresses *addresses);

/* ::ffff:192.0.2.1 */
void guard_map_ipv4(unsigned char *address, unsigned int ipv4);
bool guard_is_ipv4(const unsigned char *address);

/* 32 hexadecimal digits without colons, as procfs writes IPv6 addresses. */
bool guard_parse_hex(const char *text, unsigned char *address);

/* guard_block.c: walk from a block device down to hardware. */
void guard_walk_block(struct guard_scan *scan, struct guard_chain *chain, const char *name);

/* The block device that a node below /dev stands for: "dm-0" for "/dev/mapper/vg-root". */
void guard_block_of_node(struct iov *iov, const char *node, char *name, size_t size);

typedef void guard_visit_fn(struct guard_scan *scan, struct guard_chain *chain,
			    const char *directory, const char *name);

/* Hand each name in a directory to a function. */
void guard_for_each_name(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, guard_visit_fn *visit);

/* Hand each line of a file to a function; a host without the file has nothing of its kind. */
void guard_for_each_line(struct guard_scan *scan, const char *path, const void *argument,
			 void (*visit)(struct guard_scan *scan, const char *line,
				       const void *argument));

/* "\040" and its like, as procfs writes white space in paths. */
void guard_unescape(char *text);

/* guard_mount.c: the mounts that a process sees and we do not; @process is "pid 71 (httpd)". */
void guard_scan_mounts_of(struct guard_scan *scan, const char *pid, const char *process);

/* Whether @name is a component of @path. */
bool guard_has_component(const char *path, const char *name);

/* The guards. Each returns 0 or -errno with a message. */
int guard_scan_net(struct guard_scan *scan);
int guard_scan_mounts(struct guard_scan *scan);
int guard_scan_block(struct guard_scan *scan);
int guard_scan_processes(struct guard_scan *scan);
int guard_scan_named_netns(struct guard_scan *scan);
int guard_scan_display(struct guard_scan *scan);

/* guard_claim.c: disks of a function that the kernel holds for who knows whom. */
void guard_scan_claims(struct guard_scan *scan, const char *device);

/*
 * guard_netns.c: interfaces in another network namespace; @name is "the network namespace
 * of pid 71 (httpd)", @pid NULL where none stands for it.
 */
void guard_scan_netns(struct guard_scan *scan, int fd, const char *pid, const char *name);

/*
 * guard_netns.c: a function whose interface is in a namespace that was not found; @dir is its
 * directory in sysfs.
 */
void guard_scan_hidden_net(struct guard_scan *scan, int dir, const char *device);

/* Whether a namespace, "net:[4026531840]", was not looked into before. */
bool guard_namespace_is_new(struct guard_scan *scan, const char *namespace);

/* guard_display.c: whether a function is the display of the boot. */
void guard_scan_boot_vga(struct guard_scan *scan, int dir, const char *device);

/* guard_zfs.c: a disk that is in an imported pool. */
void guard_scan_zfs(struct guard_scan *scan);

/* A scan that has looked at nothing yet; guard_scan_close() frees it. */
void guard_scan_begin(struct guard_scan *scan, struct iov *iov);

/* Look once, then ask for as many functions as needed. */
int guard_scan_open(struct guard_scan *scan, struct iov *iov);
int guard_scan_match(struct guard_scan *scan, struct iov_bdf bdf, struct json_object *findings);
void guard_scan_close(struct guard_scan *scan);

#endif
