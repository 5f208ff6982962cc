#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device e1000e
# What a NIC has beside VFs, by devlink: the mode of its switch, rates of VFs and groups of them,
# parameters, a driver that starts anew; devlink(8) and ip(8) say whether it is true.
. "$(dirname "$0")/lib/check.sh"
. "$lab/lib/netdevsim.sh"

device=netdevsim/netdevsim10
kernel_mode() { devlink -j dev eswitch show $device | gojq -r '.dev[].mode'; }
# What devlink says of the rate of a port or a group
rate() { devlink port function rate show "$1" 2>/dev/null | sed 's/^[^:]*: *//'; }
param() { devlink -j dev param show $device name "$1" | gojq -c '.param[][0].values[0].value'; }
uplink() { for port in $sim/net/*; do
	[ "$(cat $port/phys_port_name)" != p1 ] || basename $port; done; }

expect_status "a driver without devlink has no groups" 1 iov rate add 0000:01:00.0 gold --tx-max 10
expect_match "says so" "its driver has no devlink, by which groups are made" "$err"
expect_status "nor subfunctions" 0 iov sf list 0000:01:00.0
expect_match "says why" "no subfunctions: 0000:01:00.0 has no switch modes" "$err"
expect_status "and makes none" 1 iov sf add 0000:01:00.0 8
expect_match "says so" "its driver has no devlink, by which subfunctions are made" "$err"

netdevsim 2
pretend_pf 2
own_net
expect "its mode" "legacy any" "$(iov eswitch show $pf --json | gojq -r '"\(.mode) \(.wants)"')"
expect_status "a VF without a port" 1 iov vf set $pf 0 --trust on --tx-max 5
expect_match "says why" "netdevsim has no tx-max for VFs .*switchdev mode" "$err"
expect_match "the other value is taken back" "trust off" "$(ip link show "$(uplink)" | grep 'vf 0')"
expect_status "no groups in that mode" 1 iov rate add $pf gold --tx-max 10
expect_match "says why" "switchdev" "$err"

name=$(uplink)
expect_status "a plan" 0 iov eswitch set $pf switchdev --dry-run
expect "changes nothing" legacy "$(kernel_mode)"
expect_status "switchdev" 0 iov eswitch set $pf switchdev
expect "the kernel has it" switchdev "$(kernel_mode)"
expect_status "again" 0 iov eswitch set $pf switchdev
expect_match "nothing to do" "nothing to do" "$out"
expect "representors are named" "vf0 vf1" \
	"$(iov eswitch show $pf --json | gojq -r '[.representors[].of] | join(" ")')"
expect "in the list of VFs as well" 2 "$(iov vf list $pf --json | gojq '[.vfs[].representor | select(.)] | length')"
expect "and by show" 2 "$(iov show $pf --json | gojq '.device_class.representors | length')"

# Rates
expect_status "a group" 0 iov rate add $pf gold --tx-max 100 --tx-share 10
expect_match "devlink has it" "type node tx_share 10Mbit tx_max 100Mbit" "$(rate $device/gold)"
expect_status "again" 0 iov rate add $pf gold --tx-max 100 --tx-share 10
expect_match "nothing to do" "nothing to do" "$out"
expect_status "another limit" 0 iov rate set $pf gold --tx-max 200
expect_match "devlink has it" "tx_share 10Mbit tx_max 200Mbit" "$(rate $device/gold)"
expect_status "a share above the limit" 2 iov rate set $pf gold --tx-share 300
expect_match "is refused" "tx_share 300 is above tx_max 200" "$err"
expect_status "a group that is not there" 4 iov rate set $pf gould --tx-max 1
expect_match "has a near one" "did you mean 'gold'" "$err"
expect_status "a VF in it" 0 iov vf set $pf 1 --tx-parent gold --tx-max 50 --tx-share 5
expect_match "devlink has it" "type leaf tx_share 5Mbit tx_max 50Mbit parent gold" "$(rate $device/129)"
expect "the list has both" "gold:none vf0:none vf1:gold" \
	"$(iov rate list $pf --json | gojq -r '[.[] | "\(.name):\(.tx_parent)"] | join(" ")')"
expect "and vf show" '"gold" 5 50' "$(iov vf show $pf 1 --json | gojq -c '.tx_parent, .tx_share, .tx_max' | paste -sd ' ')"
expect_status "a group with a member" 1 iov rate remove $pf gold
expect_match "names it" "vf1 is in it" "$err"
expect_status "a parent that is none" 1 iov vf set $pf 0 --tx-max 7 --tx-parent silver
expect_match "is named, with what to do" "tx-parent silver.*no such group of rates; 'iov rate add' makes one" "$err"
expect_match "and the other value was taken back" "type leaf" "$(rate $device/128)"
expect_status "what the driver has not" 1 iov vf set $pf 0 --tx-max 7 --tx-weight 5
expect_match "is named" "tx-weight" "$err"
[[ $(rate $device/128) != *tx_max* ]] || fail "tx_max was not taken back: $(rate $device/128)"
expect_status "a function attribute that it has not" 1 iov vf set $pf 0 --tx-max 7 --roce off
expect_match "is named" "roce" "$err"
expect_status "the mode with a group" 1 iov eswitch set $pf legacy
expect_match "is refused beforehand" "iov rate remove $pf gold" "$err"
expect_status "subfunctions" 0 iov sf list $pf
expect_status "which it makes none of" 1 iov sf add $pf 8 --hw-addr 02:00:00:00:00:08 --state active
expect_match "says so" "makes no such subfunction" "$err"
expect_status "a snapshot" 0 iov snapshot
printf '%s\n' "$out" > /tmp/snapshot.yaml
expect_match "has the group" "name: gold" "$out"
expect_status "is true" 0 iov apply /tmp/snapshot.yaml
expect_match "nothing to do" "nothing to do" "$out"
expect_status "out of the group" 0 iov vf set $pf 1 --tx-parent none --tx-max 0 --tx-share 0
expect_status "and no group" 0 iov rate remove $pf gold
expect "is left" "" "$(rate $device/gold)"
expect_status "again" 4 iov rate remove $pf gold
expect_status "from the snapshot" 0 iov apply /tmp/snapshot.yaml
expect_match "the group is there" "tx_share 10Mbit tx_max 200Mbit" "$(rate $device/gold)"
expect_match "and the VF in it" "tx_share 5Mbit tx_max 50Mbit parent gold" "$(rate $device/129)"
iov vf set $pf 1 --tx-parent none
iov rate remove $pf gold
expect_status "legacy" 0 iov eswitch set $pf legacy
expect "the kernel has it" legacy "$(kernel_mode)"

# All of it from a file, and a mistake in it takes all of it back
cat > /tmp/host.yaml << END
devices:
  - device: path=$pf
    eswitch: switchdev
    rates:
      - {name: gold, tx_max: 100}
      - {name: inner, tx_parent: gold, tx_share: 5}
    vfs:
      count: 2
      tx_parent: inner
      each:
        - {index: 0, tx_max: 20}
END
sed 's/index: 0,/index: 0, tx_weight: 5,/' /tmp/host.yaml > /tmp/wrong.yaml
expect_status "a file with what the driver has not" 1 iov apply /tmp/wrong.yaml
expect_match "is named" "tx-weight" "$err"
expect "all is as before" legacy "$(kernel_mode)"
expect_status "one without" 0 iov apply /tmp/host.yaml
expect "gives the mode" switchdev "$(kernel_mode)"
expect_match "a group in a group" "tx_share 5Mbit.* parent gold" "$(rate $device/inner)"
expect_match "and VFs in that" "tx_max 20Mbit parent inner" "$(rate $device/128)"
expect_match "all of them" "parent inner" "$(rate $device/129)"
expect_status "again" 0 iov apply /tmp/host.yaml
expect_match "nothing to do" "nothing to do" "$out"
iov vf set $pf/all --tx-parent none > /dev/null
iov rate remove $pf inner > /dev/null
iov rate remove $pf gold > /dev/null
iov eswitch set $pf legacy > /dev/null

# Parameters
expect "a parameter" "driverinit u32 32" \
	"$(iov param list $pf --json | gojq -r '.[] | select(.name == "max_macs") | "\(.cmode) \(.type) \(.value)"')"
expect_status "another value" 0 iov param set $pf max_macs=16 test1=off
expect_match "counts later" "reload" "$out$err"
expect "devlink has them" "16 false" "$(param max_macs) $(param test1)"
expect_status "again" 0 iov param set $pf max_macs=16
expect_match "nothing to do" "nothing to do" "$out"
expect_status "none of these" 4 iov param set $pf max_mac=3
expect_match "has a near one" "did you mean 'max_macs'" "$err"
expect_status "out of range" 2 iov param set $pf max_macs=5000000000
expect_match "tells the range" "0 to 4294967295" "$err"
expect_status "a mode that it has not" 4 iov param set $pf max_macs=3 --cmode runtime
expect_status "a reload with VFs" 1 iov param set $pf max_macs=8 --reload
expect_match "says what to do" "iov vf remove $pf" "$err"
echo 0 > $sim/sriov_numvfs
ip addr add 192.0.2.1/24 dev "$name"
ip link set "$name" up mtu 1400
ip link property add dev "$name" altname uplink-of-the-test
ip route add 198.51.100.0/24 via 192.0.2.9 metric 7
index=$(cat /sys/class/net/$name/ifindex)
expect_status "a reload while routes go through it" 3 iov param set $device max_macs=8 --reload
expect_status "on demand" 0 iov param set $device max_macs=8 --reload --force=route --force=address
expect "devlink has it" 8 "$(param max_macs)"
name=$(uplink)
[ "$(cat /sys/class/net/$name/ifindex)" != "$index" ] || fail "the interface is the old one"
expect_match "its address is back" "192.0.2.1/24" "$(ip -o addr show dev $name)"
expect_match "its route is back" "via 192.0.2.9 dev $name metric 7" "$(ip route show 198.51.100.0/24)"
expect_match "its other name is back" "uplink-of-the-test" "$(ip link show $name)"
expect_match "it is up, with its MTU" "UP.* mtu 1400" "$(ip link show $name)"
ip route add 203.0.113.0/24 nexthop via 192.0.2.9 nexthop via 192.0.2.10
expect_status "a route that could not be given back" 1 iov param set $device max_macs=4 --reload --force=route --force=address
expect_match "is named" "several next hops would be lost" "$err"
ip route del 203.0.113.0/24
echo 1 > /sys/kernel/debug/netdevsim/netdevsim10/fail_reload
expect_status "a reload that fails" 1 iov param set $device max_macs=4 --reload --force=route --force=address
echo 0 > /sys/kernel/debug/netdevsim/netdevsim10/fail_reload
