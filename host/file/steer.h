/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of NICs in a host file; for the files of host/ alone. */
#ifndef IOV_HOST_FILE_STEER_H
#define IOV_HOST_FILE_STEER_H

#include "host/file/host.h"
#include "plugins/net/steer.h"

/* The rule that a file says; -EINVAL with a message for one that is none. */
int host_steer_rule(struct iov *iov, const struct iov_host_steer *said, struct iov_steer_rule *rule);

/* Those that a NIC has; a device that can have none has none. 0 or -ENOMEM. */
int snapshot_steer(struct iov *iov, struct iov_bdf bdf, struct iov_host_device *device);

#endif
