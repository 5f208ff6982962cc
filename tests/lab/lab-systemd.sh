#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: outside
# The host boots with systemd and udev, and what it wrote is there in the next boot.
. "$(dirname "$0")/lib/check.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
host() { "$lab/lab" exec --tries 3 --systemd --state "$work/host.img" --topology minimal --device e1000e "$@"; }

expect_status "the command's status" 7 host -- sh -c '
	cat /proc/1/comm; systemctl is-system-running --wait
	udevadm settle; basename $(readlink /sys/bus/pci/devices/0000:01:00.0/driver)
	echo kept > /etc/kept; exit 7'
expect "systemd is up, udev loaded the driver" "systemd running e1000e" "$(paste -sd' ' - <<< "$out")"
expect_status "a second boot, which ends with a power loss" 0 host --power-loss -- sh -c '
	cat /etc/kept; echo synced > /etc/synced; sync; echo lost > /etc/lost
	echo b > /proc/sysrq-trigger; sleep 60'
expect "it has the file of the first" kept "$out"
expect_status "a third" 0 host -- sh -c 'cat /etc/synced; ls /etc/lost || :'
expect "what was on disk survived, the rest not" synced "$out"
