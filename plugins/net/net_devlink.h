/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes of VFs that devlink has, for the class "net"; runs within iov_sys_call(). */
#ifndef IOV_PLUGINS_NET_NET_DEVLINK_H
#define IOV_PLUGINS_NET_NET_DEVLINK_H

#include <json-c/json.h>

#include "sriov/class.h"

/* Add to each VF what its port has; nothing where the NIC has no ports for them. */
int net_add_devlink(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs);

/* As @set of struct iov_class. */
int net_set_devlink(struct iov *iov, const struct iov_pf *pf, unsigned int index,
		    const char *attribute, struct json_object *value, char *answer, size_t size);

/* As @lacks of struct iov_class. */
int net_lacks_devlink(struct iov *iov, const struct iov_pf *pf, unsigned int index, const char *attribute,
		      bool exists);

#endif
