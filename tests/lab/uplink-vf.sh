#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --topology minimal --device igb
# A guest at a vhost-user port reaches the network through a VF that iovd polls by VFIO.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0 vf=0000:01:10.0 mac=02:00:00:00:00:0b

# The guest's QEMU tries once a second, and the ring starts with it.
expect_answer()
{
	expect_status "$1" 0 "$lab/guest" exec b --timeout 60 -- sh -c \
		'for i in $(seq 30); do ping -q -c 1 -w 1 10.0.2.2 && exit; done; exit 1'
}

expect_status "no iovd" 5 iov port list
expect_match "... in words" "^iov: /run/iovkit/iovd.sock: iovd does not answer" "$err"

ip link set "$(names $pci/$pf/net/*)" up
iov vf create $pf --count 1 --driver none > /dev/null
iov vf set $pf 0 --mac $mac > /dev/null
start_iovd
expect_status "a VF that is not bound" 1 iov port add up --type ethdev --device $vf
expect_match "... says what to do" "iov bind $vf --driver vfio-pci" "$err"
iov bind $vf --driver vfio-pci > /dev/null
stop_iovd

start_iovd
iov bridge add lan > /dev/null
expect_status "the VF becomes an uplink" 0 iov port add up --type ethdev --device $vf --bridge lan \
	--zero-copy
iov port add vm --type vhost-user --socket /run/vm.sock --server --bridge lan > /dev/null
expect "its MAC is the VF's" $mac "$(iov port list --json | gojq -r '.[0].mac')"
expect_status "the VF is taken once" 1 iov port add again --type ethdev --device $vf
expect_match "a port stands by for the VF with its address" "netdev=iov-vm,mac=$mac,failover=on,id=iov-vm " \
	"$(iov attach $vf vm --failover)"
expect_status "and with no other" 2 iov attach $vf vm --failover --mac 02:00:00:00:00:0c
expect_match "... which is said" "$vf has $mac" "$err"
expect_match "libvirt pairs them, too" "teaming type='transient' persistent='ua-iov-vm'" \
	"$(iov attach $vf vm --failover --vmm libvirt)"
# shellcheck disable=SC2046 # the arguments are words
"$lab/guest" start b $(iov attach vm --vmm qemu --memory 256M --mac $mac)
"$lab/guest" exec b -- sh -c 'ip link set eth0 up && ip address add 10.0.2.20/24 dev eth0'
expect_answer "the gateway answers the guest"
expect "the guest is connected" connected "$(iov port list --json | gojq -r '.[1].state')"
expect_status "also long frames" 0 "$lab/guest" exec b -- ping -q -c 3 -s 1400 -w 30 10.0.2.2
expect "which the VF read where the guest had them" 3 "$(iov port show up --json | gojq .lent_frames)"
expect_status "it gets another MTU" 0 iov port set up --mtu 2000
expect "which it has" 2000 "$(iov port show up --json | gojq .mtu)"
expect_answer "the gateway answers again"
expect_status "also long frames do" 0 "$lab/guest" exec b -- ping -q -c 3 -s 1400 -w 30 10.0.2.2
expect "which it reads where the guest had them" 6 "$(iov port show up --json | gojq .lent_frames)"
expect_status "no device has such an MTU" 1 iov port set up --mtu 65000
expect_match "... which is said" "at most" "$err"
expect "nothing was dropped on its way" '{}' "$(iov port stats vm --json | gojq -c '.[0].drops')"
expect_match "the worker has no power over the host" "CapEff:	0000000000007002" \
	"$(cat /proc/$iovd/status)"

kill $iovd
status=0
wait $iovd || status=$?
expect "iovd ends" 0 $status
expect "its sockets are gone" "" "$(ls /run/vm.sock /run/iovkit/iovd.sock 2> /dev/null || :)"
start_iovd
expect "its ports are there again" "up vm" "$(iov port list --json | gojq -r 'map(.name) | join(" ")')"
expect_answer "the guest attached again by itself"
kill -KILL $iovd
wait $iovd || :
start_iovd
expect_answer "also after a crash"

ip link set "$(names $pci/$pf/net/*)" down
"$lab/guest" exec b -- ping -q -c 3 -s 1400 -w 3 10.0.2.2 > /dev/null || :
for _ in {1..100}; do
	[ "$(iov port show up --json | gojq .recalls)" = 0 ] && sleep 0.1 || break
done
expect "a device that sends nothing gives the guest its frames back" 1 \
	"$(iov port show up --json | gojq .recalls)"
expect_match "... and says so" "kept frames of a guest for too long" "$(cat /tmp/iovd.log)"

"$lab/guest" kill b
for _ in {1..100}; do
	[ "$(iov port list --json | gojq -r '.[1].state')" != listening ] && sleep 0.1 || break
done
expect "the guest's crash is seen" listening "$(iov port list --json | gojq -r '.[1].state')"
expect_status "the port goes" 0 iov port remove up
expect_status "the VF can be given back" 0 iov unbind $vf
expect "it has its own driver" igbvf "$(driver_of $vf)"
stop_iovd
