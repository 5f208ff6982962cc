#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --topology minimal --device nvme
# A disk of iovd on a controller of the host: it comes with the controller, keeps it from being taken, and
# is in the host file and out of it again.
. "$(dirname "$0")/lib/check.sh"

nvme=0000:01:00.0
disk=$(names /dev/nvme?n1)
start_iovd --allow /run --allow /dev

expect_status "add" 0 iov disk add guest --socket /run/guest.sock --server --device "$disk"
expect "its size is that of the device" "$(blockdev --getsize64 "/dev/$disk")" \
	"$(iov disk show guest --json | gojq .bytes)"
expect_status "its controller is not taken" 3 iov bind $nvme --driver vfio-pci
expect_match "and iovd is named" "pid $iovd \(iovd\) \[guard disk-open\]" "$err"
expect_match "and its disk, with what gives it back" "$nvme is disk guest of iovd; 'iov disk remove guest'" "$err"
expect "also for programs" guest "$(iov bind $nvme --driver vfio-pci --json 2> /dev/null | gojq -r '[.findings[].disk | strings] | unique[]')"
expect "it has its driver" nvme "$(driver_of $nvme)"
expect_status "a second disk there" 1 iov disk add other --socket /run/other.sock --server --device "$disk"
expect_match "is refused" "is disk guest of this iovd already" "$err"
expect_status "remove" 0 iov disk remove guest
expect_status "then it is free" 0 iov bind $nvme --driver vfio-pci

# A block device that the same change brings
cat > /tmp/host.yaml << END
devices:
  - {device: "$nvme", driver: nvme}
iovd:
  disks:
    - {name: guest, socket: /run/guest.sock, server: on, file: /dev/$disk, queues: 2}
    - {name: nothing, socket: /run/nothing.sock, server: on, null: 1G}
END
sed '$a\    - {name: last, socket: /run/last.sock, file: /run/no-such-file}' /tmp/host.yaml > /tmp/late.yaml
expect_status "a failure in the last step" 1 iov apply /tmp/late.yaml
expect_match "says what it is, and that the host is as before" "no such file.*the host is as it was before" "$err"
expect "and so is the driver" vfio-pci "$(driver_of $nvme)"
expect "and iovd" "[]" "$(iov disk list --json | gojq -c .)"
expect_status "apply" 0 iov apply /tmp/host.yaml
expect "both are there" "guest nothing" "$(iov disk list --json | gojq -r '[.[].name] | join(" ")')"
expect_status "again" 0 iov apply /tmp/host.yaml
expect_match "nothing to do" "nothing to do" "$out"
iov snapshot > /tmp/snapshot.yaml
expect_status "a snapshot asks for nothing" 0 iov plan --exit-code /tmp/snapshot.yaml

# What is saved
mkdir -p /etc/iovkit
cp /tmp/host.yaml /etc/iovkit/host.yaml
expect_status "resize" 0 iov disk resize nothing 2G --save
expect_match "is in the file" "name: nothing.*null: 2G" "$(< /etc/iovkit/host.yaml)"
expect_status "remove" 0 iov disk remove guest --save
expect_status "the file is true" 0 iov plan --exit-code
expect "and has one" 1 "$(grep -c "socket: " /etc/iovkit/host.yaml)"
stop_iovd
