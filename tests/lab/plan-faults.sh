#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# From two furnished VFs to three others, with a fault in each write in turn: the host
# ends as it was or as it was asked to be.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
library=$(dirname "$(dirname "$(command -v iov)")")/tests/lab/libfault.so
[ -e "$library" ] || { echo "missing: $library"; exit 77; }
export FAULT_COUNTER=/tmp/writes
injections=0
violations=0

# Everything that the command changes; names of interfaces are not its matter
state()
{
	iov vf list $pf --json | jq -c '.vfs[] |= del(.netdev, .iommu_group)'
	cat $pci/$pf/sriov_drivers_autoprobe
	for vf in $pci/$pf/virtfn*/driver_override; do
		cat "$vf"
	done
}

furnish()
{
	iov vf create $pf --count 2 --driver native
	iov vf set $pf 0 --mac 02:00:00:00:00:01 --vlan 7
	iov vf set $pf 1 --mac 02:00:00:00:00:02 --spoofchk off
	iov bind 0000:01:10.2 --driver vfio-pci
} > /dev/null

# faulty KIND N OPTION...: the command with that fault; its errors are in /tmp/errors
faulty()
{
	rm -f $FAULT_COUNTER
	(FAULT=$1:$2 LD_PRELOAD=$library iov vf create $pf --count 3 "${@:3}" 2> /tmp/errors > /dev/null)
} 2> /dev/null

# recover FAULT old|new: what a kill left
recover()
{
	local finish=
	[ "$2" = old ] || finish=--finish
	iov recover $finish > /dev/null 2> /tmp/errors || :
	judge "$1, then iov recover $finish" "$2"
}

# judge FAULT WANTED: compares, counts, and brings the host back when it is not as before
judge()
{
	injections=$((injections + 1))
	now=$(state)
	if [ "$now" != "${!2}" ] || [ -e /var/lib/iovkit/journal ]; then
		violations=$((violations + 1))
		echo "VIOLATION: $1: not in the $2 state: $(< /tmp/errors)"
		diff <(echo "${!2}") <(echo "$now") || :
	fi
	[ "$now" = "$old" ] || furnish
}

modprobe vfio-pci
modprobe igbvf
furnish
old=$(state)
expect_status "without a fault" 0 faulty none 0
new=$(state)
writes=$(od -An -td4 $FAULT_COUNTER | tr -d ' ')
[ "$old" != "$new" ] || fail "the command changes nothing"
furnish
expect "the start can be reached again" "$old" "$(state)"

ends=(old new)
for ((n = 1; n <= writes; n++)); do
	for kind in error late-error hang; do
		! faulty $kind $n --timeout 3 || fail "$kind in write $n went unnoticed"
		judge "$kind in write $n of $writes" old
	done
	for kind in kill kill-all; do
		! faulty $kind $n || fail "$kind in write $n went unnoticed"
		recover "$kind in write $n of $writes" "${ends[(n + ${#kind}) / 4 % 2]}"
	done
done
echo "$injections injections, $violations violations"
expect "violations" 0 $violations
