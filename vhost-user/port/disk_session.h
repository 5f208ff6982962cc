/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connection of a guest's disk: its rings come, move between workers, drain and go. */
#ifndef VHOST_USER_PORT_DISK_SESSION_H
#define VHOST_USER_PORT_DISK_SESSION_H

#include "vhost-user/port/disk_port.h"

/**
 * disk_session_open - serve front ends
 * @disk: port
 * @options: its socket
 *
 * Return: 0 or -errno with a message.
 */
int disk_session_open(struct disk_port *disk, const struct port_options *options);

/**
 * disk_session_attend - go on with rings that have drained or can move
 * @port: a disk
 */
void disk_session_attend(struct port *port);

/**
 * disk_session_keep_failure - have the file of ports say that a flush failed
 * @disk: port
 */
void disk_session_keep_failure(struct disk_port *disk);

/**
 * disk_session_move - give a ring to another worker when nothing of it is under way
 * @port: a disk
 * @index: ring that runs
 * @to: number of the worker
 */
void disk_session_move(struct port *port, unsigned int index, unsigned int to);

#endif
