#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# Attributes reach the VF; one that the driver does not have is named and takes none of the others.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
mac=02:00:00:00:00:05
vf() { iov vf list $pf --json | gojq -r ".vfs[$1].$2"; }

ip link set "$(names $pci/$pf/net/*)" up
expect_status "create 2 VFs" 0 iov vf create $pf --count 2 --driver none
expect_status "set attributes" 0 iov vf set $pf 0 --mac $mac --trust on --spoofchk off
expect "they are listed" "$mac true false" "$(vf 0 mac) $(vf 0 trust) $(vf 0 spoofchk)"
expect "the other VF has none of them" "false true" "$(vf 1 trust) $(vf 1 spoofchk)"
expect_match "the kernel has them" "vf 0 .*$mac.*spoof checking off.*trust on" \
	"$(ip link show "$(names $pci/$pf/net/*)" | tr '\n' ' ')"
expect_status "the same again" 0 iov vf set $pf 0 --mac $mac --trust on
expect_match "nothing to do" "nothing to do" "$out"

expect_status "a VLAN with a priority" 0 iov vf set $pf 1 --vlan 100 --qos 3
expect "they are listed" "100 3" "$(vf 1 vlan) $(vf 1 qos)"
expect_status "no VLAN" 0 iov vf set $pf 1 --vlan 0
expect "the priority went along" "0 0" "$(vf 1 vlan) $(vf 1 qos)"
for attempt in {1..50}; do
	[ "$(cat $pci/$pf/net/*/carrier)" = 1 ] && break || sleep 0.1
done
expect_status "a limit" 0 iov vf set $pf 1 --max-rate 100
expect "it is listed" 100 "$(vf 1 max_rate)"
speed=$(cat $pci/$pf/net/*/speed)
expect_status "one above the speed of the link" 2 iov vf set $pf 1 --max-rate $((speed + 1)) --dry-run
expect_match "is refused with what it may be" "max-rate $((speed + 1)): .* $speed Mbit/s; expected 1 to $speed" "$err"

expect_status "an attribute that igb does not have" 1 \
	iov vf set $pf 0 --mac 02:00:00:00:00:06 --link-state enable
expect_match "it is named with the kernel's answer" \
	"igb has no link-state for VFs \(Operation not supported\).*as it was before" "$err"
expect "the MAC is as before" $mac "$(vf 0 mac)"

expect_status "both VFs by a range" 0 iov vf set $pf/vf0-1 --vlan 7 --trust no
expect "have it" "7 7 false false" "$(vf 0 vlan) $(vf 1 vlan) $(vf 0 trust) $(vf 1 trust)"
expect_status "an address for both" 2 iov vf set $pf/all --mac $mac
expect_match "is refused" "2 VFs, and an address is of one" "$err"
expect_status "all VFs" 0 iov vf set $pf/all --vlan 0
expect "have none" "0 0" "$(vf 0 vlan) $(vf 1 vlan)"
expect "one VF is shown as it is listed" "$(iov vf list $pf --json | gojq -S '.vfs[0] | del(.statistics)')" \
	"$(iov vf show $pf/vf0 --json | gojq -S 'del(.pf, .statistics)')"
expect "several are an array" "0 1" "$(iov vf show $pf/all --json | gojq -r '[.[].index] | join(" ")')"
expect "without a PF all are listed" "$(iov vf list $pf --json | gojq -S 'del(.vfs[].statistics)')" \
	"$(iov vf list --json | gojq -S --arg pf $pf '.[] | select(.pf == $pf) | del(.vfs[].statistics)')"
expect_match "rates have a unit" "MAX MBIT/S" "$(iov vf list)"
expect_status "a PF is no VF" 2 iov vf show $pf
expect_match "is told" "$pf is no VF; name one like $pf/vf0" "$err"

expect_status "to the native driver" 0 iov vf create $pf --count 2 --driver native
expect "the VF starts with its MAC" $mac "$(cat $pci/0000:01:10.0/net/*/address)"
