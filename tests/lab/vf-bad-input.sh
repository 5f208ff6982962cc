#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb --device edu
# What cannot be done is refused in one line that names the thing; the host stays as it is.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0 vf=0000:01:10.2
iov vf create $pf --count 2 --driver none > /dev/null
before=$(iov vf list $pf)

# refused WHAT STATUS REGULAR-EXPRESSION ARGUMENT...
refused()
{
	local what=$1 wanted=$2 pattern=$3
	shift 3
	expect_status "$what" "$wanted" iov vf "$@"
	expect_match "... in words" "^iov: .*$pattern" "$err"
	expect "... in one line" 1 "$(wc -l <<< "$err")"
}

refused "a function that is not there" 4 "0000:09:00.0" create 0000:09:00.0 --count 1
refused "no address and no interface" 4 "eth99" create eth99 --count 1
refused "a function without SR-IOV" 1 "0000:02:00.0 has no SR-IOV" create 0000:02:00.0 --count 1
refused "a VF as PF" 2 "$vf is a VF \(VF 1 of $pf\)" create $vf --count 1
refused "more than the total" 2 "at most 7" create $pf --count 8
refused "none" 2 "iov vf remove" create $pf --count 0
refused "a MAC too short" 2 "02:00:00:00:00.*six" set $pf 0 --mac 02:00:00:00:00
refused "a multicast MAC" 2 "multicast" set $pf 0 --mac 01:00:5e:00:00:01
refused "the zero MAC" 2 "zero" set $pf 0 --mac 00:00:00:00:00:00
refused "a VLAN above 4094" 2 "4095.*4094" set $pf 0 --vlan 4095
refused "a group of rates at a driver without devlink" 1 "igb.* has no tx-parent for VFs .*no ports of devlink" \
	set $pf 0 --tx-parent gold --trust on
refused "an index too high" 4 "no VF 2.*from 0 to 1" set $pf 2 --vlan 1
printf 'devices:\n  - device: %s\n    vfs: {count: %s, tx_parent: gold}\n' $pf 3 > /tmp/rates.yaml
expect_status "a plan with one for VFs to come" 1 iov plan /tmp/rates.yaml
expect_match "... says so" "igb.* has no tx-parent for VFs .*no ports of devlink" "$err"
expect_status "no count" 2 iov vf create $pf
expect_status "no attribute" 2 iov vf set $pf 0
expect_status "an unknown driver" 2 iov vf create $pf --count 2 --driver e1000
expect "nothing changed" "$before" "$(iov vf list $pf)"

refused_as_user()
{
	expect_status "$1" 1 setpriv --reuid 65534 --clear-groups "$(command -v iov)" vf "${@:2}"
	expect_match "... root is named" "root" "$err"
}
refused_as_user "creating as a user" create $pf --count 3
refused_as_user "setting as a user" set $pf 0 --vlan 1
refused_as_user "removing as a user" remove $pf
expect "nothing changed" "$before" "$(iov vf list $pf)"

iov vf remove $pf > /dev/null
echo $pf > $pci/$pf/driver/unbind
refused "a PF without driver" 1 "$pf has no driver" create $pf --count 1
modprobe vfio-pci
echo vfio-pci > $pci/$pf/driver_override
echo $pf > /sys/bus/pci/drivers_probe
refused "a PF whose driver creates none" 1 "creates no VFs unless.*enable_sriov=1.*as it was before" create $pf --count 1
expect "no VF" 0 "$(< $pci/$pf/sriov_numvfs)"
