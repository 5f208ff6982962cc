#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kill -9 in the middle of iov bind, then iov recover: as before, or as asked.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
echo 4 > $pci/$pf/sriov_numvfs
vfs=(0000:01:10.0 0000:01:10.2 0000:01:10.4 0000:01:10.6)
drivers() { for device in "${vfs[@]}"; do driver_of "$device"; done | paste -sd' ' -; }
overrides() { cat "${vfs[@]/%//driver_override}" | paste -sd' ' -; }
cd $pci

# Each write takes a while, so that there is a middle
killed()
{
	local tracer iov
	strace -qq -f -e trace=write -e inject=write:delay_enter=300000 -o /dev/null \
		iov bind "${vfs[@]}" --driver vfio-pci --jobs 1 > /dev/null 2>&1 &
	tracer=$!
	while [ "$(driver_of "${vfs[1]}")" != vfio-pci ]; do
		sleep 0.05
		kill -0 $tracer || fail "it ended before it could be killed"
	done
	iov=$(pgrep -o -x iov)
	kill -9 "$iov"
	wait $tracer || :
	[ "$(driver_of "${vfs[3]}")" = igbvf ] || fail "it was over before it was killed"
}

before="$(drivers) $(overrides)"
killed
expect_status "another change has to wait" 1 iov bind 0000:05:00.0 --driver vfio-pci
expect_match "and says for what" 'interrupted.*iov recover' "$err"
iov recover
expect "undone" "$before" "$(drivers) $(overrides)"

killed
iov recover --finish
expect "finished" "vfio-pci vfio-pci vfio-pci vfio-pci" "$(drivers)"
iov unbind "${vfs[@]}"
expect "and back" "$before" "$(drivers) $(overrides)"
