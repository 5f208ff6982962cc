// SPDX-License-Identifier: GPL-2.0-or-later
/* VFIO in the kernel: "vfio-modules", "vfio-interfaces", "noiommu". */
#include <stdio.h>
#include <string.h>

#include "base/plan/module.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"

static bool loaded(struct checks *checks, const char *module)
{
	return iov_sys_exists(checks->iov, iov_path(IOV_PATH_MODULES "/%s", module).name);
}

/* "loaded", "available", "missing", or "unknown" on a recorded host. */
static const char *module_state(struct checks *checks, const char *module)
{
	size_t count;
	char **names;

	if (loaded(checks, module))
		return "loaded";
	if (iov_module_find(checks->iov, module, &names, &count))
		return "not loaded";
	iov_names_free(names, count);
	return count ? "available" : "missing";
}

static void check_modules(struct checks *checks)
{
	static const char *const modules[] = { "vfio", "vfio_pci", "vfio_iommu_type1", "iommufd" };
	const char *driver = module_state(checks, "vfio_pci");

	if (!strcmp(driver, "missing")) {
		check_line(checks, "vfio-modules", CHECK_FAIL, "this kernel has no vfio-pci");
		check_remedy(checks, "install the kernel's package with all of its modules "
			     "(linux-modules-extra on Ubuntu, kernel-modules on Fedora), or boot a "
			     "kernel with CONFIG_VFIO_PCI");
	} else if (!strcmp(driver, "loaded")) {
		check_line(checks, "vfio-modules", CHECK_OK, "vfio-pci is loaded");
	} else {
		check_line(checks, "vfio-modules", CHECK_OK,
			   "vfio-pci is %s; 'iov bind' loads it when it is needed", driver);
	}
	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++)
		check_evidence(checks, iov_path(IOV_PATH_MODULES "/%s", modules[i]).name, "%s",
			       module_state(checks, modules[i]));
}

static void check_interfaces(struct checks *checks)
{
	bool group = iov_sys_exists(checks->iov, IOV_PATH_DEV_VFIO "/vfio");
	bool cdev = iov_sys_exists(checks->iov, IOV_PATH_DEV_VFIO "/devices") ||
		    iov_sys_exists(checks->iov, IOV_PATH_CLASS_VFIO);
	bool iommufd = iov_sys_exists(checks->iov, IOV_PATH_DEV_IOMMU);
	char list[64];

	snprintf(list, sizeof(list), "%s%s%s", group ? ", groups" : "", cdev ? ", cdev" : "",
		 iommufd ? ", iommufd" : "");
	if (group || (cdev && iommufd)) {
		check_line(checks, "vfio-interfaces", CHECK_OK, "%s", list + 2);
	} else if (!loaded(checks, "vfio")) {
		check_line(checks, "vfio-interfaces", CHECK_WARN, "none, as VFIO is not loaded");
		check_remedy(checks, "'modprobe vfio-pci', or name it in 'modules' of "
			     "/etc/iovkit/host.yaml");
	} else {
		check_line(checks, "vfio-interfaces", CHECK_FAIL, "none that a VMM can use%s%s",
			   *list ? ": only" : "", *list ? list + 1 : "");
		check_remedy(checks, "'modprobe vfio_iommu_type1' for groups, 'modprobe iommufd' "
			     "for cdevs; a kernel without CONFIG_VFIO_GROUP needs "
			     "CONFIG_VFIO_DEVICE_CDEV and CONFIG_IOMMUFD");
	}
	check_evidence(checks, IOV_PATH_DEV_VFIO "/vfio", group ? "present" : "absent");
	check_evidence(checks, IOV_PATH_DEV_VFIO "/devices", cdev ? "present" : "absent");
	check_evidence(checks, IOV_PATH_DEV_IOMMU, iommufd ? "present" : "absent");
}

static void check_noiommu(struct checks *checks)
{
	static const char *const name = "enable_unsafe_noiommu_mode";
	int value = check_parameter(checks, "vfio", name);

	if (value == 1) {
		check_line(checks, "noiommu", CHECK_WARN,
			   "on: a device in this mode can write to all of the host's memory");
		check_remedy(checks, "write N to /sys/module/vfio/parameters/%s, and remove "
			     "vfio.%s=1 from the kernel command line and /etc/modprobe.d", name,
			     name);
	} else {
		check_line(checks, "noiommu", CHECK_OK, "off");
	}
	check_evidence(checks, iov_path(IOV_PATH_MODULES "/vfio/parameters/%s", name).name, "%s",
		       value == 1 ? "Y" : value ? "absent" : "N");
}

void check_vfio(struct checks *checks)
{
	check_modules(checks);
	check_interfaces(checks);
	check_noiommu(checks);
}
