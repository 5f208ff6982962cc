#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --topology minimal --device edu --device igb --device e1000e
# iov vfio, iov irq and iov reset as their users call them, by each interface that there is.
. "$(dirname "$0")/lib/check.sh"

edu=0000:01:00.0 nic=0000:02:00.0 other=0000:03:00.0

expect_status "a function that is not bound" 1 iov vfio info $edu
expect_match "... says what to do" "iov bind $edu --driver vfio-pci" "$err"
expect_status "a function that is not there" 4 iov vfio info 0000:fe:00.0
expect_status "no function at all" 2 iov vfio info

modprobe -q iommufd || :
iov bind $edu $other --driver vfio-pci > /dev/null
expect "the example of the library copies to the device and back" "to the device and back" \
	"$("$(dirname "$(command -v iov)")/../docs/examples/edu" $edu 2>&1)"
kinds=(type1)
if [ -e /dev/iommu ]; then
	kinds+=(iommufd)
	expect "iommufd is the default" iommufd "$(iov vfio info $edu --json | gojq -r .interface)"
else
	expect "type1 is the default" type1v2 "$(iov vfio info $edu --json | gojq -r .interface)"
	expect_status "iommufd on a kernel without" 1 iov vfio info $edu --interface iommufd
	expect_match "... says so" "this kernel has no IOMMUFD" "$err"
fi
for kind in "${kinds[@]}"; do
	expect_status "what VFIO gives, by $kind" 0 iov vfio info $edu --interface $kind
	expect_match "... in words" "BAR0 +1048576 +yes +all" "$out"
	expect "... and how it is reset" "$(< $pci/$other/reset_method)" \
		"$(iov vfio info $other --interface $kind --json | gojq -r '.reset_methods | join(" ")')"
	expect_status "DMA by $kind" 0 iov vfio dma $edu --interface $kind
	expect_match "... is verified" "copied .* 2048 bytes by $kind.*as it should be" "$out"
	expect_status "vectors of an e1000e by $kind" 0 iov irq test $other --interface $kind --json
	expect "... each fired" "[0,1,2,3,4] true" "$(gojq -c 'map(.vector)' <<< "$out") $(
		gojq 'all(.p50_ns > 0 and .p50_ns <= .p99_ns and .fired == 100)' <<< "$out")"
done
expect_status "DMA of a function that iov cannot drive" 1 iov vfio dma $other
expect_match "... says which it can" "NVMe controllers and QEMU.s edu" "$err"

tutorial=$(dirname "$(dirname "$(command -v iov)")")/tests/vfio/edu
expect_status "the program of the tutorial" 0 "$tutorial" $edu
expect "... gets its bytes back" "hello from the device" "$out"
expect_status "... and says what is wrong" 1 "$tutorial" $nic
expect_match "... as the library does" "iov bind $nic" "$err"

expect_status "which interrupts a driver has" 0 iov irq list $nic
ip link set "$(names $pci/$nic/net/*)" up
expect "vectors of an igb that is up" true "$(iov irq list $nic --json |
	gojq 'length > 1 and all(.irq > 0 and .kind == "msix" and .remapped == true and .posted == false)')"
expect_status "all on CPU 1, tried" 0 iov irq pin $nic --policy 1 --dry-run
expect_status "all on CPU 1" 0 iov irq pin $nic --policy 1
expect "they are there" '["1"]' "$(iov irq list $nic --json | gojq -c 'map(.cpus) | unique')"
expect_status "... twice" 0 iov irq pin $nic --policy 1
expect_match "... has nothing to do" "nothing to do" "$out"
expect_status "a CPU that is not there" 2 iov irq pin $nic --policy 77
expect_status "no policy" 2 iov irq pin $nic
expect_status "interrupts that nobody has" 4 iov irq pin $edu --policy local

group=$(basename "$(readlink $pci/$other/iommu_group)")
expect_status "a type of a group in use" 1 iov group set-type $nic identity
expect_match "... says what to do" "unbind" "$err"
expect_status "a type of a group that is not" 0 iov group set-type $other identity
expect "... is there" "identity identity" "$(< /sys/kernel/iommu_groups/$group/type) $(
	iov group show $group --json | gojq -r .type)"
expect_status "... twice" 0 iov group set-type $group identity
expect_match "... has nothing to do" "nothing to do" "$out"
expect_status "a type that there is not" 2 iov group set-type $group fast
iov group set-type $group DMA > /dev/null

expect_status "a reset of one function" 0 iov reset $other
expect_status "... by a method" 0 iov reset $other --method "$(tr ' ' '\n' < $pci/$other/reset_method | head -n 1)"
expect_status "... by one that it has not" 2 iov reset $other --method acpi
expect_match "... says which it has" "expected one of: [a-z]" "$err"
expect_status "the slot, tried" 0 iov reset $edu --slot --dry-run
expect_match "... says what is in it" "would be reset together: $edu" "$out"
expect_status "the slot" 0 iov reset $edu --slot
expect_status "DMA after it" 0 iov vfio dma $edu
