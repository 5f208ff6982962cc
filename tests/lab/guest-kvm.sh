#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# A KVM guest with a VF by VFIO reaches the network behind the NIC.
. "$(dirname "$0")/lib/check.sh"

modprobe vfio-pci
ip link set enp1s0 up
echo 0 > $pci/0000:01:00.0/sriov_drivers_autoprobe
echo 1 > $pci/0000:01:00.0/sriov_numvfs
echo vfio-pci > $pci/0000:01:10.0/driver_override
echo 0000:01:10.0 > /sys/bus/pci/drivers_probe
expect "the VF's driver" vfio-pci "$(driver_of 0000:01:10.0)"

"$lab/guest" start a -device vfio-pci,host=0000:01:10.0
expect_status "a guest's output and status" 3 "$lab/guest" exec a -- sh -c 'echo "a  b"; echo c >&2; exit 3'
expect "its stdout and stderr" "a  b|c" "$out|$err"
"$lab/guest" exec a -- sh -c 'ip link set eth0 up && ip address add 10.0.2.20/24 dev eth0'
expect_status "the gateway answers the guest" 0 "$lab/guest" exec a -- ping -c 3 -w 30 10.0.2.2
expect_status "no command without a guest" 125 "$lab/guest" exec b -- true
"$lab/guest" stop a
expect_status "a guest that was stopped is gone" 125 "$lab/guest" exec a -- true
