#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What carries a disk of another host is held by who uses that, and so is what a file system, memory
# or a console needs without standing on it.
. "$(dirname "$0")/lib/check.sh"

nic=0000:04:01.0 nvme=0000:02:00.0 disk=/dev/nvme0n1 serial=0000:00:1e.0
interface=$(names $pci/$nic/net/*)
configfs=/sys/kernel/config
mounted() { iov show "$1" --json | gojq -c '.assignment.held_by[] | select(.guard == "mount") | [.holder, .path]'; }

modprobe -a nvmet-tcp nvme-tcp zram || { echo "missing: modules of NVMe over TCP and zram"; exit 77; }
for tool in nvme mke2fs; do
	command -v $tool > /dev/null || { echo "missing: $tool"; exit 77; }
done

# A target of this host itself, reached by the address of one interface
free $nic
ip address add 192.0.2.1/24 dev "$interface"
ip link set "$interface" up
mountpoint -q $configfs || mount -t configfs configfs $configfs
truncate -s 32M /tmp/far
target=$configfs/nvmet/subsystems/nqn.far port=$configfs/nvmet/ports/1
mkdir -p $target/namespaces/1 $port
echo 1 > $target/attr_allow_any_host
echo 1 > $target/namespaces/1/buffered_io
echo /tmp/far > $target/namespaces/1/device_path
echo 1 > $target/namespaces/1/enable
echo ipv4 > $port/addr_adrfam
echo tcp > $port/addr_trtype
echo 192.0.2.1 > $port/addr_traddr
echo 4420 > $port/addr_trsvcid
ln -s $target $port/subsystems/
# connects OPTION...: as $far, its disk
connects()
{
	nvme connect -t tcp -n nqn.far -a 192.0.2.1 -s 4420 --hostnqn nqn.2014-08.org.nvmexpress:uuid:00000000-0000-4000-8000-000000000001 "$@" > /dev/null
	for _ in {1..100}; do
		far=$(names /sys/class/nvme-subsystem/*/nvme[1-9]*n1)
		[ ! -b "/dev/$far" ] || return 0
		sleep 0.1
	done
	fail "no disk of NVMe over TCP"
}
connects --host-traddr 192.0.2.1
expect "a disk that is only connected" "" "$(mounted $nic)"
mke2fs -q "/dev/$far"
mount "/dev/$far" /mnt
expect_match "what carries a mounted one" "/mnt \(ext2\).*$nic.*$interface.*nvme1.*$far" "$(mounted $nic)"
expect "and nothing else" "" "$(mounted $nvme)"
held $nic "/mnt \(ext2\) \[guard mount\]" iov bind $nic --driver vfio-pci --force=address
umount /mnt
expect "when nothing is mounted" "" "$(mounted $nic)"
nvme disconnect -n nqn.far > /dev/null

# A journal on a disk of its own, which the mount does not name
free $nvme
zramctl --find --size 64M > /dev/null
mke2fs -q -b 4096 -O journal_dev $disk
mkfs.ext4 -q -b 4096 -J device=$disk /dev/zram0
mount /dev/zram0 /mnt
expect_match "a journal" '"mount","the journal of a file system"' \
	"$(iov show $nvme --json | gojq -c '.assignment.held_by[] | [.guard, .holder]')"
umount /mnt
zramctl --reset /dev/zram0
wipefs -qa $disk

# What zram writes back to, where the kernel does that
if [ -e /sys/block/zram0/backing_dev ]; then
	free $nvme
	echo $disk > /sys/block/zram0/backing_dev
	echo 64M > /sys/block/zram0/disksize
	found $nvme '["zram","memory that is compressed (zram0)"]'
	zramctl --reset /dev/zram0
	free $nvme
fi

# A console of virtio, whose function the kernel does not tell
monitor=$(dirname "$0")/lib/monitor
if modprobe virtio_console 2> /dev/null; [ -d /sys/bus/virtio/drivers/virtio_console ]; then
	"$monitor" chardev-add null,id=terminal || :
	"$monitor" device_add virtconsole,chardev=terminal,id=terminal || :
	for _ in {1..100}; do [ -c /dev/hvc0 ] && break || sleep 0.1; done
	start sleep 1000 9<> /dev/hvc0
	expect_match "a terminal of virtio" "$serial /dev/hvc0 pid $process " "$(iov show $serial --json |
		gojq -r '.assignment.held_by[] | (.path | join(" ")) + " pid \(.pid) "')"
	stop
fi
