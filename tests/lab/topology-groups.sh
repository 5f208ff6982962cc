#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: outside
# Each topology has the groups that it is there for.
. "$(dirname "$0")/lib/check.sh"

# groups TOPOLOGY: one line of BDFs for each group that has an endpoint behind a port
groups()
{
	"$lab/lab" exec --tries 3 --topology "$1" -- bash -c '
		for group in /sys/kernel/iommu_groups/*/devices; do
			[ ! -d "$group" ] || ls "$group" | paste -sd" " -
		done' | grep -E '0000:0[1-9]|0000:00:08' | sort || true
}

expect "switch: each port with its device" "0000:01:00.0
0000:02:00.0 0000:03:00.0
0000:02:01.0 0000:04:00.0" "$(groups switch)"
expect "noacs: one port shares with its device" "0000:00:08.0
0000:00:08.1 0000:02:00.0
0000:01:00.0" "$(groups noacs)"
expect "multifunction: both functions" "0000:01:00.0 0000:01:00.1" "$(groups multifunction)"
expect "noiommu: none" "" "$(groups noiommu)"
