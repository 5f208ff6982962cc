#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb --device nvme,vfs=120
# VFs appear with plain writes to sysfs, each in a group of its own.
. "$(dirname "$0")/lib/check.sh"

echo 2 > $pci/0000:01:00.0/sriov_numvfs
expect "VF 0" "0000:01:10.0 igbvf" "$(basename "$(readlink $pci/0000:01:00.0/virtfn0)") $(driver_of 0000:01:10.0)"
expect "VF 1" "0000:01:10.2 igbvf" "$(basename "$(readlink $pci/0000:01:00.0/virtfn1)") $(driver_of 0000:01:10.2)"
expect "a VF's group" 0000:01:10.0 "$(members_of 0000:01:10.0)"

echo 0 > $pci/0000:02:00.0/sriov_drivers_autoprobe
echo 120 > $pci/0000:02:00.0/sriov_numvfs
expect "120 VFs of an nvme" 120 "$(ls -d $pci/0000:02:00.0/virtfn* | wc -l)"
