#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology noacs
# A port without ACS is named as the reason of its group; its neighbour with ACS is not.
. "$(dirname "$0")/lib/check.sh"

expect "the port without ACS" '["no-acs","0000:00:08.1",["0000:00:08.1","0000:02:00.0"]]' \
	"$(iov group show 0000:02:00.0 --json | gojq -c '.reasons[] | [.kind, .at, .members]')"
expect "a group of one needs no reason" '[]' "$(iov group show 0000:01:00.0 --json | gojq -c .reasons)"
expect_match "iov check names the port" 'warn +acs .*0000:00:08.1' "$(iov check || :)"
expect_match "and who lacks it on the way" 'warn +acs .*0000:00:08.1' "$(iov check 0000:02:00.0)"

iov bind 0000:02:00.0 --driver vfio-pci
expect "a port in the group does not stand in the way" true \
	"$(iov group show 0000:02:00.0 --json | gojq .viable)"
expect "the port keeps its driver" pcieport "$(driver_of 0000:00:08.1)"
: <> "/dev/vfio/$(group_of 0000:02:00.0)" || fail "the kernel does not give the group"
echo "ok: the kernel gives the group"
