/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has a function in a way that base/ does not know: the guards "class" and "fleet"; for libiov alone. */
#ifndef IOV_BASE_GUARD_HOLDER_H
#define IOV_BASE_GUARD_HOLDER_H

#include <json-c/json.h>

#include "base/iov.h"
#include "base/pci/pci.h"

/**
 * struct guard_source - somebody who knows of holders
 * @find: append a string to @holders for each that a function has; -errno with a message when that
 *	cannot be told.
 * @shared: append to @devices objects "device" and "why" of what whoever is given @count functions has as
 *	well, and others may use; -errno with a message when that cannot be told
 *
 * Both run within iov_sys_call().
 */
struct guard_source {
	int (*find)(struct iov *iov, struct iov_bdf bdf, struct json_object *holders);
	int (*shared)(struct iov *iov, const struct iov_bdf *bdfs, size_t count, struct json_object *devices);
};

/* The table that they are in. */
#define GUARD_SOURCES "guard-source"

/**
 * guard_add_source - have the guards ask somebody
 * @iov: context
 * @source: stays the caller's and outlives the context
 *
 * Return: 0 or -ENOMEM.
 */
int guard_add_source(struct iov *iov, const struct guard_source *source);

/**
 * guard_ways - where a device is in sysfs, and the hardware that it stands on
 * @iov: context
 * @device: BDF, or SUBSYSTEM/NAME as guard_knows() takes it: "block/dm-0", "net/bond0"
 * @ways: receives an array of paths, on which the functions are that it is of; the caller puts it
 *
 * Return: 0, or -errno with a message when that cannot be told.
 */
int guard_ways(struct iov *iov, const char *device, struct json_object **ways);

/* The guard of who may take a function, which may ask other machines than this one. */
#define GUARD_FLEET "fleet"

/**
 * struct guard_fleet - somebody who knows who has claimed functions
 * @list: append an object "device" (BDF) and "holder" (who has it, in words) for each function that
 *	somebody else has than who runs the command; -errno with a message when that cannot be told,
 *	and then each function is somebody's.  Runs within iov_sys_call().
 */
struct guard_fleet {
	int (*list)(struct iov *iov, struct json_object *claims);
};

/**
 * guard_add_fleet - have the guards ask for claims
 * @iov: context
 * @fleet: stays the caller's and outlives the context
 *
 * Return: 0 or -ENOMEM.
 */
int guard_add_fleet(struct iov *iov, const struct guard_fleet *fleet);

#endif
