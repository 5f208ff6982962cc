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
status=0
iov reset $pf/all --timeout 5 > /dev/null 2> "$errors" || status=$?
err=$(< "$errors")
[ "$status" != 0 ] || { echo "missing: a driver that hangs in a reset"; exit 77; }
expect "it is given up" 1 "$status"
expect_match "the VF is named" "^iov: cannot reset 0000:01:10.4: .*the kernel did not answer in time" "$err"
expect_match "and where its driver waits" "in the kernel in [a-z_, ]*igbvf_down" "$err"
expect "no other one is" "" "$(grep -oE '0000:01:10.[026]' <<< "$err")"
expect "nobody else waits in the kernel" 1 "$(grep -l pci_reset_function /proc/[0-9]*/stack 2> /dev/null | wc -l)"
