#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device nvme
# A controller and a VF of it, driven from user space by each interface that there is.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
test=$(dirname "$(dirname "$(command -v iov)")")/tests/vfio/test_nvme
domains=(type1)
if modprobe -q iommufd; then
	domains+=(iommufd)
fi

iov vf create $pf --count 1 --driver vfio-pci > /dev/null
vf=$(basename "$(readlink $pci/$pf/virtfn0)")
expect "the VF's driver" vfio-pci "$(driver_of $vf)"
for domain in "${domains[@]}"; do
	IOV_NVME=$vf IOV_DOMAIN=$domain expect_status "a VF by $domain" 0 "$test"
done
iov vf remove $pf > /dev/null
iov bind $pf --driver vfio-pci > /dev/null
for domain in "${domains[@]}"; do
	expect_status "DMA of a controller by $domain" 0 iov vfio dma $pf --interface $domain
	IOV_NVME=$pf IOV_DOMAIN=$domain expect_status "a controller by $domain" 0 "$test"
done
