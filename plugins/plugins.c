// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugins/plugins.h"

#include "plugins/net/net.h"
#include "plugins/nvme/nvme.h"
#include "plugins/system/system.h"
#include "plugins/vdpa/vdpa_internal.h"
#include "sriov/class.h"

int iov_plugins_register(struct iov *iov)
{
	const struct iov_op_runner *const runners[] = {
		&nvme_virt_runner, &mtu_runner, &irq_runner, &huge_pages_runner, &eswitch_runner,
		&vdpa_runner, &iovd_runner,
	};
	int error = 0;

	for (size_t i = 0; !error && i < sizeof(runners) / sizeof(*runners); i++)
		error = iov_op_register(iov, runners[i]);
	if (!error)
		error = iov_sriov_add_class(iov, &net_class);
	if (!error)
		error = iov_sriov_add_class(iov, &nvme_class);
	return error;
}
