#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device nvme,most=6
# Queues and interrupts of single VFs of an NVMe controller: from a pool, while they are offline.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
command -v nvme > /dev/null || { echo "missing: nvme"; exit 77; }
controller=/dev/$(ls $pci/$pf/nvme)
secondaries() { nvme list-secondary "$controller" -o json |
	gojq -r '."secondary-controllers"[] | "\(."secondary-controller-state") \(."num-virtual-queues") \(."num-virtual-interrupts")"' | paste -sd, -; }

expect_status "2 VFs on the native driver" 0 iov vf create $pf --count 2 --driver native
expect "they share all" "1 4 2,1 4 2,0 0 0,0 0 0" "$(secondaries)"
expect_status "resources of a VF that is online" 1 iov vf set $pf 0 --queues 6
expect_match "need a word" "VF 0 of $pf is online.*add --online" "$err"
exec {held}< "/dev/$(ls $pci/0000:01:00.1/nvme)"
expect_status "one that somebody uses" 3 iov vf set $pf 0 --queues 3 --online
expect_match "is told" "0000:01:00.1 \(it goes offline\) is in use" "$err"
exec {held}<&-
vf=0000:01:00.1
expect_status "one that the kernel's driver runs" 0 iov vf set $pf 0 --queues 3 --online
expect "has other queues, and the driver again" "1 3 2,1 4 2,0 0 0,0 0 0 nvme" "$(secondaries) $(driver_of $vf)"
expect_status "offline" 0 iov vf set $pf 0 --offline
expect "its driver has let go" "offline none" "$(iov vf list $pf --json | gojq -r .vfs[0].state) $(driver_of $vf)"
expect "before it would have lost a controller" "" "$(dmesg | grep -E "$vf.*(controller is down|[Rr]emoving)" || :)"
killed request 2 iov vf set $pf 1 --queues 3 --online
expect_status "undo" 0 iov recover
expect "the driver has the other one" nvme "$(driver_of 0000:01:00.2)"
expect_status "as before" 0 iov vf set $pf 0 --queues 4 --online
iov vf create $pf --count 2 --driver none > /dev/null
expect_status "more than there are" 1 iov vf set $pf 0 --queues 6 --online
expect_match "has who has them" "8 flexible queues, and 10 would be needed: the PF 0, VF 0 6, VF 1 4" "$err"
expect_status "less for one" 0 iov vf set $pf 1 --queues 2 --interrupts 1 --online
expect "has it" "1 4 2,1 2 1,0 0 0,0 0 0" "$(secondaries)"
expect_status "more for the other" 0 iov vf set $pf 0 --queues 6 --interrupts 3 --online --json
expect "was before" "4 6" "$(gojq -r '.steps[0].changes[0] | "\(.from) \(.to)"' <<< "$out")"
expect "has it" "1 6 3,1 2 1,0 0 0,0 0 0" "$(secondaries)"
expect_status "offline" 0 iov vf set $pf 0 --offline
expect "it is" "offline 6" "$(iov vf list $pf --json | gojq -r '.vfs[0] | "\(.state) \(.queues)"')"
expect_status "both" 2 iov vf set $pf 0 --offline --online
killed request 1 iov vf set $pf 0 --queues 2 --online
expect_status "undo" 0 iov recover
expect "as before" "offline 6" "$(iov vf list $pf --json | gojq -r '.vfs[0] | "\(.state) \(.queues)"')"
iov vf set $pf 0 --online > /dev/null
cat > /tmp/host.yaml << END
devices:
  - device: $pf
    vfs:
      count: 3
      driver: none
      each:
        - {index: 0, queues: 4, interrupts: 2}
        - {index: 1, queues: 2, interrupts: 1}
        - {index: 2, queues: 2, interrupts: 1}
END
expect_status "as a file says it" 0 iov apply /tmp/host.yaml
expect "they have it" "1 4 2,1 2 1,1 2 1,0 0 0" "$(secondaries)"
expect_status "applied again" 0 iov apply /tmp/host.yaml
expect_match "is nothing to do" "nothing to do" "$out"
expect_match "a snapshot has it" "queues: 4" "$(iov snapshot)"
expect_status "remove them" 0 iov vf remove $pf
expect "nothing stays with them" "0 0 0,0 0 0,0 0 0,0 0 0" "$(secondaries)"
