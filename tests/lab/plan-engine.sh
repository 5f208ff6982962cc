#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# A full disk, two changes at once, and a VF that a process opened before it is undone.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
state() { iov vf list $pf; cat $pci/$pf/sriov_drivers_autoprobe; }
modprobe vfio-pci
none=$(state)
mkdir -p /var/lib/iovkit

# A disk with ever more room under the journal
full=0
for ((pages = 1; pages < 40; pages++)); do
	mount -t tmpfs -o size=$((pages * 4))k,mode=700 journal /var/lib/iovkit
	status=0
	iov vf create $pf --count 3 > /dev/null 2> /tmp/errors || status=$?
	[ ! -e /var/lib/iovkit/journal ] || fail "a journal is left with $pages pages"
	umount /var/lib/iovkit
	[ $status != 0 ] || break
	full=$((full + 1))
	[ "$(state)" = "$none" ] || fail "a full disk of $pages pages left $(state)"
	grep -q 'No space left on device; nothing was changed, make room' /tmp/errors ||
		fail "a full disk of $pages pages: $(< /tmp/errors)"
done
[ $full -ge 2 ] && [ $status = 0 ] || fail "$full full disks, then status $status"
echo "ok: $full full disks changed nothing, $pages pages are enough"

# Two at once: the second says for whom it waits, and gives up when it is told to
strace -qq -f --seccomp-bpf -e trace=write -e inject=write:delay_enter=1500000 -o /dev/null \
	iov bind 0000:01:10.0 --driver igbvf > /dev/null &
slow=$!
while ! [ -e /var/lib/iovkit/journal ]; do sleep 0.05; done
expect_status "the second gives up" 1 iov bind 0000:01:10.2 --driver igbvf --wait 1
expect_match "and names the first" "pid [0-9]+ \(iov bind 0000:01:10.0 .*for 1 s.*--wait" "$err"
expect_status "or waits" 0 iov bind 0000:01:10.2 --driver igbvf
expect_match "and says for whom" "waiting for another change.*pid [0-9]+ \(iov bind 0000:01:10.0" "$err"
wait $slow
iov vf remove $pf > /dev/null

# Killed when all VFs are bound; then a process opens one
killed request 5 iov vf create $pf --count 2 --jobs 1
sleep 1000 9<> "/dev/vfio/$(group_of 0000:01:10.2)" &
holder=$!
while ! [ -e /proc/$holder/fd/9 ]; do sleep 0.05; done
expect_status "undoing refuses" 1 iov recover
expect_match "and names the holder" "0000:01:10.2 is held by pid $holder \(sleep\).*iov recover" "$err"
expect "the VF is still there" vfio-pci "$(driver_of 0000:01:10.2)"
kill $holder
wait $holder || :
expect_status "undoing goes on when it is free" 0 iov recover
expect "everything is as before" "$none" "$(state)"
