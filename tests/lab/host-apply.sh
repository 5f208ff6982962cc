#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --topology minimal --device igb --device nvme
# A host file becomes true whole or not at all: what is planned is what is written, once.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0 nvme=0000:02:00.0 up=0000:01:10.2
netdev=$(names $pci/$pf/net/*)
node=/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages
command -v strace > /dev/null || { echo "missing: strace"; exit 77; }

cat > /tmp/host.yaml << END
modules: [vfio-pci, dummy]
huge_pages:
  - {size: 2M, node: 0, count: $(($(< $node) + 8))}
devices:
  - name: uplink
    device: mac=$(< "/sys/class/net/$netdev/address")
    driver: igb
    mtu: 2000
    eswitch: legacy
    irq: spread
    vfs:
      count: 3
      driver: vfio-pci
      spoofchk: off
      each:
        - {index: 0, mac: "02:00:00:00:00:01", vlan: 100, qos: 3, trust: on}
        - {index: 1, mac: "02:00:00:00:00:02", max_rate: 100}
        - {index: 2, driver: native, spoofchk: on}
  - device: serial=iovkit-nvme0
    vfs: {count: 2, driver: vfio-pci}
  - device: serial=not-there
    absent: skip
    driver: vfio-pci
iovd:
  bridges:
    - name: lan
  ports:
    - {name: up, type: ethdev, bridge: lan, device: uplink/vf1}
    - {name: vm, type: vhost-user, bridge: lan, socket: /run/vm.sock, server: on}
END

# All that the file may change of the host, and of iovd
devices()
{
	for device in $pf 0000:01:10.{0,2,4} $nvme 0000:02:00.{1,2}; do
		echo "$device $(driver_of $device) $(cat $pci/$device/driver_override 2> /dev/null || :)"
	done
	for device in $pf $nvme; do
		echo "$(< $pci/$device/sriov_numvfs) $(< $pci/$device/sriov_drivers_autoprobe)"
		iov vf list $device --json | gojq -c '.vfs[] |
			[.index, .mac, .vlan, .qos, .spoofchk, .trust, .max_rate, .state, .queues]'
	done
	cat "/sys/class/net/$netdev/mtu" $node
}

state()
{
	devices
	iov port list --json | gojq -c '.[].name'
	iov bridge list --json | gojq -c .
}

# Operations of a plan that end in a write to sysfs or procfs, as "PATH VALUE"
planned()
{
	local path value
	gojq -r '.steps[].do[] |
		if .op == "mtu" then "sys/bus/pci/devices/\(.device)/net/'"$netdev"'/mtu \(.mtu)"
		elif .path then "\(.path) \(.value | rtrimstr("\n"))" else empty end' "$1" |
		while read -r path value; do
			case $path in
			*/driver/unbind | */driver_override | */virtfn*) echo "${path##*/devices/} $value" ;;
			*) echo "$path $value" ;;
			esac
		done | LC_ALL=C sort
}

# The same of what strace saw; interrupts are counted, as their numbers are not in a plan
written()
{
	sed -nE 's|^write\([0-9]+</((sys\|proc/irq)/[^>]*)>, "(.*)", [0-9]+\) += [0-9]+$|\1 \3|p' /tmp/trace.* |
		sed -E -e 's/\\n$//' -e "s|sys/devices/pci.*/($pf)/net/|sys/bus/pci/devices/\1/net/|" \
			-e 's|sys/devices/pci.*/([^/]+)/(driver_override)|\1/\2|' \
			-e 's|sys/devices/pci.*/([^/]+)/(sriov_[a-z_]+)|sys/bus/pci/devices/\1/\2|' \
			-e '/^proc\/irq/d' | LC_ALL=C sort
}

# One file for each thread and process, as steps run at the same time
traced()
{
	rm -f /tmp/trace.*
	strace -qq -ff --seccomp-bpf -y -e trace=write -e signal=none -o /tmp/trace "$@"
}

ip link set "$netdev" up
iov vf create $pf --count 2 --driver native > /dev/null
iov vf set $pf 0 --mac 02:00:00:00:00:99 --vlan 7 --trust on > /dev/null
iov vf set $pf 1 --mac 02:00:00:00:00:98 > /dev/null
start_iovd
before=$(state)

# A last port that iovd cannot make
sed '$a\    - {name: last, type: ethdev, bridge: lan, device: net_no_such0}' /tmp/host.yaml > /tmp/late.yaml
expect_status "a failure in the last step, by a name in the file" 2 iov apply /tmp/late.yaml
expect_match "says that the host is as before" "add port last.*the host is as it was before" "$err"
expect "and it is" "$before" "$(state)"

expect_status "plan" 0 iov plan /tmp/host.yaml --json
echo "$out" > /tmp/plan.json
expect_match "what is skipped is said" "serial=not-there.*skipped" "$(gojq -c .notes /tmp/plan.json)"
expect_status "apply" 0 traced iov apply /tmp/host.yaml
expect "what was planned is what was written" "$(planned /tmp/plan.json)" "$(written)"
expect "interrupts are spread" "$(($(gojq '[.steps[].do[] | select(.op == "irq-affinity")] | length' /tmp/plan.json)))" 1
expect "by as many writes as there are interrupts" \
	"$(for irq in $pci/$pf/msi_irqs/*; do ls /proc/irq/${irq##*/}/smp_affinity_list; done 2> /dev/null | wc -l)" \
	"$(cat /tmp/trace.* | grep -c '</proc/irq/[0-9]*/smp_affinity_list')"

vf() { iov vf list $pf --json | gojq -r ".vfs[$1] | [.mac, .vlan, .qos, .trust, .spoofchk, .max_rate] | join(\" \")"; }
expect "VF 0" "02:00:00:00:00:01 100 3 true false 0" "$(vf 0)"
expect "VF 1" "02:00:00:00:00:02 0 0 false false 100" "$(vf 1)"
expect "drivers" "vfio-pci vfio-pci igbvf vfio-pci vfio-pci" \
	"$(for device in 0000:01:10.{0,2,4} 0000:02:00.{1,2}; do driver_of $device; done | paste -sd' ' -)"
expect "the MTU" 2000 "$(< "/sys/class/net/$netdev/mtu")"
expect "a module" dummy "$(basename /sys/module/dummy)"
expect "the uplink is VF 1" $up "$(iov port list --json | gojq -r '.[] | select(.name == "up").device')"

after=$(devices)
expect_status "again" 0 traced iov apply /tmp/host.yaml
expect_match "nothing to do" "nothing to do" "$out"
expect "nothing is written" "" "$(written)"
iov snapshot > /tmp/snapshot.yaml
expect_status "a snapshot asks for nothing" 0 iov plan --exit-code /tmp/snapshot.yaml

printf 'devices:\n  - device: %s\n    eswitch: switchdev\n' "$netdev" > /tmp/switchdev.yaml
expect_status "a switch mode that a NIC does not have" 1 iov apply /tmp/switchdev.yaml
expect_match "with its line" "switchdev.yaml:3: devices\[0\].eswitch: $pf has no switch modes" "$err"
stop_iovd
expect_status "without iovd" 5 iov apply /tmp/host.yaml
expect_match "with its line" "host.yaml:24: iovd: .*iovd does not answer" "$err"
expect "the devices are as they were" "$after" "$(devices)"
