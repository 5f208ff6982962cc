#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal
# Every attribute of VFs as a driver has it that takes them all: set, read back, in a
# host file, taken back, and of 256 VFs in one answer of the kernel.
. "$(dirname "$0")/lib/check.sh"
. "$lab/lib/netdevsim.sh"

# attributes VF...: one line for each
attributes()
{
	iov vf list $pf --json | gojq -c --args '.vfs[$ARGS.positional[] | tonumber] |
		del(.index, .device, .driver, .iommu_group, .netdev, .used_by, .statistics)' "$@"
}
# What the kernel says of a VF, by another program
kernel() { ip link show "$(ls $sim/net | head -n 1)" | sed -n "s/^ *vf $1 //p"; }
none='{"link_state":"auto","mac":"00:00:00:00:00:00","max_rate":0,"min_rate":0,"qos":0,"rss_query":false,"spoofchk":false,"trust":false,"vlan":0,"vlan_protocol":"802.1Q"}'
some='{"link_state":"enable","mac":"00:00:00:00:00:00","max_rate":2,"min_rate":1,"qos":0,"rss_query":false,"spoofchk":false,"trust":true,"vlan":0,"vlan_protocol":"802.1Q"}'
all='{"link_state":"enable","mac":"02:00:00:00:00:07","max_rate":1000,"min_rate":10,"qos":3,"rss_query":true,"spoofchk":true,"trust":true,"vlan":100,"vlan_protocol":"802.1ad"}'

netdevsim 2
pretend_pf 2
expect "as they come" "$none"$'\n'"$none" "$(attributes 0 1)"
set_all=(iov vf set $pf 1 --mac 02:00:00:00:00:07 --vlan 100 --qos 3 --vlan-protocol 802.1ad
	--spoofchk on --trust yes --rss-query 1 --max-rate 1000 --min-rate 10 --link-state enable)
expect_status "all of them at once" 0 "${set_all[@]}"
expect "they are listed, and the other VF has none of them" "$none"$'\n'"$all" "$(attributes 0 1)"
expect_match "the kernel has them" "02:00:00:00:00:07 .*vlan 100, qos 3, vlan protocol 802.1ad,.*\
max_tx_rate 1000Mbps, min_tx_rate 10Mbps, spoof checking on, link-state enable, trust on, query_rss on" "$(kernel 1)"
expect_status "the same again" 0 "${set_all[@]}"
expect_match "nothing to do" "nothing to do" "$out"

expect_status "one rate" 0 iov vf set $pf 1 --max-rate 500
expect_match "the other one stays" "max_tx_rate 500Mbps, min_tx_rate 10Mbps" "$(kernel 1)"
expect_status "no rates, another link, a tag of the usual kind" 0 \
	iov vf set $pf 1 --max-rate 0 --min-rate 0 --link-state disable --vlan-protocol 802.1Q
expect_match "the VLAN stays" "vlan 100, qos 3, spoof.*link-state disable" "$(kernel 1)"
expect_status "the rare kind again" 0 iov vf set $pf 1 --vlan-protocol 802.1ad
expect_status "no VLAN, no switches" 0 \
	iov vf set $pf 1 --vlan 0 --spoofchk off --trust no --rss-query false --link-state auto
expect "nothing is left but the MAC" "${none/00:00:00:00:00:00/02:00:00:00:00:07}" "$(attributes 1)"

# In switchdev mode the driver has no rates, and says so after it took the rest
devlink dev eswitch set netdevsim/netdevsim10 mode switchdev
before=$(attributes 1)
expect_status "one that is refused" 1 iov vf set $pf 1 --trust on --vlan 7 --max-rate 5
expect_match "is named" "netdevsim has no max-rate for VFs .*as it was before" "$err"
expect "the others were taken back" "$before" "$(attributes 1)"
devlink dev eswitch set netdevsim/netdevsim10 mode legacy

cat > /tmp/host.yaml << END
devices:
  - device: path=$pf
    vfs:
      count: 2
      link_state: enable
      each:
        - {index: 0, trust: on, min_rate: 1, max_rate: 2}
        - {index: 1, mac: "02:00:00:00:00:07", vlan: 100, qos: 3, vlan_protocol: 802.1ad,
           spoofchk: on, trust: on, rss_query: on, max_rate: 1000, min_rate: 10}
END
expect_status "a host file" 0 iov apply /tmp/host.yaml
before=$(attributes 0 1)
expect "is true of both VFs" "$some"$'\n'"$all" "$before"
expect_status "again" 0 iov apply /tmp/host.yaml
expect_match "nothing to do" "nothing to do" "$out"
iov snapshot > /tmp/snapshot.yaml
netdevsim 2
expect "a new device" "$none"$'\n'"$none" "$(attributes 0 1)"
expect_status "gets the snapshot" 0 iov apply /tmp/snapshot.yaml
expect "and is as the old one" "$before" "$(attributes 0 1)"

umount $pci
netdevsim 256
pretend_pf 256
expect_status "the last of 256 VFs" 0 iov vf set $pf 255 --mac 02:00:00:00:00:07 --vlan 100 --qos 3 \
	--vlan-protocol 802.1ad --spoofchk on --trust yes --rss-query 1 --max-rate 1000 --min-rate 10 --link-state enable
iov vf list $pf --json > /tmp/list
expect "has all of them" 1 "$(grep -c '"vlan_protocol": *"802.1ad"' /tmp/list)"
expect "and the others are listed" 255 "$(grep -c '"link_state": *"auto"' /tmp/list)"
# More than the length of an attribute can tell
expect "each with its statistics" 256 "$(gojq '[.vfs[].statistics.rx_packets] | length' /tmp/list)"

# One question for all of them, as ip asks it: how often sockets are written and read, and how long it takes
netdev=$(ls $sim/net | head -n 1)
milliseconds() { local begin=${EPOCHREALTIME/./}; "$@" > /dev/null; echo $(((${EPOCHREALTIME/./} - begin) / 1000)); }
by_iov() { iov vf list $pf --json; }
by_ip() { ip -s -d -j link show "$netdev"; }
for round in 1 2 3; do
	echo "256 VFs with all attributes, round $round: iov $(milliseconds by_iov) ms, ip $(milliseconds by_ip) ms"
done
if command -v strace > /dev/null; then
	# messages COMMAND...: requests and answers
	messages()
	{
		strace -f -qq -e trace=sendto,sendmsg,recvmsg,recvfrom -o /tmp/trace "$@" > /dev/null
		echo "$(grep -cE 'send(to|msg)\(.*NETLINK' /tmp/trace) $(grep -E 'recv(from|msg)\(.*NETLINK' /tmp/trace | grep -vc MSG_PEEK)"
	}
	ours=$(messages iov vf list $pf --json)
	echo "netlink messages asked and read: iov $ours, ip $(messages ip -s -d -j link show "$netdev")"
	[ "${ours% *}" -le 16 ] || fail "256 VFs are asked for one by one: $ours messages"
	echo "ok: 256 VFs in a few messages"
fi
