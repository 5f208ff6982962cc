#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The default host: devices with their drivers and nodes; legacy PCI shares one group.
. "$(dirname "$0")/lib/check.sh"

expect "the first igb" "igb 0" "$(driver_of 0000:01:00.0) $(< $pci/0000:01:00.0/numa_node)"
expect "the second igb" "igb 1" "$(driver_of 0000:81:00.0) $(< $pci/0000:81:00.0/numa_node)"
expect "an nvme with VFs" "nvme 4" "$(driver_of 0000:02:00.0) $(< $pci/0000:02:00.0/sriov_totalvfs)"
expect "the edu" 0x1234:0x11e8 "$(< $pci/0000:05:00.0/vendor):$(< $pci/0000:05:00.0/device)"
expect "an igb's group" 0000:01:00.0 "$(members_of 0000:01:00.0)"
expect "a bridge and what is behind it" "0000:03:00.0 0000:04:01.0 0000:04:02.0" \
	"$(members_of 0000:04:01.0)"
expect "the chipset's functions" "0000:00:1f.0 0000:00:1f.2 0000:00:1f.3" "$(members_of 0000:00:1f.2)"
expect "vfio-pci waits to be asked" no "$([ -d /sys/module/vfio_pci ] && echo yes || echo no)"
modprobe vfio-pci
expect "vfio-pci can be loaded" yes "$([ -d /sys/bus/pci/drivers/vfio-pci ] && echo yes)"
expect "no huge page is reserved" 0 "$(< /proc/sys/vm/nr_hugepages)"
