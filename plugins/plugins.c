// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugins/plugins.h"

#include "plugins/builtin.h"
#include "plugins/gpu/gpu.h"
#include "plugins/net/net.h"
#include "plugins/nvme/nvme.h"
#include "plugins/system/system.h"
#include "plugins/vdpa/vdpa_internal.h"

static const struct iov_class *const classes[] = { &net_class, &nvme_class, &gpu_class };

const struct iov_class *builtin_class(size_t index)
{
	return index < sizeof(classes) / sizeof(*classes) ? classes[index] : NULL;
}

int iov_plugins_register(struct iov *iov)
{
	const struct iov_op_runner *const runners[] = {
		&nvme_virt_runner, &mtu_runner, &irq_runner, &huge_pages_runner, &eswitch_runner,
		&vdpa_runner, &steer_runner, &devlink_runner, &interfaces_runner,
		&iovd_runner, &vgpu_vfs_runner, &nvme_namespace_runner,
	};
	int error = 0;

	for (size_t i = 0; !error && i < sizeof(runners) / sizeof(*runners); i++)
		error = iov_op_register(iov, runners[i]);
	for (size_t i = 0; !error && builtin_class(i); i++)
		error = iov_class_add(iov, builtin_class(i));
	return error;
}
