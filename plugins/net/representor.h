/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces of a PF that stand for its VFs, as in switchdev mode; for the files of plugins/net/. */
#ifndef IOV_PLUGINS_NET_REPRESENTOR_H
#define IOV_PLUGINS_NET_REPRESENTOR_H

#include <stdbool.h>

#include "base/iov.h"

/* Hand each representor at the device of @uplink to a function, until one gives false. */
typedef bool representor_fn(void *arg, const char *interface, unsigned int vf);

int representors_each(struct iov *iov, const char *uplink, representor_fn *each, void *arg);

/* The same of subfunctions, with their numbers. */
int sf_representors_each(struct iov *iov, const char *uplink, representor_fn *each, void *arg);

#endif
