#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# iov list and iov show say what sysfs says.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0 vf=0000:01:10.2
echo 2 > $pci/$pf/sriov_numvfs

all=$(iov list --all --json)
expect "every function is listed" "$(ls $pci)" "$(gojq -r '.[].device' <<< "$all")"
expect "bridges are left out without --all" 0 \
	"$(iov list --json | gojq '[.[] | select(.class_code | startswith("0x06"))] | length')"
expect "drivers and groups are those of sysfs" \
	"$(cd $pci; for device in *; do echo "$device $(driver_of "$device") $(group_of "$device")"; done)" \
	"$(gojq -r '.[] | "\(.device) \(.driver // "none") \(.iommu_group)"' <<< "$all")"

row=$(gojq -c --arg d $vf '.[] | select(.device == $d) | [.pf, .vf_index, .msix, .reset_methods]' <<< "$all")
expect "a VF's relation, vectors and resets" "[\"$pf\",1,3,[\"flr\"]]" "$row"
row=$(gojq -c --arg d $pf '.[] | select(.device == $d) | [.vfs, .vfs_total]' <<< "$all")
expect "a PF's VFs" '[2,7]' "$row"
expect_match "the table shows the relation" "VF 1 .*/vf1$" "$(iov list | grep "^$vf ")"

expect "those without a driver" \
	"$(for device in $(iov list --json | gojq -r '.[].device'); do
		[ "$(driver_of "$device")" != none ] || echo "$device"; done)" \
	"$(iov list --driver none --json | gojq -r '.[].device')"
expect "those of a class" "$(cd $pci; grep -l ^0x02 -- */class | cut -d / -f 1)" \
	"$(iov list --class network --json | gojq -r '.[].device')"
free=$(iov list --free --json | gojq -r '.[].device')
for device in $(iov list --json | gojq -r '.[].device'); do
	expect "--free says of $device what iov show says" \
		"$(iov show "$device" --json | gojq .assignment.assignable)" \
		"$(grep -qx "$device" <<< "$free" && echo true || echo false)"
done

shown=$(iov show $pf --json)
expect "interfaces" "$(ls $pci/$pf/net)" "$(gojq -r '.net[]' <<< "$shown")"
expect "capabilities by name" true "$(gojq '.capabilities | contains(["MSI-X", "SR-IOV"])' <<< "$shown")"
expect "a PF with VFs cannot be assigned" false "$(gojq .assignment.assignable <<< "$shown")"
expect_match "and the text says why" "no: $pf: has 2 VFs" "$(iov show $pf)"
expect_match "a VF can, with the command" "yes, after 'iov bind $vf --driver vfio-pci'" "$(iov show $vf)"

expect_status "an unknown function" 4 iov show 0000:09:00.0
expect_match "is named with what to do" "0000:09:00.0: no such PCI function.*iov list --all" "$err"
expect_status "a malformed address" 4 iov show nonsense
expect_match "is named with an example" "nonsense: neither a PCI address.*0000:01:00.0" "$err"
