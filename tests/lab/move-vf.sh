#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb --memory 2G --timeout 1500
# A KVM guest moves to another QEMU with its VF: a port stands by for it meanwhile. What is lost of what it is
# asked is told. Killed in the midst of it, the guest has its VF where it was.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0 vf=0000:01:10.0 mac=02:00:00:00:00:0a address=10.9.0.2
nic=$(names $pci/$pf/net/*)
mac_of() { iov vf list $pf --json | gojq -r '.vfs[0].mac'; }
qmp() { "$lab/lib/qmp" "$@" > /dev/null; }
in_guest() { "$lab/guest" exec "$1" -- sh -c "$2"; }

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
# QEMU plugs the VF when the guest's driver of the port has agreed to have one.  igbvf waits a second for its PF, whose
# driver runs on the same emulated processor, and takes another address when that was too long
cat > /tmp/have-vf <<'END'
load() { rmmod igbvf; while read -r file; do insmod "/modules/$file"; done < /modules/igbvf.order; } 2> /dev/null
for i in $(seq 50); do grep -q 0x10ca /sys/bus/pci/devices/*/device && break; sleep 0.2; done
for i in $(seq 10); do
	for lower in /sys/class/net/eth0/lower_*; do
		case $(readlink "$lower/device/driver") in *igbvf) exit 0 ;; esac
	done
	[ "$i" -gt "$1" ] || sleep 1
	[ "$i" -le "$1" ] || load
	sleep 1
done
ip link
dmesg | tail -n 9
exit 1
END
# has_vf GUEST SECONDS: beside its port; looked for so long before its driver is helped
has_vf() { "$lab/guest" exec "$1" --timeout 100 -- sh -c "$(< /tmp/have-vf)" sh "$2" >&2; }
expect_status "the guest has the VF beside the port" 0 has_vf a 0
in_guest a "ip link set eth0 up && ip address add $address/24 dev eth0"
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
qmp /run/a.qmp migrate-set-parameters '{"max-bandwidth": 1000000}'
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
	[ "$(mac_of)" != $mac ] && sleep 0.2 || break
done
expect_status "after a kill the guest has its VF again, where it was" 0 has_vf a 5
expect "with its address" $mac "$(mac_of)"
expect_status "and answers" 0 ping -q -c 3 -i 0.2 -w 30 $address
"$lab/guest" kill b 2> /dev/null || :
rm -f /run/b.qmp

# And now all of it
qmp /run/a.qmp migrate-set-parameters '{"max-bandwidth": 1000000000}'
start_there
expect_status "the guest moves" 0 iov move $vf --from /run/a.qmp --to /run/b.qmp --ping $address --json
echo "$out" >&2
moved=$out
expect "with its VF" "$vf $vf $mac" "$(gojq -r '.devices[0] | .device + " " + .becomes + " " + .mac' <<< "$moved")"
echo "packets lost: $(gojq -r '"\(.ping.lost) of \(.ping.sent), longest gap \(.ping.gap_ms) ms"' <<< "$moved"); the guest stood still for $(gojq .downtime_ms <<< "$moved") ms"
expect "most of what it was asked was answered" true "$(gojq '.ping.lost < .ping.sent / 2' <<< "$moved")"
expect "the VF has the address" $mac "$(mac_of)"
expect_status "the guest has it there" 0 has_vf b 5
expect_status "and answers" 0 ping -q -c 3 -i 0.2 -w 30 $address
expect "which is in the history" "done move the guest at /run/a.qmp to /run/b.qmp" \
	"$(iov log --json | gojq -r '.[-1] | .result + " " + .title')"
expect_status "it has left the other" 1 iov move --from /run/a.qmp --to /run/b.qmp
expect_match "... which may be ended" "has moved away already" "$err"
"$lab/guest" stop a
"$lab/guest" stop b
stop_iovd
