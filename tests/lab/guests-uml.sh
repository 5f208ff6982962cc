#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: outside
# Linux's own front end, virtio_uml of User Mode Linux: two guests at a switch of iovd. It hands
# all that iovd offers to its driver, has packed rings, the control queue and notifications as
# messages, and starts its rings at base 0.
. "$(dirname "$0")/lib/outside.sh"

guest() { "$lab/guest" exec "$1" --timeout 30 -- sh -c "$2"; }
counter() { iov port stats "$1" --json | gojq ".[0].$2 // 0"; }
control() { iov port show "$1" --json | gojq -c ".control.$2"; }

declare -A number=([a]=1 [b]=2)
take_address() { guest "$1" "ip link set eth0 up && ip address add 10.1.0.${number[$1]}/24 dev eth0"; }
answers() { expect_status "$1" 0 "$lab/guest" exec a -- ping -q -c 3 -i 0.2 -w 10 10.1.0.2; }

# transfer FROM TO: 2 MB, compared at the end; in frames that are longer than the MTU
transfer()
{
	local packets bytes got='' mean
	packets=$(counter "$2" tx_packets) bytes=$(counter "$2" tx_bytes)
	guest "$1" 'head -c 2000000 /dev/urandom > /tmp/data; md5sum < /tmp/data' > "$dir/sent"
	guest "$2" 'rm -f /tmp/sum; sleep 30 | busybox nc -l -p 7000 | md5sum > /tmp/sum &'
	# busybox writes 1 KB at a time, which TCP sends so
	guest "$1" "until bash -c 'cat /tmp/data > /dev/tcp/10.1.0.${number[$2]}/7000'; do sleep 0.1; done"
	for _ in {1..50}; do
		got=$(guest "$2" 'cat /tmp/sum')
		[ -z "$got" ] && sleep 0.1 || break
	done
	expect "2 MB arrive from $1 at $2" "$(< "$dir/sent")" "$got"
	mean=$((($(counter "$2" tx_bytes) - bytes) / ($(counter "$2" tx_packets) - packets)))
	[ $mean -gt 1600 ] || fail "frames that cross whole: expected more than 1600 bytes in the mean, got $mean"
	echo "ok: in frames of $mean bytes in the mean"
}

# channels GUEST N: queue pairs in use, as ethtool -L sets them: ETHTOOL_SCHANNELS by SIOCETHTOOL
channels()
{
	local words="words = array.array(\"I\", [0x3d, 0, 0, 0, 0, 0, 0, 0, $2])"
	local request='struct.pack("16sP16x", b"eth0", words.buffer_info()[0])'
	guest "$1" "/usr/bin/python3 -c 'import array, fcntl, socket, struct; $words; fcntl.ioctl(socket.socket(), 0x8946, $request)'"
}

start_iovd
iov bridge add lan > /dev/null
for name in a b; do
	iov port add $name --type vhost-user --socket "$dir/$name" --server --bridge lan --queues 2 > /dev/null
done
"$lab/guest" start a --uml "$dir/a" 2> /dev/null &
start_uml b --uml "$dir/b"
wait $!
take_address a
take_address b
answers "they answer each other"
for feature in packed ctrl-vq event-idx host-tso4 guest-tso4 mergeable; do
	expect "with $feature" true "$(iov port show a --json | gojq ".features | contains([\"$feature\"])")"
done
expect "without an IOMMU" false "$(iov port show a --json | gojq '.features | contains(["access-platform"])')"
transfer a b
transfer b a

guest a 'ip link set eth0 address 02:00:00:00:00:0a'
answers "with another MAC address"
guest b 'ip neigh replace 10.1.0.1 lladdr 02:00:00:00:00:0b nud permanent dev eth0; ping -q -c 2 -W 1 -i 0.2 10.1.0.1 || :' > /dev/null
[ "$(counter a drops.filtered)" -ge 2 ] || fail "what is for others is not filtered"
echo "ok: and what is for others is kept from it"
guest b 'ip neigh del 10.1.0.1 dev eth0'
channels a 2
expect "two queue pairs" 2 "$(control a pairs)"
answers "with two queue pairs"
channels a 1
expect "one again" 1 "$(control a pairs)"
guest a 'ip link set eth0 promisc on'
expect "it gets what is for others" '"on"' "$(control a filter.promiscuous)"
guest a 'ip link set eth0 promisc off mtu 1000'
transfer a b
expect "no command was refused" "0 0" "$(control a refused) $(control b refused)"

"$lab/guest" reboot a
take_address a
answers "after a reboot"
expect "nothing was broken or refused" "{} {}" \
	"$(iov port show a --json | gojq -r '.counters | "\(.broken) \(.refused)"')"

# virtio_uml takes its device away when the back end ends, and has no way to get it back
stop_iovd
expect "no device without iovd" "" "$(guest b 'ls /sys/class/net | grep eth || :')"
start_iovd
"$lab/guest" reboot a &
"$lab/guest" reboot b
wait $!
take_address a
take_address b
answers "when they boot again at the next iovd"
transfer b a
stop_iovd
