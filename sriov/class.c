// SPDX-License-Identifier: GPL-2.0-or-later
#include "sriov/class.h"

#include "base/table.h"
#include "sriov/internal.h"

#define CLASS_TABLE "sriov-class"

int iov_sriov_add_class(struct iov *iov, const struct iov_sriov_class *device_class)
{
	return iov_table_add(iov, CLASS_TABLE, device_class);
}

const struct iov_sriov_class *iov_sriov_find_class(struct iov *iov, struct iov_bdf pf)
{
	const struct iov_sriov_class *device_class;

	for (size_t i = 0; (device_class = iov_table_entry(iov, CLASS_TABLE, i)); i++) {
		if (device_class->match(iov, pf))
			return device_class;
	}
	return NULL;
}

int iov_sriov_register(struct iov *iov)
{
	return iov_op_register(iov, &vf_attr_runner);
}
