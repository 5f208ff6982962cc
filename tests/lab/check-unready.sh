#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb --append intremap=off --append pci=noari --append pcie_acs_override=downstream
# A host that was booted wrong: iov check says so, and the kernel agrees.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
unsafe=/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
line() { iov check "${@:2}" --json | gojq -c --arg n "$1" '.[] | select(.check == $n)' || :; }

modprobe kvm_amd
expect_status "the host fails" 1 iov check
expect "one check of it" "interrupt-remapping" "$(iov check --json |
	gojq -r '.[] | select(.status == "fail") | .check')"
expect_match "the remedy" 'remove intremap=off' "$(line interrupt-remapping | gojq -r .remedy)"
expect_match "what else is in the way" 'intremap=off pci=noari' "$(line kernel-command-line | gojq -r .found)"
expect "an ACS override is no isolation" warn "$(line acs-override | gojq -r .status)"
expect "without ARI VFs take more buses" warn "$(line ari $pf | gojq -r .status)"

expect_status "bind says what the kernel would" 1 iov bind $pf --driver vfio-pci
expect_match "with the way out" "interrupt remapping is off.*allow_unsafe_interrupts=1" "$err"
modprobe vfio-pci
echo vfio-pci > $pci/$pf/driver_override
echo $pf > $pci/$pf/driver/unbind
echo $pf > /sys/bus/pci/drivers_probe
cat > /tmp/attach.py <<'END'
import fcntl, os, sys
group = os.open(sys.argv[1], os.O_RDWR)
container = os.open("/dev/vfio/vfio", os.O_RDWR)
VFIO_GROUP_SET_CONTAINER, VFIO_SET_IOMMU, TYPE1V2 = 0x3b68, 0x3b66, 3
fcntl.ioctl(group, VFIO_GROUP_SET_CONTAINER, container.to_bytes(4, "little"))
fcntl.ioctl(container, VFIO_SET_IOMMU, TYPE1V2)
END
attach() { python3 /tmp/attach.py "/dev/vfio/$(group_of $pf)"; }
expect_status "the kernel refuses the device" 1 attach
echo 1 > $unsafe
expect "unsafe interrupts are a warning" "warn warn" "$(line interrupt-remapping | gojq -r .status) $(
	line unsafe-interrupts | gojq -r .status)"
expect_status "and the host is usable" 0 iov check
expect_status "the kernel gives the device" 0 attach
