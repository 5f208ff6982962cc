#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# A driver hangs in the reset of a VF: the message names that VF, and no neighbour that would wait for it.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
modprobe igbvf
# Nobody announces a route by them
echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
expect_status "create 4 VFs" 0 iov vf create $pf --count 4 --driver native
for vf in 0000:01:10.{0,2,4,6}; do
	expect "it has its driver" igbvf "$(driver_of $vf)"
done
ip link set dev "$(names $pci/0000:01:10.4/net/*)" down

# One whose interface is down waits for what will not be; of those that are up none does
ip link set dev "$(names $pci/$pf/net/*)" up
for vf in 0000:01:10.{0,2,6}; do
	ip link set dev "$(names $pci/$vf/net/*)" up
done
if grep -q igbvf_io_prepare /proc/kallsyms; then
	expect_status "iov looks before" 1 iov reset $pf/all
	expect_match "and refuses" "0000:01:10.4: igbvf would hang .* until the host is restarted" "$err"
	expect_match "with a way out" "'ip link set eth[0-9] up' first" "$err"
	expect "nobody hangs" "" "$(grep -l pci_reset_function /proc/[0-9]*/stack 2> /dev/null)"
fi
# It does not see an interface in another network namespace
unshare -n sleep 1000 &
while [ "$(readlink /proc/$!/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
ip link set dev "$(names $pci/0000:01:10.4/net/*)" netns $!
status=0
iov reset $pf/all --timeout 20 --force=netns > /dev/null 2> "$errors" || status=$?
err=$(< "$errors")
[ "$status" != 0 ] || { echo "missing: a driver that hangs in a reset"; exit 77; }
expect "it is given up" 1 "$status"
expect_match "the VF is named" "^iov: cannot reset 0000:01:10.4: .*the kernel did not answer in time" "$err"
expect_match "and where its driver waits" "in the kernel in [a-z_, ]*igbvf_down" "$err"
expect_match "and what ends that" "until the host is restarted" "$err"
expect "no other one is" "" "$(grep -oE '0000:01:10.[026]' <<< "$err")"
expect "nobody else waits in the kernel" 1 "$(grep -l pci_reset_function /proc/[0-9]*/stack 2> /dev/null | wc -l)"

# Nobody reads its configuration space any more, nor that of the port above; all else is told
port=$(cd -P "$pci/$pf/.." && names "$PWD")
answers()
{
	local what=$1 status=0
	shift
	SECONDS=0
	out=$(timeout -k 1 60 "$@" 2> "$errors") || status=$?
	err=$(< "$errors")
	[ $status != 124 ] && [ $status != 137 ] || fail "$what: no answer"
	expect_match "$what answers" '^[0-9]$|^1[0-9]$' $SECONDS
}
answers "list" iov list --columns bdf,driver,in-use,assignable
expect_match "with the VF" "0000:01:10.4 +igbvf .*no: the kernel does not let its configuration space" "$out"
expect_match "and the others" "0000:01:10.6 +igbvf .*yes" "$out"
expect_match "it says who does not answer" "iov: 0000:01:10.4: the kernel does not tell its configuration" "$err"
answers "list as JSON" iov list --all --json
expect_match "of the port as well, where bridges are asked for" "iov: $port: the kernel does not tell" "$err"
look()
{
	local command
	for command in "show 0000:01:10.4" "show 0000:01:10.4 --json" "show $pf" "check" "check 0000:01:10.4" \
		"check $pf" "group list" "group show 0000:01:10.4" "vf list" "vf list $pf" "vf show $pf/vf2" \
		"irq list $pf" "match 0000:01:10.4 $pf" "snapshot" "attach 0000:01:10.4 --vmm qemu"; do
		# shellcheck disable=SC2086 # words of a command
		answers "$command" iov $command
	done
}

# Processes of iov that were left behind
waiting() { grep -lx iov /proc/[0-9]*/comm 2> /dev/null; }

look
left=$(waiting)
look
expect "whoever asks later leaves nobody behind" "$left" "$(waiting)"
expect_match "and says what the first one said" "iov: 0000:01:10.4: the kernel does not tell its configuration.*pid [0-9]+ waits" \
	"$(iov list --json 2>&1 > /dev/null)"
answers "bind" iov bind 0000:01:10.4 --driver vfio-pci --dry-run --force=netns
expect_match "it is refused" "0000:01:10.4: the kernel does not let its configuration space be read" "$err"
answers "bind of another one" iov bind 0000:01:10.6 --driver vfio-pci --dry-run
expect_match "it would be done" "not done, this is a dry run" "$out"
# The lock is not given up while the kernel may go on
answers "a change" iov bind 0000:01:10.6 --driver vfio-pci --wait 1
expect_match "it is told who is at work" "iov reset .* holds the lock" "$err"
