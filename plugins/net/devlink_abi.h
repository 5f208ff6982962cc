/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of include/uapi/linux/devlink.h of the kernel what came after Linux 6.1, whose header may be older. */
#ifndef IOV_PLUGINS_NET_DEVLINK_ABI_H
#define IOV_PLUGINS_NET_DEVLINK_ABI_H

#include <linux/devlink.h>

/* In enum devlink_attr, Linux 6.2 */
#define RATE_ATTR_TX_PRIORITY (DEVLINK_ATTR_SELFTESTS + 1)
#define RATE_ATTR_TX_WEIGHT (DEVLINK_ATTR_SELFTESTS + 2)

/* In enum devlink_port_function_attr, Linux 6.2 and 6.10 */
#define FN_ATTR_CAPS (DEVLINK_PORT_FN_ATTR_OPSTATE + 1)
#define FN_ATTR_MAX_IO_EQS (DEVLINK_PORT_FN_ATTR_OPSTATE + 3)

/* Bits of FN_ATTR_CAPS, Linux 6.2 and 6.6 */
enum {
	FN_CAP_ROCE,
	FN_CAP_MIGRATABLE,
	FN_CAP_IPSEC_CRYPTO,
	FN_CAP_IPSEC_PACKET,
};

/* Rates are bytes per second. */
#define RATE_MBIT 125000

#endif
