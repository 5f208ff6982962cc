#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device nvme-spaces
# Namespaces of an NVMe subsystem, attached to controllers of VFs and detached, and what a reset leaves.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
command -v nvme > /dev/null || { echo "missing: nvme"; exit 77; }
controller=/dev/$(ls $pci/$pf/nvme)
# Who has namespace N, as nvme-cli tells it
owners() { nvme list-ctrl "$controller" -n "$1" | sed -n 's/^\[.*\]:0*\(0x\)\?//p' | paste -sd, -; }
# "online 2 1 2,3", of VF N
vf() { iov vf list $pf --json | gojq -r ".vfs[$1] | \"\(.state) \(.queues) \(.interrupts) \(.namespaces)\""; }

expect_status "3 VFs" 0 iov vf create $pf --count 3 --driver none
expect "have none" "online 2 1 none" "$(vf 0)"
expect_status "one gets two" 0 iov vf set $pf 0 --namespace 3,2
expect "it has them" "online 2 1 2,3" "$(vf 0)"
expect "the controller says so" "1 1" "$(owners 2) $(owners 3)"
expect_status "the same again" 0 iov vf set $pf 0 --namespace 2,3
expect_match "is nothing to do" "nothing to do" "$out"
expect_status "a shared one has several owners" 0 iov vf set $pf 1 --namespace 2
expect "the controller says so" "1,2" "$(owners 2)"
expect_status "a private one has one" 1 iov vf set $pf 1 --namespace 2,3
expect_match "it is named" "namespace 3 of $pf is private, and attached to controller 1, VF 0; detach it there first" "$err"
expect_status "one that there is not" 4 iov vf set $pf 1 --namespace 4,9
expect_match "is told with those that there are" \
	"namespace 9: $pf has no such; it has: 1, 2, 3 \(private\), 4 \(private\)" "$err"
expect "nothing changed" "online 2 1 2" "$(vf 1)"
expect_status "no list" 2 iov vf set $pf 1 --namespace 2,x
expect_match "is told" "namespaces '2,x': expected numbers with commas between" "$err"
expect_status "a dry run" 0 iov vf set $pf 0 --namespace 2 --dry-run
expect_match "says what it would do" "detach namespace 3 from NVMe controller 1" "$out"

# From one to the other in one plan
cat > /tmp/host.yaml << END
devices:
  - device: $pf
    vfs:
      count: 3
      driver: none
      each:
        - {index: 0, namespaces: none}
        - {index: 2, namespaces: "3,4"}
END
expect_status "as a file says it" 0 iov apply /tmp/host.yaml
expect "they moved" "none 2 3,4" "$(iov vf list $pf --json | gojq -r '[.vfs[].namespaces] | join(" ")')"
expect_status "applied again" 0 iov apply /tmp/host.yaml
expect_match "is nothing to do" "nothing to do" "$out"
expect_match "a snapshot has it" 'namespaces: "?3,4' "$(iov snapshot)"
killed request 1 iov vf set $pf 0 --namespace 2
expect_status "undo" 0 iov recover
expect "a killed one is as before" "online 2 1 none" "$(vf 0)"

# Who uses it does not lose it
iov vf create $pf --count 3 --driver native > /dev/null
exec {held}< "/dev/$(ls $pci/0000:01:00.3/nvme)"
expect_status "one that somebody uses" 3 iov vf set $pf 2 --namespace 3
expect_match "is told" "0000:01:00.3 \(it loses a namespace\) is in use" "$err"
exec {held}<&-
iov vf create $pf --count 3 --driver none > /dev/null

# What the host uses by another function is asked for, whichever name it has there
disk_of() # NUMBER
{
	local block
	for block in /sys/class/block/nvme*; do
		[ "$(cat "$block/nsid" 2> /dev/null)" = "$1" ] && [ "$(cat "$block/hidden")" = 0 ] && echo "${block##*/}"
	done
}
for index in 0 1 2; do iov vf set $pf $index --namespace none > /dev/null; done
iov unbind 0000:01:00.1 > /dev/null
expect_status "one for the host by VF 0" 0 iov vf set $pf 0 --namespace 2
nvme ns-rescan "/dev/$(ls $pci/0000:01:00.1/nvme)"
for _ in {1..50}; do disk=$(disk_of 2); [ -n "$disk" ] && break; sleep 0.1; done
gets="block/$disk \(namespace 2, which VF 1 of $pf gets\) is in use by"
expect_status "which nobody uses" 0 iov vf set $pf 1 --namespace 2
iov vf set $pf 1 --namespace none > /dev/null
mkfs.ext4 -q "/dev/$disk"
mkdir -p /tmp/disk
mount "/dev/$disk" /tmp/disk
expect_status "one that the host has mounted" 3 iov vf set $pf 1 --namespace 2
expect_match "is told" "$gets /tmp/disk \(ext4\) \[guard mount\].*--force=mount" "$err"
expect_status "in JSON" 3 iov vf set $pf 1 --namespace 2 --json
expect "as a finding" "block/$disk mount" "$(gojq -r '.findings[] | "\(.device) \(.guard)"' <<< "$out")"
cat > /tmp/mounted.yaml << END
devices:
  - device: $pf
    vfs:
      count: 3
      each:
        - {index: 1, namespaces: "2"}
END
expect_status "by a file as well" 3 iov apply /tmp/mounted.yaml
expect_match "is told" "$gets /tmp/disk" "$err"
expect "nothing changed" 1 "$(owners 2)"
expect_status "unless it shall" 0 iov vf set $pf 1 --namespace 2 --force=mount
expect "both have it" "1,2" "$(owners 2)"
expect_status "the same again" 0 iov vf set $pf 1 --namespace 2
expect_match "is nothing to do" "nothing to do" "$out"
expect_status "the host's own goes" 3 iov vf set $pf 0 --namespace none
expect_match "is told" "0000:01:00.1 \(it loses a namespace\) is in use by /tmp/disk" "$err"
umount /tmp/disk
iov vf set $pf 1 --namespace none > /dev/null
mkswap "/dev/$disk" > /dev/null
swapon "/dev/$disk"
exec {held}< "/dev/ng${disk#nvme}"
expect_status "swap, and a process" 3 iov vf set $pf 1 --namespace 2
expect_match "are told" \
	"swap on /dev/$disk \[guard swap\].*which VF 1 of $pf gets\) is in use by pid .*\[guard disk-open\]" "$err"
expect_match "with what lifts them" "--force=swap --force=disk-open" "$err"
exec {held}<&-
swapoff "/dev/$disk"
dmsetup create over --table "0 2048 linear /dev/$disk 0"
expect_status "a volume on it" 3 iov vf set $pf 1 --namespace 2
expect_match "is told" "$gets device mapper volume over \[guard dm\]" "$err"
dmsetup remove over
expect_status "nobody any more" 0 iov vf set $pf 1 --namespace 2

# The same by the PF
for index in 0 1; do iov vf set $pf $index --namespace none > /dev/null; done
nvme attach-ns "$controller" -n 2 -c 0 > /dev/null
nvme ns-rescan "$controller"
for _ in {1..50}; do disk=$(disk_of 2); [ -n "$disk" ] && break; sleep 0.1; done
mount "/dev/$disk" /tmp/disk 2> /dev/null || { mkfs.ext4 -qF "/dev/$disk"; mount "/dev/$disk" /tmp/disk; }
expect_status "one that the PF has" 3 iov vf set $pf 1 --namespace 2
expect_match "is told" "block/$disk \(namespace 2, which VF 1 of $pf gets\) is in use by /tmp/disk" "$err"
umount /tmp/disk
nvme detach-ns "$controller" -n 2 -c 0 > /dev/null
iov bind 0000:01:00.1 --driver none > /dev/null
iov vf set $pf 2 --namespace 3,4 > /dev/null

# A VF that has one which the host has mounted is not given away
iov vf set $pf 0 --namespace 2 > /dev/null
iov unbind 0000:01:00.1 > /dev/null
for _ in {1..50}; do disk=$(disk_of 2); [ -n "$disk" ] && break; sleep 0.1; done
mount "/dev/$disk" /tmp/disk
nvme attach-ns "$controller" -n 2 -c 2 > /dev/null
expect_status "one that somebody else attached" 3 iov bind 0000:01:00.2 --driver vfio-pci
expect_match "is told" "block/$disk \(namespace 2, which VF 1 of $pf gets\) is in use by /tmp/disk" "$err"
expect "it stays" none "$(driver_of 0000:01:00.2)"
expect_status "unless it shall" 0 iov bind 0000:01:00.2 --driver vfio-pci --force=mount
iov bind 0000:01:00.2 --driver none > /dev/null
nvme detach-ns "$controller" -n 2 -c 2 > /dev/null
expect_status "without it" 0 iov bind 0000:01:00.2 --driver vfio-pci
umount /tmp/disk
iov bind 0000:01:00.1 --driver none > /dev/null
iov bind 0000:01:00.2 --driver none > /dev/null
iov vf set $pf 0 --namespace none > /dev/null

# A reset of the PF sets all offline and takes what they have
iov vf set $pf 1 --offline > /dev/null
before="$(vf 0)/$(vf 1)/$(vf 2)"
expect_status "a reset of the PF" 0 iov reset $pf
expect "they have what they had" "$before" "$(vf 0)/$(vf 1)/$(vf 2)"
echo 1 > $pci/$pf/reset
sleep 1
expect "somebody else's takes it" "offline 0 0" "$(vf 2 | cut -d' ' -f1-3)"
expect_status "they are asked for again" 0 iov vf create $pf --count 3 --driver none
expect "and are there again" "${before##*/}" "$(vf 2)"
expect_status "remove them" 0 iov vf remove $pf
expect "the pool has all" 0 "$(nvme list-secondary "$controller" -o json |
	gojq '[."secondary-controllers"[] | ."num-virtual-queues"] | add')"
