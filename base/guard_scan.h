/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guards share; for the files of base/ alone. */
#ifndef IOV_BASE_GUARD_SCAN_H
#define IOV_BASE_GUARD_SCAN_H

#include <json-c/json.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/pci.h"

/* Deepest stack of interfaces or block devices that is followed. */
#define GUARD_DEPTH 16

/**
 * struct guard_scan - everything that is held on a host at one moment
 * @iov: context
 * @holders: array of objects "guard", "holder", "path" (names from the hardware
 *	up to the holder) and "device" (sysfs path that contains the address of
 *	the function) or "node" (VFIO device node)
 */
struct guard_scan {
	struct iov *iov;
	struct json_object *holders;
};

/**
 * struct guard_chain - the way from a holder down to the hardware
 * @guard: name of the guard
 * @holder: what needs the hardware
 * @names: interfaces or block devices, the holder's first
 * @count: length of @names
 * @weak: says nothing where another guard went the same way
 */
struct guard_chain {
	const char *guard;
	const char *holder;
	const char *names[GUARD_DEPTH];
	size_t count;
	bool weak;
};

/* Note a holder whose hardware is @key ("device" or "node") @value. */
void guard_found(struct guard_scan *scan, const struct guard_chain *chain, const char *key,
		 const char *value);

/* The guards. Each returns 0 or -errno with a message. */
int guard_scan_net(struct guard_scan *scan);
int guard_scan_block(struct guard_scan *scan);
int guard_scan_vfio(struct guard_scan *scan);

/* Look once, then ask for as many functions as needed. */
int guard_scan_open(struct guard_scan *scan, struct iov *iov);
int guard_scan_match(struct guard_scan *scan, struct iov_bdf bdf, struct json_object *findings);
void guard_scan_close(struct guard_scan *scan);

#endif
