/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of devlink; for the files of plugins/ and their test. */
#ifndef IOV_PLUGINS_NET_DEVLINK_H
#define IOV_PLUGINS_NET_DEVLINK_H

#include <netlink/msg.h>

#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A device as devlink has it: PCI functions, and those of other buses. */
struct devlink_device {
	char bus[32];
	char name[64];
};

struct devlink_device devlink_pci(struct iov_bdf bdf);

/* An address is a PCI function, "netdevsim/netdevsim10" a device of that bus. */
int devlink_device_parse(struct iov *iov, const char *text, struct devlink_device *device);

/*
 * A request about the embedded switch of a device: to get its mode, or with @mode to set
 * it.  NULL without memory.
 */
struct nl_msg *devlink_eswitch_message(int family, const struct devlink_device *device,
				       const char *mode);

/* The mode in an answer; NULL when it has none that is known. */
const char *devlink_eswitch_mode(struct nlmsghdr *header);

/* As iov_eswitch_read(), on any bus. */
int devlink_eswitch_read(struct iov *iov, const struct devlink_device *device, const char **mode);

#ifdef __cplusplus
}
#endif

#endif
