// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugins/plugins.h"

#include "plugins/net.h"
#include "plugins/nvme.h"
#include "sriov/class.h"

int iov_plugins_register(struct iov *iov)
{
	int error = iov_op_register(iov, &nvme_virt_kind);

	if (!error)
		error = iov_sriov_add_class(iov, &net_class);
	if (!error)
		error = iov_sriov_add_class(iov, &nvme_class);
	return error;
}
