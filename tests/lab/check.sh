#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# iov check says what is so; its remedies make a failed check ok.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0 vf=0000:01:10.0 nvme=0000:02:00.0 legacy=0000:04:01.0

# look [DEVICE]: the checks into $checks; status NAME [OF] and say NAME KEY of them
look() { checks=$(iov check "$@" --json) || :; }
line() { gojq -c --arg n "$1" --arg d "${2:-}" \
	'[.[] | select(.check == $n and ($d == "" or .device == $d))][0]' <<< "$checks"; }
status() { line "$@" | gojq -r .status; }
say() { line "$1" | gojq -r ".$2"; }

modprobe -r kvm_amd
expect_status "a host without KVM fails" 1 iov check
expect_match "its line" 'fail +kvm ' "$out"
look
expect_match "the remedy" 'modprobe kvm_amd' "$(say kvm remedy)"
modprobe kvm_amd
expect_match "the lack of huge pages is told" '2 MiB: 0 of 0 free' "$(say huge-pages found)"
echo 4 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages
expect_status "the remedy cures it" 0 iov check
look
expect "what is ok" "ok ok ok ok ok ok ok ok ok" "$(for name in cpu-virtualization nested-paging kvm \
	iommu-firmware iommu interrupt-remapping vfio-modules acs unsafe-interrupts; do
	status $name; done | paste -sd' ' -)"
expect_match "DMAR is read" 'DMAR, 1 unit, interrupt remapping' "$(say iommu-firmware found)"
expect "as many groups as there are" "on: $(ls /sys/kernel/iommu_groups | wc -l) groups" "$(say iommu found)"
expect "room for VFs, PF by PF" "ok ok ok ok" "$(status vf-mmio $pf) $(status vf-buses $pf) $(
	)$(status vf-mmio $nvme) $(status vf-mmio 0000:81:00.0)"
expect "huge pages by node" "2 MiB: 4 of 4 free, 1 GiB: 0 of 0 free" \
	"$(line huge-pages node1 | gojq -r .found)"

expect_status "guests that do not fit" 1 iov check --guest-memory 64G
expect_match "are told" 'fail +guest-memory' "$out"
expect_status "guests that fit" 0 iov check --guest-memory 256M --guest-memory 128M,viommu=2
expect_match "and what a VMM of another user needs" 'LimitMEMLOCK=2G' "$out"
expect_status "a guest of no size" 2 iov check --guest-memory many
expect_status "an unknown device" 4 iov check 0000:09:00.0

iov vf create $pf --count 2 > /dev/null
expect_status "a PF with VFs cannot be assigned" 1 iov check $pf
expect_match "and says what to do" "iov vf remove $pf" "$out"
expect_status "a VF can" 0 iov check $vf
look $vf
expect "all of it is ok" "ok ok ok ok ok" "$(for name in assignable group reset interrupts \
	reserved-memory; do status $name; done | paste -sd' ' -)"

expect_status "a NIC behind a bridge" 0 iov check $legacy
look $legacy
expect "takes its neighbour along" "warn warn" "$(status legacy-pci) $(status group)"
expect_match "by name" "0000:04:02.0 must leave" "$(say group found)"
remedy=$(grep -o "iov bind [^']*" <<< "$(say group remedy)")
expect_status "the remedy of its group" 0 $remedy
look $legacy
expect_match "makes it ready" "iov attach $legacy" "$(say assignable found)"
expect "its INTx line is the kernel's" "$(cat $pci/$legacy/irq)" \
	"$(say intx found | sed -n 's/^line \([0-9]*\).*/\1/p')"

look $nvme
expect "an NVMe controller" "ok flr ok" "$(status assignable) $(gojq -r '.[] | select(.check == "reset") |
	.evidence[0].value' <<< "$checks" | cut -d' ' -f1) $(status sr-iov)"
