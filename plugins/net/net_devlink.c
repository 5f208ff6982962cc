// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VF has a port where the NIC is a switch (switchdev mode): the function behind it and its rate
 * are set there, before the VF's driver sees them.
 */
#include "plugins/net/net_devlink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "plugins/net/devlink_port.h"

#define VF_FLAVOUR "pcivf"

int net_add_devlink(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs)
{
	_cleanup_json_ struct json_object *ports = NULL, *groups = NULL;
	const struct devlink_device device = devlink_of(iov, pf->bdf);
	int error;

	iov_sys_asking(iov, "the ports of %s, by devlink", devlink_text(&device).name);
	error = devlink_ports(&device, &ports, &groups);
	if (error)
		return iov_told(iov, error, "cannot read the ports of %s by devlink: %s",
				devlink_text(&device).name, strerror(-error));
	for (unsigned int i = 0; i < json_object_array_length(vfs); i++) {
		struct json_object *port = devlink_port_of(ports, VF_FLAVOUR, "vf", i);
		struct json_object *vf = json_object_array_get_idx(vfs, i), *value;
		const struct devlink_value *known;

		for (size_t n = 0; port && (known = devlink_value_at(n)); n++) {
			if (known->kind != DEVLINK_STATE &&
			    json_object_object_get_ex(port, known->name, &value))
				json_object_object_add(vf, known->name, json_object_get(value));
		}
	}
	return 0;
}

/* What the function is like is told to its driver when that begins. */
static int check_unbound(struct iov *iov, const struct iov_pf *pf, unsigned int index, char *answer,
			 size_t size)
{
	char driver[64] = "";
	struct iov_bdf vf;

	if (iov_pci_link(iov, pf->bdf, iov_path("virtfn%u", index).name, &vf) ||
	    iov_pci_driver(iov, vf, driver, sizeof(driver)) || !*driver)
		return 0;
	snprintf(answer, size, "%s has the driver %s, which would not see it; take it away first: "
		 "iov bind %s --driver none", IOV_BDF(vf), driver, IOV_BDF(vf));
	return -EBUSY;
}

int net_set_devlink(struct iov *iov, const struct iov_pf *pf, unsigned int index,
		    const char *attribute, struct json_object *value, char *answer, size_t size)
{
	_cleanup_json_ struct json_object *ports = NULL;
	const struct devlink_device device = devlink_of(iov, pf->bdf);
	const struct devlink_value *known = devlink_value(attribute);
	struct json_object *port;
	int error;

	iov_sys_asking(iov, "%s of VF %u, by devlink", attribute, index);
	error = devlink_ports(&device, &ports, NULL);
	if (error)
		return error;
	port = devlink_port_of(ports, VF_FLAVOUR, "vf", index);
	if (!port) {
		snprintf(answer, size, "the VF has no devlink port; NICs have them in switchdev mode");
		return -EOPNOTSUPP;
	}
	if (!devlink_is_rate(known) && known->kind != DEVLINK_HW_ADDR)
		error = check_unbound(iov, pf, index, answer, size);
	if (!error)
		error = devlink_set(&device, (unsigned int)json_object_get_int64(
					    json_object_object_get(port, "port")), NULL, attribute, value,
				    answer, size);
	return error;
}

/* Only a driver that has modes of its switch makes ports for VFs, so what others lack they always lack. */
int net_lacks_devlink(struct iov *iov, const struct iov_pf *pf, unsigned int index, const char *attribute,
		      bool exists)
{
	const struct devlink_device device = devlink_of(iov, pf->bdf);
	const char *mode;
	int error = devlink_eswitch_read(iov, &device, &mode);

	if (error == -EOPNOTSUPP)
		return iov_told(iov, error, "its driver gives VFs no ports of devlink, by which it would be set%s",
				devlink_is_rate(devlink_value(attribute)) ?
				"; what a VF of such a NIC may send is set by max-rate" : "");
	if (error || !exists)
		return error;
	if (strcmp(mode, "switchdev"))
		return iov_told(iov, -EOPNOTSUPP, "VF %u tells none in mode %s; NICs have such in switchdev mode, see "
				"'iov eswitch'", index, mode);
	return iov_told(iov, -EOPNOTSUPP, "VF %u tells none; 'iov vf show %s %u' lists what it has", index,
			IOV_BDF(pf->bdf), index);
}
