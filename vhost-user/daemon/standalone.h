/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iovd as a back-end program for one guest, "Backend program conventions" of the
 * vhost-user specification: management software starts one for each device.
 */
#ifndef VHOST_USER_DAEMON_STANDALONE_H
#define VHOST_USER_DAEMON_STANDALONE_H

#include "vhost-user/daemon/options.h"
#include "vhost-user/port/registry.h"

/**
 * standalone_print - say what this back end is
 * @options: with @disk when it is one for disks
 *
 * Prints the capabilities as JSON on standard output.
 */
void standalone_print(const struct iovd_options *options);

/**
 * standalone_open - the one guest, and what it is connected to
 * @registry: empty registry
 * @options: with @socket_path or @fd set, perhaps @uplink or @disk
 *
 * Return: 0 or -errno with a message.
 */
int standalone_open(struct registry *registry, const struct iovd_options *options);

#endif
