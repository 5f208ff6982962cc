#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device edu --device igb --device e1000e
# What commands that need a host print with --json is what docs/schema says.
. "$(dirname "$0")/lib/check.sh"

edu=0000:01:00.0 pf=0000:02:00.0 nic=0000:03:00.0

# follows COMMAND ARGUMENT...: COMMAND is what the schema is found by
follows()
{
	# shellcheck disable=SC2086 # a command is one word or two
	out=$(iov ${1% --slot} "${@:2}" --json 2> /dev/null) || :
	gojq -c --arg command "$1" '{$command, output: .}' <<< "$out" >> /tmp/printed
	echo "ok: iov $1 ${*:2}"
}

# answers KEY WANTED: of what was printed last
answers() { expect "... says $1" "$2" "$(gojq -r ".$1" <<< "$out")"; }

follows list --all
follows map
follows record /tmp/host.tar.gz
follows check
follows "vf create" $pf --count 2 --driver native --dry-run
answers result "not done, this is a dry run"
follows "vf create" $pf --count 2 --driver native
answers result "done"
follows "vf create" $pf --count 2 --driver native
answers result "nothing to do"
follows "vf list" $pf
follows "vf set" $pf 0 --mac 02:00:00:00:00:01 --vlan 5
follows "vf list" $pf
follows "vf set" $pf 0 --mac 02:00:00
answers exit 2
follows "vf show" $pf/vf0
follows "vf show" $pf/all
follows "vf set" $pf/vf0 --vlan 6 --save
follows show $pf
follows set $pf/vf0 trust=on
follows set $pf/vf0 colour=red
answers exit 1
follows "plugin list"
follows "steer list" $pf
follows "steer add" $pf --vlan 5 --to queue0 --dry-run
follows "irq list" $pf
follows "irq pin" $pf --policy 0
follows snapshot
follows log
follows "vf remove" $pf
follows bind $edu $nic --driver vfio-pci
follows "group list"
follows "group show" $edu
follows "vfio info" $edu
follows "vfio info" $nic
follows "vfio dma" $edu
follows "irq test" $nic
follows show $edu
follows check $edu
follows attach $edu --vmm qemu
follows "reset --slot" $nic --slot --dry-run
follows "reset --slot" $nic --slot
follows reset $nic
sleep 100 < "/dev/vfio/$(group_of $edu)" &
holder=$!
sleep 0.2
follows unbind $edu --dry-run
answers result "would be refused"
answers exit 3
follows unbind $edu
answers exit 3
kill $holder
follows unbind $edu $nic
follows recover
answers result "nothing to recover"
if modprobe vduse; then
	follows "vdpa mgmt"
	follows "vdpa list"
	follows "vdpa create" nobody --mgmtdev vduse --dry-run
	follows check
fi
if modprobe mtty; then
	mkdir -p /etc/mdevctl.d
	uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
	follows "mdev types"
	follows "mdev create" $uuid --parent mtty --type mtty-2 --define
	follows "mdev list"
	follows "mdev show" $uuid
	sleep 100 < "/dev/vfio/$(names "$(readlink /sys/bus/mdev/devices/$uuid/iommu_group)")" &
	holder=$!
	sleep 0.2
	follows "mdev remove" $uuid
	answers exit 3
	kill $holder
	follows "mdev undefine" $uuid
fi

# A NIC that is a switch
. "$lab/lib/netdevsim.sh"
netdevsim 2
pretend_pf 2
devlink dev eswitch set netdevsim/netdevsim10 mode switchdev
follows "eswitch show" $pf
follows "rate add" $pf gold --tx-max 5
follows "rate list" $pf
follows "vf show" $pf 1
follows "vf list" $pf
follows "sf list" $pf
follows "sf add" $pf 8 --state active --dry-run
follows "param list" $pf
follows "param set" $pf max_macs=8 --dry-run

# All at once, as starting Python takes its time
/usr/bin/python3 "$lab/../schema/schema.py" < /tmp/printed || fail "not what docs/schema says"
expect "commands were judged" "$(grep -c '^\s*follows ' "$0")" "$(wc -l < /tmp/printed)"
