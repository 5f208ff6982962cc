// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of several VFs: "NAME/vf0-3", "NAME/vf0,2", "NAME/all". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/cpu_list.h"
#include "base/pci/identity_names.h"

/* What stands behind the PF: "all", or "0-3"; NULL for the name of one function. */
static const char *range_of(const char *text)
{
	const char *slash = strrchr(text, '/');

	if (slash && !strcmp(slash, "/all"))
		return slash + 1;
	return slash && !strncmp(slash, "/vf", 3) && strpbrk(slash, ",-") ? slash + 3 : NULL;
}

bool iov_device_is_range(const char *text)
{
	return range_of(text);
}

static int append(struct iov_bdf **bdfs, size_t *count, struct iov_bdf bdf)
{
	struct iov_bdf *grown = array_grow(*bdfs, *count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*bdfs = grown;
	grown[(*count)++] = bdf;
	return 0;
}

/* Numbers are written as those of CPUs are. */
static int add_listed(struct iov *iov, const char *text, const char *range, struct iov_bdf pf,
		      struct iov_bdf **bdfs, size_t *count)
{
	struct iov_bdf vf;
	int error = 0;

	if (!iov_cpu_list_valid(range))
		return iov_fail(iov, -EINVAL, "%s: '%s' is no range of VFs; write it like vf0-3, "
				"vf0,2 or vf0-3,8, or PF/all", text, range);
	for (int i = -1; !error && (i = iov_cpu_list_next(range, i)) >= 0;) {
		error = identity_vf(iov, text, pf, i, &vf);
		if (!error)
			error = append(bdfs, count, vf);
	}
	return error;
}

static int add_all(struct iov *iov, const char *text, struct iov_bdf pf, struct iov_bdf **bdfs,
		   size_t *count)
{
	unsigned int vfs = iov_pci_vf_count(iov, pf);
	struct iov_bdf vf;
	int error = vfs ? 0 : identity_vf(iov, text, pf, 0, &vf);

	if (!vfs && !error)
		return iov_fail(iov, -ENODEV, "%s: %s has no VFs; 'iov vf create %s --count N' makes "
				"some", text, IOV_BDF(pf), IOV_BDF(pf));
	for (unsigned int i = 0; !error && i < vfs; i++) {
		error = identity_vf(iov, text, pf, (int)i, &vf);
		if (!error)
			error = append(bdfs, count, vf);
	}
	return error;
}

int iov_devices_parse(struct iov *iov, const char *text, struct iov_bdf **bdfs, size_t *count)
{
	const char *range = range_of(text);
	_cleanup_free_ char *name = NULL;
	struct iov_bdf bdf;
	int error;

	*bdfs = NULL;
	*count = 0;
	name = range ? strndup(text, (size_t)(strrchr(text, '/') - text)) : strdup(text);
	error = name ? iov_device_parse(iov, name, &bdf) : -ENOMEM;
	if (!error && !range)
		error = append(bdfs, count, bdf);
	else if (!error && !strcmp(range, "all"))
		error = add_all(iov, text, bdf, bdfs, count);
	else if (!error)
		error = add_listed(iov, text, range, bdf, bdfs, count);
	if (!error)
		return 0;
	free(*bdfs);
	*bdfs = NULL;
	*count = 0;
	return error;
}
