#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --topology minimal
# An uplink with flow rules: frames for the address that a guest was given come by a queue
# of the guest's own worker, and by another one when that changes.
. "$(dirname "$0")/lib/check.sh"

start_iovd --no-huge --workers 0,1
iov bridge add lan > /dev/null
expect_status "a tap as uplink" 0 iov port add up --type ethdev --device net_tap0,iface=tap0 \
	--bridge lan
for cpu in 0 1; do
	iov port add vm$cpu --type vhost-user --socket /run/vm$cpu --server --bridge lan --cpus $cpu \
		--mac 02:00:00:00:00:0$cpu > /dev/null
done
rules() { iov port show up --json | gojq .flow_rules; }
expect "no rule for guests that are not there" 0 "$(rules)"

iov bench net /run/vm0,/run/vm1 --no-huge --no-headroom --rate 10 --seconds 200 > /tmp/bench.log 2>&1 &
bench=$!
for _ in {1..300}; do
	[ "$(rules)" != 2 ] || break
	kill -0 $bench || fail "$(cat /tmp/bench.log)"
	sleep 0.1
done
expect "a rule for each guest" 2 "$(rules)"

# queue_of ADDRESS: by which one frames for it come
queue_of()
{
	local before after
	before=$(iov port show up --json | gojq -c '[.rings[].frames]')
	ip neighbour replace 10.9.0.2 lladdr $1 dev tap0 nud permanent
	ping -q -c 50 -i 0.01 -w 2 10.9.0.2 > /dev/null || :
	after=$(iov port show up --json | gojq -c '[.rings[].frames]')
	gojq -n "[$before, $after] | transpose | map(.[1] - .[0]) | index(max)"
}
ip address add 10.9.0.1/24 dev tap0
for cpu in 0 1; do
	cpus=$(iov port show up --json | gojq -c '[.rings[].cpu]')
	queue=$(queue_of 02:00:00:00:00:0$cpu)
	expect "frames for the guest of CPU $cpu" $cpu "$(gojq -n "${cpus}[$queue]")"
done
iov port set vm0 --cpus 1 > /dev/null
expect "frames for a guest that moved to CPU 1" 1 "$(gojq -n "${cpus}[$(queue_of 02:00:00:00:00:00)]")"
kill $bench
wait $bench || :
for _ in {1..100}; do
	[ "$(rules)" != 0 ] || break
	sleep 0.1
done
expect "no rule when they are gone" 0 "$(rules)"
stop_iovd
