// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/hypervisor.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

static bool file_has(struct iov *iov, const char *path, const char *word)
{
	_cleanup_free_ char *text = NULL;

	return !iov_sys_read_all(iov, path, &text, NULL) && strstr(text, word);
}

enum iov_hypervisor iov_hypervisor(struct iov *iov)
{
	if (file_has(iov, IOV_PATH_XEN_CAPABILITIES, "control_d"))
		return IOV_HYPERVISOR_XEN_HOST;
	if (file_has(iov, IOV_PATH_HYPERVISOR, "xen"))
		return IOV_HYPERVISOR_XEN;
	/* Xen's dom0 may have the flag or not, guests of all kinds have it. */
	if (!file_has(iov, IOV_PATH_CPUINFO, " hypervisor"))
		return IOV_HYPERVISOR_NONE;
	if (file_has(iov, IOV_PATH_DMI_VENDOR, "VMware"))
		return IOV_HYPERVISOR_VMWARE;
	if (file_has(iov, IOV_PATH_DMI_VENDOR, "Microsoft") || iov_sys_exists(iov, IOV_PATH_VMBUS))
		return IOV_HYPERVISOR_HYPERV;
	return IOV_HYPERVISOR_OTHER;
}

const char *iov_hypervisor_iommu(enum iov_hypervisor hypervisor)
{
	static const char *const words[] = {
		[IOV_HYPERVISOR_XEN_HOST] = "this is dom0, and Xen keeps the IOMMU for itself: VFIO "
			"has none here; assign by Xen ('iov bind DEVICE --driver pciback', then "
			"'iov attach DEVICE --vmm xen'), or boot the kernel without Xen",
		[IOV_HYPERVISOR_XEN] = "this host is a guest of Xen, which gives guests no IOMMU",
		[IOV_HYPERVISOR_HYPERV] = "this host is a guest of Hyper-V, which gives it no IOMMU: "
			"what is assigned to it is for its own use, by the native driver",
		[IOV_HYPERVISOR_VMWARE] = "this host is a guest of VMware: turn 'Expose IOMMU to the "
			"guest OS' on in its settings (vvtd.enable = \"TRUE\"), and boot the kernel "
			"with intel_iommu=on",
		[IOV_HYPERVISOR_OTHER] = "this host is a virtual machine: give it a virtual IOMMU "
			"(where QEMU is below: -machine kernel-irqchip=split -device "
			"intel-iommu,intremap=on; in a cloud take an instance on bare metal, as others "
			"mostly have none), and boot the kernel with intel_iommu=on",
	};

	return words[hypervisor];
}

const char *iov_hypervisor_nested(enum iov_hypervisor hypervisor)
{
	static const char *const words[] = {
		[IOV_HYPERVISOR_XEN_HOST] = "this is dom0, and Xen runs the guests: KVM does not "
			"work here; boot the kernel without Xen",
		[IOV_HYPERVISOR_XEN] = "turn nested virtualization on in Xen: 'nestedhvm=1' in the "
			"configuration of this guest",
		[IOV_HYPERVISOR_HYPERV] = "turn nested virtualization on in Hyper-V: "
			"'Set-VMProcessor -VMName NAME -ExposeVirtualizationExtensions $true', on "
			"Azure a size that has it",
		[IOV_HYPERVISOR_VMWARE] = "turn 'Expose hardware assisted virtualization to the "
			"guest OS' on in its settings (vhv.enable = \"TRUE\")",
		[IOV_HYPERVISOR_OTHER] = "turn nested virtualization on in the hypervisor below: where "
			"that is KVM kvm_intel.nested=1 or kvm_amd.nested=1 there, and its guest CPU "
			"'host-passthrough'; in a cloud take an instance that has it",
	};

	return words[hypervisor];
}
