#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# A change that nobody confirms is taken back, whatever becomes of who made it.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0 file=/etc/iovkit/host.yaml vf=0000:01:10.0
mkdir -p /etc/iovkit
iov vf create $pf --count 2 > /dev/null
say() { printf 'devices:\n  - device: %s\n    vfs:\n      count: 2\n      driver: %s\n' $pf "$1" > $file; }
driver() { driver_of $vf; }
results() { iov log --json | gojq -r '.[].result' | tail -n "$1" | paste -sd' ' -; }

# taken_back WHAT: within 20 s
taken_back()
{
	for _ in {1..100}; do
		[ "$(driver)" = vfio-pci ] && [ ! -e /var/lib/iovkit/journal ] && break
		sleep 0.2
	done
	expect "$1: taken back" vfio-pci "$(driver)"
	expect "$1: a boot goes by the file before" "driver: vfio-pci" "$(grep -o 'driver: .*' $file)"
}

say vfio-pci
expect_status "what there is" 0 iov apply
say native
expect_status "what is confirmed" 0 iov apply --confirm 60
expect_match "says so" "taken back in 60 s unless 'iov confirm' follows" "$out"
expect "is done" igbvf "$(driver)"
expect "while it waits a boot goes by the file before" "driver: vfio-pci" "$(grep -o 'driver: .*' $file)"
expect_status "another change" 1 iov bind $vf --driver vfio-pci
expect_match "waits" "awaits confirmation for [0-9]+ s more.*'iov confirm' keeps it" "$err"
expect_status "confirm" 0 iov confirm
expect "it stays" igbvf "$(driver)"
expect "and so does the file" "driver: native" "$(grep -o 'driver: .*' $file)"
expect_status "once" 1 iov confirm
expect_match "only" "nothing awaits confirmation" "$err"
expect "the history" "awaits refused confirmed" "$(results 3)"
sleep 1
expect "nobody watches any more" "" "$(pgrep -f 'confirm --watch' || :)"

say vfio-pci
iov apply > /dev/null
say native
expect_status "what is not" 0 iov apply --confirm 3
taken_back "after its time"
expect "the history has it" "awaits undone" "$(results 2)"
expect "its file is there" "driver: native" "$(grep -o 'driver: .*' $file.undone)"
expect_status "too late" 1 iov confirm
expect_match "it names the file" "/etc/iovkit/host.yaml.undone is the host file" "$err"
expect_status "the file before holds" 0 iov apply
expect_match "which names the other" "note: /etc/iovkit/host.yaml.undone is the file of a change that nobody" "$out"

# Who takes it back cannot yet
say native
iov apply --confirm 20 > /dev/null
watch=$(pgrep -f 'confirm --watch')
kill -STOP $watch
expect_match "a plan says that one is to be confirmed" "note: the last change awaits confirmation for [0-9]+ s more" \
	"$(iov plan)"
expect_match "so does a dry run" "note: the last change awaits confirmation" \
	"$(iov bind 0000:01:10.2 --driver vfio-pci --dry-run)"
sleep 21
before=$EPOCHSECONDS
expect_status "its time is over" 1 iov confirm --wait 300
expect_match "which is told at once" "^iov: too late: the change is being taken back" "$err"
expect_status "also while the lock is taken" 1 flock /var/lib/iovkit/lock iov confirm --wait 300
expect_match "and told at once" "^iov: too late" "$err"
[ $((EPOCHSECONDS - before)) -lt 250 ] || fail "it was waited for"
kill -CONT $watch
taken_back "by who could not before"

say native
iov apply --confirm 60 > /dev/null
expect_status "at once" 0 iov confirm --undo
taken_back "at once"
say native
iov apply --confirm 60 > /dev/null
expect_status "by recover" 0 iov recover
taken_back "by recover"

# Asked for while the change is still under way, which is seen when it has ended
say native
iov apply --confirm 60 > /dev/null
mv /var/lib/iovkit/journal /var/lib/iovkit/aside
flock /var/lib/iovkit/lock sh -c 'sleep 3; mv /var/lib/iovkit/aside /var/lib/iovkit/journal' &
sleep 1
expect_status "of a change under way" 0 iov confirm --undo
taken_back "of a change under way"

# A connection that is lost: the terminal and its session go
say native
setsid -w script -qfc "iov apply --confirm 3; sleep 60" /dev/null > /dev/null 2>&1 < /dev/null &
for _ in {1..100}; do [ "$(driver)" = igbvf ] && break || sleep 0.1; done
pkill -HUP -f "sleep 60" || :
kill -KILL $! 2> /dev/null || :
taken_back "with the terminal gone"

# What a guest uses stays, and goes when the guest does
say native
iov bind 0000:01:10.2 --driver igbvf > /dev/null
say vfio-pci
expect_status "a VF for a guest" 0 iov apply --confirm 2
say vfio-pci
exec 9<> /dev/vfio/"$(group_of 0000:01:10.2)"
sleep 8
expect "is not taken from it" vfio-pci "$(driver_of 0000:01:10.2)"
exec 9>&-
for _ in {1..100}; do [ "$(driver_of 0000:01:10.2)" = igbvf ] && break || sleep 0.2; done
expect "but when it is gone" igbvf "$(driver_of 0000:01:10.2)"
iov apply > /dev/null

# Kills of who makes the change
kills=0 wanted=$("$lab/../repetitions" kills)
for number in {1..30}; do
	for call in fsync renameat request; do
		[ $kills -lt "$wanted" ] || break 2
		status=0
		say native
		(
			LD_PRELOAD=$kill_library KILLED=$call:$number iov apply --confirm 1 --jobs 1
			exit $?
		) > /dev/null 2>&1 || status=$?
		[ $status = 137 ] || { iov recover > /dev/null; say vfio-pci; iov apply > /dev/null; continue; }
		kills=$((kills + 1))
		while pgrep -f 'confirm --watch' > /dev/null; do sleep 0.2; done
		iov recover > /dev/null
		[ "$(driver)" = vfio-pci ] || fail "kill in $call $number: $(driver)"
		grep -qE 'driver: (native|vfio-pci)$' $file || fail "kill in $call $number: $(< $file)"
		[ "$(wc -l < $file)" = 5 ] || fail "kill in $call $number: half a file: $(< $file)"
	done
done
[ $kills -ge 6 ] || fail "only $kills kills"
echo "ok: $kills kills, the host as before each"
