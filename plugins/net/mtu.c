// SPDX-License-Identifier: GPL-2.0-or-later
/* The operation "mtu". */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/sysroot/paths.h"
#include "plugins/internal.h"
#include "plugins/net/interface.h"

static int mtu_path(struct iov *iov, struct iov_bdf bdf, struct iov_path *path)
{
	char name[IOV_INTERFACE_SIZE];

	if (iov_interface_of(iov, bdf, name))
		return iov_fail(iov, -ENODEV, "%s has no network interface here, and an MTU is an "
				"interface's; bind its native driver, and look whether the interface "
				"is in another network namespace", IOV_BDF(bdf));
	*path = iov_path(IOV_PATH_CLASS_NET "/%s/mtu", name);
	return 0;
}

int iov_mtu_read(struct iov *iov, struct iov_bdf bdf, unsigned int *mtu)
{
	struct iov_path path;
	int64_t number;
	int error = mtu_path(iov, bdf, &path);

	if (error)
		return error;
	error = iov_sys_read_number(iov, path.name, &number);
	if (error)
		return iov_fail(iov, error, "/%s: %s", path.name, strerror(-error));
	*mtu = (unsigned int)number;
	return 0;
}

struct json_object *iov_op_mtu(struct iov_bdf bdf, unsigned int mtu)
{
	struct json_object *op = op_on_device(mtu_kind.name, bdf);

	json_object_object_add(op, "mtu", json_object_new_int64(mtu));
	iov_op_explain(op, EINVAL, "the driver takes no such MTU; 'ip -d link' shows minmtu and "
		       "maxmtu");
	return op;
}

static int write_mtu(struct iov *iov, struct iov_bdf bdf, unsigned int mtu)
{
	struct iov_path path;
	char text[12];
	int error = mtu_path(iov, bdf, &path);

	if (error)
		return error;
	snprintf(text, sizeof(text), "%u", mtu);
	error = iov_sys_write(iov, path.name, text);
	return error ? iov_fail(iov, error, "/%s: %s", path.name, strerror(-error)) : 0;
}

static int run_mtu(struct iov *iov, struct json_object *op)
{
	unsigned int mtu = (unsigned int)json_object_get_int64(json_object_object_get(op, "mtu"));
	unsigned int now;
	struct iov_bdf bdf;
	int error = op_device(iov, op, &bdf);

	if (!error)
		error = iov_mtu_read(iov, bdf, &now);
	if (error || now == mtu)
		return error;
	error = write_mtu(iov, bdf, mtu);
	if (!error)
		error = iov_mtu_read(iov, bdf, &now);
	if (error || now == mtu)
		return error;
	return iov_fail(iov, -EIO, "the driver took it, but it reads back as %u", now);
}

static void describe_mtu(struct json_object *op, char *text, size_t size)
{
	snprintf(text, size, "write '%s' to mtu of the interface of %s", json_text(op, "mtu"),
		 json_text(op, "device"));
}

const struct iov_op_kind mtu_kind = { "mtu", run_mtu, describe_mtu };
