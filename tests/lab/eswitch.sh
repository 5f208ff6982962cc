#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal
# The switch mode of a device that has modes, by devlink: read, set, refused in the
# kernel's words, and taken back by the plan engine, also after a crash.
. "$(dirname "$0")/lib/check.sh"
. "$lab/lib/netdevsim.sh"

device=netdevsim/netdevsim10
program=$(dirname "$(dirname "$(command -v iov)")")/tests/lab/eswitch
[ -x "$program" ] || { echo "missing: $program"; exit 77; }

eswitch() { "$program" "$@"; }
kernel_mode() { devlink -j dev eswitch show $device | gojq -r '.dev[].mode'; }
# Names of ports: p1 is the device's own, the others stand for VFs
ports() { cat $sim/net/*/phys_port_name | sort | paste -sd ' ' -; }

netdevsim 2
expect "as it comes" legacy "$(eswitch $device)"
expect "it has its own port" p1 "$(ports)"

expect_status "switchdev" 0 eswitch $device switchdev
expect "the kernel has it" switchdev "$(kernel_mode)"
expect "and it reads back" switchdev "$(eswitch $device)"
expect "each VF has a representor" "p1 pf0vf0 pf0vf1" "$(ports)"
expect_status "switchdev again" 0 eswitch $device switchdev
expect_status "legacy" 0 eswitch $device legacy
expect "the kernel has it" legacy "$(kernel_mode)"
expect "the representors are gone" p1 "$(ports)"

# Undone because a later step failed, both ways
for modes in "legacy switchdev" "switchdev legacy"; do
	read -r from to <<< "$modes"
	eswitch $device $from
	expect_status "from $from to $to, then a failure" 1 eswitch $device $to fail
	expect "it was changed" "meanwhile $to" "$out"
	expect_match "the failure is told" "iovd: fail .*: as it was asked to" "$err"
	expect "it is as before" $from "$(kernel_mode)"
	[ ! -e /var/lib/iovkit/journal ] || fail "a journal is left"
done
eswitch $device legacy

# Undone by another process, with what the journal says
expect_status "killed after the change" 137 eswitch $device switchdev crash
expect "it is changed" switchdev "$(kernel_mode)"
expect_status "nothing begins before that is undone" 1 eswitch $device legacy
expect_match "and the message says so" "iov recover" "$err"
expect_status "recovery" 0 iov recover
expect "it is as before" legacy "$(kernel_mode)"

# What the kernel refuses, in its words
echo 128 > $sim/new_port # where VF 0 would have its representor
expect_status "no room for a representor" 1 eswitch $device switchdev
expect_match "is the kernel's answer" \
	"set the switch mode of $device to switchdev by devlink: .*Failed to initialize VFs" "$err"
expect "nothing changed" "legacy legacy" "$(kernel_mode) $(eswitch $device)"
echo 128 > $sim/del_port
eswitch $device switchdev
devlink port function rate add $device/group
expect_status "a rate node in the way" 1 eswitch $device legacy
expect_match "is the kernel's answer" "Device or resource busy: Rate node" "$err"
expect "nothing changed" "switchdev switchdev" "$(kernel_mode) $(eswitch $device)"
devlink port function rate del $device/group

expect_status "a device that is not there" 1 eswitch netdevsim/netdevsim11
expect_match "has no modes" "netdevsim/netdevsim11 has no switch modes \(devlink\)" "$err"
expect_status "a mode that is none" 1 eswitch $device bridge
expect_match "is told" "'mode': expected one of: legacy, switchdev" "$err"
expect "nothing changed" switchdev "$(kernel_mode)"
