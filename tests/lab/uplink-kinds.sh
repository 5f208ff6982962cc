#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal
# Uplinks that share an interface with the kernel: a tap reaches what is behind a veth
# that iovd has by AF_PACKET, and by AF_XDP.
. "$(dirname "$0")/lib/check.sh"

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
iov port remove up > /dev/null
stop_iovd

start_iovd --no-huge --workers 0 --af-xdp
expect_status "AF_XDP" 0 iov port add up --type ethdev --device net_af_xdp0,iface=near0 --bridge lan
ip address replace 10.9.0.1/24 dev tap0
expect_status "a tap reaches the other end by AF_XDP" 0 ping -q -c 5 -i 0.1 -w 20 10.9.0.2
expect "its driver" net_af_xdp "$(iov port show up --json | jq -r .driver)"
iov port remove up > /dev/null
expect "no program is left at the interface" "" "$(ip link show near0 | grep -o 'prog/xdp.*' || :)"
stop_iovd
