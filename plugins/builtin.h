/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device classes that come with iovkit; for the files of plugins/ alone. */
#ifndef IOV_PLUGINS_BUILTIN_H
#define IOV_PLUGINS_BUILTIN_H

#include <stddef.h>

#include "sriov/class.h"

/* One of them, from 0 on; NULL after the last. */
const struct iov_class *builtin_class(size_t index);

#endif
