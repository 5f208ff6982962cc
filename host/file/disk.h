/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks of iovd, between a host file and iovd; for the files of host/ alone. */
#ifndef IOV_HOST_FILE_DISK_H
#define IOV_HOST_FILE_DISK_H

#include <json-c/json.h>

#include "host/file/host.h"

/* Characters that a guest reads of a serial number (virtio 1.2, 5.2.6) */
#define HOST_SERIAL_MAX 20

/* Parameters of "disk.add" for what a file says, but for who may use its socket. */
struct json_object *host_disk_params(const struct iov_host_disk *disk);

/* Add what a disk was given to the parameters that all have; @now: an entry of "disk.list" */
void host_disk_former(struct json_object *now, struct json_object *params);

/*
 * Add where the data is, as a file says it: "file", "nbd", "nvme", "memory" or "null", and no other of
 * them.
 */
void host_disk_say_source(struct json_object *params, struct json_object *said);

#endif
