# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What hardware a virtual host has, as QEMU arguments in the array `hardware`.
# Each device sits on a root port of its own, so that it has its own slot, bus
# and IOMMU group, unless the topology is about something else.

no_hardware()
{
	hardware=()
	drivers=()   # what to load for it
	coldplug=''  # set when only a modalias can tell
	iommu=yes
	ports=0 nics=0 nvmes=0
}

topologies='default        two igb on two NUMA nodes, an nvme with VFs, a PCIe-to-PCI bridge with two e1000, an edu
minimal        no device but what --device adds
switch         a PCIe switch, two downstream ports with an e1000e each: one group per port and device
noacs          two root ports as functions of one slot, the second without ACS, an igb under each
multifunction  one slot with two functions and no ACS between them: one group
noiommu        an igb on a host without an IOMMU'

add() { hardware+=("$@"); }

# root_port [BUS [PROPERTIES]]: a new root port; its name is in $port
root_port()
{
	ports=$((ports + 1))
	port=rp$ports
	add -device "pcie-root-port,id=$port,bus=${1:-pcie.0},chassis=$ports,slot=$ports${2:+,$2}"
}

# nic MODEL BUS [PROPERTIES]: a NIC whose network is its own: a gateway, 10.0.2.2,
# that answers ARP, DHCP and ping, and nothing behind it
nic()
{
	add -netdev "user,id=net$nics,restrict=on,ipv6=off" \
		-device "$1,id=nic$nics,bus=$2,netdev=net$nics,romfile=${3:+,$3}"
	drivers+=("$1")
	[ "$1" != igb ] || drivers+=(igbvf)
	nics=$((nics + 1))
}

# nvme BUS [vfs=N][,most=N]: 2 queues and 1 vector for each VF, 16 left to the PF; one VF has no more
# than those, or up to N queues and half as many vectors
nvme()
{
	local name=nvme$nvmes vfs=4 most='' part parts
	IFS=, read -ra parts <<< "${2#nvme}"
	for part in "${parts[@]}"; do
		case $part in
		vfs=*) vfs=${part#vfs=} ;;
		most=*) most=${part#most=} ;;
		*) vfs= ;;
		esac
	done
	[[ $vfs =~ ^[0-9]+$ && $most =~ ^[0-9]*$ ]] ||
		die "--device nvme,${2:-}: expected nvme, nvme,vfs=N or nvme,most=N"
	nvmes=$((nvmes + 1))
	drivers+=(nvme)
	truncate -s 64M "$work/$name.img"
	add -drive "file=$work/$name.img,if=none,id=$name-disk,format=raw" \
		-device "nvme-subsys,id=$name-subsys" \
		-device "nvme,id=$name,bus=$1,serial=iovkit-$name,subsys=$name-subsys,sriov_max_vfs=$vfs,$(
		)sriov_vq_flexible=$((vfs * 2)),sriov_vi_flexible=$vfs,$(
		)${most:+sriov_max_vq_per_vf=$most,sriov_max_vi_per_vf=$((most / 2)),}$(
		)max_ioqpairs=$((vfs * 2 + 16)),msix_qsize=$((vfs * 2 + 16))" \
		-device "nvme-ns,drive=$name-disk,bus=$name"
}

# nvme_namespaces CONTROLLER: a shared namespace and two private ones that nobody has
nvme_namespaces()
{
	local n
	for n in 2 3 4; do
		truncate -s 16M "$work/$1-$n.img"
		add -drive "file=$work/$1-$n.img,if=none,id=$1-disk$n,format=raw" \
			-device "nvme-ns,drive=$1-disk$n,bus=$1,nsid=$n,$([ $n = 2 ] && echo shared=on || echo shared=off),detached=on"
	done
}

# device SPEC: one more device, on a root port of its own
device()
{
	case $1 in
	nvme | nvme,vfs=* | nvme,most=*)
		root_port pcie.0 mem-reserve=64M
		nvme "$port" "${1#nvme,}"
		;;
	igb | e1000 | e1000e)
		root_port
		nic "$1" "$port"
		;;
	ivshmem)
		root_port
		add -object memory-backend-memfd,id=ivshmem$ports,size=4M,share=on \
			-device ivshmem-plain,memdev=ivshmem$ports,bus="$port"
		;;
	port) root_port ;;
	edu)
		root_port
		add -device "edu,bus=$port"
		;;
	gpu)
		root_port
		add -device "VGA,bus=$port,addr=0.0,multifunction=on,xres=1024,yres=768" \
			-device "ich9-intel-hda,bus=$port,addr=0.1" -device "qemu-xhci,bus=$port,addr=0.2"
		;;
	nvme-spaces)
		root_port pcie.0 mem-reserve=64M
		nvme "$port" vfs=4
		nvme_namespaces "nvme$((nvmes - 1))"
		;;
	edus)
		root_port
		add -device "edu,bus=$port,addr=0.0,multifunction=on" -device "edu,bus=$port,addr=0.1"
		;;
	*)
		root_port
		add -device "$1,bus=$port"
		coldplug=yes
		;;
	esac
}

# The devices of PCI0 are on NUMA node 0: an ACPI table of Scope(\_SB.PCI0) { Name(_PXM, 0) }
main_bus_on_node0()
{
	printf '\x10\x11\\\x2e_SB_PCI0\x08_PXM\x00' > "$work/pxm.aml"
	add -acpitable "sig=SSDT,data=$work/pxm.aml"
}

topology_default()
{
	main_bus_on_node0
	device igb
	add -device pxb-pcie,id=node1,bus=pcie.0,bus_nr=128,numa_node=1
	device nvme
	root_port
	add -device pcie-pci-bridge,id=legacy,bus="$port"
	nic e1000 legacy addr=1
	nic e1000 legacy addr=2
	device edu
	root_port node1
	nic igb "$port"
}

topology_minimal() { :; }

topology_switch()
{
	root_port
	add -device x3130-upstream,id=switch,bus="$port"
	for n in 1 2; do
		add -device xio3130-downstream,id=down$n,bus=switch,chassis=$((100 + n)),slot=$n
		nic e1000e down$n
	done
}

topology_noacs()
{
	root_port pcie.0 addr=8.0,multifunction=on
	nic igb "$port"
	root_port pcie.0 addr=8.1,disable-acs=on
	nic igb "$port"
}

topology_multifunction()
{
	device edus
}

topology_noiommu()
{
	iommu=
	device igb
}
