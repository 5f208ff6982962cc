/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what a file says to a plan; for the files of host/ alone. */
#ifndef IOV_HOST_FILE_BUILD_H
#define IOV_HOST_FILE_BUILD_H

#include <stdbool.h>

#include "host/file/host.h"

/**
 * struct host_target - a device of the file on this host
 * @said: what the file says of it
 * @bdf: where it is
 * @port: the port of it that the name tells, -1 for the function as a whole
 * @first: the device before it that names another port of the same function, NULL for none;
 *	there is said what is of the function as a whole
 * @present: it is there, and shall be planned
 */
struct host_target {
	const struct iov_host_device *said;
	struct iov_bdf bdf;
	int port;
	const struct host_target *first;
	bool present;
};

/**
 * struct host_build - one run of iov_host_plan()
 * @targets: by the index in the file's devices
 */
struct host_build {
	struct iov_plan *plan;
	struct iov *iov;
	const struct iov_host_file *file;
	const struct iov_host *host;
	struct iov_host_options options;
	struct host_target *targets;
};

/* A place in the file: host_place("devices[%u].mtu", i). */
#define host_place(...) (iov_path(__VA_ARGS__).name)

/* Give the context's message the place in the file that it is about; @error again. */
int host_fail_at(const struct host_build *build, int error, const char *where);

/* build_target.c: find the devices */
int host_build_targets(struct host_build *build);

/* The device of that name, NULL for none. */
const struct host_target *host_find_target(const struct host_build *build, const char *name,
					   size_t length);

/* build_modules.c: everything that is loaded, before all else */
int host_build_modules(struct host_build *build);

/* build_memory.c: huge pages */
int host_build_memory(struct host_build *build);

/* build_driver.c: drivers of the devices themselves */
int host_build_drivers(struct host_build *build);

/* build_device.c: all else of one device */
int host_build_device(struct host_build *build, unsigned int index);

/* build_irq.c: CPUs of its interrupts; @renewed: earlier steps may give it new ones */
int host_build_irq(struct host_build *build, unsigned int index, bool renewed);

/* build_mdev.c: mediated devices of devices */
int host_build_mdevs(struct host_build *build);

/* build_vdpa.c: vDPA devices */
int host_build_vdpas(struct host_build *build);
/* build_cdi.c: what containers are given by name */
int host_build_cdi(struct host_build *build);

/* build_iovd.c: QoS groups, bridges, ports and disks */
int host_build_iovd(struct host_build *build);

/* What iovd's steps are on. */
#define HOST_IOVD "iovd"

/**
 * struct host_change - something of iovd that a step adds or replaces
 * @noun: "port"
 * @name: its name
 * @now: as iovd lists it, NULL for none
 * @params: of NOUN.add
 * @unused: what is there is replaced only if nobody uses it
 */
struct host_change {
	const char *noun;
	const char *name;
	struct json_object *now;
	struct json_object *params;
	bool unused;
};

/* Append the step of a change. */
struct iov_step *host_iovd_step(struct host_build *build, const struct host_change *change);

/* Add to the parameters of NOUN.add who may use a socket; NULL for what is not said. */
int host_iovd_access(struct iov *iov, const char *mode, const char *owner,
		     struct json_object *params);

/*
 * What iovd calls a device that a file names; @function: it is a PCI function; @absent: it is skipped.
 */
int host_find_device(const struct host_build *build, const char *device, struct iov_path *name,
		     bool *function, bool *absent);

/* build_disk.c: one of iovd's disks; @disks: those that it lists */
int host_build_disk(struct host_build *build, unsigned int index, struct json_object *disks);

/* build_qos.c: one of iovd's QoS groups; @list: those that it lists */
void host_build_qos(struct host_build *build, const struct iov_host_qos *qos, struct json_object *list);

/* What iovd lists under a name, NULL for nothing. */
struct json_object *host_iovd_find(struct json_object *list, const char *name);

/* The same, but for what it could not have again, which is added as if it had never been. */
struct json_object *host_iovd_there(struct json_object *list, const char *name);

/* The parameters that would add what iovd lists. */
struct json_object *host_iovd_params(struct json_object *now);

/* "type ethdev, device 0000:01:10.2, bridge br0" */
void host_iovd_describe(struct json_object *params, char *text, size_t size);

#endif
