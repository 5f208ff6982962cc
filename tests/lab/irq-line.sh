#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2
# A function without MSI has an interrupt line, which is pinned as vectors are.
. "$(dirname "$0")/lib/check.sh"

legacy=0000:04:01.0 nic=$(names $pci/0000:04:01.0/net/*)
irq=$(< $pci/$legacy/irq)
affinity() { echo "$(< /proc/irq/$irq/smp_affinity_list)"; }
line() { iov irq list $legacy --json | gojq -r ".[] | [.kind, .irq, $1] | join(\" \")"; }

[ ! -d $pci/$legacy/msi_irqs ] || fail "$legacy has MSI: $(ls $pci/$legacy/msi_irqs)"
expect_status "a line that nobody has requested" 4 iov irq pin $legacy --policy 1
expect "... is not listed" "[]" "$(iov irq list $legacy --json)"

ip link set "$nic" up
expect "the line is listed" "intx $irq $(affinity)" "$(line .cpus)"
for cpu in 1 0 1; do
	expect_status "pin it to CPU $cpu" 0 iov irq pin $legacy --policy $cpu
	expect "... that is what the kernel has" $cpu "$(affinity)"
	expect "... and what is listed" "intx $irq $cpu" "$(line .cpus)"
done
expect_status "again" 0 iov irq pin $legacy --policy 1
expect_match "... has nothing to do" "nothing to do" "$out"

# Interrupts come there: those of frames that the network answers
count() { awk -v irq="$irq:" '$1 == irq { print $2, $3 }' /proc/interrupts; }
read -r first second <<< "$(count)"
arping -c 3 -w 5 -I "$nic" 10.0.2.2 > /dev/null 2>&1 || ping -c 3 -W 1 -I "$nic" ff02::1 > /dev/null 2>&1 || :
read -r first_then second_then <<< "$(count)"
expect "CPU 0 serves none" "$first" "$first_then"
[ "$second_then" -gt "$second" ] || fail "CPU 1 serves none: $second, then $second_then"
echo "ok: CPU 1 serves them"

# With the host file, and back with a change that is taken back
expect_status "for good" 0 iov irq pin $legacy --policy 0 --save
expect_match "the file says it" "irq: 0" "$(< /etc/iovkit/host.yaml)"
iov irq pin $legacy --policy 1 > /dev/null
expect_status "apply" 0 iov apply
expect "... pins it" 0 "$(affinity)"
sed -i 's/irq: 0/irq: 1/' /etc/iovkit/host.yaml
expect_status "a change to be confirmed" 0 iov apply --confirm 60
expect "... is made" 1 "$(affinity)"
expect_status "... and taken back" 0 iov confirm --undo
expect "... as it was" 0 "$(affinity)"
