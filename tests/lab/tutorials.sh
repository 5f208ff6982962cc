#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --management --device igb
# Each tutorial works, command by command, and prints what it shows.
. "$(dirname "$0")/lib/check.sh"

jq() { gojq "$@"; }
export -f jq
cd /tmp
for text in nfv ops bench; do
	expect_status "tutorial for $text" 0 "$lab/lib/tutorial" "$lab/../../docs/tutorials/$text.md"
	echo "$out"
done
