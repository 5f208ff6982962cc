/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core of the guards: what a scan of the host is made of, and what it finds.
 *
 * A kind of scan is one struct, in a file scan_*.c of its own.  It knows this header and the
 * services walk_*.h, links.h and network.h, never another scan.  guard.c has the table of
 * them, and ask.h is for those who want to know.
 */
#ifndef IOV_BASE_GUARD_SCAN_H
#define IOV_BASE_GUARD_SCAN_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/pci/pci.h"

/* Deepest stack of interfaces or block devices that is followed; a deeper one fails the scan. */
#define GUARD_DEPTH 32

/* Longest name of an interface, with its NUL. */
#define GUARD_INTERFACE_SIZE 16

/* "mnt:[4026531841]" with its NUL. */
#define GUARD_NAMESPACE_SIZE 64

/**
 * struct guard - one reason to leave a function alone
 * @name: as findings and --force= have it
 * @meaning: a clause about the function
 * @claims: its holders claim block devices in the kernel: nobody else can have them exclusively
 */
struct guard {
	const char *name;
	const char *meaning;
	bool claims;
};

struct guard_links;
struct guard_network;

/**
 * struct guard_scan - everything that is held on a host at one moment
 * @iov: context
 * @places: of what is asked for, see guard_places(); NULL for nothing
 * @holders: array of objects "guard", "holder", "path" (names from the hardware
 *	up to the holder), "pid" where there is one, and "device", a sysfs path that
 *	contains the address of the function
 * @met: object with a key for whatever a scan looks at only once, see guard_is_new()
 * @disks: as @holders of every whole disk, held or not; NULL until scan_claim.c asks
 * @sockets: object of "socket:[31337]" to the interface that it is bound to, for scan_packet.c
 * @connections: object of "socket:[31337]" of AF_VSOCK to the CID at its other end, for
 *	scan_vsock.c; NULL for none
 * @namespaces: object of "net:[4026532271]" to where it is held beside processes, for
 *	scan_netns.c; NULL until it finds one
 * @untold: array of processes that have devices of VFIO which the kernel does not name, for
 *	scan_open.c; NULL for none
 * @links: interfaces; NULL until somebody asks, see links.h
 * @network: routes and addresses; NULL until somebody asks, see network.h
 * @claims: of the host, for scan_fleet.c; NULL until somebody asks
 * @supplies: object of a function to an array of those that go without a driver when it does; NULL
 *	until guard.c asks
 * @hung: looks into sockets that were not answered in time, see walk_hidden.c
 * @error: of the first thing that could not be looked at, whose message the context has
 */
struct guard_scan {
	struct iov *iov;
	struct json_object *places;
	struct json_object *holders;
	struct json_object *met;
	struct json_object *disks;
	struct json_object *sockets;
	struct json_object *connections;
	struct json_object *namespaces;
	struct json_object *untold;
	struct guard_links *links;
	struct guard_network *network;
	struct json_object *claims;
	struct json_object *supplies;
	unsigned int hung;
	int error;
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
	const struct guard *guard;
	const char *holder;
	const char *pid;
	const char *names[GUARD_DEPTH];
	size_t count;
};

/**
 * struct guard_process - a process that is looked at
 * @pid: its number
 * @title: see guard_title()
 * @path: "proc/71", or "proc/71/task/72": its first thread has ended before the others, or that
 *	thread has descriptors, mounts or a network of its own
 * @directory: that, open
 * @files: see guard_list_files(); NULL until somebody asks
 * @file_count: length of @files
 * @looks: it is a child of ours that has copies of what was found by so many looks into sockets
 */
struct guard_process {
	const char *pid;
	char title[96];
	struct iov_path path;
	int directory;
	char **files;
	size_t file_count;
	unsigned int looks;
};

/**
 * struct guard_kind - a kind of scan
 * @guards: those that it speaks for, up to a NULL
 * @network: they speak for the network of the host itself
 * @scan: look at the host, before processes
 * @process: look at a process; all are walked once, for all kinds
 * @finish: look at the host, after processes
 * @match: look at one device that somebody asks about, by its place, which is at @dir in
 *	sysfs; @dir is negative for a function that does not exist
 *
 * Each operation may be NULL.  What they find goes to guard_found(), and what they could
 * not look at to guard_failed().
 */
struct guard_kind {
	const struct guard *const *guards;
	bool network;
	void (*scan)(struct guard_scan *scan);
	void (*process)(struct guard_scan *scan, struct guard_process *process);
	void (*finish)(struct guard_scan *scan);
	void (*match)(struct guard_scan *scan, int dir, const char *device);
};

/*
 * The descriptors that a process has, by their names below "fd", all of them listed once; false
 * when that cannot be seen, which is noted.
 */
bool guard_list_files(struct guard_scan *scan, struct guard_process *process);

typedef void guard_socket_fn(struct guard_scan *scan, struct guard_process *process,
			     const char *socket, struct json_object *value);

/* Hand those of an object of "socket:[31337]" that a process has open to a function. */
void guard_for_each_socket(struct guard_scan *scan, struct guard_process *process,
			   struct json_object *sockets, guard_socket_fn *visit);

/* "pid 71 (qemu-system-x86)" */
const char *guard_title(struct guard_scan *scan, struct guard_process *process);

/* Note a holder whose hardware is at a sysfs path. */
void guard_found(struct guard_scan *scan, const struct guard_chain *chain, const char *device);

/*
 * Whether a chain goes on to @name: not in a ring, and not where it has no room for one more, which
 * fails the scan, as what is below is not known then.
 */
bool guard_may_go_deeper(struct guard_scan *scan, const struct guard_chain *chain,
			 const char *name);

/* The guard of a holder that was noted. */
const struct guard *guard_of_holder(struct json_object *holder);

/* Whether a guard has a holder already whose hardware is @device. */
bool guard_is_held(const struct guard_scan *scan, const struct guard *guard, const char *device);

/*
 * Note that something could not be looked at, so that the scan as a whole fails: nobody
 * knows then whether the function is held.  What does not exist, or went meanwhile, is no
 * error.  @what: "/proc/swaps", "the routes"
 */
void guard_failed(struct guard_scan *scan, int error, const char *what);

/* Read a link of sysfs; false where there is none, or it could not be read, which is noted then. */
bool guard_read_link(struct guard_scan *scan, const char *path, char target[IOV_PATH_MAX]);

/* The same for what belongs to somebody else, which only root is expected to see. */
void guard_unseen(struct guard_scan *scan, int error, const char *what);

/* Whether @what was not met before in this scan: "net:[4026531840]", "device 8:1" */
bool guard_is_new(struct guard_scan *scan, const char *what);

/* It could not be looked at; the next one who meets it may. */
void guard_forget(struct guard_scan *scan, const char *what);

typedef void guard_visit_fn(struct guard_scan *scan, struct guard_chain *chain,
			    const char *directory, const char *name);

/* Hand each name in a directory to a function; a host without it has nothing of its kind. */
void guard_for_each_name(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, guard_visit_fn *visit);

typedef void guard_line_fn(struct guard_scan *scan, const char *line, const void *argument);

/* Hand each line of a file to a function; a host without the file has nothing of its kind. */
void guard_for_each_line(struct guard_scan *scan, const char *path, const void *argument,
			 guard_line_fn *visit);

/* The same, but why the file could not be read is the caller's to note: 0 or -errno. */
int guard_read_lines(struct guard_scan *scan, const char *path, const void *argument,
		     guard_line_fn *visit);

/* "\040" and its like, as procfs writes white space in paths. */
void guard_unescape(char *text);

/* Whether @name is a component of @path. */
bool guard_has_component(const char *path, const char *name);

/* Whether a namespace of a process, "ns/net", is one that no process before was in; its name. */
bool guard_is_new_namespace(struct guard_scan *scan, const struct guard_process *process,
			    const char *link, char target[GUARD_NAMESPACE_SIZE]);

/* Our own namespaces are no news. */
void guard_know_own_namespace(struct guard_scan *scan, const char *link);

/*
 * Whether a name is of what guards can be asked for: a BDF, or SUBSYSTEM/NAME, with a bus below
 * /sys/bus or a class below /sys/class, of which no two have one name.
 */
bool guard_knows(const char *device);

/* Its directory. */
struct iov_path guard_device_path(struct iov *iov, const char *device);

/*
 * Where each of an array of such devices is found in paths of sysfs: a new array of the component
 * that is a function, of the components from below "devices" on that lead to another device, or
 * of null for a device that is not there.
 */
struct json_object *guard_places(struct iov *iov, struct json_object *devices);

/* Whether a path is of a device that somebody asks for. */
bool guard_is_asked(const struct guard_scan *scan, const char *path);

/*
 * Look at the host with @count kinds of scans, for who uses what is at @places, which outlive the
 * scan.  0, or -errno with a message; the scan is closed then.
 */
int guard_scan_run(struct guard_scan *scan, struct iov *iov, const struct guard_kind *const *kinds,
		   size_t count, struct json_object *places);

/*
 * Append what holds a device to @findings, of what the scan has found.  @place: as guard_places()
 * tells it.
 */
void guard_scan_find(struct guard_scan *scan, const char *device, const char *place,
		     struct json_object *findings);

void guard_scan_close(struct guard_scan *scan);

#endif
