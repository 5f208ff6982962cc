#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology noiommu --device nvme
# Without an IOMMU, where the kernel was told to do without: an NVMe controller reads and writes.
. "$(dirname "$0")/lib/check.sh"

nvme=0000:02:00.0
test=$(dirname "$(dirname "$(command -v iov)")")/tests/vfio/test_nvme
switch=/sys/module/vfio/parameters/enable_unsafe_noiommu_mode

modprobe vfio-pci
if [ ! -e $switch ]; then
	expect_status "a kernel without that mode" 1 iov bind $nvme --driver vfio-pci
	expect_match "... says so" "the IOMMU is off" "$err"
	exit
fi
expect_status "before it is told" 1 iov bind $nvme --driver vfio-pci
expect_match "... says what to do" "the IOMMU is off" "$err"
echo 1 > $switch
expect_status "then it is bound" 0 iov bind $nvme --driver vfio-pci
expect "the driver" vfio-pci "$(driver_of $nvme)"
expect_status "memory takes huge pages" 1 iov vfio dma $nvme --interface noiommu
expect_match "... and it is said how many" "vm.nr_hugepages" "$err"
sysctl -q vm.nr_hugepages=32
expect_status "DMA of a controller" 0 iov vfio dma $nvme --interface noiommu
IOV_NVME=$nvme IOV_DOMAIN=noiommu expect_status "a controller that reads and writes" 0 "$test"
