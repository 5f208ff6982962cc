// SPDX-License-Identifier: GPL-2.0-or-later
/* QoS groups of iovd, whose limits change under the disks and ports that keep them. */
#include "base/cleanup.h"
#include "base/json.h"
#include "host/file/build.h"
#include "host/file/qos.h"
#include "plugins/system/iovd.h"

static struct iov_op *op_set(struct json_object *params)
{
	return iov_op_iovd("qos.set", host_qos_change(params));
}

static void set(struct host_build *build, struct json_object *from, struct json_object *to)
{
	const char *name = json_text(to, "name");
	struct iov_step *step = iov_plan_step(build->plan, HOST_IOVD, "set limits of qos %s of iovd",
					      name);
	char before[256], after[256];

	iov_step_do(step, op_set(to));
	iov_step_undo(step, op_set(from));
	host_iovd_describe(from, before, sizeof(before));
	host_iovd_describe(to, after, sizeof(after));
	iov_step_change(step, host_place("qos %s", name), before, after);
}

void host_build_qos(struct host_build *build, const struct iov_host_qos *qos, struct json_object *list)
{
	_cleanup_json_ struct json_object *params = host_qos_params(qos), *former = NULL;
	struct json_object *now = host_iovd_there(list, qos->name);

	if (!now) {
		host_iovd_step(build, &(struct host_change){ "qos", qos->name, NULL, params });
		return;
	}
	former = host_iovd_params(now);
	if (!json_object_equal(former, params))
		set(build, former, params);
}
