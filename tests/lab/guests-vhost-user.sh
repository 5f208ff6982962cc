#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: outside
# Two guests at a switch of iovd: large TCP frames cross whole, or cut for a guest that takes none.
. "$(dirname "$0")/lib/outside.sh"

start_iovd
iov bridge add lan > /dev/null
for name in a b; do
	iov port add $name --type vhost-user --socket "$dir/$name.sock" --server --bridge lan > /dev/null
done

# start NAME ADDRESS DEVICE-PROPERTIES
start()
{
	# shellcheck disable=SC2046 # the arguments are words
	"$lab/guest" start "$1" --emulated $(iov attach "$1" --vmm qemu --memory 256M)"$3"
	"$lab/guest" exec "$1" -- sh -c "ip link set eth0 up && ip address add 10.1.0.$2/24 dev eth0"
}

counter() { iov port stats "$1" --json | gojq ".[0].$2"; }

# stalled GUEST...: what iovd counted, twice, and what the guests say by another way; one that does
# not answer there has been lost by the emulation
stalled()
{
	for _ in 1 2; do
		iov port stats --json >&2
		sleep 2
	done
	iov metrics | grep -E 'queue|worker' >&2 || :
	for name in "$@"; do
		"$lab/guest" exec "$name" --timeout 20 -- \
			sh -c 'cat /proc/uptime /proc/net/dev /proc/interrupts; netstat -tn; dmesg | tail -n 5' >&2 ||
			exit 125
	done
	fail "the transfer did not end"
}

# transfer WHAT FROM TO ADDRESS: 4 MB, compared at the end; mean frame length in $mean
transfer()
{
	local packets bytes
	"$lab/guest" exec "$2" -- sh -c 'head -c 4000000 /dev/urandom > /tmp/data && md5sum < /tmp/data' > "$dir/sent"
	"$lab/guest" exec "$3" -- sh -c 'rm -f /tmp/got; sleep 120 | nc -l -p 7000 > /tmp/got 2> /dev/null &'
	packets=$(counter "$3" tx_packets) bytes=$(counter "$3" tx_bytes)
	"$lab/guest" exec "$2" --timeout 110 -- sh -c "for i in \$(seq 20); do nc -w 20 $4 7000 < /tmp/data && exit; sleep 0.2; done; exit 1" ||
		stalled "$2" "$3"
	for _ in {1..100}; do
		[ "$("$lab/guest" exec "$3" -- stat -c %s /tmp/got)" != 4000000 ] && sleep 0.1 || break
	done
	expect "$1" "$(cat "$dir/sent")" "$("$lab/guest" exec "$3" -- sh -c 'md5sum < /tmp/got')"
	mean=$((($(counter "$3" tx_bytes) - bytes) / ($(counter "$3" tx_packets) - packets)))
}

start a 1 ""
start b 2 ""
expect_status "they answer each other" 0 "$lab/guest" exec a -- ping -c 3 -w 30 10.1.0.2
expect_match "with offloads" "host-tso4" "$(iov port list --json | gojq -c '.[0].features')"
transfer "4 MB arrive as they were sent" a b 10.1.0.2
[ $mean -gt 1600 ] || fail "frames that cross whole: expected more than 1600 bytes in the mean, got $mean"
echo "ok: frames cross whole ($mean bytes in the mean)"

"$lab/guest" stop b
start b 2 ",guest_csum=off,guest_tso4=off,guest_tso6=off"
transfer "4 MB arrive at a guest without offloads" a b 10.1.0.2
[ $mean -le 1514 ] || fail "segments: expected at most 1514 bytes in the mean, got $mean"
echo "ok: frames were cut ($mean bytes in the mean)"
transfer "and come back from it" b a 10.1.0.1

"$lab/guest" stop b
start b 2 ",mrg_rxbuf=off,guest_tso4=off,guest_tso6=off"
transfer "4 MB arrive at a guest without mergeable buffers" a b 10.1.0.2
expect "no header was refused" "null null" \
	"$(counter a 'drops["bad-header"]') $(counter b 'drops["bad-header"]')"
stop_iovd
