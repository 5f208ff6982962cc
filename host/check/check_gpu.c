// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A GPU: in which ways guests can have it ("gpu-ways"), what goes along with it ("gpu-slot"), whether
 * another display needs the addresses of VGA ("vga"), and whether its VFs are ready ("vgpu").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"
#include "sriov/class.h"

#define CLASS_VGA 0x0300

static void check_ways(struct checks *checks, const struct check_function *function, struct json_object *ways)
{
	char text[512] = "";
	size_t length = 0;

	for (size_t i = 0; i < json_object_array_length(ways) && length < sizeof(text); i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", i ? ", " : "",
					   json_text(json_object_array_get_idx(ways, i), "name"));
	check_line(checks, "gpu-ways", CHECK_OK, "%s", text);
	for (size_t i = 0; i < json_object_array_length(ways); i++) {
		struct json_object *way = json_object_array_get_idx(ways, i);

		check_evidence(checks, iov_pci_path(function->bdf, "class").name, "%s: %s", json_text(way, "name"),
			       json_text(way, "how"));
	}
}

static void check_slot(struct checks *checks, const struct check_function *function, struct json_object *others)
{
	if (!json_object_array_length(others)) {
		check_line(checks, "gpu-slot", CHECK_OK, "nothing else is in its slot");
		return;
	}
	check_line(checks, "gpu-slot", CHECK_OK, "%s in its slot, which 'iov bind %s --slot' takes along",
		   check_names(others).text, function->name.text);
	for (size_t i = 0; i < json_object_array_length(others); i++) {
		const char *other = json_object_get_string(json_object_array_get_idx(others, i));
		struct iov_path path = iov_path(IOV_PATH_PCI_DEVICES "/%s/driver", other);
		char driver[64] = "";

		iov_sys_link_name(checks->iov, path.name, driver, sizeof(driver));
		check_evidence(checks, path.name, "%s", *driver ? driver : "no driver");
	}
}

static bool is_vga(struct iov *iov, struct iov_bdf bdf)
{
	int64_t code;

	return !iov_pci_number(iov, bdf, "class", &code) && code >> 8 == CLASS_VGA;
}

static size_t count_other_displays(struct checks *checks, struct iov_bdf bdf)
{
	_cleanup_free_ struct iov_bdf *list = NULL;
	size_t count = 0, found = 0;

	if (iov_pci_list(checks->iov, &list, &count))
		return 0;
	for (size_t i = 0; i < count; i++)
		found += iov_bdf_compare(list[i], bdf) && is_vga(checks->iov, list[i]);
	return found;
}

/* Legacy VGA is one for all displays of a host; who has it through vfio-pci has the others wait. */
static void check_vga(struct checks *checks, const struct check_function *function)
{
	size_t others = is_vga(checks->iov, function->bdf) ? count_other_displays(checks, function->bdf) : 0;
	int disabled = check_parameter(checks, "vfio_pci", "disable_vga");

	if (!others)
		check_line(checks, "vga", CHECK_OK, "no other display shares the addresses of VGA with it");
	else if (disabled == 1)
		check_line(checks, "vga", CHECK_OK, "vfio-pci leaves the addresses of VGA to the other displays");
	else
		check_line(checks, "vga", CHECK_WARN, "%zu other displays share the addresses of VGA, for which they "
			   "wait while a guest has them through vfio-pci", others);
	if (others && disabled != 1)
		check_remedy(checks, "'iov bind %s --slot --disable-vga', unless the guest's firmware needs VGA",
			     function->name.text);
	check_evidence(checks, IOV_PATH_MODULES "/vfio_pci/parameters/disable_vga", "%s",
		       disabled < 0 ? "absent" : disabled ? "Y" : "N");
}

static void check_vgpu(struct checks *checks, const struct check_function *function, struct json_object *object)
{
	struct json_object *types, *type;
	bool is_vf = json_object_object_get_ex(object, "vgpu_type", &type);

	if (!json_object_object_get_ex(object, "vgpu_types", &types))
		return;
	if (is_vf && json_object_get_int64(type)) {
		check_line(checks, "vgpu", CHECK_OK, "it is a vGPU of type %s", json_object_get_string(type));
	} else if (json_object_array_length(types)) {
		check_line(checks, "vgpu", CHECK_OK, "%zu types of vGPU have instances left",
			   json_object_array_length(types));
	} else {
		check_line(checks, "vgpu", CHECK_WARN, "no type of vGPU has an instance left");
		check_remedy(checks, "'iov vf list' shows which VFs have one, 'iov vf set ... --vgpu-type 0' gives one back");
	}
	check_evidence(checks, iov_pci_path(function->bdf, "nvidia").name, "%zu types",
		       json_object_array_length(types));
}

void check_gpu(struct checks *checks, const struct check_function *function)
{
	_cleanup_json_ struct json_object *object = NULL;
	struct json_object *ways, *slot;

	if (iov_class_describe(checks->iov, function->bdf, &object) || !object ||
	    !json_object_object_get_ex(object, "ways", &ways) || !json_object_object_get_ex(object, "slot", &slot))
		return;
	check_ways(checks, function, ways);
	check_slot(checks, function, slot);
	check_vga(checks, function);
	check_vgpu(checks, function, object);
}
