/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of plugins/net/ that plan by devlink share. */
#ifndef IOV_PLUGINS_NET_NIC_INTERNAL_H
#define IOV_PLUGINS_NET_NIC_INTERNAL_H

#include <json-c/json.h>

#include "base/plan/plan.h"
#include "plugins/net/devlink.h"
#include "plugins/net/nic.h"

/* The device at @text of this host, with a message for one that is not there. */
int nic_device(struct iov *iov, const char *text, struct devlink_device *device);

/* The same of a NIC: a PCI function of another kind has nothing of what NICs have. */
int nic_require(struct iov *iov, const char *text, struct devlink_device *device);

/* As devlink_ports() and the list of parameters, by iov_sys_call(), with a message. */
int nic_ports(struct iov *iov, const struct devlink_device *device, struct json_object **ports,
	      struct json_object **groups);
int nic_params(struct iov *iov, const struct devlink_device *device, struct json_object **params);

/* The same in a child already, without a message. */
int devlink_params(const struct devlink_device *device, struct json_object **params);
int devlink_param_set(const struct devlink_device *device, const char *name, const char *type,
		      const char *cmode, struct json_object *value, char *answer, size_t size);
int devlink_reload(const struct devlink_device *device, char *answer, size_t size);

/* An object of an array whose text or number at @key is @text; NULL for none. */
struct json_object *nic_find(struct json_object *array, const char *key, const char *text);

/* The value of a parameter that @row is of; a message that has the range. */
int nic_param_parse(struct iov *iov, struct json_object *row, const char *text,
		    struct json_object **value);

/* What changes of @wanted as against @now, and what was there before. */
void nic_compare(struct json_object *now, struct json_object *wanted, struct json_object *changes,
		 struct json_object *before);

/* Say in a step what @changes changes: "sf 8 state" from inactive to active. */
void nic_say(struct iov_step *step, const char *what, struct json_object *before,
	     struct json_object *changes);

/* A guarantee and its limit: their keys, and how a person writes them. */
struct nic_rates {
	const char *least;
	const char *most;
	const char *least_told;
	const char *most_told;
};

/* A guarantee above the limit is a contradiction that the kernel words badly; of what is there and is wanted. */
int nic_judge_rates(struct iov *iov, struct json_object *now, struct json_object *wanted,
		    const struct nic_rates *rates);

/* Read a value of a port or a rate. */
int nic_value_parse(struct iov *iov, const char *name, const char *text, bool rates_only,
		    struct json_object *values);

#endif
