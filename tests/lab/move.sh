#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --topology minimal --device igb --memory 3G --timeout 1500
# A KVM guest moves to another QEMU with its VF: a port stands by for it meanwhile. What is lost of what it is
# asked is told. Killed in the midst of it, the guest has its VF where it was.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0 vf=0000:01:10.0 mac=02:00:00:00:00:0a address=10.9.0.2
nic=$(names $pci/$pf/net/*)
mac_of() { iov vf list $pf --json | gojq -r '.[0].mac // .vfs[0].mac'; }
in_guest() { "$lab/guest" exec "$1" -- sh -c "$2"; }
vf_driver='cd /sys/bus/pci/drivers/igbvf && ls | grep : || echo none'

# qmp SOCKET COMMAND ARGUMENTS
qmp()
{
	python3 - "$@" <<-'END'
		import json, socket, sys
		link = socket.socket(socket.AF_UNIX)
		link.connect(sys.argv[1])
		lines = link.makefile("rw")
		lines.readline()
		for text in ('{"execute": "qmp_capabilities"}', json.dumps({"execute": sys.argv[2], "arguments": json.loads(sys.argv[3])})):
		    lines.write(text + "\n")
		    lines.flush()
		    answer = json.loads(lines.readline())
		    while "event" in answer:
		        answer = json.loads(lines.readline())
		print(json.dumps(answer))
	END
}

# The VF and iovd reach the host by a bridge
ip link set "$nic" up
iov vf create $pf --count 1 --driver none > /dev/null
iov vf set $pf 0 --mac $mac > /dev/null
iov bind $vf --driver vfio-pci > /dev/null
start_iovd --no-huge --workers 0
iov bridge add lan > /dev/null
iov port add tap --type ethdev --device net_tap0,iface=tap0 --bridge lan > /dev/null
iov port add here --type vhost-user --socket /run/here.sock --server --bridge lan > /dev/null
iov port add there --type vhost-user --socket /run/there.sock --server --bridge lan > /dev/null
ip link add br0 type bridge
ip link set br0 address "$(< "$pci/$pf/net/$nic/address")"
ip link set "$nic" master br0
ip link set tap0 master br0
ip link set br0 up
ip address add 10.9.0.1/24 dev br0

# start_there: the QEMU that waits
start_there()
{
	# shellcheck disable=SC2046 # the arguments are words
	"$lab/guest" start b --acpi --incoming -qmp unix:/run/b.qmp,server=on,wait=off \
		$(iov attach $vf there --failover --incoming --memory 256M)
	for _ in {1..100}; do [ -S /run/b.qmp ] && break || sleep 0.1; done
}

# shellcheck disable=SC2046 # the arguments are words
"$lab/guest" start a --acpi -qmp unix:/run/a.qmp,server=on,wait=off $(iov attach $vf here --failover --memory 256M)
# QEMU plugs the VF when the guest's driver of the port has agreed to have one
in_guest a 'while read -r file; do insmod /modules/$file; done < /modules/igbvf.order 2> /dev/null
	for i in $(seq 50); do grep -q 0x10ca /sys/bus/pci/devices/*/device && [ -e /sys/class/net/eth2 ] && break; sleep 0.2; done
	ip link set eth0 up && ip address add '$address'/24 dev eth0; ip link; dmesg | tail -n 5' >&2
expect "the guest has the VF beside the port" "igbvf virtio_net" \
	"$(in_guest a 'cd /sys/class/net/eth0 && for l in lower_*; do readlink $l/device/driver; done' | sed 's|.*/||' | sort | paste -sd ' ')"
in_guest a 'ping -i 0.1 10.9.0.1 > /dev/null 2>&1 &'
expect_status "it answers" 0 ping -q -c 3 -i 0.2 -w 30 $address

expect_status "nobody waits there" 4 iov move --from /run/a.qmp --to /run/b.qmp
expect_match "... which is said" "^iov: /run/b.qmp: no such socket; QEMU listens there with -qmp" "$err"
start_there
expect_status "no other QEMU has the guest" 1 iov move --from /run/b.qmp --to /run/a.qmp
expect_match "... which is said" "/run/b.qmp: waits for a guest itself" "$err"
expect_status "a dry run" 0 iov move $vf --from /run/a.qmp --to /run/b.qmp --dry-run --json
expect "has what QEMU is told" "device_del /run/a.qmp|$mac off|migrate-incoming /run/b.qmp|migrate /run/a.qmp|$mac on|device_add /run/b.qmp" \
	"$(gojq -r '[.steps[] | if .command then .command.execute + " " + .socket
		elif .mac == "00:00:00:00:00:00" then "'$mac' off" else .mac + " on" end] | join("|")' <<< "$out")"
expect "and unplugs nothing" $mac "$(mac_of)"

# So slow that a kill comes in time
qmp /run/a.qmp migrate-set-parameters '{"max-bandwidth": 1000000}' > /dev/null
iov move --from /run/a.qmp --to /run/b.qmp > /tmp/killed 2>&1 &
pid=$!
for _ in {1..300}; do
	[ "$(mac_of)" = $mac ] && sleep 0.2 || break
done
expect "the port has the address" 00:00:00:00:00:00 "$(mac_of)"
expect_status "and stands by" 0 ping -q -c 3 -i 0.2 -w 30 $address
kill -KILL $pid
wait $pid 2> /dev/null || :
for _ in {1..300}; do
	[ "$(in_guest a "$vf_driver")" = none ] && sleep 1 || break
done
expect_match "after a kill the guest has its VF again, where it was" : "$(in_guest a "$vf_driver")"
expect "with its address" $mac "$(mac_of)"
expect_status "and answers" 0 ping -q -c 3 -i 0.2 -w 30 $address
"$lab/guest" kill b 2> /dev/null || :
rm -f /run/b.qmp

# And now all of it
qmp /run/a.qmp migrate-set-parameters '{"max-bandwidth": 1000000000}' > /dev/null
start_there
expect_status "the guest moves" 0 iov move $vf --from /run/a.qmp --to /run/b.qmp --ping $address --json
echo "$out" >&2
moved=$out
expect "with its VF" "$vf $vf $mac" "$(gojq -r '.devices[0] | .device + " " + .becomes + " " + .mac' <<< "$moved")"
echo "packets lost: $(gojq -r '"\(.ping.lost) of \(.ping.sent), longest gap \(.ping.gap_ms) ms"' <<< "$moved"); the guest stood still for $(gojq .downtime_ms <<< "$moved") ms"
expect "most of what it was asked was answered" true "$(gojq '.ping.lost < .ping.sent / 2' <<< "$moved")"
expect "the VF has the address" $mac "$(mac_of)"
for _ in {1..60}; do
	[ "$(in_guest b "$vf_driver")" = none ] && sleep 1 || break
done
expect_match "the guest has it there" : "$(in_guest b "$vf_driver")"
expect_status "and answers" 0 ping -q -c 3 -i 0.2 -w 30 $address
expect "which is in the history" "done move the guest at /run/a.qmp to /run/b.qmp" \
	"$(iov log --json | gojq -r '.[-1] | .result + " " + .title')"
expect_status "it has left the other" 1 iov move --from /run/a.qmp --to /run/b.qmp
expect_match "... which may be ended" "has moved away already" "$err"
"$lab/guest" stop a
"$lab/guest" stop b
stop_iovd
