#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb --cpus 2
# Rules that lead frames to queues of a NIC and to VFs: added, replaced, undone, refused in words.
. "$(dirname "$0")/lib/check.sh"
. "$lab/lib/netdevsim.sh"

pf=0000:01:00.0
nic=$(names $pci/$pf/net/*)
mac=02:00:00:00:00:05
rules() { iov steer list "${1:-$pf}" --json | gojq -r '[.rules[] | "\(.mac) \(.vlan) \(.to)\(.number) \(.by)"] | join(", ")'; }

# The 82576 has no filters by address, which its driver says when it is asked for one
ip link set "$nic" up
queues=$(iov steer list $pf --json | gojq .queues)
expect "no rules" "" "$(rules)"
expect_match "which is said" "no rules" "$(iov steer list $pf 2>&1)"
expect_status "a NIC that cannot steer" 1 iov steer add $pf --mac $mac --to queue0
expect_match "is told so, and nothing changed" \
	"this NIC cannot: driver igb has no such rules, or has them off.*as it was before" "$err"
expect_status "a queue that is not there" 2 iov steer add $pf --mac $mac --to queue99
expect_match "has the range" "queue 99: $nic has $queues; expected 0 to $((queues - 1))" "$err"
expect_status "a VF that is not there" 4 iov steer add $pf --mac $mac --to vf0
expect_match "is named" "vf 0: $pf has 0 VFs; 'iov vf create' makes some" "$err"
iov vf create $pf --count 2 --driver none > /dev/null
expect_status "a NIC that cannot steer to VFs" 1 iov steer add $pf --mac $mac --to vf1
expect_match "is told so" "this NIC cannot" "$err"
expect_status "a dry run asks nothing of it" 0 iov steer add $pf --mac $mac --to vf1 --dry-run
expect_match "and says what to expect" "$nic will most likely refuse: its driver igb has no ntuple filters" "$out"
# What the host itself receives is judged before the driver is asked
own=$(cat "/sys/class/net/$nic/address")
ip address add 192.0.2.1/24 dev "$nic"
ip route add default via 192.0.2.2
expect_status "frames that the host needs" 3 iov steer add $pf --mac "$own" --to vf1
expect_match "are told" "frames to $own, which this host receives.*default route" "$err"
expect_status "any frame of a VLAN" 3 iov steer add $pf --vlan 5 --to vf1
expect_status "a queue of the host's own takes nothing from it" 1 iov steer add $pf --mac "$own" --to queue0
expect_status "another address is not its own" 1 iov steer add $pf --mac $mac --to vf1
ip route del default via 192.0.2.2
ip address del 192.0.2.1/24 dev "$nic"

expect_status "no frames" 2 iov steer add $pf --to queue0
expect_status "nowhere" 2 iov steer add $pf --mac $mac
expect_status "neither VF nor queue" 2 iov steer add $pf --mac $mac --to port1
expect_match "is told" "to 'port1': expected vf and its index" "$err"
expect_status "a rule that is not there" 4 iov steer remove $pf --mac 02:00:00:00:00:07

# In switchdev mode a VF has a representor
netdevsim 3
pretend_pf 3
devlink dev eswitch set netdevsim/netdevsim10 mode switchdev
uplink=$(grep -l '^p1$' $sim/net/*/phys_port_name | sed 's|.*/net/||; s|/.*||')
representor=$(grep -l '^pf0vf1$' $sim/net/*/phys_port_name | sed 's|.*/net/||; s|/.*||')
ip link set "$uplink" up
expect "a VF is listed with it" "$representor" "$(iov vf list $pf --json | gojq -r '.vfs[1].representor')"
expect_match "and shown with it" "Representor +$representor" "$(iov vf show $pf 1)"
expect "so is its function" "$representor" "$(iov show $pf/vf1 --json | gojq -r .device_class.representor)"
expect_status "to a VF by its representor" 0 iov steer add $pf --mac $mac --to vf1
expect "it is there" "$mac null vf1 flower" "$(rules)"
expect_match "tc sees it" "dst_mac $mac.*Egress Redirect to device $representor" \
	"$(tc filter show dev "$uplink" ingress | tr '\n' ' ')"
expect_status "the same again" 0 iov steer add $pf --mac $mac --to vf1
expect_match "is nothing to do" "nothing to do" "$out"
expect_status "another VF" 0 iov steer add $pf --mac $mac --to vf2
expect "replaces it" "$mac null vf2 flower" "$(rules)"
expect_status "in a VLAN as well" 0 iov steer add $pf --mac $mac --vlan 100 --to vf0
expect "both are there" "$mac 100 vf0 flower, $mac null vf2 flower" "$(rules)"
killed request 1 iov steer remove $pf --mac $mac
expect_status "recovered after a kill" 0 iov recover
expect "both are there" "$mac 100 vf0 flower, $mac null vf2 flower" "$(rules)"
tc filter add dev "$uplink" ingress prio 5 protocol ip matchall action pass
expect "the rule of somebody is counted" 1 "$(iov steer list $pf --json | gojq .others)"
expect_status "a VF beyond" 4 iov steer add $pf --mac $mac --to vf3

expect_status "removed" 0 iov steer remove $pf --mac $mac
expect_status "and the other" 0 iov steer remove $pf --mac $mac --vlan 100
expect "no rule" "" "$(rules)"
expect_match "what is somebody's stays" matchall "$(tc filter show dev "$uplink" ingress)"
tc filter del dev "$uplink" ingress prio 5
iov steer add $pf --mac $mac --to vf1 > /dev/null
iov steer remove $pf --mac $mac > /dev/null
expect "nothing is left" "" "$(tc qdisc show dev "$uplink" | grep clsact || :)"

# As a file says it
cat > /tmp/host.yaml << END
devices:
  - device: $pf
    steer:
      - {mac: $mac, to: vf1}
      - {mac: $mac, vlan: 100, to: vf2}
END
expect_status "a plan" 10 iov plan /tmp/host.yaml --exit-code
expect_match "has both" "steer $mac in VLAN 100: .*vf 2" "$(tr '\n' ' ' <<< "$out")"
expect_status "applied" 0 iov apply /tmp/host.yaml
expect "they are there" "$mac 100 vf2 flower, $mac null vf1 flower" "$(rules)"
expect_status "applied again" 0 iov apply /tmp/host.yaml
expect_match "is nothing to do" "nothing to do" "$out"
expect_match "a snapshot has them" "mac: $mac.*to: vf1" "$(iov snapshot | tr '\n' ' ')"
sed -i 's/vf2/vf9/' /tmp/host.yaml
expect_status "a VF beyond" 4 iov apply /tmp/host.yaml
expect_match "has its place" "host.yaml:[0-9]+: devices\[0\].steer\[1\]: vf 9" "$err"
iov steer remove $pf --mac $mac > /dev/null
iov steer remove $pf --mac $mac --vlan 100 > /dev/null

devlink dev eswitch set netdevsim/netdevsim10 mode legacy
expect_status "without representors" 1 iov steer list $pf
expect_match "it cannot" "$pf cannot steer: driver netdevsim has no rules" "$err"
