#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# The kernel answers neither rtnetlink nor ethtool, and the start of a module does not end: who
# looks says what was not answered, who changes something gives up and can recover it.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0
module=dummy
expect_status "create 2 VFs" 0 iov vf create $pf --count 2
interface=$(ls $pci/$pf/net)
before=$(iov vf list $pf)
expect "the module is not there" "" "$(ls -d /sys/module/$module 2> /dev/null)"

"$lab/lib/hold-rtnl" &
holder=$!
for attempt in {1..100}; do
	! grep -qs handle_userfault /proc/$holder/stack || break
	sleep 0.1
done
grep -qs handle_userfault /proc/$holder/stack || fail "RTNL is not held: $(cat /proc/$holder/stack)"

silence="the kernel did not answer in time.*pid [0-9]+ waits for that in the kernel in [a-z_]+"
expect_status "the list answers" 0 iov list --timeout 2
expect_match "and says what it does not know" \
	"left out: the permanent address of [a-z0-9]+, by ethtool: $silence" "$err"
expect "once" 1 "$(grep -c "left out" <<< "$err")"
expect_match "what it knows it tells" "$pf" "$out"
expect_status "the description of a function is about who uses it" 1 iov show $pf --timeout 2
expect_match "and says that it cannot tell" "cannot tell who uses what: .*$silence" "$err"
expect_status "the list of VFs needs to know who uses them" 1 iov vf list $pf --timeout 2
expect_match "and says which request was not answered" \
	"cannot tell who uses what: the [a-z]+ of this host, by rtnetlink: $silence" "$err"
expect_status "nor are VFs removed" 1 iov vf remove $pf --timeout 2
expect_match "whose attributes are unknown" "the (VFs|[a-z]+) of .*, by rtnetlink: $silence" "$err"
[ ! -e /var/lib/iovkit/journal ] || fail "a journal is left"

# What hangs and only looks has not kept the lock
expect_status "another change begins" 1 iov vf remove $pf --timeout 2 --wait 1
expect_match "and ends as the first one" "the kernel did not answer in time" "$err"

iov list --timeout 300 > /dev/null 2>&1 &
waiting=$!
sleep 1
kill $waiting
status=0
wait $waiting || status=$?
expect "a signal ends who waits" 143 $status

cat > /tmp/host.yaml <<END
modules: [$module]
END
expect_status "the module does not come to an end" 1 iov apply /tmp/host.yaml --timeout 2
expect_match "which is told" "load module $module: $silence" "$err"
expect_match "as is the way on" "has not answered '.*$module.*' yet.*iov recover" "$err"
[ -e /var/lib/iovkit/journal ] || fail "no journal is left"
expect_status "while the kernel may go on nobody recovers" 1 iov recover --wait 1
expect_match "and is told who has the lock" "pid [0-9]+ .* holds the lock" "$err"

kill -KILL $holder
wait $holder || :
expect_status "recover, now that the kernel has answered" 0 iov recover
expect "everything is as before" "$before" "$(iov vf list $pf)"
expect "the interface as well" "$interface" "$(ls $pci/$pf/net)"
