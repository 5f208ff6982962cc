/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters, groups of rates and subfunctions of NICs in a host file; for the files of host/ alone. */
#ifndef IOV_HOST_FILE_NIC_H
#define IOV_HOST_FILE_NIC_H

#include "host/file/host.h"

/*
 * What a file says of a group of rates or of a subfunction, as iov_rate_plan() and iov_sf_plan() take
 * it: a new object; -EINVAL with a message for what is wrong.
 */
int host_group_values(struct iov *iov, const struct iov_host_group *said, struct json_object **values);
int host_sf_values(struct iov *iov, const struct iov_host_sf *said, struct json_object **values);

/* Whether what a file says of a device's parameters has its driver start anew. */
bool host_params_reload(struct iov *iov, struct iov_bdf bdf, const struct iov_host_device *said);

/*
 * Plan them; @at receives the entry that is wrong.  @unseen: earlier steps give the device another
 * mode, so nothing is known of its groups.
 */
int host_params_plan(struct iov_plan *plan, struct iov_bdf bdf, const struct iov_host_device *said,
		     bool vfs_gone);
int host_rates_plan(struct iov_plan *plan, struct iov_bdf bdf, const struct iov_host_device *said,
		    bool unseen, unsigned int *at);
int host_sfs_plan(struct iov_plan *plan, struct iov_bdf bdf, const struct iov_host_device *said,
		  bool unseen, unsigned int *at);

/* What a NIC has of them; a device that can have none has none. 0 or -ENOMEM. */
int snapshot_nic(struct iov *iov, struct iov_bdf bdf, struct iov_host_device *device);

/* The parameters of its driver, of a device that is in the snapshot for another reason, as nobody tells
 * which of them somebody set; without those that outlive a start of the device. */
int snapshot_params(struct iov *iov, struct iov_bdf bdf, struct iov_host_device *device);

#endif
