// SPDX-License-Identifier: GPL-2.0-or-later
/* A NIC: whether its switch can change its mode now; and of a VF, whether it has an address of its own. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"
#include "plugins/net/eswitch.h"
#include "plugins/net/nic.h"
#include "sriov/class.h"

static void check_switch(struct checks *checks, const struct check_function *function)
{
	char found[IOV_MESSAGE_SIZE];
	const char *mode, *other, *reason, *rest;

	if (iov_eswitch_read(checks->iov, function->bdf, &mode))
		return;
	other = strcmp(mode, "legacy") ? "legacy" : "switchdev";
	iov_eswitch_wants(checks->iov, function->bdf, &reason);
	if (!iov_eswitch_judge(checks->iov, function->bdf, other, 0)) {
		check_line(checks, "switch-mode", CHECK_OK, "%s, and can change to %s now", mode, other);
	} else {
		snprintf(found, sizeof(found), "%s", iov_error_message(checks->iov));
		rest = strstr(found, "; ");
		check_line(checks, "switch-mode", CHECK_WARN, "%s; it cannot change to %s now: %.*s", mode, other,
			   rest ? (int)(rest - found) : (int)strlen(found), found);
		check_remedy(checks, "%s", rest ? rest + 2 : "'iov eswitch show' tells more");
	}
	check_evidence(checks, iov_pci_path(function->bdf, "driver").name, "%s", reason);
}

/* The index of a VF of a PF whose VFs have addresses; false for what is none. */
static bool find_vf(struct checks *checks, struct iov_bdf bdf, struct iov_bdf *pf, unsigned int *index)
{
	const struct iov_class *device_class;

	if (iov_pci_link(checks->iov, bdf, "physfn", pf))
		return false;
	device_class = iov_class_of(checks->iov, *pf);
	return device_class && iov_class_attribute(device_class, "mac") &&
	       !iov_pci_vf_index(checks->iov, *pf, bdf, index);
}

static bool is_set(const char *address)
{
	return address && strspn(address, "0:") != strlen(address);
}

static void check_address(struct checks *checks, const struct check_function *function)
{
	_cleanup_json_ struct json_object *list = NULL;
	struct json_object *vf;
	unsigned int index;
	struct iov_bdf pf;

	if (!find_vf(checks, function->bdf, &pf, &index) || iov_vf_list(checks->iov, pf, -1, &list))
		return;
	vf = json_object_array_get_idx(json_object_object_get(list, "vfs"), index);
	if (!json_object_object_get_ex(vf, "mac", NULL))
		return;
	if (is_set(json_text_or_null(vf, "mac")) || is_set(json_text_or_null(vf, "hw_addr"))) {
		check_line(checks, "vf-address", CHECK_OK, "%s, whoever gets it", is_set(json_text(vf, "mac")) ?
			   json_text(vf, "mac") : json_text(vf, "hw_addr"));
	} else {
		check_line(checks, "vf-address", CHECK_WARN, "none was set, so a guest gets another MAC address at "
			   "each start");
		check_remedy(checks, "iov vf set %s %u --mac ADDRESS", IOV_BDF(pf), index);
	}
	check_evidence(checks, iov_pci_path(function->bdf, "physfn").name, "VF %u of %s", index, IOV_BDF(pf));
}

void check_nic(struct checks *checks, const struct check_function *function)
{
	if (iov_nic_is(checks->iov, function->bdf))
		check_switch(checks, function);
	else if (iov_sys_is_host(checks->iov))
		check_address(checks, function);
}
