/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device's own interfaces have that somebody gave them: names, MTU, addresses, routes. A
 * driver that makes its interfaces anew forgets it; for the files of plugins/net/.
 */
#ifndef IOV_PLUGINS_NET_INTERFACES_H
#define IOV_PLUGINS_NET_INTERFACES_H

#include <json-c/json.h>

#include "plugins/net/devlink.h"

/**
 * interfaces_capture - what the interfaces of a device have now
 * @iov: context
 * @device: device
 * @list: receives an array as iov_op_interfaces() takes it, which the caller puts; empty on a
 *	recorded host
 *
 * Return: 0; -EBUSY with a message when something could not be given back: an interface on top
 * of one, or a route with several next hops; or -errno with a message.
 */
int interfaces_capture(struct iov *iov, const struct devlink_device *device, struct json_object **list);

#endif
