/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From ports and bridges to the picture that a worker forwards by, see datapath.h.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_VIEW_H
#define VHOST_USER_PORT_VIEW_H

#include "vhost-user/port/registry.h"
#include "vhost-user/switch/datapath.h"

/**
 * view_build - draw the picture for a worker
 * @out: receives it; the caller frees it with view_free()
 * @registry: registry
 * @worker: number of the worker
 *
 * Return: 0 or -ENOMEM.
 */
int view_build(struct dp_view **out, const struct registry *registry, unsigned int worker);

/**
 * view_free - free a picture that no worker looks at
 * @view: NULL is allowed
 */
void view_free(struct dp_view *view);

#endif
