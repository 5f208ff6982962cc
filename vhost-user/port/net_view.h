/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's network device in the picture that a worker forwards by, see view.h. */
#ifndef VHOST_USER_PORT_NET_VIEW_H
#define VHOST_USER_PORT_NET_VIEW_H

#include "vhost-user/port/net_port.h"
#include "vhost-user/port/registry.h"

/* See struct port_type. */
int net_port_fill_view(struct dp_view *view, struct dp_port *dp, const struct port *port);

#endif
