#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: outside
# The host boots with systemd and udev, and what it wrote is kept; persist-boot boots from that.
. "$(dirname "$0")/lib/check.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
host() { "$lab/lab" exec --tries 3 --systemd --state "$work/host.img" --topology minimal --device e1000e "$@"; }

expect_status "the command's status" 7 host -- sh -c '
	cat /proc/1/comm; systemctl is-system-running --wait
	udevadm settle; basename $(readlink /sys/bus/pci/devices/0000:01:00.0/driver)
	echo kept > /etc/kept; sync; exit 7'
expect "systemd is up, udev loaded the driver" "systemd running e1000e" "$(paste -sd' ' - <<< "$out")"
expect "what it wrote is in the file" kept "$(debugfs -R "cat data/etc/kept" "$work/host.img" 2> /dev/null)"
