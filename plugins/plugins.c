// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugins/plugins.h"

#include "plugins/internal.h"
#include "plugins/net/net.h"
#include "plugins/nvme/nvme.h"
#include "sriov/class.h"

int iov_plugins_register(struct iov *iov)
{
	const struct iov_op_kind *const kinds[] = {
		&nvme_virt_kind, &mtu_kind, &irq_kind, &huge_pages_kind, &eswitch_kind, &iovd_kind,
	};
	int error = 0;

	for (size_t i = 0; !error && i < sizeof(kinds) / sizeof(*kinds); i++)
		error = iov_op_register(iov, kinds[i]);
	if (!error)
		error = iov_sriov_add_class(iov, &net_class);
	if (!error)
		error = iov_sriov_add_class(iov, &nvme_class);
	return error;
}
