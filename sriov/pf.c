// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "base/sysroot/paths.h"
#include "sriov/internal.h"

/* Index of a VF among those of its PF, or -1. */
static int index_of(struct iov *iov, struct iov_bdf vf, struct iov_bdf pf)
{
	int count = (int)iov_pci_vf_count(iov, pf);
	struct iov_bdf other;

	for (int i = 0; i < count; i++) {
		if (!iov_pci_link(iov, pf, iov_path("virtfn%d", i).name, &other) &&
		    !iov_bdf_compare(vf, other))
			return i;
	}
	return -1;
}

static int fail_not_pf(struct iov *iov, struct iov_bdf bdf)
{
	struct iov_bdf pf;

	if (!iov_pci_link(iov, bdf, "physfn", &pf))
		return iov_fail(iov, -EINVAL, "%s is a VF (VF %d of %s); expected a PF, so name %s",
				IOV_BDF(bdf), index_of(iov, bdf, pf), IOV_BDF(pf), IOV_BDF(pf));
	return iov_fail(iov, -EOPNOTSUPP, "%s has no SR-IOV capability; expected a PF, "
			"'iov list' shows how many VFs each function gives", IOV_BDF(bdf));
}

static int read_count(struct iov *iov, struct iov_bdf bdf, const char *attribute,
		      unsigned int *value)
{
	int64_t number;
	int error = iov_pci_number(iov, bdf, attribute, &number);

	if (error)
		return iov_told(iov, error, "%s: cannot read %s: %s", IOV_BDF(bdf), attribute,
				strerror(-error));
	*value = (unsigned int)number;
	return 0;
}

int iov_pf_read(struct iov *iov, struct iov_bdf bdf, struct iov_pf *pf)
{
	int64_t autoprobe;
	int error = iov_pci_require(iov, bdf);

	if (error)
		return error;
	*pf = (struct iov_pf){ .bdf = bdf, .port = -1, .autoprobe = -1 };
	if (!iov_sys_exists(iov, iov_pci_path(bdf, "sriov_totalvfs").name))
		return fail_not_pf(iov, bdf);
	error = read_count(iov, bdf, "sriov_totalvfs", &pf->total);
	if (!error)
		error = read_count(iov, bdf, "sriov_offset", &pf->offset);
	if (!error)
		error = read_count(iov, bdf, "sriov_stride", &pf->stride);
	if (error)
		return error;
	pf->count = iov_pci_vf_count(iov, bdf);
	if (!iov_pci_number(iov, bdf, "sriov_drivers_autoprobe", &autoprobe))
		pf->autoprobe = autoprobe != 0;
	iov_pci_driver(iov, bdf, pf->driver, sizeof(pf->driver));
	pf->device_class = iov_class_of(iov, bdf);
	return 0;
}

int pf_read_own(struct iov *iov, struct iov_bdf bdf, struct iov_pf *pf)
{
	int error = iov_pci_require(iov, bdf);

	if (error)
		return error;
	*pf = (struct iov_pf){ .bdf = bdf, .port = -1, .autoprobe = -1 };
	iov_pci_driver(iov, bdf, pf->driver, sizeof(pf->driver));
	pf->device_class = iov_class_of(iov, bdf);
	return 0;
}

struct iov_bdf iov_vf_bdf(const struct iov_pf *pf, unsigned int index)
{
	return iov_bdf_add(pf->bdf, pf->offset + index * pf->stride);
}
