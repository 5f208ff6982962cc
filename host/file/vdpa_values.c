// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/file/vdpa_values.h"

const char *host_vdpa_value(const struct iov_host_vdpa *vdpa, size_t index, const char **name)
{
	static const char *const names[HOST_VDPA_VALUES] = { "mac", "mtu", "max_vqp", "features" };
	const char *const values[HOST_VDPA_VALUES] = {
		vdpa->mac, vdpa->mtu, vdpa->max_vqp, vdpa->features,
	};

	*name = names[index];
	return values[index];
}
