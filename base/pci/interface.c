// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/pci/interface.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* "p0" names a port of the device itself, "pf0vf3" a representor. */
static bool is_own_port(struct iov *iov, struct iov_bdf bdf, const char *name)
{
	char port[32];

	if (iov_sys_read(iov, iov_pci_path(bdf, iov_path("net/%s/phys_port_name", name).name).name,
			 port, sizeof(port)))
		return true;
	return !strstr(port, "pf") && !strstr(port, "vf");
}

int iov_interface_of(struct iov *iov, struct iov_bdf bdf, char *name)
{
	char **names;
	size_t count;

	*name = '\0';
	if (iov_sys_list(iov, iov_pci_path(bdf, "net").name, &names, &count))
		return -ENODEV;
	for (size_t i = 0; i < count && !*name; i++) {
		if (is_own_port(iov, bdf, names[i]))
			snprintf(name, IOV_INTERFACE_SIZE, "%s", names[i]);
	}
	iov_names_free(names, count);
	return *name ? 0 : -ENODEV;
}
