#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --topology minimal --device edu --device igb --device e1000e
# Whatever changes the host is in its history, and whatever is refused says who is in the way.
. "$(dirname "$0")/lib/check.sh"

edu=0000:01:00.0 pf=0000:02:00.0 nic=0000:03:00.0 vfs=(0000:02:10.0 0000:02:10.2 0000:02:10.4 0000:02:10.6)
# A line each, counted without a program
noted()
{
	local lines=()
	[ ! -e /var/lib/iovkit/log ] || mapfile lines < /var/lib/iovkit/log
	echo ${#lines[@]}
}
last() { iov log --json | gojq -r ".[-1].$1"; }

# Looking makes no files, nor does confirming or recovering what is not there
kept() { find /var/lib/iovkit /run/iovkit /etc/iovkit 2> /dev/null || :; }
before=$(kept)
for words in log list check "vf list" plan "port list" "confirm --dry-run" confirm "confirm --undo" recover; do
	# shellcheck disable=SC2086 # a command is one word or two
	iov $words > /dev/null 2>&1 || :
done
expect "looking makes no files" "$before" "$(kept)"

# changes RESULT WORDS ARGUMENT...: the command of those words, which is noted once
: > /tmp/changed
changes()
{
	local before count entry
	before=$(noted)
	# shellcheck disable=SC2086 # a command is one word or two
	expect_status "${*:2}" 0 iov $2 "${@:3}"
	read -r count entry < <(iov log --json | gojq -r '"\(length) \(.[-1] | "\(.result) \(.by.command)")"')
	expect "... is noted once" $((before + 1)) "$count"
	expect "... as $1" "$1 iov ${*:2}" "$entry"
	echo "$2" >> /tmp/changed
}

changes "done" bind $edu $nic --driver vfio-pci
changes "done" "vf create" $pf --count 2
# What is refused while it is planned, but neither what only looks nor a mistake
before=$(noted)
! iov bind $pf --driver vfio-pci 2> "$errors" || fail "a PF with VFs is bound to vfio-pci"
expect "a refused change is noted" "$((before + 1)) refused iov bind $pf --driver vfio-pci" \
	"$(noted) $(last result) $(last by.command)"
expect_match "with the reason" "has 2 VFs" "$(last why)"
! iov bind $pf --driver vfio-pci --dry-run > /dev/null 2>&1 || fail "a PF with VFs would be bound"
! iov bind $pf --driver nonsense > /dev/null 2>&1 || fail "a driver of that name"
! iov vf create 0000:ff:00.0 --count 1 > /dev/null 2>&1 || fail "a function of that name"
expect "no dry run is, nor what names nothing" $((before + 1)) "$(noted)"
changes "done" "vf set" $pf/vf0 --mac 02:00:00:00:00:01
changes "done" set $pf/vf0 trust=on
ip link set "$(names $pci/$pf/net/*)" up
changes "done" "irq pin" $pf --policy 1
changes "done" reset $nic
changes "done" reset $edu --slot
expect "... with its functions" $edu "$(last 'devices | join(" ")')"
changes "done" unbind $nic
changes "done" "group set-type" $edu identity
printf 'devices:\n  - {device: %s, mtu: 1400}\n' "$(iov show $nic --json | gojq -r .identity)" > /tmp/host.yaml
changes awaits apply /tmp/host.yaml --confirm 60
changes confirmed confirm
changes "done" unbind $edu
changes "done" "vf remove" $pf

# A death with two of four functions bound; the last is taken meanwhile by another
iov vf create $pf --count 4 --driver native > /dev/null
interrupt() { killed request 3 iov bind "${vfs[@]}" --driver vfio-pci --jobs 1; }
modprobe vfio-pci
interrupt
expect "the second is bound, the last is not" "vfio-pci igbvf" "$(driver_of "${vfs[1]}") $(driver_of "${vfs[3]}")"
expect_match "a plan says that there is something to recover" "was interrupted.*iov recover" \
	"$(iov plan /tmp/host.yaml 2>&1)"
name=$(names "$pci/${vfs[3]}"/net/*)
ip address add 192.0.2.7/24 dev "$name"
refusal=$(iov recover --finish --json 2> /dev/null) || status=$?
expect "what is refused says by whom" "3 3 [\"address\",\"${vfs[3]}\",\"address 192.0.2.7 of $name\",\"named\"]" \
	"$status $(gojq -r '"\(.exit) \(.findings[0] | [.guard, .device, .holder, .why])"' <<< "$refusal")"
ip address flush dev "$name"
changes finished recover --finish
iov unbind "${vfs[@]}" > /dev/null

# What holds the first keeps it from being taken back
interrupt
sleep 1000 9<> "/dev/vfio/$(group_of "${vfs[0]}")" &
holder=$!
stuck=$(iov recover --json 2> /dev/null) || status=$?
expect "what is not undone says who has it" "1 [\"vfio-open\",\"${vfs[0]}\",$holder]" \
	"$status $(gojq -c '.findings[0] | [.guard, .device, .pid]' <<< "$stuck")"
kill $holder
wait $holder || :
changes undone recover

# iovd is changed with its log, and with the host's where the host file is changed as well
start_iovd
file=/etc/iovkit/host.yaml
for list in "port list" "port stats" "bridge list"; do
	# shellcheck disable=SC2086 # a command is two words
	expect_status "$list of none" 0 iov $list
	expect_match "... is empty, and says so" "^ iov: iovd has no (ports|bridges); 'iov" "$out $err"
	# shellcheck disable=SC2086
	expect "... and [] in JSON" "[]" "$(iov $list --json)"
done
expect_status "a port of no file" 0 iov port add vm0 --type vhost-user --socket /run/vm0 --server
expect "... is no change of the host" undone "$(last result)"
changes "done" "port add" vm1 --type vhost-user --socket /run/vm1 --server --save
changes "done" "bridge add" lan --port vm0 --port vm1 --save
changes "done" "port set" vm1 --vlan access:10 --rx-rate 1000000 --save
changes "done" "bridge set" lan --age 60 --save
changes "done" "port set" vm0 --isolated --save
expect "the file says so" "# host.yaml(5) explains the keys.
iovd:
  ports:
    - name: vm1
      type: vhost-user
      socket: /run/vm1
      server: on
      bridge: lan
      rules:
        vlan: access:10
        rx_rate: 1000000" "$(sed '/- name: vm0/,$d' $file)"
expect_status "and so does iovd" 0 iov plan --exit-code
expect_status "a dry run" 0 iov bridge remove lan --save --dry-run
expect_match "shows the file" "$file.*-   iovd.bridges\[0\]" "${out//$'\n'/ }"
changes "done" "bridge remove" lan --save
changes "done" "port remove" vm1 --save
expect_status "and so does iovd" 0 iov plan --exit-code
expect_status "what cannot be said" 2 iov port set vm0 --link down --save
changes "done" "disk add" d --socket /run/d --server --null 1M --save
changes "done" "disk set" d --on-error wait --save
changes "done" "disk resize" d 2M --save
expect_status "and so does iovd" 0 iov plan --exit-code
changes "done" "qos add" gold --iops 500 --save
changes "done" "qos set" gold --bytes 10M --save
changes "done" "disk set" d --qos gold --save
expect_status "and so does iovd" 0 iov plan --exit-code
changes "done" "disk set" d --qos none --save
changes "done" "qos remove" gold --save
changes "done" "disk remove" d --save
stop_iovd

# What containers are given, mediated devices, of whose drivers here none has an attribute to set, and vDPA devices
changes "done" "claim" $pf --holder vm1
changes "done" "release" $pf --holder vm1
changes "done" "cdi write"
changes "done" "cdi remove"
modprobe mtty
mdev=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
changes "done" "mdev define" $mdev --parent mtty --type mtty-2
changes "done" "mdev start" $mdev
before=$(noted)
! iov mdev set $mdev vendor/sample_mdev_dev=1 2> "$errors" || fail "what can only be read is set"
expect "mdev set is noted once" $((before + 1)) "$(noted)"
echo "mdev set" >> /tmp/changed
changes "done" "mdev remove" $mdev
changes "done" "mdev undefine" $mdev
changes "done" "mdev create" $mdev --parent mtty --type mtty-1
modprobe vduse
truncate -s 16M /tmp/disk
start qemu-storage-daemon --blockdev file,filename=/tmp/disk,node-name=d \
	--export vduse-blk,id=e,node-name=d,name=blk0,writable=on,num-queues=1
for _ in {1..300}; do
	[ ! -e /dev/vduse/blk0 ] || break
	sleep 0.1
done
changes "done" "vdpa create" blk0 --mgmtdev vduse --driver vhost_vdpa
changes "done" "vdpa bind" blk0 --driver virtio_vdpa
changes "done" "vdpa delete" blk0
stop

# A NIC that leads frames elsewhere; none of the emulated ones does
. "$lab/lib/netdevsim.sh"
netdevsim 2
pretend_pf 2
devlink dev eswitch set netdevsim/netdevsim10 mode switchdev
changes "done" "steer add" $pf --mac 02:00:00:00:00:05 --to vf1
changes "done" "steer remove" $pf --mac 02:00:00:00:00:05
changes "done" "rate add" $pf gold --tx-max 100
changes "done" "rate set" $pf gold --tx-max 200
changes "done" "rate remove" $pf gold
changes "done" "param set" $pf max_macs=16
# The simulator makes no subfunctions
before=$(noted)
expect_status "sf add" 1 iov sf add $pf 8
expect "... is noted once" "$((before + 1)) failed iov sf add $pf 8" "$(noted) $(last result) $(last by.command)"
expect_status "sf set" 4 iov sf set $pf 8 --state active
expect_status "sf remove" 4 iov sf remove $pf 8
printf 'sf %s\n' add set remove >> /tmp/changed
own_net
changes "done" "eswitch set" $pf legacy

# Two QEMUs without a guest; what VFs add to it is in move-vf.sh
for name in a b; do
	# shellcheck disable=SC2046 # two words or none
	qemu-system-x86_64 -M none -nodefaults -display none -qmp unix:/run/$name.qmp,server=on,wait=off \
		$([ $name = a ] || echo -incoming defer) < /dev/null > /dev/null 2>&1 &
	echo $! >> /tmp/machines
done
for _ in {1..300}; do
	[ -S /run/a.qmp ] && [ -S /run/b.qmp ] && break || sleep 0.1
done
changes "done" "move" --from /run/a.qmp --to /run/b.qmp
# shellcheck disable=SC2046 # several
kill $(< /tmp/machines)

# bench guest notes twice, when it takes a function and when it gives it back: see bench-guest.sh
echo "bench guest" >> /tmp/changed

# Each command that changes the host was one of them
all=$(iov --help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)  .*/\1/p' | while read -r words; do
	# shellcheck disable=SC2086 # a command is one word or two
	# to its end, as a pipe that breaks would be a failure
	! iov $words --help | grep -e --dry-run > /dev/null || echo "$words"
done | sort)
expect "each was one of them" "$all" "$(sort -u /tmp/changed)"
