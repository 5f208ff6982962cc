#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whoever has a device node of a function open keeps it, and so does the kernel by other ways.
. "$(dirname "$0")/lib/check.sh"

spare=0000:81:00.0 nvme=0000:02:00.0 disk=/dev/nvme0n1
nic=$(basename $pci/$spare/net/*)
configfs=/sys/kernel/config

echo 0 > "/proc/sys/net/ipv6/conf/$nic/accept_ra"
clock=$(basename $pci/$spare/ptp/ptp*)
start sleep 1000 9< "/dev/$clock"
found $spare "[\"device-open\",\"pid $process (sleep)\"]"
stop

mknod /tmp/odd c "$(cut -d : -f 1 "/sys/class/ptp/$clock/dev")" "$(cut -d : -f 2 "/sys/class/ptp/$clock/dev")"
start sleep 1000 9< /tmp/odd
found $spare "[\"device-open\",\"pid $process (sleep)\"]"
stop

ip link add upper0 link "$nic" type macvtap
start sleep 1000 9<> "/dev/tap$(< /sys/class/net/upper0/ifindex)"
found $spare "[\"macvlan\",\"macvtap upper0\"]
[\"device-open\",\"pid $process (sleep)\"]"
expect_match "all holders are named, and what lifts their guards" \
	"in use by macvtap upper0 \[guard macvlan\], pid $process .*--force=macvlan --force=device-open$" "$err"
stop
ip link delete upper0
free $spare

modprobe -a nvmet target_core_iblock
mountpoint -q $configfs || mount -t configfs none $configfs
namespace=$configfs/nvmet/subsystems/nqn.test/namespaces/1
mkdir ${namespace%/namespaces/1}
mkdir $namespace
echo -n $disk > $namespace/device_path
free $nvme
echo 1 > $namespace/enable
found $nvme '["target","namespace 1 of the NVMe target nqn.test"]'
echo 0 > $namespace/enable
rmdir $namespace ${namespace%/namespaces/1}
backstore=$configfs/target/core/iblock_0/backup
mkdir -p $backstore
echo "udev_path=$disk" > $backstore/control
echo -n $disk > $backstore/udev_path
echo 1 > $backstore/enable
found $nvme '["target","SCSI target backup"]'
rmdir $backstore ${backstore%/backup}
free $nvme

for share in /sys/bus/virtio/drivers/9pnet_virtio/virtio*; do
	[ "$(tr -d '\0' < $share/mount_tag)" != lab ] || break
done
expect "a share that is mounted holds its device" '["mount","/run/lab (9p)"]' \
	"$(iov show "$(basename "$(dirname "$(realpath $share)")")" --json |
		gojq -c '.assignment.held_by[] | [.guard, .holder]')"
