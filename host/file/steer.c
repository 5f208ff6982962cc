// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/file/steer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "host/file/snapshot.h"

int host_steer_rule(struct iov *iov, const struct iov_host_steer *said, struct iov_steer_rule *rule)
{
	char vlan[16];

	if (said->vlan)
		snprintf(vlan, sizeof(vlan), "%u", *said->vlan);
	return iov_steer_parse(iov, said->mac, said->vlan ? vlan : NULL, said->to, rule);
}

static int add_rule(struct json_object *rule, struct iov_host_device *device)
{
	struct iov_host_steer *said = snapshot_append(&device->steer, &device->steer_count, sizeof(*said));
	const char *mac = json_text_or_null(rule, "mac");
	struct json_object *vlan = json_object_object_get(rule, "vlan");

	if (!said)
		return -ENOMEM;
	said->mac = mac ? strdup(mac) : NULL;
	said->vlan = vlan ? snapshot_number((unsigned int)json_object_get_int(vlan)) : NULL;
	if (asprintf(&said->to, "%s%s", json_text(rule, "to"), json_text(rule, "number")) < 0)
		said->to = NULL;
	return said->to && !mac == !said->mac && !vlan == !said->vlan ? 0 : -ENOMEM;
}

/* What is not told is not "no rules". */
static int leave_out(struct iov *iov, struct iov_bdf bdf, int error)
{
	if (error == -ENOMEM)
		return error;
	if (error == -ETIMEDOUT)
		iov_sys_left_out(iov, error);
	else if (error != -EOPNOTSUPP && error != -ENODEV)
		iov_log(iov, LOG_WARNING, "the steering rules of %s are left out: %s", IOV_BDF(bdf),
			iov_error_message(iov));
	return 0;
}

int snapshot_steer(struct iov *iov, struct iov_bdf bdf, struct iov_host_device *device)
{
	_cleanup_json_ struct json_object *nic = NULL;
	struct json_object *rules;
	int error = iov_steer_list(iov, bdf, -1, &nic);

	if (error)
		return leave_out(iov, bdf, error);
	rules = json_object_object_get(nic, "rules");
	for (size_t i = 0; !error && i < json_object_array_length(rules); i++)
		error = add_rule(json_object_array_get_idx(rules, i), device);
	return error;
}
