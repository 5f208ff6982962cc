#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --management
# Whatever is stacked on an interface keeps it, by the kind that the kernel has.
. "$(dirname "$0")/lib/check.sh"

spare=0000:81:00.0 pf=0000:01:00.0
nic=$(names $pci/$spare/net/*)

bind() { iov bind "$@" --driver vfio-pci; }
findings() { iov show $spare --json | gojq -c '.assignment.held_by[] | select(.guard != "promiscuous") | [.guard, .holder, .path[1:]]'; }

# stacked KIND HOLDER COMMAND...: the interface of KIND that COMMAND makes is "upper0"
stacked()
{
	"${@:3}"
	expect "$1 holds it" "[\"$1\",\"$2 upper0\",[\"$nic\",\"upper0\"]]" "$(findings)"
	remove_upper
}

remove_upper() { ip link delete upper0 2> /dev/null || ovs-dpctl del-dp upper0; }
on() { ip link add upper0 link "$nic" type "$@"; }
under() { ip link add upper0 type "$@" && ip link set "$nic" down && ip link set "$nic" master upper0; }
under_ovs() { ovs-dpctl add-dp upper0 && ovs-dpctl add-if upper0 "$nic"; }

modprobe openvswitch && command -v ovs-dpctl > /dev/null || { echo "missing: Open vSwitch"; exit 77; }

ip link set "$nic" up
expect "being up with a link-local address holds nothing" "" "$(findings)"
stacked vlan VLAN on vlan id 5
stacked macvlan macvlan on macvlan
stacked macvlan macvtap on macvtap
stacked macvlan ipvlan on ipvlan
stacked bridge bridge under bridge
stacked bond bond under bond
stacked team team under team
stacked upper vrf under vrf table 5
stacked ovs "Open vSwitch" under_ovs
expect "without them it is free" "" "$(findings)"

ip link set "$nic" up
ip route add default dev "$nic" table 100
expect "a default route of another table holds it" \
	"[\"default-route\",\"default route of $nic\",[\"$nic\"]]" "$(findings)"
ip route flush table 100

ip link add upper0 type bridge && ip link set "$nic" up && ip link set "$nic" master upper0
ip address add 192.0.2.7/32 dev upper0
held $spare "address 192.0.2.7 of upper0 \[guard address\], bridge upper0 \[guard bridge\]; release them" \
	bind $spare
expect_match "each guard is named" "--force=address --force=bridge\$" "$err"
held $spare "bridge upper0" bind $spare --force=address
refusal=$(bind $spare --json 2> /dev/null) || :
expect "a refusal has its findings in JSON" \
	"3 [\"address\",\"$spare\",\"address 192.0.2.7 of upper0\",[\"$spare\",\"$nic\",\"upper0\"],\"named\"]" \
	"$(gojq -r '"\(.exit) \(.findings[0] | [.guard, .device, .holder, .path, .why])"' <<< "$refusal")"
dry=$(bind $spare --dry-run --json 2> /dev/null) || :
expect "a dry run that is refused prints one object" "1 true 3 2 would be refused" \
	"$(gojq -rs '"\(length) \(.[0] | "\(has("steps")) \(.exit) \(.findings | length) \(.result)")"' <<< "$dry")"
ip link delete upper0

unshare --net sleep 1000 &
container=$!
until [ "$(readlink /proc/$container/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
ip link add upper0 link "$nic" type macvlan
ip link set upper0 netns $container
held $spare "macvlan upper0 in the network namespace of pid $container \((sleep|unshare)\)" bind $spare
nsenter --net=/proc/$container/ns/net ip link delete upper0
ip link set "$nic" netns $container
held $spare "$nic in the network namespace of pid $container \(.*guard netns" bind $spare
nsenter --net=/proc/$container/ns/net ip link set "$nic" netns 1
kill $container
wait $container || :

# A namespace without a process, which has a name, and then not even that
ip netns add blue
ip link set "$nic" netns blue
held $spare "$nic in the network namespace /run/netns/blue \[guard netns" bind $spare
exec {namespace}< /run/netns/blue
ip netns delete blue
held $spare "$nic in a network namespace that is a file of pid .* \[guard netns" bind $spare
nsenter --net=/proc/self/fd/$namespace ip link set "$nic" netns 1
ip link add upper0 link "$nic" type macvlan
ip link set upper0 netns /proc/self/fd/$namespace
held $spare "macvlan upper0 in a network namespace that is a file of pid" bind $spare
nsenter --net=/proc/self/fd/$namespace ip link delete upper0
exec {namespace}<&-

# One that is mounted in another mount namespace alone
unshare --mount --propagation private sh -c 'touch /tmp/kept; unshare --net=/tmp/kept true; touch /tmp/made; exec sleep 1000' &
keeper=$!
until [ -e /tmp/made ]; do sleep 0.1; done
ip link add upper0 link "$nic" type macvlan
nsenter --mount=/proc/$keeper/ns/mnt ip link set upper0 netns /tmp/kept
held $spare "macvlan upper0 in the network namespace /tmp/kept in the mount namespace of pid $keeper" bind $spare
nsenter --mount=/proc/$keeper/ns/mnt nsenter --net=/tmp/kept ip link delete upper0
kill $keeper
wait $keeper || :
expect "back and idle it is free" "" "$(findings)"

iov vf create $pf --count 2 > /dev/null
exec {vfio}<> "/dev/vfio/$(group_of 0000:01:10.2)"
held $pf "0000:01:00.0 \(named\).*default route" bind $pf
held $pf "0000:01:10.2 \(VF 1 of $pf\) is in use by pid $$ \(" \
	bind $pf --force=default-route --force=address
expect_status "what nobody holds is still a PF with VFs" 1 \
	bind $pf --force=default-route --force=address --force=vfio-open
expect_match "which is said" "has 2 VFs" "$err"
printf 'devices:\n  - {device: %s, driver: vfio-pci}\n' "$(iov show $pf --json | gojq -r .identity)" > /tmp/host.yaml
held $pf "default route" iov apply /tmp/host.yaml
exec {vfio}>&-
