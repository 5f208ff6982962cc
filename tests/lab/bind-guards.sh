#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --management
# What the host needs is not taken from it, and the holder is named.
. "$(dirname "$0")/lib/check.sh"

nic=0000:01:00.0 spare=0000:81:00.0 nvme=0000:02:00.0 legacy=0000:04:01.0

bind() { iov bind "$@" --driver vfio-pci; }

held $nic "$nic \(named\) is in use by default route via 10.0.2.2" bind $nic
held $nic "default route" bind $nic --dry-run
expect "show has it, too" '["default-route","default route via 10.0.2.2",["0000:01:00.0","enp1s0"]]' \
	"$(iov show $nic --json | gojq -c '.assignment.held_by[0] | [.guard, .holder, .path]')"
expect "a NIC without a route can go" true "$(iov show $spare --json | gojq .assignment.assignable)"

ip addr add 192.0.2.1/24 dev enp129s0 && ip link set enp129s0 up
SSH_CONNECTION='192.0.2.9 50000 192.0.2.1 22' \
	held $spare 'session from 192.0.2.9 to 192.0.2.1' bind $spare

ip link add br0 type bridge && ip link set br0 up
ip link set enp4s2 master br0
ip route add 2001:db8::/64 dev br0
ip route add default via 2001:db8::1 dev br0 metric 1
held $legacy "0000:04:02.0 \(member of IOMMU group $(group_of $legacy)\) is in use by .*default route via 2001:db8::1" \
	bind $legacy --group
ip link delete br0

mkfs.ext4 -q /dev/nvme0n1
mount /dev/nvme0n1 /mnt
held $nvme "in use by /mnt \(ext4\)" bind $nvme
umount /mnt

dmsetup create --noudevsync volume --table "0 65536 linear /dev/nvme0n1 0"
dmsetup mknodes
mkswap -q /dev/mapper/volume
swapon /dev/mapper/volume
held $nvme "in use by swap on /dev/(dm-0|mapper/volume)" bind $nvme
expect "through the volume" '["0000:02:00.0","nvme0","nvme0n1","dm-0"]' \
	"$(iov show $nvme --json | gojq -c '.assignment.held_by[0].path')"
swapoff /dev/mapper/volume
held $nvme "in use by device mapper volume volume \[guard dm\]" bind $nvme
dmsetup remove volume
iov bind $nvme --driver vfio-pci
expect "released, it goes" vfio-pci "$(driver_of $nvme)"

exec {vfio}<> "/dev/vfio/$(group_of $nvme)"
held $nvme "in use by pid $$ \(bind-guards" iov unbind $nvme
expect_status "refused, also with the group open in iov" 3 iov unbind $nvme
iov unbind $nvme --dry-run --json > /tmp/held 2> /dev/null || :
exec {vfio}>&-
expect "its caller holds it, and iov itself does not" "pid $$ ($(< /proc/$$/comm))" \
	"$(gojq -r '.findings[].holder' /tmp/held)"
expect_status "opened for iov alone it is no use of it" 0 \
	bash -c "exec iov unbind $nvme 9<> /dev/vfio/$(group_of $nvme)"
expect_status "and back" 0 iov bind $nvme --driver vfio-pci --force=mount
iov unbind $nvme
expect "released, it comes back" nvme "$(driver_of $nvme)"

held $nic "default route" bind $nic --force=mount
expect_match "the refusal names what lifts it" "--force=default-route --force=address\$" "$err"
held $nic "address 10.0.2.15 of enp1s0" bind $nic --force=default-route
expect_status "no such guard" 2 iov bind $nic --driver vfio-pci --force=router
expect_match "says which there are" "default-route" "$err"
iov bind $nic --driver vfio-pci --force=default-route --force=address
expect "guards that are lifted let it go" vfio-pci "$(driver_of $nic)"
