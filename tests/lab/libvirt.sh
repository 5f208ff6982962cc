#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# libvirtd starts a guest of what iov attach prints, plugs a VF in and out, and leaves drivers alone.
. "$(dirname "$0")/lib/check.sh"

for program in libvirtd virsh gojq; do
	command -v $program > /dev/null || { echo "missing: $program"; exit 77; }
done
pf=0000:01:00.0 vf=0000:01:10.0 other=0000:01:10.2 mac=02:00:00:00:00:0a
uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
in_guest() { "$lab/guest" exec g --timeout 100 -- sh -c "$1"; }

# Its package for a whole host makes the user whom libvirtd looks up; it needs none here, nor what keeps its guests apart
mkdir -p /etc/libvirt /var/{lib,log,cache}/libvirt/qemu
getent passwd libvirt-qemu > /dev/null || {
	echo "libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin" >> /etc/passwd
	echo "libvirt-qemu:x:64055:" >> /etc/group
}
printf '%s\n' 'user = "root"' 'group = "root"' 'security_driver = "none"' 'namespaces = []' 'cgroup_controllers = []' \
	'remember_owner = 0' 'dynamic_ownership = 0' 'stdio_handler = "file"' > /etc/libvirt/qemu.conf
echo 'auth_unix_rw = "none"' > /etc/libvirt/libvirtd.conf
modprobe -a kvm_amd vfio-pci
start libvirtd

ip link set enp1s0 up
iov vf create $pf --count 2 --driver none > /dev/null
iov vf set $pf 0 --mac $mac > /dev/null
iov bind $vf $other --driver vfio-pci > /dev/null
things=("$vf")
if modprobe mtty; then
	iov mdev create $uuid --parent mtty --type mtty-2 > /dev/null
	things+=("$uuid")
fi
start_iovd --no-huge --workers 0
iov bridge add lan > /dev/null
iov port add tap --type ethdev --device net_tap0,iface=tap0 --bridge lan > /dev/null
iov port add vm --type vhost-user --socket /run/vm.sock --bridge lan > /dev/null
iov disk add root --socket /run/root.sock --server --memory 8M --queues 1 > /dev/null
ip link set tap0 up
ip address add 10.9.0.1/24 dev tap0
things+=(vm root)
for _ in {1..300}; do
	virsh -q uri > /dev/null 2>&1 && break || sleep 0.2
done
echo "libvirt $(virsh --version)"

expect_status "all at once" 0 iov attach "${things[@]}" --vmm libvirt --format xml
expect_match "... with memory that is shared" "<access mode='shared'/>" "$out"
echo "$out" > /tmp/things.xml
expect_status "libvirt starts a guest with it" 0 "$lab/guest" start g --libvirt /tmp/things.xml --acpi
expect_status "and tells QEMU so" 0 virsh domxml-to-native qemu-argv --domain g
expect_match "... of the VF" "vfio-pci.*host.*$vf" "$(tr '\n' ' ' <<< "$out")"
expect_match "... and the disk" "vhost-user-blk-pci" "$out"
[ ${#things[@]} = 3 ] || expect_match "... and the mediated device" "sysfsdev.*$uuid" "$out"
expect_match "the guest has them" "8086:10ca" "$(in_guest 'for d in /sys/bus/pci/devices/*; do
	read -r v < $d/vendor; read -r p < $d/device; echo ${v#0x}:${p#0x}; done' | tee /tmp/devices)"
[ ${#things[@]} = 3 ] || expect_match "... and the mediated device" "4348:3253" "$(< /tmp/devices)"
# nic DRIVER: its name in the guest
nic()
{
	in_guest "for i in \$(seq 20); do for n in /sys/class/net/*; do
		case \$(readlink \$n/device/driver) in */$1) echo \${n##*/}; exit ;; esac; done; sleep 1; done"
}
vf_nic=$(nic igbvf) port_nic=$(nic virtio_net)
expect "the VF with its address" $mac "$(in_guest "cat /sys/class/net/$vf_nic/address")"
expect_status "which carries" 0 in_guest "ip link set $vf_nic up && ip address add 10.0.2.20/24 dev $vf_nic &&
	ping -c 2 -w 30 10.0.2.2"
expect_status "the port carries" 0 in_guest "ip link set $port_nic up && ip address add 10.9.0.2/24 dev $port_nic &&
	ping -c 2 -w 30 10.9.0.1"
expect_status "the disk keeps" 0 in_guest 'dd if=/dev/urandom of=/tmp/data bs=64k count=8 2> /dev/null &&
	dd if=/tmp/data of=/dev/vda bs=64k conv=fsync 2> /dev/null && echo 3 > /proc/sys/vm/drop_caches &&
	dd if=/dev/vda bs=64k count=8 2> /dev/null | cmp - /tmp/data'
held $vf "pid $(< /run/libvirt/qemu/g.pid)" iov unbind $vf

iov attach $other --vmm libvirt > /tmp/vf.xml
expect_status "another VF by hot-plug" 0 virsh -q attach-device g /tmp/vf.xml
expect_status "is there" 0 in_guest 'for i in $(seq 50); do
	[ $(cat /sys/bus/pci/devices/*/device | grep -c 0x10ca) = 2 ] && exit; sleep 0.2; done; exit 1'
expect_status "and goes" 0 virsh -q detach-device g /tmp/vf.xml
for _ in {1..100}; do
	virsh dumpxml g | grep -q "function='0x2'/>" && sleep 0.2 || break
done
expect "... to nobody" "[]" "$(iov show $other --json | gojq -c .assignment.held_by)"

expect_status "the guest ends" 0 virsh -q destroy g
free $vf
expect "its VF has the driver that it had" vfio-pci "$(driver_of $vf)"
expect "and so has the other" vfio-pci "$(driver_of $other)"
stop
stop_iovd
