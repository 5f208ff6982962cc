/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What iovd has again after a restart: its bridges and ports, in a file.
 *
 *	{"bridges": [{"name": "br0", "kind": "switch"}],
 *	 "ports": [{"name": "a", "type": "vhost-user", "socket": "run/a.sock",
 *		    "server": true, "socket_mode": "0660", "bridge": "br0"}]}
 *
 * The file is written anew after each change and replaces the one before whole, so
 * a crash at any moment leaves one of the two.  What cannot be had at a start, as a
 * port whose device is not bound yet, stays in the file until it is removed or
 * added again, and is described with the reason meanwhile.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_DAEMON_SAVED_PORTS_H
#define VHOST_USER_DAEMON_SAVED_PORTS_H

#include <json-c/json.h>

#include "vhost-user/port/registry.h"

struct saved_ports;

/* What the file has; ports are those that carry frames. */
enum saved_kind { SAVED_PORT, SAVED_DISK, SAVED_BRIDGE, SAVED_QOS };

/**
 * saved_ports_lock - be the one iovd that has a file, until the process ends
 * @iov: context
 * @path: file, which need not exist; its directory must
 *
 * Return: 0; -EBUSY with a message when another one has it; or -errno with a message.
 */
int saved_ports_lock(struct iov *iov, const char *path);

/**
 * saved_ports_open - add the bridges and ports that are in a file
 * @out: receives them; the caller closes it with saved_ports_close()
 * @registry: registry without bridges and ports
 * @path: file, which need not exist; its directory must
 *
 * What cannot be added is logged and kept in the file; a disk whose server is not there is tried
 * again by the registry's event loop.
 *
 * Return: 0; -EUCLEAN with a message when the file is damaged; or -errno with a message.
 */
int saved_ports_open(struct saved_ports **out, struct registry *registry, const char *path);

/**
 * saved_ports_close - forget it; the file stays
 * @saved: NULL is allowed
 */
void saved_ports_close(struct saved_ports *saved);

/**
 * saved_ports_save - write what is there now
 * @saved: NULL is allowed
 *
 * A file that cannot be written is logged: the change was made.
 */
void saved_ports_save(struct saved_ports *saved);

/**
 * saved_ports_add_missing - describe what could not be had
 * @saved: NULL is allowed
 * @kind: of which kind
 * @list: array that gets an object for each, whose "state" is IOV_NOT_RESTORED, with "error"
 */
void saved_ports_add_missing(const struct saved_ports *saved, enum saved_kind kind,
			     struct json_object *list);

/**
 * saved_ports_missing - describe one of them
 * @saved: NULL is allowed
 * @kind: of which kind
 * @name: its name
 *
 * Return: the object, which the caller puts; NULL when there is no such one.
 */
struct json_object *saved_ports_missing(const struct saved_ports *saved, enum saved_kind kind,
					const char *name);

/**
 * saved_ports_forget - give up on what could not be had
 * @saved: NULL is allowed
 * @kind: of which kind
 * @name: its name
 *
 * Return: whether there was such a one.
 */
bool saved_ports_forget(struct saved_ports *saved, enum saved_kind kind, const char *name);

#endif
