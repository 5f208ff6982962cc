// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A representor is of the same device as the uplink, and its port is named by what it stands for:
 * "pf0vf3" is that of VF 3 (devlink's naming of ports).
 */
#include "plugins/net/representor.h"

#include <stdio.h>
#include <string.h>

#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

#define VF_NAME "vf"
#define SF_NAME "sf"

/* "pf0vf3", "pf0sf8"; -1 for a name of another kind. */
static long number_of_port(const char *port, const char *kind)
{
	const char *at = strstr(port, kind);
	int number, length = 0;

	if (!at || sscanf(at + strlen(kind), "%d%n", &number, &length) != 1 || number < 0 ||
	    at[strlen(kind) + (size_t)length])
		return -1;
	return number;
}

/* "netdevsim10", "0000:01:00.0": what an interface is of. */
static bool device_of(struct iov *iov, const char *interface, char *device, size_t size)
{
	return !iov_sys_link_name(iov, iov_path(IOV_PATH_CLASS_NET "/%s/device", interface).name,
				  device, size);
}

static long number_of(struct iov *iov, const char *device, const char *interface, const char *kind)
{
	char theirs[64], port[32];

	if (!device_of(iov, interface, theirs, sizeof(theirs)) || strcmp(device, theirs) ||
	    iov_sys_read(iov, iov_path(IOV_PATH_CLASS_NET "/%s/phys_port_name", interface).name, port,
			 sizeof(port)))
		return -1;
	return number_of_port(port, kind);
}

static int each_of_kind(struct iov *iov, const char *uplink, const char *kind, representor_fn *each,
			void *arg)
{
	char device[64], **names;
	bool goes_on = true;
	size_t count;
	int error;

	if (!device_of(iov, uplink, device, sizeof(device)))
		return 0;
	error = iov_sys_list(iov, IOV_PATH_CLASS_NET, &names, &count);
	if (error)
		return error;
	for (size_t i = 0; goes_on && i < count; i++) {
		long number = number_of(iov, device, names[i], kind);

		if (number >= 0)
			goes_on = each(arg, names[i], (unsigned int)number);
	}
	iov_names_free(names, count);
	return 0;
}

int representors_each(struct iov *iov, const char *uplink, representor_fn *each, void *arg)
{
	return each_of_kind(iov, uplink, VF_NAME, each, arg);
}

int sf_representors_each(struct iov *iov, const char *uplink, representor_fn *each, void *arg)
{
	return each_of_kind(iov, uplink, SF_NAME, each, arg);
}
