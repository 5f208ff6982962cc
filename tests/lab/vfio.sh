#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device edu --device igb --device igb --device ivshmem --device edus --device nec-usb-xhci
# The VFIO library on real drivers, by each interface that the kernel has.
. "$(dirname "$0")/lib/check.sh"

tests=$(dirname "$(dirname "$(command -v iov)")")/tests/vfio
export IOV_EDU=0000:01:00.0 IOV_NIC=0000:02:00.0 IOV_PF=0000:03:00.0 IOV_VF=0000:03:10.0
export IOV_HOST=0000:00:01.0 IOV_SHMEM=0000:04:00.0 IOV_SLOT=0000:05:00.0 IOV_MSI=0000:06:00.0

modprobe vfio-pci enable_sriov=1
modprobe -q iommufd || :
for bdf in $IOV_EDU $IOV_NIC $IOV_PF $IOV_SHMEM $IOV_SLOT ${IOV_SLOT%0}1 $IOV_MSI; do
	iov bind $bdf --driver vfio-pci > /dev/null
done
echo 1 > $pci/$IOV_PF/sriov_numvfs
expect "the VF's driver" vfio-pci "$(driver_of $IOV_VF)"

# Two serial ports that exist in the kernel alone, and can move
modprobe mtty
export IOV_MTTY_A=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 IOV_MTTY_B=83b8f4f2-509f-382f-3c1e-e6bfe0fa1002
make_ports()
{
	local uuid
	for uuid in $IOV_MTTY_A $IOV_MTTY_B; do
		[ ! -e /sys/bus/mdev/devices/$uuid ] || echo 1 > /sys/bus/mdev/devices/$uuid/remove
		echo $uuid > /sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-2/create
	done
}

domains=(type1)
[ ! -e /dev/iommu ] || domains+=(iommufd)
for domain in "${domains[@]}"; do
	make_ports
	for test in domain device migration; do
		IOV_DOMAIN=$domain expect_status "$test by $domain" 0 "$tests/test_$test"
	done
done

# A member of the group with a driver of the host's keeps all of it from VFIO
other=${IOV_SLOT%0}1
modprobe uio_pci_generic
echo $other > $pci/$other/driver/unbind
echo uio_pci_generic > $pci/$other/driver_override
echo $other > /sys/bus/pci/drivers_probe
expect "another driver" uio_pci_generic "$(driver_of $other)"
for domain in "${domains[@]}"; do
	expect_status "a group that is not viable by $domain" 1 iov vfio info $IOV_SLOT --interface $domain
	expect_match "... names who is in the way" "$other.*uio_pci_generic" "$err"
done
