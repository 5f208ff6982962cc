// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In dom0 Xen has the processor and the IOMMU, runs the guests and gives them functions: what a host of
 * KVM has to be ready for is skipped, and "pciback" is the one thing that its kernel has to have.
 */
#include "base/plan/module.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"
#include "iommu/group.h"

#define MODULE "xen_pciback"

static void check_pciback(struct checks *checks)
{
	const char *const loaded = IOV_PATH_PCI_DRIVERS "/" IOV_DRIVER_PCIBACK;
	bool there = iov_sys_exists(checks->iov, loaded);
	size_t count = 0;
	char **names;

	if (there) {
		check_line(checks, "pciback", CHECK_OK, "xen-pciback is loaded");
	} else if (iov_module_find(checks->iov, MODULE, &names, &count)) {
		check_line(checks, "pciback", CHECK_OK,
			   "xen-pciback is not loaded; 'iov bind' loads it when it is needed");
	} else if (count) {
		iov_names_free(names, count);
		check_line(checks, "pciback", CHECK_OK,
			   "xen-pciback is available; 'iov bind' loads it when it is needed");
	} else {
		iov_names_free(names, count);
		check_line(checks, "pciback", CHECK_FAIL, "this kernel has no xen-pciback");
		check_remedy(checks, "install the kernel's package with all of its modules, or boot a "
			     "kernel with CONFIG_XEN_PCIDEV_BACKEND");
	}
	check_evidence(checks, loaded, there ? "present" : "absent");
}

void check_dom0(struct checks *checks)
{
	static const struct {
		const char *name, *found;
	} of_xen[] = {
		{ "cpu-virtualization", "Xen has it: 'xl info' tells by hvm of virt_caps" },
		{ "nested-paging", "Xen has it: 'xl info' tells by hap of virt_caps" },
		{ "kvm", "this is dom0: Xen runs the guests" },
		{ "iommu-firmware", "Xen has taken the table" },
		{ "iommu", "Xen has it: 'xl info' tells by hvm_directio and pv_directio of virt_caps" },
		{ "iommu-domains", "Xen has the IOMMU" },
		{ "reserved-memory", "Xen has the IOMMU" },
		{ "acs", "Xen assigns each function by itself: 'iov check DEVICE' tells" },
		{ "interrupt-remapping", "Xen's matter: 'xl dmesg' tells" },
		{ "posted-interrupts", "Xen's matter: 'xl dmesg' tells" },
		{ "x2apic", "Xen's matter: 'xl dmesg' tells" },
		{ "vfio-modules", "pciback gives functions to guests of Xen" },
		{ "vfio-interfaces", "pciback gives functions to guests of Xen" },
	};

	for (size_t i = 0; i < sizeof(of_xen) / sizeof(*of_xen); i++)
		check_line(checks, of_xen[i].name, CHECK_SKIP, "%s", of_xen[i].found);
	check_pciback(checks);
}
