#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --device VGA
# Whatever is built on a disk, or has it open, keeps it, as the kernel shows it.
. "$(dirname "$0")/lib/check.sh"

nvme=0000:02:00.0 disk=/dev/nvme0n1

bind() { iov bind $nvme --driver vfio-pci; }
findings() { iov show $nvme --json | gojq -c '.assignment.held_by[] | [.guard, .holder]'; }

modprobe -a dm_mod dm_crypt raid1 target_core_iblock || { echo "missing: modules of volumes"; exit 77; }
for tool in lvm mdadm cryptsetup; do
	command -v $tool > /dev/null || { echo "missing: $tool"; exit 77; }
done

expect "an idle disk is free" "" "$(findings)"
lvm()
{
	LVM_SUPPRESS_FD_WARNINGS=1 command lvm "$@" --config "devices { use_devicesfile=0 } activation { udev_sync=0 udev_rules=0 }" > /dev/null
}
lvm pvcreate -qq $disk
expect "a physical volume without a volume is free" "" "$(findings)"
lvm vgcreate -qq vg $disk
lvm lvcreate -qq -y -L 8M -n backup vg
held $nvme "in use by LVM volume vg-backup \[guard lvm\]" bind
lvm vgchange -qq -an vg
expect "inactive volumes hold nothing" "" "$(findings)"
lvm vgremove -qq -f vg
lvm pvremove -qq $disk

mdadm --create /dev/md9 --run --level=1 --raid-devices=2 --metadata=1.2 $disk missing 2> /dev/null
held $nvme "in use by MD array md9 \[guard md\]" bind
mdadm --stop /dev/md9 2> /dev/null
mdadm --zero-superblock $disk

head -c 32 /dev/urandom > /tmp/key
cryptsetup open --type plain --cipher aes-xts-plain64 --key-size 256 --key-file /tmp/key $disk safe
held $nvme "in use by dm-crypt volume safe \[guard crypt\]" bind
cryptsetup close safe

mkfs.ext4 -q $disk
unshare --mount sh -c "mount $disk /mnt && exec sleep 1000" &
container=$!
until grep -q "$disk" /proc/$container/mountinfo; do sleep 0.1; done
held $nvme "/mnt \(ext4\) in the mount namespace of pid $container \(" bind
kill $container
wait $container || :

perl -MFcntl -e 'sysopen(my $disk, shift, O_RDWR | O_EXCL) or die; sleep 1000' $disk &
process=$!
until [[ $(readlink /proc/$process/fd/*) == *$disk* ]]; do sleep 0.1; done
expect "a process that has it for itself, and that somebody has" "[\"disk-open\",\"pid $process (perl)\"]
[\"claimed\",\"a user of unknown kind (the kernel lets nobody open it exclusively)\"]" "$(findings)"
expect "and when it cannot be seen" '["claimed"]' "$(unshare --pid --fork --mount-proc \
	iov show $nvme --json | gojq -c '.assignment.held_by[] | [.guard]')"
kill $process
wait $process || :

# A target of the kernel claims the disk, and no link in sysfs tells
target=/sys/kernel/config/target/core/iblock_0
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
mkdir -p $target/backup
echo "udev_path=$disk" > $target/backup/control
echo 1 > $target/backup/enable
held $nvme "a user of unknown kind \(.*\[guard claimed\]" bind
rmdir $target/backup $target
expect "nobody holds it any more" "" "$(findings)"

display=$(dirname "$(grep -l 1 $pci/*/boot_vga)")
held "$(basename "$display")" "in use by the boot display \[guard boot-display\]" \
	iov bind "$(basename "$display")" --driver vfio-pci
