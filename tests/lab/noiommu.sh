#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology noiommu
# Without an IOMMU everything that needs one says what turns it on.
. "$(dirname "$0")/lib/check.sh"

expect_status "group list" 1 iov group list
expect_match "says so" 'the IOMMU is off.*boot the kernel with' "$err"
expect_status "bind to vfio-pci" 1 iov bind 0000:01:00.0 --driver vfio-pci
expect_match "says so" 'the IOMMU is off' "$err"
expect "nothing changed" igb "$(driver_of 0000:01:00.0)"
expect_match "show says so" 'no: .*the IOMMU is off' "$(iov show 0000:01:00.0)"
expect_status "the check of the host fails" 1 iov check
expect_match "and says why" 'fail +iommu +[^>]*-> this host is a virtual machine: give it a virtual IOMMU' "$out"
expect_status "so does that of a device" 1 iov check 0000:01:00.0
expect_match "a list needs none" '0000:01:00.0 .* igb ' "$(iov list)"
