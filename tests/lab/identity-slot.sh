#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: outside
# The same names, and the same commands, in two hosts that have the same cards in
# other slots, where every address differs.
. "$(dirname "$0")/lib/check.sh"

nic=mac=52:54:00:12:34:56 drive=serial=iovkit-nvme0 serial=serial=52-54-00-ff-ff-12-34-57

# Runs in a host: where the cards are, and the root port of the first
inside()
{
	local igb=$1 nvme=$2 e1000e=$3 port=$4
	address_of() { iov show "$1" --json | gojq -r .device; }

	expect "the NIC by its MAC" $igb "$(address_of $nic)"
	expect "the controller by its serial number" $nvme "$(address_of $drive)"
	expect "a card by its capability" $e1000e "$(address_of $serial)"
	expect "what a file stores" "$nic $drive $serial" "$(iov list --json |
		gojq -r --args '[.[] | {(.device): .identity}] | add as $of |
			$ARGS.positional | map($of[.]) | join(" ")' $igb $nvme $e1000e)"
	expect "a place keeps its name" $igb "$(address_of path=0000:00:0$port.0/00.0)"
	expect_status "slots that firmware gave one number" 4 iov show slot=0
	expect_status "an address set by hand" 0 ip link set "$(iov show $nic --json | gojq -r .net[0])" \
		address 02:00:00:00:00:77
	expect "is no name" $igb "$(address_of $nic)"

	expect_status "VFs by the MAC of their PF" 0 iov vf create $nic --count 2
	expect_status "an attribute of VF 1" 0 iov vf set $nic/vf1 --mac 02:00:00:00:00:01
	expect "is that of VF 1" 02:00:00:00:00:01 "$(iov vf list $igb --json | gojq -r '.vfs[1].mac')"
	expect "a VF stores its PF and index" $nic/vf1 \
		"$(iov show $nic/vf1 --json | gojq -r .identity)"
	expect "and is bound" vfio-pci "$(driver_of "$(address_of $nic/vf1)")"
	expect_status "no more VFs" 0 iov vf remove $nic

	expect_status "both for a guest" 0 iov bind $nic $drive --driver vfio-pci
	expect "bound" "vfio-pci vfio-pci" "$(driver_of $igb) $(driver_of $nvme)"
	expect "the name outlives the driver that told it" "$igb $nvme" \
		"$(address_of $nic) $(address_of $drive)"
	expect_status "both back" 0 iov unbind $nic $drive
	expect "with their drivers" "igb nvme" "$(driver_of $igb) $(driver_of $nvme)"

	cat > /tmp/host.yaml <<-END
		devices:
		  - device: $nic
		    vfs:
		      count: 2
		      driver: vfio-pci
		      each:
		        - index: 1
		          mac: 02:00:00:00:00:02
		  - device: $drive
		    driver: vfio-pci
	END
	expect_status "a file of names" 0 iov apply /tmp/host.yaml
	expect "is applied to the cards" "vfio-pci vfio-pci 02:00:00:00:00:02" \
		"$(driver_of $nvme) $(driver_of "$(address_of $nic/vf0)") $(
			iov vf list $igb --json | gojq -r '.vfs[1].mac')"
	expect "once" 0 "$(iov plan /tmp/host.yaml --json | gojq '.steps | length')"
}

if [ "${1:-}" = inside ]; then
	inside "${@:2}"
	exit
fi

host() { IOVKIT_BUILD=$IOVKIT_BUILD "$lab/lab" exec --tries 3 --topology minimal "$@"; }

host --device igb --device nvme --device e1000e -- \
	"$0" inside 0000:01:00.0 0000:02:00.0 0000:03:00.0 1 || exit
host --device edu --device igb --device e1000e --device edu --device nvme -- \
	"$0" inside 0000:02:00.0 0000:05:00.0 0000:03:00.0 2
