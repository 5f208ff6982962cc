/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What iovd has again after a restart: its bridges and ports, in a file.
 *
 *	{"bridges": [{"name": "br0", "kind": "switch"}],
 *	 "ports": [{"name": "a", "type": "vhost-user", "socket": "run/a.sock",
 *		    "server": true, "socket_mode": "0660", "bridge": "br0"}]}
 *
 * The file is written anew after each change and replaces the one before whole, so
 * a crash at any moment leaves one of the two.  A port that cannot be had at a
 * start, as its device is not bound yet, stays in the file until it is removed or
 * added again.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_DAEMON_SAVED_PORTS_H
#define VHOST_USER_DAEMON_SAVED_PORTS_H

#include <json-c/json.h>

#include "vhost-user/port/registry.h"

struct state;

/**
 * state_open - add the bridges and ports that are in a file
 * @out: receives the state; the caller closes it with state_close()
 * @registry: registry without bridges and ports
 * @path: file, which need not exist; its directory must
 *
 * What cannot be added is logged and kept in the file.
 *
 * Return: 0; -EUCLEAN with a message when the file is damaged; or -errno with a message.
 */
int state_open(struct state **out, struct registry *registry, const char *path);

/**
 * state_close - forget it; the file stays
 * @state: NULL is allowed
 */
void state_close(struct state *state);

/**
 * state_save - write what is there now
 * @state: NULL is allowed
 *
 * A file that cannot be written is logged: the change was made.
 */
void state_save(struct state *state);

/**
 * state_forget - give up on a port that could not be had
 * @state: NULL is allowed
 * @port: its name
 *
 * Return: whether there was such a port.
 */
bool state_forget(struct state *state, const char *port);

#endif
