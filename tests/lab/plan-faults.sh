#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# Two changes with a fault in each of their writes in turn: the host ends as it was
# before, or as it was asked to be.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
library=$(dirname "$(dirname "$(command -v iov)")")/tests/lab/libfault.so
[ -e "$library" ] || { echo "missing: $library"; exit 77; }
export FAULT_COUNTER=/tmp/writes
injections=0
violations=0

# Everything that the changes touch; names of interfaces are not their matter
state()
{
	iov vf list $pf --json | gojq -c '.vfs[] |= del(.netdev, .iommu_group, .statistics)'
	cat $pci/$pf/sriov_drivers_autoprobe $pci/$pf/virtfn*/driver_override
}

# faulty KIND N COMMAND...: the command with that fault; its errors are in /tmp/errors
faulty()
{
	rm -f $FAULT_COUNTER
	(FAULT=$1:$2 LD_PRELOAD=$library "${@:3}" 2> /tmp/errors > /dev/null)
} 2> /dev/null

# judge FAULT old|new: compare, count, and bring the host back when it is not as before
judge()
{
	local now
	now=$(state)
	injections=$((injections + 1))
	if [ "$now" != "${!2}" ] || [ -e /var/lib/iovkit/journal ]; then
		violations=$((violations + 1))
		echo "VIOLATION: $1: not in the $2 state: $(< /tmp/errors)"
		diff <(echo "${!2}") <(echo "$now") || :
	fi
	[ "$now" = "$old" ] || furnish > /dev/null
}

# inject KIND N old|new COMMAND...
inject()
{
	! faulty "$1" "$2" "${@:4}" || fail "$1 in write $2 of '${*:4}' went unnoticed"
	case $1-$3 in
	kill*-old) iov recover > /dev/null 2> /tmp/errors || : ;;
	kill*-new) iov recover --finish > /dev/null 2> /tmp/errors || : ;;
	esac
	judge "$1 in write $2 of '${*:4}'" "$3"
}

# prepare COMMAND...: the states before and after it, and the number of its writes
prepare()
{
	furnish > /dev/null
	old=$(state)
	expect_status "$* without a fault" 0 faulty none 0 "$@"
	new=$(state)
	writes=$(od -An -td4 $FAULT_COUNTER | tr -d ' ')
	[ "$old" != "$new" ] || fail "the command changes nothing"
	furnish > /dev/null
	expect "the start can be reached again" "$old" "$(state)"
}

modprobe vfio-pci
modprobe igbvf
vfs=(0000:01:10.0 0000:01:10.2 0000:01:10.4)
iov vf create $pf --count 3 --driver native > /dev/null

# Several functions from their driver to another
furnish() { iov unbind "${vfs[@]}"; }
bind=(iov bind "${vfs[@]}" --driver vfio-pci --timeout 2)
prepare "${bind[@]}"
# Each write meets the next of the faults, and in a long run all of them
is_turn() { [ "${IOVKIT_SOAK:-1}" -gt 1 ] || [ $(($1 % $2)) = 0 ]; }
kinds=(error late-error hang kill-all kill)
for ((n = 1; n <= writes; n++)); do
	for ((turn = 0; turn < ${#kinds[@]}; turn++)); do
		is_turn $((n + turn)) ${#kinds[@]} || continue
		kind=${kinds[turn]} end=old
		[ $kind != kill ] || end=new
		inject $kind $n $end "${bind[@]}"
	done
done
echo "at $SECONDS s: $injections injections, $violations violations"

# From one VF with attributes to two others
furnish()
{
	iov vf create $pf --count 1 --driver native
	iov vf set $pf 0 --mac 02:00:00:00:00:01 --vlan 7 --spoofchk off
}
create=(iov vf create $pf --count 2)
prepare "${create[@]}"
for ((n = 1; n <= writes; n++)); do
	! is_turn $n 3 || inject error $n old "${create[@]}"
	! is_turn $((n + 1)) 3 || inject kill-all $n old "${create[@]}"
	! is_turn $((n + 2)) 3 || inject kill $n new "${create[@]}"
done
echo "at $SECONDS s: $injections injections, $violations violations"
expect "violations" 0 $violations
