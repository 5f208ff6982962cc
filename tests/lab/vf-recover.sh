#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# kill -9 at any point of 'iov vf create'; 'iov recover' leaves the host as before or as asked.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0

# Everything that creating VFs changes
state()
{
	iov vf list $pf
	cat $pci/$pf/sriov_drivers_autoprobe
	for vf in $pci/$pf/virtfn*/driver_override; do
		[ ! -e "$vf" ] || cat "$vf"
	done
}

modprobe vfio-pci
none=$(state)
expect_status "what is asked for" 0 iov vf create $pf --count 2
asked=$(state)
expect_status "and back" 0 iov vf remove $pf

# The library receives an answer to each run of writes. Those of one plan:
# autoprobe, numvfs, the binding of each VF, autoprobe
for write in 1 2 3 4 5; do
	killed request $write iov vf create $pf --count 2 --jobs 1
	expect_status "a change on top is refused" 1 iov vf create $pf --count 1
	expect_match "recovery is named" "iov recover" "$err"
	expect_status "undo" 0 iov recover
	expect "killed in write $write and undone: as before" "$none" "$(state)"
done
for write in 1 2 3 5; do
	killed request $write iov vf create $pf --count 2 --jobs 1
	expect_status "finish" 0 iov recover --finish
	expect "killed in write $write and finished: as asked" "$asked" "$(state)"
	iov vf remove $pf > /dev/null
done
killed fsync 1 iov vf create $pf --count 2
expect_status "nothing to undo" 0 iov recover
expect "killed while the journal is written: as before" "$none" "$(state)"

iov vf create $pf --count 2 > /dev/null
iov vf set $pf 0 --mac 02:00:00:00:00:01 --vlan 7 > /dev/null
iov vf create $pf --count 2 --driver native > /dev/null
iov bind 0000:01:10.2 --driver vfio-pci > /dev/null
furnished=$(state)
for write in 1 3 5; do
	killed request $write iov vf create $pf --count 3 --jobs 1
	expect_status "undo" 0 iov recover
	expect "from 2 to 3, killed in write $write: drivers and attributes as before" \
		"${furnished//eth?/}" "$(state | sed 's/eth.//')"
done
