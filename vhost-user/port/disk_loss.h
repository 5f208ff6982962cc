/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk's data that somebody else cut, took away or removed while a guest has it.
 *
 * A guest that only writes gets no error of that: what it writes behind the end makes a file longer
 * again.  So the size is looked at once a second.
 */
#ifndef VHOST_USER_PORT_DISK_LOSS_H
#define VHOST_USER_PORT_DISK_LOSS_H

#include "vhost-user/port/disk_port.h"

/**
 * disk_loss - whether there is less than the guest knows, or will be
 * @disk: port with a back end
 *
 * Return: "shrunk", "gone", "unlinked" for what is there as long as we are, or NULL.
 */
const char *disk_loss(const struct disk_port *disk);

/**
 * disk_loss_watch - have the log say so when it comes and when it is over
 * @disk: port with a back end; ended by disk_loss_unwatch()
 *
 * Return: 0 or -errno.
 */
int disk_loss_watch(struct disk_port *disk);

/**
 * disk_loss_unwatch - end that
 * @disk: port
 */
void disk_loss_unwatch(struct disk_port *disk);

#endif
