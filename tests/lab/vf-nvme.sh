#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device nvme --device nvme,vfs=120
# One command makes NVMe VFs that are online with queues and interrupts of their own.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0 large=0000:02:00.0
command -v nvme > /dev/null || { echo "missing: nvme"; exit 77; }
controller=/dev/$(ls $pci/$pf/nvme)
secondaries() { nvme list-secondary "$controller" -o json |
	gojq -r '."secondary-controllers"[] | "\(."secondary-controller-state") \(."num-virtual-queues") \(."num-virtual-interrupts")"' | paste -sd, -; }

expect_status "create 3 VFs" 0 iov vf create $pf --count 3
expect "on vfio-pci" "vfio-pci vfio-pci vfio-pci" \
	"$(for n in 1 2 3; do driver_of 0000:01:00.$n; done | paste -sd' ' -)"
expect "the controller says that they are online" "1 2 1,1 2 1,1 2 1,0 0 0" "$(secondaries)"
expect_status "the same again" 0 iov vf create $pf --count 3
expect_match "nothing to do" "nothing to do" "$out"
expect_status "a VF that is online is given to a guest" 0 iov attach $pf/vf0
iov vf set $pf 0 --offline > /dev/null
expect_status "one that is offline is not" 1 iov attach $pf/vf0
expect_match "... with what to do" "is offline, and answers nobody; .*'iov vf set 0000:01:00.1 --online'" "$err"
expect_status "its native driver fails on it" 1 iov bind 0000:01:00.1 --driver nvme
expect_match "... which is said as well" "is offline, and answers nobody; .*'iov vf set 0000:01:00.1 --online'" "$out$err"
iov vf set $pf 0 --online > /dev/null

expect_status "2 VFs on the native driver" 0 iov vf create $pf --count 2 --driver native
expect "the nvme driver has them" "nvme nvme" "$(driver_of 0000:01:00.1) $(driver_of 0000:01:00.2)"
vf=/dev/$(ls $pci/0000:01:00.1/nvme)
expect_match "a VF answers as its own controller" "cntlid *: *0x1" "$(nvme id-ctrl "$vf")"
expect_status "attributes of a NIC" 1 iov vf set $pf 0 --mac 02:00:00:00:00:01
expect_match "it has none" "have no mac" "$err"
expect_status "remove them" 0 iov vf remove $pf
expect "nothing stays with the secondary controllers" "0 0 0,0 0 0,0 0 0,0 0 0" "$(secondaries)"

# Requests with admin commands before and after the VFs exist
for number in 1 3; do
	killed request $number iov vf create $pf --count 3 --jobs 1
	expect_status "undo" 0 iov recover
	expect "killed in request $number and undone: as before" "0 0 0 0,0 0 0,0 0 0,0 0 0" \
		"$(< $pci/$pf/sriov_numvfs) $(secondaries)"
done
# Admin commands are ioctls of the writer, which is killed, as is the one that undoes it
for number in 8 15 24; do
	strace -f -qq -o /dev/null -e trace=ioctl -e inject=ioctl:signal=SIGKILL:when=$number \
		iov vf create $pf --count 3 > /dev/null 2>&1 || :
	expect_status "undo" 0 iov recover
	expect "its writer killed in command $number and undone: as before" "0 0 0 0,0 0 0,0 0 0,0 0 0" \
		"$(< $pci/$pf/sriov_numvfs) $(secondaries)"
done

# The PF holds everything, and its disk is mounted
nvme virt-mgmt "$controller" -c 0 -r 0 -a 1 -n 8 > /dev/null
nvme virt-mgmt "$controller" -c 0 -r 1 -a 1 -n 4 > /dev/null
echo 1 > $pci/$pf/reset
mkfs.ext4 -q "${controller}n1"
mkdir /tmp/disk
mount "${controller}n1" /tmp/disk
expect_status "a reset under a mounted disk is refused" 3 iov vf create $pf --count 4
expect_match "the mount is named" "/tmp/disk" "$err"
umount /tmp/disk
expect_status "the PF gives what the VFs need" 0 iov vf create $pf --count 4
expect "all are online" "1 2 1,1 2 1,1 2 1,1 2 1" "$(secondaries)"

expect_status "120 VFs" 0 iov vf create $large --count 120
expect "120 are online and on vfio-pci" 120 \
	"$(iov vf list $large --json | gojq '[.vfs[] | select(.state == "online" and .driver == "vfio-pci")] | length')"
expect_status "remove them" 0 iov vf remove $large
