#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# VFs come into being bound to what was asked for; --dry-run names every write.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
command -v strace > /dev/null || { echo "missing: strace"; exit 77; }

# Writes to sysfs as DIRECTORY/ATTRIBUTE=VALUE: what a dry run names, what strace saw.
# Sorted, as those of different VFs come in any order
named() { sed -nE "s|^ +write '(.*)' to .*/([^/]+/[^/]+)\$|\2=\1|p" | sort; }
seen() { sed -nE 's|.*write\([0-9]+</sys/.*/([^/]+/[^/]+)>, "(.*)", [0-9]+.*|\1=\2|p' "$1" | sort; }

planned=$(iov vf create $pf --count 4 --dry-run | named)
expect_match "a dry run names the writes" "sriov_numvfs=4" "$planned"
expect "a dry run creates nothing" 0 "$(< $pci/$pf/sriov_numvfs)"
expect_status "create 4 VFs" 0 strace -f --seccomp-bpf -y -qq -e trace=write -o /tmp/trace \
	iov vf create $pf --count 4
expect "what was written is what the dry run named" "$planned" "$(seen /tmp/trace)"
expect "they are bound to vfio-pci" "vfio-pci vfio-pci vfio-pci vfio-pci" \
	"$(for n in 0 2 4 6; do driver_of 0000:01:10.$n; done | paste -sd' ' -)"
expect "drivers are probed again afterwards" 1 "$(< $pci/$pf/sriov_drivers_autoprobe)"

expect_status "the same again" 0 strace -f --seccomp-bpf -y -qq -e trace=write -o /tmp/trace \
	iov vf create $pf --count 4
expect_match "nothing to do" "nothing to do" "$out"
expect "and nothing is written" "" "$(seen /tmp/trace)"

list=$(iov vf list $pf --json)
expect "the list counts them" "4 of 7" "$(gojq -r '"\(.count) of \(.total)"' <<< "$list")"
expect "the list has their groups" "$(group_of 0000:01:10.6)" "$(gojq .vfs[3].iommu_group <<< "$list")"

netdev=$(names $pci/$pf/net/*)
expect_status "another number, by the interface's name" 0 iov vf create "$netdev" --count 2 --driver native
expect "on their native driver" "igbvf igbvf none" \
	"$(driver_of 0000:01:10.0) $(driver_of 0000:01:10.2) $(driver_of 0000:01:10.4)"
expect_status "to vfio-pci without making them anew" 0 iov vf create $pf --count 2
expect "on vfio-pci" "vfio-pci vfio-pci" "$(driver_of 0000:01:10.0) $(driver_of 0000:01:10.2)"

expect_status "remove them" 0 iov vf remove $pf
expect "none are left" 0 "$(< $pci/$pf/sriov_numvfs)"
expect_status "again" 0 iov vf remove $pf
expect_match "nothing to do" "nothing to do" "$out"
expect_status "VFs without a driver" 0 iov vf create $pf --count 1 --driver none
expect "no driver" none "$(driver_of 0000:01:10.0)"
