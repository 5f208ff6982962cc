#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --topology minimal
# What a guest sends is taken by the worker on the NUMA node of the guest's memory.
. "$(dirname "$0")/lib/check.sh"

start_iovd --no-huge --workers 0,1
expect "two workers, a node each" "0 1" "$(cat /sys/devices/system/node/node[01]/cpulist | paste -sd' ')"
iov bridge add lan > /dev/null
for port in a b; do
	iov port add $port --type vhost-user --socket /run/$port --server --bridge lan > /dev/null
done

# Where both guests send to, of which a process on a CPU is the memory
cpus() { iov port show $1 --json | gojq '.rings[] | select(.ring == 1).cpu'; }

for cpu in 0 1; do
	taskset -c $cpu iov bench net /run/a,/run/b --no-huge --no-headroom --one-way --seconds 20 \
		> /tmp/bench.log 2>&1 &
	bench=$!
	for _ in {1..300}; do
		[ -z "$(cpus b)" ] || break
		kill -0 $bench || fail "$(cat /tmp/bench.log)"
		sleep 0.1
	done
	expect "memory of node $cpu" "$cpu $cpu" "$(cpus a) $(cpus b)"
	[ $cpu = 1 ] || iov port set b --cpus 1 > /dev/null
	[ $cpu = 1 ] || expect "... unless CPUs are named" "0 1" "$(cpus a) $(cpus b)"
	iov port set b --cpus "" > /dev/null
	kill $bench
	wait $bench || :
	for _ in {1..300}; do
		[ -n "$(cpus b)" ] || break
		sleep 0.1
	done
done
stop_iovd
