/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a host keeps what iovkit reads, relative to the sysroot. */
#ifndef IOV_BASE_PATHS_H
#define IOV_BASE_PATHS_H

#define IOV_PATH_PCI_DEVICES "sys/bus/pci/devices"
#define IOV_PATH_PCI_DRIVERS "sys/bus/pci/drivers"
#define IOV_PATH_PCI_PROBE "sys/bus/pci/drivers_probe"
#define IOV_PATH_PCI_SLOTS "sys/bus/pci/slots"
#define IOV_PATH_IOMMU_GROUPS "sys/kernel/iommu_groups"
#define IOV_PATH_CLASS_NET "sys/class/net"
#define IOV_PATH_CLASS_BLOCK "sys/class/block"
#define IOV_PATH_CLASS_NVME "sys/class/nvme"
#define IOV_PATH_CLASS_VFIO "sys/class/vfio-dev"
#define IOV_PATH_DEV_BLOCK "sys/dev/block"
#define IOV_PATH_NVME_SUBSYSTEMS "sys/devices/virtual/nvme-subsystem"
#define IOV_PATH_BTRFS "sys/fs/btrfs"
#define IOV_PATH_ACPI_TABLES "sys/firmware/acpi/tables"
#define IOV_PATH_MODULES "sys/module"
#define IOV_PATH_PROC "proc"
#define IOV_PATH_CPUINFO "proc/cpuinfo"
#define IOV_PATH_MOUNTS "proc/self/mountinfo"
#define IOV_PATH_SWAPS "proc/swaps"
#define IOV_PATH_ROUTE4 "proc/net/route"
#define IOV_PATH_ROUTE6 "proc/net/ipv6_route"
#define IOV_PATH_ADDRESS6 "proc/net/if_inet6"
#define IOV_PATH_BOOT_ID "proc/sys/kernel/random/boot_id"
#define IOV_PATH_DEV "dev"
#define IOV_PATH_HUGE_PAGES "sys/kernel/mm/hugepages"
#define IOV_PATH_DEV_VFIO "dev/vfio"
#define IOV_PATH_DEV_IOMMU "dev/iommu"
#define IOV_PATH_STATE "var/lib/iovkit"
#define IOV_PATH_RUN "run/iovkit"
#define IOV_CONTROL_SOCKET "/run/iovkit/iovd.sock"

#endif
