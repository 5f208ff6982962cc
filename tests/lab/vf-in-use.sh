#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# A VF that a process drives keeps all VFs of its PF from going.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
expect_status "create 3 VFs" 0 iov vf create $pf --count 3
group=$(group_of 0000:01:10.2)
sleep 1000 9<> "/dev/vfio/$group" &
holder=$!
before=$(iov vf list $pf)

expect_match "the list names the holder" "pid $holder \(" "$before"
expect_status "another number is refused" 3 iov vf create $pf --count 5
expect_match "VF and holder are named" "0000:01:10.2 \(VF 1 of $pf\).*pid $holder \(sleep\)" "$err"
expect_status "a dry run says so" 3 iov vf create $pf --count 5 --dry-run
expect_status "removing is refused" 3 iov vf remove $pf
expect "nothing changed" "$before" "$(iov vf list $pf)"
expect_status "the same number needs nothing" 0 iov vf create $pf --count 3

kill $holder
wait $holder || :
expect_status "another number goes through 0 when nobody has one" 0 iov vf create $pf --count 5
expect "5 VFs" 5 "$(< $pci/$pf/sriov_numvfs)"
expect_status "remove them" 0 iov vf remove $pf

# Who has the device alone, and neither the group nor the container that it came by, has it all
# the same; the VF beside it is free
expect_status "create 3 VFs again" 0 iov vf create $pf --count 3
cat > /tmp/device.py <<'END'
import fcntl, os, sys, time
container, group = os.open("/dev/vfio/vfio", os.O_RDWR), os.open(f"/dev/vfio/{sys.argv[1]}", os.O_RDWR)
fcntl.ioctl(group, 0x3b68, container.to_bytes(4, "little"))
fcntl.ioctl(container, 0x3b66, 1)
device = fcntl.ioctl(group, 0x3b6a, sys.argv[2].encode() + b"\0")
os.close(group)
os.close(container)
open("/tmp/ready", "w")
time.sleep(1000)
END
start python3 /tmp/device.py "$(group_of 0000:01:10.2)" 0000:01:10.2
until [ -e /tmp/ready ] || ! kill -0 $process; do sleep 0.1; done
expect "it has no node" "" "$(find /proc/$process/fd -lname '/dev/vfio/*')"
held 0000:01:10.2 "pid $process \(python3\) \[guard vfio-open\]" iov bind 0000:01:10.2 --driver none
free 0000:01:10.0
expect_status "removing is refused" 3 iov vf remove $pf
stop
expect_status "remove them when it is gone" 0 iov vf remove $pf

# So has who opened its own node, where the kernel has such nodes
iov vf create $pf --count 2 > /dev/null
own=$(names $pci/0000:01:10.0/vfio-dev/*)
if [ -c "/dev/vfio/devices/$own" ]; then
	start sleep 1000 9<> "/dev/vfio/devices/$own"
	held 0000:01:10.0 "pid $process \(sleep\) \[guard vfio-open\]" iov bind 0000:01:10.0 --driver none
	free 0000:01:10.2
	stop
fi
iov vf remove $pf > /dev/null
