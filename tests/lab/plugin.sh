#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device edu --device igb
# The plugin of plugins/example drives its device: it is shown, set, undone, refused and given away.
. "$(dirname "$0")/lib/check.sh"

edu=0000:01:00.0
install -D -m 644 "$(dirname "$(command -v iov)")/../tests/plugin/edu.so" /run/plugins/edu.so
iov() { command iov --plugins /run/plugins "$@"; }
factorial() { iov show $edu --json | gojq -r ".device_class.factorial"; }

expect "it is loaded" "edu 1 loaded" \
	"$(iov plugin list --json | gojq -r '.[] | select(.name == "edu") | "\(.name) \(.version) \(.state)"')"
expect_status "a device that has no VFIO" 1 iov set $edu factorial=5
expect_match "... the reason is the kernel's or VFIO's" "$edu" "$err"
expect "... is shown by its class alone" '{"name":"edu"}' "$(iov show $edu --json | gojq -c .device_class)"

modprobe vfio-pci
iov bind $edu --driver vfio-pci > /dev/null
expect_status "a factorial" 0 iov set $edu factorial=5
expect "the device computed it" 5 "$(factorial)"
expect_status "the same again" 0 iov set $edu factorial=5
expect_match "... is nothing to do" "nothing to do" "$out"
expect_status "another" 0 iov set $edu factorial=12 --json
expect "is journalled with what was before" '5 12' \
	"$(gojq -r '.steps[0].changes[0] | "\(.from) \(.to)"' <<< "$out")"
expect "the device has it" 12 "$(factorial)"
expect_match "and people see it" "Device class +edu: version [0-9]+, factorial 12" "$(iov show $edu)"
expect_status "a value out of range" 2 iov set $edu factorial=13
expect_match "has the range" "factorial '13': expected 1 to 12" "$err"
expect_status "an attribute that it has not" 1 iov set $edu speed=13
expect_match "is named" "$edu has no attribute speed: it is of the device class edu" "$err"
expect_status "no value" 2 iov set $edu factorial
expect "the device has what it had" 12 "$(factorial)"

killed request 1 iov set $edu factorial=3
expect_status "a change that was killed is not taken back without the plugin" 1 command iov recover
expect_match "... which is named" "is a plugin missing that was there before" "$err"
expect_status "with it" 0 iov recover
expect "it is" 12 "$(factorial)"

expect_status "it is given to a guest that works" 0 iov attach $edu
expect_match "... by its address" "vfio-pci,host=$edu" "$out"
group=$(basename "$(readlink $pci/$edu/iommu_group)")
exec {held}<> "/dev/vfio/$group"
expect_status "one that somebody has" 1 iov set $edu factorial=7
expect_match "... is not touched" "is open already, in another process" "$err"
exec {held}>&-

# Without its plugin a device is nobody's, and what it was given is not taken back blindly.
expect_status "without the plugin" 1 command iov set $edu factorial=7
expect_match "is told" "no device class knows it" "$err"

# A plugin that somebody else can write to
chmod 666 /run/plugins/edu.so
expect_status "other commands go on" 0 iov list
expect_match "with a warning" "edu.so is not loaded: .*writable by others" "$err"
expect "and the list has the reason" refused "$(iov plugin list --json 2> /dev/null | gojq -r '.[-1].state')"
