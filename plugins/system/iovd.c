// SPDX-License-Identifier: GPL-2.0-or-later
/* Ports, bridges and disks of the datapath daemon. */
#include "plugins/system/iovd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/rpc/rpc.h"
#include "base/sysroot/sysroot.h"
#include "plugins/system/system.h"

/* An address with and without its domain is the same device. */
static bool same_device(const char *a, const char *b)
{
	static const char domain[] = "0000:";
	size_t length = strlen(domain);

	a += strncmp(a, domain, length) ? 0 : length;
	b += strncmp(b, domain, length) ? 0 : length;
	return !strcmp(a, b);
}

static bool same_member(struct json_object *now, const char *name, struct json_object *value)
{
	/* iovd tells the ports of a bridge by the ports, and a server by its mode. */
	if (!strcmp(name, "ports"))
		return true;
	if (!strcmp(name, "server"))
		return json_object_get_boolean(value) == !strcmp(json_text(now, "mode"), "server");
	if (!strcmp(name, "device"))
		return same_device(json_text(now, name), json_object_get_string(value));
	/* A disk's are those that it offers; of what is off iovd may not speak. */
	if (!strcmp(name, "queues"))
		name = "queues_max";
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value) ==
		       json_object_get_boolean(json_object_object_get(now, name));
	if (json_object_is_type(value, json_type_object))
		return json_object_equal(json_object_object_get(now, name), value);
	return !strcmp(json_text(now, name), json_object_get_string(value));
}

bool iov_iovd_match(struct json_object *now, struct json_object *params)
{
	json_object_object_foreach(params, name, value) {
		if (!same_member(now, name, value))
			return false;
	}
	return true;
}

/* "port.add" and "port.remove" are about what "port.list" lists. */
static bool is_there(struct iov *iov, const char *method, struct json_object *params)
{
	struct iov_path list = iov_path("%.*s.list", (int)strcspn(method, "."), method);
	_cleanup_json_ struct json_object *all = NULL;

	if (iov_rpc_call(iov, list.name, NULL, &all))
		return false;
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		if (iov_iovd_match(json_object_array_get_idx(all, i), params))
			return true;
	}
	return false;
}

static int run_iovd(struct iov *iov, const struct iov_op *op)
{
	_cleanup_json_ struct json_object *result = NULL;
	struct json_object *params = op->iovd.params;
	const char *method = op->iovd.method;
	enum iov_failure failure;
	char why[IOV_MESSAGE_SIZE];
	int error = iov_rpc_call(iov, method, json_object_get(params), &result);

	if (!error || (error == -ENOENT && strstr(method, ".remove")))
		return 0;
	failure = iov_failure(iov, error);
	snprintf(why, sizeof(why), "%s", iov_error_message(iov));
	if (error == -EEXIST && is_there(iov, method, params))
		return 0;
	return iov_fail_as(iov, failure, error, "%s", why);
}

const struct iov_op_runner iovd_runner = { IOV_OP_IOVD, run_iovd };
