/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who performs the operations of this room; iov_plugins_register() adds them. */
#ifndef IOV_PLUGINS_SYSTEM_SYSTEM_H
#define IOV_PLUGINS_SYSTEM_SYSTEM_H

#include "base/plan/op.h"

extern const struct iov_op_runner irq_runner;
extern const struct iov_op_runner huge_pages_runner;
extern const struct iov_op_runner iovd_runner;

#endif
