/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The claims that this host has made, in /run/iovkit: what is renewed, and until when each lasts for
 * sure.  So who goes on after a crash knows what has to be fenced without asking anybody.
 *
 * A record is an object "name" (of the claim, HOST/DEVICE), "device" (its address), "inode" (of its
 * directory in sysfs, which another function in its place has not), "holder", "store", "ttl",
 * "revision", "lease" and "until" (CLOCK_BOOTTIME, milliseconds).
 */
#ifndef IOV_CLAIMS_RECORD_H
#define IOV_CLAIMS_RECORD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "base/pci/pci.h"

/*
 * A file that is locked for as long as its descriptor is open; folders are made.  -EBUSY when somebody
 * has it for longer than @wait milliseconds, as one who was stopped does; or -errno; without a message.
 */
int claims_lock(struct iov *iov, const char *path, int64_t wait);

/* An error of such a file as a message. Return: @error. */
int claims_fail_file(struct iov *iov, const char *path, int error);

/* The index of the object that has a name, or of the end. */
size_t claims_find_name(struct json_object *array, const char *name);

/* All records, an empty array for none; the caller puts it.  -errno with a message. */
int claims_records(struct iov *iov, struct json_object **records);

/*
 * Whether the claim of a name is recorded with that revision, also when it cannot be told.  Each process
 * that renews asks twice a second, so no other record is taken apart for it.
 */
bool claims_is_recorded(struct iov *iov, const char *name, int64_t revision);

/* Put a record in the place of that of its name; taken over.  -errno with a message. */
int claims_record_put(struct iov *iov, struct json_object *record);

/* Replace the record of a name that is of the same revision, if there is one.  -errno with a message. */
int claims_record_update(struct iov *iov, struct json_object *record);

/* Drop the record of a name, when it is of that revision; 0: of any.  -errno with a message. */
int claims_record_drop(struct iov *iov, const char *name, int64_t revision);

/* The inode of a function's directory; 0 without that function; -errno when that cannot be told. */
int64_t claims_inode(struct iov *iov, struct iov_bdf bdf);

#endif
