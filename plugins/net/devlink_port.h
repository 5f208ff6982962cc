/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of devlink: what a NIC's switch has for VFs and subfunctions, the functions behind them,
 * and their rates; for the files of plugins/net/ and their test. All of it asks the kernel, so it
 * runs within iov_sys_call().
 */
#ifndef IOV_PLUGINS_NET_DEVLINK_PORT_H
#define IOV_PLUGINS_NET_DEVLINK_PORT_H

#include <json-c/json.h>
#include <stdbool.h>

#include "plugins/net/devlink.h"

/**
 * enum devlink_kind - how a value is told and set
 * @DEVLINK_HW_ADDR: of the function, a MAC address
 * @DEVLINK_STATE: of the function, "active" or "inactive"
 * @DEVLINK_CAP: of the function, a switch, bit @number
 * @DEVLINK_FN_U32: of the function, attribute @number
 * @DEVLINK_RATE: of the rate, Mbit/s, attribute @number in bytes per second
 * @DEVLINK_RATE_U32: of the rate, attribute @number
 * @DEVLINK_PARENT: of the rate, the group that it is in, "none" for none
 */
enum devlink_kind {
	DEVLINK_HW_ADDR,
	DEVLINK_STATE,
	DEVLINK_CAP,
	DEVLINK_FN_U32,
	DEVLINK_RATE,
	DEVLINK_RATE_U32,
	DEVLINK_PARENT,
};

/* Something that a port's function or its rate can be given. */
struct devlink_value {
	const char *name;
	enum devlink_kind kind;
	int number;
};

/* What stands for no group. */
#define DEVLINK_NO_PARENT "none"

/* A value by its name, NULL for none; @index counts all of them. */
const struct devlink_value *devlink_value(const char *name);
const struct devlink_value *devlink_value_at(size_t index);
bool devlink_is_rate(const struct devlink_value *value);

/**
 * devlink_ports - the ports of a device
 * @device: device
 * @ports: receives an array that the caller puts, of objects with "port" (its index), "flavour",
 *	"pf", "vf", "sf", "controller", "external", "netdev" and "rdma" as far as they apply, and the values
 *	that the function behind it and its rate have
 * @groups: receives an array of objects "name" and the values of the rate; NULL: rates are
 *	left out
 *
 * Return: 0, also for a device that has no ports or no rates; or -errno without a message.
 */
int devlink_ports(const struct devlink_device *device, struct json_object **ports,
		  struct json_object **groups);

/* The port that a VF, or with "sf" a subfunction, of this host has; NULL for none. */
struct json_object *devlink_port_of(struct json_object *ports, const char *flavour, const char *key,
				    unsigned int number);

/*
 * Give a port one value; of a group of rates @group is the name, and @port does not count.  The
 * kernel's error, and in @answer what it said in words.
 */
int devlink_set(const struct devlink_device *device, unsigned int port, const char *group,
		const char *name, struct json_object *value, char *answer, size_t size);

/* Make or remove a group of rates. */
int devlink_group_new(const struct devlink_device *device, const char *group, char *answer, size_t size);
int devlink_group_del(const struct devlink_device *device, const char *group, char *answer, size_t size);

/* Make a subfunction of PF number @pf, or remove the one at a port. */
int devlink_sf_new(const struct devlink_device *device, unsigned int pf, unsigned int number,
		   char *answer, size_t size);
int devlink_sf_del(const struct devlink_device *device, unsigned int port, char *answer, size_t size);

#endif
