#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal
# vDPA devices of VDUSE: who makes them, life, drivers, holders; iproute2's vdpa is the judge.
. "$(dirname "$0")/lib/check.sh"

for program in vdpa qemu-storage-daemon gojq; do
	command -v $program > /dev/null || { echo "missing: $program"; exit 77; }
done

expect_status "without the module" 1 iov vdpa mgmt
expect_match "it is named" "load the module vdpa" "$err"
expect_status "the list is empty then" 0 iov vdpa list
modprobe vduse || { echo "missing: the module vduse"; exit 77; }
devices=/sys/bus/vdpa/devices
driver_of_vdpa() (cd -P "$devices/$1/driver" 2> /dev/null && names "$PWD" || names none)

# Two disks whose rings a program works on
for n in 0 1; do truncate -s 16M /tmp/disk$n; done
qemu-storage-daemon --blockdev file,filename=/tmp/disk0,node-name=d0 --blockdev file,filename=/tmp/disk1,node-name=d1 \
	--export vduse-blk,id=e0,node-name=d0,name=blk0,writable=on,num-queues=1 \
	--export vduse-blk,id=e1,node-name=d1,name=blk1,writable=on,num-queues=1 < /dev/null > /tmp/qsd.log 2>&1 &
qsd=$!
for _ in {1..300}; do
	[ ! -e /dev/vduse/blk1 ] || break
	sleep 0.1
done

mgmt=$(iov vdpa mgmt --json)
expect "management devices as vdpa knows them" "$(vdpa -j mgmtdev show | gojq -c '.mgmtdev | keys')" \
	"$(gojq -c 'map(.name) | sort' <<< "$mgmt")"
expect "with their classes" "$(vdpa -j mgmtdev show | gojq -c '.mgmtdev.vduse.supported_classes | sort')" \
	"$(gojq -c '.[] | select(.name == "vduse").classes | sort' <<< "$mgmt")"

expect_status "a dry run" 0 iov vdpa create blk0 --mgmtdev vduse --driver vhost_vdpa --dry-run
expect_match "says what it makes" "make vDPA device blk0 of vduse" "$out"
expect "and makes nothing" "" "$(ls $devices)"
expect_status "create for guests" 0 iov vdpa create blk0 --mgmtdev vduse --driver vhost_vdpa
expect "it has the driver" vhost_vdpa "$(driver_of_vdpa blk0)"
expect "vdpa sees it" '["block","vduse"]' "$(vdpa -j dev show | gojq -c '.dev.blk0 | [.type, .mgmtdev]')"
expect_status "the same again" 0 iov vdpa create blk0 --mgmtdev vduse --driver vhost_vdpa
expect_match "is nothing to do" "nothing to do" "$out"
show=$(iov vdpa show blk0 --json)
node=$(gojq -r .node <<< "$show")
expect "its features are those that its node tells" "$(python3 -c '
import fcntl, os, sys
VHOST_GET_FEATURES = 0x8008af00
features = fcntl.ioctl(os.open(sys.argv[1], os.O_RDWR), VHOST_GET_FEATURES, bytes(8))
print(hex(int.from_bytes(features, "little")))' "$node")" "$(gojq -r .features <<< "$show")"
expect "it is shown with its node" "block vhost_vdpa vduse true" \
	"$(gojq -r '[.class, .driver, .mgmtdev] | join(" ")' <<< "$show") $([ -c "$node" ] && echo true)"
expect "and as many virtqueues as vdpa says" "$(vdpa -j dev show blk0 | gojq .dev.blk0.max_vqs)" "$(gojq .max_vqs <<< "$show")"
expect_status "a disk is no NIC to attach" 1 iov attach "$node" --vmm qemu
expect_match "and is told so, with what QEMU takes" "blk0 is a vDPA device of class block.*vhostdev=$node" "$err"

# Who has it
exec {held}<> "$node"
for change in "delete blk0" "bind blk0 --driver virtio_vdpa"; do
	# shellcheck disable=SC2086 # words
	expect_status "$change while its node is open" 3 iov vdpa $change
	expect_match "names the process" "vdpa/blk0 \(named\) is in use by pid $$ \(.*\) \[guard device-open\]" "$err"
done
expect "it stays" vhost_vdpa "$(driver_of_vdpa blk0)"
expect_match "the list says so" "pid $$" "$(iov vdpa list)"
exec {held}>&-

# For the host itself, which has a disk of it as soon as the virtio bus has the driver
modprobe -r virtio_blk 2> /dev/null || :
expect_status "bind it to the host" 0 iov vdpa bind blk0 --driver virtio_vdpa
expect "it has that driver" virtio_vdpa "$(driver_of_vdpa blk0)"
[ -d /sys/bus/virtio/drivers/virtio_blk ] || fail "no driver of disks on the virtio bus"
for _ in {1..100}; do
	disk=$(ls -d $devices/blk0/virtio*/block/* 2> /dev/null | head -n 1) || :
	[ -z "$disk" ] || break
	sleep 0.1
done
disk=/dev/$(names "$disk")
[ -b "$disk" ] || fail "no disk of the host's"
exec {held}< "$disk"
expect_status "delete while its disk is open" 3 iov vdpa delete blk0
expect_match "names the process" "vdpa/blk0 \(named\) is in use by pid $$ .*\[guard disk-open\]" "$err"
exec {held}<&-
mkfs.ext4 -q "$disk" && mkdir -p /tmp/mnt && mount "$disk" /tmp/mnt
expect_status "bind while it is mounted" 3 iov vdpa bind blk0 --driver vhost_vdpa
expect_match "names the mount" "/tmp/mnt .*\[guard mount\]" "$err"
umount /tmp/mnt
expect_status "and back to guests" 0 iov vdpa bind blk0 --driver vhost_vdpa
expect "it is theirs" vhost_vdpa "$(driver_of_vdpa blk0)"

expect "the host's readiness has it" '["ok","vduse"]' \
	"$(iov check --json | gojq -c '.[] | select(.check == "vdpa") | [.status, (.found | capture("by (?<m>[a-z]+)").m)]')"

# Bad input
expect_status "an unknown management device" 4 iov vdpa create x --mgmtdev vdus
expect_match "is told what was meant" "vdus: no such vDPA management device; did you mean 'vduse'\? there are: vduse" "$err"
expect_status "an unknown device" 4 iov vdpa delete blk3
expect_match "too" "blk3: no such vDPA device; did you mean 'blk0'" "$err"
expect_status "another one under the name" 1 iov vdpa create blk0 --mgmtdev pci/0000:00:02.0
expect_match "is refused with what is there" "blk0: is there already, with another mgmtdev: vduse" "$err"
expect_status "an MTU out of range" 2 iov vdpa create x --mgmtdev vduse --mtu 20
expect_match "is told the range" "mtu 20: expected a number from 68 to 65535" "$err"
expect_status "an address of a group" 2 iov vdpa create x --mgmtdev vduse --mac 01:00:00:00:00:01
expect_status "a driver that is none" 2 iov vdpa bind blk0 --driver vfio-pci
expect_match "is told which there are" "vfio-pci: expected vhost_vdpa, for guests, or virtio_vdpa" "$err"
expect_status "what nobody offers under that name" 4 iov vdpa create nobody --mgmtdev vduse --dry-run
expect_match "is told, with what would" "nobody: no program offers a device of this name to VDUSE.*qemu-storage-daemon" "$err"
expect_status "values that VDUSE does not take" 1 iov vdpa create blk1 --mgmtdev vduse --mtu 1500
expect_match "are refused in the kernel's words" "make vDPA device blk1 of vduse .*mtu.*1500.*: .*" "$err"
expect "and nothing is left of it" "blk0" "$(ls $devices)"
expect_status "nothing to recover" 0 iov recover

# Taken back by what is journalled
killed fsync 3 iov vdpa create blk1 --mgmtdev vduse --driver vhost_vdpa || :
iov recover > /dev/null
expect_match "recovery leaves nothing half done" "^(absent|vhost_vdpa)$" \
	"$([ -e $devices/blk1 ] && driver_of_vdpa blk1 || echo absent)"
[ ! -e $devices/blk1 ] || iov vdpa delete blk1 > /dev/null

# The host as a file
cat > /tmp/host.yaml << 'YAML'
vdpas:
  - name: blk0
    mgmtdev: vduse
    driver: virtio_vdpa
  - name: blk1
    mgmtdev: vduse
    driver: vhost_vdpa
  - name: gone
    mgmtdev: pci/0000:7f:00.0
    absent: skip
    mac: 02:00:00:00:00:01
YAML
expect_status "apply a file" 0 iov apply /tmp/host.yaml
expect "both have their drivers" "virtio_vdpa vhost_vdpa" "$(driver_of_vdpa blk0) $(driver_of_vdpa blk1)"
expect "drivers are probed again afterwards" 1 "$(< /sys/bus/vdpa/drivers_autoprobe)"
expect_status "again" 0 iov plan /tmp/host.yaml --exit-code
expect_match "the absent one is skipped" "vdpas\[2\] \(gone\): pci/0000:7f:00.0 is absent, skipped" "$out$err"
iov snapshot > /tmp/snapshot.yaml
iov vdpa delete blk0 > /dev/null
iov vdpa delete blk1 > /dev/null
expect "both are gone" "" "$(ls $devices)"
expect_status "apply the snapshot" 0 iov apply /tmp/snapshot.yaml
expect "they are back" "virtio_vdpa vhost_vdpa" "$(driver_of_vdpa blk0) $(driver_of_vdpa blk1)"
sed -i 's/blk1/blk0/' /tmp/host.yaml
expect_status "a name twice" 2 iov plan /tmp/host.yaml
expect_match "is told with its line" "host.yaml:5: vdpas\[1\].name: .*has this vDPA device already" "$err"

for name in blk0 blk1; do iov vdpa delete $name > /dev/null; done
kill $qsd

# A NIC has the address that it was made with
if modprobe vdpa_sim_net 2> /dev/null; then
	iov vdpa create sim0 --mgmtdev vdpasim_net --mac 02:00:00:00:00:0d --driver vhost_vdpa > /dev/null
	node=$(iov vdpa show sim0 --json | gojq -r .node)
	expect_match "which its guest is told" "mac=02:00:00:00:00:0d," "$(iov attach "$node" --vmm qemu)"
	iov vdpa delete sim0 > /dev/null
else
	echo "left out: the module vdpa_sim_net"
fi
