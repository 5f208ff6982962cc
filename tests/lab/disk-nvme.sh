#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --topology minimal --device nvme
# A controller that iovd drives itself: added, verified, killed under load and had again, kept from being
# taken, in the host file, and a VF of it.
. "$(dirname "$0")/lib/check.sh"

nvme=0000:01:00.0
bytes=$(blockdev --getsize64 /dev/"$(names /dev/nvme?n1)")
start_iovd --allow /run --state /run/state.json

expect_status "one that its own driver has" 1 iov disk add guest --socket /run/guest.sock --server --nvme $nvme
expect_match "says what to do" "iov bind $nvme --driver vfio-pci" "$err"
expect_status "bind" 0 iov bind $nvme --driver vfio-pci
expect_status "a function of another kind" 2 iov disk add guest --socket /run/guest.sock --server --nvme 0000:00:00.0
expect_match "is none" "is no NVMe controller" "$err"
expect_status "another namespace" 4 iov disk add guest --socket /run/guest.sock --server --nvme $nvme/7
expect_match "is not there" "has no namespace 7, but 1" "$err"
expect_status "add" 0 iov disk add guest --socket /run/guest.sock --server --nvme $nvme
expect "its size is that of the namespace" "$bytes nvme $nvme ready" \
	"$(iov disk show guest --json | gojq -r '"\(.bytes) \(.backend) \(.path) \(.status)"')"
expect_status "the same once more" 1 iov disk add other --socket /run/other.sock --server --nvme $nvme/1
expect_match "is refused" "is a disk already" "$err"
expect_status "its controller is not taken" 3 iov unbind $nvme
expect_match "and iovd is named" "DPDK process pid $iovd \(iovd\) \[guard dpdk\]" "$err"
expect_match "and its disk" "$nvme is disk guest of iovd; 'iov disk remove guest'" "$err"

# Its SMART log is looked at when it says that there is something
expect "it warns of nothing" null "$(iov disk show guest --json | gojq .warnings)"
"$(dirname "$0")/lib/monitor" qom-set /machine/peripheral/nvme0 smart_critical_warning 4
for _ in {1..50}; do
	[ "$(iov disk show guest --json | gojq -r '.warnings[0]')" = null ] || break
	sleep 0.2
done
expect "what it warns of" reliability "$(iov disk show guest --json | gojq -r '.warnings | join(" ")')"
expect_match "in words" "Warnings +reliability" "$(iov disk show guest)"
expect_match "and in the log" "$nvme: the controller warns: reliability" "$(< $iovd_log)"

verify()
{
	expect_status "$1" 0 timeout 60 iov bench blk /run/guest.sock --verify --overwrite --no-headroom \
		--seconds 1 --pairs 1 --no-huge --span 4M "${@:2}"
}
verify "every block is as it was written" --rw mix
verify "in many pieces" --rw mix --size 64K --segments 9
verify "by two rings, with flushes" --rw mix --queues 2 --flush-every 16

# Killed while it has writes under way, and at once there again
timeout 30 iov bench blk /run/guest.sock --rw randwrite --overwrite --no-headroom --seconds 20 --pairs 1 \
	--no-huge --span 4M &> /tmp/load.log &
load=$!
sleep 3
kill -9 $iovd
start_iovd --allow /run --state /run/state.json
wait $load || :
expect "it is there again" "ready" "$(iov disk show guest --json | gojq -r .status)"
verify "and as good as before" --rw mix
expect "a request that failed" 0 "$(iov metrics | grep -c '^iov_disk_failed_requests_total.* [1-9]')"
expect_status "remove" 0 iov disk remove guest
expect_status "then it is free" 0 iov unbind $nvme

# In a file, bound by the same change
cat > /tmp/host.yaml << END
devices:
  - {name: fast, device: "$nvme", driver: vfio-pci}
iovd:
  disks:
    - {name: guest, socket: /run/guest.sock, server: on, nvme: fast/1, queues: 2}
END
expect_status "apply" 0 iov apply /tmp/host.yaml
expect "it is there" "$nvme/1" "$(iov disk show guest --json | gojq -r .path)"
expect_status "again" 0 iov apply /tmp/host.yaml
expect_match "nothing to do" "nothing to do" "$out"
iov snapshot > /tmp/snapshot.yaml
expect_status "a snapshot asks for nothing" 0 iov plan --exit-code /tmp/snapshot.yaml
expect_status "remove" 0 iov disk remove guest

# A VF, which has one interrupt and two queues
expect_status "its own driver" 0 iov bind $nvme --driver nvme
expect_status "a VF" 0 iov vf create $nvme --count 1 --driver vfio-pci
expect_status "add" 0 iov disk add guest --socket /run/guest.sock --server --nvme $nvme/vf0
verify "a VF does what its controller does" --rw mix
expect_status "remove" 0 iov disk remove guest
stop_iovd
