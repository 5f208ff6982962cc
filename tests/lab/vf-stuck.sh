#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# The kernel waits for whoever drives a VF before it removes it; iov does not wait with it.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
expect_status "create 3 VFs" 0 iov vf create $pf --count 3
iov vf set $pf 1 --mac 02:00:00:00:00:01
before=$(iov vf list $pf)

# A process that drives VF 0: container, group and device, by ioctls of VFIO
python3 - "$(group_of 0000:01:10.0)" 0000:01:10.0 <<'END' > /tmp/holder &
import array, fcntl, sys, time
container, group = (open(f"/dev/vfio/{name}", "r+b", buffering=0) for name in ("vfio", sys.argv[1]))
fcntl.ioctl(group, 0x3b68, array.array("i", [container.fileno()]))
fcntl.ioctl(container, 0x3b66, 3)
device = fcntl.ioctl(group, 0x3b6a, sys.argv[2].encode() + b"\0")
print("holds", flush=True)
time.sleep(1000)
END
holder=$!
for attempt in {1..100}; do
	[ ! -s /tmp/holder ] || break
	sleep 0.1
done
expect "the VF is held" holds "$(< /tmp/holder)"

expect_status "removing by force gives up" 1 iov vf remove $pf --force=vfio-open --timeout 2
expect_match "the way to the holder is named" "did not answer in time.*'iov vf list'.*iov recover" "$err"
expect_match "so is the holder" "0000:01:10.0 is held by pid $holder \(python3\)" "$err"
expect_match "and where the write waits" "pid [0-9]+ waits for that in the kernel in [a-z_]+" "$err"
expect_match "the list answers meanwhile and names it" "0000:01:10.0 .*pid $holder \(" "$(iov vf list $pf)"

kill $holder
wait $holder || :
expect_status "recover, now that the VF is free" 0 iov recover
expect "everything is as before" "$before" "$(iov vf list $pf)"
