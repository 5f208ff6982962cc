#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: outside
# Memory is plugged into a guest, 64 times, while it forwards between two ports of iovd:
# every frame arrives, in order and with every byte, both ways, at any time.
. "$(dirname "$0")/lib/outside.sh"

slots=64 size=128 # MiB; less is no block of memory for Linux

guest() { "$lab/guest" exec g --timeout 120 -- sh -c "$1"; }
# Frames that came back out of the guest, both ways
arrived() { iov port stats --json | gojq '[.[] | select(.port | startswith("front")) | .tx_packets] | add'; }
attached() { iov port list --json | gojq '[.[] | select(.queues == 2)] | length'; }
regions() { grep -c memory-backend-memfd "/proc/$iovd/maps"; }
memory() { guest "awk '/MemTotal/ { print int(\$2 / 1024) }' /proc/meminfo"; }

# QEMU's monitor says "(qemu)" when it waits for a command
prompt() { IFS= read -r -t 60 -d ')' -u 5 answer || fail "QEMU does not answer"; }
tell()
{
	echo "$1" >&4
	prompt
	[[ $answer != *rror* ]] || fail "QEMU: $answer"
}

start_iovd
for n in 0 1; do
	iov bridge add wire$n --kind wire > /dev/null
	for name in front guest; do
		iov port add $name$n --type vhost-user --socket "$dir/$name$n" --server --bridge wire$n > /dev/null
	done
	nics+=(-chardev "socket,id=c$n,path=$dir/guest$n" -netdev "vhost-user,id=n$n,chardev=c$n"
		-device "virtio-net-pci,netdev=n$n")
done

mkfifo "$dir/monitor.in" "$dir/monitor.out" "$dir/in"
exec 4<> "$dir/monitor.in" 5<> "$dir/monitor.out"
"$lab/guest" start g --memory 256M --emulated -m "slots=$slots,maxmem=16G" "${nics[@]}" \
	-append "console=ttyS0 panic=-1 ipv6.disable=1 memhp_default_state=online_kernel $(
		grep -v '^#' "$lab/lib/quick-boot")" \
	-chardev "pipe,id=monitor,path=$dir/monitor" -mon chardev=monitor
guest 'while read -r file; do insmod "/modules/$file"; done < /modules/bridge.order
	brctl addbr br0
	echo 0 > /sys/class/net/br0/bridge/multicast_snooping
	for nic in eth0 eth1 br0; do ip link set $nic multicast off; done
	for nic in eth0 eth1; do brctl addif br0 $nic; ip link set $nic up; done
	ip link set br0 up
	# Until the carrier of both was noticed the bridge drops what comes
	for try in $(seq 300); do
		[ "$(cat /sys/class/net/br0/brif/*/state | tr -d "\n")" != 33 ] || exit 0
		sleep 0.1
	done
	exit 1' || fail "the bridge in the guest does not forward"
memory=$(memory)

"$build/tests/wire/virtio_user" --lcores 0@0 --no-pci --no-huge -m 64 --no-shconf --no-telemetry \
	--file-prefix "lab$$" --vdev "net_virtio_user0,path=$dir/front0,queue_size=512" \
	--vdev "net_virtio_user1,path=$dir/front1,queue_size=512" -- 0 1514 \
	< "$dir/in" > "$dir/out" 2> "$dir/front.log" &
front=$!
exec 3> "$dir/in"
for _ in {1..300}; do
	! grep -q ready "$dir/out" || [ "$(attached)" != 4 ] || break
	sleep 0.1
done
expect "all ports have their rings" 4 "$(attached)"
echo go >&3
for _ in {1..300}; do
	[ "$(arrived)" -lt 1000 ] || break
	sleep 0.1
done
[ "$(arrived)" -ge 1000 ] || fail "no traffic: $(arrived) frames; $(tail -n 3 "$dir/front.log")"

before=$(regions) frames=$(arrived) least=''
first=$frames started=$SECONDS
prompt
for ((slot = 0; slot < slots; slot++)); do
	tell "object_add memory-backend-memfd,id=m$slot,size=${size}M,share=on"
	tell "device_add pc-dimm,id=d$slot,memdev=m$slot"
	for _ in {1..200}; do
		now=$(arrived)
		[ "$now" -le "$frames" ] || break
		sleep 0.1
	done
	[ "$now" -gt "$frames" ] ||
		fail "no frame arrived since DIMM $slot was plugged; $(tail -n 2 "$dir/front.log")"
	[ -n "$least" ] && [ $least -le $((now - frames)) ] || least=$((now - frames))
	frames=$now
done
for _ in {1..300}; do
	[ "$(memory)" -lt $((memory + slots * size * 9 / 10)) ] || break
	sleep 0.2
done
expect "iovd has each of them at both ports" $((before + 2 * slots)) "$(regions)"
[ "$(memory)" -ge $((memory + slots * size * 9 / 10)) ] ||
	fail "the guest has $(memory) MiB, and had $memory before $slots times $size were plugged"
echo "ok: the guest uses them"

echo stop >&3
exec 3>&-
status=0
wait $front || status=$?
[ $status = 0 ] || fail "$(tail -n 2 "$dir/front.log")"
echo "ok: $(($(arrived) - first)) frames as they were sent in $((SECONDS - started)) s," \
	"at least $least while a DIMM was plugged"
expect "none was dropped" "" "$(iov port stats --json | gojq -r '.[].drops | select(. != null and . != {})')"
