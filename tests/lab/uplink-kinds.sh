#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal
# Uplinks that share an interface with the kernel: a tap reaches what is behind a veth
# that iovd has by AF_PACKET, and by AF_XDP. They read what a guest sends from its memory.
. "$(dirname "$0")/lib/check.sh"

# received BYTES: the listener has them, and ends, which it does not by itself
received()
{
	for _ in {1..100}; do [ "$(stat -c %s /tmp/got)" != "$1" ] && sleep 0.1 || break; done
	kill $! 2> /dev/null || :
}

ip netns add far
ip link add near0 type veth peer name far0 netns far
ip link set near0 up
ip -n far link set far0 up
ip -n far address add 10.9.0.2/24 dev far0

start_iovd --no-huge --workers 0
iov bridge add lan > /dev/null
iov port add tap --type ethdev --device net_tap0,iface=tap0 --bridge lan > /dev/null
ip address add 10.9.0.1/24 dev tap0
expect_status "AF_XDP without its option" 1 iov port add up --type ethdev \
	--device net_af_xdp0,iface=near0 --bridge lan
expect_match "... says what to do" "CAP_BPF.*--af-xdp" "$err"
iov port add up --type ethdev --device net_af_packet0,iface=near0 --bridge lan > /dev/null
expect_status "a tap reaches the other end by AF_PACKET" 0 ping -q -c 5 -i 0.1 -w 20 10.9.0.2
sleep 60 | timeout 60 busybox nc -l -p 7001 > /tmp/got &
expect_status "TCP of this host does, whose checksums are left to a device, and which is joined" 0 \
	ip netns exec far sh -c 'for i in $(seq 20); do
		head -c 2000000 /dev/zero | busybox nc -w 20 10.9.0.1 7001 && exit; sleep 0.2; done; exit 1'
received 2000000
expect "all of it arrives" 2000000 "$(stat -c %s /tmp/got)"
expect "nothing was lost" '{}' "$(iov port stats up --json | gojq -c '.[0].drops | del(."same-port")')"
ip link set near0 mtu 9000
ip -n far link set far0 mtu 9000
sleep 1
expect "the MTU is the interface's" 9000 "$(iov port show up --json | gojq .mtu)"
ip link delete near0
ip link add near0 type veth peer name far0 netns far
ip link set near0 up
ip -n far link set far0 up
ip -n far address add 10.9.0.2/24 dev far0
ip neighbor flush dev tap0 # the other end has another address now
expect_status "an interface that is another one is taken" 0 \
	ping -q -c 5 -i 0.1 -w 20 10.9.0.2
promiscuity() { ip -d link show near0 | grep -o 'promiscuity [0-9]*'; }
expect "it receives all frames as long as there is a port" "promiscuity 1" "$(promiscuity)"
expect_status "a tap takes no long frames of this DPDK" 1 iov port set tap --mtu 9000
expect_match "... and says so" "1504 at most" "$err"

lent() { iov port show "$1" --json | gojq .lent_frames; }
expect "nothing is lent yet" "0 0" "$(lent tap) $(lent up)"
iov port add vm --type vhost-user --socket /run/vm.sock --server --bridge lan > /dev/null
# shellcheck disable=SC2046 # the arguments are words
"$lab/guest" start vm $(iov attach vm --vmm qemu --memory 256M)
"$lab/guest" exec vm -- sh -c 'ip link set eth0 up && ip address add 10.9.0.3/24 dev eth0 &&
	head -c 4000000 /dev/urandom > /tmp/data && md5sum < /tmp/data' > /tmp/sent
expect_status "a guest's long frames leave by AF_PACKET" 0 \
	"$lab/guest" exec vm -- ping -q -c 5 -s 1400 -w 30 10.9.0.2
expect "they were not copied" 5 "$(lent up)"
expect_status "they leave by a tap" 0 "$lab/guest" exec vm -- ping -q -c 5 -s 1400 -w 30 10.9.0.1
expect "these were not copied either" 5 "$(lent tap)"
sleep 150 | timeout 150 busybox nc -l -p 7000 > /tmp/got &
expect_status "4 MB leave by a tap" 0 "$lab/guest" exec vm --timeout 150 -- sh -c \
	'for i in $(seq 20); do nc -w 20 10.9.0.1 7000 < /tmp/data && exit; sleep 0.2; done; exit 1'
received 4000000
expect "they arrive as they were sent" "$(cat /tmp/sent)" "$(md5sum < /tmp/got)"
expect "none was too much for the tap" null "$(iov port stats tap --json | gojq '.[0].drops.full')"
"$lab/guest" stop vm
iov port remove vm > /dev/null
iov port remove up > /dev/null
expect "... and then no more" "promiscuity 0" "$(promiscuity)"
stop_iovd

start_iovd --no-huge --workers 0 --af-xdp
expect_status "AF_XDP" 0 iov port add up --type ethdev --device net_af_xdp0,iface=near0 --bridge lan
ip address replace 10.9.0.1/24 dev tap0
expect_status "a tap reaches the other end by AF_XDP" 0 ping -q -c 5 -i 0.1 -w 20 10.9.0.2
expect "the interface receives all frames" "promiscuity 1" "$(promiscuity)"
expect "its driver" net_af_xdp "$(iov port show up --json | gojq -r .driver)"
iov port remove up > /dev/null
expect "... no more" "promiscuity 0" "$(promiscuity)"
expect "no program is left at the interface" "" "$(ip link show near0 | grep -o 'prog/xdp.*' || :)"
stop_iovd
