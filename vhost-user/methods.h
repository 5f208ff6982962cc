/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iovd does for its clients. */
#ifndef VHOST_USER_METHODS_H
#define VHOST_USER_METHODS_H

#include "vhost-user/jsonrpc.h"

/* Methods for control_open(), whose argument is a struct registry. */
extern const struct jsonrpc_method iovd_methods[];

#endif
