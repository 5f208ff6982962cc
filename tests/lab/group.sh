#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# iov group list and show: the kernel's groups, and why they are groups.
. "$(dirname "$0")/lib/check.sh"

nic=0000:04:01.0
groups=$(iov group list --json)
expect "every group is listed" "$(ls /sys/kernel/iommu_groups | sort -n)" "$(gojq -r '.[].iommu_group' <<< "$groups")"
expect "with the kernel's members" "$(members_of $nic)" \
	"$(gojq -r --argjson g "$(group_of $nic)" '.[] | select(.iommu_group == $g) | [.members[].device] | join(" ")' <<< "$groups")"

group=$(iov group show $nic --json)
expect "a legacy bridge joins what is behind it" '["pci-bridge","0000:03:00.0"]' \
	"$(gojq -c '.reasons[] | [.kind, .at]' <<< "$group")"
expect "both NICs block it" '["0000:04:01.0","0000:04:02.0"]' "$(gojq -c .blocked_by <<< "$group")"
expect "the bridge does not" '["bridge",false]' "$(gojq -c '.members[0] | [.role, .blocks]' <<< "$group")"
expect "by number it is the same" "$group" "$(iov group show "$(group_of $nic)" --json)"
expect "functions of one device" '["multifunction","0000:00:1f"]' \
	"$(iov group show 0000:00:1f.2 --json | gojq -c '.reasons[] | [.kind, .at]')"
expect_match "the text says why and what to do" "0000:03:00.0 is a bridge to conventional PCI.*iov bind $nic --driver vfio-pci --group" \
	"$(iov group show $nic)"

expect_status "an unknown group" 4 iov group show 99
expect_match "is named" '99: no such IOMMU group.*iov group list' "$err"
