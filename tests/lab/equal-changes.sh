#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --topology minimal --device igb
# Equal changes at once: one of them is made, the others find nothing to do.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
noted() { iov log --json | gojq length; }
last() { iov log --json | gojq -r ".[-1].$1"; }
printf 'devices:\n  - {device: %s, vfs: {count: 2, driver: vfio-pci}}\n' "$pf" > /tmp/equal.yaml
at_once()
{
	local pids=() pid status=0
	for _ in {1..20}; do
		iov "$@" --wait 300 > /dev/null 2>> /tmp/at-once &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || status=$?
	done
	expect "20 times '$*' at once" "0 " "$status $(grep -v 'waiting for another change' /tmp/at-once || :)"
}
for command in "apply /tmp/equal.yaml" "vf create $pf --count 3"; do
	before=$(noted)
	# shellcheck disable=SC2086 # words of a command
	at_once $command
	expect "is one change" "$((before + 1)) done" "$(noted) $(last result)"
done
