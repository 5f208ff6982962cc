/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of devlink; for the files of plugins/ and their test. */
#ifndef IOV_PLUGINS_DEVLINK_H
#define IOV_PLUGINS_DEVLINK_H

#include <netlink/msg.h>

#include "base/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A request about the embedded switch of a PF: to get its mode, or with @mode to set it.
 * NULL without memory.
 */
struct nl_msg *devlink_eswitch_message(int family, struct iov_bdf bdf, const char *mode);

/* The mode in an answer; NULL when it has none that is known. */
const char *devlink_eswitch_mode(struct nlmsghdr *header);

#ifdef __cplusplus
}
#endif

#endif
