#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A group moves as a whole or not at all, and the kernel agrees.
. "$(dirname "$0")/lib/check.sh"

one=0000:04:01.0 two=0000:04:02.0
drivers() { echo "$(driver_of $one) $(driver_of $two)"; }

expect_status "one member alone" 1 iov bind $one --driver vfio-pci
expect_match "names the other and the option" "$two \(e1000\).*--group" "$err"
expect "and changed nothing" "e1000 e1000" "$(drivers)"

iov bind $one --driver vfio-pci --group
expect "--group takes both" "vfio-pci vfio-pci" "$(drivers)"
: <> "/dev/vfio/$(group_of $one)" || fail "the kernel does not give the group"
expect "both can be attached" "-device vfio-pci,host=$two,id=iov-$(tr :. - <<< $two)" "$(iov attach $two --vmm qemu)"

iov unbind $two
expect "one can go back" "vfio-pci e1000" "$(drivers)"
expect_status "then the other cannot be attached" 1 iov attach $one --vmm qemu
expect_match "with what to do" "not viable: $two is bound to e1000.*--group" "$err"
iov unbind $one
iov bind $one $two --driver vfio-pci
expect "both by name" "vfio-pci vfio-pci" "$(drivers)"
iov unbind $one --group
expect "both back" "e1000 e1000" "$(drivers)"
