#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb --memory 2500M --timeout 1200
# Each way into a guest by KVM is measured beside the host, a VF by VFIO among them; KVM tells exits;
# and whatever was lent is back, also after a kill.
. "$(dirname "$0")/lib/check.sh"

vf=0000:01:10.0
kernel=$(< /run/lab/kernel)
modules=$(echo "$kernel"/lib/modules/*)
bench() { iov bench guest --kernel "$kernel/vmlinux" --modules "$modules" --memory 160 --cpus 1 "$@"; }
at() { gojq -r "$1" /tmp/results; }

modprobe vhost_net
ip link set enp1s0 up
iov vf create enp1s0 --count 1 > /dev/null
iov unbind $vf > /dev/null
expect "the VF is the host's" igbvf "$(driver_of $vf)"
before=$(ip -o link | wc -l)

# Few ways, as each boots a guest in an emulated host; all of them have a test without KVM
bench $vf --ways native,vhost-net,vfio --only network --turns 1 --seconds 0.3 --html /tmp/page.html --json > /tmp/results 2> /tmp/errors ||
	fail "iov bench guest: $(cat /tmp/errors /tmp/results)"
cat /tmp/results >&2
expect "this host is found to be emulated" "true TCGTCGTCGTCG exits" \
	"$(at '[.host.emulated, .host.hypervisor, .counts] | map(tostring) | join(" ")')"
# QEMU's VF stands still under a stream now and then, in a guest and then on the host as well: that is a gap
# with its reason, and nothing else is one
expect "networks, measured or with the reason why not" "native|native $vf|vfio $vf|vhost-net" \
	"$(at '[.networks[].side, .gaps[].side] | unique | join("|")')"
expect "the host and vhost-net are measured" "native vhost-net" \
	"$(at '.networks | map(.side | select(test("0000:") | not)) | join(" ")')"
expect "the guest's driver of the VF" igbvf "$(at '.networks[] | select(.way == "vfio") | .driver')"
expect "what is missing is a VF that stands still" "" \
	"$(at '.gaps[] | select((.side | endswith("'$vf'") | not) or
		(.why | test("Resource temporarily unavailable|does not answer") | not))')"
expect "KVM counts exits for every guest" true \
	"$(at '.networks | map(select(.way != "native" and .packets) | .packets.exits_per_unit) | all(. != null)')"
expect "of which there are some for each round trip" true \
	"$(at '.networks | map(select(.way != "native" and .round_trips) | .round_trips.exits_per_unit) | all(. > 0.1)')"
expect_match "the advice goes by exits" "^For networks .* exits a packet" "$(at '.advice[0]')"
expect_match "as the page does" "For networks" "$(cat /tmp/page.html)"

expect "the VF is back" igbvf "$(driver_of $vf)"
expect "with its interface, and nothing else" "$before" "$(ip -o link | wc -l)"
expect "no process is left" "" "$(pgrep -l 'qemu|probe|iovd' || :)"
expect "it is in the history" "done lend $vf to a guest|done give $vf back" \
	"$(iov log --json | gojq -r '.[-2:] | map(.result + " " + .title) | join("|")')"

# A function that the host uses is not taken
ip address add 198.51.100.1/24 dev "$(names $pci/$vf/net/*)"
ip link set "$(names $pci/$vf/net/*)" up
ip route add default dev "$(names $pci/$vf/net/*)"
expect_status "the guards are asked" 3 bench $vf --turns 1
expect "and it stays" igbvf "$(driver_of $vf)"
ip route del default
ip address flush dev "$(names $pci/$vf/net/*)"
ip link set "$(names $pci/$vf/net/*)" down

# Killed in the midst of it
bench $vf --ways vfio --only network --turns 9 > /dev/null 2>&1 < /dev/null &
pid=$!
for _ in {1..300}; do
	[ "$(driver_of $vf)" != vfio-pci ] || [ -z "$(pgrep qemu || :)" ] || break
	sleep 1
done
expect "it is lent" vfio-pci "$(driver_of $vf)"
kill -KILL "$(pgrep -o -x iov)" # not the shell that waits for it
wait $pid 2> /dev/null || :
for _ in {1..300}; do
	[ "$(driver_of $vf)" != igbvf ] || break
	sleep 1
done
expect "it comes back by itself" igbvf "$(driver_of $vf)"
expect "and no guest is left" "" "$(pgrep -l 'qemu|probe' || :)"
expect "nor an interface" "$before" "$(ip -o link | wc -l)"
