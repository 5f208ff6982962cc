// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/identity.h"

#include <errno.h>
#include <string.h>

#include "base/paths.h"

int iov_device_parse(struct iov *iov, const char *text, struct iov_bdf *bdf)
{
	char name[64];

	if (!strchr(text, '/') && text[0] != '.' &&
	    !iov_sys_link_name(iov, iov_path(IOV_PATH_CLASS_NET "/%s/device", text).name, name,
			       sizeof(name)))
		return iov_bdf_parse(iov, name, bdf);
	if (!iov_bdf_parse(iov, text, bdf))
		return 0;
	return iov_fail(iov, -EINVAL, "%s: neither a PCI address like 0000:01:00.0 nor a network "
			"interface of a PCI function; 'iov list' shows them", text);
}
