// SPDX-License-Identifier: GPL-2.0-or-later
/* The MTU of a function's interface. */
#include "plugins/net/mtu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/pci/interface.h"
#include "base/sysroot/paths.h"
#include "plugins/net/net.h"

static int mtu_path(struct iov *iov, struct iov_bdf bdf, int port, struct iov_path *path)
{
	char name[IOV_INTERFACE_SIZE];

	if (iov_interface_of(iov, bdf, port, name))
		return iov_fail(iov, -ENODEV, "%s has no network interface here, and an MTU is an "
				"interface's; bind its native driver, and look whether the interface "
				"is in another network namespace", IOV_BDF(bdf));
	*path = iov_path(IOV_PATH_CLASS_NET "/%s/mtu", name);
	return 0;
}

int iov_mtu_read(struct iov *iov, struct iov_bdf bdf, int port, unsigned int *mtu)
{
	struct iov_path path;
	int64_t number;
	int error = mtu_path(iov, bdf, port, &path);

	if (error)
		return error;
	error = iov_sys_read_number(iov, path.name, &number);
	if (error)
		return iov_told(iov, error, "/%s: %s", path.name, strerror(-error));
	*mtu = (unsigned int)number;
	return 0;
}

static int write_mtu(struct iov *iov, struct iov_bdf bdf, int port, unsigned int mtu)
{
	struct iov_path path;
	char text[12];
	int error = mtu_path(iov, bdf, port, &path);

	if (error)
		return error;
	snprintf(text, sizeof(text), "%u", mtu);
	error = iov_sys_write(iov, path.name, text);
	return error ? iov_told(iov, error, "/%s: %s", path.name, strerror(-error)) : 0;
}

static int run_mtu(struct iov *iov, const struct iov_op *op)
{
	unsigned int mtu = op->mtu.mtu, now;
	struct iov_bdf bdf = op->mtu.device;
	int port = op->mtu.port;
	int error = iov_mtu_read(iov, bdf, port, &now);

	if (error || now == mtu)
		return error;
	error = write_mtu(iov, bdf, port, mtu);
	if (!error)
		error = iov_mtu_read(iov, bdf, port, &now);
	if (error || now == mtu)
		return error;
	return iov_fail(iov, -EIO, "the driver took it, but it reads back as %u", now);
}

const struct iov_op_runner mtu_runner = { IOV_OP_MTU, run_mtu };
