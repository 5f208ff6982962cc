#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: outside
# A host that does not come up, dies or takes too long says so, and nothing stays behind.
. "$(dirname "$0")/lib/check.sh"

TMPDIR=$(mktemp -d)
export TMPDIR IOVKIT_SOAK=1 # as limits are here what they say
trap 'rm -rf "$TMPDIR"' EXIT

expect_status "a device unknown to QEMU" 125 "$lab/lab" exec --device no-such-device -- true
expect_match "QEMU's reason" "^lab: the host did not come up: .*'no-such-device' is not a valid" "$err"
expect_status "a topology unknown" 125 "$lab/lab" exec --topology no-such -- true
expect_match "the list is named" "no-such.*lab topologies" "$err"
expect_status "a kernel panic, twice" 125 "$lab/lab" exec --topology minimal --tries 2 -- \
	bash -c 'echo 5 > /proc/sys/kernel/printk; echo c > /proc/sysrq-trigger; sleep 60'
expect_match "it was tried again" 'died under the command: .*trying again' "$err"
expect_match "the kernel's last word" $'\nlab: the host died under the command: .*Kernel panic' "$err"
expect_status "a guest in it that died, twice" 125 \
	"$lab/lab" exec --topology minimal --tries 2 -- sh -c 'exit 125'
expect_match "that was tried again, too" '^lab: a guest died under the command.*trying again' "$err"
expect_status "a command that takes too long" 124 \
	"$lab/lab" exec --topology minimal --timeout 8 -- sh -c 'echo first; sleep 100'
expect "its output until then" first "$out"
expect_match "the timeout is told" 'timeout.* 8 s' "$err"
expect_match "and who is waiting for what" $'[0-9]: sleep 100\n[0-9]+: [0-9]+ .sleep. S hrtimer_nanosleep\n' "$err"

"$lab/lab" exec --topology minimal --timeout 8 -- sh -c 'echo up; sleep 100' \
	> "$TMPDIR/out" 2> "$TMPDIR/err" &
pid=$!
until [ -s "$TMPDIR/out" ]; do sleep 0.1; done
kill -STOP "$(pgrep -f "path=$TMPDIR/iovkit-lab")"
status=0
wait $pid || status=$?
expect "a host that hangs" 125 $status
expect_match "and is told from a command that takes too long" 'the host hangs' "$(cat "$TMPDIR/err")"
rm "$TMPDIR"/{out,err}

"$lab/lab" exec --topology minimal -- sleep 100 &
pid=$!
until qemu=$(pgrep -f "path=$TMPDIR/iovkit-lab"); do sleep 0.1; done
kill -TERM $pid
status=0
wait $pid || status=$?
expect "status after SIGTERM" 143 $status
! kill -0 "$qemu" 2>/dev/null || fail "QEMU outlives the lab"
expect "nothing is left in TMPDIR" "" "$(ls "$TMPDIR")"
